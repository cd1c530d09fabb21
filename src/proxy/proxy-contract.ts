import type { Socket as DatagramSocket } from 'node:dgram'
import type { Socket } from 'node:net'
import type { AccessRecord } from '../model/access-record.ts'
import type { ExplainRequest, Explanation, StreamExplanation, StreamQuestion } from '../model/explanation.ts'
import type { HealthLine, OutcomeJudge } from '../model/health.ts'
import type { Listener, Section } from '../model/listener.ts'
import type { ObjectSearch, ObjectSource, Positions } from '../model/model.ts'
import type { Settings } from '../model/settings.ts'
import type { Upstream } from '../model/upstream.ts'
import type { StreamTable } from '../routing/stream-table.ts'
import type { Table, UpstreamCell } from '../routing/table.ts'

import type { Acceptance } from './client.ts'

export type { AccessRecord } from '../model/access-record.ts'
export type { Acceptance } from './client.ts'

/** What a worker hands to the data plane. */
export interface ProxyOptions {
  readonly settings: Settings
  /** Share of this worker in process-wide limits: 1 / number of workers. */
  readonly share: number
  readonly table: Table
  readonly streams: StreamTable
  /** What the listeners search, in order; the last one's surface answers what no route matched. */
  readonly sections: readonly Section[]
  readonly positions: Positions
  /** This worker's counter lane (model/counters.ts). */
  readonly lane: Float64Array
  /** Lines of health in shared memory (model/health.ts); a slot of a `health` identity is the number of a line, 0: it has none. */
  readonly health: Int32Array
  /** Who is told how attempts at an upstream end; null: nobody. `lines`: of its endpoints, in their order. */
  judge(upstream: Upstream, lines: readonly HealthLine[]): OutcomeJudge | null
  /** Slot of an identity in the patch at hand; overflow lines are the caller's business. */
  slot(identity: string): number
  /** Takes one finished exchange; null: nobody wants to know, and no record is made. The caller may change it between two exchanges. */
  readonly accessLog: ((record: AccessRecord) => void) | null
  log(level: 'debug' | 'info' | 'warn' | 'error', fields: object, message: string): void
  /** Addresses (host:port) that no endpoint may lead to: admin and status listeners. */
  readonly forbidden: ReadonlySet<string>
}

/** Where a stream to explain would come in. */
export interface StreamEntrance {
  readonly transport: 'tcp' | 'tls' | 'udp'
  /** `host:port` of the listener. */
  readonly listener: string
  /** What the client came to: the listener's own address, or one of the machine's where the listener takes all of them. */
  readonly localAddress: string
  readonly localPort: number
}

/** The data plane of one worker (proxy/proxy.ts implements it). */
export interface DataPlane {
  /** Takes an accepted connection, after its handshake where it is one of TLS. The caller has set TCP_NODELAY and nothing else. */
  accept(listener: Listener, socket: Socket, acceptance: Acceptance): void
  /** Takes the datagrams of a bound socket. */
  acceptDatagrams(listener: Listener, socket: DatagramSocket): { close(): void }
  /** The box for an upstream; the same object for the same id, also before that upstream exists. */
  upstream(id: string): UpstreamCell
  /** Compiles; nothing changes before the returned function is called, in the tick that also switches the index. */
  prepareUpstreams(upserts: readonly Upstream[], removals: readonly string[]): () => void
  /** The same for many: they are compiled when a request first asks for them. */
  prepareUpstreamsLater(sources: readonly ObjectSource<Upstream>[]): () => void
  /** The same for all that a first model has, by search. */
  prepareUpstreamSearch(search: ObjectSearch<Upstream>): () => void
  /** How short of memory or time the worker is: 1: answers end their connections; 2: new requests get 503. */
  setOverload(level: 0 | 1 | 2): void
  /** Starts the sweep of deadlines. */
  start(): void
  /** Answers carry `Connection: close`, idle connections close, resolves when the last exchange is done or the deadline cut `cut` of them. */
  drain(timeoutMs: number): Promise<{ readonly cut: number }>
  /**
   * The oldest table revision that a running exchange began with; the table's own when none runs. Slots of older revisions are given out
   * again. Where it is left out, they are when a worker has no request for a moment.
   */
  heldRevision?(): number
  /** What would become of a request that comes in at `place`. Sends, counts and moves on nothing. */
  explain(
    request: ExplainRequest,
    place: { readonly address: string; readonly port: number; readonly scheme: 'http' | 'https' },
  ): Explanation
  /** What would become of a stream that comes in at `entrance`. Connects, counts and moves on nothing. */
  explainStream(question: StreamQuestion, entrance: StreamEntrance): StreamExplanation
  readonly stats: { connections: number; inFlight: number; upstreamConnections: number }
}
