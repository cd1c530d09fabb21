/** A set of bytes, for character classes. Changes itself and returns itself. */
export class ByteSet {
  readonly #has = new Uint8Array(256)

  /** Both ends included, 0-255. */
  add(low: number, high: number): this {
    this.#has.fill(1, low, high + 1)
    return this
  }

  union(other: ByteSet): this {
    for (let byte = 0; byte < 256; byte++) if (other.#has[byte] === 1) this.#has[byte] = 1
    return this
  }

  complement(): this {
    for (let byte = 0; byte < 256; byte++) this.#has[byte] = this.#has[byte] === 1 ? 0 : 1
    return this
  }

  /** Adds the other case of every ASCII letter. */
  foldCase(): this {
    for (let upper = 65; upper <= 90; upper++) {
      if (this.#has[upper] === 1 || this.#has[upper + 32] === 1) {
        this.#has[upper] = 1
        this.#has[upper + 32] = 1
      }
    }
    return this
  }

  /** `[\x00-\x09\x0b-\xff]`; `[]` for the empty set. */
  toClass(): string {
    let text = ''
    for (let low = 0; low < 256; low++) {
      if (this.#has[low] !== 1) continue
      let high = low
      while (high < 255 && this.#has[high + 1] === 1) high++
      text += high === low ? hex(low) : `${hex(low)}-${hex(high)}`
      low = high
    }
    return `[${text}]`
  }
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}
