import { hostname } from 'node:os'
import { toByteString } from '../model/byte-string.ts'
import { readAnswerField, readBodyField, readFormField, readJsonField } from './body-fields.ts'
import { parseBodyPath, parseJsonPath } from './body-path.ts'
import { findCookie } from './cookie.ts'
import { type GraphqlPart, readGraphql } from './graphql-source.ts'
import { findArgument } from './percent.ts'
import { randomHex } from './random-id.ts'
import type { AnswerView, RequestView } from './request-view.ts'
import { compileXpath } from './xpath.ts'

/** Texts are byte strings. Undefined: absent, which is not the empty text. */
export type VariableValue = string | number | boolean | readonly (string | number | boolean)[] | undefined

/** Reads one value of a request, on demand. Never throws. */
export interface Variable {
  readonly name: string
  read(view: RequestView): VariableValue
  /** Whether it looks into the body: `view.body` must then be read (or be null) first. */
  readonly needsBody: boolean
}

type Read = Variable['read']

/**
 * The variable of that name: spec/apisix.md section 8, without `$`. An unknown name is no error and always absent, as in the reference;
 * `isKnownVariable` is for warnings.
 */
export function compileVariable(name: string): Variable {
  const plain = PLAIN.get(name)
  if (plain !== undefined) return { name, read: plain, needsBody: false }
  const graphql = GRAPHQL.get(name)
  if (graphql !== undefined) return { name, read: (view) => readGraphql(view, graphql), needsBody: true }
  const path = bodyPathOf(name)
  if (path !== null) {
    const parsed = parseBodyPath(path)
    if (parsed === null) return { name, read: absent, needsBody: false }
    return { name, read: (view) => readBodyField(view, parsed), needsBody: true }
  }
  for (const family of name.includes(':') ? [...EXACT_FAMILIES, ...FAMILIES] : FAMILIES) {
    if (!name.startsWith(family.prefix) || name.length === family.prefix.length) continue
    const read = family.compile(name.slice(family.prefix.length))
    return { name, read, needsBody: family.needsBody }
  }
  return { name, read: absent, needsBody: false }
}

/** Whether a name stands in the list of section 8 (also if this gateway never has a value for it, as for `ssl_…`). */
export function isKnownVariable(name: string): boolean {
  if (!isDrawn(name) && (PLAIN.has(name) || GRAPHQL.has(name))) return true
  const path = bodyPathOf(name)
  if (path !== null) return parseBodyPath(path) !== null
  if (name.startsWith('ssl_') && name.length > 4) return true
  return FAMILIES.some(({ prefix }) => name.startsWith(prefix) && name.length > prefix.length)
}

/**
 * The name that means to `compileVariable` what this one means in section 8: names that are ours alone are unknown there, and so absent.
 * For dialects that take names of variables from documents.
 */
export function documentedVariable(name: string): string {
  const isOurs = isDrawn(name) || EXACT_FAMILIES.some(({ prefix }) => name.startsWith(prefix))
  return isOurs ? `unknown:${name}` : name
}

/** null, or why the name cannot be a variable: only the path behind `post_arg.` has a syntax of its own. */
export function checkVariable(name: string): string | null {
  const path = bodyPathOf(name)
  if (path === null || parseBodyPath(path) !== null) return null
  return `invalid expression ${name}: the path behind post_arg. is no JSONPath`
}

/** One spelling for names that mean the same: header names in any case, `-` and `_` alike; `query_string` is `args`. */
export function canonicalVariable(name: string): string {
  for (const prefix of HEADER_PREFIXES) {
    if (name.startsWith(prefix)) return prefix + name.slice(prefix.length).toLowerCase().replaceAll('-', '_')
  }
  return ALIASES.get(name) ?? name
}

const HEADER_PREFIXES = ['http_', 'upstream_http_', 'sent_http_']
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['query_string', 'args'],
  ['method', 'request_method'],
])

function bodyPathOf(name: string): string | null {
  return name.startsWith('post_arg.') ? name.slice(9) : null
}

/** Drawn anew whenever it is read. */
const DRAW = 'random()'
/** 32 hexadecimal digits, not all of them zeros, drawn anew whenever they are read: the id of a trace. */
const DRAWN_ID = 'random_id()'
const DRAWS: ReadonlySet<string> = new Set([DRAW, DRAWN_ID])

/** Whether two readings of a variable differ. */
export function isDrawn(name: string): boolean {
  return DRAWS.has(name)
}

const absent: Read = () => undefined
const hostName = toByteString(hostname())

