import { isIPv6, SocketAddress } from 'node:net'
import { BLOCK, ERRORS_LINE, LINE, type WORKER } from '../model/counters.ts'
import { ERROR_CODES, type ErrorCode } from '../model/error-codes.ts'
import type { StreamTable } from '../routing/stream-table.ts'
import type { ChoiceReason, CompiledTarget } from '../routing/table.ts'
import type { ClientConnection } from './client.ts'
import type { Deadlines } from './deadlines.ts'
import type { ClientRules } from './forwarded.ts'
import { plainAddress } from './forwarded.ts'
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

/** Whether an endpoint's address is not for traffic (reliability.md A3): the gateway's own servers, and what only a machine itself may ask (169.254.0.0/16). */
export function isForbidden({ forbidden }: Plane, address: string, port: number): boolean {
  const reached = reachedAddress(address)
  if (reached.startsWith('169.254.')) return true
  const isLoopback = reached.startsWith('127.') || reached === '::1'
  return (
    forbidden.size > 0 && (forbidden.has(`${reached}:${port}`) || (forbidden.has(`*:${port}`) && isLoopback))
  )
}

/** Where a connection to an address ends, in the one form that it is written in: IPv4 is IPv4 however it is mapped, and nobody's address is this machine. */
function reachedAddress(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  if (!address.includes(':') || !isIPv6(address)) return address
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address
  return canonical === '::' ? '::1' : plainAddress(canonical)
}
