import type { Dialect, DialectSettings, Lookup } from '../dialects/dialect.ts'
import type { DocumentKey, Fault, StoredDocument, Warning } from '../model/document.ts'
import type { ModelObject } from '../model/model.ts'
import { isDeepEqual } from './deep-equal.ts'
import { DependencyGraph } from './dependency-graph.ts'
import { documentName, type Mirror } from './mirror.ts'

/** How a document stands. `degraded`: it serves, but not all of it acts; `rejected`: it does not serve (or an earlier form of it does). */
export interface DocumentStatus {
  readonly key: DocumentKey
  readonly state: 'accepted' | 'degraded' | 'rejected'
  readonly reasons: readonly Fault[]
  readonly warnings: readonly Warning[]
  readonly sinceMs: number
}

/** A document that changes: its new form, or undefined when it goes. */
export interface DocumentEdit {
  readonly key: DocumentKey
  readonly document: StoredDocument | undefined
}

/** What a change does to the model. Nothing is changed before `apply`; plans must be applied (or dropped) in the order they were made. */
export interface Plan {
  readonly upserts: readonly ModelObject[]
  /** The objects that are replaced or removed, as they were. */
  readonly replaced: readonly ModelObject[]
  readonly removals: readonly { readonly kind: ModelObject['kind']; readonly id: string }[]
  readonly warnings: readonly Warning[]
  /** Documents whose translation failed though they validate: a fault of the dialect. They keep what they had. */
  readonly failures: readonly DocumentStatus[]
  apply(): void
}

interface Translated {
  readonly name: string
  readonly key: DocumentKey
  readonly objects: readonly ModelObject[]
  readonly uses: ReadonlySet<string>
  readonly warnings: readonly Warning[]
}

/** Documents to model objects, document by document, over a dependency graph: what a change costs does not grow with what stays. */
export class Reconciler {
  readonly #dialects = new Map<string, Dialect>()
  readonly #settings: DialectSettings
  readonly #mirror: Mirror
  readonly #graph = new DependencyGraph()
  /** Objects in force, by kind and id, and the document that owns each. */
  readonly #objects = new Map<string, { owner: string; object: ModelObject }>()
  readonly #owned = new Map<string, readonly ModelObject[]>()
  readonly #statuses = new Map<string, DocumentStatus>()
  /** Stored documents that do not validate: they are kept and shown, but nothing is made of them and nobody finds them. */
  readonly #setAside = new Set<string>()
  readonly #now: () => number

  constructor(dialects: readonly Dialect[], settings: DialectSettings, mirror: Mirror, now = Date.now) {
    for (const dialect of dialects) this.#dialects.set(dialect.name, dialect)
    this.#settings = settings
    this.#mirror = mirror
    this.#now = now
  }

