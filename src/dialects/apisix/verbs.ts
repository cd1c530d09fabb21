import type { DocumentChange, DocumentKey, DocumentStore, StoredDocument } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { mergePatch } from '../../model/merge-patch.ts'
import { isForbiddenKey } from '../../model/safe-json.ts'
import type { DialectSettings, RestRequest, RestResponse } from '../dialect.ts'
import { findSameKey } from './consumers.ts'
import { answerError, answerJson, answerMissing, answerText } from './errors.ts'
import { objectField } from './fields.ts'
import { idFieldOf, idText, makeId } from './ids.ts'
import { describeDocument, keyOf, listDocuments, shownValue } from './list.ts'
import { patchAt } from './patch.ts'
import { checkReferences, findUser } from './references.ts'
import { checkContents, checkShape } from './validate.ts'
import { formatWarnings } from './warning-field.ts'

/** GET, PUT, POST, PATCH and DELETE of stored objects (spec/apisix.md 1.4-1.8). */

export interface Resource {
  readonly kind: string
  /** How messages call one of them. */
  readonly word: string
  readonly withoutVerbs: readonly string[]
}

/** Why a whole resource is switched off; null: it is not. */
export function refuseResource({ kind }: Resource, { listenTcp, listenUdp }: DialectSettings): string | null {
  const hasStreams = listenTcp.length + listenUdp.length > 0
  return kind === 'stream_routes' && !hasStreams ? 'stream mode is disabled, can not add stream routes' : null
}

export const RESOURCES: ReadonlyMap<string, Resource> = new Map(
  [
    { kind: 'routes', word: 'route', withoutVerbs: [] },
    { kind: 'services', word: 'service', withoutVerbs: [] },
    { kind: 'upstreams', word: 'upstream', withoutVerbs: [] },
    { kind: 'ssls', word: 'ssl', withoutVerbs: [] },
    // Its schema wants an id, so there is nothing to make one up for.
    { kind: 'plugin_configs', word: 'plugin config', withoutVerbs: ['POST'] },
    { kind: 'consumers', word: 'consumer', withoutVerbs: ['POST', 'PATCH'] },
    { kind: 'stream_routes', word: 'stream route', withoutVerbs: ['PATCH'] },
  ].map((resource) => [resource.kind, resource]),
)

export interface Call {
  readonly store: DocumentStore
  readonly settings: DialectSettings
  readonly clock: () => number
  readonly request: RestRequest
  readonly resource: Resource
  /** From the path; null on the collection. */
  readonly id: string | null
  /** What stands behind the id. */
  readonly subPath: readonly string[]
  readonly ttlSeconds: number | null
  /** The body; undefined if none was sent. */
  readonly value: JsonValue | undefined
  readonly repeated: readonly string[]
}

export async function runVerb(call: Call): Promise<RestResponse> {
  const { method } = call.request
  // Only PATCH knows places inside an object; to act on the object instead would surprise, most of all with DELETE.
  if (call.subPath.length > 0 && method !== 'PATCH') return answerError(404, 'not found')
  switch (method) {
    case 'GET':
      return call.id === null ? getList(call) : getOne(call, call.id)
    case 'PUT':
      return call.store.exclusive(() => put(call))
    case 'POST':
      return call.store.exclusive(() => post(call))
    case 'PATCH':
      return call.store.exclusive(() => patch(call))
    default:
      return call.store.exclusive(() => remove(call))
  }
}

async function getOne(call: Call, id: string): Promise<RestResponse> {
  const document = await call.store.get(keyFor(call, id))
  if (document === undefined) return answerMissing()
  return answerJson(200, describeDocument(document), { ETag: tagOf(document) })
}

async function getList(call: Call): Promise<RestResponse> {
  const { kind } = call.resource
  const listing = listDocuments(await call.store.list('apisix', kind), kind, call.request.query)
  if ('error' in listing) {
    return listing.isText ? answerText(400, listing.error) : answerError(400, listing.error)
  }
  return answerJson(200, { list: listing.documents.map(describeDocument), total: listing.total })
}

