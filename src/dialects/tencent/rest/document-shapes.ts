import { BACKEND_KEYS } from '../backend.ts'
import { type Fields, flag, integer, list, object, option, text } from './shape.ts'

/** Fields of documents as calls send them (spec/tencent.md 1, 2.1, 4 and 5.1). What they may hold in detail the dialect checks. */

const TAGS = list(object({ Key: text(), Value: text() }), 'Labels.')

export const SERVICE_FIELDS: Fields = {
  ServiceName: text('At most 50 of a-z A-Z 0-9 _.'),
  Protocol: option(['http', 'https', 'http&https'], 'What clients may speak.'),
  ServiceDesc: text('Remarks.'),
  NetTypes: list(option(['OUTER', 'INNER']), 'OUTER without it.'),
  IpVersion: option(['IPv4', 'IPv6'], 'IPv4 without it.'),
  InstanceId: text('The dedicated instance that the service is on.'),
  UniqVpcId: text('Network of the service; it cannot be changed once it is set.'),
  Tags: TAGS,
}

const SERVICE_CONFIG = object(
  {
    Product: option(['clb', 'cvm', 'upstream'], 'Kind of a backend in a VPC.'),
    UniqVpcId: text('Network of the backend; that of an upstream must be the same.'),
    Url: text('Scheme, host and port, no path. Of an upstream it is not looked at.'),
    Path: text('Begins with a slash.'),
    Method: text('ANY keeps the method of the client.'),
    UpstreamId: text('With Product upstream.'),
  },
  'The backend of type HTTP.',
)

export const API_FIELDS: Fields = {
  ApiName: text('At most 60 characters; unique in its service.'),
  ApiDesc: text('Remarks.'),
  ApiType: text('NORMAL without it; TSF for microservices, with a backend of that type.'),
  AuthType: text('NONE, the only one that is served.'),
  ApiBusinessType: text('NORMAL, the only one that is served.'),
  IsDebugAfterCharge: flag(),
  ResponseType: text(),
  ResponseSuccessExample: text(),
  ResponseFailExample: text(),
  ResponseErrorCodes: list(
    object({ Code: integer(), Msg: text(), Desc: text(), ConvertedCode: integer(), NeedConvert: flag() }),
  ),
  EnableCORS: flag('Whether browsers of other origins may read.'),
  Tags: TAGS,
  Protocol: option(['HTTP', 'WEBSOCKET'], 'What clients speak.'),
  RequestConfig: object({ Path: text(), Method: text('ANY takes every method.') }, 'What the API takes.'),
  RequestParameters: list(
    object({
      Name: text(),
      Position: option(['header', 'query', 'path']),
      Type: text(),
      DefaultValue: text(),
      Required: flag(),
      Desc: text(),
    }),
    'What clients send.',
  ),
  ServiceType: text('Type of the default backend: HTTP, MOCK, SCF, TSF, WEBSOCKET.'),
  ServiceTimeout: integer('Seconds.', 1, 1800),
  ServiceConfig: SERVICE_CONFIG,
  ServiceParameters: list(
    object({
      Name: text(),
      Position: text(),
      RelevantRequestParameterName: text(),
      RelevantRequestParameterPosition: text(),
      RelevantRequestParameterDesc: text(),
      RelevantRequestParameterType: text(),
      DefaultValue: text(),
    }),
    'Parameters that go to the backend under another name or in another place.',
  ),
  ConstantParameters: list(
    object({ Name: text(), Desc: text(), Position: text(), DefaultValue: text() }),
    'What every request to the backend gets.',
  ),
  ServiceMockReturnMessage: text('The answer of a MOCK backend.'),
  ServiceScfFunctionName: text('The function of an SCF backend.'),
  ServiceScfFunctionNamespace: text('default without it.'),
  ServiceScfFunctionQualifier: text('$LATEST without it.'),
  ServiceScfFunctionType: option(['EVENT', 'HTTP']),
  ServiceScfIsIntegratedResponse: flag('Whether the function answers with status, headers and body.'),
  IsBase64Encoded: flag(),
  MicroServices: list(
    object({ ClusterId: text(), NamespaceId: text(), MicroServiceName: text() }),
    'The services of a TSF backend.',
  ),
  ServiceTsfLoadBalanceConf: object({
    IsLoadBalance: flag(),
    Method: text(),
    SessionStickRequired: flag(),
    SessionStickTimeout: integer('Seconds.'),
  }),
  ServiceTsfHealthCheckConf: object({
    IsHealthCheck: flag(),
    RequestVolumeThreshold: integer(),
    SleepWindowInMilliseconds: integer(),
    ErrorThresholdPercentage: integer(),
  }),
}

