import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import type { Settings } from '../model/settings.ts'
import type { ArchiveTables } from './model-archive.ts'
import type { ReconcilerTables } from './reconcile.ts'
import type { SlotTables } from './shared-state.ts'
import { VERSION } from './version.ts'

/**
 * The model as a file beside the store, so that a start need not validate and translate again what it did before. It is only ever believed when it was made
 * by the same code, under the same settings, of exactly these documents; anything else, a byte that changed included, and the slow way is gone. It may be
 * deleted at any time.
 *
 * Layout: a line of JSON (`Head`), then the sections it names one behind the other: JSON of the tables, numbers of the objects, segments.
 */

const FORMAT = 1
/** A small object and what is kept of it. */
const OBJECT_BYTES = 500
/** A head longer than this is none. */
const MAX_HEAD_BYTES = 1_048_576

interface Head {
  readonly format: number
  readonly fingerprint: string
  /** Digest of the documents (StoreContent.digest), and the revision they stood at. */
  readonly digest: string
  readonly revision: number
  readonly objects: number
  readonly documents: number
  readonly sections: readonly number[]
  readonly tablesCrc: number
  readonly segmentCrcs: readonly number[]
}

/** What is kept beside the archive. */
export interface ModelTables {
  readonly archive: Pick<ArchiveTables, 'tails' | 'owners'>
  readonly slots: SlotTables
  readonly reconciler: ReconcilerTables
  /** Upstreams that use names, which have to be asked for. */
  readonly named: readonly string[]
  readonly catchAlls: readonly (readonly [section: string, ids: readonly string[]])[]
}

export interface CachedModel extends ModelTables {
  readonly digest: string
  readonly revision: number
  /** Numbers of ArchiveTables. */
  readonly objects: Uint32Array
  readonly segments: readonly SharedArrayBuffer[]
  readonly documents: number
  /** Whether its bytes are those that were written. Takes a tenth of a second for 100 MB; ask before anybody relies on it. */
  isWhole(): boolean
}

/** About how many objects a file holds, by its size; 0: there is none. Only a hint. */
export function expectedObjects(file: string): number {
  try {
    return Math.ceil(statSync(file).size / OBJECT_BYTES)
  } catch {
    return 0 // there is no such file
  }
}

/** Reads the file. A text: why it is not used; null: there is none. */
export function readModelCache(
  file: string,
  expected: { readonly fingerprint: string; readonly revision: number },
): CachedModel | string | null {
  if (!existsSync(file)) return null
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch (error) {
    return String(error)
  }
  try {
    return readOpen(descriptor, expected)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    closeSync(descriptor)
  }
}

function readOpen(
  descriptor: number,
  expected: { readonly fingerprint: string; readonly revision: number },
): CachedModel | string {
  const size = fstatSync(descriptor).size
  const start = Buffer.alloc(Math.min(size, MAX_HEAD_BYTES))
  readSync(descriptor, start, 0, start.length, 0)
  const end = start.indexOf(0x0a)
  if (end < 0) return 'it has no head'
  const head = JSON.parse(start.toString('utf8', 0, end)) as Head
  if (head.format !== FORMAT) return 'it has another format'
  if (head.fingerprint !== expected.fingerprint) return 'it was made by other code or under other settings'
  if (head.revision !== expected.revision) return `it is of revision ${head.revision}`
  const total = head.sections.reduce((sum, bytes) => sum + bytes, end + 1)
  if (total !== size || head.sections.length < 2) return 'it is cut'
  let at = end + 1
  const read = (bytes: Buffer): void => {
    if (readSync(descriptor, bytes, 0, bytes.length, at) !== bytes.length) throw new Error('it is cut')
    at += bytes.length
  }
  const [jsonBytes = 0, objectBytes = 0, ...segmentBytes] = head.sections
  const json = Buffer.allocUnsafe(jsonBytes)
  read(json)
  const objects = new Uint32Array(objectBytes / Uint32Array.BYTES_PER_ELEMENT)
  read(Buffer.from(objects.buffer))
  const segments = segmentBytes.map((bytes) => {
    const memory = new SharedArrayBuffer(bytes)
    read(Buffer.from(memory))
    return memory
  })
  const { digest, revision, documents } = head
  const checksum = crc32(Buffer.from(objects.buffer), crc32(json))
  if (checksum !== head.tablesCrc) return 'its checksum differs'
  const isWhole = (): boolean =>
    segments.every((memory, i) => crc32(Buffer.from(memory)) === head.segmentCrcs[i])
  return {
    ...(JSON.parse(json.toString('utf8')) as ModelTables),
    digest,
    revision,
    documents,
    objects,
    segments,
    isWhole,
  }
}

/** Writes the file, in place of the one that is there. Rejects where the disk refuses; then the old one is still there, or none. */
export async function writeModelCache(
  file: string,
  about: {
    readonly fingerprint: string
    readonly digest: string
    readonly revision: number
    readonly documents: number
  },
  tables: ModelTables,
  archive: Pick<ArchiveTables, 'objects' | 'segments'>,
): Promise<void> {
  const json = Buffer.from(JSON.stringify(tables))
  const objects = Buffer.from(archive.objects.buffer, archive.objects.byteOffset, archive.objects.byteLength)
  const parts = [json, objects, ...archive.segments]
  const head: Head = {
    format: FORMAT,
    ...about,
    objects: archive.objects.length,
    sections: parts.map((part) => part.length),
    tablesCrc: crc32(objects, crc32(json)),
    segmentCrcs: archive.segments.map((segment) => crc32(segment)),
  }
  const temporary = `${file}.new`
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.write(`${JSON.stringify(head)}\n`)
    for (const part of parts) await handle.write(part)
    await handle.sync()
  } catch (error) {
    await handle.close()
    await rm(temporary, { force: true })
    throw error
  }
  await handle.close()
  await rename(temporary, file)
}

/** What translation depends on beside the documents: the code, and the settings that dialects and circumstances see. */
export function fingerprintOf(settings: Settings): string {
  const { apisix, limits, sections } = settings
  const hash = createHash('sha256')
  hash.update(JSON.stringify([FORMAT, VERSION, process.version, apisix, limits, sections]))
  for (const text of ownCode()) hash.update(text)
  return hash.digest('hex')
}

/** Folders beside this one whose code makes the model. */
const MAKERS = ['dialects', 'expression', 'model']
const OWN =
  /^(?:identities|model-archive|model-cache|reconcile|shared-state|slot-pool|catch-alls|circumstances|expand-names)\.(?:ts|js)$/

/** All of it as text: some two hundred small files, read in milliseconds. A developer who edits a translation never meets an old model. */
function* ownCode(): Generator<string> {
  const gateway = fileURLToPath(new URL('.', import.meta.url))
  for (const name of readdirSync(gateway).sort())
    if (OWN.test(name)) yield readFileSync(join(gateway, name), 'utf8')
  for (const folder of MAKERS) {
    const root = join(gateway, '..', folder)
    for (const name of (readdirSync(root, { recursive: true }) as string[]).sort()) {
      if (/\.(?:ts|js)$/.test(name) && !/\.test\.(?:ts|js)$/.test(name))
        yield readFileSync(join(root, name), 'utf8')
    }
  }
}
