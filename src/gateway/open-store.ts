import type { Dialect, DialectSettings } from '../dialects/dialect.ts'
import type { DocumentKey } from '../model/document.ts'
import type { Settings } from '../model/settings.ts'
import { openEmbeddedStore } from '../store/embedded/embedded-store.ts'
import { type FileReader, FileStore, formatPlace, openFileStore } from '../store/files/index.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { ConfigStore } from '../store/store.ts'
import type { Log } from './worker-pool.ts'

/** The store that the settings name: files (read-only), memory, or the embedded one in a data directory. */
export async function openStore(
  settings: Settings,
  dialects: readonly Dialect[],
  log: Log,
): Promise<ConfigStore> {
  if (settings.config !== null) return openFileStore(settings.config, fileReaders(dialects, settings))
  if (settings.store === 'memory') return createMemoryStore()
  return openEmbeddedStore(settings.store, { onWarning: (message) => log('warn', {}, message) })
}

/** How each dialect reads its documents out of a file. */
export function fileReaders(dialects: readonly Dialect[], settings: DialectSettings): FileReader[] {
  return dialects.map((dialect) => ({
    dialect: dialect.name,
    kinds: dialect.fileKeys ?? dialect.kinds,
    read: (root) => dialect.readFile(root, settings),
    validate: (kind, value) => dialect.validate(kind, value, settings),
    companions: (kind, value) => dialect.companions?.(kind, value) ?? [],
  }))
}

/** `file:line:column` of a place in a document; null where the store reads no files or does not know the document. */
export function placeInStore(store: ConfigStore, key: DocumentKey, path: string): string | null {
  const place = store instanceof FileStore ? store.locate(key, path) : null
  return place === null ? null : formatPlace(place)
}

/** What `kill -HUP` asks of a store that reads files; others have nothing to read again. */
export async function reloadStore(store: ConfigStore): Promise<void> {
  if ('reload' in store && typeof store.reload === 'function') await store.reload()
}
