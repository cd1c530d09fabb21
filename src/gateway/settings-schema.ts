import { isIP } from 'node:net'
import { checkNetwork } from '../expression/network.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import { checkStatusRange } from '../model/status-range.ts'
import { suggest } from '../model/suggest.ts'
import { JSON_FIELDS } from '../observe/access-line.ts'
import { checkLogFormat, checkLogTemplate } from '../observe/access-template.ts'
import { checkMetricLabel } from '../observe/metric-catalog.ts'

/** One fault of the start-up settings: where, what, and what may have been meant. */
export interface SettingFault {
  /** Dotted path, such as `limits.maxHeadBytes`. */
  readonly path: string
  readonly message: string
}

/**
 * What a setting takes, as data in the manner of JSON Schema. The checker is our own: a schema library for this one use would be a quarter
 * of the memory that an idle gateway may take.
 */
export type SettingSchema =
  | {
      readonly kind: 'object'
      readonly fields: Readonly<Record<string, SettingSchema>>
      /** What is wrong with fields that are good each by itself, or null. */
      readonly rule?: (value: JsonObject) => string | null
    }
  | { readonly kind: 'list'; readonly of: SettingSchema; readonly least: number; readonly most: number }
  | { readonly kind: 'number'; readonly isInteger: boolean; readonly least: number; readonly most: number }
  | { readonly kind: 'text'; readonly pattern: RegExp; readonly words: string }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  | { readonly kind: 'flag' }
  /** An address or CIDR block. */
  | { readonly kind: 'network' }
  /** A text with a syntax of its own: `check` gives what is wrong with it, or null. */
  | { readonly kind: 'checked'; readonly words: string; readonly check: (text: string) => string | null }
  /** Names of the user's own, each with a value; `checkName` gives what is wrong with one, or null. */
  | {
      readonly kind: 'map'
      readonly checkName: (name: string) => string | null
      readonly of: SettingSchema
      readonly most: number
    }
  | { readonly kind: 'nullable'; readonly of: SettingSchema }

const count = (least: number, most = 2 ** 31 - 1): SettingSchema => ({
  kind: 'number',
  isInteger: true,
  least,
  most,
})
const bytes = (least: number): SettingSchema => count(least, 2 ** 40)
const milliseconds = (least: number): SettingSchema => count(least, 86_400_000)
const number = (least: number, most: number): SettingSchema => ({
  kind: 'number',
  isInteger: false,
  least,
  most,
})
const pattern = (source: string, words: string): SettingSchema => ({
  kind: 'text',
  pattern: new RegExp(source),
  words,
})
const text = (least = 1): SettingSchema =>
  pattern(least === 0 ? '' : '[^]', least === 0 ? 'a text' : 'a text that is not empty')
const address = (): SettingSchema => pattern('^(\\[[0-9a-fA-F:.%a-z]+\\]|[^:\\s/]*):[0-9]{1,5}$', 'host:port')
const streamAddress = (): SettingSchema =>
  pattern('^(tls://)?(\\[[0-9a-fA-F:.%a-z]+\\]|[^:\\s/]*):[0-9]{1,5}$', 'host:port or tls://host:port')
const list = (of: SettingSchema, least = 0, most = 10_000): SettingSchema => ({
  kind: 'list',
  of,
  least,
  most,
})
const texts = (): SettingSchema => list(text())
const networks = (): SettingSchema => list({ kind: 'network' })
const choice = (...of: string[]): SettingSchema => ({ kind: 'choice', of })
const flag = (): SettingSchema => ({ kind: 'flag' })
const checked = (words: string, check: (text: string) => string | null): SettingSchema => ({
  kind: 'checked',
  words,
  check,
})
const fieldName = (): SettingSchema => pattern("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$", 'a field name')
const nullable = (of: SettingSchema): SettingSchema => ({ kind: 'nullable', of })
const section = (fields: Record<string, SettingSchema>): SettingSchema => ({ kind: 'object', fields })

/** Fields that mean something to every server; an id in them would break the message. */
const TAKEN_FIELDS: ReadonlySet<string> = new Set(
  (
    'host connection content-length content-type content-encoding transfer-encoding te trailer upgrade expect keep-alive date server cookie ' +
    'set-cookie authorization proxy-authorization location via forwarded x-forwarded-for x-forwarded-proto x-forwarded-host ' +
    'x-forwarded-port x-real-ip traceparent tracestate'
  ).split(' '),
)

