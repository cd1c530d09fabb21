import { isIPv6 } from 'node:net'
import { isAddress } from '../../model/endpoint.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { suggest } from '../../model/suggest.ts'
import { type Faults, joinPath, type TencentCode } from './faults.ts'
import { type IdPrefix, isId } from './kinds.ts'

/** Checks that several kinds share. Each tells its faults and gives what it could read, null for what is absent or wrong. */

/** Keys that nobody knows: refused, because one that is left unread changes what its author meant. */
export function checkKeys(
  value: JsonObject,
  known: ReadonlySet<string>,
  path: string,
  word: string,
  faults: Faults,
): void {
  for (const key of Object.keys(value)) {
    if (known.has(key)) continue
    const near = suggest(key, known)
    const hint = near === null ? null : `did you mean ${near}?`
    faults.add('InvalidParameter', joinPath(path, key), `${word} has no field ${key}`, hint)
  }
}

/** Keys that the vendor knows and this version does not serve. `allowed`: the value that asks for nothing. */
export function refuseKeys(
  value: JsonObject,
  refused: Readonly<Record<string, { readonly why: string; readonly allowed?: readonly JsonValue[] }>>,
  path: string,
  faults: Faults,
): void {
  for (const [key, { why, allowed = [] }] of Object.entries(refused)) {
    const field = value[key]
    if (field === undefined || field === null || allowed.includes(field)) continue
    if (Array.isArray(field) && field.length === 0) continue
    faults.add('UnsupportedOperation', joinPath(path, key), why)
  }
}

export interface TextRules {
  readonly isRequired?: boolean
  /** Characters. */
  readonly most?: number
  readonly form?: RegExp
  /** What the form means, for people. */
  readonly words?: string
  readonly code?: TencentCode
}

export function checkText(
  value: JsonObject,
  name: string,
  path: string,
  rules: TextRules,
  faults: Faults,
): string | null {
  const field = value[name]
  const place = joinPath(path, name)
  if (field === undefined || field === null || (field === '' && rules.isRequired === true)) {
    if (rules.isRequired === true) faults.add('MissingParameter', place, `${name} is required`)
    return null
  }
  if (typeof field !== 'string') {
    faults.add('InvalidParameterValue', place, `${name} must be a text`)
    return null
  }
  const length = [...field].length
  if (rules.most !== undefined && length > rules.most) {
    faults.add(
      'InvalidParameterValue.LengthExceeded',
      place,
      `${name} has ${length} characters, at most ${rules.most} are allowed`,
    )
    return null
  }
  if (rules.form !== undefined && !rules.form.test(field)) {
    faults.add(
      rules.code ?? 'InvalidParameterValue',
      place,
      `${name} must be ${rules.words ?? 'of another form'}`,
    )
    return null
  }
  return field
}

export function checkInteger(
  value: JsonObject,
  name: string,
  path: string,
  rules: {
    readonly least: number
    readonly most: number
    readonly isRequired?: boolean
    readonly code?: TencentCode
    readonly unit?: string
  },
  faults: Faults,
): number | null {
  const field = value[name]
  const place = joinPath(path, name)
  if (field === undefined || field === null) {
    if (rules.isRequired === true) faults.add('MissingParameter', place, `${name} is required`)
    return null
  }
  const { least, most, unit = '' } = rules
  const words = `${name} must be an integer from ${least} to ${most}${unit}`
  if (typeof field !== 'number' || !Number.isInteger(field)) {
    faults.add('InvalidParameterValue', place, words)
    return null
  }
  if (field < least || field > most) {
    faults.add(rules.code ?? 'InvalidParameterValue.RangeExceeded', place, `${words}, it is ${field}`)
    return null
  }
  return field
}

/** One of several words, in any case where `ignoresCase`; gives the word as it is listed. */
export function checkChoice<T extends string>(
  value: JsonObject,
  name: string,
  path: string,
  rules: {
    readonly of: readonly T[]
    readonly isRequired?: boolean
    readonly ignoresCase?: boolean
    readonly code?: TencentCode
  },
  faults: Faults,
): T | null {
  const field = value[name]
  const place = joinPath(path, name)
  if (field === undefined || field === null || field === '') {
    if (rules.isRequired === true) faults.add('MissingParameter', place, `${name} is required`)
    return null
  }
  const found = rules.of.find((word) =>
    rules.ignoresCase === true && typeof field === 'string'
      ? word.toLowerCase() === field.toLowerCase()
      : word === field,
  )
  if (found !== undefined) return found
  const hint = typeof field === 'string' ? suggest(field, rules.of) : null
  faults.add(
    rules.code ?? 'InvalidParameterValue.NotInOptions',
    place,
    `${name} must be ${rules.of.join(', ')}`,
    hint === null ? null : `did you mean ${hint}?`,
  )
  return null
}

export function checkFlag(
  value: JsonObject,
  name: string,
  path: string,
  isRequired: boolean,
  faults: Faults,
): boolean | null {
  const field = value[name]
  if (typeof field === 'boolean') return field
  const place = joinPath(path, name)
  if (field === undefined || field === null) {
    if (isRequired) faults.add('MissingParameter', place, `${name} is required`)
  } else faults.add('InvalidParameterValue', place, `${name} must be true or false`)
  return null
}

/** The objects of a list with their paths; entries that are none are faults. */
export function checkObjects(
  value: JsonObject,
  name: string,
  path: string,
  faults: Faults,
): readonly { readonly place: string; readonly entry: JsonObject }[] {
  const field = value[name]
  const place = joinPath(path, name)
  if (field === undefined || field === null) return []
  if (!Array.isArray(field)) {
    faults.add('InvalidParameterValue', place, `${name} must be a list`)
    return []
  }
  return (field as readonly JsonValue[]).flatMap((entry, i) => {
    if (isJsonObject(entry)) return [{ place: `${place}[${i}]`, entry }]
    faults.add('InvalidParameterValue', `${place}[${i}]`, `an entry of ${name} must be an object`)
    return []
  })
}

const TAG_KEYS: ReadonlySet<string> = new Set(['Key', 'Value'])

/** `Tags: [{Key, Value}]`. They are kept and shown, and nothing else. */
export function checkTags(value: JsonObject, name: string, path: string, faults: Faults): void {
  for (const { place, entry } of checkObjects(value, name, path, faults)) {
    checkKeys(entry, TAG_KEYS, place, 'a tag', faults)
    checkText(entry, 'Key', place, { isRequired: true }, faults)
    checkText(entry, 'Value', place, {}, faults)
  }
}

/** An address or a name of the domain name system. */
export function isHost(text: string): boolean {
  if (/^[0-9.]+$/.test(text)) return isAddress(text)
  if (text.includes(':')) return isIPv6(text)
  return text.length <= 253 && /^(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*$/.test(text)
}

/** Fields that name another document, or the document itself. */
export function checkIdField(
  value: JsonObject,
  field: string,
  prefix: IdPrefix,
  faults: Faults,
  path = '',
): void {
  const id = checkText(value, field, path, { isRequired: true }, faults)
  if (id !== null && !isId(prefix, id)) {
    const message = `${id} is no ${field}: those are ${prefix}- and eight letters or digits`
    faults.add('InvalidParameterValue', joinPath(path, field), message)
  }
}

/** `host` or `host:port`, as it stands in Host. */
export function isAuthority(text: string): boolean {
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text)
  const host = parts?.[1] ?? parts?.[2]
  const port = parts?.[3] === undefined ? 1 : Number(parts[3])
  return host !== undefined && isHost(host) && port >= 1 && port <= 65_535
}
