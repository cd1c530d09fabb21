import { statSync } from 'node:fs'
import type { DocumentChange, DocumentKey, StoredDocument } from '../../model/document.ts'
import { GatewayError } from '../../model/gateway-error.ts'
import { keyLabel, keyText } from '../document-key.ts'
import type { CommitResult, ConfigStore, HistoryEntry, StoreContent, StoreFault } from '../store.ts'
import { type FilePlace, type FileReader, formatPlace, type PlacedFault } from './file-reader.ts'
import { FolderWatcher } from './folder-watcher.ts'
import { type FileListing, foldersToWatch, listFiles } from './list-files.ts'
import { type FileResult, mergeFiles, readFile } from './read-files.ts'

export interface FileStoreOptions {
  /** Where `${{NAME}}` is looked up. Default: the process's environment. */
  readonly environment?: NodeJS.ProcessEnv
}

/**
 * A file or a directory of files as the configuration. Rejects with BAD_SETTING when there is nothing at `target`, and with STORE_DAMAGED
 * when there are files but not one document in them can be used; a directory without files is an empty configuration.
 */
export async function openFileStore(
  target: string,
  readers: readonly FileReader[],
  options: FileStoreOptions = {},
): Promise<FileStore> {
  try {
    listFiles(target)
  } catch (error) {
    const detail = `${target}: cannot be read: ${error instanceof Error ? error.message : String(error)}`
    throw new GatewayError('BAD_SETTING', detail, { cause: error })
  }
  return new FileStore(target, readers, options.environment ?? process.env)
}

interface Seen {
  readonly stamp: string
  readonly result: FileResult
}

interface Held {
  readonly document: StoredDocument
  readonly text: string
  readonly locate: (path: string) => FilePlace
}

/**
 * What happens to a file that turns bad: it is reported once with its position, and its last good documents stay in force until it is
 * good again or removed. At the first reading there is no last good version: then the documents of it that are good are used. A target
 * that disappears, or a directory that loses all of its files at once (an unmounted volume), changes nothing either.
 */
export class FileStore implements ConfigStore {
  readonly name: string
  readonly readOnly: string
  readonly #readers: readonly FileReader[]
  readonly #environment: NodeJS.ProcessEnv
  readonly #watcher = new FolderWatcher(() => this.#rescan(false))
  readonly #subscribers = new Set<Parameters<ConfigStore['watch']>>()
  /** The newest reading of each file, good or not, and the one in force. */
  #seen = new Map<string, Seen>()
  #inForce = new Map<string, FileResult>()
  #held = new Map<string, Held>()
  #faults: readonly StoreFault[] = []
  #revision = 0
  #isLoaded = false
  #isClosed = false

  constructor(target: string, readers: readonly FileReader[], environment: NodeJS.ProcessEnv) {
    this.name = target
    this.readOnly = `the configuration comes from ${target}; change the file instead`
    this.#readers = readers
    this.#environment = environment
  }

  async load(): Promise<StoreContent> {
    if (!this.#isLoaded) {
      this.#readAll(false)
      const [first] = this.#faults
      if (this.#held.size === 0 && first !== undefined) {
        const more = this.#faults.length > 1 ? ` (and ${this.#faults.length - 1} more)` : ''
        const detail = `${first.place}: ${first.path === '' ? '' : `${first.path}: `}${first.message}${more}`
        throw new GatewayError('STORE_DAMAGED', detail)
      }
      this.#isLoaded = true
    }
    return this.#content()
  }

  async commit(changes: readonly DocumentChange[]): Promise<CommitResult> {
    for (const { key } of changes) {
      const place = this.locate(key, '')
      if (place === null) continue
      throw new GatewayError('READ_ONLY', `${this.readOnly} (${keyLabel(key)}: ${formatPlace(place)})`)
    }
    throw new GatewayError('READ_ONLY', this.readOnly)
  }

  /** Files keep no history here; a version control system does. */
  async history(): Promise<readonly HistoryEntry[]> {
    return []
  }

