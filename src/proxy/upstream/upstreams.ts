import type { Picker } from '../../balancing/picker.ts'
import { createRoundRobin } from '../../balancing/round-robin.ts'
import { toByteString } from '../../model/byte-string.ts'
import { ENDPOINT_OVERFLOW, rotationIdentity } from '../../model/counters.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import { endpointIdentity } from '../../model/endpoint.ts'
import type { ObjectSource } from '../../model/model.ts'
import type { Upstream } from '../../model/upstream.ts'
import type { UpstreamCell } from '../../routing/table.ts'
import type { ProxyOptions } from '../proxy-contract.ts'
import { EndpointPool, type PoolIdentity, poolKey } from './pool.ts'
import { RetryBudget } from './retry-budget.ts'

/** The box that compiled targets point to. Its content is replaced as a whole; a request reads it once, when it chooses. */
export class Cell implements UpstreamCell {
  readonly id: string
  compiled: CompiledUpstream | null = null
  /** What the content is compiled from when the first request asks for it; null where it is compiled already, or there is none. */
  source: ObjectSource<Upstream> | null = null
  readonly #owner: Upstreams
  constructor(id: string, owner: Upstreams) {
    this.id = id
    this.#owner = owner
  }

  /** null: no such upstream is in force. */
  get current(): CompiledUpstream | null {
    if (this.compiled === null && this.source !== null) this.#owner.load(this)
    return this.compiled
  }
}

/** An upstream ready to serve; immutable but for its budget and its pools' content. */
export interface CompiledUpstream {
  readonly model: Upstream
  readonly endpoints: readonly CompiledEndpoint[]
  readonly picker: Picker
  readonly budget: RetryBudget
  /** `upstreamHost` as it goes on the wire; '' where it is not used. */
  readonly hostField: string
}

export interface CompiledEndpoint {
  readonly model: Endpoint
  /** Host field when the upstream passes the endpoint's name. */
  readonly hostField: string
  /** `host:port` for logs. */
  readonly label: string
  /** Offset of its first counter in the worker's lane. */
  readonly slot: number
  readonly serverName: string
  readonly pool: EndpointPool
  /** TLS with the client's own host as server name: one pool per name. Null where the name is fixed. */
  readonly poolsByName: Map<string, EndpointPool> | null
}

/** Names beyond this share the pool without a server name's own; a client cannot make pools without end. */
const MAX_NAMED_POOLS = 256

/** The pool for an attempt; `clientHost` is the TLS server name where the upstream passes the client's host. */
export function poolFor(endpoint: CompiledEndpoint, clientHost: string): EndpointPool {
  const pools = endpoint.poolsByName
  if (pools === null || isAddress(clientHost)) return endpoint.pool
  let pool = pools.get(clientHost)
  if (pool === undefined) {
    pool = new EndpointPool({ ...endpoint.pool.identity, serverName: clientHost })
    if (pools.size >= MAX_NAMED_POOLS) return pool // never a user: its connections are not kept
    pool.users = 1
    pools.set(clientHost, pool)
  }
  return pool
}

/** All upstreams of a worker: cells by id, pools by address. */
export class Upstreams {
  readonly #cells = new Map<string, Cell>()
  readonly #pools = new Map<string, EndpointPool>()
  readonly #options: ProxyOptions

  constructor(options: ProxyOptions) {
    this.#options = options
  }

  /** The same cell for the same id, also before that upstream exists and after it went. */
  cell(id: string): Cell {
    let cell = this.#cells.get(id)
    if (cell === undefined) {
      cell = new Cell(id, this)
      this.#cells.set(id, cell)
    }
    return cell
  }

