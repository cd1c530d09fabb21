import type { DocumentChange, DocumentKey } from '../model/document.ts'
import { GatewayError } from '../model/gateway-error.ts'

/** The key as one text, for maps. NUL cannot stand in a dialect's or a collection's name, so no two keys meet. */
export function keyText(key: DocumentKey): string {
  return `${key.dialect}\0${key.kind}\0${key.id}`
}

/** The key as people read it: `apisix/routes/1`. */
export function keyLabel(key: DocumentKey): string {
  return `${key.dialect}/${key.kind}/${key.id}`
}

/** Compare-and-set. `current` is the modifiedRevision in force, undefined where there is no document. Throws WRITE_CONFLICT. */
export function checkExpectation(change: DocumentChange, current: number | undefined): void {
  const expected = change.expectedRevision
  if (expected === null || expected === (current === undefined ? 0 : current)) return
  const found = current === undefined ? 'it does not exist' : `it is at revision ${current}`
  const wanted = expected === 0 ? 'it must not exist yet' : `revision ${expected} was expected`
  throw new GatewayError('WRITE_CONFLICT', `${keyLabel(change.key)}: ${wanted}, but ${found}`)
}
