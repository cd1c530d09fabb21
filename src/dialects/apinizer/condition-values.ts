import { parseJsonPath } from '../../expression/body-path.ts'
import { checkXpath } from '../../expression/xpath.ts'
import type { JsonObject } from '../../model/json.ts'
import { textField } from '../../model/json-fields.ts'
import { suggest } from '../../model/suggest.ts'
import { type Faults, joinPath } from './shape.ts'

/** Where the values of a condition come from (spec/apinizer.md 3.3): `{source, name}`. */

export const SOURCES = [
  'HEADER',
  'QUERY',
  'BODY_JSON',
  'BODY_XML',
  'CLIENT_IP',
  'CONTEXT',
  'ENVIRONMENT',
] as const

/** What a condition is about: requests (of an address), or answers of backends (what counts as an error, spec/apinizer.md 5.1). */
export type Subject = 'request' | 'answer'

const ANSWER_SOURCES = ['STATUS', 'BODY', 'BODY_JSON', 'ENVIRONMENT'] as const
/** Sources that are one value, and so have no name. */
const NAMELESS: ReadonlySet<string> = new Set(['CLIENT_IP', 'STATUS', 'BODY'])

/** What is known of a proxy before any request. */
export interface ConditionFacts {
  /** Of the environment. */
  readonly variables: Readonly<Record<string, string>>
  /** Its name. */
  readonly environment: string
  /** Name of the proxy. */
  readonly proxy: string
  readonly rootContext: string
}

/** A variable of requests (expression/variables.ts), or what it is for such a proxy. */
type ContextValue = string | ((facts: ConditionFacts) => string)

/** Values of the system by the vendor's names that a request has here. */
const CONTEXT: ReadonlyMap<string, ContextValue> = new Map<string, ContextValue>([
  ['REQUEST_REMOTE_ADDRESS', 'remote_addr'],
  ['REQUEST_REMOTE_PORT', 'remote_port'],
  ['REQUEST_LOCAL_ADDR', 'server_addr'],
  ['REQUEST_LOCAL_PORT', 'server_port'],
  ['REQUEST_SERVER_NAME', 'host'],
  ['REQUEST_HTTP_METHOD', 'request_method'],
  ['REQUEST_SCHEME', 'scheme'],
  ['REQUEST_PROTOCOL', 'server_protocol'],
  ['REQUEST_REQUEST_URI', 'uri'],
  ['REQUEST_QUERY_STRING', 'args'],
  ['REQUEST_CONTENT_TYPE', 'content_type'],
  ['REQUEST_CONTENT_LENGTH', 'content_length'],
  ['REQUEST_XFORWARDED_FOR', 'field:x-forwarded-for'],
  ['MESSAGE_CORRELATION_ID', 'request_id'],
  ['REQUEST_CONTEXT_PATH', ({ rootContext }) => fixed('REQUEST_CONTEXT_PATH', rootContext)],
  [
    'REQUEST_PATH_INFO',
    ({ rootContext }) => (rootContext === '' ? 'uri' : `path:${Buffer.byteLength(rootContext)}`),
  ],
  ['ENVIRONMENT_NAME', ({ environment }) => fixed('ENVIRONMENT_NAME', environment)],
  ['APIPROXY_NAME', ({ proxy }) => fixed('APIPROXY_NAME', proxy)],
])

/** Why the vendor's other values of the system are not there, by the beginnings of their names. */
const NO_CONTEXT: readonly (readonly [beginning: string, why: string])[] = [
  ['RESPONSE_', 'addresses are chosen before there is an answer'],
  ['CREDENTIAL_', 'callers are not authenticated'],
  ['REQUEST_REMOTE_USER', 'callers are not authenticated'],
  ['REQUEST_USERNAME_KEY', 'callers are not authenticated'],
  ['REQUEST_REQUESTED_SESSION_ID', 'there are no sessions'],
  ['REQUEST_REMOTE_HOST', 'names of clients are not looked up: use REQUEST_REMOTE_ADDRESS'],
  ['REQUEST_LOCAL_NAME', 'names of listeners are not looked up: use REQUEST_LOCAL_ADDR'],
  ['REQUEST_SERVER_PORT', 'the port in the Host field plays no part: use REQUEST_LOCAL_PORT'],
  ['APIPROXYGROUP_', 'there are no proxy groups'],
  ['APIMETHOD_', 'conditions belong to all endpoints of a proxy'],
  ['APIPROXY_ID', 'proxies have no id but their name: use APIPROXY_NAME'],
  ['ENVIRONMENT_', 'environments have a name and variables: use ENVIRONMENT_NAME, or the source ENVIRONMENT'],
  ['DATETIME_', 'conditions are about the request, not about the time'],
  ['DATE_', 'conditions are about the request, not about the time'],
  ['TIME_', 'conditions are about the request, not about the time'],
  ['REQUEST_', 'use HEADER with the name of the field that tells it'],
]

