import type { AnswerView } from '../expression/request-view.ts'
import { GatheredBody } from './gathered-body.ts'
import { latin1 } from './http1/latin1.ts'
import type { ResponseHead } from './http1/response-head.ts'

/** An answer whose head waits until all of its body is there, since a rule looks into it (`AnswerRule`). */
export class HeldAnswer {
  /** Its own: that of the connection is used again. */
  readonly head: ResponseHead
  readonly body: GatheredBody
  readonly #maxBytes: number

  constructor(head: ResponseHead, maxBytes: number) {
    this.head = head.copy()
    this.body = new GatheredBody(maxBytes)
    this.#maxBytes = maxBytes
  }

  /** The body as a byte string, without its coding; null: that is none we know, or more than the limit is in it. */
  readBody(): string | null {
    const coding = this.head.fields.get('content-encoding') ?? 'identity'
    const decoded = decode(this.body.whole(), coding, this.#maxBytes)
    return decoded === null ? null : latin1(decoded, 0, decoded.length)
  }
}

/** An answer as its upstream's rule sees it. `body` null: it is absent. */
export function viewAnswer({ status, fields }: ResponseHead, body: string | null): AnswerView {
  return {
    status,
    upstreamStatus: status,
    header: (name) => fields.getLoose(name),
    endpointHost: undefined,
    endpointAddress: undefined,
    endpointPort: undefined,
    body,
  }
}

function decode(bytes: Buffer, coding: string, maxOutputLength: number): Buffer | null {
  const zlib = process.getBuiltinModule('node:zlib')
  try {
    switch (coding.toLowerCase()) {
      case 'identity':
        return bytes
      case 'gzip':
      case 'x-gzip':
        return zlib.gunzipSync(bytes, { maxOutputLength })
      case 'deflate':
        return zlib.inflateSync(bytes, { maxOutputLength })
      case 'br':
        return zlib.brotliDecompressSync(bytes, { maxOutputLength })
      default:
        return null
    }
  } catch {
    // malformed, or longer than the limit when decoded: as good as absent
    return null
  }
}
