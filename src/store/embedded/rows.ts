import type { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject } from '../../model/json.ts'
import type { StoreFault } from '../store.ts'

/** A document and its text as it is stored. */
export interface Row {
  readonly document: StoredDocument
  readonly text: string
}

/**
 * Every row in the order of keys: a document, or a text that says what is wrong with it. `isTextEnough`: the value of a document whose checksum
 * shows that it is what was written is left empty; reading it is most of the work.
 */
export function* readRows(db: DatabaseSync, isTextEnough = false): Generator<Row | string> {
  const select = db.prepare(
    `SELECT dialect, kind, id, value, ${NUMBERS.map(safeNumber).join(', ')} FROM documents ORDER BY dialect, kind, id`,
  )
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
    const isSealed = typeof row.crc === 'number'
    const value = isTextEnough && isSealed ? NO_VALUE : parseObject(text)
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

const NO_VALUE: StoredDocument['value'] = {}

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
  return typeof value === 'number' && Number.isInteger(value) ? value : null
}

const NUMBERS = ['created', 'modified', 'expires_at_ms', 'crc'] as const

/** A number that a hand put there may be beyond 2^53, where reading it as an integer throws; as a REAL it is only inexact. */
function safeNumber(column: string): string {
  return `CASE WHEN typeof(${column}) = 'integer' AND abs(${column} / 2) > ${2 ** 52 - 1} THEN CAST(${column} AS REAL) ELSE ${column} END AS ${column}`
}

/** Guards a row against bytes that changed on the disk. Rows put in by hand may leave it out. */
export function rowChecksum(document: StoredDocument, text: string): number {
  const { key, createdRevision, modifiedRevision, expiresAtMs } = document
  return crc32(
    `${key.dialect}\0${key.kind}\0${key.id}\0${createdRevision}\0${modifiedRevision}\0${expiresAtMs}\0${text}`,
  )
}
