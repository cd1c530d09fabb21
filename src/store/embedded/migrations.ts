import type { DatabaseSync } from 'node:sqlite'

/**
 * Each entry takes the file from the version of its index to the next. Entries that were ever released are never edited: a change of the
 * layout is a new entry.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE documents (
     dialect TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
     value TEXT NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL,
     expires_at_ms INTEGER, crc INTEGER,
     PRIMARY KEY (dialect, kind, id)
   ) WITHOUT ROWID;
   CREATE TABLE revisions (
     revision INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, author TEXT NOT NULL, message TEXT
   );
   CREATE TABLE changes (
     revision INTEGER NOT NULL, position INTEGER NOT NULL,
     dialect TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
     op TEXT NOT NULL, before TEXT, after TEXT,
     PRIMARY KEY (revision, position)
   ) WITHOUT ROWID;`,
]

export const SCHEMA_VERSION = MIGRATIONS.length

/** Brings the file to SCHEMA_VERSION in one transaction; a crash in the middle leaves the old version. */
export function migrate(db: DatabaseSync): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
  if (version === SCHEMA_VERSION) return
  db.exec('BEGIN IMMEDIATE')
  try {
    for (const step of MIGRATIONS.slice(version)) db.exec(step)
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
  // The tables go to the main file at once: a log that is lost later can then not make the file look new.
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
}
