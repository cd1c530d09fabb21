import type { QueryForm } from '../../model/filter.ts'

/**
 * Writes a query anew. Escapes that are there stay as they came, so that nothing is encoded twice and no separator appears; what stands unescaped is
 * encoded where the form wants it. Arguments keep their number and order. From: Apinizer's queryEncodingMode (spec/apinizer.md 7.1).
 */
export function compileQueryForm(form: QueryForm): (query: string) => string {
  // a target holds neither blanks nor line breaks
  if (form === 'spaces') return (query) => query
  const safe = form === 'form' ? FORM_SAFE : RFC3986_SAFE
  return (query) => write(query, safe)
}

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** A `+` is a blank in both: it stays what it is. */
const FORM_SAFE = tableOf(`${ALPHANUMERIC}.-*_+`)
const RFC3986_SAFE = tableOf(`${ALPHANUMERIC}.-_~/+=:@`)
const HEX = '0123456789ABCDEF'
const PERCENT = 0x25
const AMPERSAND = 0x26
const EQUALS = 0x3d

function tableOf(safe: string): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (safe.includes(String.fromCharCode(code)) ? 1 : 0))
}

function write(query: string, safe: Uint8Array): string {
  let result = ''
  let from = 0
  let isValue = false
  for (let i = 0; i < query.length; i++) {
    const code = query.charCodeAt(i)
    if (code === AMPERSAND) {
      isValue = false
      continue
    }
    if (code === EQUALS && !isValue) {
      isValue = true
      continue
    }
    if (safe[code] === 1 || (code === PERCENT && isEscape(query, i))) continue
    result += `${query.slice(from, i)}%${HEX.charAt(code >> 4)}${HEX.charAt(code & 15)}`
    from = i + 1
  }
  return from === 0 ? query : result + query.slice(from)
}

function isEscape(text: string, at: number): boolean {
  return isHex(text.charCodeAt(at + 1)) && isHex(text.charCodeAt(at + 2))
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66)
}
