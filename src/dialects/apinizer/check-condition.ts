import { checkDateFormat, compileDateFormat } from '../../expression/date-format.ts'
import { checkNetwork } from '../../expression/network.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { isEmpty, listField, objectField, textField } from '../../model/json-fields.ts'
import { suggest } from '../../model/suggest.ts'
import { checkValue, isClientAddress, type Subject } from './condition-values.ts'
import {
  comparesDates,
  comparesNumbers,
  GROUPS,
  NUMBER,
  OPERATORS,
  type Operator,
  PRESENCE,
  SEPARATOR,
  TYPES,
} from './condition-words.ts'
import { type Faults, joinPath } from './shape.ts'

const NUMBER_WORDS = new RegExp(`^${NUMBER}$`)

/** Groups inside each other. */
const MAX_DEPTH = 16

/** Every fault of a condition as it is written (spec/apinizer.md 3.3). */
export function checkCondition(
  value: JsonValue,
  path: string,
  faults: Faults,
  subject: Subject = 'request',
  depth = 0,
): void {
  if (!isJsonObject(value)) return faults.add(path, 'a condition must be an object')
  if (depth > MAX_DEPTH) return faults.add(path, `conditions nest at most ${MAX_DEPTH} deep`)
  if (Object.hasOwn(value, 'conditions')) return checkGroup(value, path, faults, { subject, depth })
  checkKeys(value, ['firstValue', 'type', 'operator', 'secondValue', 'format'], path, faults)
  const first = objectField(value, 'firstValue')
  if (first === null) faults.add(joinPath(path, 'firstValue'), 'firstValue is required: {source, name}')
  else checkValue(first, joinPath(path, 'firstValue'), faults, subject)
  const type = textField(value, 'type') ?? 'STRING'
  if (!(TYPES as readonly string[]).includes(type))
    return faults.add(joinPath(path, 'type'), `type must be ${TYPES.join(', ')}`)
  if (type !== 'DATE' && !isEmpty(value.format))
    faults.add(joinPath(path, 'format'), 'format is for the type DATE')
  checkOperator(value, { type, subject }, path, faults)
}

function checkKeys(value: JsonObject, known: readonly string[], path: string, faults: Faults): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    const near = suggest(key, known)
    faults.add(
      joinPath(path, key),
      `a condition has no field ${key}`,
      near === null ? `known: ${known.join(', ')}` : `did you mean ${near}?`,
    )
  }
}

function checkGroup(
  value: JsonObject,
  path: string,
  faults: Faults,
  { subject, depth }: { readonly subject: Subject; readonly depth: number },
): void {
  checkKeys(value, ['operator', 'conditions'], path, faults)
  const operator = textField(value, 'operator') ?? 'AND'
  if (!(GROUPS as readonly string[]).includes(operator))
    faults.add(joinPath(path, 'operator'), `the operator of a group must be ${GROUPS.join(', ')}`)
  const of = listField(value, 'conditions')
  if (of.length === 0)
    faults.add(joinPath(path, 'conditions'), 'conditions must be a list with one condition at least')
  for (const [i, entry] of of.entries())
    checkCondition(entry, `${joinPath(path, 'conditions')}[${i}]`, faults, subject, depth + 1)
}

function checkOperator(
  value: JsonObject,
  { type, subject }: { readonly type: string; readonly subject: Subject },
  path: string,
  faults: Faults,
): void {
  const name = textField(value, 'operator') ?? ''
  const place = joinPath(path, 'operator')
  if ((PRESENCE as readonly string[]).includes(name)) {
    if (!isEmpty(value.secondValue))
      faults.add(joinPath(path, 'secondValue'), `secondValue says nothing with ${name}`)
    return
  }
  const operator = OPERATORS.get(name)
  if (operator === undefined) {
    const near = suggest(name, [...OPERATORS.keys(), ...PRESENCE])
    return faults.add(place, `there is no operator ${name}`, near === null ? null : `did you mean ${near}?`)
  }
  if (type === 'DATE' && !comparesDates(operator))
    faults.add(place, 'dates are compared by EQ, NE, LT, LE, GT, GE')
  if (type === 'NUMERIC' && !comparesNumbers(operator))
    return faults.add(place, `${name} does not compare numbers`)
  if (type === 'DATE' && !checkFormat(value, path, faults)) return
  const second = value.secondValue
  const where = joinPath(path, 'secondValue')
  const isNetworks = operator.of === 'IN' && isClientAddress(objectField(value, 'firstValue') ?? {})
  if (isJsonObject(second)) {
    if (isNetworks) faults.add(where, 'addresses and networks of a list are written out')
    return checkValue(second, where, faults, subject)
  }
  if (typeof second !== 'string' && typeof second !== 'number')
    return faults.add(where, 'secondValue is required: a text, a number, or {source, name}')
  if (type === 'DATE') checkDate(String(second), textField(value, 'format') ?? '', where, faults)
  if (type === 'NUMERIC') checkNumbers(String(second), operator, where, faults)
  if (isNetworks)
    for (const part of String(second).split(SEPARATOR))
      if (checkNetwork(part) !== null) faults.add(where, `${part} is no address and no network`)
}

function checkNumbers(text: string, { of }: Operator, where: string, faults: Faults): void {
  for (const part of of === 'IN' ? text.split(SEPARATOR) : [text])
    if (!NUMBER_WORDS.test(part)) faults.add(where, `${part} is no number`)
}

/** Whether there is a format that dates can be read by. */
function checkFormat(value: JsonObject, path: string, faults: Faults): boolean {
  const place = joinPath(path, 'format')
  const format = textField(value, 'format')
  const fault = format === null ? 'format is required with DATE, as yyyy-MM-dd' : checkDateFormat(format)
  if (fault !== null) faults.add(place, fault)
  return fault === null
}

function checkDate(text: string, format: string, where: string, faults: Faults): void {
  if (Number.isNaN(compileDateFormat(format)(text)))
    faults.add(where, `secondValue must be a date of the form ${format}`)
}