async function put(call: Call): Promise<RestResponse> {
  const { resource, value } = call
  if (!isJsonObject(value)) return refuseValue(call)
  const field = idFieldOf(resource.kind)
  const own = value[field]
  if (field === 'id' && call.id === null && own === undefined)
    return answerError(400, `missing ${resource.word} id`)
  if (call.id !== null && own !== undefined && idText(own) !== call.id) {
    return answerError(400, field === 'id' ? `wrong ${resource.word} id` : `wrong ${field}`)
  }
  const forbidden = findForbiddenTime(value)
  if (forbidden !== null) return answerError(400, forbidden)
  // An id from the path is text, one from the body keeps its type. It stays where the body has it, else it comes last.
  const sent: JsonObject = call.id === null || field !== 'id' ? value : { ...value, id: call.id }
  const refused = await check(call, sent)
  if (refused !== null) return refused

  const key = keyFor(call, idText(sent[field]))
  const existing = await call.store.get(key)
  const stale = checkConditions(call.request, existing)
  if (stale !== null) return stale
  const now = nowSeconds(call)
  const created = existing === undefined ? undefined : existing.value.create_time
  const stored = { ...sent, create_time: created === undefined ? now : created, update_time: now }
  return write(call, {
    change: { op: 'put', key, value: stored, ...timing(call, expected(call.request, existing)) },
    status: existing === undefined ? 201 : 200,
  })
}

async function post(call: Call): Promise<RestResponse> {
  const { resource, value } = call
  if (!isJsonObject(value)) return refuseValue(call)
  if (call.id !== null || value.id !== undefined) {
    return answerError(400, `wrong ${resource.word} id, do not need it`)
  }
  const forbidden = findForbiddenTime(value)
  if (forbidden !== null) return answerError(400, forbidden)
  const refused = await check(call, value)
  if (refused !== null) return refused

  const id = await findFreeId(call)
  const now = nowSeconds(call)
  const stored = { ...value, id, create_time: now, update_time: now }
  return write(call, {
    change: { op: 'put', key: keyFor(call, id), value: stored, ...timing(call, 0) },
    status: 201,
  })
}

/** No body, or one that is no object. */
function refuseValue(call: Call): RestResponse {
  if (call.value === undefined) return answerError(400, 'missing configurations')
  const fault = checkShape(call.resource.kind, call.value, call.settings)
  return answerError(400, fault === null ? 'invalid configuration' : fault)
}

async function patch(call: Call): Promise<RestResponse> {
  const { id, resource, subPath, value } = call
  if (id === null) return answerError(400, `missing ${resource.word} id`)
  if (value === undefined) return answerError(400, 'missing new configuration')
  if (subPath.length === 0 && !isJsonObject(value)) return answerError(400, 'invalid configuration')
  const existing = await call.store.get(keyFor(call, id))
  if (existing === undefined) return answerMissing()
  const stale = checkConditions(call.request, existing)
  if (stale !== null) return stale

  const merged = isJsonObject(value) && subPath.length === 0 ? mergePatch(existing.value, value) : null
  const patched = merged ?? (subPath.some(isForbiddenKey) ? null : patchAt(existing.value, subPath, value))
  if (patched === null) return answerError(400, `invalid sub-path: /${subPath.join('/')}`)
  if (patched.id !== undefined && idText(patched.id) !== id) {
    return answerError(400, `wrong ${resource.word} id`)
  }
  const now = nowSeconds(call)
  const keepsTime = merged !== null && isJsonObject(value) && value.update_time !== undefined
  const timed = {
    ...patched,
    id,
    create_time: patched.create_time === undefined ? now : patched.create_time,
    update_time: keepsTime && patched.update_time !== undefined ? patched.update_time : now,
  }
  const refused = await check(call, timed)
  if (refused !== null) return refused
  return write(call, {
    change: {
      op: 'put',
      key: existing.key,
      value: timed,
      // What was read is what is changed: a write in between is a conflict.
      ...timing(call, existing.modifiedRevision),
    },
    status: 200,
  })
}

async function remove(call: Call): Promise<RestResponse> {
  const { id, resource, store } = call
  if (id === null) {
    const what = idFieldOf(resource.kind) === 'id' ? 'id' : 'name'
    return answerError(400, `missing ${resource.word} ${what}`)
  }
  const existing = await store.get(keyFor(call, id))
  if (existing === undefined) return answerMissing()
  const stale = checkConditions(call.request, existing)
  if (stale !== null) return stale
  if (call.request.query.get('force') !== 'true') {
    const user = await findUser(store, resource.kind, id)
    if (user !== null) return answerError(400, user)
  }
  return write(call, {
    change: { op: 'delete', key: existing.key, expectedRevision: expected(call.request, existing) },
    status: 200,
  })
}

