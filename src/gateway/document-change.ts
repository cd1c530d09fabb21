import type { DocumentChange, DocumentKey, Fault } from '../model/document.ts'
import type { JsonObject } from '../model/json.ts'

/** `absent`: it was to be deleted and was not there. */
export type ChangeKind = 'created' | 'changed' | 'unchanged' | 'deleted' | 'absent'

/** What became of one document; values are those that are shown (without what the server owns, and without private keys). */
export interface ChangeResult {
  readonly key: DocumentKey
  readonly result: ChangeKind
  readonly before: JsonObject | null
  readonly after: JsonObject | null
}

export interface DocumentFault extends Fault {
  /** Place in the list of wanted changes. */
  readonly index: number
  readonly key: DocumentKey
}

/** A wanted change after a look at what stands. */
export interface LookedAt {
  readonly index: number
  readonly change: DocumentChange
  readonly result: ChangeKind
  readonly before: JsonObject | null
  readonly after: JsonObject | null
}
