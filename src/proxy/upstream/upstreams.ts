import { type CompiledPredicate, compilePredicate } from '../../expression/compile.ts'
import { type CompiledHashKey, compileHashKey } from '../../expression/hash-key.ts'
import type { RequestView } from '../../expression/request-view.ts'
import { toByteString } from '../../model/byte-string.ts'
import { ENDPOINT, ENDPOINT_OVERFLOW, LINE } from '../../model/counters.ts'
import type { Endpoint, EndpointOwn } from '../../model/endpoint.ts'
import { endpointIdentity, endpointLabel, hostPort, isUnresolved } from '../../model/endpoint.ts'
import type { ObjectSearch, ObjectSource } from '../../model/model.ts'
import type { Upstream } from '../../model/upstream.ts'
import { compilePathRewrite } from '../../routing/filters/rewrite-path.ts'
import type { UpstreamCell } from '../../routing/table.ts'
import { clock } from '../clock.ts'
import type { Deadlines } from '../deadlines.ts'
import type { ProxyOptions } from '../proxy-contract.ts'
import { type CompiledAnswers, compileAnswers } from './answer-rule.ts'
import { Balance, type BalanceOptions } from './balance.ts'
import { UpstreamGate } from './gate.ts'
import { ConnectionCount, EndpointPool, type PoolIdentity, poolKey } from './pool.ts'
import { RetryBudget } from './retry-budget.ts'
import { StickyEndpoints } from './sticky-endpoints.ts'
import { type CompiledTls, compileTls } from './tls.ts'

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

  /** Whether it is there, and none of its endpoints can serve. */
  get isOut(): boolean {
    return this.current?.balance.isOut === true
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
  readonly balance: Balance
  /** What a balancer with a key asks; null: it has none, or the request has none. */
  readonly hashKey: CompiledHashKey | null
  /** Bits of RETRY_STATUS at statuses that are tried again; null: none are. */
  readonly retryStatuses: Uint8Array | null
  /** null: nothing keeps clients on an endpoint. */
  readonly sticky: StickyEndpoints | null
  /** Whether each endpoint takes part, by the request; null: all do. */
  readonly conditions: readonly (CompiledPredicate | null)[] | null
  /** What is done with answers before their statuses say anything; null: nothing. */
  readonly answers: CompiledAnswers | null
  /** null: nothing bounds what is sent to it. */
  readonly gate: UpstreamGate | null
  readonly budget: RetryBudget
  /** `upstreamHost` as it goes on the wire; '' where it is not used. */
  readonly hostField: string
  /** Error where it has nobody to send to: all its endpoints may be names without an address. */
  readonly emptyCode: 'NO_ENDPOINT' | 'ENDPOINT_OUT' | 'UPSTREAM_NAME_UNRESOLVED'
}

export interface CompiledEndpoint {
  /** Place in the upstream's list. */
  readonly index: number
  readonly model: Endpoint
  /** Host field when the upstream passes the endpoint's name. */
  readonly hostField: string
  /** `host:port` for logs. */
  readonly label: string
  /** Offset of its first counter in the worker's lane. */
  readonly slot: number
  /** Cell in shared memory that counts its requests in flight over all workers; -1: nobody looks at it. */
  readonly flightAt: number
  readonly serverName: string
  readonly pool: EndpointPool
  /** TLS with the client's own host as server name: one pool per name. Null where the name is fixed. */
  readonly poolsByName: Map<string, EndpointPool> | null
  /** Tells a forward proxy who asks, with each request that it reads; '' where there is nothing to tell. */
  readonly proxyLine: string
  readonly isBehindProxy: boolean
  /** Makes the target that is sent to it, of that behind the request filters; null: that one is sent. */
  readonly aim: EndpointAim | null
}

/** undefined: BAD_REWRITE. */
type EndpointAim = (view: RequestView, target: string) => string | undefined

/** A status is tried again at another endpoint, at the same one, or both. */
export const RETRY_STATUS = { ELSEWHERE: 1, SAME: 2 } as const

