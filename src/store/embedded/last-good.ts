import { readFileSync, renameSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject } from '../../model/json.ts'
import type { StoreContent } from '../store.ts'
import { syncFolder } from './files.ts'
import { FrozenView } from './frozen-view.ts'

const FORMAT = 'headgate-last-good-1'
/** Text gathered before it is handed to the disk. Characters. */
const CHUNK = 256 * 1024

export function lastGoodFile(directory: string): string {
  return join(directory, 'last-good.json')
}

export type LastGood =
  | { readonly kind: 'none' }
  | { readonly kind: 'bad'; readonly reason: string }
  | { readonly kind: 'good'; readonly content: StoreContent; readonly at: string }

/**
 * Writes all documents of the newest revision beside the database, one a line, with a checksum over the lines. The view is frozen and
 * read in pieces, so writes and the loop go on meanwhile. Returns the revision written. Rejects when the disk refuses; the older copy
 * then stays.
 */
export async function writeLastGood(directory: string, databasePath: string, at: Date): Promise<number> {
  const path = lastGoodFile(directory)
  const temporary = `${path}.tmp`
  const view = new FrozenView(databasePath)
  try {
    const file = await open(temporary, 'w', 0o600)
    try {
      let pending = `{"format":"${FORMAT}","revision":${view.revision},"at":"${at.toISOString()}","documents":[\n`
      let crc = 0
      let isFirst = true
      for (const { document, text } of view.rows()) {
        const { key, createdRevision, modifiedRevision, expiresAtMs } = document
        const head = JSON.stringify({ ...key, createdRevision, modifiedRevision, expiresAtMs })
        const line = `${isFirst ? '' : ',\n'}${head.slice(0, -1)},"value":${text}}`
        isFirst = false
        crc = crc32(line, crc)
        pending += line
        if (pending.length >= CHUNK) {
          await file.write(pending)
          pending = ''
        }
      }
      await file.write(`${pending}\n],"crc32":${crc}}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    syncFolder(dirname(path))
    return view.revision
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  } finally {
    view.close()
  }
}

/** Never throws: a copy that cannot be trusted is `bad` with the reason. */
export function readLastGood(directory: string): LastGood {
  let text: string
  try {
    text = readFileSync(lastGoodFile(directory), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { kind: 'none' }
    return { kind: 'bad', reason: error instanceof Error ? error.message : String(error) }
  }
  try {
    const root: unknown = JSON.parse(text)
    if (!isJsonObject(root) || root.format !== FORMAT) return { kind: 'bad', reason: 'it has another format' }
    const start = text.indexOf('\n') + 1
    const lines = text.slice(start, text.lastIndexOf('\n]'))
    if (root.crc32 !== crc32(lines)) return { kind: 'bad', reason: 'its checksum differs' }
    if (typeof root.revision !== 'number' || !Array.isArray(root.documents)) {
      return { kind: 'bad', reason: 'it has another format' }
    }
    const documents = root.documents.map(toDocument)
    return {
      kind: 'good',
      content: { revision: root.revision, documents, faults: [] },
      at: String(root.at),
    }
  } catch (error) {
    return { kind: 'bad', reason: error instanceof Error ? error.message : String(error) }
  }
}

/** Puts a copy aside that cannot be trusted, so that a new one can be written and the old one looked at. */
export function setLastGoodAside(directory: string, atMs: number): void {
  renameSync(lastGoodFile(directory), `${lastGoodFile(directory)}.damaged-${atMs}`)
}

function toDocument(entry: unknown): StoredDocument {
  if (!isJsonObject(entry)) throw new Error('an entry is no object')
  const { dialect, kind, id, value, createdRevision, modifiedRevision, expiresAtMs } = entry
  if (typeof dialect !== 'string' || typeof kind !== 'string' || typeof id !== 'string') {
    throw new Error('an entry has no key')
  }
  if (typeof createdRevision !== 'number' || typeof modifiedRevision !== 'number') {
    throw new Error('an entry has no revisions')
  }
  if (!isJsonObject(value)) throw new Error('an entry has no value')
  return {
    key: { dialect, kind, id },
    value,
    createdRevision,
    modifiedRevision,
    expiresAtMs: typeof expiresAtMs === 'number' ? expiresAtMs : null,
  }
}
