import type { JsonObject, JsonValue } from '../../../model/json.ts'
import { listField, objectField, textField } from '../../../model/json-fields.ts'
import type { DialectSettings } from '../../dialect.ts'
import { ENVIRONMENTS } from '../kinds.ts'
import { tagTexts } from './page.ts'

/** Services and APIs as answers show them (spec/tencent.md 1). Texts that are missing are empty, ids that are missing are null. */

export function describeNetworks(service: JsonObject): readonly JsonValue[] {
  const types = listField(service, 'NetTypes')
  return types.length === 0 ? ['OUTER'] : types
}

/** There is one host name for all networks; a service that is not in one of them has none there. */
export function describeHosts(
  service: JsonObject,
  settings: DialectSettings,
): { outer: string; inner: string } {
  const host = `${textField(service, 'ServiceId') ?? ''}.${settings.tencent.domain}`
  const types = describeNetworks(service)
  return { outer: types.includes('OUTER') ? host : '', inner: types.includes('INNER') ? host : '' }
}

/** Environments in which services (of releases) or APIs (of snapshots) stand, by their id, in the vendor's order. */
export function environmentsBy(
  documents: readonly JsonObject[],
  field: 'ServiceId' | 'ApiId',
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>()
  for (const document of documents) {
    const id = textField(document, field)
    const name = textField(document, 'EnvironmentName')
    if (id === null || name === null) continue
    const names = found.get(id) ?? new Set<string>()
    found.set(id, names.add(name))
  }
  return new Map([...found].map(([id, names]) => [id, ENVIRONMENTS.filter((name) => names.has(name))]))
}

/** What one service and one of a list have in common. */
export function describeService(
  service: JsonObject,
  environments: readonly string[],
  settings: DialectSettings,
): JsonObject {
  return {
    ServiceId: service.ServiceId ?? '',
    ServiceName: service.ServiceName ?? '',
    ServiceDesc: service.ServiceDesc ?? '',
    Protocol: service.Protocol ?? '',
    NetTypes: describeNetworks(service),
    IpVersion: service.IpVersion ?? 'IPv4',
    InstanceId: service.InstanceId ?? null,
    UniqVpcId: service.UniqVpcId ?? null,
    Tags: listField(service, 'Tags'),
    AvailableEnvironments: environments,
    OuterSubDomain: describeHosts(service, settings).outer,
    InnerHttpPort: 0,
    InnerHttpsPort: 0,
    CreatedTime: service.CreatedTime ?? '',
    ModifiedTime: service.ModifiedTime ?? '',
  }
}

export function describeApiStatus(api: JsonObject): JsonObject {
  const config = objectField(api, 'ServiceConfig')
  return {
    ServiceId: api.ServiceId ?? '',
    ApiId: api.ApiId ?? '',
    ApiName: api.ApiName ?? null,
    ApiDesc: api.ApiDesc ?? '',
    Path: pathOf(api),
    Method: methodOf(api),
    Protocol: api.Protocol ?? 'HTTP',
    ApiType: apiTypeOf(api),
    AuthType: authTypeOf(api),
    UniqVpcId: config?.UniqVpcId ?? null,
    Tags: tagTexts(api),
    CreatedTime: api.CreatedTime ?? '',
    ModifiedTime: api.ModifiedTime ?? '',
  }
}

export function pathOf(api: JsonObject): string {
  return textField(objectField(api, 'RequestConfig') ?? {}, 'Path') ?? ''
}

export function methodOf(api: JsonObject): string {
  return textField(objectField(api, 'RequestConfig') ?? {}, 'Method') ?? ''
}

export function apiTypeOf(api: JsonObject): string {
  return textField(api, 'ApiType') ?? 'NORMAL'
}

export function authTypeOf(api: JsonObject): string {
  return textField(api, 'AuthType') ?? 'NONE'
}