/** Where endpoints count together that have no lines of their own: how many connections each has is not told. */
const OVERFLOW = ENDPOINT_OVERFLOW * LINE

/** Names beyond this share the pool without a server name's own; a client cannot make pools without end. */
const MAX_NAMED_POOLS = 256

/** The pool for an attempt; `clientHost` is the TLS server name where the upstream passes the client's host. */
export function poolFor(endpoint: CompiledEndpoint, clientHost: string): EndpointPool {
  const pools = endpoint.poolsByName
  if (pools === null || isAddress(clientHost)) return endpoint.pool
  let pool = pools.get(clientHost)
  if (pool === undefined) {
    const base = endpoint.pool
    pool = new EndpointPool({ ...base.identity, serverName: clientHost }, base.count, base)
    if (pools.size >= MAX_NAMED_POOLS) return pool // never a user: its connections are not kept
    pool.users = 1
    pools.set(clientHost, pool)
    base.named.add(pool)
  }
  return pool
}

/** All upstreams of a worker: cells by id, pools by address. */
export class Upstreams {
  readonly #cells = new Map<string, Cell>()
  readonly #pools = new Map<string, EndpointPool>()
  readonly #searches: ObjectSearch<Upstream>[] = []
  readonly #options: ProxyOptions
  readonly #balancing: BalanceOptions
  readonly #deadlines: Deadlines

