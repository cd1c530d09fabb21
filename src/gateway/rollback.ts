import type { Dialect } from '../dialects/dialect.ts'
import type { DocumentKey } from '../model/document.ts'
import type { JsonObject } from '../model/json.ts'
import type { HistoryEntry } from '../store/store.ts'
import type { WantedChange } from './change-documents.ts'
import { documentName } from './mirror.ts'

/** Reads the history, newest first. */
export type ReadHistory = (options: {
  readonly limit: number
  readonly before?: number
}) => Promise<readonly HistoryEntry[]>

export type RollbackPlan =
  | { readonly kind: 'changes'; readonly wanted: readonly WantedChange[] }
  /** The history no longer tells what stood there; `oldest`: the earliest revision that can be gone back to. */
  | { readonly kind: 'forgotten'; readonly oldest: number }

/** Revisions read at once: each holds the whole text of what it changed. */
const PAGE = 50

/**
 * What has to be written so that all documents are again what they were when `revision` (0 = the empty store) was the newest one. Times to
 * live are not in the history: a document that comes back has none. `current` is the revision in force.
 */
export async function planRollback(
  revision: number,
  current: number,
  readHistory: ReadHistory,
  dialects: ReadonlyMap<string, Dialect>,
): Promise<RollbackPlan> {
  /** By document, what stood before the earliest change that is undone. */
  const states = new Map<string, { readonly key: DocumentKey; readonly text: string | null }>()
  let next = current
  while (next > revision) {
    const page = await readHistory({ limit: PAGE, before: next + 1 })
    for (const entry of page) {
      if (entry.revision <= revision) break
      if (entry.revision !== next) return { kind: 'forgotten', oldest: next }
      // within a revision a document may change twice: the first of these changes tells what stood before
      for (let i = entry.changes.length - 1; i >= 0; i--) {
        const change = entry.changes[i]
        if (change === undefined) continue
        const key = { dialect: change.dialect, kind: change.kind, id: change.id }
        states.set(documentName(key), { key, text: change.before })
      }
      next--
    }
    if (page.length === 0 && next > revision) return { kind: 'forgotten', oldest: next }
  }
  const wanted: WantedChange[] = []
  for (const { key, text } of states.values()) {
    if (text === null) wanted.push({ op: 'delete', key })
    else wanted.push({ op: 'put', key, value: editableOf(key, JSON.parse(text) as JsonObject, dialects) })
  }
  return { kind: 'changes', wanted }
}

function editableOf(key: DocumentKey, value: JsonObject, dialects: ReadonlyMap<string, Dialect>): JsonObject {
  const dialect = dialects.get(key.dialect)
  return dialect === undefined ? value : dialect.editable(key.kind, value)
}
