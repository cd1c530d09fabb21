import type { Fault } from './document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'
import { suggest } from './suggest.ts'

/** A document of a list, and where it stands in its file. */
export interface ListedDocument {
  readonly kind: string
  readonly id: string
  readonly value: JsonObject
  readonly path: string
}

export interface KindLists {
  readonly documents: ListedDocument[]
  readonly faults: Fault[]
  /** What stands under the name; null: nothing that can be read. */
  readonly body: JsonObject | null
}

/**
 * A file of the form `name: {kind: [document, …], …}`, as dialects have it whose systems have no files of their own. Every fault is told: keys beside the name, kinds that are
 * none, entries without an id, and ids that stand twice in a list. `needed`: what an entry lacks that has no id.
 */
export function readKindLists(
  root: JsonObject,
  name: string,
  kinds: readonly string[],
  entries: {
    idOf(kind: string, value: JsonObject): string | null
    needed(kind: string): string
    /** What to do about two entries of one id: `give each its own name`. */
    readonly hint: string
  },
): KindLists {
  const faults: Fault[] = []
  const documents: ListedDocument[] = []
  for (const key of Object.keys(root)) {
    if (key === name) continue
    const hint = 'put it into a YAML document of its own, behind ---'
    faults.push({ path: key, message: `${key} may not stand beside ${name}`, hint })
  }
  const body = root[name] ?? null
  if (body === null) return { documents, faults, body: null }
  const known = `known: ${kinds.join(', ')}`
  if (!isJsonObject(body)) {
    faults.push({ path: name, message: `${name} must be an object with lists`, hint: known })
    return { documents, faults, body: null }
  }
  for (const key of Object.keys(body)) {
    if (kinds.includes(key)) continue
    const near = suggest(key, kinds)
    const hint = near === null ? known : `did you mean ${near}?`
    faults.push({ path: `${name}.${key}`, message: `unknown collection ${key}`, hint })
  }
  for (const kind of kinds) {
    const list = body[kind]
    // a kind with nothing behind it reads as null
    if (list === undefined || list === null) continue
    const place = `${name}.${kind}`
    if (Array.isArray(list)) readList(kind, list as readonly JsonValue[], place)
    else faults.push({ path: place, message: `${kind} must be a list`, hint: 'put a dash before each entry' })
  }
  return { documents, faults, body }

  function readList(kind: string, list: readonly JsonValue[], place: string): void {
    const seen = new Map<string, string>()
    for (const [index, entry] of list.entries()) {
      const path = `${place}[${index}]`
      if (!isJsonObject(entry)) {
        faults.push({ path, message: `an entry of ${kind} must be an object`, hint: null })
        continue
      }
      const id = entries.idOf(kind, entry)
      if (id === null) {
        faults.push({ path, message: `needs ${entries.needed(kind)}`, hint: null })
        continue
      }
      const first = seen.get(id)
      if (first !== undefined) {
        faults.push({ path, message: `${id} stands in ${first} already`, hint: entries.hint })
        continue
      }
      seen.set(id, path)
      documents.push({ kind, id, value: entry, path })
    }
  }
}

/** Documents by kind, each kind in the order of its ids as text, as files are written. */
export function groupByKind<T extends { readonly kind: string; readonly id: string }>(
  documents: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const sorted = documents.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  return Map.groupBy(sorted, ({ kind }) => kind)
}
