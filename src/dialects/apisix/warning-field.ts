import type { DocumentKey, Warning } from '../../model/document.ts'

/**
 * `X-Headgate-Warning`: what the author of an accepted write should know. Bodies stay the reference's, so it is a header field: one line per
 * warning, its path first, in printable ASCII. At most 20 lines, each of at most 400 characters.
 */
const MAX_LINES = 20
const MAX_LENGTH = 400

/** Empty: there is nothing to say. The same words for the same place stand there once. */
export function formatWarnings(
  key: DocumentKey,
  repeated: readonly string[],
  stored: readonly Warning[],
): readonly string[] {
  const lines = new Set<string>()
  for (const path of repeated) lines.add(format(path, 'this key stands here twice, the last one counts'))
  for (const warning of stored) {
    const isOwn = warning.key.kind === key.kind && warning.key.id === key.id
    const place = `${warning.key.kind}/${warning.key.id}`
    const path = isOwn ? warning.path : warning.path === '' ? place : `${place} ${warning.path}`
    lines.add(format(path, warning.message))
  }
  if (lines.size <= MAX_LINES) return [...lines]
  return [...[...lines].slice(0, MAX_LINES - 1), `and ${lines.size - MAX_LINES + 1} more`]
}

function format(path: string, message: string): string {
  const line = printable(path === '' ? message : `${path}: ${message}`)
  return line.length <= MAX_LENGTH ? line : `${line.slice(0, MAX_LENGTH - 3)}...`
}

/** Nothing that could end the line or be read differently by another encoding: what is not printable ASCII is escaped as in JSON. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
