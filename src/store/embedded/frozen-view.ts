import { DatabaseSync } from 'node:sqlite'
import { type Row, readRows } from './rows.ts'

/** A foreign reader or writer (a shell with `sqlite3`) may hold the file this long before a write fails. Milliseconds. */
export const BUSY_MS = 200

/** A second, reading connection: one frozen view of all documents while writes go on. */
export class FrozenView {
  readonly revision: number
  #db: DatabaseSync

  constructor(path: string) {
    this.#db = new DatabaseSync(path, { timeout: BUSY_MS, readOnly: true })
    this.#db.exec('BEGIN')
    const newest = this.#db.prepare('SELECT coalesce(max(revision), 0) AS revision FROM revisions').get()
    this.revision = Number(newest?.revision)
  }

  /** Documents with their text as it is stored, which is what counts: values may be empty. Rows that are no documents are left out. */
  *rows(): Generator<Row> {
    for (const row of readRows(this.#db)) if (typeof row !== 'string') yield row
  }

  close(): void {
    this.#db.close()
  }
}
