import type { JsonObject } from '../../../model/json.ts'
import { numberField } from '../../../model/json-fields.ts'
import { CREATED_SERVICE, DONE, NOTHING, resultList, SERVICE, SERVICE_DETAIL } from './answer-shapes.ts'
import type { Action, Call } from './call.ts'
import { CallError } from './call-error.ts'
import { SERVICE_FIELDS } from './document-shapes.ts'
import { applyFilters, type FilterFields, takePage } from './page.ts'
import { documentFields, filters, optional, PAGE, required } from './parameters.ts'
import {
  describeApiStatus,
  describeHosts,
  describeNetworks,
  describeService,
  environmentsBy,
} from './service-views.ts'
import { integer, text } from './shape.ts'
import { isShared } from './shared-instance.ts'

const SERVICE_ID = { ServiceId: required(text()) }

export const createService: Action = {
  summary: 'Make a service',
  parameters: documentFields(SERVICE_FIELDS, ['ServiceName', 'Protocol']),
  answer: CREATED_SERVICE,
  async run(call) {
    const id = await call.newId('services')
    const edit = call.newEdit()
    const value = { ServiceId: id, ...call.fields(Object.keys(SERVICE_FIELDS)) }
    const service = await edit.put('services', id, value)
    await call.commit(edit, `services/${id}`)
    const { outer, inner } = describeHosts(service, call.options.settings)
    return {
      ServiceId: id,
      ServiceName: service.ServiceName ?? '',
      ServiceDesc: service.ServiceDesc ?? '',
      OuterSubDomain: outer,
      InnerSubDomain: inner,
      NetTypes: describeNetworks(service),
      IpVersion: service.IpVersion ?? 'IPv4',
      CreatedTime: service.CreatedTime ?? '',
    }
  },
}

const MODIFIED = ['ServiceName', 'ServiceDesc', 'Protocol', 'NetTypes', 'UniqVpcId']

export const modifyService: Action = {
  summary: 'Change a service',
  parameters: {
    ...SERVICE_ID,
    ...documentFields(
      Object.fromEntries(Object.entries(SERVICE_FIELDS).filter(([name]) => MODIFIED.includes(name))),
    ),
  },
  answer: NOTHING,
  async run(call) {
    const { key, value } = await call.find('services')
    const fields = call.fields(MODIFIED)
    const { UniqVpcId: network } = value
    if (network !== undefined && fields.UniqVpcId !== undefined && fields.UniqVpcId !== network) {
      throw new CallError(
        'UnsupportedOperation',
        `UniqVpcId: the network of a service cannot be changed once it is set; that of ${key.id} is ${String(network)}`,
      )
    }
    const edit = call.newEdit()
    await edit.put('services', key.id, { ...value, ...fields })
    await call.commit(edit, `services/${key.id}`)
    return {}
  },
}

export const deleteService: Action = {
  summary: 'Delete a service',
  parameters: {
    ...SERVICE_ID,
    SkipVerification: optional(integer('1: its APIs and releases are deleted with it.', 0, 1)),
  },
  answer: DONE,
  async run(call) {
    const service = await call.find('services')
    const { id } = service.key
    const apis = (await call.shelf.all('apis')).filter(({ value }) => value.ServiceId === id)
    const releases = (await call.shelf.all('releases')).filter(({ value }) => value.ServiceId === id)
    if (numberField(call.params, 'SkipVerification') === 1) refuseShared(service.value, call)
    else if (apis.length + releases.length > 0)
      throw inUse(
        id,
        apis.length,
        releases.map(({ value }) => value),
      )
    const edit = call.newEdit()
    for (const kind of ['released_apis', 'attachments'] as const) {
      const own = (await call.shelf.all(kind)).filter(({ value }) => value.ServiceId === id)
      for (const document of own) edit.delete(document)
    }
    for (const document of [...releases, ...apis, service]) edit.delete(document)
    await call.commit(edit, `services/${id}`)
    return { Result: true }
  },
}

function refuseShared(service: JsonObject, call: Call): void {
  if (!isShared(service, call.options.settings)) return
  throw new CallError(
    'UnsupportedOperation',
    'SkipVerification: only services of dedicated instances can be deleted with what is in them',
  )
}

function inUse(id: string, apis: number, releases: readonly JsonObject[]): CallError {
  const reasons = [
    ...(apis > 0 ? [`holds ${apis} ${apis === 1 ? 'API' : 'APIs'}`] : []),
    ...(releases.length > 0
      ? [`is released (${releases.map((one) => String(one.EnvironmentName)).join(', ')})`]
      : []),
  ]
  return new CallError(
    'UnsupportedOperation.ResourceAssociated',
    `the service ${id} ${reasons.join(' and ')}: take it offline and delete its APIs first`,
  )
}

export const describeOneService: Action = {
  summary: 'Read a service',
  parameters: SERVICE_ID,
  answer: SERVICE_DETAIL,
  async run(call) {
    const { key, value } = await call.find('services')
    const { settings } = call.options
    const apis = (await call.shelf.values('apis')).filter((api) => api.ServiceId === key.id)
    const environments = environmentsBy(await call.shelf.values('releases'), 'ServiceId').get(key.id) ?? []
    return {
      ...describeService(value, environments, settings),
      InternalSubDomain: describeHosts(value, settings).inner,
      ApiTotalCount: apis.length,
      ApiIdStatusSet: apis.map(describeApiStatus),
      ...(value.CustomDomains === undefined ? {} : { CustomDomains: value.CustomDomains }),
    }
  },
}

/** Of an answer of `describeService`. */
const FILTERS: FilterFields<JsonObject> = {
  ServiceId: ({ ServiceId }) => [ServiceId as string],
  ServiceName: ({ ServiceName }) => [ServiceName as string],
  Environment: ({ AvailableEnvironments }) => AvailableEnvironments as readonly string[],
  IpVersion: ({ IpVersion }) => [IpVersion as string],
  InstanceId: ({ InstanceId }) => [InstanceId as string | null],
  NetType: ({ NetTypes }) => NetTypes as readonly string[],
}

export const describeServicesStatus: Action = {
  summary: 'List services',
  parameters: { ...PAGE, ...filters(Object.keys(FILTERS)) },
  answer: resultList('ServiceSet', SERVICE),
  async run(call) {
    const { settings } = call.options
    const environments = environmentsBy(await call.shelf.values('releases'), 'ServiceId')
    const all = (await call.shelf.all('services')).map(({ key, value }) => ({
      ...describeService(value, environments.get(key.id) ?? [], settings),
      InnerSubDomain: describeHosts(value, settings).inner,
    }))
    const found = applyFilters<JsonObject>(all, call.params, FILTERS)
    return { Result: { TotalCount: found.length, ServiceSet: takePage(found, call.params) } }
  },
}
