import { LOWER } from './char-classes.ts'
import { FIELD } from './field-kind.ts'

export { FIELD, FIELD_KINDS } from './field-kind.ts'

/**
 * The field lines of one head as positions in its text: no string is made for a field that nobody asks for. Reused from head to head;
 * entries from `count` on are leftovers. Filled by scanFields (field-scanner.ts).
 */
export class HeadFields {
  /** The text the positions point into (a byte string). */
  text = ''
  /** Number of field lines. 0 to `capacity`. */
  count = 0
  /** Names that hold `_` and are no SHADOW. */
  underscored = 0
  readonly capacity: number
  readonly nameStart: Int32Array
  readonly nameEnd: Int32Array
  /** First and one-past-last character of the value without the blanks around it. */
  readonly valueStart: Int32Array
  readonly valueEnd: Int32Array
  /** Just behind the line's CRLF, which is the next line's start. */
  readonly lineEnd: Int32Array
  /** One of FIELD for each line. */
  readonly kind: Uint8Array

  // Where scanFields goes on when more text is there.
  scanAt = 0
  scanStep = 0
  scanMark = 0

  /** `capacity`: the most field lines it can hold; one more is refused. */
  constructor(capacity: number) {
    this.capacity = capacity
    this.nameStart = new Int32Array(capacity)
    this.nameEnd = new Int32Array(capacity)
    this.valueStart = new Int32Array(capacity)
    this.valueEnd = new Int32Array(capacity)
    this.lineEnd = new Int32Array(capacity)
    this.kind = new Uint8Array(capacity)
  }

  reset(): void {
    this.text = ''
    this.count = 0
    this.underscored = 0
    this.scanAt = 0
    this.scanStep = 0
    this.scanMark = 0
  }

  /** Takes over the lines of another head, of no more than `capacity`. */
  copyFrom(other: HeadFields): void {
    const { count } = other
    this.text = other.text
    this.count = count
    this.underscored = other.underscored
    this.nameStart.set(other.nameStart.subarray(0, count))
    this.nameEnd.set(other.nameEnd.subarray(0, count))
    this.valueStart.set(other.valueStart.subarray(0, count))
    this.valueEnd.set(other.valueEnd.subarray(0, count))
    this.lineEnd.set(other.lineEnd.subarray(0, count))
    this.kind.set(other.kind.subarray(0, count))
  }

  /** Index of the first line with that name (lower case), or -1. Lines of kind SHADOW are as good as absent. */
  find(lowerName: string): number {
    return this.findFrom(lowerName, 0)
  }

  /** As `find`, beginning at line `index`. */
  findFrom(lowerName: string, index: number): number {
    const text = this.text
    const length = lowerName.length
    for (let i = index; i < this.count; i++) {
      const start = at(this.nameStart, i)
      if (at(this.nameEnd, i) - start !== length || this.kind[i] === FIELD.SHADOW) continue
      let j = 0
      while (j < length && LOWER[text.charCodeAt(start + j)] === lowerName.charCodeAt(j)) j++
      if (j === length) return i
    }
    return -1
  }

  /** Index of the first line whose name is written exactly so, or -1. */
  findExact(name: string): number {
    const length = name.length
    for (let i = 0; i < this.count; i++) {
      const start = at(this.nameStart, i)
      if (at(this.nameEnd, i) - start !== length || this.kind[i] === FIELD.SHADOW) continue
      if (this.text.startsWith(name, start)) return i
    }
    return -1
  }

  /** Value of the lines with that name (lower case), joined by `, `; undefined if there is none. */
  get(lowerName: string): string | undefined {
    return this.join(lowerName, ', ')
  }

  /** As `get`, with another text between the lines (cookies: `; `). */
  join(lowerName: string, separator: string): string | undefined {
    const first = this.findFrom(lowerName, 0)
    if (first < 0) return undefined
    let value = this.value(first)
    for (let i = this.findFrom(lowerName, first + 1); i >= 0; i = this.findFrom(lowerName, i + 1)) {
      value += separator + this.value(i)
    }
    return value
  }

  /**
   * As `get`; where no field has that name, the one with `_` for `-` counts (reliability.md section 0: `http_a_b` reads the field with
   * dashes, and the one with underscores only if the other is absent).
   */
  getLoose(lowerName: string): string | undefined {
    const value = this.get(lowerName)
    if (value !== undefined || this.underscored === 0) return value
    const text = this.text
    const length = lowerName.length
    let found: string | undefined
    for (let i = 0; i < this.count; i++) {
      const start = at(this.nameStart, i)
      if (at(this.nameEnd, i) - start !== length || this.kind[i] === FIELD.SHADOW) continue
      let j = 0
      while (j < length) {
        const code = LOWER[text.charCodeAt(start + j)]
        if ((code === 0x5f ? 0x2d : code) !== lowerName.charCodeAt(j)) break
        j++
      }
      if (j === length) found = found === undefined ? this.value(i) : `${found}, ${this.value(i)}`
    }
    return found
  }

  /** The value of line `i` without the blanks around it. */
  value(i: number): string {
    return this.text.slice(at(this.valueStart, i), at(this.valueEnd, i))
  }

  /** The name of line `i` as written. */
  name(i: number): string {
    return this.text.slice(at(this.nameStart, i), at(this.nameEnd, i))
  }

  /** Setting `fieldsWithUnderscore`: such fields pass, are taken out here, or refuse the request (false). */
  allowUnderscores(setting: 'pass' | 'drop' | 'reject'): boolean {
    if (this.underscored === 0) return true
    if (setting === 'drop') this.shadowUnderscored()
    return setting !== 'reject'
  }

  /** Marks every name that holds `_` as SHADOW (setting `fieldsWithUnderscore: drop`). */
  shadowUnderscored(): void {
    if (this.underscored === 0) return
    for (let i = 0; i < this.count; i++) {
      if (this.kind[i] === FIELD.OTHER && this.name(i).includes('_')) this.kind[i] = FIELD.SHADOW
    }
    this.underscored = 0
  }
}

/** An entry that is known to exist. */
function at(positions: Int32Array, i: number): number {
  return positions[i] as number
}