  /**
   * `onChange` gets everything whenever documents changed, its faults among it; `onFault` the whole list of faults whenever only that
   * changed, an empty one when the last is mended. Either within 200 ms of the change on disk.
   */
  watch(...subscriber: Parameters<ConfigStore['watch']>): () => void {
    this.#subscribers.add(subscriber)
    this.#follow()
    // What changed between `load` and now had no watcher yet.
    setImmediate(() => this.#rescan(false))
    return () => {
      this.#subscribers.delete(subscriber)
      if (this.#subscribers.size === 0) this.#watcher.follow(new Map())
    }
  }

  /** Reads everything again whether it looks changed or not (SIGHUP): the environment may have changed, too. */
  async reload(): Promise<void> {
    this.#rescan(true)
  }

  /**
   * The point in a file of a path in a document, so that faults found later can be shown there. null for an unknown document; a path
   * that leads to nothing gives the deepest part that is there.
   */
  locate(key: DocumentKey, path: string): FilePlace | null {
    return this.#held.get(keyText(key))?.locate(path) ?? null
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#subscribers.clear()
    this.#watcher.close()
  }

  #rescan(isForced: boolean): void {
    if (this.#isClosed || !this.#isLoaded) return
    const revision = this.#revision
    const faults = JSON.stringify(this.#faults)
    this.#readAll(isForced)
    if (this.#subscribers.size > 0) this.#follow()
    const hasNewDocuments = revision !== this.#revision
    if (!hasNewDocuments && faults === JSON.stringify(this.#faults)) return
    for (const [onChange, onFault] of this.#subscribers) {
      if (hasNewDocuments) onChange(this.#content())
      else onFault(this.#faults)
    }
  }

  #follow(): void {
    let listing: FileListing | null = null
    try {
      listing = listFiles(this.name)
    } catch {
      // Gone for now: its parent is watched for its return.
    }
    this.#watcher.follow(foldersToWatch(this.name, listing))
  }

  #content(): StoreContent {
    const documents = [...this.#held.values()].map((held) => held.document)
    return { revision: this.#revision, documents, faults: this.#faults }
  }

  #readAll(isForced: boolean): void {
    const faults: StoreFault[] = []
    const files = this.#list(faults)
    if (files !== null) {
      const seen = new Map<string, Seen>()
      const inForce = new Map<string, FileResult>()
      for (const file of files) {
        const current = this.#read(file, isForced)
        seen.set(file, current)
        for (const fault of current.result.faults) faults.push(toStoreFault(fault))
        inForce.set(file, chooseVersion(this.#inForce.get(file), current.result))
      }
      this.#seen = seen
      this.#inForce = inForce
    }
    const merged = mergeFiles([...this.#inForce.values()], this.#readers)
    for (const fault of merged.faults) faults.push(toStoreFault(fault))
    this.#faults = faults
    this.#take(merged.documents)
  }

  /** null: keep what is in force. */
  #list(faults: StoreFault[]): readonly string[] | null {
    try {
      const { files } = listFiles(this.name)
      if (files.length > 0 || this.#held.size === 0) return files
      const hint = 'to serve nothing, leave a file that says so, e.g. `routes: []`'
      const message = 'no configuration file is left; the last documents stay in force'
      faults.push({ place: this.name, path: '', message, hint })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const message = `cannot be read: ${reason}; the last documents stay in force`
      faults.push({ place: this.name, path: '', message, hint: null })
    }
    return null
  }

  #read(file: string, isForced: boolean): Seen {
    const stamp = stampOf(file)
    const before = this.#seen.get(file)
    if (!isForced && before !== undefined && before.stamp === stamp) return before
    const hadEnd = this.#inForce.get(file)?.hasEnd === true
    return { stamp, result: readFile(file, this.#readers, this.#environment, hadEnd) }
  }

  /** Documents whose text is the same keep their revisions; all others share the next one. */
  #take(documents: ReturnType<typeof mergeFiles>['documents']): void {
    const revision = this.#revision + 1
    const held = new Map<string, Held>()
    let isChanged = false
    for (const [name, { key, value, locate }] of documents) {
      const text = JSON.stringify(value)
      const before = this.#held.get(name)
      if (before?.text === text) {
        held.set(name, { document: before.document, text, locate })
        continue
      }
      isChanged = true
      const createdRevision = before?.document.createdRevision ?? revision
      const document = { key, value, createdRevision, modifiedRevision: revision, expiresAtMs: null }
      held.set(name, { document, text, locate })
    }
    if (isChanged || held.size !== this.#held.size) this.#revision = revision
    this.#held = held
  }
}

/** The version of a file to serve: the newest, unless it is bad and an older one is better. */
function chooseVersion(before: FileResult | undefined, newest: FileResult): FileResult {
  if (before === undefined || newest.faults.length === 0) return newest
  if (before.faults.length === 0) return before
  return newest.documents.length > 0 ? newest : before
}

function toStoreFault(fault: PlacedFault): StoreFault {
  return { place: formatPlace(fault.place), path: fault.path, message: fault.message, hint: fault.hint }
}

function stampOf(file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true })
    return `${dev}.${ino}.${size}.${mtimeNs}.${ctimeNs}`
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
  }
}
