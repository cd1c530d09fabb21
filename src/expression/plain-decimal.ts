const MINUS = 45
const DOT = 46
const ZERO = 48

/** So many decimal digits a double keeps apart: no two such numbers become one, and their order stays. */
const EXACT_DIGITS = 15

/** A number as people write it: `-` or nothing, digits, and a fraction or none. Its value is that of its digits, however many there are. */
export interface PlainDecimal {
  /** The nearest double. */
  readonly number: number
  /** Whether comparing doubles is enough, with another such number. */
  readonly isShort: boolean
  readonly isNegative: boolean
  /** Without zeros before and behind; `''` is 0. */
  readonly whole: string
  readonly fraction: string
}

/** null: the text is none, as `''`, ` 1`, `+1`, `1.`, `.5`, `1e3` and `0x1` are none. */
export function parsePlainDecimal(text: string): PlainDecimal | null {
  const digits = countDigits(text)
  return digits === 0 ? null : readDecimal(text, digits)
}

/** The double nearest to a plain decimal; NaN: the text is none. */
export function plainNumber(text: string): number {
  return countDigits(text) === 0 ? Number.NaN : Number(text)
}

/** Below 0 where the text is the smaller number, 0 where both are the same, above 0 where it is the greater; NaN where it is none. */
export function comparePlainDecimal(text: string, bound: PlainDecimal): number {
  const length = text.length
  if (bound.isShort && length > 0 && length <= EXACT_DIGITS) {
    let value = 0
    let i = 0
    for (; i < length; i++) {
      const digit = text.charCodeAt(i) - ZERO
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    if (i === length) return value - bound.number
  }
  const digits = countDigits(text)
  if (digits === 0) return Number.NaN
  if (digits <= EXACT_DIGITS && bound.isShort) return Number(text) - bound.number
  return compareDecimals(readDecimal(text, digits), bound)
}

/** 0: the text is no plain decimal. */
function countDigits(text: string): number {
  const length = text.length
  const start = text.charCodeAt(0) === MINUS ? 1 : 0
  let dot = -1
  for (let i = start; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code >= ZERO && code <= ZERO + 9) continue
    if (code !== DOT || dot >= 0 || i === start || i === length - 1) return 0
    dot = i
  }
  return length - start - (dot < 0 ? 0 : 1)
}

function readDecimal(text: string, digits: number): PlainDecimal {
  const isNegative = text.charCodeAt(0) === MINUS
  const dot = text.indexOf('.')
  const whole = trimStart(text.slice(isNegative ? 1 : 0, dot < 0 ? text.length : dot))
  const fraction = dot < 0 ? '' : trimEnd(text.slice(dot + 1))
  return { number: Number(text), isShort: digits <= EXACT_DIGITS, isNegative, whole, fraction }
}

// Loops, not patterns: texts come from clients, and `0+$` takes time that grows with the square of their length.

function trimStart(digits: string): string {
  let start = 0
  while (start < digits.length && digits.charCodeAt(start) === ZERO) start++
  return digits.slice(start)
}

function trimEnd(digits: string): string {
  let end = digits.length
  while (end > 0 && digits.charCodeAt(end - 1) === ZERO) end--
  return digits.slice(0, end)
}

function compareDecimals(a: PlainDecimal, b: PlainDecimal): number {
  const signA = signOf(a)
  const signB = signOf(b)
  if (signA !== signB) return signA - signB
  return signA * compareSizes(a, b)
}

/** 0 has no sign, `-0` neither. */
function signOf({ isNegative, whole, fraction }: PlainDecimal): number {
  if (whole === '' && fraction === '') return 0
  return isNegative ? -1 : 1
}

function compareSizes(a: PlainDecimal, b: PlainDecimal): number {
  if (a.whole.length !== b.whole.length) return a.whole.length - b.whole.length
  if (a.whole !== b.whole) return a.whole < b.whole ? -1 : 1
  if (a.fraction === b.fraction) return 0
  // the shorter one goes on with zeros, and no fraction ends with one
  return a.fraction < b.fraction ? -1 : 1
}
