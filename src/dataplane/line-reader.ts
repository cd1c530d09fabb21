/** Text of one line. A model of some thousand outbounds is a few megabytes. */
export const MAX_LINE_BYTES = 64 * 1_048_576

/** Lines of a stream that comes in pieces. What is behind the last end of line is kept for later. */
export class LineReader {
  readonly #onLine: (line: string) => void
  readonly #limit: number
  #parts: Buffer[] = []
  #bytes = 0

  constructor(onLine: (line: string) => void, limit = MAX_LINE_BYTES) {
    this.#onLine = onLine
    this.#limit = limit
  }

  /** Throws for a line that is too long; the stream is then of no use any more. */
  take(chunk: Buffer): void {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.#parts.push(chunk.subarray(from, end))
      const line = Buffer.concat(this.#parts).toString('utf8')
      this.#parts = []
      this.#bytes = 0
      from = end + 1
      if (line !== '') this.#onLine(line)
    }
    if (from === chunk.length) return
    this.#parts.push(chunk.subarray(from))
    this.#bytes += chunk.length - from
    if (this.#bytes > this.#limit) throw new Error(`a line is longer than ${this.#limit} bytes`)
  }
}