  /** Faults of a document by itself. Empty: it may be stored. */
  validate(document: Pick<StoredDocument, 'key' | 'value'>): readonly Fault[] {
    const dialect = this.#dialects.get(document.key.dialect)
    if (dialect === undefined || !dialect.kinds.includes(document.key.kind)) {
      return [
        {
          path: '',
          message: `unknown kind of document: ${document.key.dialect}/${document.key.kind}`,
          hint: null,
        },
      ]
    }
    return dialect.validate(document.key.kind, document.value, this.#settings)
  }

  /**
   * What the edits do to the model. Look-ups see the documents as they will be; a document set to undefined is gone. The edits have been
   * validated.
   */
  plan(edits: readonly DocumentEdit[]): Plan {
    const coming = new Map<string, DocumentEdit>()
    for (const edit of edits) coming.set(documentName(edit.key), edit)
    const todo = new Map<string, DocumentKey>()
    for (const [name, edit] of coming) {
      todo.set(name, edit.key)
      for (const dependent of this.#graph.dependents(name)) {
        const key = this.#statuses.get(dependent)?.key
        if (key !== undefined && !todo.has(dependent)) todo.set(dependent, key)
      }
    }
    const results: Translated[] = []
    const failures: DocumentStatus[] = []
    for (const [name, key] of todo) {
      const edit = coming.get(name)
      const document = edit === undefined ? this.#mirror.get(key) : edit.document
      if (document === undefined) {
        results.push({ name, key, objects: [], uses: NOTHING, warnings: [] })
        continue
      }
      try {
        results.push(this.#translate(name, document, coming))
      } catch (error) {
        const message = `translation failed: ${error instanceof Error ? error.message : String(error)}`
        failures.push(this.#status(key, [{ path: '', message, hint: null }], []))
      }
    }
    return this.#compare(results, failures, coming)
  }

  #translate(name: string, document: StoredDocument, coming: ReadonlyMap<string, DocumentEdit>): Translated {
    const { key } = document
    const dialect = this.#dialects.get(key.dialect)
    if (dialect === undefined) return { name, key, objects: [], uses: NOTHING, warnings: [] }
    const uses = new Set<string>()
    const lookup: Lookup = (kind, id) => {
      const wanted = { dialect: key.dialect, kind, id }
      const wantedName = documentName(wanted)
      uses.add(wantedName)
      const edit = coming.get(wantedName)
      if (edit !== undefined) return edit.document
      return this.#setAside.has(wantedName) ? undefined : this.#mirror.get(wanted)
    }
    const translation = dialect.translate(document, lookup, this.#settings)
    uses.delete(name)
    return {
      name,
      key,
      objects: translation.objects,
      uses: uses.size === 0 ? NOTHING : uses,
      warnings: translation.warnings.map((warning) => ({ key, ...warning })),
    }
  }

  /** Keeps of all that was translated only what is different. */
  #compare(
    results: readonly Translated[],
    failures: readonly DocumentStatus[],
    coming: ReadonlyMap<string, DocumentEdit>,
  ): Plan {
    const upserts = new Map<string, ModelObject>()
    const kept = new Set<string>()
    const replaced: ModelObject[] = []
    for (const result of results) {
      for (const object of result.objects) {
        const id = objectName(object)
        const before = this.#objects.get(id)
        if (before !== undefined && isDeepEqual(before.object, object)) kept.add(id)
        else upserts.set(id, object)
      }
    }
    const removals: Plan['removals'][number][] = []
    for (const result of results) {
      for (const old of this.#owned.get(result.name) ?? []) {
        const id = objectName(old)
        if (kept.has(id) || upserts.has(id)) continue
        if (this.#objects.get(id)?.owner !== result.name) continue
        removals.push({ kind: old.kind, id: old.id })
        replaced.push(old)
      }
    }
    for (const id of upserts.keys()) {
      const before = this.#objects.get(id)
      if (before !== undefined) replaced.push(before.object)
    }
    const warnings = results.flatMap((result) => (coming.has(result.name) ? result.warnings : []))
    return {
      upserts: [...upserts.values()],
      replaced,
      removals,
      warnings,
      failures,
      apply: () => this.#apply(results, failures, coming, removals),
    }
  }

  #apply(
    results: readonly Translated[],
    failures: readonly DocumentStatus[],
    coming: ReadonlyMap<string, DocumentEdit>,
    removals: Plan['removals'],
  ): void {
    for (const name of coming.keys()) this.#setAside.delete(name)
    for (const removal of removals) this.#objects.delete(`${removal.kind}:${removal.id}`)
    for (const result of results) {
      // an object that did not change stays the one in force, so that memory holds it once
      const objects = result.objects.map((object) => {
        const before = this.#objects.get(objectName(object))?.object
        return before !== undefined && isDeepEqual(before, object) ? before : object
      })
      for (const object of objects) this.#objects.set(objectName(object), { owner: result.name, object })
      this.#graph.set(result.name, result.uses)
      if (coming.has(result.name) && coming.get(result.name)?.document === undefined) {
        this.#owned.delete(result.name)
        this.#statuses.delete(result.name)
      } else {
        this.#owned.set(result.name, objects)
        this.#statuses.set(result.name, this.#status(result.key, [], result.warnings))
      }
    }
    for (const failure of failures) this.#statuses.set(documentName(failure.key), failure)
  }

  /** A stored document that does not validate (at start): the rest serves without it. */
  setAside(key: DocumentKey, reasons: readonly Fault[]): void {
    this.#setAside.add(documentName(key))
    this.reject(key, reasons)
  }

  /** Notes that a new form of a document was refused. What served before goes on serving. */
  reject(key: DocumentKey, reasons: readonly Fault[]): void {
    this.#statuses.set(documentName(key), this.#status(key, reasons, []))
  }

  /** A rejected form that is gone again: what serves is as it should be. */
  forgetRejection(key: DocumentKey): void {
    const name = documentName(key)
    if (this.#statuses.get(name)?.state !== 'rejected') return
    if (this.#owned.has(name)) this.#statuses.set(name, this.#status(key, [], []))
    else this.#statuses.delete(name)
  }

  #status(key: DocumentKey, reasons: readonly Fault[], warnings: readonly Warning[]): DocumentStatus {
    const state = reasons.length > 0 ? 'rejected' : warnings.length > 0 ? 'degraded' : 'accepted'
    const before = this.#statuses.get(documentName(key))
    const isSame =
      before !== undefined &&
      before.state === state &&
      isDeepEqual(before.reasons, reasons) &&
      isDeepEqual(before.warnings, warnings)
    return isSame ? before : { key, state, reasons, warnings, sinceMs: this.#now() }
  }

  statuses(): IterableIterator<DocumentStatus> {
    return this.#statuses.values()
  }

  /** Number of documents by dialect, kind and state. */
  counts(): { dialect: string; kind: string; state: DocumentStatus['state']; count: number }[] {
    const counts = new Map<
      string,
      { dialect: string; kind: string; state: DocumentStatus['state']; count: number }
    >()
    for (const { key, state } of this.#statuses.values()) {
      const name = `${key.dialect}/${key.kind}/${state}`
      const entry = counts.get(name)
      if (entry === undefined) counts.set(name, { dialect: key.dialect, kind: key.kind, state, count: 1 })
      else entry.count++
    }
    return [...counts.values()]
  }

  status(key: DocumentKey): DocumentStatus | undefined {
    return this.#statuses.get(documentName(key))
  }

  /** The whole model in force, for a worker that starts. */
  objects(): ModelObject[] {
    const list: ModelObject[] = []
    for (const { object } of this.#objects.values()) list.push(object)
    return list
  }

  get size(): number {
    return this.#objects.size
  }
}

const NOTHING: ReadonlySet<string> = new Set()

function objectName(object: ModelObject): string {
  return `${object.kind}:${object.id}`
}