  /** Compiles now, changes nothing before the returned function is called. */
  prepare(upserts: readonly Upstream[], removals: readonly string[]): () => void {
    const fresh = new Map<string, EndpointPool>()
    const compiled = upserts.map((upstream) => this.#compile(upstream, fresh))
    return () => {
      // new users first, so that a pool that both old and new upstreams use is never at zero
      for (const upstream of compiled) for (const endpoint of upstream.endpoints) this.#keep(endpoint.pool)
      for (const upstream of compiled) this.#switch(this.cell(upstream.model.id), upstream)
      for (const id of removals) {
        const cell = this.#cells.get(id)
        if (cell !== undefined) this.#switch(cell, null)
      }
    }
  }

  /**
   * The same for many upstreams: they are compiled when a request first asks for them. One whose former content was asked for is compiled now, so
   * that its connections are kept.
   */
  prepareLater(sources: readonly ObjectSource<Upstream>[]): () => void {
    const known: Upstream[] = []
    const cells: Cell[] = []
    const others: ObjectSource<Upstream>[] = []
    for (const source of sources) {
      const cell = this.cell(source.id)
      if (cell.compiled !== null) known.push(source.read())
      else {
        cells.push(cell)
        others.push(source)
      }
    }
    const switchKnown = known.length === 0 ? null : this.prepare(known, [])
    return () => {
      switchKnown?.()
      for (let i = 0; i < cells.length; i++) {
        const cell = cells[i] as Cell
        // one that a request has asked for since is compiled anew for the next
        if (cell.compiled !== null) this.#switch(cell, null)
        cell.source = others[i] as ObjectSource<Upstream>
      }
    }
  }

  /** Compiles a cell's content. What cannot be compiled is logged, and is not there for requests. */
  load(cell: Cell): void {
    const { source } = cell
    cell.source = null
    if (source === null) return
    const fresh = new Map<string, EndpointPool>()
    try {
      const upstream = this.#compile(source.read(), fresh)
      for (const endpoint of upstream.endpoints) this.#keep(endpoint.pool)
      cell.compiled = upstream
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      this.#options.log('error', { upstream: cell.id, error: text }, 'an upstream could not be compiled')
    }
  }

  closeIdle(): void {
    for (const pool of this.#pools.values()) pool.closeIdle()
  }

  #switch(cell: Cell, upstream: CompiledUpstream | null): void {
    const old = cell.compiled
    cell.compiled = upstream
    cell.source = null
    if (old === null) return
    for (const endpoint of old.endpoints) {
      for (const named of endpoint.poolsByName?.values() ?? []) {
        named.users = 0
        named.closeIdle()
      }
      const pool = endpoint.pool
      pool.users--
      if (pool.users > 0) continue
      pool.closeIdle()
      this.#pools.delete(poolKey(pool.identity))
    }
  }

  #keep(pool: EndpointPool): void {
    pool.users++
    this.#pools.set(poolKey(pool.identity), pool)
  }

  #pool(identity: PoolIdentity, fresh: Map<string, EndpointPool>): EndpointPool {
    const key = poolKey(identity)
    const known = this.#pools.get(key) ?? fresh.get(key)
    if (known !== undefined) return known
    const pool = new EndpointPool(identity)
    fresh.set(key, pool)
    return pool
  }

  #compile(model: Upstream, fresh: Map<string, EndpointPool>): CompiledUpstream {
    const endpoints = model.endpoints.map((endpoint) => this.#compileEndpoint(model, endpoint, fresh))
    const { settings, share } = this.#options
    const { retryBudgetRatio, retryBudgetPerSecond } = settings.limits
    return {
      model,
      endpoints,
      picker: this.#compilePicker(model),
      hostField: toByteString(model.upstreamHost === null ? '' : model.upstreamHost),
      budget: new RetryBudget(retryBudgetRatio, retryBudgetPerSecond * share),
    }
  }

  #compileEndpoint(model: Upstream, endpoint: Endpoint, fresh: Map<string, EndpointPool>): CompiledEndpoint {
    const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host
    const isStandardPort = endpoint.port === (model.scheme === 'https' ? 443 : 80)
    const hostField = toByteString(
      isStandardPort || model.nodeHostWithoutPort ? host : `${host}:${endpoint.port}`,
    )
    const serverName = model.scheme === 'https' ? serverNameOf(model, endpoint) : ''
    const slot = this.#options.slot(endpointIdentity(model.id, endpoint))
    return {
      model: endpoint,
      hostField,
      label: `${host}:${endpoint.port}`,
      slot: (slot === 0 ? ENDPOINT_OVERFLOW : slot) * 8,
      serverName,
      pool: this.#pool({ scheme: model.scheme, host: endpoint.host, port: endpoint.port, serverName }, fresh),
      poolsByName: model.scheme === 'https' && model.passHost === 'pass' ? new Map() : null,
    }
  }

  #compilePicker(model: Upstream): Picker {
    switch (model.balancer.kind) {
      case 'roundRobin':
        return createRoundRobin(
          model.endpoints,
          (priority, endpoints) => this.#options.slot(rotationIdentity(model.id, priority, endpoints)),
          this.#options.positions,
        )
      default:
        throw new Error(`balancer ${model.balancer.kind} is not wired yet`)
    }
  }
}

/** TLS server name with `node` and `rewrite`; with `pass` it is the client's host, known per request. Addresses send none. */
function serverNameOf(model: Upstream, endpoint: Endpoint): string {
  if (model.passHost === 'pass') return ''
  const name = model.passHost === 'rewrite' ? (model.upstreamHost as string) : endpoint.host
  if (name.includes('::') || name.startsWith('[')) return ''
  const host = name.split(':')[0] as string
  return isAddress(host) ? '' : host
}

function isAddress(host: string): boolean {
  return host === '' || /^[0-9.]+$/.test(host) || host.includes(':')
}
