import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import { textField } from '../../../model/json-fields.ts'
import { BOUND_API, resultList, UPSTREAM_INFO } from './answer-shapes.ts'
import type { Action, Call } from './call.ts'
import { CallError } from './call-error.ts'
import { UPSTREAM_FIELDS } from './document-shapes.ts'
import { applyFilters, type FilterFields, takePage } from './page.ts'
import { documentFields, filters, REQUIRED_PAGE, required } from './parameters.ts'
import { text } from './shape.ts'
import { describeUpstream } from './upstream-views.ts'
import { findUsers } from './users.ts'

const UPSTREAM_ID = { UpstreamId: required(text()) }

export const createUpstream: Action = {
  summary: 'Make an upstream: nodes, or Services of Kubernetes clusters',
  parameters: documentFields(UPSTREAM_FIELDS, ['Scheme', 'Algorithm', 'UniqVpcId']),
  answer: { UpstreamId: text() },
  async run(call) {
    const id = await call.newId('upstreams')
    const edit = call.newEdit()
    await edit.put('upstreams', id, {
      UpstreamId: id,
      // a name may hold no dash, so it is not the id itself
      UpstreamName: id.replace('-', '_'),
      ...storedFields(call, {}),
    })
    await call.commit(edit, `upstreams/${id}`)
    return { UpstreamId: id }
  },
}

export const modifyUpstream: Action = {
  summary: 'Change an upstream; a list that is given replaces the one that stands',
  parameters: { ...UPSTREAM_ID, ...documentFields(UPSTREAM_FIELDS) },
  answer: { Result: UPSTREAM_INFO },
  async run(call) {
    const { key, value } = await call.find('upstreams')
    const edit = call.newEdit()
    const upstream = await edit.put('upstreams', key.id, storedFields(call, value))
    await call.commit(edit, `upstreams/${key.id}`)
    return { Result: describeUpstream(upstream, call.options) }
  },
}

/**
 * What is stored after a call: an upstream has nodes or Services, so a new type leaves the list of the old one behind, and nodes that a cluster gave, as answers
 * show them, are not written.
 */
function storedFields(call: Call, previous: JsonObject): JsonObject {
  const sent = sentFields(call)
  const stored: Record<string, JsonValue> = { ...previous, ...sent }
  const type = stored.UpstreamType ?? 'IP_PORT'
  if (type === 'K8S') {
    const own = Array.isArray(sent.Nodes)
      ? (sent.Nodes as readonly JsonValue[]).filter((node) => !isJsonObject(node) || node.Source !== 'K8S')
      : []
    delete stored.Nodes
    if (own.length > 0) stored.Nodes = own
    // the same list under the name that documents may have from answers
    if (Object.hasOwn(sent, 'K8sService')) delete stored.K8sServices
  } else if (type !== (previous.UpstreamType ?? 'IP_PORT')) {
    if (!Object.hasOwn(sent, 'K8sService')) delete stored.K8sService
    delete stored.K8sServices
  }
  return stored
}

/** Health is the gateway's to say: what answers say of it may be sent back, and is not kept. */
function sentFields(call: Call): Record<string, JsonValue> {
  const fields = call.fields(Object.keys(UPSTREAM_FIELDS))
  if (!Array.isArray(fields.Nodes)) return fields
  const nodes = (fields.Nodes as readonly JsonValue[]).map((node) => {
    if (!isJsonObject(node)) return node
    const { Healthy: _, ...own } = node
    return own
  })
  return { ...fields, Nodes: nodes }
}

export const deleteUpstream: Action = {
  summary: 'Delete an upstream that nothing uses',
  parameters: UPSTREAM_ID,
  answer: { UpstreamId: text() },
  async run(call) {
    const upstream = await call.find('upstreams')
    const { id } = upstream.key
    const user = await findUser(call, id)
    if (user !== null) {
      throw new CallError('UnsupportedOperation.ResourceAssociated', `the upstream ${id} is used by ${user}`)
    }
    const edit = call.newEdit()
    edit.delete(upstream)
    await call.commit(edit, `upstreams/${id}`)
    return { UpstreamId: id }
  },
}

