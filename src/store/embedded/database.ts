import { chmodSync, closeSync, existsSync, openSync, statSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { DocumentChange, StoredDocument, WriteNote } from '../../model/document.ts'
import { GatewayError } from '../../model/gateway-error.ts'
import { checkExpectation } from '../document-key.ts'
import type { CommitResult, HistoryEntry, StoreContent, StoreFault } from '../store.ts'
import { BUSY_MS } from './frozen-view.ts'
import { migrate, SCHEMA_VERSION } from './migrations.ts'
import { RowDigest, readRows, rowChecksum, rowFault } from './rows.ts'
import { toStoreError } from './store-error.ts'

/** Revisions whose changes are kept; older ones are dropped when the store is opened. */
const MAX_HISTORY = 100_000

/** The log file is cut back to this when it starts over. */
const MAX_IDLE_LOG_BYTES = 64 * 1024 * 1024
/** A format number above it is no newer headgate but a damaged head. */
const HIGHEST_PLAUSIBLE_VERSION = 1000

/** Rows read between two turns of the loop: some milliseconds. */
const ROWS_AT_ONCE = 1000

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export interface PendingWrite {
  readonly changes: readonly DocumentChange[]
  readonly note: WriteNote
  readonly atMs: number
}

/** The result of one write of a group, or why it alone was refused. */
export type WriteOutcome = CommitResult | GatewayError

/**
 * One open database file. Every method is synchronous and leaves no transaction open. Throws GatewayError: STORE_DAMAGED where the file
 * is not what we wrote, STORE_UNAVAILABLE where the disk or another program is in the way, NOT_SUPPORTED for a newer headgate's file.
 */
export class Database {
  #db: DatabaseSync
  #insertRevision: StatementSync
  #insertChange: StatementSync
  #find: StatementSync
  #put: StatementSync
  #delete: StatementSync
  #revision: number
  #isClosed = false

  private constructor(db: DatabaseSync) {
    this.#db = db
    this.#insertRevision = db.prepare(
      'INSERT INTO revisions (revision, at_ms, author, message) VALUES (?, ?, ?, ?)',
    )
    this.#insertChange = db.prepare(
      'INSERT INTO changes (revision, position, dialect, kind, id, op, before, after) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.#find = db.prepare(
      'SELECT value, created, modified FROM documents WHERE dialect = ? AND kind = ? AND id = ?',
    )
    this.#put = db.prepare(
      'INSERT OR REPLACE INTO documents (dialect, kind, id, value, created, modified, expires_at_ms, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.#delete = db.prepare('DELETE FROM documents WHERE dialect = ? AND kind = ? AND id = ?')
    const newest = db.prepare('SELECT coalesce(max(revision), 0) AS revision FROM revisions').get()
    this.#revision = Number(newest?.revision)
  }

  /**
   * Opens, checks and migrates. `mayBeNew`: whether a file without tables may become a new database; false where the folder shows
   * that there once was one, so that a lost file never turns into an empty gateway.
   */
  static open(path: string, mayBeNew: boolean): Database {
    let db: DatabaseSync | undefined
    try {
      if (!existsSync(path)) {
        if (!mayBeNew) throw new GatewayError('STORE_DAMAGED', 'the file is missing')
        // Made by us first: SQLite would take the mode from the umask, and its -wal and -shm files take theirs from this one.
        closeSync(openSync(path, 'a', 0o600))
      } else chmodSync(path, 0o600) // a backup put back by hand
      const isBlank = statSync(path).size === 0 && !hasBytes(`${path}-wal`)
      if (isBlank && !mayBeNew) throw new GatewayError('STORE_DAMAGED', 'the file is empty')
      db = new DatabaseSync(path, { timeout: BUSY_MS })
      if (!isBlank) checkIntegrity(db, mayBeNew)
      db.exec('PRAGMA journal_mode = WAL')
      db.exec('PRAGMA synchronous = FULL')
      db.exec(`PRAGMA journal_size_limit = ${MAX_IDLE_LOG_BYTES}`)
      migrate(db)
      pruneHistory(db)
      return new Database(db)
    } catch (error) {
      try {
        db?.close()
      } catch {
        // The first error is the one to report; the handle is gone with the process at the latest.
      }
      throw toStoreError(error)
    }
  }

  get revision(): number {
    return this.#revision
  }

  /** Every document of one revision. A row that cannot be read as a document becomes a fault, the others load. */
  /** In pieces, between which others have their turn. Nobody may write meanwhile. */
  async load(): Promise<StoreContent> {
    const documents: StoredDocument[] = []
    const faults: StoreFault[] = []
    const digest = new RowDigest()
    try {
      for (const row of readRows(this.#db)) {
        if (typeof row === 'string') faults.push(rowFault(row))
        else {
          documents.push(row.document)
          digest.add(row)
        }
        if (documents.length % ROWS_AT_ONCE === 0) await nextTurn()
      }
    } catch (error) {
      throw toStoreError(error)
    }
    return {
      revision: this.#revision,
      documents,
      faults,
      digest: faults.length === 0 ? digest.finish() : null,
    }
  }

  /** The digest that `load` would give now; null where it would give none, or where somebody wrote meanwhile. */
  async digest(): Promise<string | null> {
    const revision = this.#revision
    const digest = new RowDigest()
    let rows = 0
    for (const row of readRows(this.#db)) {
      if (typeof row === 'string' || this.#revision !== revision) return null
      digest.add(row)
      if (++rows % ROWS_AT_ONCE !== 0) continue
      await nextTurn()
      if (this.#isClosed) return null
    }
    return this.#revision === revision ? digest.finish() : null
  }

  /**
   * All writes in one transaction: one flush to disk however many they are. A conflict refuses its own write only; when the disk
   * refuses, this throws and none has happened.
   */
  commit(writes: readonly PendingWrite[]): WriteOutcome[] {
    const outcomes: WriteOutcome[] = []
    let revision = this.#revision
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      for (const write of writes) {
        const outcome = this.#commitOne(write, revision)
        outcomes.push(outcome)
        if (!(outcome instanceof GatewayError)) revision = outcome.revision
      }
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#rollBack()
      throw toStoreError(error)
    }
    this.#revision = revision
    return outcomes
  }

  #commitOne(write: PendingWrite, base: number): WriteOutcome {
    const revision = base + 1
    const documents: (StoredDocument | undefined)[] = []
    let position = 0
    this.#db.exec('SAVEPOINT one')
    this.#insertRevision.run(revision, write.atMs, write.note.author, write.note.message)
    for (const change of write.changes) {
      const { dialect, kind, id } = change.key
      const row = this.#find.get(dialect, kind, id)
      const before = typeof row?.value === 'string' ? row.value : null
      try {
        checkExpectation(change, row === undefined ? undefined : Number(row.modified))
      } catch (error) {
        this.#db.exec('ROLLBACK TO one; RELEASE one')
        if (error instanceof GatewayError) return error
        throw error
      }
      if (change.op === 'delete') {
        documents.push(undefined)
        if (row === undefined) continue
        this.#delete.run(dialect, kind, id)
        this.#insertChange.run(revision, position++, dialect, kind, id, 'delete', before, null)
        continue
      }
      const text = JSON.stringify(change.value)
      const created = typeof row?.created === 'number' ? row.created : revision
      const document: StoredDocument = {
        key: { dialect, kind, id },
        value: JSON.parse(text),
        createdRevision: created,
        modifiedRevision: revision,
        expiresAtMs: change.expiresAtMs,
      }
      this.#putRow(document, text)
      this.#insertChange.run(revision, position++, dialect, kind, id, 'put', before, text)
      documents.push(document)
    }
    if (position === 0) {
      this.#db.exec('ROLLBACK TO one; RELEASE one')
      return { revision: base, documents }
    }
    this.#db.exec('RELEASE one')
    return { revision, documents }
  }

  #putRow(document: StoredDocument, text: string): void {
    const { key, createdRevision, modifiedRevision, expiresAtMs } = document
    const crc = rowChecksum(document, text)
    this.#put.run(key.dialect, key.kind, key.id, text, createdRevision, modifiedRevision, expiresAtMs, crc)
  }

  #rollBack(): void {
    try {
      // A full disk makes SQLite roll back by itself, then there is nothing left to do.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
    } catch {
      // The error that led here is the one to report. If the transaction is really still open, the next BEGIN says so.
    }
  }

  history(limit: number, before: number): HistoryEntry[] {
    try {
      return this.#readHistory(limit, before)
    } catch (error) {
      throw toStoreError(error)
    }
  }

  #readHistory(limit: number, before: number): HistoryEntry[] {
    const revisions = this.#db
      .prepare('SELECT * FROM revisions WHERE revision < ? ORDER BY revision DESC LIMIT ?')
      .all(before, limit)
    const changesOf = this.#db.prepare(
      'SELECT dialect, kind, id, op, before, after FROM changes WHERE revision = ? ORDER BY position',
    )
    return revisions.map((row) => ({
      revision: Number(row.revision),
      atMs: Number(row.at_ms),
      author: String(row.author),
      message: row.message === null ? null : String(row.message),
      changes: changesOf.all(Number(row.revision)).map((change) => ({
        dialect: String(change.dialect),
        kind: String(change.kind),
        id: String(change.id),
        op: change.op === 'delete' ? ('delete' as const) : ('put' as const),
        before: change.before === null ? null : String(change.before),
        after: change.after === null ? null : String(change.after),
      })),
    }))
  }

  /** Puts documents into a database that has none, as they were: same revisions. For the way back from a last good copy. */
  restore(content: StoreContent, message: string, atMs: number): void {
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      const revision = content.revision + 1
      this.#insertRevision.run(revision, atMs, 'system', message)
      for (const document of content.documents) this.#putRow(document, JSON.stringify(document.value))
      this.#db.exec('COMMIT')
      this.#revision = revision
    } catch (error) {
      this.#rollBack()
      throw toStoreError(error)
    }
  }

  /** Writes what stands in the log into the main file and closes. */
  close(): void {
    this.#isClosed = true
    this.#db.close()
  }
}

