import type { JsonObject, JsonValue } from '../../../model/json.ts'
import { suggest } from '../../../model/suggest.ts'
import { CallError } from './call-error.ts'
import type { ActionRequest } from './request.ts'
import { findMisfit, integer, list, object, readTexts, type Shape, text } from './shape.ts'

/** What an action takes. */
export interface Parameter {
  readonly shape: Shape
  readonly isRequired?: boolean
  /** A field of the document that is written: the dialect checks it, with all the others at once. */
  readonly isDocument?: boolean
}

export type Parameters = Readonly<Record<string, Parameter>>

export function required(shape: Shape): Parameter {
  return { shape, isRequired: true }
}

export function optional(shape: Shape): Parameter {
  return { shape }
}

/** Fields of a document as parameters, some of which a call must have. */
export function documentFields(
  fields: Readonly<Record<string, Shape>>,
  requiredNames: readonly string[] = [],
): Parameters {
  const entries = Object.entries(fields).map(([name, shape]): [string, Parameter] => [
    name,
    { shape, isRequired: requiredNames.includes(name), isDocument: true },
  ])
  return Object.fromEntries(entries)
}

export const MAX_LIMIT = 100
export const DEFAULT_LIMIT = 20

export const PAGE: Parameters = {
  Limit: optional(integer(`Entries of the answer, ${DEFAULT_LIMIT} without it.`, 1, MAX_LIMIT)),
  Offset: optional(integer('Entries to leave out before the first one, 0 without it.', 0)),
}

export const REQUIRED_PAGE: Parameters = {
  Limit: required(integer('Entries of the answer.', 1, MAX_LIMIT)),
  Offset: required(integer('Entries to leave out before the first one.', 0)),
}

export function filters(names: readonly string[]): Parameters {
  const shape = list(
    object({ Name: text(`One of ${names.join(', ')}.`), Values: list(text(), 'One of them must fit.') }),
    'All of them must fit.',
  )
  return { Filters: optional(shape) }
}

/** The parameters of a call, of the types that the action has for them. Throws CallError. */
export function readParameters(action: string, known: Parameters, request: ActionRequest): JsonObject {
  const params: Record<string, JsonValue> = {}
  for (const [name, value] of Object.entries(request.params)) {
    const parameter = Object.hasOwn(known, name) ? known[name] : undefined
    if (parameter === undefined) throw unknown(action, name, Object.keys(known))
    params[name] = request.isFlat ? readTexts(value, parameter.shape) : value
  }
  const missing = Object.keys(known).filter(
    (name) => known[name]?.isRequired === true && params[name] === undefined,
  )
  if (missing.length > 0) {
    const verb = missing.length === 1 ? 'is' : 'are'
    throw new CallError(
      'MissingParameter',
      `${missing.join(', ')} ${verb} missing: ${action} needs ${missing.length === 1 ? 'it' : 'them'}`,
    )
  }
  for (const [name, value] of Object.entries(params)) {
    const parameter = known[name] as Parameter
    if (parameter.isDocument !== true) checkParameter(name, value, parameter.shape)
  }
  return params
}

function checkParameter(name: string, value: JsonValue, shape: Shape): void {
  const misfit = findMisfit(value, shape, name)
  if (misfit !== null) throw new CallError('InvalidParameter', misfit)
  if (shape.kind !== 'integer') return
  const { least = -Infinity, most = Infinity } = shape
  if ((value as number) >= least && (value as number) <= most) return
  const range = most === Infinity ? `${least} or more` : `${least} to ${most}`
  throw new CallError('InvalidParameterValue.RangeExceeded', `${name} must be ${range}, not ${String(value)}`)
}

function unknown(action: string, name: string, known: readonly string[]): CallError {
  const near = suggest(name, known)
  const meant = near === null ? '' : `; did you mean ${near}?`
  return new CallError('UnknownParameter', `${action} knows no parameter ${name}${meant}`)
}
