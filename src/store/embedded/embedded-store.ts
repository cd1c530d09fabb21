import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DocumentChange, WriteNote } from '../../model/document.ts'
import { GatewayError } from '../../model/gateway-error.ts'
import type { CommitResult, ConfigStore, HistoryEntry, StoreContent, StoreFault } from '../store.ts'
import { Database, type PendingWrite } from './database.ts'
import { syncFolder } from './files.ts'
import { type LastGood, lastGoodFile, readLastGood, setLastGoodAside, writeLastGood } from './last-good.ts'
import { createLastGoodStore } from './last-good-store.ts'
import { type DirectoryLock, ownerFile, recordOwner, takeLock, wasUsedBefore } from './lock.ts'

const DATABASE_FILE = 'headgate.db'
/** What is made of the documents, kept for the next start (gateway/model-cache.ts). It may be deleted. */
const MODEL_FILE = 'model.cache'
/** An operator makes this file to say: go on from the last good copy, the damaged database may be put aside. */
const ACCEPT_FILE = 'accept-last-good'
/** Writes taken into one transaction at most. */
const MAX_GROUP = 1000
/** What a copy costs is worth a pause of so much. Milliseconds. */
const MAX_PAUSE_MS = 5000

export interface EmbeddedOptions {
  /** Go on from the last good copy if the database is damaged, as if the file `accept-last-good` were there. */
  readonly acceptLastGood?: boolean
  /**
   * Shortest time between two copies (`last-good.json`). Milliseconds, default 1000. A copy that takes long is made less often: after fifty times
   * its duration, but not later than 5 s for that, and never before ten times.
   */
  readonly copyIntervalMs?: number
  /** Wall clock, for stamps only. */
  readonly now?: () => number
  /** Told what an operator should know though the store works: a copy that could not be written. */
  readonly onWarning?: (message: string) => void
}

/**
 * The store of one machine: a SQLite file in `directory` (0700; files 0600). A write is acknowledged after its log record is on the disk
 * (WAL, synchronous = FULL). Documents past `expiresAtMs` are still given back: whoever owns the clock deletes them.
 *
 * A database that is damaged, missing, empty or older than the last good copy never starts as an empty or older gateway: the copy is
 * served read-only, with a fault that says what to do, and where there is no copy this rejects with STORE_DAMAGED. Rejects with
 * STORE_UNAVAILABLE when another process holds the directory or it cannot be written, with NOT_SUPPORTED for a newer headgate's file.
 */
