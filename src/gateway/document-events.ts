import type { DocumentKey, Fault, Warning } from '../model/document.ts'
import type { StoreFault } from '../store/store.ts'
import type { Emit } from './events.ts'
import { documentName } from './mirror.ts'

/** What is told about documents. */

/** Documents named in one event; the rest are only counted. */
const MAX_NAMED = 20

export interface RevisionNews {
  readonly revision: number
  /** null: it came from files, or from another process. */
  readonly author: string | null
  readonly message: string | null
  readonly changes: readonly { readonly op: 'put' | 'delete'; readonly key: DocumentKey }[]
}

export function announceRevision(emit: Emit, news: RevisionNews): void {
  const { revision, author, message, changes } = news
  const named = changes.slice(0, MAX_NAMED).map(({ op, key }) => ({ op, document: documentName(key) }))
  const list = named.map(({ op, document }) => `${op} ${document}`).join(', ')
  const more = changes.length > named.length ? ` and ${changes.length - named.length} more` : ''
  const by = author === null ? 'from outside' : `by ${author}`
  emit('revision', `revision ${revision} ${by}: ${list === '' ? 'nothing that serves' : list}${more}`, {
    revision,
    author,
    message,
    changes: named,
    total: changes.length,
  })
}

/** `keeps`: what serves instead, in words. */
export function announceRejection(
  emit: Emit,
  key: DocumentKey,
  faults: readonly Fault[],
  keeps: string,
): void {
  const document = documentName(key)
  emit(
    'document-rejected',
    `${document} is not in force: ${faults[0]?.message ?? 'no reason given'}; ${keeps}`,
    {
      document,
      faults,
    },
  )
}

/** One event for each document with warnings. */
export function announceWarnings(emit: Emit, warnings: readonly Warning[]): void {
  const byDocument = new Map<string, Warning[]>()
  for (const warning of warnings) {
    const name = documentName(warning.key)
    const list = byDocument.get(name)
    if (list === undefined) byDocument.set(name, [warning])
    else list.push(warning)
  }
  for (const [document, list] of byDocument) {
    const reasons = list.map(({ path, message }) => ({ path, message }))
    emit('document-degraded', `${document} is in force, not all of it: ${reasons[0]?.message ?? ''}`, {
      document,
      warnings: reasons,
    })
  }
}

/** `isFile`: the documents come from files. */
export function announceStoreFault(emit: Emit, fault: StoreFault, isFile: boolean): void {
  emit(isFile ? 'config-fault' : 'store', `${fault.place}: ${fault.message}`, {
    ...fault,
  })
}
