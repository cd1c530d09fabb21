import type { JsonObject, JsonValue } from '../../../model/json.ts'
import { listField, numberField, objectsField, textField } from '../../../model/json-fields.ts'
import { suggest } from '../../../model/suggest.ts'
import { CallError } from './call-error.ts'
import { DEFAULT_LIMIT } from './parameters.ts'

/** Lists: filters and pages (spec/tencent.md 2.3, 5.3). */

/** What an entry of a list has under the name of a filter; several texts: one of them must be asked for. */
export type FilterFields<T> = Readonly<Record<string, (entry: T) => readonly (string | null)[]>>

/** Entries for which each filter has one of its values. Throws CallError for a filter that the action does not have. */
export function applyFilters<T>(
  entries: readonly T[],
  params: JsonObject,
  fields: FilterFields<T>,
): readonly T[] {
  const tests = objectsField(params, 'Filters').map(({ entry, at }) => readFilter(entry, at, fields))
  return tests.length === 0 ? entries : entries.filter((entry) => tests.every((test) => test(entry)))
}

function readFilter<T>(filter: JsonObject, at: number, fields: FilterFields<T>): (entry: T) => boolean {
  const name = textField(filter, 'Name')
  if (name === null) throw new CallError('MissingParameter', `Filters[${at}].Name is missing`)
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (field === undefined) {
    const known = Object.keys(fields)
    const near = suggest(name, known)
    throw new CallError(
      'InvalidParameterValue.InvalidFilterNotSupportedName',
      `Filters[${at}].Name: there is no filter ${name}${near === null ? `; there are ${known.join(', ')}` : `; did you mean ${near}?`}`,
    )
  }
  const values = new Set<JsonValue>(listField(filter, 'Values'))
  if (values.size === 0) throw new CallError('MissingParameter', `Filters[${at}].Values is missing`)
  return (entry) => field(entry).some((value) => value !== null && values.has(value))
}

export function takePage<T>(entries: readonly T[], params: JsonObject): readonly T[] {
  const offset = numberField(params, 'Offset') ?? 0
  return entries.slice(offset, offset + (numberField(params, 'Limit') ?? DEFAULT_LIMIT))
}

/** `Key:Value` of each tag, as the filter on tags names them. */
export function tagTexts(value: JsonObject): string[] {
  return tagsOf(value).map((tag) => `${textField(tag, 'Key') ?? ''}:${textField(tag, 'Value') ?? ''}`)
}

export function tagKeys(value: JsonObject): (string | null)[] {
  return tagsOf(value).map((tag) => textField(tag, 'Key'))
}

function tagsOf(value: JsonObject): JsonObject[] {
  return objectsField(value, 'Tags').map(({ entry }) => entry)
}
