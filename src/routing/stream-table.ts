import { compileNetworks } from '../expression/network.ts'
import type { RequestView } from '../expression/request-view.ts'
import { routeIdentity } from '../model/counters.ts'
import type { StreamConditionName } from '../model/explanation.ts'
import type { StreamRoute } from '../model/stream-route.ts'
import { chooseRule, compileRules, type RuleEntry } from './rules.ts'
import { type CompiledRule, type CompileEnvironment, NEEDS_BODY, type Trace } from './table.ts'

/** A stream as conditions and variables see it; what only requests have is empty. */
export interface StreamView extends RequestView {
  readonly transport: 'tcp' | 'tls' | 'udp'
  /** The name asked for in TLS, lower case; null: there is none, or nobody has looked. */
  readonly serverName: string | null
}

/** The first condition of a route that a stream does not meet. */
export interface StreamMisfit {
  readonly condition: StreamConditionName
  readonly expected: string
  readonly actual: string
}

/** A stream route, ready to be tested. Immutable. */
export class CompiledStreamRoute {
  readonly model: StreamRoute
  /** Slot of its counters. */
  readonly slot: number
  readonly rules: readonly RuleEntry[]
  readonly #isServer: ((address: string) => boolean) | null
  readonly #isClient: ((address: string) => boolean) | null

  constructor(model: StreamRoute, env: CompileEnvironment) {
    this.model = model
    this.slot = env.slot(routeIdentity(model.id))
    this.rules = compileRules(model.rules, env, false)
    this.#isServer = model.serverAddresses === null ? null : compileNetworks(model.serverAddresses)
    this.#isClient = model.clients === null ? null : compileNetworks(model.clients)
  }