  constructor(options: ProxyOptions, deadlines: Deadlines) {
    this.#options = options
    this.#deadlines = deadlines
    const { positions, health, settings } = options
    this.#balancing = {
      positions,
      slot: (identity) => options.slot(identity),
      health,
      judge: (upstream, lines) => options.judge(upstream, lines),
      zone: settings.zone,
      now: () => clock.nowMs,
    }
  }

  /** The same cell for the same id, also before that upstream exists and after it went. */
  cell(id: string): Cell {
    let cell = this.#cells.get(id)
    if (cell === undefined) {
      cell = new Cell(id, this)
      cell.source = this.#find(id)
      this.#cells.set(id, cell)
    }
    return cell
  }

  #find(id: string): ObjectSource<Upstream> | null {
    for (const search of this.#searches) {
      const source = search.find(id)
      if (source !== undefined) return source
    }
    return null
  }

  /** Where upstreams are that nobody has asked for. A cell, once made, knows better. */
  prepareSearch(search: ObjectSearch<Upstream>): () => void {
    return () => this.#searches.push(search)
  }

  /** Compiles now, changes nothing before the returned function is called. */
  prepare(upserts: readonly Upstream[], removals: readonly string[]): () => void {
    const fresh = new Map<string, EndpointPool>()
    const compiled = upserts.map((upstream) =>
      this.#compile(upstream, fresh, this.#cells.get(upstream.id)?.compiled ?? null),
    )
    return () => {
      // new users first, so that a pool that both old and new upstreams use is never at zero
      for (const upstream of compiled) for (const endpoint of upstream.endpoints) this.#keep(endpoint)
      for (const upstream of compiled) this.#switch(this.cell(upstream.model.id), upstream)
      // a cell that says that there is none, where a search would find the old one
      for (const id of removals) this.#switch(this.cell(id), null)
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
      const upstream = this.#compile(source.read(), fresh, null)
      for (const endpoint of upstream.endpoints) this.#keep(endpoint)
      cell.compiled = upstream
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      this.#options.log('error', { upstream: cell.id, error: text }, 'an upstream could not be compiled')
    }
  }

  closeIdle(): void {
    for (const pool of this.#pools.values()) {
      pool.closeIdle()
      for (const named of pool.named) named.closeIdle()
    }
  }

  #switch(cell: Cell, upstream: CompiledUpstream | null): void {
    const old = cell.compiled
    cell.compiled = upstream
    cell.source = null
    if (old === null) return
    old.gate?.close()
    for (const endpoint of old.endpoints) {
      for (const named of endpoint.poolsByName?.values() ?? []) {
        named.users = 0
        named.closeIdle()
        endpoint.pool.named.delete(named)
      }
      const { pool, model } = endpoint
      if (endpoint.slot !== OVERFLOW) pool.count.hide(endpoint.slot + ENDPOINT.CONNECTIONS)
      if (model.state !== 'ready') continue
      pool.users--
      if (pool.users > 0) continue
      pool.closeIdle()
      this.#pools.delete(poolKey(pool.identity))
    }
  }

  /** An endpoint that gets no new requests is no user: connections to it close when they are free. */
  #keep(endpoint: CompiledEndpoint): void {
    const { pool, model } = endpoint
    if (endpoint.slot !== OVERFLOW) pool.count.show(endpoint.slot + ENDPOINT.CONNECTIONS)
    if (model.state !== 'ready') return
    pool.users++
    this.#pools.set(poolKey(pool.identity), pool)
  }

  #pool(identity: PoolIdentity, fresh: Map<string, EndpointPool>): EndpointPool {
    const key = poolKey(identity)
    const known = this.#pools.get(key) ?? fresh.get(key)
    if (known !== undefined) return known
    const pool = new EndpointPool(identity, new ConnectionCount(this.#options.lane))
    fresh.set(key, pool)
    return pool
  }

  /** `before`: what the cell holds now. */
  #compile(
    model: Upstream,
    fresh: Map<string, EndpointPool>,
    before: CompiledUpstream | null,
  ): CompiledUpstream {
    const balance = new Balance(model, this.#balancing, before?.balance ?? null)
    const tls = compileTls(model.tls)
    const endpoints = model.endpoints.map((endpoint, index) =>
      this.#compileEndpoint({ model, endpoint, index, balance, fresh, tls }),
    )
    const { settings, share } = this.#options
    const budget = model.retry.budget ?? {
      ratio: settings.limits.retryBudgetRatio,
      perSecond: settings.limits.retryBudgetPerSecond,
    }
    const hashKey = model.hashKey === null ? null : compileHashKey(model.hashKey)
    return {
      model,
      endpoints,
      balance,
      hashKey,
      retryStatuses: tableOf(model),
      sticky: model.sticky === undefined ? null : new StickyEndpoints(model.sticky, model.endpoints),
      conditions: conditionsOf(model),
      answers: compileAnswers(model),
      gate:
        model.limits === null
          ? null
          : new UpstreamGate(model.limits, {
              share,
              deadlines: this.#deadlines,
              pools: endpoints.map(({ pool }) => pool),
            }),
      hostField: toByteString(model.upstreamHost === null ? '' : model.upstreamHost),
      budget: new RetryBudget(budget.ratio, budget.perSecond * share),
      emptyCode: emptyCodeOf(model),
    }
  }

  #compileEndpoint(parts: {
    readonly model: Upstream
    readonly endpoint: Endpoint
    readonly index: number
    readonly balance: Balance
    readonly fresh: Map<string, EndpointPool>
    readonly tls: CompiledTls
  }): CompiledEndpoint {
    const { model, endpoint, index, balance, fresh, tls } = parts
    const behind = endpoint.own?.behind
    const named = behind ?? endpoint
    const isSecured = isSecure(endpoint.own?.scheme ?? model.scheme)
    const isStandardPort = named.port === (isSecured ? 443 : 80)
    const whole = hostPort(named)
    const hostField = toByteString(
      isStandardPort || model.nodeHostWithoutPort ? whole.slice(0, whole.lastIndexOf(':')) : whole,
    )
    const serverName = isSecured ? serverNameOf(model, named.host) : ''
    const slot = this.#options.slot(endpointIdentity(model.id, endpoint))
    const place = {
      scheme: isSecured ? ('https' as const) : ('http' as const),
      http2: behind === undefined ? http2Of(model, endpoint, isSecured) : ('never' as const),
      calls: model.calls ?? null,
      host: endpoint.address ?? endpoint.host,
      port: endpoint.port,
      ...(behind !== undefined && isSecured ? { tunnel: behind } : {}),
    }
    const isAsked = behind !== undefined && !isSecured
    return {
      index,
      model: endpoint,
      hostField,
      label: endpointLabel(endpoint),
      slot: (slot === 0 ? ENDPOINT_OVERFLOW : slot) * LINE,
      flightAt: balance.flightAt(index),
      serverName,
      pool: this.#pool({ ...place, serverName, tls: isSecured ? tls : compileTls(null) }, fresh),
      poolsByName: isSecured && model.passHost === 'pass' && model.tls?.serverName == null ? new Map() : null,
      aim: endpoint.own === undefined ? null : aimOf(endpoint.own, isAsked ? `http://${hostField}` : ''),
      proxyLine:
        isAsked && behind.authorization !== null ? `Proxy-Authorization: ${behind.authorization}\r\n` : '',
      isBehindProxy: behind !== undefined,
    }
  }
}

