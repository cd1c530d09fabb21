import { type FieldLine, makeFieldLine } from './field-line.ts'
import { STATIC_TABLE } from './static-table.ts'

/** Size of the table that blocks are made with, at most; the other side may allow less. */
const MAX_TABLE_BYTES = 4096

interface Entry {
  readonly text: string
  readonly size: number
}

/** Writes the fields of one direction of a connection (RFC 7541). Texts are byte strings and go as they are: Huffman's code would cost more than it saves here. */
export class HpackEncoder {
  /** Newest last; `#first` is where the oldest stands. */
  #entries: Entry[] = []
  #first = 0
  #made = 0
  #size = 0
  #limit = MAX_TABLE_BYTES
  #announced = MAX_TABLE_BYTES
  /** Number of the entry, by `name: value`. */
  readonly #numbers = new Map<string, number>()
  #block: Buffer = Buffer.allocUnsafeSlow(1024)
  #length = 0

  /** The other side's table has room for so many bytes. */
  setLimit(bytes: number): void {
    this.#limit = Math.min(bytes, MAX_TABLE_BYTES)
    this.#shrink(0)
  }

  /** Begins a block. */
  begin(): void {
    this.#length = 0
    if (this.#limit === this.#announced) return
    this.#announced = this.#limit
    this.#writeNumber(0x20, 5, this.#limit)
  }

  /** `name` is lower case. */
  add(name: string, value: string): void {
    this.addLine(makeFieldLine(name, value))
  }

  addLine(line: FieldLine): void {
    const { name, value, staticNameAt, staticAt } = line
    if (staticAt !== 0) return this.#writeNumber(0x80, 7, staticAt)
    if (line.indexing === 'keep') {
      const number = this.#numbers.get(line.text)
      if (number !== undefined) return this.#writeNumber(0x80, 7, STATIC_TABLE.length + this.#made - number)
      const size = name.length + value.length + 32
      if (size * 4 > this.#limit) this.#writeNumber(0, 4, staticNameAt)
      else {
        this.#writeNumber(0x40, 6, staticNameAt)
        this.#keep(line.text, size)
      }
    } else this.#writeNumber(line.indexing === 'never' ? 0x10 : 0, 4, staticNameAt)
    if (staticNameAt === 0) this.#writeText(name)
    this.#writeText(value)
  }

  /** The block since `begin`; good until the next one. */
  get block(): Buffer {
    return this.#block.subarray(0, this.#length)
  }

  #keep(text: string, size: number): void {
    this.#shrink(size)
    this.#entries.push({ text, size })
    this.#numbers.set(text, this.#made)
    this.#made++
    this.#size += size
  }

  #shrink(bytes: number): void {
    while (this.#size + bytes > this.#limit && this.#first < this.#entries.length) {
      const { text, size } = this.#entries[this.#first] as Entry
      this.#first++
      this.#size -= size
      this.#numbers.delete(text)
    }
    if (this.#first > 64 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first)
      this.#first = 0
    }
  }

  #writeNumber(flags: number, prefix: number, value: number): void {
    this.#reserve(8)
    const block = this.#block
    const mask = (1 << prefix) - 1
    if (value < mask) {
      block[this.#length++] = flags | value
      return
    }
    block[this.#length++] = flags | mask
    let rest = value - mask
    while (rest >= 0x80) {
      block[this.#length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    block[this.#length++] = rest
  }

  #writeText(text: string): void {
    const { length } = text
    this.#writeNumber(0, 7, length)
    this.#reserve(length)
    const block = this.#block
    if (length < 32) for (let i = 0; i < length; i++) block[this.#length + i] = text.charCodeAt(i)
    else block.write(text, this.#length, 'latin1')
    this.#length += length
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#block.length) return
    const larger = Buffer.allocUnsafeSlow(2 * (this.#length + bytes))
    this.#block.copy(larger, 0, 0, this.#length)
    this.#block = larger
  }
}
