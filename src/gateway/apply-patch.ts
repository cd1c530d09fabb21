import type { ModelObject, ObjectSearch, ObjectSource, SmallKind } from '../model/model.ts'
import type { Route } from '../model/route.ts'
import type { Upstream } from '../model/upstream.ts'
import type { PackedObjects, PatchPart } from './messages.ts'
import { PackedSearch, type RouteSource, unpackRoutes, unpackUpstreams } from './model-archive.ts'
import type { SlotTable } from './packed-slots.ts'

/** The part of the routing table that takes edits (routing/routing-table.ts). */
export interface EditableTable {
  begin(): TableEdit
}
export interface TableEdit {
  upsert(route: Route): void
  upsertLater(source: RouteSource): void
  remove(id: string): void
  /** Works until told to yield; true when everything is compiled. */
  work(shouldYield: () => boolean): boolean
  commit(revision: number): void
}

/** The part of the data plane that takes edits. */
export interface EditableUpstreams {
  prepareUpstreams(upserts: readonly Upstream[], removals: readonly string[]): () => void
  prepareUpstreamsLater(sources: readonly ObjectSource<Upstream>[]): () => void
  prepareUpstreamSearch(search: ObjectSearch<Upstream>): () => void
}

/** Where objects of one small kind are held: consumers, certificates, stream routes. `prepare` throws for what it cannot take. */
export interface EditableObjects<T extends ModelObject> {
  prepare(upserts: readonly T[], removals: readonly string[]): () => void
}

export type EditableSmall = { readonly [K in SmallKind]: EditableObjects<Extract<ModelObject, { kind: K }>> }

export interface ApplierOptions {
  readonly table: EditableTable
  readonly upstreams: EditableUpstreams
  readonly small: EditableSmall
  /** Identity to slot, as the objects being compiled see it; the applier keeps it up to date. */
  readonly slots: SlotTable
  readonly onApplied: (revision: number, faults: readonly string[]) => void
  /** Runs the next slice after the loop has served what waits. */
  readonly defer: (work: () => void) => void
  readonly now: () => number
}

const SMALL_KINDS: readonly SmallKind[] = ['consumer', 'certificate', 'streamRoute', 'listener']
/** Longest piece of compilation between two turns of the loop. */
const SLICE_MS = 2
/** Upstreams made known between two looks at the clock. */
const UPSTREAM_BATCH = 100

/** Applies revisions one after the other, each in one tick after all of it is compiled. */
export class PatchApplier {
  readonly #options: ApplierOptions
  readonly #waiting: PatchPart[] = []
  #isWorking = false
  /** A revision is in force. */
  #hasModel = false
  #sliceEnd = 0
  #edit: TableEdit | null = null
  #switches: (() => void)[] = []
  #faults: string[] = []

  constructor(options: ApplierOptions) {
    this.#options = options
  }

  take(part: PatchPart): void {
    this.#waiting.push(part)
    if (!this.#isWorking) this.#run()
  }

  #run(): void {
    for (;;) {
      const part = this.#waiting.shift()
      if (part === undefined) {
        this.#isWorking = false
        return
      }
      this.#isWorking = true
      if (part.isBulk) {
        this.#runSlices(part)
        return
      }
      const work = this.#compile(part)
      while (!work.next().done);
      this.#commitIfLast(part)
    }
  }

  #runSlices(part: PatchPart): void {
    const { now, defer } = this.#options
    const work = this.#compile(part)
    const slice = (): void => {
      const end = now() + SLICE_MS
      this.#sliceEnd = end
      while (now() < end) {
        if (work.next().done) {
          this.#commitIfLast(part)
          defer(() => this.#run())
          return
        }
      }
      defer(slice)
    }
    slice()
  }

