const PERCENT = 37
const PLUS = 43

/**
 * A query or form text decoded as the reference decodes arguments: `%XX` is a byte, `+` a blank, a `%` that starts no such pair stays as it
 * is. Byte string in, byte string out.
 */
export function decodeArgument(text: string): string {
  let i = 0
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === PERCENT || code === PLUS) break
  }
  if (i === text.length) return text
  let decoded = ''
  let from = 0
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === PLUS) {
      decoded += `${text.slice(from, i)} `
      from = i + 1
    } else if (code === PERCENT && i + 2 < text.length) {
      const high = hexValue(text.charCodeAt(i + 1))
      const low = hexValue(text.charCodeAt(i + 2))
      if (high < 0 || low < 0) continue
      decoded += text.slice(from, i) + String.fromCharCode(high * 16 + low)
      i += 2
      from = i + 1
    }
  }
  return decoded + text.slice(from)
}

/**
 * The first argument of that (decoded) name in `a=1&b=2`: its decoded text, true for a name without `=`, undefined if there is none.
 * Arguments are split on `&` alone. Time grows with the length of the text.
 */
export function findArgument(text: string, name: string): string | true | undefined {
  let start = 0
  while (start <= text.length) {
    let end = text.indexOf('&', start)
    if (end < 0) end = text.length
    const length = nameLength(text, start, end)
    if (isName(text, start, start + length, name)) {
      return start + length === end ? true : decodeArgument(text.slice(start + length + 1, end))
    }
    start = end + 1
  }
  return undefined
}

/** All arguments in order, decoded; those without a name are left out. */
export function readArguments(text: string): readonly (readonly [name: string, value: string | true])[] {
  const all: [string, string | true][] = []
  for (const piece of text.split('&')) {
    const length = nameLength(piece, 0, piece.length)
    if (length === 0) continue
    const value = length === piece.length ? true : decodeArgument(piece.slice(length + 1))
    all.push([decodeArgument(piece.slice(0, length)), value])
  }
  return all
}

function nameLength(text: string, start: number, end: number): number {
  for (let i = start; i < end; i++) if (text.charCodeAt(i) === 61) return i - start
  return end - start
}

function isName(text: string, start: number, end: number, name: string): boolean {
  const length = end - start
  if (length === name.length) {
    if (text.startsWith(name, start) && !name.includes('%') && !name.includes('+')) return true
  } else if (length < name.length) {
    return false
  }
  // Only an encoded name can be longer than what it stands for, or equal to it without looking so.
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i)
    if (code === PERCENT || code === PLUS) return decodeArgument(text.slice(start, end)) === name
  }
  return false
}

function hexValue(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 0x20
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