const args: Read = (view) => (view.query === null || view.query === '' ? undefined : view.query)
const method: Read = (view) => view.method
const label =
  (key: 'routeId' | 'routeName' | 'serviceId' | 'serviceName'): Read =>
  (view) => {
    const value = view.labels?.[key]
    return value === null || value === undefined ? undefined : toByteString(value)
  }

/** Names without a variable part. A Map: `__proto__` and `constructor` are unknown names. */
const PLAIN: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['uri', (view) => view.path],
  [
    'request_uri',
    (view) => (view.query === null || view.query === '' ? view.path : `${view.path}?${view.query}`),
  ],
  ['real_request_uri', (view) => view.target],
  ['args', args],
  ['query_string', args],
  ['is_args', (view) => (view.query === null || view.query === '' ? '' : '?')],
  ['host', (view) => (view.host === '' ? undefined : view.host)],
  ['remote_addr', (view) => view.clientAddress],
  ['remote_port', (view) => String(view.clientPort)],
  ['realip_remote_addr', (view) => view.peerAddress],
  ['server_addr', (view) => view.localAddress],
  ['server_port', (view) => String(view.localPort)],
  ['server_name', () => '_'],
  ['hostname', () => hostName],
  ['scheme', (view) => view.scheme],
  ['request_method', method],
  ['method', method],
  ['server_protocol', (view) => view.protocol],
  ['content_type', (view) => view.header('content-type')],
  ['content_length', (view) => view.header('content-length')],
  ['http_cookie', (view) => view.cookies],
  ['route_id', label('routeId')],
  ['route_name', label('routeName')],
  ['service_id', label('serviceId')],
  ['service_name', label('serviceName')],
  ['consumer_name', (view) => view.consumer?.name],
  ['consumer_group_id', absent],
  ['balancer_ip', (view) => view.answer?.endpointAddress],
  ['balancer_port', (view) => textOf(view.answer?.endpointPort)],
  ['upstream_unresolved_host', (view) => view.answer?.endpointHost],
  ['time_iso8601', () => `${new Date().toISOString().slice(0, 19)}+00:00`],
  ['msec', () => (Date.now() / 1000).toFixed(3)],
  ['request_id', (view) => view.requestId],
  ['status', (view) => view.answer?.status],
  ['upstream_status', (view) => textOf(view.answer?.upstreamStatus)],
  // ours, and no name that a document of the reference would have
  [DRAW, (view) => view.random()],
  [DRAWN_ID, () => randomHex(16)],
])

const GRAPHQL: ReadonlyMap<string, GraphqlPart> = new Map<string, GraphqlPart>([
  ['graphql_operation', 'operation'],
  ['graphql_name', 'name'],
  ['graphql_root_fields', 'rootFields'],
])

interface Family {
  readonly prefix: string
  readonly needsBody: boolean
  /** `rest` is the name behind the prefix, never empty. */
  compile(rest: string): Read
}

const FAMILIES: readonly Family[] = [
  { prefix: 'http_', needsBody: false, compile: compileHeader },
  { prefix: 'arg_', needsBody: false, compile: compileArgument },
  { prefix: 'cookie_', needsBody: false, compile: compileCookie },
  { prefix: 'uri_param_', needsBody: false, compile: compilePathParam },
  { prefix: 'post_arg_', needsBody: true, compile: compileFormField },
  { prefix: 'upstream_http_', needsBody: false, compile: compileUpstreamHeader },
  { prefix: 'sent_http_', needsBody: false, compile: compileSentHeader },
]

/**
 * Ours: what dialects ask for that tell names apart more strictly than the variables of section 8 do. No name of theirs has a colon.
 * - `header:Name`: the first line of the field that is so written (over HTTP/2 in any case).
 * - `anyHeader:Name`: the same in any case, over HTTP/1.1 as well.
 * - `joined:name`: the field of that name in any case, `_` apart from `-`; several lines joined by `,` without a blank.
 * - `query:name`: the first argument of that name, as text; empty where it has no `=`.
 * - `path:8`: the path without its first eight bytes; `/` where nothing is left.
 * - `field:name`: the field of that name in any case, `_` apart from `-`; several lines joined by `, `, of Cookie by `; `.
 * - `json:$.a[0].b`: a value of a body in JSON. - `xpath://a/b`: the same of one in XML.
 * - `fixed:NAME=text`: that text, for what is known before any request; `fixed:NAME` is absent.
 * - `answer:body`, `answer:json:$.a`: the body of an endpoint's answer, a value inside it where it is JSON; `answer:error`: `true` where the upstream's rule calls it an error.
 */
