import { isJsonObject, type JsonObject } from '../../model/json.ts'
import {
  flagField,
  isEmpty,
  numberField,
  objectField,
  objectsField,
  textField,
} from '../../model/json-fields.ts'
import type { ApiPath } from './api-path.ts'
import {
  checkChoice,
  checkFlag,
  checkInteger,
  checkKeys,
  checkObjects,
  checkText,
  refuseKeys,
} from './check.ts'
import { namesIn } from './combine-path.ts'
import { type Faults, joinPath } from './faults.ts'
import { isId } from './kinds.ts'

/** Where requests go: the backend of an API or of a policy (spec/tencent.md 4). */
export type Backend =
  | {
      readonly kind: 'http'
      readonly url: BackendUrl
      /** `clb` or `cvm`; null: an address of the internet. */
      readonly product: string | null
      readonly path: string
      /** null: that of the client. */
      readonly method: string | null
    }
  | {
      readonly kind: 'upstream'
      readonly upstreamId: string
      readonly vpcId: string | null
      readonly path: string
      readonly method: string | null
    }
  | { readonly kind: 'mock'; readonly message: string }
  /** Microservices; of several the request names one. */
  | {
      readonly kind: 'microservices'
      /** One at least. */
      readonly services: readonly Microservice[]
      /** What the backend itself names, in place of the request; null: it names none. */
      readonly namespaceCode: string | null
      readonly path: string
      readonly method: string | null
      readonly breaker: Breaker | null
      /** Keeps a client on an instance; null: nothing does. */
      readonly session: Session | null
      /** What the document says and changes nothing. */
      readonly isUnbalanced: boolean
    }
  /** A function: `namespace/name/qualifier` in the setting `tencent.functions`. */
  | {
      readonly kind: 'function'
      readonly name: string
      /** How it is told of requests; null: it gets them (type HTTP). */
      readonly event: FunctionEvent | null
    }

/** A function of type EVENT. */
export interface FunctionEvent {
  /** Whether it answers with status, fields and body; else its JSON goes out as it came. */
  readonly isIntegrated: boolean
  /** Whether it gets every body as base64; else only those that are no text. */
  readonly encodesBody: boolean
}

export interface Microservice {
  /** `ClusterId/NamespaceId/MicroServiceName`, as in the setting `tencent.microservices`. */
  readonly key: string
  readonly namespaceId: string
  readonly name: string
}

/** `SessionStickRequired` of ServiceTsfLoadBalanceConf. */
export interface Session {
  /** null: until the browser is closed. */
  readonly maxAgeSeconds: number | null
}

/** `ServiceTsfHealthCheckConf`, a circuit breaker. */
export interface Breaker {
  readonly minRequests: number
  readonly sleepMs: number
  /** 0-100. */
  readonly errorPercent: number
}

export interface BackendUrl {
  readonly isSecure: boolean
  /** Without brackets. */
  readonly host: string
  readonly port: number
  /** As it stands in Host. */
  readonly authority: string
}

export const METHODS = ['ANY', 'GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PATCH'] as const

/** Keys of ServiceConfig that the flat form has on top. */
const CONFIG_KEYS = ['Url', 'Path', 'Method', 'Product', 'UniqVpcId', 'UpstreamId'] as const
const CONFIG: ReadonlySet<string> = new Set(CONFIG_KEYS)

/** Keys of a backend, in an API beside its own. */
export const BACKEND_KEYS = [
  'ServiceType',
  'ServiceConfig',
  'ServiceMockReturnMessage',
  'ServiceScfFunctionName',
  'ServiceScfFunctionNamespace',
  'ServiceScfFunctionQualifier',
  'ServiceScfFunctionType',
  'ServiceScfIsIntegratedResponse',
  'IsBase64Encoded',
  'X-MicroService-Name',
  'X-NameSpace-Code',
  'MicroServices',
  'ServiceTsfHealthCheckConf',
  'ServiceTsfLoadBalanceConf',
] as const

