import type { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject } from '../../model/json.ts'
import type { StoreFault } from '../store.ts'

/** Every row in the order of keys: a document, or a text that says what is wrong with it. */
export function* readRows(db: DatabaseSync): Generator<{ document: StoredDocument; text: string } | string> {
  const select = db.prepare(
    'SELECT dialect, kind, id, value, created, modified, expires_at_ms, crc FROM documents ORDER BY dialect, kind, id',
  )
  // A number that a hand put there may be beyond 2^53, where reading it as a number throws.
  select.setReadBigInts(true)
  for (const row of select.iterate()) {
    const { dialect, kind, id, value: text } = row
    const place = `${String(dialect)}/${String(kind)}/${String(id)}`
    if (typeof dialect !== 'string' || typeof kind !== 'string' || typeof id !== 'string') {
      yield `${place}: the key is no text`
      continue
    }
    if (typeof text !== 'string') {
      yield `${place}: the document is missing`
      continue
    }
    const created = asInteger(row.created)
    const modified = asInteger(row.modified)
    if (created === null || modified === null) {
      yield `${place}: its revisions are missing`
      continue
    }
    const value = parseObject(text)
    if (value === null) {
      yield `${place}: the document is no JSON object`
      continue
    }
    const document: StoredDocument = {
      key: { dialect, kind, id },
      value,
      createdRevision: created,
      modifiedRevision: modified,
      expiresAtMs: asInteger(row.expires_at_ms),
    }
    if (row.crc !== null && Number(row.crc) !== rowChecksum(document, text)) {
      yield `${place}: the document is not the one that was written (its checksum differs)`
      continue
    }
    yield { document, text }
  }
}

export function rowFault(text: string): StoreFault {
  const cut = text.indexOf(': ')
  return {
    place: `documents row ${text.slice(0, cut)}`,
    path: '',
    message: `${text.slice(cut + 2)}; it was set aside`,
    hint: 'write the document again, or delete it',
  }
}

function parseObject(text: string): StoredDocument['value'] | null {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : null
  } catch {
    return null
  }
}

function asInteger(value: unknown): number | null {
  return typeof value === 'bigint' ? Number(value) : null
}

/** Guards a row against bytes that changed on the disk. Rows put in by hand may leave it out. */
export function rowChecksum(document: StoredDocument, text: string): number {
  const { key, createdRevision, modifiedRevision, expiresAtMs } = document
  return crc32(
    `${key.dialect}\0${key.kind}\0${key.id}\0${createdRevision}\0${modifiedRevision}\0${expiresAtMs}\0${text}`,
  )
}