/** Every fault of a value as it is written. */
export function checkValue(value: JsonObject, path: string, faults: Faults, subject: Subject): void {
  const known = ['source', 'name']
  for (const key of Object.keys(value))
    if (!known.includes(key))
      faults.add(joinPath(path, key), `a value has no field ${key}`, `known: ${known.join(', ')}`)
  const source = textField(value, 'source') ?? ''
  const name = textField(value, 'name') ?? ''
  const sources: readonly string[] = subject === 'request' ? SOURCES : ANSWER_SOURCES
  if (!sources.includes(source))
    return faults.add(joinPath(path, 'source'), `source must be ${sources.join(', ')}`)
  const place = joinPath(path, 'name')
  if (NAMELESS.has(source)) {
    if (name !== '') faults.add(place, `name says nothing with ${source}`)
    return
  }
  if (name === '') return faults.add(place, `name is required: which ${source} is meant`)
  if (source === 'CONTEXT') return checkContext(name, place, faults)
  if (source === 'HEADER' && !/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(name))
    faults.add(place, `${name} is no name of a header field`)
  if (source === 'ENVIRONMENT' && name.includes('=')) faults.add(place, 'the name of a variable has no =')
  if (source === 'BODY_JSON' && parseJsonPath(name) === null)
    faults.add(
      place,
      `${name} is no JSONPath that is served: names, [n], ['name'], [*], .* and ..name, behind $`,
    )
  const fault = source === 'BODY_XML' ? checkXpath(name) : null
  if (fault !== null) faults.add(place, `${name} is no XPath that is served: ${fault}`)
}

function checkContext(name: string, place: string, faults: Faults): void {
  if (CONTEXT.has(name)) return
  const known = [...CONTEXT.keys()]
  const why = NO_CONTEXT.find(([beginning]) => name.startsWith(beginning))?.[1]
  const near = suggest(name, known)
  const hint = near === null ? `there are ${known.join(', ')}` : `did you mean ${near}?`
  faults.add(
    place,
    why === undefined
      ? `there is no context variable ${name}`
      : `the context variable ${name} is not supported: ${why}`,
    hint,
  )
}

/** The variable that a value without faults is read from. */
export function variableOf(value: JsonObject, facts: ConditionFacts, subject: Subject): string {
  const name = textField(value, 'name') ?? ''
  switch (textField(value, 'source')) {
    case 'STATUS':
      return 'upstream_status'
    case 'BODY':
      return 'answer:body'
    case 'HEADER':
      return `field:${name.toLowerCase()}`
    case 'QUERY':
      return `query:${name}`
    case 'BODY_JSON':
      return subject === 'request' ? `json:${name}` : `answer:json:${name}`
    case 'BODY_XML':
      return `xpath:${name}`
    case 'ENVIRONMENT':
      return fixed(name, Object.hasOwn(facts.variables, name) ? facts.variables[name] : undefined)
    case 'CONTEXT': {
      const found = CONTEXT.get(name) ?? fixed(name, undefined)
      return typeof found === 'string' ? found : found(facts)
    }
    default:
      return 'remote_addr'
  }
}

function fixed(name: string, text: string | undefined): string {
  return text === undefined ? `fixed:${name}` : `fixed:${name}=${text}`
}

export function readsBody(value: JsonObject): boolean {
  const source = textField(value, 'source')
  return source === 'BODY_JSON' || source === 'BODY_XML' || source === 'BODY'
}

/** Whether it is the client's address, of which lists may hold networks. */
export function isClientAddress(value: JsonObject): boolean {
  const source = textField(value, 'source')
  return (
    source === 'CLIENT_IP' || (source === 'CONTEXT' && textField(value, 'name') === 'REQUEST_REMOTE_ADDRESS')
  )
}
