import { parse } from 'yaml'
import { DEFAULT_SETTINGS } from '../../../model/defaults.ts'
import type { Fault, StoredDocument } from '../../../model/document.ts'
import type { JsonObject, JsonValue } from '../../../model/json.ts'
import type { ModelObject } from '../../../model/model.ts'
import type { Route } from '../../../model/route.ts'
import type { Upstream } from '../../../model/upstream.ts'
import { native } from '../index.ts'

/** Helpers of the tests of native documents; nothing else imports this file. */

export function document(kind: string, id: string, value: JsonObject): StoredDocument {
  const key = { dialect: 'native', kind, id }
  return { key, value, createdRevision: 1, modifiedRevision: 1, expiresAtMs: null }
}

export interface ReadFile {
  readonly documents: readonly StoredDocument[]
  /** Of the file and of each document in it, paths from the file's root. */
  readonly faults: readonly Fault[]
}

/** A native file as a store reads it. */
export function readText(text: string): ReadFile {
  const found = native.readFile(parse(text) as JsonValue, DEFAULT_SETTINGS)
  if (found === null) throw new Error('the text is no native file')
  const documents: StoredDocument[] = []
  const faults = [...found.faults]
  for (const { kind, id, value, path } of found.documents) {
    const own = native.validate(kind, value, DEFAULT_SETTINGS)
    for (const fault of own) {
      faults.push({ ...fault, path: fault.path === '' ? path : `${path}.${fault.path}` })
    }
    documents.push(document(kind, id, value))
  }
  return { documents, faults }
}

export interface TranslatedSet {
  readonly objects: readonly ModelObject[]
  /** `kind/id path: message`. */
  readonly warnings: readonly string[]
}

/** Translates each document with all of them at hand. */
export function translateAll(documents: readonly StoredDocument[]): TranslatedSet {
  const lookup = (kind: string, id: string): StoredDocument | undefined =>
    documents.find(({ key }) => key.kind === kind && key.id === id)
  const objects: ModelObject[] = []
  const warnings: string[] = []
  for (const one of documents) {
    const translated = native.translate(one, lookup, DEFAULT_SETTINGS, () => [])
    objects.push(...translated.objects)
    for (const { path, message } of translated.warnings) {
      warnings.push(`${one.key.kind}/${one.key.id} ${path}: ${message}`)
    }
  }
  return { objects, warnings }
}

/** `path: message (hint)` of each fault of one document, written as YAML. */
export function faultsOf(kind: string, text: string): readonly string[] {
  return native.validate(kind, parse(text) as JsonValue, DEFAULT_SETTINGS).map(showFault)
}

export function showFault({ path, message, hint }: Fault): string {
  return `${path}: ${message}${hint === null ? '' : ` (${hint})`}`
}

/** The route that a document becomes; throws with its faults if it has any. */
export function routeOf(text: string): Route {
  const found = objectsOf('routes', text).find((object) => object.kind === 'route')
  if (found === undefined) throw new Error('the document gives no route')
  return found
}

export function upstreamOf(text: string): Upstream {
  const found = objectsOf('upstreams', text).find((object) => object.kind === 'upstream')
  if (found === undefined) throw new Error('the document gives no upstream')
  return found
}

function objectsOf(kind: string, text: string): readonly ModelObject[] {
  const faults = faultsOf(kind, text)
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return translateAll([document(kind, 'x', parse(text) as JsonObject)]).objects
}
