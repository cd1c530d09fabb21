/**
 * A resolved path written for the wire again (spec/apisix.md 9.1, "Encoded"): blanks, controls, `" # % < > ? \ ^ { | }`, the backquote and bytes
 * from 0x7F on become `%XX`; slashes stay. The inverse of how a target is resolved: a slash, backslash or semicolon that came encoded is
 * still written `%2f`, `%5c`, `%3b` there and stays, and so does one that came encoded more than once (`%252f`): nothing is decoded twice.
 */
export function encodePath(path: string): string {
  return encode(path, isPathSafe, true)
}

/** As encodePath for text that is no resolved path, so that every `%` in it is meant as such. */
export function encodeText(text: string): string {
  return encode(text, isPathSafe, false)
}

/** Escapes in a query only what may not go on the wire there; `%`, `?` and `&` keep their meaning. */
export function encodeQuery(query: string): string {
  return encode(query, isQuerySafe, false)
}

/** Controls only, for a Location that asks for no encoding: no line break ever leaves. */
export function encodeControls(text: string): string {
  return encode(text, isNoControl, false)
}

/** Whether `%` at `index` begins what resolving a target keeps: `%2f`, `%5c` or `%3b` in any case, with any number of `25` behind the sign. */
function isKeptEscape(text: string, index: number): boolean {
  let at = index + 1
  while (text.charCodeAt(at) === 0x32 && text.charCodeAt(at + 1) === 0x35) at += 2
  const high = text.charCodeAt(at)
  const low = text.charCodeAt(at + 1) | 0x20
  return (high === 0x32 && low === 0x66) || (high === 0x35 && low === 0x63) || (high === 0x33 && low === 0x62)
}

const HEX = '0123456789ABCDEF'
const PATH_UNSAFE = '"#%<>?\\^`{|}'
const isPathSafe = tableOf(
  (code) => code > 0x20 && code < 0x7f && !PATH_UNSAFE.includes(String.fromCharCode(code)),
)
const isQuerySafe = tableOf(
  (code) => code > 0x20 && code < 0x7f && !'"#<>\\^`{|}'.includes(String.fromCharCode(code)),
)
const isNoControl = tableOf((code) => code >= 0x20 && code !== 0x7f)

function tableOf(isSafe: (code: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (isSafe(code) ? 1 : 0))
}

function encode(text: string, safe: Uint8Array, keepsEscapes: boolean): string {
  let result = ''
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (safe[code] === 1) continue
    if (keepsEscapes && code === 0x25 && isKeptEscape(text, i)) continue
    result += `${text.slice(from, i)}%${HEX.charAt(code >> 4)}${HEX.charAt(code & 15)}`
    from = i + 1
  }
  return from === 0 ? text : result + text.slice(from)
}
