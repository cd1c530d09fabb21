import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { GatewayError } from '../../model/gateway-error.ts'
import { replaceFileSync } from './files.ts'

const LOCK_FILE = 'headgate.lock'
const OWNER_FILE = 'headgate.owner'

/**
 * One process per data directory. The lock is the kernel's (a SQLite file held exclusively, since Node has no flock), so it goes with
 * its process, also by kill -9. Nothing else in this process may open the lock file: closing a second descriptor would drop the lock.
 */
export interface DirectoryLock {
  release(): void
}

/** Throws STORE_UNAVAILABLE when another process has it, naming that process where it is known. */
export function takeLock(directory: string): DirectoryLock {
  const path = join(directory, LOCK_FILE)
  let db: DatabaseSync | undefined
  try {
    closeSync(openSync(path, 'a', 0o600))
    db = new DatabaseSync(path, { timeout: 0 })
    // An exclusive transaction on a file without pages writes nothing, so a full disk does not stand in its way.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    db?.close()
    const isBusy = error instanceof Error && 'errcode' in error && error.errcode === 5
    const detail = isBusy
      ? `${directory} is in use by another headgate process${describeOwner(directory)}; stop it first, or give this one a directory of its own`
      : `the lock file ${path} cannot be opened: ${error instanceof Error ? error.message : String(error)}`
    throw new GatewayError('STORE_UNAVAILABLE', detail, { cause: error })
  }
  const held = db
  return {
    release: () => {
      if (held.isOpen) held.close()
    },
  }
}

/** Whether the directory ever held a database of ours: the owner file is written once that stands. */
export function wasUsedBefore(directory: string): boolean {
  return readOwner(directory) !== null
}

/** Writes who holds the directory. Call it when the database stands. */
export function recordOwner(directory: string): void {
  try {
    replaceFileSync(join(directory, OWNER_FILE), `${process.pid}\n`)
  } catch {
    // Only a message of another process gets poorer; on a full disk an older owner file still marks the directory as used.
  }
}

/** Takes the mark away again; after that a directory without files may start empty. */
export function forgetOwner(directory: string): void {
  rmSync(join(directory, OWNER_FILE), { force: true })
}

export function ownerFile(directory: string): string {
  return join(directory, OWNER_FILE)
}

function readOwner(directory: string): string | null {
  try {
    return readFileSync(join(directory, OWNER_FILE), 'utf8').trim()
  } catch {
    return null
  }
}

function describeOwner(directory: string): string {
  const owner = readOwner(directory)
  return owner !== null && /^\d+$/.test(owner) ? ` (pid ${owner})` : ''
}
