import type { HeaderValue, QueryArgument, RequestRewrite } from '../../model/filter.ts'
import type { JsonObject } from '../../model/json.ts'
import { flagField, objectsField, textField } from '../../model/json-fields.ts'
import type { Origin } from '../../model/origin.ts'
import type { Predicate } from '../../model/predicate.ts'
import { literal, type TemplatePart } from '../../model/template.ts'
import type { ApiPath } from './api-path.ts'
import { checkChoice, checkKeys, checkObjects, checkText, isAuthority } from './check.ts'
import type { Faults } from './faults.ts'

/** Parameters of an API: what callers must send, and what the backend gets of it (spec/tencent.md 1 and 4.3). */

export type Position = 'header' | 'query' | 'path'

const POSITIONS = ['header', 'query', 'path'] as const

const REQUEST_KEYS: ReadonlySet<string> = new Set([
  'Name',
  'Position',
  'Type',
  'DefaultValue',
  'Required',
  'Desc',
])
const SERVICE_KEYS: ReadonlySet<string> = new Set([
  'Name',
  'Position',
  'RelevantRequestParameterName',
  'RelevantRequestParameterPosition',
  'RelevantRequestParameterDesc',
  'RelevantRequestParameterType',
  'DefaultValue',
])
const CONSTANT_KEYS: ReadonlySet<string> = new Set(['Name', 'Position', 'DefaultValue', 'Desc', 'Type'])

/** Fields that make messages what they are; no parameter may be one. */
const RESERVED: ReadonlySet<string> = new Set(
  'connection content-length transfer-encoding te trailer upgrade keep-alive proxy-connection expect'.split(
    ' ',
  ),
)
/** What may stand in a field: no line breaks and other controls. */
const FIELD_VALUE = { form: /^[^\p{Cc}]*$/u, words: 'without line breaks and other controls' } as const
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

export function checkParameters(
  value: JsonObject,
  front: ApiPath | null,
  path: string,
  faults: Faults,
): void {
  const variables = front?.tier === 'pattern' ? front.groups : new Map<string, number>()
  for (const { place, entry } of checkObjects(value, 'RequestParameters', path, faults)) {
    checkKeys(entry, REQUEST_KEYS, place, 'a request parameter', faults)
    const name = checkName(entry, place, faults)
    const position = checkPosition(entry, 'Position', place, faults)
    checkText(entry, 'DefaultValue', place, position === 'header' ? FIELD_VALUE : {}, faults)
    if (position === 'path' && name !== null && front !== null && !variables.has(name)) {
      faults.add('InvalidParameterValue', `${place}.Name`, `the path has no variable {${name}}`)
    }
  }
  for (const { place, entry } of checkObjects(value, 'ServiceParameters', path, faults)) {
    checkKeys(entry, SERVICE_KEYS, place, 'a service parameter', faults)
    const name = checkName(entry, place, faults)
    const position = checkPosition(entry, 'Position', place, faults)
    const from = checkPosition(entry, 'RelevantRequestParameterPosition', place, faults)
    const source = checkText(entry, 'RelevantRequestParameterName', place, { isRequired: true }, faults)
    checkText(entry, 'DefaultValue', place, position === 'header' ? FIELD_VALUE : {}, faults)
    if (position === 'header' && name?.toLowerCase() === 'host') {
      const message = 'Host can be a constant, and is not taken from a parameter of the caller'
      faults.add('UnsupportedOperation', `${place}.Name`, message)
    }
    if (from === 'path' && source !== null && front !== null) {
      const isKnown = variables.has(source) && front.tier === 'pattern' && front.pieces !== null
      if (!isKnown)
        faults.add(
          'InvalidParameterValue',
          `${place}.RelevantRequestParameterName`,
          `the path has no variable {${source}}`,
        )
    }
  }
  for (const { place, entry } of checkObjects(value, 'ConstantParameters', path, faults)) {
    checkKeys(entry, CONSTANT_KEYS, place, 'a constant parameter', faults)
    const name = checkName(entry, place, faults)
    const position = checkPosition(entry, 'Position', place, faults)
    const text = checkText(entry, 'DefaultValue', place, position === 'header' ? FIELD_VALUE : {}, faults)
    if (position !== 'header' || name === null || name.toLowerCase() !== 'host') continue
    if (text === null || !isAuthority(text))
      faults.add('InvalidParameterValue', `${place}.DefaultValue`, 'a host must be host or host:port')
  }
}

function checkName(entry: JsonObject, place: string, faults: Faults): string | null {
  if (readPosition(entry, 'Position') !== 'header')
    return checkText(entry, 'Name', place, { isRequired: true }, faults)
  const rules = { isRequired: true, form: FIELD_NAME, words: 'a name of a header field' }
  const name = checkText(entry, 'Name', place, rules, faults)
  if (name === null || !RESERVED.has(name.toLowerCase())) return name
  faults.add('InvalidParameterValue', `${place}.Name`, `${name} is written by the gateway alone`)
  return null
}

function checkPosition(entry: JsonObject, name: string, place: string, faults: Faults): Position | null {
  return checkChoice(entry, name, place, { of: POSITIONS, isRequired: true, ignoresCase: true }, faults)
}

function readPosition(entry: JsonObject, name: string): Position | null {
  const text = textField(entry, name)?.toLowerCase()
  return POSITIONS.find((position) => position === text) ?? null
}

/** Declared parameters by their names in lower case. */
export type DeclaredParameters = ReadonlyMap<string, { readonly position: Position; readonly name: string }>