/** Fields that belong to the backend: a new ServiceType leaves those of the old one behind. */
export const BACKEND_FIELDS: ReadonlySet<string> = new Set([
  ...BACKEND_KEYS.filter((key) => key !== 'ServiceType'),
  'ServiceParameters',
  'ConstantParameters',
])

const NODE: Fields = {
  Host: text('Address or name.'),
  Port: integer(undefined, 0, 65_535),
  Weight: integer('0 switches it off.', 0, 100),
  VmInstanceId: text(),
  Tags: list(text()),
}

/** What answers add to a node. */
const NODE_ANSWER: Fields = {
  Healthy: option(['OFF', 'HEALTHY', 'UNHEALTHY', 'NO_DATA']),
  Source: text('K8S, where a cluster gave it.'),
  ServiceName: text(),
  NameSpace: text(),
  ClusterId: text(),
  UniqueServiceName: text(),
}

const K8S_SERVICES = list(
  object({
    ClusterId: text(),
    Namespace: text(),
    ServiceName: text(),
    Port: integer('Port of the Service.', 0, 65_535),
    Weight: integer('Of each pod.', 0, 100),
    ExtraLabels: list(object({ Key: text(), Value: text() }), 'Further labels of pods.'),
    Name: text(),
  }),
  'With UpstreamType K8S, at most 20.',
)

const HEALTH_CHECKER = object({
  EnableActiveCheck: flag(),
  EnablePassiveCheck: flag(),
  HealthyHttpStatus: text('Codes between commas.'),
  UnhealthyHttpStatus: text('Codes between commas.'),
  TcpFailureThreshold: integer('0 is never.', 0, 254),
  TimeoutThreshold: integer('0 is never.', 0, 254),
  HttpFailureThreshold: integer('0 is never.', 0, 254),
  ActiveCheckHttpPath: text('/ without it.'),
  ActiveCheckTimeout: integer('Seconds, 5 without it.'),
  ActiveCheckInterval: integer('Seconds, 5 without it.'),
  UnhealthyTimeout: integer('Seconds, 30 without it.'),
})

const UPSTREAM_SCALARS: Fields = {
  Scheme: option(['HTTP', 'HTTPS', 'gRPC', 'gRPCs'], 'What nodes are spoken to in.'),
  UniqVpcId: text('Network of the nodes.'),
  UpstreamName: text('At most 50 of a-z A-Z 0-9 _; made where it is missing.'),
  UpstreamDescription: text('Remarks.'),
  UpstreamType: option(['IP_PORT', 'K8S'], 'IP_PORT without it.'),
  Retries: integer('How often a failed attempt is repeated, 5 without it.', 1, 100),
  UpstreamHost: text('Host field towards nodes.'),
  Tags: TAGS,
  HealthChecker: HEALTH_CHECKER,
}

export const UPSTREAM_FIELDS: Fields = {
  ...UPSTREAM_SCALARS,
  Algorithm: option(['ROUND-ROBIN', 'ROUND_ROBIN'], 'Weighted polling is the only one.'),
  Nodes: list(object({ ...NODE, ...NODE_ANSWER }), 'At most 200. Healthy is not looked at.'),
  K8sService: K8S_SERVICES,
}

export const PLUGIN_FIELDS: Fields = {
  PluginName: text('2 to 50 of a-z A-Z 0-9 _.'),
  PluginType: option(['Routing']),
  PluginData: text('JSON: a list of policies.'),
  Description: text('At most 200 characters.'),
  Tags: TAGS,
}

export const UPSTREAM_INFO_FIELDS: Fields = {
  UpstreamId: text(),
  ...UPSTREAM_SCALARS,
  HealthChecker: { ...HEALTH_CHECKER, isNullable: true },
  UpstreamHost: { ...text(), isNullable: true },
  Algorithm: option(['ROUND_ROBIN']),
  Nodes: list(object({ ...NODE, ...NODE_ANSWER })),
  K8sServices: { ...K8S_SERVICES, isNullable: true },
  CreatedTime: text('ISO 8601, UTC.'),
}
