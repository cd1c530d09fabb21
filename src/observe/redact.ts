import type { AccessLogSettings } from '../model/settings.ts'

/** What is written instead of a value that must not be seen. */
export const HIDDEN = '***'

/** Hides values that lines must not show. Texts are byte strings. */
export interface Redactor {
  /** A query, without its `?`. */
  query(text: string): string
  /** A request target or a URL: its query. */
  target(text: string): string
  /** The value of a header field (lower-case name). */
  header(name: string, value: string): string
  /** Whether the field is hidden. */
  hidesHeader(name: string): boolean
}

export function createRedactor(settings: Pick<AccessLogSettings, 'redactHeaders' | 'redactQuery'>): Redactor {
  const headers = new Set(settings.redactHeaders.map((name) => name.toLowerCase()))
  const keys = new Set(settings.redactQuery.map((name) => name.toLowerCase()))
  const query = (text: string): string => (keys.size === 0 || text === '' ? text : hideValues(text, keys))
  const target = (text: string): string => {
    const mark = text.indexOf('?')
    return mark < 0 ? text : text.slice(0, mark + 1) + query(text.slice(mark + 1))
  }
  return {
    query,
    target,
    header: (name, value) =>
      value === '' ? '' : headers.has(name) ? HIDDEN : name === 'referer' ? target(value) : value,
    hidesHeader: (name) => headers.has(name),
  }
}

/** Pairs are found as a server finds them: `&` between them, the name up to `=`, percent-encoded or not. The text is copied only if something is hidden. */
function hideValues(text: string, keys: ReadonlySet<string>): string {
  let out = ''
  let kept = 0
  let start = 0
  while (start < text.length) {
    const next = text.indexOf('&', start)
    const end = next < 0 ? text.length : next
    const equals = text.indexOf('=', start)
    if (equals > start && equals < end && keys.has(nameOf(text.slice(start, equals)))) {
      out += text.slice(kept, equals + 1) + HIDDEN
      kept = end
    }
    start = end + 1
  }
  return kept === 0 ? text : out + text.slice(kept)
}

function nameOf(written: string): string {
  if (!written.includes('%')) return written.toLowerCase()
  return written
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .toLowerCase()
}
