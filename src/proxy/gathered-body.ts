/** Copies of the pieces of a body that is wanted as a whole. */
export class GatheredBody {
  readonly parts: Buffer[] = []
  readonly #limit: number
  #bytes = 0

  /** `limit`: bytes from which on it is too long. What is over it is kept all the same: whoever gathers decides what becomes of it. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get isTooLong(): boolean {
    return this.#bytes > this.#limit
  }

  /** The bytes are the caller's again afterwards. */
  add(bytes: Buffer, from: number, to: number): void {
    this.parts.push(Buffer.from(bytes.subarray(from, to)))
    this.#bytes += to - from
  }

  whole(): Buffer {
    return this.parts.length === 1 ? (this.parts[0] as Buffer) : Buffer.concat(this.parts)
  }
}
