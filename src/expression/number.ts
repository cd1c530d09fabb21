const SPACE = 32
const PLUS = 43
const MINUS = 45
const DOT = 46
const ZERO = 48
const NINE = 57

/**
 * The number a text stands for, as the reference's script language converts it (spec/apisix.md 7.3): decimal digits with an optional sign,
 * fraction and exponent, or `0x` and hexadecimal digits, blanks around. Anything else, also the empty text, is no number: undefined.
 * Written as one pass because `Number()` takes more (`''`, `0b1`, `Infinity`) and because texts come from clients.
 */
export function toNumber(text: string): number | undefined {
  const length = text.length
  // Ages, ports, versions: up to 15 digits fit a double exactly.
  if (length > 0 && length <= 15) {
    let value = 0
    let i = 0
    for (; i < length; i++) {
      const digit = text.charCodeAt(i) - ZERO
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    if (i === length) return value
  }
  return scan(text)
}

function scan(text: string): number | undefined {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  let i = start
  const sign = text.charCodeAt(i)
  if (i < end && (sign === PLUS || sign === MINUS)) i++
  if (i >= end) return undefined
  if (text.charCodeAt(i) === ZERO && i + 1 < end && (text.charCodeAt(i + 1) | 0x20) === 0x78) {
    const digits = i + 2
    for (i = digits; i < end; i++) if (!isHexDigit(text.charCodeAt(i))) return undefined
    if (i === digits) return undefined
    const value = Number(text.slice(digits - 2, end))
    return sign === MINUS ? -value : value
  }
  const whole = i
  i = skipDigits(text, i, end)
  let digits = i - whole
  if (i < end && text.charCodeAt(i) === DOT) {
    const fraction = ++i
    i = skipDigits(text, i, end)
    digits += i - fraction
  }
  if (digits === 0) return undefined
  if (i < end && (text.charCodeAt(i) | 0x20) === 0x65) {
    i++
    const code = text.charCodeAt(i)
    if (i < end && (code === PLUS || code === MINUS)) i++
    const exponent = i
    i = skipDigits(text, i, end)
    if (i === exponent) return undefined
  }
  return i === end ? Number(text.slice(start, end)) : undefined
}

function skipDigits(text: string, from: number, end: number): number {
  let i = from
  while (i < end) {
    const code = text.charCodeAt(i)
    if (code < ZERO || code > NINE) break
    i++
  }
  return i
}

/** The blanks of C's isspace. */
function isBlank(code: number): boolean {
  return code === SPACE || (code >= 9 && code <= 13)
}

function isHexDigit(code: number): boolean {
  const lower = code | 0x20
  return (code >= ZERO && code <= NINE) || (lower >= 97 && lower <= 102)
}
