import { join } from 'node:path'
import { GatewayError } from '../../model/gateway-error.ts'
import type { CommitResult, ConfigStore, HistoryEntry, StoreContent } from '../store.ts'
import { lastGoodFile } from './last-good.ts'
import type { DirectoryLock } from './lock.ts'

/**
 * Serves the last good copy while the database is damaged: traffic goes on, writes are refused until an operator has looked. The
 * directory stays locked, and nothing in it is touched.
 */
export function createLastGoodStore(
  directory: string,
  lastGood: GoodCopy,
  reason: string,
  lock: DirectoryLock,
): ConfigStore {
  return new LastGoodStore(directory, lastGood, reason, lock)
}

/** What was read of the copy, and when it was written. */
export interface GoodCopy {
  readonly at: string
  readonly content: StoreContent
}

class LastGoodStore implements ConfigStore {
  readonly name: string
  readonly readOnly: string
  readonly #content: StoreContent
  readonly #lock: DirectoryLock

  constructor(directory: string, lastGood: GoodCopy, reason: string, lock: DirectoryLock) {
    this.name = lastGoodFile(directory)
    this.#lock = lock
    const hint = `put a backup in its place and restart; or make the file ${join(directory, 'accept-last-good')} and restart: the damaged database is then put aside and this copy becomes the configuration; or, to use the database as it is, remove ${this.name}`
    this.readOnly = `the store is damaged (${reason}); the last good copy of ${lastGood.at} (revision ${lastGood.content.revision}) is served read-only: ${hint}`
    const fault = {
      place: this.name,
      path: '',
      message: `the store is damaged (${reason}); the last good copy of ${lastGood.at} is served instead`,
      hint,
    }
    this.#content = { ...lastGood.content, faults: [fault] }
  }

  async load(): Promise<StoreContent> {
    return this.#content
  }

  async commit(): Promise<CommitResult> {
    throw new GatewayError('STORE_UNAVAILABLE', this.readOnly)
  }

  /** The history is in the database that cannot be read. */
  async history(): Promise<readonly HistoryEntry[]> {
    return []
  }

  watch(): () => void {
    return () => {}
  }

  async close(): Promise<void> {
    this.#lock.release()
  }
}
