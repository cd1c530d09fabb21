import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject } from '../../model/json.ts'
import type { StoreFault } from '../store.ts'

/** A document and its text as it is stored. */
export interface Row {
  readonly document: StoredDocument
  readonly text: string
  /** Guards the row; null: it was put in by hand. */
  readonly crc: number | null
}

/**
 * Every row in the order of keys: a document, or a text that says what is wrong with it. A document whose checksum shows that it is what was written is
 * parsed when somebody first looks at its value: that is most of the work.
 */
export function* readRows(db: DatabaseSync): Generator<Row | string> {
  const select = db.prepare(
    `SELECT dialect, kind, id, value, ${NUMBERS.map(safeNumber).join(', ')} FROM documents ORDER BY dialect, kind, id`,
  )
  // lists cost half of what objects with names do; older versions of Node have only those
  if (typeof select.setReturnArrays === 'function') select.setReturnArrays(true)
  let last: { readonly dialect: string; readonly kind: string } = { dialect: '', kind: '' }
  for (const row of select.iterate() as Iterable<unknown>) {
    const cells = Array.isArray(row) ? row : Object.values(row as object)
    const [dialect, kind, id, text, createdCell, modifiedCell, expiresCell, crc] = cells as unknown[]
    const place = (): string => `${String(dialect)}/${String(kind)}/${String(id)}`
    if (typeof dialect !== 'string' || typeof kind !== 'string' || typeof id !== 'string') {
      yield `${place()}: the key is no text`
      continue
    }
    if (typeof text !== 'string') {
      yield `${place()}: the document is missing`
      continue
    }
    const created = asInteger(createdCell)
    const modified = asInteger(modifiedCell)
    if (created === null || modified === null) {
      yield `${place()}: its revisions are missing`
      continue
    }
    const isSealed = typeof crc === 'number'
    const value = isSealed ? null : parseObject(text)
    if (value === null && !isSealed) {
      yield `${place()}: the document is no JSON object`
      continue
    }
    // one text for all rows that have it
    if (dialect !== last.dialect || kind !== last.kind) last = { dialect, kind }
    const document = new RowDocument({ dialect: last.dialect, kind: last.kind, id }, text, value, {
      created,
      modified,
      expiresAtMs: asInteger(expiresCell),
    })
    if (crc !== null && Number(crc) !== rowChecksum(document, text)) {
      yield `${place()}: the document is not the one that was written (its checksum differs)`
      continue
    }
    yield { document, text, crc: isSealed ? crc : null }
  }
}

/** A document as its row has it. */
class RowDocument implements StoredDocument {
  readonly key: StoredDocument['key']
  readonly createdRevision: number
  readonly modifiedRevision: number
  readonly expiresAtMs: number | null
  /** '' once it is parsed. */
  #text: string
  #value: StoredDocument['value'] | null

  constructor(
    key: StoredDocument['key'],
    text: string,
    value: StoredDocument['value'] | null,
    numbers: { readonly created: number; readonly modified: number; readonly expiresAtMs: number | null },
  ) {
    this.key = key
    this.#text = value === null ? text : ''
    this.#value = value
    this.createdRevision = numbers.created
    this.modifiedRevision = numbers.modified
    this.expiresAtMs = numbers.expiresAtMs
  }

  /** As if `value` were a field like the others. */
  toJSON(): StoredDocument {
    const { key, value, createdRevision, modifiedRevision, expiresAtMs } = this
    return { key, value, createdRevision, modifiedRevision, expiresAtMs }
  }

  get value(): StoredDocument['value'] {
    if (this.#value === null) {
      this.#value = JSON.parse(this.#text) as StoredDocument['value']
      this.#text = ''
    }
    return this.#value
  }
}

/** Rows whose digests are gathered before they are hashed. */
const GATHERED = 500

/** What tells one content of the table from any other: keys, revisions and checksums of all rows in their order. */
export class RowDigest {
  readonly #hash = createHash('sha256')
  #text = ''
  #gathered = 0
  #isSealed = true

  add({ document, crc }: Row): void {
    if (crc === null) this.#isSealed = false
    const { key, createdRevision, modifiedRevision, expiresAtMs } = document
    this.#text += `${key.dialect}\0${key.kind}\0${key.id}\0${createdRevision}\0${modifiedRevision}\0${expiresAtMs}\0${crc}\n`
    if (++this.#gathered < GATHERED) return
    this.#hash.update(this.#text)
    this.#text = ''
    this.#gathered = 0
  }

  /** null: a row was put in by hand, and nothing proves what it holds. */
  finish(): string | null {
    this.#hash.update(this.#text)
    return this.#isSealed ? this.#hash.digest('hex') : null
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