/** Everything of spec 1.7, in its order; null if the value may be stored. */
async function check(call: Call, value: JsonObject): Promise<RestResponse | null> {
  const fault =
    checkShape(call.resource.kind, value, call.settings) ??
    (await checkReferences(call.store, value)) ??
    checkContents(call.resource.kind, value, call.settings) ??
    (call.resource.kind === 'consumers' ? await findSameKey(call.store, value) : null)
  return fault === null ? null : answerError(400, fault)
}

interface Write {
  readonly change: DocumentChange
  readonly status: number
}

async function write(call: Call, { change, status }: Write): Promise<RestResponse> {
  const message = call.request.headers['x-headgate-message']
  const result = await call.store.write([change], {
    author: call.request.author,
    message: message === undefined ? null : message,
  })
  const headers: Record<string, string | readonly string[]> = {}
  const warnings = formatWarnings(change.key, call.repeated, result.warnings)
  if (warnings.length > 0) headers['X-Headgate-Warning'] = warnings
  const { kind, id } = change.key
  if (change.op === 'delete') return answerJson(status, { deleted: id, key: keyOf(kind, id) }, headers)
  const document = result.documents[0]
  if (document !== undefined) headers.ETag = tagOf(document)
  return answerJson(status, { key: keyOf(kind, id), value: shownValue(kind, change.value) }, headers)
}

/** Times belong to the server (spec 1.5); the two blanks are the reference's. */
function findForbiddenTime(value: JsonValue): string | null {
  if (!isJsonObject(value)) return null
  const places = [
    ['', value],
    ['upstream.', objectField(value, 'upstream')],
    ['plugins.', objectField(value, 'plugins')],
  ] as const
  for (const [prefix, place] of places) {
    for (const field of ['create_time', 'update_time']) {
      if (place !== null && Object.hasOwn(place, field)) {
        return `the property is forbidden:  ${prefix}${field}`
      }
    }
  }
  return null
}

/** The revision of the coming write; a PUT may have taken that id before, then the next free one. */
async function findFreeId(call: Call): Promise<string> {
  for (let revision = call.store.revision() + 1; ; revision++) {
    const id = makeId(revision)
    if ((await call.store.get(keyFor(call, id))) === undefined) return id
  }
}

/** If-Match and If-None-Match: the write is refused if the object is no longer the one that was read. */
function checkConditions(request: RestRequest, existing: StoredDocument | undefined): RestResponse | null {
  const wanted = request.headers['if-match']
  if (wanted !== undefined && !matchesTag(wanted, existing)) {
    return answerError(412, describeState('If-Match does not hold', existing))
  }
  const unwanted = request.headers['if-none-match']
  if (unwanted !== undefined && matchesTag(unwanted, existing)) {
    return answerError(412, describeState('If-None-Match does not hold', existing))
  }
  return null
}

function matchesTag(field: string, existing: StoredDocument | undefined): boolean {
  if (existing === undefined) return false
  const tag = String(existing.modifiedRevision)
  return field.split(',').some((entry) => {
    const text = entry.trim().replace(/^W\//, '').replaceAll('"', '')
    return text === '*' || text === tag
  })
}

function describeState(reason: string, existing: StoredDocument | undefined): string {
  return existing === undefined
    ? `${reason}: the object does not exist`
    : `${reason}: the revision of the object is ${existing.modifiedRevision}`
}

/** The compare-and-set of a PUT or DELETE: only where the client named a revision. */
function expected(request: RestRequest, existing: StoredDocument | undefined): number | null {
  const { headers } = request
  if (headers['if-match'] === undefined && headers['if-none-match'] === undefined) return null
  return existing === undefined ? 0 : existing.modifiedRevision
}

function timing(call: Call, expectedRevision: number | null) {
  const { ttlSeconds } = call
  const expiresAtMs = ttlSeconds === null ? null : Math.round(call.clock() + ttlSeconds * 1000)
  return { expiresAtMs, expectedRevision }
}

function nowSeconds(call: Call): number {
  return Math.floor(call.clock() / 1000)
}

function tagOf(document: StoredDocument): string {
  return `"${document.modifiedRevision}"`
}

function keyFor(call: Call, id: string): DocumentKey {
  return { dialect: 'apisix', kind: call.resource.kind, id }
}