  /** Compiles a part, piece by piece. Nothing it does is visible to requests. An object that fails is left out and reported. */
  *#compile(part: PatchPart): Generator<undefined> {
    const { table, upstreams, small, slots, now } = this.#options
    if (part.isFirst) {
      this.#edit = table.begin()
      this.#switches = []
      this.#faults = []
    }
    const edit = this.#edit
    if (edit === null) return
    if (part.slotTable !== null) slots.begin(part.slotTable)
    for (const [identity, slot] of part.slots) slots.set(identity, slot)
    const upserts: Upstream[] = []
    for (const object of part.upserts) if (object.kind === 'upstream') upserts.push(object)
    const removals = removedOf(part, 'upstream')
    if (upserts.length > 0) this.#prepare(upstreams, upserts, [])
    if (removals.length > 0) this.#prepare(upstreams, [], removals)
    for (const kind of SMALL_KINDS) this.#prepareSmall(part, kind, small[kind] as EditableObjects<never>)
    for (const object of part.upserts) {
      if (object.kind !== 'route') continue
      try {
        edit.upsert(object)
      } catch (error) {
        this.#faults.push(`${object.id}: ${messageOf(error)}`)
      }
    }
    if (part.packed !== null) yield* this.#index(part.packed, edit)
    for (const removal of part.removals) if (removal.kind === 'route') edit.remove(removal.id)
    // all routes of a large change are indexed together: sorted, they are mostly appended
    if (part.isBulk && !part.isLast) return
    const shouldYield = part.isBulk ? () => now() >= this.#sliceEnd : () => false
    try {
      while (!edit.work(shouldYield)) yield
    } catch (error) {
      this.#faults.push(`routing table: ${messageOf(error)}`)
    }
  }

  /** Those in shared memory: only what finds them is made now. */
  *#index(packed: PackedObjects, edit: TableEdit): Generator<undefined> {
    let some: ObjectSource<Upstream>[] = []
    // with the first model nobody knows an upstream yet: they are looked for when a request asks
    if (!this.#hasModel)
      this.#switches.push(this.#options.upstreams.prepareUpstreamSearch(new PackedSearch(packed)))
    for (const source of this.#hasModel ? unpackUpstreams(packed) : []) {
      if (some.push(source) < UPSTREAM_BATCH) continue
      this.#prepareLater(some)
      some = []
      yield
    }
    if (some.length > 0) this.#prepareLater(some)
    for (const source of unpackRoutes(packed)) {
      try {
        edit.upsertLater(source)
      } catch (error) {
        this.#faults.push(`${source.id}: ${messageOf(error)}`)
      }
      yield
    }
  }

  #prepareLater(sources: readonly ObjectSource<Upstream>[]): void {
    try {
      this.#switches.push(this.#options.upstreams.prepareUpstreamsLater(sources))
    } catch (error) {
      if (sources.length > 1) for (const source of sources) this.#prepareLater([source])
      else this.#faults.push(`${sources[0]?.id ?? ''}: ${messageOf(error)}`)
    }
  }

  #prepareSmall(part: PatchPart, kind: SmallKind, target: EditableObjects<never>): void {
    const removals = removedOf(part, kind)
    if (removals.length > 0) this.#switches.push(target.prepare([], removals))
    for (const object of part.upserts) {
      if (object.kind !== kind) continue
      try {
        this.#switches.push(target.prepare([object as never], []))
      } catch (error) {
        this.#faults.push(`${object.id}: ${messageOf(error)}`)
      }
    }
  }

  #prepare(target: EditableUpstreams, upserts: readonly Upstream[], removals: readonly string[]): void {
    try {
      this.#switches.push(target.prepareUpstreams(upserts, removals))
    } catch (error) {
      if (upserts.length <= 1) {
        this.#faults.push(`${upserts[0]?.id ?? removals.join(', ')}: ${messageOf(error)}`)
        return
      }
      for (const upstream of upserts) this.#prepare(target, [upstream], [])
    }
  }

  /** Everything of a revision in one tick. */
  #commitIfLast(part: PatchPart): void {
    if (!part.isLast) return
    const edit = this.#edit
    this.#edit = null
    try {
      for (const switchOn of this.#switches) switchOn()
      edit?.commit(part.revision)
    } catch (error) {
      this.#faults.push(`switching on: ${messageOf(error)}`)
    }
    this.#switches = []
    this.#hasModel = true
    for (const identity of part.freed) this.#options.slots.delete(identity)
    this.#options.onApplied(part.revision, this.#faults)
  }
}

function removedOf(part: PatchPart, kind: ModelObject['kind']): readonly string[] {
  return part.removals.filter((removal) => removal.kind === kind).map(({ id }) => id)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
