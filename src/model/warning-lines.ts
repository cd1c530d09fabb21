import type { Warning } from './document.ts'

/**
 * `X-Headgate-Warning`: what the author of an accepted call should know. Answers keep the vendor's shape, so it is a header field: one line per
 * warning, its document and path first, in printable ASCII. At most 20 lines, each of at most 400 characters.
 */
const MAX_LINES = 20
const MAX_LENGTH = 400

export function formatWarnings(warnings: readonly Warning[]): readonly string[] {
  const lines = new Set(
    warnings.map(({ key, path, message }) => {
      const place = path === '' ? key.id : `${key.id} ${path}`
      const line = printable(`${place}: ${message}`)
      return line.length <= MAX_LENGTH ? line : `${line.slice(0, MAX_LENGTH - 3)}...`
    }),
  )
  if (lines.size <= MAX_LINES) return [...lines]
  return [...[...lines].slice(0, MAX_LINES - 1), `and ${lines.size - MAX_LINES + 1} more`]
}

/** Nothing that could end the line or be read differently by another encoding. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
