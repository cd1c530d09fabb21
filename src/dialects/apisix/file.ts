import type { Fault } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { toYaml } from '../../model/yaml-text.ts'
import type { FileDocument, FileDocuments } from '../dialect.ts'
import { idField } from './fields.ts'
import { idFieldOf } from './ids.ts'

/**
 * The reference's declarative file: lists of objects under their collections' names. The `#END` line behind them belongs to the text, not
 * to the data, so whoever reads the file has looked at it. Objects without id are called `arr_1`, `arr_2` … by their place, as there.
 */
const COLLECTIONS = [
  'ssls',
  'consumers',
  'upstreams',
  'services',
  'plugin_configs',
  'routes',
  'stream_routes',
] as const

/** Collections of the reference that this version does not serve. An empty list says nothing and is let through. */
const OTHER_COLLECTIONS = new Set([
  'consumer_groups',
  'global_rules',
  'plugin_metadata',
  'plugins',
  'protos',
  'secrets',
])

export function readApisixFile(root: JsonValue): FileDocuments | null {
  if (!isJsonObject(root)) return null
  const keys = Object.keys(root)
  if (!keys.some((key) => (COLLECTIONS as readonly string[]).includes(key) || OTHER_COLLECTIONS.has(key)))
    return null
  const documents: FileDocuments['documents'][number][] = []
  const faults: Fault[] = []
  for (const kind of COLLECTIONS) {
    const list = root[kind]
    // An empty collection (`routes:` with nothing behind it) reads as null.
    if (list === undefined || list === null) continue
    if (!Array.isArray(list)) faults.push({ path: kind, message: `${kind} must be a list`, hint: null })
    else readCollection(kind, list as readonly JsonValue[], documents, faults)
  }
  for (const key of keys) {
    if ((COLLECTIONS as readonly string[]).includes(key) || isEmpty(root[key])) continue
    faults.push(
      OTHER_COLLECTIONS.has(key)
        ? { path: key, message: `${key} are not supported yet`, hint: `remove ${key} or leave it empty` }
        : { path: key, message: `unknown collection ${key}`, hint: `known: ${COLLECTIONS.join(', ')}` },
    )
  }
  return { documents, faults }
}

/** Collections that are empty are left out; the text ends with the line that says it is whole. */
export function writeApisixFile(documents: readonly FileDocument[]): string {
  const root: Record<string, JsonObject[]> = {}
  for (const kind of COLLECTIONS) {
    const own = documents.filter((document) => document.kind === kind)
    if (own.length === 0) continue
    own.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    const field = idFieldOf(kind)
    // the id goes in front, where people look for it
    root[kind] = own.map(
      ({ id, value }) =>
        ({ [field]: Object.hasOwn(value, field) ? value[field] : id, ...value }) as JsonObject,
    )
  }
  return `${Object.keys(root).length === 0 ? 'routes: []\n' : toYaml(root)}#END\n`
}

function readCollection(
  kind: string,
  list: readonly JsonValue[],
  documents: FileDocuments['documents'][number][],
  faults: Fault[],
): void {
  const seen = new Map<string, string>()
  for (const [index, entry] of list.entries()) {
    const path = `${kind}[${index}]`
    if (!isJsonObject(entry)) {
      faults.push({ path, message: `an element of ${kind} must be an object`, hint: null })
      continue
    }
    const id = kind === 'consumers' ? readUsername(entry) : readId(entry, index)
    if (id === null && kind === 'consumers') {
      const message = 'a username is text of a-z A-Z 0-9 - _ (1-100 characters)'
      faults.push({ path: `${path}.username`, message, hint: null })
      continue
    }
    if (id === null) {
      const message = 'an id is text of a-z A-Z 0-9 - _ . (1-64 characters) or an integer from 1 on'
      faults.push({ path: `${path}.id`, message, hint: null })
      continue
    }
    const first = seen.get(id)
    if (first !== undefined) {
      faults.push({
        path,
        message: `id ${id} stands in ${first} already`,
        hint: 'give each object its own id',
      })
      continue
    }
    seen.set(id, path)
    documents.push({ kind, id, value: entry, path })
  }
}

function readUsername(entry: JsonObject): string | null {
  const { username } = entry
  return typeof username === 'string' && /^[a-zA-Z0-9_-]{1,100}$/.test(username) ? username : null
}

function readId(entry: JsonObject, index: number): string | null {
  if (!Object.hasOwn(entry, 'id')) return `arr_${index + 1}`
  const id = idField(entry, 'id')
  if (id === null) return null
  if (typeof entry.id === 'number') return Number.isInteger(entry.id) && entry.id >= 1 ? id : null
  return /^[a-zA-Z0-9\-_.]{1,64}$/.test(id) ? id : null
}

function isEmpty(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0)
}
