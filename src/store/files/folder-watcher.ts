import { type FSWatcher, statSync, watch } from 'node:fs'

/** Quiet time after the last event before acting, so that a file written in several steps is read once. Milliseconds. */
const QUIET_MS = 30
/** A folder that never falls quiet is acted on after this all the same: a change must act within 200 ms. */
const LONGEST_WAIT_MS = 100
/** Only while a folder cannot be watched (it is gone, or the system has no watches left). */
const POLL_MS = 2_000

/**
 * Calls `onSettled` once after each burst of events in a changing set of folders. The owner closes it. No timer runs while nothing
 * happens, unless a folder cannot be watched.
 */
export class FolderWatcher {
  readonly #onSettled: () => void
  readonly #watchers = new Map<string, { watcher: FSWatcher; inode: bigint }>()
  #folders: ReadonlyMap<string, string | null> = new Map()
  #timer: NodeJS.Timeout | null = null
  #firstEventAtMs = 0
  #poll: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(onSettled: () => void) {
    this.#onSettled = onSettled
  }

  /** Folder → the one name in it that matters, null = every name. Folders that were replaced under their name are opened anew. */
  follow(folders: ReadonlyMap<string, string | null>): void {
    if (this.#isClosed) return
    this.#folders = folders
    let isMissing = false
    for (const [folder, { watcher, inode }] of this.#watchers) {
      if (folders.has(folder) && inodeOf(folder) === inode) continue
      watcher.close()
      this.#watchers.delete(folder)
    }
    for (const folder of folders.keys()) {
      if (!this.#watchers.has(folder) && !this.#open(folder)) isMissing = true
    }
    if (isMissing && this.#poll === null) {
      this.#poll = setInterval(this.#onSettled, POLL_MS)
      this.#poll.unref()
    } else if (!isMissing && this.#poll !== null) {
      clearInterval(this.#poll)
      this.#poll = null
    }
  }

  close(): void {
    this.#isClosed = true
    for (const { watcher } of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#poll !== null) clearInterval(this.#poll)
  }

  #open(folder: string): boolean {
    const inode = inodeOf(folder)
    if (inode === null) return false
    try {
      const watcher = watch(folder, (_, name) => this.#onEvent(folder, name))
      watcher.on('error', () => {
        // The folder went away below the watch; the next `follow` opens it anew or polls for it.
        watcher.close()
        this.#watchers.delete(folder)
        this.#schedule()
      })
      this.#watchers.set(folder, { watcher, inode })
      return true
    } catch {
      // No watches left (fs.inotify.max_user_watches) or gone since: polled for instead.
      return false
    }
  }

  #onEvent(folder: string, name: string | null): void {
    const wanted = this.#folders.get(folder)
    if (wanted != null && name !== null && name !== wanted) return
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isClosed) return
    const now = performance.now()
    if (this.#timer === null) this.#firstEventAtMs = now
    else clearTimeout(this.#timer)
    const waitMs = Math.max(0, Math.min(QUIET_MS, this.#firstEventAtMs + LONGEST_WAIT_MS - now))
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#onSettled()
    }, waitMs)
  }
}

function inodeOf(folder: string): bigint | null {
  return statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino ?? null
}