/** In words, and how many more there are; null: nothing names it. APIs come first, as the vendor says of them that they are to be deleted. */
async function findUser(call: Call, id: string): Promise<string | null> {
  const { language } = call.options
  const users = await findUsers(call.shelf, language, { kind: 'upstreams', id }, [
    'apis',
    'released_apis',
    'plugins',
  ])
  const words = new Set(
    users.map(({ document: { key, value }, reference }) => {
      if (key.kind === 'apis') return `the API ${key.id}`
      if (key.kind === 'plugins') return `the plugin ${key.id} (${reference.path})`
      return `the API ${String(value.ApiId)} as it is released (${String(value.EnvironmentName)})`
    }),
  )
  const [first] = words
  if (first === undefined) return null
  return words.size === 1 ? first : `${first} and ${words.size - 1} more`
}

const FILTERS: FilterFields<JsonObject> = {
  UpstreamId: (upstream) => [textField(upstream, 'UpstreamId')],
  UpstreamName: (upstream) => [textField(upstream, 'UpstreamName')],
}

export const describeUpstreams: Action = {
  summary: 'List upstreams with their nodes',
  parameters: { ...REQUIRED_PAGE, ...filters(Object.keys(FILTERS)) },
  answer: resultList('UpstreamSet', UPSTREAM_INFO),
  async run(call) {
    const found = applyFilters(await call.shelf.values('upstreams'), call.params, FILTERS)
    const page = takePage(found, call.params).map((value) => describeUpstream(value, call.options))
    return { Result: { TotalCount: found.length, UpstreamSet: page } }
  },
}

const BOUND_FILTERS: FilterFields<JsonObject> = {
  ServiceId: (bound) => [textField(bound, 'ServiceId')],
  ApiId: (bound) => [textField(bound, 'ApiId')],
}

export const describeUpstreamBindApis: Action = {
  summary: 'List the APIs that use an upstream, by their backend or by a policy of a plugin attached to them',
  parameters: { ...UPSTREAM_ID, ...REQUIRED_PAGE, ...filters(Object.keys(BOUND_FILTERS)) },
  answer: resultList('BindApiSet', BOUND_API),
  async run(call) {
    const { key } = await call.find('upstreams')
    const found = applyFilters(await listBound(call, key.id), call.params, BOUND_FILTERS)
    return { Result: { TotalCount: found.length, BindApiSet: takePage(found, call.params) } }
  },
}

/** In order of the APIs. One that is bound in several ways stands there once, with the earliest time that is known. */
async function listBound(call: Call, id: string): Promise<readonly JsonObject[]> {
  const { language } = call.options
  const users = await findUsers(call.shelf, language, { kind: 'upstreams', id }, [
    'apis',
    'released_apis',
    'plugins',
  ])
  const attachments = await call.shelf.values('attachments')
  const times = new Map<string, string>()
  const note = (api: string | null, time: string | null): void => {
    if (api === null) return
    const known = times.get(api)
    if (known === undefined || (time !== null && time < known)) times.set(api, time ?? '')
  }
  for (const { document } of users) {
    const { kind, id: own } = document.key
    if (kind === 'apis') note(own, textField(document.value, 'ModifiedTime'))
    else if (kind === 'released_apis') {
      const api = document.value.Api
      note(textField(document.value, 'ApiId'), isJsonObject(api) ? textField(api, 'ModifiedTime') : null)
    } else {
      for (const attachment of attachments) {
        if (attachment.PluginId === own) {
          note(textField(attachment, 'ApiId'), textField(attachment, 'AttachedTime'))
        }
      }
    }
  }
  const rows: JsonObject[] = []
  for (const { key, value } of await call.shelf.all('apis')) {
    const time = times.get(key.id)
    if (time === undefined) continue
    const service = await call.shelf.value('services', textField(value, 'ServiceId') ?? '')
    rows.push({
      ApiId: key.id,
      ApiName: value.ApiName ?? null,
      ServiceId: value.ServiceId ?? '',
      ServiceName: service?.ServiceName ?? null,
      BindTime: time,
    })
  }
  return rows
}
