import type { KeyOwner } from './admin-keys.ts'

/** One write, or one refused write, on the Admin API (reliability.md A10). */
export interface AuditEntry {
  readonly timeMs: number
  /** null: there was no valid key. */
  readonly owner: KeyOwner | null
  readonly peer: string
  readonly method: string
  /** Without the query, where a key may stand. */
  readonly path: string
  /** Key of the object in its own system, or its path behind the API's prefix. */
  readonly object: string
  readonly revisionBefore: number
  readonly revisionAfter: number
  readonly status: number
  /** `done`, `failed` (the API said no) or why the server refused it. */
  readonly result: string
}

/** One JSON line, without a newline. Everything in it is escaped; no header, query or body goes in, so no secret does. */
export function formatAuditLine(entry: AuditEntry): string {
  return JSON.stringify({
    time: new Date(entry.timeMs).toISOString(),
    audit: true,
    key_id: entry.owner?.name ?? null,
    role: entry.owner?.role ?? null,
    peer: entry.peer,
    method: entry.method,
    path: entry.path.slice(0, MAX_TEXT),
    object: entry.object.slice(0, MAX_TEXT),
    revision_before: entry.revisionBefore,
    revision_after: entry.revisionAfter,
    status: entry.status,
    result: entry.result,
  })
}

/** A path longer than this is cut: no object has so long a name. Characters. */
const MAX_TEXT = 1024

/** `"key"` of the answer (that is how a POST names what it made), else the path behind the prefix. */
export function objectOf(prefix: string, path: string, answer: string): string {
  const match = /^\{"key":"([^"\\]{1,256})"/.exec(answer)
  return match?.[1] ?? path.slice(prefix.length).replace(/^\/+/, '')
}
