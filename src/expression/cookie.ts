const SEMICOLON = 59
const EQUALS = 61

/**
 * The value of the first cookie of that name. Pieces are split on `;` alone and trimmed, so a cookie without a blank before it is not lost
 * (apache/apisix #11841); names are compared exactly; a piece without `=` is no cookie.
 */
export function findCookie(cookies: string, name: string): string | undefined {
  let i = 0
  while (i < cookies.length) {
    let start = i
    while (start < cookies.length && isBlank(cookies.charCodeAt(start))) start++
    let end = cookies.indexOf(';', start)
    if (end < 0) end = cookies.length
    const equals = start + name.length
    if (equals < end && cookies.charCodeAt(equals) === EQUALS && cookies.startsWith(name, start)) {
      let from = equals + 1
      let to = end
      while (from < to && isBlank(cookies.charCodeAt(from))) from++
      while (to > from && isBlank(cookies.charCodeAt(to - 1))) to--
      return cookies.slice(from, to)
    }
    i = cookies.charCodeAt(end) === SEMICOLON ? end + 1 : cookies.length
  }
  return undefined
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}
