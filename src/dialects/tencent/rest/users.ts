import type { StoredDocument } from '../../../model/document.ts'
import type { Reference } from '../../dialect.ts'
import type { Kind } from '../kinds.ts'
import type { Language } from './language.ts'
import type { Shelf } from './shelf.ts'

/** A document that names another one, and where it does. */
export interface User {
  readonly document: StoredDocument
  readonly reference: Reference
}

/** Every place that names a document, in the documents of these kinds; a document with several places stands there several times. */
export async function findUsers(
  shelf: Shelf,
  language: Language,
  named: { readonly kind: Kind; readonly id: string },
  kinds: readonly Kind[],
): Promise<readonly User[]> {
  const users: User[] = []
  for (const kind of kinds) {
    for (const document of await shelf.all(kind)) {
      for (const reference of language.references(kind, document.value)) {
        if (reference.kind === named.kind && reference.id === named.id) users.push({ document, reference })
      }
    }
  }
  return users
}
