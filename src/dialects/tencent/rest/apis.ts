import type { StoredDocument } from '../../../model/document.ts'
import type { JsonObject, JsonValue } from '../../../model/json.ts'
import { textField } from '../../../model/json-fields.ts'
import { API_INFO, API_STATUS, CREATED_API, DONE, NOTHING, resultList } from './answer-shapes.ts'
import type { Action, Call } from './call.ts'
import { CallError } from './call-error.ts'
import { API_FIELDS, BACKEND_FIELDS } from './document-shapes.ts'
import { warnOfUpstreams } from './network-warnings.ts'
import { applyFilters, type FilterFields, tagKeys, tagTexts, takePage } from './page.ts'
import { documentFields, filters, PAGE, required } from './parameters.ts'
import {
  apiTypeOf,
  authTypeOf,
  describeApiStatus,
  environmentsBy,
  methodOf,
  pathOf,
} from './service-views.ts'
import { text } from './shape.ts'
import { refuseUpstreams } from './shared-instance.ts'

const SERVICE_ID = { ServiceId: required(text()) }
const API_ID = { ...SERVICE_ID, ApiId: required(text()) }

export const createApi: Action = {
  summary: 'Make an API; it serves nothing before its service is released',
  parameters: {
    ...SERVICE_ID,
    ...documentFields(API_FIELDS, ['ServiceType', 'Protocol', 'RequestConfig']),
  },
  answer: CREATED_API,
  async run(call) {
    const service = await call.find('services')
    const id = await call.newId('apis')
    const value = { ApiId: id, ServiceId: service.key.id, ...call.fields(Object.keys(API_FIELDS)) }
    const api = await store(call, service, id, value)
    return {
      Result: { ApiId: id, Path: pathOf(api), Method: methodOf(api), CreatedTime: api.CreatedTime ?? '' },
    }
  },
}

export const modifyApi: Action = {
  summary: 'Change an API; what is released stays as it is until the next release',
  parameters: { ...API_ID, ...documentFields(API_FIELDS, ['ServiceType', 'RequestConfig']) },
  answer: NOTHING,
  async run(call) {
    const service = await call.find('services')
    const { key, value } = await call.findApi()
    const fields = call.fields(Object.keys(API_FIELDS))
    const isOtherType = fields.ServiceType !== value.ServiceType
    const kept = Object.entries(value).filter(([name]) => !isOtherType || !BACKEND_FIELDS.has(name))
    await store(call, service, key.id, { ...Object.fromEntries(kept), ...fields })
    return {}
  },
}

async function store(
  call: Call,
  service: StoredDocument,
  id: string,
  value: Record<string, JsonValue>,
): Promise<JsonObject> {
  const edit = call.newEdit()
  const api = await edit.put('apis', id, value)
  await refuseTakenName(call, api)
  refuseUpstreams(call, service.value, 'apis', api)
  await call.commit(edit, `apis/${id}`)
  await warnOfUpstreams(call, service.value, { kind: 'apis', id, value: api })
  return api
}

/** A name stands once in a service. */
async function refuseTakenName(call: Call, api: JsonObject): Promise<void> {
  const name = textField(api, 'ApiName')
  if (name === null) return
  const other = (await call.shelf.values('apis')).find(
    (one) => one.ServiceId === api.ServiceId && one.ApiName === name && one.ApiId !== api.ApiId,
  )
  if (other === undefined) return
  throw new CallError(
    'InvalidParameterValue',
    `ApiName: ${name} is the name of ${String(other.ApiId)} in the same service`,
  )
}

export const deleteApi: Action = {
  summary: 'Delete an API, released or not, with its bindings',
  parameters: API_ID,
  answer: DONE,
  async run(call) {
    const api = await call.findApi()
    const edit = call.newEdit()
    for (const kind of ['released_apis', 'attachments'] as const) {
      const own = (await call.shelf.all(kind)).filter(({ value }) => value.ApiId === api.key.id)
      for (const document of own) edit.delete(document)
    }
    edit.delete(api)
    await call.commit(edit, `apis/${api.key.id}`)
    return { Result: true }
  },
}

export const describeApi: Action = {
  summary: 'Read an API as it was last edited',
  parameters: API_ID,
  answer: API_INFO,
  async run(call) {
    const service = await call.find('services')
    const { key, value } = await call.findApi()
    const { CreatedTime, ModifiedTime, ...fields } = value
    const environments = environmentsBy(await call.shelf.values('released_apis'), 'ApiId').get(key.id)
    return {
      Result: {
        ...fields,
        ApiName: value.ApiName ?? null,
        ServiceTimeout: value.ServiceTimeout ?? null,
        ApiType: apiTypeOf(value),
        AuthType: authTypeOf(value),
        ServiceName: service.value.ServiceName ?? '',
        ServiceDesc: service.value.ServiceDesc ?? '',
        CreatedTime: CreatedTime ?? '',
        ModifiedTime: ModifiedTime ?? '',
        Environments: environments ?? [],
      },
    }
  },
}

interface Row {
  readonly value: JsonObject
  readonly environments: readonly string[]
}

const FILTERS: FilterFields<Row> = {
  ApiId: ({ value }) => [textField(value, 'ApiId')],
  ApiName: ({ value }) => [textField(value, 'ApiName')],
  ApiPath: ({ value }) => [pathOf(value)],
  ApiType: ({ value }) => [apiTypeOf(value)],
  AuthType: ({ value }) => [authTypeOf(value)],
  Environment: ({ environments }) => environments,
  Tags: ({ value }) => tagTexts(value),
  TagKeys: ({ value }) => tagKeys(value),
}

export const describeApisStatus: Action = {
  summary: 'List the APIs of a service',
  parameters: { ...SERVICE_ID, ...PAGE, ...filters(Object.keys(FILTERS)) },
  answer: resultList('ApiIdStatusSet', API_STATUS),
  async run(call) {
    const { key } = await call.find('services')
    const environments = environmentsBy(await call.shelf.values('released_apis'), 'ApiId')
    const rows = (await call.shelf.all('apis'))
      .filter(({ value }) => value.ServiceId === key.id)
      .map(({ key: { id }, value }): Row => ({ value, environments: environments.get(id) ?? [] }))
    const found = applyFilters(rows, call.params, FILTERS)
    const page = takePage(found, call.params).map(({ value }) => describeApiStatus(value))
    return { Result: { TotalCount: found.length, ApiIdStatusSet: page } }
  },
}
