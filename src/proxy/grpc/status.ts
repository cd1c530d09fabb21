import { ERROR_CODES, type ErrorCode } from '../../model/error-codes.ts'

/** Codes of gRPC that the gateway itself answers with. */
const STATUS = {
  CANCELLED: 1,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const

/** Errors that say "too much", whatever status they have elsewhere. */
const EXHAUSTED: ReadonlySet<ErrorCode> = new Set([
  'OVERLOADED',
  'POOL_EXHAUSTED',
  'BODY_TOO_LARGE',
  'HEAD_TOO_LARGE',
  'MESSAGE_TOO_LARGE',
])

/** What an error of the gateway is to a client of gRPC (reliability.md section 5: 14 unavailable, 4 deadline, 8 overload). */
export function grpcStatusOf(code: ErrorCode): number {
  if (EXHAUSTED.has(code)) return STATUS.RESOURCE_EXHAUSTED
  // a call that a route takes is there, whatever status its having no address is over HTTP
  if (code === 'NO_CANDIDATE') return STATUS.UNAVAILABLE
  switch (ERROR_CODES[code].status) {
    case 401:
      return STATUS.UNAUTHENTICATED
    case 403:
      return STATUS.PERMISSION_DENIED
    case 404:
    case 501:
      return STATUS.UNIMPLEMENTED
    case 408:
    case 504:
      return STATUS.DEADLINE_EXCEEDED
    case 499:
      return STATUS.CANCELLED
    case 502:
    case 503:
      return STATUS.UNAVAILABLE
    default:
      return STATUS.INTERNAL
  }
}

/** The trailer lines that end a call with an error of the gateway; they are also the head of an answer that has nothing else. */
export function grpcErrorLines(code: ErrorCode): string {
  const message = encodeMessage(`${code}: ${ERROR_CODES[code].message}`)
  return `grpc-status: ${grpcStatusOf(code)}\r\ngrpc-message: ${message}\r\n`
}

/** Percent-encoded as the protocol has it: `%` and whatever is no printable ASCII. */
function encodeMessage(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x7e]/g, (character) => encodeURIComponent(character))
}

/** Whether a Content-Type is one of gRPC (`application/grpc`, `application/grpc+proto` …; not grpc-web). */
export function isGrpcType(type: string | undefined): boolean {
  return type !== undefined && /^application\/grpc(?:[+;]|$)/.test(type)
}

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
}

/** `grpc-timeout` in milliseconds; null: there is none, or it is none. */
export function readGrpcTimeout(text: string | undefined): number | null {
  const match = text === undefined ? null : /^(\d{1,8})([HMSmun])$/.exec(text)
  return match === null ? null : Number(match[1]) * (UNIT_MS[match[2] as string] as number)
}
