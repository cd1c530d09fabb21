import Type, { type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { JsonValue } from '../model/json.ts'
import { suggest } from '../store/files/suggest.ts'

/** One fault of the start-up settings: where, what, and what may have been meant. */
export interface SettingFault {
  /** Dotted path, such as `limits.maxHeadBytes`. */
  readonly path: string
  readonly message: string
}

const bytes = (minimum: number) => Type.Integer({ minimum, maximum: 2 ** 40 })
const milliseconds = (minimum: number) => Type.Integer({ minimum, maximum: 86_400_000 })
const count = (minimum: number, maximum = 2 ** 31 - 1) => Type.Integer({ minimum, maximum })
const texts = () => Type.Array(Type.String({ minLength: 1 }))
const nullable = (text: ReturnType<typeof Type.String>) => Type.Union([text, Type.Null()])
const address = () => Type.String({ pattern: '^(\\[[0-9a-fA-F:.%a-z]+\\]|[^:\\s/]*):[0-9]{1,5}$' })
const choice = (...values: string[]) => Type.Union(values.map((value) => Type.Literal(value)))
const section = (fields: Record<string, TSchema>) =>
  Type.Object(Object.fromEntries(Object.entries(fields).map(([name, schema]) => [name, Type.Optional(schema)])), {
    additionalProperties: false,
  })

/** The shape of model/settings.ts with every field optional: what settings files, the environment and flags may say. */
const SCHEMA = section({
  listen: Type.Array(address(), { minItems: 1, maxItems: 64 }),
  admin: section({
    listen: nullable(address()),
    key: nullable(Type.String({ minLength: 1 })),
    viewerKey: nullable(Type.String({ minLength: 1 })),
    insecureKey: Type.Boolean(),
    keySources: Type.Array(choice('header', 'query', 'cookie'), { minItems: 1 }),
    cors: texts(),
    allow: texts(),
    hosts: texts(),
  }),
  status: nullable(address()),
  store: Type.String({ minLength: 1 }),
  config: nullable(Type.String({ minLength: 1 })),
  workers: count(0, 256),
  accessLog: section({
    path: nullable(Type.String({ minLength: 1 })),
    format: choice('json', 'combined'),
  }),
  logLevel: choice('trace', 'debug', 'info', 'warn', 'error', 'silent'),
  sections: Type.Array(Type.String(), { minItems: 1 }),
  trustedPeers: texts(),
  errorField: Type.Boolean(),
  via: nullable(Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" })),
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
    bufferLowBytes: bytes(0),
    maxInterimAnswers: count(0, 10_000),
    maxObjects: count(1),
    maxPatternLength: count(1, 1_000_000),
    maxJsonDepth: count(1, 1000),
    retryBudgetRatio: Type.Number({ minimum: 0, maximum: 1 }),
    retryBudgetPerSecond: Type.Number({ minimum: 0, maximum: 1_000_000 }),
  }),
  drain: section({ delayMs: milliseconds(0), timeoutMs: milliseconds(0) }),
  apisix: section({
    router: choice('radixtree_host_uri', 'radixtree_uri', 'radixtree_uri_with_parameter'),
    inlineTimeout: Type.Number({ exclusiveMinimum: 0, maximum: 86_400 }),
    serverTokens: Type.Boolean(),
    showUpstreamStatus: Type.Boolean(),
    httpsPort: Type.Union([count(1, 65_535), Type.Null()]),
    realIpFrom: texts(),
  }),
})

const validator = Compile(SCHEMA)

/** All faults of partial settings at once; empty when they are good. */
export function checkSettings(value: JsonValue): readonly SettingFault[] {
  if (validator.Check(value)) return []
  const faults = new Map<string, SettingFault>()
  for (const error of validator.Errors(value)) {
    const path = dotted(error.instancePath)
    if (error.keyword === 'additionalProperties') {
      for (const name of (error.params as { additionalProperties: string[] }).additionalProperties) {
        const place = path === '' ? name : `${path}.${name}`
        const near = suggest(name, knownNames(path))
        faults.set(place, { path: place, message: `unknown setting${near === null ? '' : `: did you mean ${near}?`}` })
      }
    } else if (error.keyword !== 'boolean' && !faults.has(path)) {
      const expected = describe(path)
      faults.set(path, { path, message: `${expected ?? error.message}, got ${JSON.stringify(valueAt(value, path))}` })
    }
  }
  return [...faults.values()]
}

interface AnySchema {
  readonly properties?: Record<string, AnySchema>
  readonly items?: AnySchema
  readonly anyOf?: readonly AnySchema[]
  readonly const?: unknown
  readonly type?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly minItems?: number
}

function schemaAt(path: string): AnySchema | undefined {
  let schema: AnySchema | undefined = SCHEMA as AnySchema
  for (const step of path === '' ? [] : path.split('.')) {
    schema = /^\d+$/.test(step) && schema?.items !== undefined ? schema.items : schema?.properties?.[step]
  }
  return schema
}

function knownNames(path: string): string[] {
  return Object.keys(schemaAt(path)?.properties ?? {})
}

/** What a field takes, in words. */
function describe(path: string): string | null {
  const schema = schemaAt(path)
  return schema === undefined ? null : `must be ${wordsFor(schema)}`
}

function wordsFor(schema: AnySchema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(wordsFor).join(' or ')
  if (schema.const !== undefined) return String(schema.const)
  if (schema.type === 'integer' || schema.type === 'number') {
    const from = schema.exclusiveMinimum === undefined ? `from ${schema.minimum}` : `above ${schema.exclusiveMinimum}`
    return `${schema.type === 'integer' ? 'an integer' : 'a number'} ${from} to ${schema.maximum}`
  }
  if (schema.type === 'string') return schema.pattern?.includes(']{') || schema.pattern?.includes(':[0-9]') ? 'host:port' : 'a text'
  if (schema.type === 'array') return schema.minItems === undefined ? 'a list' : 'a list with at least one entry'
  if (schema.type === 'boolean') return 'true or false'
  return schema.type === 'null' ? 'null' : 'an object'
}

function dotted(pointer: string): string {
  return pointer.split('/').slice(1).join('.')
}

function valueAt(value: JsonValue, path: string): unknown {
  let at: unknown = value
  for (const step of path === '' ? [] : path.split('.')) at = (at as Record<string, unknown> | undefined)?.[step]
  return path.toLowerCase().endsWith('key') ? '***' : at
}
