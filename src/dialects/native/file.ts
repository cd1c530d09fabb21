import type { Fault } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { toYaml } from '../../model/yaml-text.ts'
import type { DialectSettings, FileDocument, FileDocuments } from '../dialect.ts'
import { checkSchema } from './check-schema.ts'
import { recognizeKinds } from './recognize.ts'
import { DEFS, KINDS, type Kind, NATIVE_SCHEMA } from './schema.ts'

/** The mark of a native file, and the version that this program reads. */
const MARK = 'headgate'
const VERSION = 1

const COLLECTIONS = Object.keys(KINDS) as readonly Kind[]

/** A file is native by its mark. One that forgot it but is plainly meant so is claimed too, to be told what it lacks. */
export function readNativeFile(root: JsonValue, settings: DialectSettings): FileDocuments | null {
  if (!isJsonObject(root)) return null
  const faults: Fault[] = []
  if (!Object.hasOwn(root, MARK)) {
    if (!looksNative(root)) return null
    const hint = `write ${MARK}: ${VERSION} at the top`
    faults.push({ path: '', message: 'the file does not say which version it is written in', hint })
  }
  // lists are looked at entry by entry, below
  const head = Object.fromEntries(
    Object.entries({ [MARK]: VERSION, ...root }).filter(
      ([key]) => !(COLLECTIONS as readonly string[]).includes(key),
    ),
  )
  faults.push(...checkSchema(NATIVE_SCHEMA, head, settings))
  const documents: FileDocuments['documents'][number][] = []
  for (const kind of COLLECTIONS) {
    const list = root[kind]
    // `routes:` with nothing behind it reads as null
    if (list === undefined || list === null) continue
    if (Array.isArray(list)) readCollection(kind, list as readonly JsonValue[], documents, faults, settings)
    else faults.push({ path: kind, message: `${kind} must be a list`, hint: 'put a dash before each entry' })
  }
  return { documents, faults }
}

function looksNative(root: JsonObject): boolean {
  return COLLECTIONS.some((kind) => {
    const list = root[kind]
    const first = Array.isArray(list) ? (list[0] as JsonValue | undefined) : undefined
    return isJsonObject(first) && recognizeKinds(first).includes(kind)
  })
}

function readCollection(
  kind: Kind,
  list: readonly JsonValue[],
  documents: FileDocuments['documents'][number][],
  faults: Fault[],
  settings: DialectSettings,
): void {
  const seen = new Map<string, string>()
  const idSchema = DEFS[KINDS[kind]]?.properties?.id
  for (const [index, entry] of list.entries()) {
    const path = `${kind}[${index}]`
    if (!isJsonObject(entry)) {
      faults.push({ path, message: `an entry of ${kind} must be an object`, hint: null })
      continue
    }
    const { id } = entry
    if (id === undefined) {
      faults.push({ path, message: 'needs id', hint: 'other documents, metrics and logs call it by its id' })
      continue
    }
    const found = idSchema === undefined ? [] : checkSchema(idSchema, id, settings)
    if (typeof id !== 'string' || found.length > 0) {
      for (const fault of found) faults.push({ ...fault, path: `${path}.id` })
      continue
    }
    const first = seen.get(id)
    if (first !== undefined) {
      faults.push({ path, message: `id ${id} stands in ${first} already`, hint: 'give each its own id' })
      continue
    }
    seen.set(id, path)
    documents.push({ kind, id, value: entry, path })
  }
}

/** Collections that are empty are left out. */
export function writeNativeFile(documents: readonly FileDocument[]): string {
  const root: Record<string, JsonValue> = { [MARK]: VERSION }
  for (const kind of COLLECTIONS) {
    const own = documents.filter((document) => document.kind === kind)
    if (own.length === 0) continue
    own.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    root[kind] = own.map(({ id, value }): JsonObject => ({ id, ...value }))
  }
  return toYaml(root)
}