/** Whether connections are made over TLS. */
function isSecure(scheme: Upstream['scheme']): boolean {
  return scheme === 'https' || scheme === 'grpcs' || scheme === 'tls'
}

/** What is offered is so in the handshake of TLS: without one it is not. */
function http2Of(model: Upstream, { own }: Endpoint, isSecured: boolean): Upstream['http2'] {
  if (own?.scheme === 'grpc' || own?.scheme === 'grpcs') return 'always'
  return model.http2 === 'offered' && !isSecured ? 'never' : model.http2
}

/** null: no status is in a list. */
function tableOf({ retry }: Upstream): Uint8Array | null {
  const { onStatuses, sameEndpoint } = retry
  const repeated = sameEndpoint === null ? [] : (sameEndpoint.onStatuses ?? onStatuses)
  if (onStatuses.length === 0 && repeated.length === 0) return null
  const table = new Uint8Array(600)
  for (const status of onStatuses) table[status] = RETRY_STATUS.ELSEWHERE
  for (const status of repeated) table[status] = (table[status] as number) | RETRY_STATUS.SAME
  return table
}

function conditionsOf({ endpoints }: Upstream): CompiledUpstream['conditions'] {
  if (endpoints.every(({ own }) => own === undefined || own.when === null)) return null
  return endpoints.map(({ own }) =>
    own === undefined || own.when === null ? null : compilePredicate(own.when),
  )
}

function emptyCodeOf({ endpoints, levels }: Upstream): CompiledUpstream['emptyCode'] {
  if (endpoints.length > 0 && endpoints.every(isUnresolved)) return 'UPSTREAM_NAME_UNRESOLVED'
  const [first, ...others] = endpoints.filter(({ failoverOnly }) => !failoverOnly)
  const isAlone = first !== undefined && others.length === 0 && first.state === 'ready' && first.weight > 0
  return isAlone && levels.panicPercent === null ? 'ENDPOINT_OUT' : 'NO_ENDPOINT'
}

/** An endpoint's own path, or its base before the target's, with one slash at the seam. `origin`: what stands before all of it where a proxy is asked; '' where none is. */
function aimOf({ basePath, path }: EndpointOwn, origin: string): EndpointAim | null {
  if (path !== null) {
    const { target } = compilePathRewrite({ kind: 'template', source: 'path', template: path })
    if (origin === '') return (view) => target(view, { captures: null })
    return (view) => {
      const made = target(view, { captures: null })
      return made === undefined ? undefined : origin + made
    }
  }
  const base = origin + (basePath.endsWith('/') ? basePath.slice(0, -1) : basePath)
  return base === '' ? null : (_view, target) => base + target
}

/** TLS server name with `node` and `rewrite`; with `pass` it is the client's host, known per request. Addresses send none. */
function serverNameOf(model: Upstream, nodeHost: string): string {
  if (model.tls?.serverName != null) return model.tls.serverName
  if (model.passHost === 'pass') return ''
  const name = model.passHost === 'rewrite' ? (model.upstreamHost as string) : nodeHost
  if (name.includes('::') || name.startsWith('[')) return ''
  const host = name.split(':')[0] as string
  return isAddress(host) ? '' : host
}

function isAddress(host: string): boolean {
  return host === '' || /^[0-9.]+$/.test(host) || host.includes(':')
}
