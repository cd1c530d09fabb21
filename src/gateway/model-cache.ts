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
import type { PackedSlots } from './packed-slots.ts'
import type { ReconcilerTables } from './reconcile.ts'
import type { SlotTables } from './shared-state.ts'
import { VERSION } from './version.ts'

/**
 * The model as a file beside the store, so that a start need not validate and translate again what it did before. It is only ever believed when it was made
 * by the same code, under the same settings, of exactly these documents; anything else, a byte that changed included, and the slow way is gone. It may be
 * deleted at any time.
 *
 * Layout: a line of JSON (`Head`), then the sections it names one behind the other: JSON of the tables, numbers of the objects, what PackedSlots has,
 * segments.
 */

const FORMAT = 4
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
  /** Of the slots and the segments. */
  readonly memoryCrcs: readonly number[]
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

/** What is kept as it lies in memory. */
export interface KeptMemory extends Pick<ArchiveTables, 'objects' | 'segments'> {
  readonly packedSlots: PackedSlots
}

export interface CachedModel extends ModelTables {
  readonly digest: string
  readonly revision: number
  /** Numbers of ArchiveTables. */
  readonly objects: Uint32Array
  readonly packedSlots: PackedSlots
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
  if (total !== size || head.sections.length < 5) return 'it is cut'
  let at = end + 1
  const read = (bytes: Buffer): void => {
    if (readSync(descriptor, bytes, 0, bytes.length, at) !== bytes.length) throw new Error('it is cut')
    at += bytes.length
  }
  const [jsonBytes = 0, objectBytes = 0, ...memoryBytes] = head.sections
  const json = Buffer.allocUnsafe(jsonBytes)
  read(json)
  const objects = new Uint32Array(objectBytes / Uint32Array.BYTES_PER_ELEMENT)
  read(Buffer.from(objects.buffer))
  const memories = memoryBytes.map((bytes) => {
    const memory = new SharedArrayBuffer(bytes)
    read(Buffer.from(memory))
    return memory
  })
  const { digest, revision, documents } = head
  const checksum = crc32(Buffer.from(objects.buffer), crc32(json))
  if (checksum !== head.tablesCrc) return 'its checksum differs'
  const isWhole = (): boolean =>
    memories.every((memory, i) => crc32(Buffer.from(memory)) === head.memoryCrcs[i])
  const [text, rows, index, ...segments] = memories
  if (text === undefined || rows === undefined || index === undefined) return 'it is cut'
  return {
    ...(JSON.parse(json.toString('utf8')) as ModelTables),
    digest,
    revision,
    documents,
    objects,
    packedSlots: { text, rows, index },
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
  memory: KeptMemory,
): Promise<void> {
  const json = Buffer.from(JSON.stringify(tables))
  const { byteOffset, byteLength } = memory.objects
  const objects = Buffer.from(memory.objects.buffer, byteOffset, byteLength)
  const { text, rows, index } = memory.packedSlots
  const memories = [...[text, rows, index].map((some) => Buffer.from(some)), ...memory.segments]
  const parts = [json, objects, ...memories]
  const head: Head = {
    format: FORMAT,
    ...about,
    objects: memory.objects.length,
    sections: parts.map((part) => part.length),
    tablesCrc: crc32(objects, crc32(json)),
    memoryCrcs: memories.map((some) => crc32(some)),
  }
  const temporary = `${file}.new`
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(head)}\n`)
    for (const part of parts) await handle.writeFile(part)
    await handle.sync()
  } catch (error) {
    await handle.close()
    await rm(temporary, { force: true })
    throw error
  }
  await handle.close()
  await rename(temporary, file)
}

/**
 * What translation depends on beside the documents: the code, and the settings that dialects and circumstances see. To be asked for once, at start: what
 * the files hold later may not be what runs.
 */
export function fingerprintOf(settings: Settings): string {
  const { apisix, apinizer, kuma, limits, sections } = settings
  const tencent = { ...settings.tencent, credentials: null } // they make nothing of the model
  const hash = createHash('sha256')
  hash.update(
    JSON.stringify([FORMAT, VERSION, process.version, apisix, tencent, apinizer, kuma, limits, sections]),
  )
  for (const text of ownCode()) hash.update(text)
  return hash.digest('hex')
}

/** Folders whose code makes the model. */
const MAKERS = ['dialects', 'expression', 'gateway', 'model']

/** All of it as text: some three hundred small files, read in milliseconds. A developer who edits a translation never meets an old model. */
function* ownCode(): Generator<string> {
  const source = fileURLToPath(new URL('..', import.meta.url))
  for (const folder of MAKERS) {
    for (const name of (readdirSync(join(source, folder), { recursive: true }) as string[]).sort()) {
      if (!/\.(?:ts|js)$/.test(name) || /\.test\.(?:ts|js)$/.test(name)) continue
      yield name
      yield readFileSync(join(source, folder, name), 'utf8')
    }
  }
}
