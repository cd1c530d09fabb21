import { parse } from 'yaml'
import { DEFAULT_SETTINGS } from '../../../model/defaults.ts'
import type { Fault, StoredDocument } from '../../../model/document.ts'
import type { JsonObject, JsonValue } from '../../../model/json.ts'
import type { ModelObject } from '../../../model/model.ts'
import type { Route } from '../../../model/route.ts'
import type { TencentSettings } from '../../../model/settings.ts'
import type { DialectSettings } from '../../dialect.ts'
import { tencentCodeOf } from '../faults.ts'
import { tencent } from '../index.ts'

/** Helpers of the tests of Tencent documents; nothing else imports this file. */

export function settingsWith(own: Partial<TencentSettings> = {}): DialectSettings {
  return { ...DEFAULT_SETTINGS, tencent: { ...DEFAULT_SETTINGS.tencent, ...own } }
}

export function document(kind: string, id: string, value: JsonObject, revision = 1): StoredDocument {
  const key = { dialect: 'tencent', kind, id }
  return { key, value, createdRevision: revision, modifiedRevision: revision, expiresAtMs: null }
}

export interface ReadFile {
  readonly documents: readonly StoredDocument[]
  /** Of the file and of each document in it, paths from the file's root. */
  readonly faults: readonly Fault[]
}

/** A file as a store reads it. Documents get one revision after the other. */
export function readText(text: string, settings: DialectSettings = settingsWith()): ReadFile {
  const found = tencent.readFile(parse(text) as JsonValue, settings)
  if (found === null) throw new Error('the text is no Tencent file')
  const documents: StoredDocument[] = []
  const faults: Fault[] = [...found.faults]
  for (const { kind, id, value, path } of found.documents) {
    for (const fault of tencent.validate(kind, value, settings)) {
      faults.push({ ...fault, path: fault.path === '' ? path : `${path}.${fault.path}` })
    }
    documents.push(document(kind, id, value, documents.length + 1))
  }
  return { documents, faults }
}

export interface TranslatedSet {
  readonly objects: readonly ModelObject[]
  /** `kind/id path: message`. */
  readonly warnings: readonly string[]
}

/** Translates each document with all of them at hand. */
export function translateAll(
  documents: readonly StoredDocument[],
  settings: DialectSettings = settingsWith(),
): TranslatedSet {
  const lookup = (kind: string, id: string): StoredDocument | undefined =>
    documents.find(({ key }) => key.kind === kind && key.id === id)
  const objects: ModelObject[] = []
  const warnings: string[] = []
  for (const one of documents) {
    const translated = tencent.translate(one, lookup, settings, () => [])
    objects.push(...translated.objects)
    for (const { path, message } of translated.warnings) {
      warnings.push(`${one.key.kind}/${one.key.id} ${path}: ${message}`)
    }
  }
  return { objects, warnings }
}

/** `path: [code] message (hint)` of each fault of one document, written as YAML. */
export function faultsOf(
  kind: string,
  text: string,
  settings: DialectSettings = settingsWith(),
): readonly string[] {
  return tencent.validate(kind, parse(text) as JsonValue, settings).map(showFault)
}

export function showFault(fault: Fault): string {
  const { path, message, hint } = fault
  return `${path}: [${tencentCodeOf(fault)}] ${message}${hint === null ? '' : ` (${hint})`}`
}

/** Files of one service with APIs of these paths, each `METHOD path`, released; the backend of each answers with its place. */
export function apisFile(paths: readonly string[], more = ''): string {
  const apis = paths.map((written, i) => {
    const space = written.indexOf(' ')
    return [
      `    - ApiId: api-${String(i).padStart(8, '0')}`,
      '      ServiceId: service-aaaaaaaa',
      '      Protocol: HTTP',
      `      RequestConfig: { Path: ${JSON.stringify(written.slice(space + 1))}, Method: ${written.slice(0, space)} }`,
      '      ServiceType: MOCK',
      '      ServiceTimeout: 5',
      `      ServiceMockReturnMessage: "${i}"`,
    ].join('\n')
  })
  return `tencent:
  services:
    - { ServiceId: service-aaaaaaaa, ServiceName: s, Protocol: http&https }
  apis:
${apis.join('\n')}
  releases:
    - { ServiceId: service-aaaaaaaa, EnvironmentName: release }
${more}`
}

export function routesOf(objects: readonly ModelObject[]): readonly Route[] {
  return objects.filter((object) => object.kind === 'route')
}
