import type { AccessRecord } from '../model/access-record.ts'
import type { Section } from '../model/listener.ts'
import type { StreamRoute } from '../model/stream-route.ts'
import { createDataPlane } from '../proxy/proxy.ts'
import type { DataPlane, ProxyOptions } from '../proxy/proxy-contract.ts'
import { RoutingTable } from '../routing/routing-table.ts'
import { type CompiledStreamRoute, StreamTable, type StreamView } from '../routing/stream-table.ts'
import type { CompileEnvironment, Table } from '../routing/table.ts'
import type { EditableObjects, EditableUpstreams } from './apply-patch.ts'

export interface PlanesOptions {
  readonly sections: readonly Section[]
  readonly compiling: Omit<CompileEnvironment, 'upstream'>
  readonly proxy: Omit<ProxyOptions, 'table' | 'streams' | 'sections'>
  /** Told of each route that a request or stream found, by its slot; absent: nobody wants to know. */
  readonly onFound?: (slot: number) => void
}

/**
 * The data planes of a worker: one for the listeners of the settings, which search all sections in their order, and one for each section whose documents have listeners of
 * their own (Section.hasOwnListeners), which search that section alone. What changes is given to whom it belongs by its section, with which all ids begin.
 */
export class Planes {
  /** The routes of all sections. */
  readonly table: RoutingTable
  readonly #planes = new Map<string, DataPlane>()
  readonly #streams = new Map<string, StreamTable>()
  readonly #accessLogs: { accessLog: ProxyOptions['accessLog'] }[] = []

  constructor({ sections, compiling, proxy, onFound }: PlanesOptions) {
    const shared = sections.filter(({ hasOwnListeners }) => hasOwnListeners !== true)
    const env: CompileEnvironment = { ...compiling, upstream: (id) => this.#ofId(id).upstream(id) }
    this.table = new RoutingTable(
      sections,
      env,
      shared.map(({ name }) => name),
    )
    const groups: (readonly [string, readonly Section[], Table])[] = []
    if (shared.length > 0) groups.push([SHARED, shared, this.table])
    for (const section of sections)
      if (section.hasOwnListeners === true)
        groups.push([section.name, [section], this.table.tableFor([section.name])])
    for (const [name, own, table] of groups) {
      const streams = new NotingStreamTable(
        own.map((section) => section.name),
        env,
        onFound,
      )
      const noting = onFound === undefined ? table : new NotingTable(table, onFound)
      const options = { ...proxy, table: noting, streams, sections: own }
      this.#streams.set(name, streams)
      this.#planes.set(name, createDataPlane(options))
      this.#accessLogs.push(options)
    }
  }

  /** `section`: of a listener that a document asks for; null: of the settings. Throws where there is no such plane. */
  of(section: string | null): DataPlane {
    const plane = this.#planes.get(section ?? SHARED)
    if (plane === undefined)
      throw new Error(`no listener searches the section ${section ?? 'of the settings'}`)
    return plane
  }

  get all(): readonly DataPlane[] {
    return [...this.#planes.values()]
  }

  /** What takes the upstreams of patches. */
  get upstreams(): EditableUpstreams {
    return {
      prepareUpstreams: (upserts, removals) => {
        const switches = [...this.#planes].map(([name, plane]) =>
          plane.prepareUpstreams(
            upserts.filter(({ id }) => this.#nameOf(id) === name),
            removals.filter((id) => this.#nameOf(id) === name),
          ),
        )
        return runAll(switches)
      },
      prepareUpstreamsLater: (sources) => {
        const switches = [...this.#planes].map(([name, plane]) =>
          plane.prepareUpstreamsLater(sources.filter(({ id }) => this.#nameOf(id) === name)),
        )
        return runAll(switches)
      },
      // each asks for those of its own alone
      prepareUpstreamSearch: (search) => runAll(this.all.map((plane) => plane.prepareUpstreamSearch(search))),
    }
  }

  /** What takes the stream routes of patches. */
  get streamRoutes(): EditableObjects<StreamRoute> {
    return {
      prepare: (upserts, removals) => {
        const switches: (() => void)[] = []
        for (const [name, streams] of this.#streams) {
          const own = upserts.filter(({ id }) => this.#nameOf(id) === name)
          const gone = removals.filter((id) => this.#nameOf(id) === name)
          if (own.length > 0 || gone.length > 0) switches.push(streams.prepare(own, gone))
        }
        return runAll(switches)
      },
    }
  }

  setAccessLog(write: ((record: AccessRecord) => void) | null): void {
    for (const options of this.#accessLogs) options.accessLog = write
  }

  /** As DataPlane.heldRevision, of all. */
  heldRevision(): number {
    let held = this.table.revision
    for (const plane of this.all) held = Math.min(held, plane.heldRevision?.() ?? held)
    return held
  }

  async drain(timeoutMs: number): Promise<{ readonly cut: number }> {
    const drained = await Promise.all(this.all.map((plane) => plane.drain(timeoutMs)))
    return { cut: drained.reduce((sum, { cut }) => sum + cut, 0) }
  }

  #nameOf(id: string): string {
    const section = id.slice(0, id.indexOf('/'))
    return this.#planes.has(section) ? section : SHARED
  }

  #ofId(id: string): DataPlane {
    return this.#planes.get(this.#nameOf(id)) ?? (this.all[0] as DataPlane)
  }
}

/** No section is called so. */
const SHARED = ''

function runAll(steps: readonly (() => void)[]): () => void {
  return () => {
    for (const step of steps) step()
  }
}

/** The table, with a note of each route that is found. A class: an object with accessors of its own would be looked up slowly. */
class NotingTable implements Table {
  readonly #inner: Table
  readonly #onFound: NonNullable<PlanesOptions['onFound']>

  constructor(inner: Table, onFound: NonNullable<PlanesOptions['onFound']>) {
    this.#inner = inner
    this.#onFound = onFound
  }

  get revision(): number {
    return this.#inner.revision
  }
  get missSection(): Table['missSection'] {
    return this.#inner.missSection
  }
  get inspector(): Table['inspector'] {
    return this.#inner.inspector
  }

  find(...[view, trace]: Parameters<Table['find']>): ReturnType<Table['find']> {
    const found = this.#inner.find(view, trace)
    if (found !== null && typeof found !== 'symbol') this.#onFound(found.slot)
    return found
  }
}

class NotingStreamTable extends StreamTable {
  readonly #onFound: PlanesOptions['onFound']

  constructor(sections: readonly string[], env: CompileEnvironment, onFound: PlanesOptions['onFound']) {
    super(sections, env)
    this.#onFound = onFound
  }

  override find(view: StreamView): CompiledStreamRoute | null {
    const found = super.find(view)
    if (found !== null) this.#onFound?.(found.slot)
    return found
  }
}
