import type { ActiveCheck } from '../model/health.ts'
import { describeError, type ProbeResult, type ProbeTarget, timedOut } from './probe-result.ts'

/** `ServingStatus.SERVING` of the gRPC health checking protocol (grpc.health.v1). */
const SERVING = 1

/** One call of grpc.health.v1.Health/Check over HTTP/2 without TLS. SERVING is told as status 200, everything else that answers as 503. */
export async function probeGrpc(check: ActiveCheck, target: ProbeTarget): Promise<ProbeResult> {
  const from = performance.now()
  const { connect, constants } = await import('node:http2')
  return new Promise((resolve) => {
    const host = target.address.includes(':') ? `[${target.address}]` : target.address
    const session = connect(`http://${host}:${check.port ?? target.port}`)
    const end = (result: ProbeResult): void => {
      clearTimeout(timer)
      session.destroy()
      resolve(result)
    }
    const fail = (error: unknown): void =>
      end({ kind: 'tcp', error: describeError(error), tookMs: performance.now() - from })
    const timer = setTimeout(() => end(timedOut(check.timeoutMs, from)), check.timeoutMs)
    session.on('error', fail)
    session.on('goaway', () => fail(new Error('the server went away')))
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
      [constants.HTTP2_HEADER_AUTHORITY]: check.host ?? `${target.host}:${check.port ?? target.port}`,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
      'user-agent': 'headgate-health',
      ...Object.fromEntries(check.headers.map(({ name, value }) => [name.toLowerCase(), value])),
    })
    const parts: Buffer[] = []
    let bytes = 0
    let status: string | undefined
    const note = (fields: Record<string, unknown>): void => {
      if (typeof fields['grpc-status'] === 'string') status = fields['grpc-status']
    }
    stream.on('response', note)
    stream.on('trailers', note)
    stream.on('data', (part: Buffer) => {
      bytes += part.length
      if (bytes > MAX_ANSWER_BYTES) return fail(new Error('the answer is too long'))
      parts.push(part)
    })
    stream.on('error', fail)
    stream.on('end', () => {
      const isServing = status === '0' && readServing(Buffer.concat(parts)) === SERVING
      end({ kind: 'status', status: isServing ? 200 : 503, tookMs: performance.now() - from })
    })
    stream.end(encodeRequest(check.path))
  })
}

const MAX_ANSWER_BYTES = 4096

/** A HealthCheckRequest in gRPC's framing: field 1 is the service's name. */
export function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service, 'utf8')
  const message =
    name.length === 0 ? name : Buffer.concat([Buffer.of(0x0a, ...encodeVarint(name.length)), name])
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

function encodeVarint(value: number): number[] {
  const bytes: number[] = []
  while (value > 127) {
    bytes.push((value & 127) | 128)
    value >>>= 7
  }
  bytes.push(value)
  return bytes
}

/** Field 1 of a HealthCheckResponse; 0 (UNKNOWN) where it is missing or the bytes are no such message. */
export function readServing(frame: Buffer): number {
  if (frame.length < 7 || frame[0] !== 0 || frame.readUInt32BE(1) !== frame.length - 5) return 0
  return frame[5] === 0x08 ? (frame[6] as number) : 0
}