const EXACT_FAMILIES: readonly Family[] = [
  { prefix: 'header:', needsBody: false, compile: compileExactField },
  { prefix: 'anyHeader:', needsBody: false, compile: compileAnyHeader },
  { prefix: 'joined:', needsBody: false, compile: compileJoinedField },
  { prefix: 'query:', needsBody: false, compile: compileFirstArgument },
  { prefix: 'path:', needsBody: false, compile: compilePathRest },
  { prefix: 'field:', needsBody: false, compile: compileField },
  { prefix: 'json:', needsBody: true, compile: compileJsonField },
  { prefix: 'xpath:', needsBody: true, compile: compileXpath },
  { prefix: 'fixed:', needsBody: false, compile: compileFixed },
  { prefix: 'answer:', needsBody: false, compile: compileAnswerPart },
]

/** Host belongs to the protocol, which writes it in its own way; that it can be asked for as it is usually written must not depend on the client. */
function compileExactField(rest: string): Read {
  if (rest === 'Host') return (view) => view.header('host')
  const name = toByteString(rest)
  const lowerName = toByteString(rest.toLowerCase())
  return (view) => view.firstField(name, lowerName)
}

function compileAnyHeader(rest: string): Read {
  const lowerName = toByteString(rest.toLowerCase())
  if (lowerName === 'host') return (view) => view.header('host')
  return (view) => view.firstField(null, lowerName)
}

function compileJoinedField(rest: string): Read {
  const lowerName = toByteString(rest.toLowerCase())
  return (view) => view.joinedField(lowerName)
}

function compileFirstArgument(rest: string): Read {
  const name = toByteString(rest)
  return (view) => {
    if (view.query === null) return undefined
    const value = findArgument(view.query, name)
    return value === true ? '' : value
  }
}

function compilePathRest(rest: string): Read {
  const length = /^[0-9]{1,5}$/.test(rest) ? Number(rest) : -1
  if (length < 0) return absent
  return ({ path }) => (path.length > length ? path.slice(length) : '/')
}

function compileField(rest: string): Read {
  const name = toByteString(rest.toLowerCase())
  if (name === 'cookie') return (view) => view.cookies
  if (!name.includes('-')) return (view) => view.header(name)
  // `header` takes the name with underscores where no field has this one
  return (view) => (view.firstField(null, name) === undefined ? undefined : view.header(name))
}

function compileJsonField(rest: string): Read {
  const path = parseJsonPath(rest)
  return path === null ? absent : (view) => readJsonField(view, path)
}

function compileFixed(rest: string): Read {
  const at = rest.indexOf('=')
  if (at < 0) return absent
  const value = toByteString(rest.slice(at + 1))
  return () => value
}

function compileAnswerPart(rest: string): Read {
  if (rest === 'error') return ({ answer }) => (answer?.isError === true ? 'true' : undefined)
  if (rest === 'body') return ({ answer }) => answer?.body ?? undefined
  const path = rest.startsWith('json:') ? parseJsonPath(rest.slice(5)) : null
  if (path === null) return absent
  return ({ answer }) => readAnswerField(answer?.body, path)
}

/** The field with dashes; the one with underscores only where the other is absent (spec/apisix.md 8). */
function compileHeader(rest: string): Read {
  const [dashed, underscored] = fieldNames(rest)
  if (dashed === underscored) return (view) => view.header(dashed)
  return (view) => view.header(dashed) ?? view.header(underscored)
}

function compileUpstreamHeader(rest: string): Read {
  const [dashed, underscored] = fieldNames(rest)
  return ({ answer }) =>
    answer === null || answer.upstreamStatus === undefined
      ? undefined
      : answerField(answer, dashed, underscored)
}

function compileSentHeader(rest: string): Read {
  const [dashed, underscored] = fieldNames(rest)
  return ({ answer }) => (answer === null ? undefined : answerField(answer, dashed, underscored))
}

function answerField(answer: AnswerView, dashed: string, underscored: string): string | undefined {
  return answer.header(dashed) ?? (dashed === underscored ? undefined : answer.header(underscored))
}

function fieldNames(rest: string): readonly [dashed: string, underscored: string] {
  const name = toByteString(rest.toLowerCase())
  return [name.replaceAll('_', '-'), name.replaceAll('-', '_')]
}

function compileArgument(rest: string): Read {
  const name = toByteString(rest)
  return (view) => (view.query === null ? undefined : findArgument(view.query, name))
}

function compileCookie(rest: string): Read {
  const name = toByteString(rest)
  return ({ cookies }) => (cookies === undefined ? undefined : findCookie(cookies, name))
}

function compilePathParam(rest: string): Read {
  const name = toByteString(rest)
  return (view) => view.pathParams?.get(name) ?? view.pathParams?.get(rest)
}

function compileFormField(rest: string): Read {
  const name = toByteString(rest)
  return (view) => readFormField(view, name)
}

function textOf(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}