const POLICY_BODY: ReadonlySet<string> = new Set(BACKEND_KEYS)

const PATH_FORM = /^$|^\/[!-~]*$/

/** The nested form of a policy's body: keys of ServiceConfig that stand on top go into it. */
export function nestBackend(body: JsonObject): JsonObject {
  if (isJsonObject(body.ServiceConfig) || !CONFIG_KEYS.some((key) => Object.hasOwn(body, key))) return body
  const outer: Record<string, JsonObject[string]> = {}
  const inner: Record<string, JsonObject[string]> = {}
  for (const key of Object.keys(body)) {
    if (CONFIG.has(key)) inner[key] = body[key] as JsonObject[string]
    else if (key !== 'ServiceConfig') outer[key] = body[key] as JsonObject[string]
  }
  return { ...outer, ServiceConfig: inner }
}

/** Faults of the backend in an API's value or a policy's nested body. `front`: null where it is not known (policies, faulty paths). */
export function checkBackend(body: JsonObject, path: string, front: ApiPath | null, faults: Faults): void {
  const type = checkServiceType(body, path, faults)
  if (type === null) return
  switch (type) {
    case 'HTTP':
    case 'WEBSOCKET':
      return checkHttp(body, type, path, front, faults)
    case 'MOCK':
      checkText(body, 'ServiceMockReturnMessage', path, { isRequired: true, most: 65_536 }, faults)
      return
    case 'SCF':
      return checkFunction(body, path, faults)
    case 'TSF':
      checkMicroservice(body, path, front, faults)
  }
}

/** Faults of what stands in a policy's `backend_config`, nested. */
export function checkPolicyBody(body: JsonObject, path: string, faults: Faults): void {
  checkKeys(body, POLICY_BODY, path, 'backend_config', faults)
  checkBackend(body, path, null, faults)
}

const TYPES = ['HTTP', 'WEBSOCKET', 'MOCK', 'SCF', 'TSF'] as const
type ServiceType = (typeof TYPES)[number]

/** `VPC` and `UPSTREAM` of the newer reference are HTTP with a Product. */
export function serviceTypeOf(body: JsonObject): string | null {
  const type = textField(body, 'ServiceType')
  return type === 'VPC' || type === 'UPSTREAM' ? 'HTTP' : type
}

function checkServiceType(body: JsonObject, path: string, faults: Faults): ServiceType | null {
  const type = serviceTypeOf(body)
  if (type === 'TARGET') {
    faults.add(
      'UnsupportedOperation',
      joinPath(path, 'ServiceType'),
      'backends of type TARGET are not supported',
    )
    return null
  }
  const read = type === textField(body, 'ServiceType') ? body : { ...body, ServiceType: type ?? '' }
  return checkChoice(read, 'ServiceType', path, { of: TYPES, isRequired: true }, faults)
}

const PRODUCTS = ['clb', 'cvm', 'upstream'] as const
type Product = (typeof PRODUCTS)[number]

