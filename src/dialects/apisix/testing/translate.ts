import { DEFAULT_SETTINGS } from '../../../model/defaults.ts'
import type { StoredDocument } from '../../../model/document.ts'
import type { JsonObject } from '../../../model/json.ts'
import type { ModelObject } from '../../../model/model.ts'
import type { Route } from '../../../model/route.ts'
import type { ApisixSettings } from '../../../model/settings.ts'
import type { Upstream } from '../../../model/upstream.ts'
import type { DialectSettings } from '../../dialect.ts'
import { apisix } from '../index.ts'

/** Helpers of the translation's tests; nothing else imports this file. */

/** A stored document by `kind/id`; `revision` is that of its creation. */
export function document(path: string, value: JsonObject, revision = 1): StoredDocument {
  const slash = path.indexOf('/')
  const key = { dialect: 'apisix', kind: path.slice(0, slash), id: path.slice(slash + 1) }
  return { key, value, createdRevision: revision, modifiedRevision: revision, expiresAtMs: null }
}

export function settingsWith(changes: Partial<ApisixSettings>): DialectSettings {
  return { ...DEFAULT_SETTINGS, apisix: { ...DEFAULT_SETTINGS.apisix, ...changes } }
}

export interface TranslatedSet {
  readonly objects: readonly ModelObject[]
  /** `kind/id path: message`. */
  readonly warnings: readonly string[]
}

/** Translates each document with all of them at hand. */
export function translateAll(
  documents: readonly StoredDocument[],
  settings: DialectSettings = DEFAULT_SETTINGS,
): TranslatedSet {
  const lookup = (kind: string, id: string): StoredDocument | undefined =>
    documents.find(({ key }) => key.kind === kind && key.id === id)
  const objects: ModelObject[] = []
  const warnings: string[] = []
  for (const one of documents) {
    const translated = apisix.translate(one, lookup, settings, () => [])
    objects.push(...translated.objects)
    for (const { path, message } of translated.warnings) {
      warnings.push(`${one.key.kind}/${one.key.id} ${path}: ${message}`)
    }
  }
  return { objects, warnings }
}

/** The route that `routes/1` becomes beside the other documents. */
export function routeOf(
  value: JsonObject,
  others: Readonly<Record<string, JsonObject>> = {},
  settings: DialectSettings = DEFAULT_SETTINGS,
): Route {
  const documents = Object.entries(others).map(([path, other]) => document(path, other))
  const { objects } = translateAll([...documents, document('routes/1', value)], settings)
  const route = objects.find((object) => object.kind === 'route')
  if (route === undefined) throw new Error('the document gives no route')
  return route
}

/** The upstream that a document becomes. */
export function upstreamOf(value: JsonObject, settings: DialectSettings = DEFAULT_SETTINGS): Upstream {
  const { objects } = translateAll([document('upstreams/1', value)], settings)
  const upstream = objects[0]
  if (upstream?.kind !== 'upstream') throw new Error('the document gives no upstream')
  return upstream
}