  /** Whether the stream meets all conditions but that on its name. */
  fits(view: StreamView): boolean {
    const { protocols, serverPorts } = this.model
    return (
      (protocols === null || protocols.includes(view.transport)) &&
      (serverPorts === null || serverPorts.includes(view.localPort)) &&
      (this.#isServer === null || this.#isServer(view.localAddress)) &&
      (this.#isClient === null || this.#isClient(view.clientAddress))
    )
  }

  /** What keeps the stream from this route, its name included; null: nothing does. For explain, in the order of `fits`. */
  misfit(view: StreamView): StreamMisfit | null {
    const { protocols, serverPorts, serverAddresses, clients, serverNames } = this.model
    if (protocols !== null && !protocols.includes(view.transport))
      return { condition: 'protocol', expected: protocols.join(', '), actual: view.transport }
    if (serverPorts !== null && !serverPorts.includes(view.localPort))
      return { condition: 'port', expected: serverPorts.join(', '), actual: String(view.localPort) }
    if (serverAddresses !== null && this.#isServer?.(view.localAddress) === false)
      return { condition: 'serverAddress', expected: serverAddresses.join(', '), actual: view.localAddress }
    if (clients !== null && this.#isClient?.(view.clientAddress) === false)
      return { condition: 'client', expected: clients.join(', '), actual: view.clientAddress }
    if (serverNames !== null && !serverNames.some((name) => coversName(name, view.serverName)))
      return { condition: 'serverName', expected: serverNames.join(', '), actual: view.serverName ?? 'none' }
    return null
  }

  chooseRule(view: StreamView, trace: Trace | null): CompiledRule | null {
    const rule = chooseRule(this.rules, view, trace)
    return rule === NEEDS_BODY ? null : rule
  }
}

/** The stream routes of all sections: those of one name, those of a wildcard, those for all, each in order. */
export class StreamTable {
  readonly #env: CompileEnvironment
  readonly #sections: readonly string[]
  #routes = new Map<string, CompiledStreamRoute>()
  #exact = new Map<string, CompiledStreamRoute[]>()
  /** By what follows the star. */
  #wild = new Map<string, CompiledStreamRoute[]>()
  /** The lengths that keys of `#wild` have, the greatest first. A name has at most 253 characters, so they are never many. */
  #wildLengths: readonly number[] = []
  #named: CompiledStreamRoute[] = []
  #open: CompiledStreamRoute[] = []

  /** `sections`: in the order in which they are searched. */
  constructor(sections: readonly string[], env: CompileEnvironment) {
    this.#sections = sections
    this.#env = env
  }

  get size(): number {
    return this.#routes.size
  }

  routes(): IterableIterator<CompiledStreamRoute> {
    return this.#routes.values()
  }

  /** Whether a route that could take the stream asks for its name: then the ClientHello has to be read first. */
  needsServerName(view: StreamView): boolean {
    return this.#named.some((route) => route.fits(view))
  }

  /** The first route that takes the stream: those of its name, then of the longest wildcard, then those without names. */
  find(view: StreamView): CompiledStreamRoute | null {
    const { serverName } = view
    if (serverName !== null && this.#named.length > 0) {
      const exact = firstFit(this.#exact.get(serverName), view)
      if (exact !== null) return exact
      for (const length of this.#wildLengths) {
        const found = firstFit(this.#wildOf(serverName, length), view)
        if (found !== null) return found
      }
    }
    return firstFit(this.#open, view)
  }

  /**
   * Every route once, in the order of the search: the first one without a misfit is the one that `find` gives. Those whose names are others stand
   * between those of the stream's name and those without names.
   */
  *candidates(view: StreamView): Generator<CompiledStreamRoute> {
    const seen = new Set<CompiledStreamRoute>()
    for (const list of this.#listsOf(view.serverName)) {
      for (const route of list) {
        if (seen.has(route)) continue
        seen.add(route)
        yield route
      }
    }
  }

  *#listsOf(serverName: string | null): Generator<readonly CompiledStreamRoute[]> {
    if (serverName !== null) {
      yield this.#exact.get(serverName) ?? []
      for (const length of this.#wildLengths) yield this.#wildOf(serverName, length) ?? []
    }
    yield this.#named
    yield this.#open
  }

  /** The routes with a wildcard that covers the name by its last characters. */
  #wildOf(serverName: string, length: number): readonly CompiledStreamRoute[] | undefined {
    const { length: whole } = serverName
    return length > whole ? undefined : this.#wild.get(serverName.slice(whole - length))
  }

  /** Gives what switches the change on. Throws for what cannot be compiled. */
  prepare(upserts: readonly StreamRoute[], removals: readonly string[]): () => void {
    const compiled = upserts.map((route) => new CompiledStreamRoute(route, this.#env))
    return () => {
      for (const id of removals) this.#routes.delete(id)
      for (const route of compiled) this.#routes.set(route.model.id, route)
      this.#index()
    }
  }

  /** They are few: all are put in order anew. */
  #index(): void {
    const ordered = [...this.#routes.values()].sort((a, b) => this.#compare(a.model, b.model))
    this.#exact = new Map()
    this.#wild = new Map()
    this.#named = []
    this.#open = []
    for (const route of ordered) {
      const { serverNames } = route.model
      if (serverNames === null) {
        this.#open.push(route)
        continue
      }
      this.#named.push(route)
      for (const name of serverNames) {
        const isWild = name.startsWith('*')
        const map = isWild ? this.#wild : this.#exact
        const key = isWild ? name.slice(1) : name
        const list = map.get(key)
        if (list === undefined) map.set(key, [route])
        else list.push(route)
      }
    }
    this.#wildLengths = [...new Set([...this.#wild.keys()].map(({ length }) => length))].sort((a, b) => b - a)
  }

  #compare(a: StreamRoute, b: StreamRoute): number {
    const section = this.#sections.indexOf(a.section) - this.#sections.indexOf(b.section)
    if (section !== 0) return section
    for (let i = 0; i < Math.max(a.key.length, b.key.length); i++) {
      const difference = (a.key[i] ?? 0) - (b.key[i] ?? 0)
      if (difference !== 0) return difference
    }
    return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
  }
}

/** Whether a name as written in a route covers the one that a stream asks for: a star stands for any text. */
function coversName(written: string, asked: string | null): boolean {
  if (asked === null) return false
  return written.startsWith('*') ? asked.endsWith(written.slice(1)) : asked === written
}

function firstFit(
  routes: readonly CompiledStreamRoute[] | undefined,
  view: StreamView,
): CompiledStreamRoute | null {
  if (routes === undefined) return null
  for (const route of routes) if (route.fits(view)) return route
  return null
}