/** What a condition calls `sysparam.…` though the API declares a parameter of that name (spec/tencent.md 3.1). Names in lower case. */
export function declaredParameters(api: JsonObject): DeclaredParameters {
  const declared = new Map<string, { position: Position; name: string }>()
  for (const { entry } of objectsField(api, 'RequestParameters')) {
    const name = textField(entry, 'Name')
    const position = readPosition(entry, 'Position')
    if (name !== null && position !== null) declared.set(name.toLowerCase(), { position, name })
  }
  return declared
}

/** Holds where a required parameter is missing; null: none is required. */
export function missingParameters(api: JsonObject): Predicate | null {
  const of: Predicate[] = []
  for (const { entry } of objectsField(api, 'RequestParameters')) {
    if (!flagField(entry, 'Required') || (textField(entry, 'DefaultValue') ?? '') !== '') continue
    const name = textField(entry, 'Name')
    const position = readPosition(entry, 'Position')
    // a variable of the path is there, or the API is not the one
    if (name === null || position === null || position === 'path') continue
    of.push(absent(sourceAt(position, name)))
  }
  return of.length === 0 ? null : { kind: 'any', of }
}

/** What gives a parameter's value: of an argument the first one of that name, empty where it has no `=`; field names are read in any case. */
export function sourceAt(position: Position, name: string): string {
  if (position === 'header') return `field:${name.toLowerCase()}`
  return position === 'query' ? `query:${name}` : `uri_param_${name}`
}

/** The declared parameters of a position, each with the variable that has its value and its default. */
export function parametersAt(
  api: JsonObject,
  position: Position,
): readonly { readonly name: string; readonly variable: string; readonly fallback: string | null }[] {
  return objectsField(api, 'RequestParameters').flatMap(({ entry }) => {
    const name = textField(entry, 'Name')
    if (name === null || readPosition(entry, 'Position') !== position) return []
    const fallback = textField(entry, 'DefaultValue') ?? ''
    return [{ name, variable: sourceAt(position, name), fallback: fallback === '' ? null : fallback }]
  })
}

/** What parameters make of a request. */
export interface ParameterEffects {
  /** Host by a constant header parameter of that name; null: none. */
  readonly host: string | null
  /** Fields that are set for the backend. */
  readonly headers: readonly HeaderValue[]
  /** Defaults of fields that are absent. */
  readonly defaults: readonly RequestRewrite[]
  /** For `{name}` of the backend path. */
  readonly mapped: ReadonlyMap<string, TemplatePart>
  /** Constants in the query, encoded. */
  readonly query: string
  /** Defaults of arguments that are absent, and parameters that are mapped into the query. */
  readonly arguments: readonly QueryArgument[]
}

export function readParameters(api: JsonObject, origin: Origin): ParameterEffects {
  const headers: HeaderValue[] = []
  const defaults: RequestRewrite[] = []
  const mapped = new Map<string, TemplatePart>()
  const query: string[] = []
  const added: QueryArgument[] = []
  /** Of parameters that callers may leave out. */
  const fallbacks = new Map<string, string>()
  let host: string | null = null
  for (const { entry } of objectsField(api, 'RequestParameters')) {
    const name = textField(entry, 'Name')
    const value = textField(entry, 'DefaultValue')
    const position = readPosition(entry, 'Position')
    if (name === null || position === null || value === null || value === '') continue
    const variable = sourceAt(position, name)
    fallbacks.set(variable, value)
    if (position === 'query') added.push({ name, value: literal(value), when: absent(variable) })
    if (position !== 'header') continue
    defaults.push({
      kind: 'rewriteRequest',
      origin,
      when: absent(variable),
      path: null,
      method: null,
      host: null,
      headers: { add: [], set: [{ name, value: literal(value) }], remove: [] },
    })
  }
  for (const { entry } of objectsField(api, 'ServiceParameters')) {
    const name = textField(entry, 'Name')
    const from = readPosition(entry, 'RelevantRequestParameterPosition')
    const source = textField(entry, 'RelevantRequestParameterName')
    if (name === null || from === null || source === null) continue
    const variable = sourceAt(from, source)
    const declared = fallbacks.get(variable)
    const own = textField(entry, 'DefaultValue') ?? ''
    const part = { variable, fallback: declared ?? own }
    const position = readPosition(entry, 'Position')
    if (position === 'path') mapped.set(name, part)
    else if (position === 'query') {
      // under its own name it goes along with the query, and so does what was declared for its absence
      if (from !== 'query' || source !== name) added.push({ name, value: [part], when: null })
      else if (declared === undefined) added.push({ name, value: literal(own), when: absent(variable) })
    } else if (position === 'header' && (from !== 'header' || source.toLowerCase() !== name.toLowerCase()))
      headers.push({ name, value: [part] })
  }
  for (const { entry } of objectsField(api, 'ConstantParameters')) {
    const name = textField(entry, 'Name')
    const value = textField(entry, 'DefaultValue') ?? ''
    if (name === null) continue
    const position = readPosition(entry, 'Position')
    if (position === 'path') mapped.set(name, value)
    else if (position === 'query') query.push(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    else if (name.toLowerCase() === 'host') host = value
    else headers.push({ name, value: literal(value) })
  }
  return { host, headers, defaults, mapped, query: query.join('&'), arguments: added }
}

function absent(variable: string): Predicate {
  return { kind: 'test', variable, operator: 'equal', value: null }
}
