import { toNumber } from '../../expression/number.ts'
import { compilePattern } from '../../expression/pattern.ts'
import { toByteString } from '../../model/byte-string.ts'
import type { StoredDocument } from '../../model/document.ts'
import type { JsonObject } from '../../model/json.ts'
import { objectField, textField, textListField } from './fields.ts'
import { refersTo } from './ids.ts'
import { withoutKeys } from './ssls.ts'

/** Lists of stored objects: filters and pages (spec/apisix.md 1.6). */

export type Listing =
  | { readonly documents: readonly StoredDocument[]; readonly total: number }
  /** `isText`: the reference answers with plain text. */
  | { readonly error: string; readonly isText: boolean }

/** Keys that `filter=` knows, by collection; others are ignored. */
const REFERENCE_FILTERS: Readonly<Record<string, readonly string[]>> = {
  routes: ['service_id', 'upstream_id'],
  stream_routes: ['service_id', 'upstream_id'],
}

type Test = (value: JsonObject) => boolean

/** `documents` in order of their ids as text, which is also the order of the answer unless it is paged: then it is that of creation. */
export function listDocuments(
  documents: readonly StoredDocument[],
  kind: string,
  query: ReadonlyMap<string, string>,
): Listing {
  const page = numberOf(query.get('page'))
  const pageSize = numberOf(query.get('page_size'))
  const isPaged = page !== null && pageSize !== null
  if (isPaged && (pageSize < 10 || pageSize > 500)) {
    return { error: 'page_size must be between 10 and 500', isText: true }
  }
  const tests: Test[] = []
  const error = addTests(kind, query, tests)
  if (error !== null) return { error, isText: false }
  const found =
    tests.length === 0 ? documents : documents.filter(({ value }) => tests.every((test) => test(value)))
  if (!isPaged) return { documents: found, total: found.length }
  const ordered = [...found].sort(
    (a, b) => a.createdRevision - b.createdRevision || (a.key.id < b.key.id ? -1 : 1),
  )
  const start = (Math.max(1, Math.floor(page)) - 1) * Math.floor(pageSize)
  return { documents: ordered.slice(start, start + Math.floor(pageSize)), total: found.length }
}

/** Adds a test for each filter given; they all must hold. The error is that of a pattern that does not compile. */
function addTests(kind: string, query: ReadonlyMap<string, string>, tests: Test[]): string | null {
  const name = query.get('name')
  if (name !== undefined) {
    const search = compileSearch(name)
    if (typeof search === 'string') return `invalid argument name: ${search}`
    tests.push((value) => {
      const text = textField(value, 'name')
      return text !== null && search(text)
    })
  }
  const uri = query.get('uri')
  if (uri !== undefined) {
    const search = compileSearch(uri)
    if (typeof search === 'string') return `invalid argument uri: ${search}`
    tests.push((value) => urisOf(value).some(search))
  }
  const label = query.get('label')
  if (label !== undefined) {
    tests.push((value) => {
      const labels = objectField(value, 'labels')
      return label !== '' && labels !== null && Object.hasOwn(labels, label)
    })
  }
  const filter = query.get('filter')
  if (filter !== undefined) {
    for (const [key, wanted] of new URLSearchParams(filter)) {
      if (REFERENCE_FILTERS[kind]?.includes(key) === true) tests.push((value) => refersTo(value[key], wanted))
    }
  }
  return null
}

/** A search for a pattern anywhere in a text; or why the pattern is refused. */
function compileSearch(source: string): ((text: string) => boolean) | string {
  try {
    const pattern = compilePattern(source, { ignoreCase: false })
    return (text) => pattern.test(toByteString(text))
  } catch (fault) {
    return fault instanceof Error ? fault.message : String(fault)
  }
}

function urisOf(value: JsonObject): readonly string[] {
  const uri = textField(value, 'uri')
  const uris = textListField(value, 'uris')
  return [...(uri === null ? [] : [uri]), ...(uris === null ? [] : uris)]
}

function numberOf(text: string | undefined): number | null {
  const number = text === undefined ? undefined : toNumber(text)
  return number === undefined ? null : number
}

/** How one object looks in a list and alone (spec 1.5). */
export function describeDocument(document: StoredDocument): JsonObject {
  return {
    key: keyOf(document.key.kind, document.key.id),
    value: shownValue(document.key.kind, document.value),
    createdIndex: document.createdRevision,
    modifiedIndex: document.modifiedRevision,
  }
}

/** What is read back is what was sent, but for private keys. */
export function shownValue(kind: string, value: JsonObject): JsonObject {
  return kind === 'ssls' ? withoutKeys(value) : value
}

export function keyOf(kind: string, id: string): string {
  return `/apisix/${kind}/${id}`
}
