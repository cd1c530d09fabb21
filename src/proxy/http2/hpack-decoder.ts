import { TOKEN, VALUE } from '../http1/char-classes.ts'
import { latin1 } from '../http1/latin1.ts'
import { decodeHuffman } from './huffman.ts'
import { STATIC_TABLE } from './static-table.ts'

/** A field as it was decoded; both texts are byte strings. Kept in tables: never changed. */
export interface Field {
  readonly name: string
  readonly value: string
  /** `name: value` with its CRLF; '' for pseudo-fields. */
  readonly line: string
  /** Name, value and 32 more (RFC 7541 section 4.1). */
  readonly size: number
  /** Whether it may be forwarded at all: a lower-case token, a value without control characters and blanks around it. */
  readonly isValid: boolean
}

/** Takes the fields of a block in their order. */
export interface FieldSink {
  onField(field: Field): void
}

/** `ok`; `malformed`: the tables of both sides differ from here on, the connection is lost. */
export type DecodeResult = 'ok' | 'malformed'

/** Size that the other side may use for its table: what the settings of the connection announce. */
export const TABLE_BYTES = 4096
/** Longest text of one field, decoded. */
const MAX_TEXT = 65_536

const EMPTY = Buffer.alloc(0)
let scratch = Buffer.allocUnsafeSlow(4096)

const statics: readonly Field[] = STATIC_TABLE.map(([name, value]) => makeField(name, value))

/** The fields of one direction of a connection (RFC 7541): blocks come whole and in order. */
export class HpackDecoder {
  /** Newest last; `#first` is where the oldest stands. */
  #entries: Field[] = []
  #first = 0
  #size = 0
  #limit = TABLE_BYTES
  // where reading stands in the block
  #bytes: Buffer = EMPTY
  #at = 0
  #end = 0

  decode(bytes: Buffer, from: number, to: number, sink: FieldSink): DecodeResult {
    this.#bytes = bytes
    this.#at = from
    this.#end = to
    let mayResize = true
    while (this.#at < to) {
      const first = bytes[this.#at] as number
      if (first >= 0x80) {
        const field = this.#find(this.#readNumber(7))
        if (field === undefined) return 'malformed'
        sink.onField(field)
      } else if (first >= 0x40) {
        const field = this.#readLiteral(6)
        if (field === null) return 'malformed'
        this.#add(field)
        sink.onField(field)
      } else if (first >= 0x20) {
        const size = this.#readNumber(5)
        if (!mayResize || size < 0 || size > TABLE_BYTES) return 'malformed'
        this.#limit = size
        this.#shrink(0)
        continue
      } else {
        const field = this.#readLiteral(4)
        if (field === null) return 'malformed'
        sink.onField(field)
      }
      mayResize = false
    }
    return 'ok'
  }

  #find(index: number): Field | undefined {
    if (index <= 0) return undefined
    if (index <= statics.length) return statics[index - 1]
    const at = this.#entries.length - (index - statics.length)
    return at < this.#first ? undefined : this.#entries[at]
  }

  #add(field: Field): void {
    this.#shrink(field.size)
    if (field.size > this.#limit) return
    this.#entries.push(field)
    this.#size += field.size
  }

  /** Makes room for so many bytes. */
  #shrink(bytes: number): void {
    while (this.#size + bytes > this.#limit && this.#first < this.#entries.length) {
      this.#size -= (this.#entries[this.#first] as Field).size
      this.#first++
    }
    if (this.#first > 64 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first)
      this.#first = 0
    }
  }

  #readLiteral(prefix: number): Field | null {
    const index = this.#readNumber(prefix)
    if (index < 0) return null
    const name = index === 0 ? this.#readText() : this.#find(index)?.name
    if (name === undefined || name === null) return null
    const value = this.#readText()
    return value === null ? null : makeField(name, value)
  }

  /** A number with a prefix of so many bits (RFC 7541 section 5.1); -1 where it is cut or over 2^28. */
  #readNumber(prefix: number): number {
    const bytes = this.#bytes
    const mask = (1 << prefix) - 1
    let value = (bytes[this.#at++] as number) & mask
    if (value < mask) return value
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#end) return -1
      const byte = bytes[this.#at++] as number
      value += (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    return -1
  }

  #readText(): string | null {
    if (this.#at >= this.#end) return null
    const isCoded = (this.#bytes[this.#at] as number) >= 0x80
    const length = this.#readNumber(7)
    const from = this.#at
    if (length < 0 || length > this.#end - from || length > MAX_TEXT) return null
    this.#at = from + length
    if (!isCoded) return latin1(this.#bytes, from, this.#at)
    // the shortest code has five bits
    if (scratch.length < length * 2) scratch = Buffer.allocUnsafeSlow(length * 4)
    const decoded = decodeHuffman(this.#bytes, from, this.#at, scratch)
    return decoded < 0 ? null : latin1(scratch, 0, decoded)
  }
}

function makeField(name: string, value: string): Field {
  const isPseudo = name.charCodeAt(0) === 0x3a
  return {
    name,
    value,
    line: isPseudo ? '' : `${name}: ${value}\r\n`,
    size: name.length + value.length + 32,
    isValid: isFieldName(name, isPseudo ? 1 : 0) && isFieldValue(value),
  }
}

function isFieldName(name: string, from: number): boolean {
  if (name.length === from) return false
  for (let i = from; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (!TOKEN[code] || (code >= 0x41 && code <= 0x5a)) return false
  }
  return true
}

function isFieldValue(value: string): boolean {
  const { length } = value
  if (length === 0) return true
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(length - 1))) return false
  for (let i = 0; i < length; i++) if (VALUE[value.charCodeAt(i)] !== 1) return false
  return true
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