function checkIdField(name: string): string | null {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/.test(name)) return 'must be a field name, such as X-Request-Id'
  return TAKEN_FIELDS.has(name.toLowerCase())
    ? `the field ${name} means something else: choose another`
    : null
}

function checkServer(text: string): string | null {
  const parts = /^(?:\[([^\]]+)\]|([^:\s]+))(?::([0-9]{1,5}))?$/.exec(text)
  const host = isIP(text) !== 0 ? text : (parts?.[1] ?? parts?.[2] ?? '')
  const port = Number(parts?.[3] ?? 53)
  return isIP(host) !== 0 && port >= 1 && port <= 65_535
    ? null
    : 'must be an address, with a port where it is not 53: 10.0.0.2, 127.0.0.1:5353, [::1]:5353'
}

function checkLogField(name: string): string | null {
  if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/.test(name))
    return 'a name has up to 64 letters, digits and _ . -, and begins with a letter or _'
  return JSON_FIELDS.includes(name) ? 'every line has a field of that name: choose another' : null
}

function checkInstanceId(name: string): string | null {
  return /^[!-~]{1,100}$/.test(name) ? null : 'an id has up to 100 characters, without blanks'
}

function checkApiServer(text: string): string | null {
  if (!/^https?:\/\/[^/\s]+(\/[^\s?#]*)?$/.test(text) || !URL.canParse(text))
    return 'must be https://host[:port]'
  const { username, password } = new URL(text)
  return username === '' && password === '' ? null : 'must not hold credentials: they stand in tokenFile'
}

function checkServiceName(text: string): string | null {
  const name = text.replaceAll('{service}', 's').replaceAll('{namespace}', 'n')
  if (!/^(_?[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}\.?$/.test(name) || name.length > 253)
    return 'must be a name in DNS with {service} and {namespace}: {service}.{namespace}.svc.cluster.local'
  return text.includes('{service}') ? null : 'must hold {service}, or all Services would have the same pods'
}

/** One way to the objects of a cluster, and only what belongs to it. */
function checkCluster(value: JsonObject): string | null {
  const ways = (['directory', 'dns', 'kubeconfig', 'server'] as const).filter(
    (way) => value[way] !== undefined,
  )
  const given: readonly string[] = value.inCluster === true ? [...ways, 'inCluster'] : ways
  if (given.length !== 1) {
    const has = given.length === 0 ? 'none' : given.join(' and ')
    return `must have one of directory, dns, kubeconfig, server and inCluster: true, has ${has}`
  }
  const [way] = given
  if (value.context !== undefined && way !== 'kubeconfig') return 'context stands with kubeconfig only'
  for (const field of ['tokenFile', 'caFile'])
    if (value[field] !== undefined && way !== 'server') return `${field} stands with server only`
  const { server } = value
  if (typeof server !== 'string' || !server.startsWith('http://')) return null
  if (value.caFile !== undefined) return 'caFile stands with a server of https only'
  const isNear = URL.canParse(server) && /^(localhost|127\..*|\[::1\])$/.test(new URL(server).hostname)
  return value.tokenFile === undefined || isNear
    ? null
    : 'a token is sent over https only, or within the machine'
}

function checkEnvironment(name: string): string | null {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(name)
    ? null
    : 'an environment is called by up to 100 letters, digits, - and _'
}

function checkVariableName(name: string): string | null {
  return /^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(name)
    ? null
    : 'a variable is called by up to 100 letters, digits and _, no digit first'
}

function checkMicroservice(name: string): string | null {
  return /^[^/\s]+\/[^/\s]+\/[^/\s]+$/.test(name)
    ? null
    : 'a microservice is called ClusterId/NamespaceId/MicroServiceName'
}

function checkFunctionName(name: string): string | null {
  return /^[^/\s]+\/[^/\s]+\/[^/\s]+$/.test(name)
    ? null
    : 'a function is called namespace/name/qualifier, such as default/resize/$LATEST'
}

function checkSecretId(name: string): string | null {
  return /^[A-Za-z0-9_-]{1,128}$/.test(name) ? null : 'a SecretId has up to 128 letters, digits, - and _'
}

function checkCredential(value: JsonObject): string | null {
  return value.SecretKey === undefined ? 'must have a SecretKey' : null
}

/** As long as a key of the Admin API has to be: it does what that does. */
const secretKey = (): SettingSchema => pattern('^[!-~]{24,256}$', '24 to 256 visible characters of ASCII')

/** The shape of model/settings.ts with every field optional: what settings files, the environment and flags may say. */
export const SETTINGS_SCHEMA = section({
  listen: list(address(), 0, 64),
  listenTls: list(address(), 0, 64),
  listenTcp: list(streamAddress(), 0, 1024),
  listenUdp: list(address(), 0, 1024),
  proxyProtocol: list(streamAddress(), 0, 1024),
  tls: section({
    certificate: nullable(text()),
    key: nullable(text()),
    minVersion: choice('TLSv1.2', 'TLSv1.3'),
    ciphers: nullable(text()),
    http2: flag(),
    handshakeTimeoutMs: milliseconds(1),
    ticketSeconds: count(60, 604_800),
  }),
  admin: section({
    listen: nullable(address()),
    key: nullable(text()),
    viewerKey: nullable(text()),
    insecureKey: flag(),
    keySources: list(choice('header', 'query', 'cookie'), 1),
    cors: texts(),
    allow: networks(),
    allowRemote: flag(),
    hosts: texts(),
  }),
  status: nullable(address()),
  store: text(),
  config: nullable(text()),
  workers: count(0, 256),
  accessLog: section({
    path: nullable(text()),
    format: checked('json, combined, apisix or a template with $ in it', checkLogFormat),
    escape: choice('text', 'json'),
    fields: {
      kind: 'map',
      checkName: checkLogField,
      of: checked('a template', checkLogTemplate),
      most: 64,
    },
    statuses: list(checked('a status such as 404, 5xx or 500-503', checkStatusRange), 0, 100),
    minDurationMs: milliseconds(0),
    sampleRatio: number(0, 1),
    skipPaths: list(pattern('^/', 'a path that begins with /'), 0, 1000),
    skipRoutes: list(text(), 0, 1000),
    redactHeaders: list(fieldName(), 0, 1000),
    redactQuery: list(text(), 0, 1000),
    bufferBytes: count(4096, 2 ** 30),
    flushMs: count(10, 60_000),
  }),
  requestId: section({ field: checked('a field name', checkIdField), toUpstream: flag(), toClient: flag() }),
  tracing: section({
    mode: choice('pass', 'start', 'off'),
    trustIncoming: flag(),
    sampleRatio: number(0, 1),
  }),
  metrics: section({
    maxSeries: count(100, 1_000_000),
    dropLabels: list(checked('metric.label', checkMetricLabel), 0, 1000),
    apisix: flag(),
    apisixPrefix: pattern('^[a-zA-Z_][a-zA-Z0-9_]{0,63}$', 'letters, digits and underscores'),
  }),
  profile: section({ seconds: count(1, 600), directory: nullable(text()) }),
  zone: nullable(text()),
  logLevel: choice('trace', 'debug', 'info', 'warn', 'error', 'silent'),
  sections: list(text(0), 1),
  trustedPeers: networks(),
  errorField: flag(),
  attemptsField: choice('off', 'trusted', 'always'),
  explainField: choice('off', 'trusted', 'always'),
  via: nullable(pattern("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", 'a token')),
  fieldsWithUnderscore: choice('pass', 'drop', 'reject'),
  limits: section({
    maxTargetBytes: bytes(64),
    maxHeadBytes: bytes(256),
    maxFields: count(1, 10_000),
    maxTrailerBytes: bytes(0),
    maxTrailerFields: count(0, 10_000),
    maxResponseHeadBytes: bytes(256),
    maxResponseFields: count(1, 10_000),
    maxBodyBytes: bytes(0),
    maxInspectedBodyBytes: bytes(0),
    replayBytes: bytes(0),
    replayTotalBytes: bytes(0),
    mirrorRequests: count(0, 100_000),
    mirrorBodyBytes: bytes(0),
    headerTimeoutMs: milliseconds(1),
    keepAliveMs: milliseconds(0),
    maxRequestsPerConnection: count(1),
    bodyIdleMs: milliseconds(1),
    minBodyRate: count(0),
    bodyRateGraceMs: milliseconds(0),
    writeStallMs: milliseconds(1),
    drainBytes: bytes(0),
    drainMs: milliseconds(0),
    maxConnections: count(0),
    maxConnectionsPerAddress: count(0),
    bufferHighBytes: bytes(1024),
    maxInterimAnswers: count(0, 10_000),
    tunnelIdleMs: milliseconds(1),
    maxStreams: count(1, 10_000),
    maxObjects: count(1),
    maxPatternLength: count(1, 1_000_000),
    maxJsonDepth: count(1, 1000),
    retryBudgetRatio: number(0, 1),
    retryBudgetPerSecond: number(0, 1_000_000),
    overloadHeapPercent: count(0, 100),
    overloadRefusePercent: count(0, 100),
    overloadDelayMs: count(0, 60_000),
  }),
  drain: section({ delayMs: milliseconds(0), timeoutMs: milliseconds(0) }),
  dns: section({
    servers: list(checked('an address, with a port where it is not 53', checkServer), 0, 16),
    timeoutMs: count(100, 60_000),
    minTtlSeconds: count(1, 86_400),
    maxTtlSeconds: count(1, 604_800),
    graceSeconds: count(0, 86_400),
    search: nullable(list(pattern('^[A-Za-z0-9_.-]{1,253}$', 'a domain'), 0, 32)),
    families: choice('auto', 'both', 'ipv4', 'ipv6'),
  }),
  apisix: section({
    router: choice('radixtree_host_uri', 'radixtree_uri', 'radixtree_uri_with_parameter'),
    inlineTimeout: number(0.001, 86_400),
    serverTokens: flag(),
    showUpstreamStatus: flag(),
    httpsPort: nullable(count(1, 65_535)),
    realIpFrom: networks(),
  }),
  tencent: section({
    domain: pattern(
      '^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$',
      'a domain in lower case',
    ),
    api_default_retries: count(1, 100),
    shared_instances: choice('dedicated', 'enforce'),
    instances: {
      kind: 'map',
      checkName: checkInstanceId,
      of: section({ UniqVpcId: text() }),
      most: 10_000,
    },
    ignore_header_case: flag(),
    strict_conditions: flag(),
    strict_names: flag(),
    functions: {
      kind: 'map',
      checkName: checkFunctionName,
      of: pattern(
        '^https?://[^/\\s?#]+(/[!-~]*)?$',
        'http://host[:port] or https://host[:port], for events with a path behind it',
      ),
      most: 10_000,
    },
    microservices: {
      kind: 'map',
      checkName: checkMicroservice,
      of: address(),
      most: 10_000,
    },
    namespace_codes: {
      kind: 'map',
      checkName: checkInstanceId,
      of: pattern('^[^\\s/]{1,128}$', 'a code without / and blanks'),
      most: 10_000,
    },
    credentials: {
      kind: 'map',
      checkName: checkSecretId,
      of: {
        kind: 'object',
        fields: { SecretKey: secretKey(), role: choice('admin', 'viewer') },
        rule: checkCredential,
      },
      most: 1000,
    },
    clusters: {
      kind: 'map',
      checkName: checkInstanceId,
      of: {
        kind: 'object',
        fields: {
          directory: text(),
          dns: checked('{service}.{namespace}.svc.cluster.local', checkServiceName),
          kubeconfig: text(),
          context: text(),
          server: checked('https://host[:port]', checkApiServer),
          tokenFile: text(),
          caFile: text(),
          inCluster: flag(),
        },
        rule: checkCluster,
      },
      most: 100,
    },
  }),
  apinizer: section({
    root_context: pattern('^(/[A-Za-z0-9._~-]+)*$', "'' or a path without a slash at its end"),
    environments: {
      kind: 'map',
      checkName: checkEnvironment,
      of: section({
        variables: { kind: 'map', checkName: checkVariableName, of: text(), most: 10_000 },
        ports: list(count(1, 65_535), 0, 100),
      }),
      most: 100,
    },
  }),
  kuma: section({
    listen: nullable(address()),
    dataplanes: list(text(), 0, 1_000),
    strict: flag(),
  }),
})

/** All faults of partial settings at once; empty when they are good. */
export function checkSettings(value: JsonValue): readonly SettingFault[] {
  const faults: SettingFault[] = []
  check(SETTINGS_SCHEMA, value, '', faults)
  return faults
}

function check(schema: SettingSchema, value: JsonValue, path: string, faults: SettingFault[]): void {
  if (schema.kind === 'object' && isJsonObject(value)) {
    for (const [name, inner] of Object.entries(value)) {
      const place = path === '' ? name : `${path}.${name}`
      const field = Object.hasOwn(schema.fields, name) ? schema.fields[name] : undefined
      if (field !== undefined) check(field, inner, place, faults)
      else faults.push({ path: place, message: `unknown setting${hintFor(name, schema.fields)}` })
    }
    const fault = schema.rule?.(value) ?? null
    if (fault !== null) faults.push({ path, message: fault })
    return
  }
  if (schema.kind === 'list' && Array.isArray(value)) {
    const entries = value as readonly JsonValue[]
    if (entries.length >= schema.least && entries.length <= schema.most) {
      for (const [i, entry] of entries.entries()) check(schema.of, entry, `${path}[${i}]`, faults)
      return
    }
  }
  if (schema.kind === 'map' && isJsonObject(value)) {
    const entries = Object.entries(value)
    if (entries.length > schema.most) {
      faults.push({ path, message: `must have at most ${schema.most} entries, has ${entries.length}` })
    }
    for (const [name, inner] of entries) {
      const fault = schema.checkName(name)
      if (fault === null) check(schema.of, inner, `${path}.${name}`, faults)
      else faults.push({ path: `${path}.${name}`, message: fault })
    }
    return
  }
  if (schema.kind === 'checked' && typeof value === 'string') {
    const fault = schema.check(value)
    if (fault !== null) faults.push({ path, message: fault })
    return
  }
  if (
    schema.kind === 'nullable' &&
    value !== null &&
    (schema.of.kind === 'list' || schema.of.kind === 'object')
  ) {
    check(schema.of, value, path, faults)
    return
  }
  if (!isScalarOf(schema, value)) {
    const got = /key$/i.test(path) ? '***' : JSON.stringify(value)
    faults.push({ path, message: `must be ${wordsFor(schema)}, got ${got}` })
  }
}

function isScalarOf(schema: SettingSchema, value: JsonValue): boolean {
  switch (schema.kind) {
    case 'number':
      return (
        typeof value === 'number' &&
        value >= schema.least &&
        value <= schema.most &&
        (!schema.isInteger || Number.isInteger(value))
      )
    case 'text':
      return typeof value === 'string' && schema.pattern.test(value)
    case 'choice':
      return typeof value === 'string' && schema.of.includes(value)
    case 'flag':
      return typeof value === 'boolean'
    case 'network':
      return typeof value === 'string' && checkNetwork(value) === null
    case 'nullable':
      return value === null || isScalarOf(schema.of, value)
    default:
      return false
  }
}

function hintFor(name: string, fields: Readonly<Record<string, SettingSchema>>): string {
  const near = suggest(name, Object.keys(fields))
  return near === null ? '' : `: did you mean ${near}?`
}

/** What a setting takes, in words. */
export function wordsFor(schema: SettingSchema): string {
  switch (schema.kind) {
    case 'number':
      return `${schema.isInteger ? 'an integer' : 'a number'} from ${schema.least} to ${schema.most}`
    case 'text':
    case 'checked':
      return schema.words
    case 'choice':
      return schema.of.join(' or ')
    case 'flag':
      return 'true or false'
    case 'network':
      return 'an address or CIDR block'
    case 'list':
      return schema.least === 0 ? 'a list' : `a list with ${schema.least} to ${schema.most} entries`
    case 'nullable':
      return `${wordsFor(schema.of)} or null`
    case 'map':
      return `names, each with ${wordsFor(schema.of)}`
    case 'object':
      return 'an object'
  }
}
