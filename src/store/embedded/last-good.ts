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
/** Text gathered before it is handed to the disk, which is when the loop gets its turn. Characters. */
const CHUNK = 64 * 1024

export function lastGoodFile(directory: string): string {
  return join(directory, 'last-good.json')
}

export type LastGood =
  | { readonly kind: 'none' }
  | { readonly kind: 'bad'; readonly reason: string }
  | {
      readonly kind: 'good'
      readonly revision: number
      readonly at: string
      /** The documents, which are needed only when the database is not good. Throws for what no headgate writes. */
      content(): StoreContent
    }

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
  let bytes: Buffer
  try {
    bytes = readFileSync(lastGoodFile(directory))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { kind: 'none' }
    return { kind: 'bad', reason: error instanceof Error ? error.message : String(error) }
  }
  try {
    // the documents stand on lines of their own between what opens and what closes the list
    const start = bytes.indexOf('\n') + 1
    const end = bytes.lastIndexOf('\n]')
    if (start === 0 || end < start - 1) return { kind: 'bad', reason: 'it is cut short' }
    const head: unknown = JSON.parse(`${bytes.toString('utf8', 0, start)}]}`)
    const tail: unknown = JSON.parse(`[{"documents":[${bytes.toString('utf8', end)}]`)
    if (!isJsonObject(head) || head.format !== FORMAT) return { kind: 'bad', reason: 'it has another format' }
    const ending: unknown = Array.isArray(tail) ? tail[0] : null
    if (!isJsonObject(ending) || ending.crc32 !== crc32(bytes.subarray(start, Math.max(start, end)))) {
      return { kind: 'bad', reason: 'its checksum differs' }
    }
    const { revision } = head
    if (typeof revision !== 'number') return { kind: 'bad', reason: 'it has another format' }
    const content = (): StoreContent => {
      const documents: unknown = JSON.parse(`[${bytes.toString('utf8', start, Math.max(start, end))}]`)
      if (!Array.isArray(documents)) throw new Error('it has no list of documents')
      return { revision, documents: documents.map(toDocument), faults: [] }
    }
    return { kind: 'good', revision, at: String(head.at), content }
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