function hasBytes(path: string): boolean {
  return existsSync(path) && statSync(path).size > 0
}

function checkIntegrity(db: DatabaseSync, mayBeNew: boolean): void {
  const found = db.prepare('PRAGMA integrity_check(1)').get()?.integrity_check
  if (found !== 'ok') throw new GatewayError('STORE_DAMAGED', `the integrity check says: ${String(found)}`)
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
  if (version < 0 || version > HIGHEST_PLAUSIBLE_VERSION) {
    throw new GatewayError('STORE_DAMAGED', `its format number is ${version}`)
  }
  if (version > SCHEMA_VERSION) {
    const detail = `it was written by a newer headgate (format ${version}; this one reads up to ${SCHEMA_VERSION})`
    throw new GatewayError('NOT_SUPPORTED', detail)
  }
  if (version === 0 && !mayBeNew) throw new GatewayError('STORE_DAMAGED', 'its tables are gone')
}

function pruneHistory(db: DatabaseSync): void {
  const count = Number(db.prepare('SELECT count(*) AS n FROM revisions').get()?.n)
  if (count <= MAX_HISTORY) return
  const oldest = `(SELECT max(revision) - ${MAX_HISTORY} FROM revisions)`
  db.exec(
    `BEGIN IMMEDIATE; DELETE FROM changes WHERE revision <= ${oldest}; DELETE FROM revisions WHERE revision <= ${oldest}; COMMIT`,
  )
}
