/** Who takes the bytes that may go on; they are the caller's again afterwards. */
export interface MessageSink {
  passMessageBytes(bytes: Buffer, from: number, to: number): void
}

const PREFIX_BYTES = 5

/**
 * Follows the messages of gRPC in one direction and stops before one over a limit: not a byte of it goes on, however its prefix was cut, so that the
 * other side sees whole messages and then the status. A prefix is a flag and the length of what follows (gRPC over HTTP/2, Length-Prefixed-Message).
 */
export class MessageMeter {
  readonly #maxBytes: number
  /** Bytes of the message at hand that are still to come. */
  #left = 0
  /** A prefix that came in pieces: those wait here. */
  readonly #prefix = Buffer.alloc(PREFIX_BYTES)
  #come = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Hands on what may go on. False: a message is too large, and nothing from its beginning went on. */
  pass(bytes: Buffer, from: number, to: number, sink: MessageSink): boolean {
    let at = from
    while (this.#come > 0 && at < to) {
      this.#prefix[this.#come++] = bytes[at++] as number
      if (this.#come < PREFIX_BYTES) continue
      if (!this.#begin(this.#prefix, 0)) return false
      this.flush(sink)
    }
    const start = at
    while (at < to) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, to - at)
        this.#left -= taken
        at += taken
      } else if (to - at < PREFIX_BYTES) {
        this.#come = bytes.copy(this.#prefix, 0, at, to)
        break
      } else if (this.#begin(bytes, at)) at += PREFIX_BYTES
      else {
        if (at > start) sink.passMessageBytes(bytes, start, at)
        return false
      }
    }
    if (at > start) sink.passMessageBytes(bytes, start, at)
    return true
  }

  /** The answer is over: a prefix that was never completed goes on as it came. */
  flush(sink: MessageSink): void {
    const bytes = this.#come
    this.#come = 0
    if (bytes > 0) sink.passMessageBytes(this.#prefix, 0, bytes)
  }

  #begin(bytes: Buffer, at: number): boolean {
    this.#left = bytes.readUInt32BE(at + 1)
    return this.#left <= this.#maxBytes
  }
}
