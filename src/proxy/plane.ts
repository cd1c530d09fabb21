import { BLOCK, ERRORS_LINE, LINE, type WORKER } from '../model/counters.ts'
import { ERROR_CODES, type ErrorCode } from '../model/error-codes.ts'
import type { StreamTable } from '../routing/stream-table.ts'
import type { ChoiceReason, CompiledTarget } from '../routing/table.ts'
import type { ClientConnection } from './client.ts'
import type { Deadlines } from './deadlines.ts'
import type { ClientRules } from './forwarded.ts'
import type { HeadPool } from './http1/head-pool.ts'
import type { Mirrors } from './mirrors.ts'
import type { ProxyOptions } from './proxy-contract.ts'
import type { RequestIdRules } from './request-id.ts'
import type { UpstreamOptions } from './upstream/connection.ts'
import type { Upstreams } from './upstream/upstreams.ts'

/** What all exchanges of a worker share. */
export interface Plane {
  readonly options: ProxyOptions
  readonly deadlines: Deadlines
  readonly upstreams: Upstreams
  readonly streams: StreamTable
  readonly upstreamOptions: UpstreamOptions
  readonly clientRules: ClientRules
  readonly requestId: RequestIdRules
  /** Whether requests carry lines of ours upstream: their id, a traceparent. */
  readonly marksRequests: boolean
  /** Whether answers carry lines of ours to the client: the request's id, the choices (`explainField`). */
  readonly marksAnswers: boolean
  readonly connections: Set<ClientConnection>
  readonly heads: HeadPool
  readonly forbidden: ReadonlySet<string>
  /** Bytes kept for replay by all exchanges of this worker. */
  replayBytes: number
  isDraining: boolean
  /** 0: all is well; 1: connections of clients are not kept; 2: new requests are refused (gateway/overload.ts). */
  overload: 0 | 1 | 2
  inFlight: number
  /** Copies of requests under way. */
  readonly mirrors: Mirrors
  /** Called when a connection closed while draining. */
  onIdle: (() => void) | null
}

const errorOffsets = new Map<ErrorCode, number>(
  (Object.keys(ERROR_CODES) as ErrorCode[]).map((code, i) => [code, ERRORS_LINE * LINE + i]),
)

export function countError(plane: Plane, code: ErrorCode): void {
  const lane = plane.options.lane
  const at = errorOffsets.get(code) as number
  lane[at] = (lane[at] as number) + 1
}

const REASON_CELL: Readonly<Record<ChoiceReason, number>> = {
  weight: BLOCK.WEIGHT,
  forced: BLOCK.FORCED,
  sticky: BLOCK.STICKY,
  failover: BLOCK.FAILOVER,
}

/** A request or stream chose a target. */
export function countChoice(plane: Plane, { slot }: CompiledTarget, reason: ChoiceReason): void {
  const lane = plane.options.lane
  const at = slot * LINE + REASON_CELL[reason]
  lane[at] = (lane[at] as number) + 1
}

export function countWorker(plane: Plane, field: (typeof WORKER)[keyof typeof WORKER], by: number): void {
  const lane = plane.options.lane
  lane[field] = (lane[field] as number) + by
}
