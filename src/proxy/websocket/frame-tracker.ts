/**
 * Follows the frames of a WebSocket in one direction, so that a frame of the gateway's own (Close) can be put between two of them and never
 * inside one. Reads headers only (RFC 6455 section 5.2).
 */
export class FrameTracker {
  /** Bytes of the payload at hand that are still to come. */
  #left = 0
  /** Bytes of the header that have come, and that it has; 2 until its second byte tells. */
  #come = 0
  #size = 2
  /** Bytes of the payload, as far as the header has told. */
  #payload = 0
  /** Where in the header the key begins that masks the payload, which says nothing of its length. */
  #lengthEnd = 2

  /** Whether what was sent so far ends with a frame's end. */
  get isBetweenFrames(): boolean {
    return this.#left === 0 && this.#come === 0
  }

  /** Bytes that went this way. */
  pass(bytes: Buffer, from: number, to: number): void {
    let at = from
    while (at < to) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, to - at)
        this.#left -= taken
        at += taken
      } else this.#takeHeader(bytes[at++] as number)
    }
  }

  #takeHeader(byte: number): void {
    this.#come++
    if (this.#come === 2) {
      const code = byte & 0x7f
      this.#payload = code < 126 ? code : 0
      this.#lengthEnd = code < 126 ? 2 : code === 126 ? 4 : 10
      this.#size = this.#lengthEnd + ((byte & 0x80) === 0 ? 0 : 4)
    } else if (this.#come > 2 && this.#come <= this.#lengthEnd) this.#payload = this.#payload * 256 + byte
    if (this.#come < this.#size) return
    this.#left = this.#payload
    this.#come = 0
    this.#size = 2
  }
}

/** An unmasked Close frame, as servers send it, as a byte string. 1001: going away. */
export function closeFrame(code: number): string {
  return `\x88\x02${String.fromCharCode(code >> 8, code & 0xff)}`
}