function checkHttp(
  body: JsonObject,
  type: 'HTTP' | 'WEBSOCKET',
  path: string,
  front: ApiPath | null,
  faults: Faults,
): void {
  const place = joinPath(path, 'ServiceConfig')
  const config = objectField(body, 'ServiceConfig')
  if (config === null) {
    if (isEmpty(body.ServiceConfig)) faults.add('MissingParameter', place, 'ServiceConfig is required')
    else faults.add('InvalidParameterValue', place, 'ServiceConfig must be an object')
    return
  }
  checkKeys(config, CONFIG, place, 'ServiceConfig', faults)
  const product = checkProduct(body, config, place, faults)
  checkRequest(config, place, front, faults)
  const vpc = checkText(
    config,
    'UniqVpcId',
    place,
    { form: /^$|^vpc-[A-Za-z0-9]{1,32}$/, words: 'an id such as vpc-aaaa1111' },
    faults,
  )
  const hasWrongProduct = product === null && !isEmpty(config.Product)
  if (product !== null && (vpc === null || vpc === '') && isEmpty(config.UniqVpcId))
    faults.add(
      'MissingParameter',
      joinPath(place, 'UniqVpcId'),
      `UniqVpcId is required with Product ${product}`,
    )
  if (product === 'upstream') {
    const id = checkText(config, 'UpstreamId', place, { isRequired: true }, faults)
    if (id !== null && !isId('upstream', id))
      faults.add(
        'InvalidParameterValue.InvalidUpstream',
        joinPath(place, 'UpstreamId'),
        `${id} is no id of an upstream: those are upstream- and eight letters or digits`,
      )
    return
  }
  if (!hasWrongProduct && !isEmpty(config.UpstreamId)) {
    faults.add(
      'InvalidParameterValue',
      joinPath(place, 'UpstreamId'),
      'UpstreamId counts only with Product upstream',
      'write Product: upstream beside it',
    )
    return
  }
  const url = checkText(config, 'Url', place, { isRequired: true }, faults)
  const read = url === null ? null : readUrl(url, type)
  if (read !== null && 'error' in read)
    faults.add('InvalidParameterValue.InvalidUrl', joinPath(place, 'Url'), read.error)
}

/** The Products that a newer ServiceType stands for. */
const PRODUCTS_OF: Readonly<Record<string, readonly [Product, ...Product[]]>> = {
  VPC: ['clb', 'cvm'],
  UPSTREAM: ['upstream'],
}

/** A newer ServiceType must have a Product that says the same; the rest is checked as what it means. */
function checkProduct(body: JsonObject, config: JsonObject, place: string, faults: Faults): Product | null {
  const product = checkChoice(config, 'Product', place, { of: PRODUCTS }, faults)
  const written = textField(body, 'ServiceType') ?? ''
  const own = Object.hasOwn(PRODUCTS_OF, written) ? PRODUCTS_OF[written] : undefined
  const isWrong = product === null && !isEmpty(config.Product)
  if (own === undefined || isWrong || (product !== null && own.includes(product))) return product
  const code = product === null ? 'MissingParameter' : 'InvalidParameterValue'
  faults.add(code, joinPath(place, 'Product'), `ServiceType ${written} needs Product ${own.join(' or ')}`)
  return product ?? own[0]
}

/** What is asked for at the backend: method and path. */
function checkRequest(config: JsonObject, place: string, front: ApiPath | null, faults: Faults): void {
  checkChoice(config, 'Method', place, { of: METHODS, code: 'InvalidParameterValue.InvalidMethod' }, faults)
  const backendPath = checkText(
    config,
    'Path',
    place,
    {
      form: PATH_FORM,
      words: 'a path that begins with /, in visible ASCII',
      code: 'InvalidParameterValue.InvalidBackendPath',
    },
    faults,
  )
  if (backendPath !== null) checkBackendPath(backendPath, joinPath(place, 'Path'), front, faults)
}

