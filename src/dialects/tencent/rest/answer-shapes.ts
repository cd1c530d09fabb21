import { API_FIELDS, SERVICE_FIELDS, UPSTREAM_INFO_FIELDS } from './document-shapes.ts'
import { type Fields, flag, integer, list, nullable, object, type Shape, text } from './shape.ts'

/** What actions answer, beside the RequestId (spec/tencent.md 1, 2.3 and 5.3). */

const TIMES: Fields = { CreatedTime: text('ISO 8601, UTC.'), ModifiedTime: text('ISO 8601, UTC.') }

/** `Result: {TotalCount, <name>}`. */
export function resultList(name: string, entry: Shape): Fields {
  return { Result: object({ TotalCount: integer('How many pass, on all pages.'), [name]: list(entry) }) }
}

export const DONE: Fields = { Result: flag('Always true: what fails answers with an Error.') }
export const NOTHING: Fields = {}

export const API_STATUS = object({
  ServiceId: text(),
  ApiId: text(),
  ApiName: nullable(text()),
  ApiDesc: text(),
  Path: text(),
  Method: text(),
  Protocol: text(),
  ApiType: text(),
  AuthType: text(),
  UniqVpcId: nullable(text()),
  Tags: list(text('Key:Value')),
  ...TIMES,
})

const SERVICE_BASE: Fields = {
  ServiceId: text(),
  ServiceName: text(),
  ServiceDesc: text(),
  Protocol: text(),
  NetTypes: SERVICE_FIELDS.NetTypes as Shape,
  IpVersion: text(),
  InstanceId: nullable(text()),
  UniqVpcId: nullable(text()),
  Tags: SERVICE_FIELDS.Tags as Shape,
  AvailableEnvironments: list(text(), 'Where it is released.'),
  OuterSubDomain: text("The service's default host name; empty without NetType OUTER."),
  InnerHttpPort: integer('Always 0: the listeners of the gateway are what counts.'),
  InnerHttpsPort: integer('Always 0.'),
  ...TIMES,
}

/** One of a list. */
export const SERVICE = object({
  ...SERVICE_BASE,
  InnerSubDomain: text('As OuterSubDomain, of NetType INNER.'),
})

/** A sole one, which the vendor answers without Result and with another name of the inner host. */
export const SERVICE_DETAIL: Fields = {
  ...SERVICE_BASE,
  InternalSubDomain: text('As OuterSubDomain, of NetType INNER.'),
  ApiTotalCount: integer(),
  ApiIdStatusSet: list(API_STATUS),
  CustomDomains: list(
    object({ Domain: text(), PathMappings: list(object({ Path: text(), Environment: text() })) }),
    'Not one of the vendor: only where the service has some.',
  ),
}

export const CREATED_SERVICE: Fields = {
  ServiceId: text(),
  ServiceName: text(),
  ServiceDesc: text(),
  OuterSubDomain: text(),
  InnerSubDomain: text(),
  NetTypes: SERVICE_FIELDS.NetTypes as Shape,
  IpVersion: text(),
  CreatedTime: text(),
}

export const CREATED_API: Fields = {
  Result: object({ ApiId: text(), Path: text(), Method: text(), CreatedTime: text() }),
}

export const API_INFO: Fields = {
  Result: object({
    ApiId: text(),
    ServiceId: text(),
    ServiceName: text(),
    ServiceDesc: text(),
    ...API_FIELDS,
    ApiName: nullable(text()),
    ServiceTimeout: nullable(integer('Seconds.')),
    ...TIMES,
    Environments: list(text(), 'Where it is released.'),
  }),
}

export const RELEASED: Fields = { Result: object({ ReleaseDesc: text(), ReleaseVersion: text() }) }

export const UPSTREAM_INFO = object(UPSTREAM_INFO_FIELDS)

export const BOUND_API = object({
  ApiId: text(),
  ApiName: nullable(text()),
  ServiceId: text(),
  ServiceName: nullable(text()),
  BindTime: text(),
})

export const ATTACHED_API = object({
  ServiceId: text(),
  ServiceName: text(),
  ServiceDesc: text(),
  ApiId: text(),
  ApiName: nullable(text()),
  ApiDesc: text(),
  Environment: text(),
  AttachedTime: text(),
})

export const PLUGIN = object({
  PluginId: text(),
  PluginName: text(),
  PluginType: text(),
  PluginData: text(),
  Description: text(),
  Tags: SERVICE_FIELDS.Tags as Shape,
  ...TIMES,
  AttachedApiTotalCount: integer(),
  AttachedApis: list(ATTACHED_API),
})

export const ATTACHED_PLUGIN = object({
  PluginId: text(),
  PluginName: text(),
  PluginType: text(),
  PluginData: text(),
  Description: text(),
  Environment: text(),
  AttachedTime: text(),
})

export const AVAILABLE_API = object({
  ApiId: text(),
  ApiName: nullable(text()),
  ApiType: text(),
  Path: text(),
  Method: text(),
  IsAttached: flag('Whether this plugin is attached to it.'),
  AttachedOtherPlugin: flag('Whether another plugin of the type is.'),
})
