import { parseAllDocuments } from 'yaml'
import { DEFAULT_SETTINGS } from '../../../model/defaults.ts'
import type { Fault, StoredDocument } from '../../../model/document.ts'
import type { JsonObject, JsonValue } from '../../../model/json.ts'
import type { ModelObject } from '../../../model/model.ts'
import type { Upstream } from '../../../model/upstream.ts'
import type { DialectSettings, Lookup, Search } from '../../dialect.ts'
import { kuma } from '../index.ts'
import { documentId } from '../kinds.ts'

/** Helpers of the tests that translate meshes; nothing else imports this file. */

/** All proxies run in this process. */
export const ALL_HERE: DialectSettings = {
  ...DEFAULT_SETTINGS,
  kuma: { ...DEFAULT_SETTINGS.kuma, dataplanes: ['all'] },
}

export interface ReadFile {
  readonly documents: readonly StoredDocument[]
  readonly faults: readonly Fault[]
}

/** The YAML documents of a text as a store reads them, with what comes beside them unless they say otherwise. */
export function readText(text: string, settings: DialectSettings = ALL_HERE): ReadFile {
  const documents = new Map<string, StoredDocument>()
  const faults: Fault[] = []
  const add = (kind: string, id: string, value: JsonObject): void => {
    const key = { dialect: 'kuma', kind, id }
    const at = documents.size + 1
    documents.set(`${kind}/${id}`, {
      key,
      value,
      createdRevision: at,
      modifiedRevision: at,
      expiresAtMs: null,
    })
  }
  const written: (readonly [kind: string, value: JsonObject])[] = []
  for (const one of parseAllDocuments(text)) {
    const found = kuma.readFile(one.toJS() as JsonValue, settings)
    if (found === null) throw new Error('the text is no file of a mesh')
    faults.push(...found.faults)
    for (const { kind, id, value, path } of found.documents) {
      for (const fault of kuma.validate(kind, value, settings)) {
        faults.push({ ...fault, path: `${kind}/${id} ${path === '' ? '' : `${path}.`}${fault.path}` })
      }
      add(kind, id, value)
      written.push([kind, value])
    }
  }
  for (const [kind, value] of written) {
    for (const companion of kuma.companions?.(kind, value) ?? []) {
      if (!documents.has(`${companion.kind}/${companion.id}`)) {
        add(companion.kind, companion.id, companion.value)
        written.push([companion.kind, companion.value])
      }
    }
  }
  return { documents: [...documents.values()], faults }
}

export interface TranslatedSet {
  readonly objects: readonly ModelObject[]
  /** `kind/id path: message`. */
  readonly warnings: readonly string[]
}

/** Translates each document with all of them at hand. */
export function translateAll(
  documents: readonly StoredDocument[],
  settings: DialectSettings = ALL_HERE,
): TranslatedSet {
  const lookup: Lookup = (kind, id) => documents.find(({ key }) => key.kind === kind && key.id === id)
  const search: Search = (kind, keyword) =>
    documents
      .filter(({ key, value }) => key.kind === kind && kuma.keywords?.[kind]?.(value).includes(keyword))
      .sort((a, b) => (a.key.id < b.key.id ? -1 : 1))
  const objects: ModelObject[] = []
  const warnings: string[] = []
  for (const one of documents) {
    const translated = kuma.translate(one, lookup, settings, search)
    objects.push(...translated.objects)
    for (const { path, message } of translated.warnings) {
      warnings.push(`${one.key.kind}/${one.key.id} ${path}: ${message}`)
    }
  }
  return { objects, warnings }
}

/** What a text becomes. Throws where it does not validate. */
export function translateText(text: string): TranslatedSet {
  const { documents, faults } = readText(text)
  if (faults.length > 0) throw new Error(faults.map(({ path, message }) => `${path} ${message}`).join('\n'))
  return translateAll(documents)
}

/** Upstreams of outbounds, those of the applications beside inbounds left out. */
export function legsOf({ objects }: TranslatedSet): readonly Upstream[] {
  return objects
    .filter((object) => object.kind === 'upstream')
    .filter(({ id }) => !id.endsWith('/application'))
}

/** A proxy with an inbound of a service. `more`: further tags, in YAML's flow form. */
export function inbound(name: string, service: string, port: number, more = ''): string {
  return `---
type: Dataplane
name: ${name}
networking:
  address: 127.0.0.1
  inbound: [{port: ${port}, servicePort: ${port + 10_000}, tags: {kuma.io/service: ${service}${more === '' ? '' : `, ${more}`}}}]
`
}

/** A proxy of the service site with an outbound at port 10001 for each service. `more`: further tags of each. */
export function site(services: readonly string[] = ['cart'], more = ''): string {
  const outbounds = services.map(
    (service, i) =>
      `  - {port: ${10_001 + i}, tags: {kuma.io/service: ${service}${more === '' ? '' : `, ${more}`}}}\n`,
  )
  return `---
type: Dataplane
name: site-1
networking:
  address: 127.0.0.1
  inbound: [{port: 9000, servicePort: 19000, tags: {kuma.io/service: site}}]
  outbound:
${outbounds.join('')}`
}

/** The route from site to cart. `conf` in YAML's flow form. */
export function route(conf: string, name = 'cart', more = ''): string {
  return `---
type: TrafficRoute
name: ${name}
sources: [{match: {kuma.io/service: site}}]
destinations: [{match: {kuma.io/service: cart}}]
conf: ${conf}
${more}`
}

export function meshId(name: string): string {
  return documentId('dataplanes', 'default', name)
}