function checkBackendPath(path: string, place: string, front: ApiPath | null, faults: Faults): void {
  const code = 'InvalidParameterValue.InvalidBackendPath'
  if (/[?#]/.test(path))
    faults.add(code, place, 'a backend path has no ? or #', 'constants of the query are ConstantParameters')
  if (/\/\.\.(?:\/|$)/.test(path)) faults.add(code, place, 'a backend path has no .. in it')
  if (front === null) return
  const known = front.tier === 'pattern' ? front.groups : new Map<string, number>()
  for (const name of namesIn(path)) {
    // a name may also come from a mapped parameter; the caller leaves `front` away then
    if (!known.has(name)) faults.add(code, place, `{${name}} is no variable of the front-end path`)
  }
}

function checkFunction(body: JsonObject, path: string, faults: Faults): void {
  const form = { form: /^[^/\s]{1,128}$/, words: 'a name without / and blanks' }
  checkText(body, 'ServiceScfFunctionName', path, { isRequired: true, ...form }, faults)
  checkText(body, 'ServiceScfFunctionNamespace', path, form, faults)
  checkText(body, 'ServiceScfFunctionQualifier', path, form, faults)
  const type = checkChoice(body, 'ServiceScfFunctionType', path, { of: ['EVENT', 'HTTP'] }, faults)
  if (type === 'HTTP') {
    refuseKeys(
      body,
      {
        ServiceScfIsIntegratedResponse: {
          why: 'an HTTP function answers by itself, without integrated response',
          allowed: [false],
        },
        IsBase64Encoded: { why: 'an HTTP function gets bodies as they are', allowed: [false] },
      },
      path,
      faults,
    )
    return
  }
  // EVENT, also where no type is given
  checkFlag(body, 'ServiceScfIsIntegratedResponse', path, false, faults)
  checkFlag(body, 'IsBase64Encoded', path, false, faults)
}

/** By these a request names one of several microservices. */
export const NAMESPACE_CODE = 'X-NameSpace-Code'
export const SERVICE_NAME = 'X-MicroService-Name'

/** Each becomes a rule. */
const MAX_MICROSERVICES = 100

const MICROSERVICE: ReadonlySet<string> = new Set(['ClusterId', 'NamespaceId', 'MicroServiceName'])
const TSF_CONFIG: ReadonlySet<string> = new Set(['Url', 'Path', 'Method'])
const BREAKER: ReadonlySet<string> = new Set([
  'IsHealthCheck',
  'RequestVolumeThreshold',
  'SleepWindowInMilliseconds',
  'ErrorThresholdPercentage',
])
const BALANCE: ReadonlySet<string> = new Set([
  'IsLoadBalance',
  'Method',
  'SessionStickRequired',
  'SessionStickTimeout',
])

function checkMicroservice(body: JsonObject, path: string, front: ApiPath | null, faults: Faults): void {
  const services = checkObjects(body, 'MicroServices', path, faults)
  const place = joinPath(path, 'MicroServices')
  if (services.length === 0)
    faults.add('MissingParameter', place, 'MicroServices is required: one microservice')
  if (services.length > MAX_MICROSERVICES)
    faults.add(
      'InvalidParameterValue.ParameterValueLimitExceeded',
      place,
      `MicroServices has ${services.length} entries, at most ${MAX_MICROSERVICES} are allowed`,
    )
  checkText(body, NAMESPACE_CODE, path, {}, faults)
  checkNamedService(body, services, path, faults)
  const known = new Set<string>()
  for (const { place: at, entry } of services) {
    checkKeys(entry, MICROSERVICE, at, 'a microservice', faults)
    for (const name of MICROSERVICE)
      checkText(
        entry,
        name,
        at,
        { isRequired: true, form: /^[^/\s]{1,128}$/, words: 'without / and blanks' },
        faults,
      )
    const { NamespaceId, MicroServiceName } = entry
    const called = `${String(NamespaceId)}/${String(MicroServiceName)}`
    if (known.has(called))
      faults.add(
        'InvalidParameterValue',
        at,
        `${called} stands twice: nothing that a request says tells the two apart`,
      )
    known.add(called)
  }
  const config = objectField(body, 'ServiceConfig')
  if (config !== null) {
    const inner = joinPath(path, 'ServiceConfig')
    checkKeys(config, TSF_CONFIG, inner, 'ServiceConfig of a microservice', faults)
    checkRequest(config, inner, front, faults)
  }
  const breaker = objectField(body, 'ServiceTsfHealthCheckConf')
  if (breaker !== null) {
    const inner = joinPath(path, 'ServiceTsfHealthCheckConf')
    checkKeys(breaker, BREAKER, inner, 'ServiceTsfHealthCheckConf', faults)
    checkFlag(breaker, 'IsHealthCheck', inner, false, faults)
    checkInteger(breaker, 'RequestVolumeThreshold', inner, { least: 1, most: 1_000_000 }, faults)
    checkInteger(breaker, 'SleepWindowInMilliseconds', inner, { least: 1, most: 86_400_000 }, faults)
    checkInteger(breaker, 'ErrorThresholdPercentage', inner, { least: 1, most: 100 }, faults)
  }
  const balance = objectField(body, 'ServiceTsfLoadBalanceConf')
  if (balance === null) return
  const inner = joinPath(path, 'ServiceTsfLoadBalanceConf')
  checkKeys(balance, BALANCE, inner, 'ServiceTsfLoadBalanceConf', faults)
  checkChoice(balance, 'Method', inner, { of: ['RoundRobinRule'] }, faults)
  checkFlag(balance, 'IsLoadBalance', inner, false, faults)
  checkFlag(balance, 'SessionStickRequired', inner, false, faults)
  const age = { least: 0, most: 31_536_000, unit: ' (seconds)' }
  checkInteger(balance, 'SessionStickTimeout', inner, age, faults)
}

/** A backend that names its service itself has it. */
function checkNamedService(
  body: JsonObject,
  services: readonly { readonly entry: JsonObject }[],
  path: string,
  faults: Faults,
): void {
  const named = checkText(body, SERVICE_NAME, path, {}, faults)
  if (named === null || named === '' || services.length === 0) return
  if (services.some(({ entry }) => entry.MicroServiceName === named)) return
  faults.add('InvalidParameterValue', joinPath(path, SERVICE_NAME), `MicroServices has no ${named}`)
}

/** `http://host[:port]`; ws and wss for WebSocket backends. */
export function readUrl(url: string, type: string): BackendUrl | { readonly error: string } {
  const schemes = type === 'WEBSOCKET' ? 'https?|wss?' : 'https?'
  const form = type === 'WEBSOCKET' ? 'ws://host[:port]' : 'http://host[:port] or https://host[:port]'
  const parts = new RegExp(
    `^(${schemes})://(?:\\[([0-9A-Fa-f:.]+)\\]|([A-Za-z0-9._-]+))(?::(\\d{1,5}))?(/?)$`,
  ).exec(url)
  const [, scheme = '', bracketed, plain, digits, slash] = parts ?? []
  const host = bracketed ?? plain
  if (host === undefined) {
    const hasPath = /^[a-z]+:\/\/[^/]+\/./.test(url)
    return { error: hasPath ? `Url has no path: ${form}; the path stands in Path` : `Url must be ${form}` }
  }
  if (slash !== '') return { error: `Url has no path: ${form}; the path stands in Path` }
  const isSecure = scheme === 'https' || scheme === 'wss'
  const port = digits === undefined ? (isSecure ? 443 : 80) : Number(digits)
  if (port < 1 || port > 65_535) return { error: 'the port of Url must be a number from 1 to 65535' }
  return { isSecure, host, port, authority: url.slice(url.indexOf('//') + 2) }
}

/** What `tencent.functions` says of a function: `http://host[:port]`, and for those of type EVENT the path that is called. */
export function readFunctionAddress(
  address: string,
): { readonly url: BackendUrl; readonly path: string } | { readonly error: string } {
  const slash = address.indexOf('/', address.indexOf('//') + 2)
  const url = readUrl(slash < 0 ? address : address.slice(0, slash), 'HTTP')
  return 'error' in url ? url : { url, path: slash < 0 ? '/' : address.slice(slash) }
}

/** The backend of a value that was accepted; null where something is missing all the same. */
export function readBackend(body: JsonObject): Backend | null {
  switch (serviceTypeOf(body)) {
    case 'HTTP':
    case 'WEBSOCKET': {
      const config = objectField(body, 'ServiceConfig') ?? {}
      const path = textField(config, 'Path') ?? ''
      const written = textField(config, 'Method')
      const method = written === null || written === '' || written === 'ANY' ? null : written
      const product = textField(config, 'Product')
      if (product === 'upstream') {
        const upstreamId = textField(config, 'UpstreamId')
        if (upstreamId === null) return null
        return { kind: 'upstream', upstreamId, vpcId: textField(config, 'UniqVpcId'), path, method }
      }
      const url = readUrl(textField(config, 'Url') ?? '', textField(body, 'ServiceType') ?? '')
      if ('error' in url) return null
      return { kind: 'http', url, product: product === '' ? null : product, path, method }
    }
    case 'MOCK':
      return { kind: 'mock', message: textField(body, 'ServiceMockReturnMessage') ?? '' }
    case 'TSF':
      return readMicroservices(body)
    case 'SCF':
      return { kind: 'function', name: functionNameOf(body), event: readEvent(body) }
    default:
      return null
  }
}

function readMicroservices(body: JsonObject): Backend | null {
  const named = textField(body, SERVICE_NAME) ?? ''
  const services = objectsField(body, 'MicroServices').flatMap(({ entry }): Microservice[] => {
    const name = textField(entry, 'MicroServiceName') ?? ''
    if (named !== '' && name !== named) return []
    const key = [...MICROSERVICE].map((field) => textField(entry, field) ?? '').join('/')
    return [{ key, namespaceId: textField(entry, 'NamespaceId') ?? '', name }]
  })
  if (services.length === 0) return null
  const config = objectField(body, 'ServiceConfig') ?? {}
  const balance = objectField(body, 'ServiceTsfLoadBalanceConf') ?? {}
  const code = textField(body, NAMESPACE_CODE) ?? ''
  const written = textField(config, 'Method')
  const seconds = numberField(balance, 'SessionStickTimeout') ?? 0
  return {
    kind: 'microservices',
    services,
    namespaceCode: code === '' ? null : code,
    path: textField(config, 'Path') ?? '',
    method: written === null || written === '' || written === 'ANY' ? null : written,
    breaker: readBreaker(body),
    session: flagField(balance, 'SessionStickRequired')
      ? { maxAgeSeconds: seconds === 0 ? null : seconds }
      : null,
    isUnbalanced: balance.IsLoadBalance === false,
  }
}

/** What a breaker has where it says nothing: the defaults of the library whose words these are. */
const BREAKER_DEFAULTS = { minRequests: 20, sleepMs: 5000, errorPercent: 50 } as const

function readBreaker(body: JsonObject): Breaker | null {
  const conf = objectField(body, 'ServiceTsfHealthCheckConf')
  if (conf === null || !flagField(conf, 'IsHealthCheck')) return null
  return {
    minRequests: numberField(conf, 'RequestVolumeThreshold') ?? BREAKER_DEFAULTS.minRequests,
    sleepMs: numberField(conf, 'SleepWindowInMilliseconds') ?? BREAKER_DEFAULTS.sleepMs,
    errorPercent: numberField(conf, 'ErrorThresholdPercentage') ?? BREAKER_DEFAULTS.errorPercent,
  }
}

function readEvent(body: JsonObject): FunctionEvent | null {
  if (textField(body, 'ServiceScfFunctionType') === 'HTTP') return null
  return {
    isIntegrated: flagField(body, 'ServiceScfIsIntegratedResponse'),
    encodesBody: flagField(body, 'IsBase64Encoded'),
  }
}

/** Under which a function stands in the settings: `default/resize/$LATEST`. */
function functionNameOf(body: JsonObject): string {
  const namespace = textField(body, 'ServiceScfFunctionNamespace') ?? 'default'
  const qualifier = textField(body, 'ServiceScfFunctionQualifier') ?? '$LATEST'
  return `${namespace}/${textField(body, 'ServiceScfFunctionName') ?? ''}/${qualifier}`
}