export async function openEmbeddedStore(
  directory: string,
  options: EmbeddedOptions = {},
): Promise<ConfigStore> {
  prepareDirectory(directory)
  const lock = takeLock(directory)
  try {
    const lastGood = readLastGood(directory)
    try {
      const wasUsed = wasUsedBefore(directory)
      const database = openChecked(directory, lastGood, wasUsed)
      if (!wasUsed && lastGood.kind === 'none') await writeFirstCopy(directory, options)
      const faults = wasUsed && lastGood.kind !== 'good' ? [unguarded(directory, lastGood)] : []
      return new EmbeddedStore({ directory, database, lock, lastGood, faults, options })
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      // A newer headgate's file is in order; serving an older copy of it would hide what was written since.
      if (error.code === 'NOT_SUPPORTED') throw new GatewayError(error.code, describe(directory, error))
      if (lastGood.kind !== 'good') throw withoutCopy(directory, error, lastGood)
      const content = contentOf(directory, error, lastGood)
      const isAccepted = options.acceptLastGood === true || existsSync(join(directory, ACCEPT_FILE))
      if (!isAccepted || error.code !== 'STORE_DAMAGED')
        return createLastGoodStore(directory, { at: lastGood.at, content }, describe(directory, error), lock)
      const restored = restore(directory, content, (options.now ?? Date.now)())
      return new EmbeddedStore({ directory, database: restored, lock, lastGood, faults: [], options })
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

function prepareDirectory(directory: string): void {
  try {
    if (mkdirSync(directory, { recursive: true, mode: 0o700 }) !== undefined) chmodSync(directory, 0o700)
  } catch (error) {
    const detail = `the data directory ${directory} cannot be made: ${messageOf(error)}`
    throw new GatewayError('STORE_UNAVAILABLE', detail, { cause: error })
  }
}

/** Opens the database; refuses one that is older than the copy made from it, for then acknowledged writes are missing. */
function openChecked(directory: string, lastGood: LastGood, wasUsed: boolean): Database {
  const mayBeNew = lastGood.kind === 'none' && !wasUsed
  const database = Database.open(join(directory, DATABASE_FILE), mayBeNew)
  if (lastGood.kind === 'good' && database.revision < lastGood.revision) {
    const detail = `it stands at revision ${database.revision}, but revision ${lastGood.revision} was acknowledged; writes are missing`
    database.close()
    throw new GatewayError('STORE_DAMAGED', detail)
  }
  return database
}

/** A copy of nothing, made before the directory is marked as used: from then on a directory without a copy is one that lost it. */
async function writeFirstCopy(directory: string, options: EmbeddedOptions): Promise<void> {
  try {
    await writeLastGood(directory, join(directory, DATABASE_FILE), new Date((options.now ?? Date.now)()))
  } catch (error) {
    options.onWarning?.(`the first last-good.json could not be written: ${messageOf(error)}`)
  }
}

function unguarded(directory: string, lastGood: LastGood): StoreFault {
  const why = lastGood.kind === 'bad' ? `cannot be used (${lastGood.reason})` : 'is missing'
  return {
    place: lastGoodFile(directory),
    path: '',
    message: `the last good copy ${why}, so nothing tells whether ${join(directory, DATABASE_FILE)} lost writes`,
    hint: 'compare the configuration with what you expect; a new copy has been started',
  }
}

function contentOf(
  directory: string,
  error: GatewayError,
  lastGood: Extract<LastGood, { kind: 'good' }>,
): StoreContent {
  try {
    return lastGood.content()
  } catch (cause) {
    throw withoutCopy(directory, error, { kind: 'bad', reason: messageOf(cause) })
  }
}

function describe(directory: string, error: GatewayError): string {
  return `${join(directory, DATABASE_FILE)}: ${error.message}`
}

function withoutCopy(directory: string, error: GatewayError, lastGood: LastGood): GatewayError {
  if (error.code !== 'STORE_DAMAGED') {
    return new GatewayError(error.code, describe(directory, error), { cause: error })
  }
  const copy = lastGoodFile(directory)
  const why =
    lastGood.kind === 'bad' ? `the copy ${copy} cannot be used (${lastGood.reason})` : `there is no ${copy}`
  const detail = `${describe(directory, error)}, and ${why}. Nothing was started, so that the gateway does not come up empty: put back a backup, or, to begin with nothing, remove ${join(directory, DATABASE_FILE)}*, ${copy} and ${ownerFile(directory)}`
  return new GatewayError('STORE_DAMAGED', detail, { cause: error })
}

function restore(directory: string, content: StoreContent, atMs: number): Database {
  const path = join(directory, DATABASE_FILE)
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, `${path}.damaged-${atMs}${suffix}`)
  }
  const database = Database.open(path, true)
  database.restore(content, 'restored from last-good.json', atMs)
  rmSync(join(directory, ACCEPT_FILE), { force: true })
  syncFolder(directory)
  return database
}

interface QueuedWrite extends PendingWrite {
  readonly resolve: (result: CommitResult) => void
  readonly reject: (error: unknown) => void
}

class EmbeddedStore implements ConfigStore {
  readonly name: string
  readonly readOnly = null
  readonly #directory: string
  readonly #path: string
  readonly #lock: DirectoryLock
  readonly #options: EmbeddedOptions
  readonly #now: () => number
  /** What was odd at start; shown with every load. */
  readonly #faults: readonly StoreFault[]
  #database: Database | null
  #queue: QueuedWrite[] = []
  #flushing: NodeJS.Immediate | null = null
  #copiedRevision: number
  #copyTimer: NodeJS.Timeout | null = null
  #copying: Promise<void> | null = null
  #nextCopyAtMs = 0

  constructor(parts: {
    directory: string
    database: Database
    lock: DirectoryLock
    lastGood: LastGood
    faults: readonly StoreFault[]
    options: EmbeddedOptions
  }) {
    const { directory, lastGood, options } = parts
    this.#directory = directory
    this.#path = join(directory, DATABASE_FILE)
    this.name = this.#path
    this.#lock = parts.lock
    this.#faults = parts.faults
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#database = parts.database
    this.#copiedRevision = lastGood.kind === 'good' ? lastGood.revision : -1
    if (lastGood.kind === 'bad') {
      options.onWarning?.(`${lastGoodFile(directory)} cannot be used (${lastGood.reason}) and was put aside`)
      setLastGoodAside(directory, this.#now())
    }
    recordOwner(directory)
    this.#scheduleCopy()
  }

  get modelCache(): ConfigStore['modelCache'] {
    return {
      file: join(this.#directory, MODEL_FILE),
      revision: () => this.#database?.revision ?? -1,
      digest: async () => (this.#database === null ? null : this.#database.digest()),
    }
  }

  async load(): Promise<StoreContent> {
    const content = await this.#open().load()
    return { ...content, faults: [...this.#faults, ...content.faults] }
  }

  commit(changes: readonly DocumentChange[], note: WriteNote, atMs: number): Promise<CommitResult> {
    if (this.#database === null) return Promise.reject(closed(this.name))
    return new Promise((resolve, reject) => {
      this.#queue.push({ changes, note, atMs, resolve, reject })
      // Whatever else is asked for in this turn of the loop shares the flush to disk.
      this.#flushing ??= setImmediate(() => this.#flush())
    })
  }

  #flush(): void {
    this.#flushing = null
    const writes = this.#queue.splice(0, MAX_GROUP)
    if (this.#queue.length > 0) this.#flushing = setImmediate(() => this.#flush())
    this.#commitGroup(writes)
    this.#scheduleCopy()
  }

  #commitGroup(writes: readonly QueuedWrite[]): void {
    let outcomes: ReturnType<Database['commit']>
    try {
      outcomes = this.#open().commit(writes)
    } catch (error) {
      // One huge write on a nearly full disk must not fail the small ones beside it.
      if (writes.length > 1) for (const write of writes) this.#commitGroup([write])
      else writes[0]?.reject(error)
      return
    }
    for (const [i, write] of writes.entries()) {
      const outcome = outcomes[i]
      if (outcome === undefined || outcome instanceof GatewayError) write.reject(outcome)
      else write.resolve(outcome)
    }
  }

  async history(options: { limit: number; before?: number }): Promise<readonly HistoryEntry[]> {
    return this.#open().history(options.limit, options.before ?? Number.MAX_SAFE_INTEGER)
  }

  /** The directory is locked, so nobody else changes it. */
  watch(): () => void {
    return () => {}
  }

  async close(): Promise<void> {
    if (this.#database === null) return
    if (this.#flushing !== null) clearImmediate(this.#flushing)
    while (this.#queue.length > 0) this.#commitGroup(this.#queue.splice(0, MAX_GROUP))
    const database = this.#database
    this.#database = null
    if (this.#copyTimer !== null) clearTimeout(this.#copyTimer)
    await this.#copying
    if (database.revision !== this.#copiedRevision) await this.#copy(database.revision)
    database.close()
    this.#lock.release()
  }

  #open(): Database {
    if (this.#database === null) throw closed(this.name)
    return this.#database
  }

  #scheduleCopy(): void {
    const database = this.#database
    if (database === null || this.#copyTimer !== null || this.#copying !== null) return
    if (database.revision === this.#copiedRevision) return
    const waitMs = Math.max(0, this.#nextCopyAtMs - performance.now())
    this.#copyTimer = setTimeout(() => {
      this.#copyTimer = null
      this.#copying = this.#copy(database.revision).finally(() => {
        this.#copying = null
        this.#scheduleCopy()
      })
    }, waitMs)
    this.#copyTimer.unref()
  }

  async #copy(revision: number): Promise<void> {
    const startedAtMs = performance.now()
    try {
      this.#copiedRevision = await writeLastGood(this.#directory, this.#path, new Date(this.#now()))
    } catch (error) {
      // The database has the write; only the safety copy is older. It is tried again after the next interval.
      this.#options.onWarning?.(`last-good.json stays behind revision ${revision}: ${messageOf(error)}`)
    }
    const tookMs = performance.now() - startedAtMs
    const pauseMs = Math.max(Math.min(tookMs * 50, MAX_PAUSE_MS), tookMs * 10)
    this.#nextCopyAtMs = performance.now() + Math.max(this.#options.copyIntervalMs ?? 1000, pauseMs)
  }
}

function closed(name: string): GatewayError {
  return new GatewayError('STORE_UNAVAILABLE', `${name} is closed`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
