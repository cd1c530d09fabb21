import type { DocumentStore, StoredDocument } from '../../model/document.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Reference } from '../dialect.ts'
import { idField, objectField } from './fields.ts'
import { refersTo } from './ids.ts'
import { isSwitchedOff } from './merge.ts'
import { entriesOf, entryPath, rulesOf } from './plugins/traffic-split.ts'
import { clientCertificateId, isClientCertificate } from './ssls.ts'

/** References between stored objects: whether they lead somewhere (spec/apisix.md 1.7), and who holds an object in place (1.8). */

interface ReferenceField {
  readonly field: string
  readonly kind: string
  /** How the reference's message calls it, in plain and as the id's field. */
  readonly word: string
}

const REFERENCES: readonly ReferenceField[] = [
  { field: 'upstream_id', kind: 'upstreams', word: 'upstream' },
  { field: 'service_id', kind: 'services', word: 'service' },
  { field: 'plugin_config_id', kind: 'plugin_configs', word: 'plugin config' },
]

/** The first reference that leads nowhere, as the reference words it; null if all lead somewhere. */
export async function checkReferences(store: DocumentStore, value: JsonObject): Promise<string | null> {
  // the rules of inline upstreams come before what stands beside them
  for (const { id, mustExist } of listCertificates(value)) {
    if (!mustExist) continue
    const found = await store.get({ dialect: 'apisix', kind: 'ssls', id })
    const refusal = found === undefined ? 'response code: 404' : refuseCertificate(found.value)
    if (refusal !== null) return `failed to fetch ssl info by ssl id [${id}], ${refusal}`
  }
  for (const { field, kind, word } of REFERENCES) {
    const id = idField(value, field)
    if (id === null) continue
    const found = await store.get({ dialect: 'apisix', kind, id })
    if (found === undefined) {
      return `failed to fetch ${word} info by ${word} id [${id}], response code: 404`
    }
  }
  return null
}

/**
 * Every name of another object. Those in traffic-split may lead nowhere when they are written (the reference looks only at the fields above),
 * and hold what they name in place all the same.
 */
export function listReferences(value: JsonObject): readonly Reference[] {
  const found: Reference[] = [...listCertificates(value)]
  for (const { field, kind } of REFERENCES) {
    const id = idField(value, field)
    if (id !== null) found.push({ path: field, kind, id, mustExist: true })
  }
  const plugins = objectField(value, 'plugins')
  const split = plugins === null ? null : objectField(plugins, 'traffic-split')
  if (split === null) return found
  for (const [index, rule] of rulesOf(split).entries()) {
    for (const [at, entry] of entriesOf(rule).entries()) {
      const id = idField(entry, 'upstream_id')
      if (id === null) continue
      found.push({ path: `${entryPath(index, at)}.upstream_id`, kind: 'upstreams', id, mustExist: false })
    }
  }
  return found
}

/** Every `tls.client_cert_id` of an upstream, wherever that stands. Plugins that are switched off are not checked. */
function listCertificates(value: JsonObject): readonly Reference[] {
  const found: Reference[] = []
  const add = (upstream: JsonObject | null, prefix: string, mustExist: boolean): void => {
    const id = upstream === null ? null : clientCertificateId(upstream)
    if (id === null) return
    const path = `${prefix}tls.client_cert_id`
    found.push({ path, kind: 'ssls', id, mustExist, refuse: refuseCertificate })
  }
  add(value, '', true)
  add(objectField(value, 'upstream'), 'upstream.', true)
  const plugins = objectField(value, 'plugins')
  const split = plugins === null ? null : objectField(plugins, 'traffic-split')
  if (split === null) return found
  for (const [index, rule] of rulesOf(split).entries()) {
    for (const [at, entry] of entriesOf(rule).entries())
      add(objectField(entry, 'upstream'), `${entryPath(index, at)}.upstream.`, !isSwitchedOff(split))
  }
  return found
}

function refuseCertificate(named: JsonObject): string | null {
  return isClientCertificate(named) ? null : 'wrong ssl type'
}

/** Why an object must stay, or null. Routes are never held in place. */
export async function findUser(store: DocumentStore, kind: string, id: string): Promise<string | null> {
  switch (kind) {
    case 'upstreams':
      return findUpstreamUser(store, id)
    case 'ssls':
      return findCertificateUser(store, id)
    case 'services':
      return findUserByField(store, 'service_id', id, 'can not delete this service directly')
    case 'plugin_configs':
      return findUserByField(store, 'plugin_config_id', id, 'can not delete this plugin config')
    default:
      return null
  }
}

/** Routes, then services, each by its plugins first and its `upstream_id` then; last the plugins of plugin configs. */
async function findUpstreamUser(store: DocumentStore, id: string): Promise<string | null> {
  const message = (user: string): string => `can not delete this upstream, ${user} is still using it now`
  for (const [kind, word] of [
    ['routes', 'route'],
    ['services', 'service'],
    ['plugin_configs', 'plugin_config'],
    ['stream_routes', 'stream_route'],
  ] as const) {
    for (const document of await store.list('apisix', kind)) {
      if (splitsTo(document, id)) return message(`plugin in ${word} [${document.key.id}]`)
      if (kind !== 'plugin_configs' && refersTo(document.value.upstream_id, id)) {
        return message(`${word} [${document.key.id}]`)
      }
    }
  }
  return null
}

/** Upstreams, then whatever holds one itself; of that its plugins last. */
async function findCertificateUser(store: DocumentStore, id: string): Promise<string | null> {
  for (const [kind, word] of [
    ['upstreams', 'upstream'],
    ['routes', 'route'],
    ['services', 'service'],
    ['plugin_configs', 'plugin_config'],
    ['stream_routes', 'stream_route'],
  ] as const) {
    for (const document of await store.list('apisix', kind)) {
      const used = listCertificates(document.value).find((reference) => reference.id === id)
      if (used === undefined) continue
      const place = used.path.startsWith('plugins.') ? `plugin in ${word}` : word
      return `can not delete this ssl, ${place} [${document.key.id}] is still using it now`
    }
  }
  return null
}

async function findUserByField(
  store: DocumentStore,
  field: string,
  id: string,
  refusal: string,
): Promise<string | null> {
  for (const [kind, word] of [
    ['routes', 'route'],
    ['stream_routes', 'stream_route'],
  ] as const) {
    for (const document of await store.list('apisix', kind)) {
      if (refersTo(document.value[field], id))
        return `${refusal}, ${word} [${document.key.id}] is still using it now`
    }
  }
  return null
}

/** Whether the document's traffic-split names the upstream, with whatever weight. */
function splitsTo(document: StoredDocument, id: string): boolean {
  const plugins = objectField(document.value, 'plugins')
  const split = plugins === null ? null : objectField(plugins, 'traffic-split')
  if (split === null) return false
  return rulesOf(split).some((rule) => entriesOf(rule).some((entry) => refersTo(entry.upstream_id, id)))
}
