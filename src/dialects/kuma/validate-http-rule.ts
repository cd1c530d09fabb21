import { CONTROL, TOKEN } from '../../model/field-syntax.ts'
import type { JsonObject } from '../../model/json.ts'
import { numberField, objectField, objectsField, textField } from '../../model/json-fields.ts'
import type { DialectSettings } from '../dialect.ts'
import { checkMatcher, checkReplace, hasControl } from './check-pattern.ts'
import { checkSelector } from './check-tags.ts'
import { checkExactlyOneOf, type Faults } from './faults.ts'
import { fieldPath, keyPath } from './field-path.ts'

/** What a rule of `conf.http` matches, changes and copies (spec/kuma.md 3). Its targets are checked with those of `conf`. */
export function checkRule(rule: JsonObject, path: string, settings: DialectSettings, faults: Faults): void {
  checkMatch(objectField(rule, 'match') ?? {}, fieldPath(path, 'match'), settings, faults)
  const modify = objectField(rule, 'modify')
  if (modify !== null) checkModify(modify, rule, fieldPath(path, 'modify'), settings, faults)
  const mirror = objectField(rule, 'mirror')
  if (mirror !== null) checkMirror(mirror, fieldPath(path, 'mirror'), faults)
}

const MATCHERS = ['method', 'path'] as const
/** By name; query parameters are ours. */
const NAMED_MATCHERS = { headers: 'a header', queryParameters: 'a query parameter' } as const

function checkMatch(match: JsonObject, path: string, settings: DialectSettings, faults: Faults): void {
  const parts = [...MATCHERS, ...Object.keys(NAMED_MATCHERS)]
  if (!parts.some((part) => Object.hasOwn(match, part))) faults.add(path, `needs one of ${parts.join(', ')}`)
  for (const part of MATCHERS) {
    const matcher = objectField(match, part)
    if (matcher !== null) checkMatcher(matcher, fieldPath(path, part), settings, faults)
  }
  for (const [part, word] of Object.entries(NAMED_MATCHERS)) {
    const matchers = objectField(match, part)
    if (matchers === null) continue
    const place = fieldPath(path, part)
    if (Object.keys(matchers).length === 0) faults.add(place, 'must not be empty')
    for (const name of Object.keys(matchers)) {
      if (name === '') faults.add(keyPath(place, name), `the name of ${word} must not be empty`)
      checkMatcher(objectField(matchers, name) ?? {}, keyPath(place, name), settings, faults)
    }
  }
}

function checkModify(
  modify: JsonObject,
  rule: JsonObject,
  path: string,
  settings: DialectSettings,
  faults: Faults,
): void {
  const change = objectField(modify, 'path')
  if (change !== null) checkPathChange(change, rule, fieldPath(path, 'path'), settings, faults)
  const host = objectField(modify, 'host')
  if (host !== null) checkHostChange(host, fieldPath(path, 'host'), settings, faults)
  for (const name of ['requestHeaders', 'responseHeaders']) {
    const changes = objectField(modify, name)
    if (changes !== null) checkHeaderChanges(changes, fieldPath(path, name), faults)
  }
}

/** What is replaced becomes a pattern, and those are limited. Characters. */
const MAX_REPLACED_PREFIX = 1000

function checkPathChange(
  change: JsonObject,
  rule: JsonObject,
  path: string,
  settings: DialectSettings,
  faults: Faults,
): void {
  checkExactlyOneOf(change, ['rewritePrefix', 'regex'], path, faults)
  const prefix = textField(change, 'rewritePrefix')
  const place = fieldPath(path, 'rewritePrefix')
  if (prefix === '') faults.add(place, 'must not be empty')
  else if (prefix !== null && hasControl(prefix))
    faults.add(place, 'must hold neither blanks nor control characters')
  const matched = textField(objectField(objectField(rule, 'match') ?? {}, 'path') ?? {}, 'prefix') ?? ''
  if (prefix !== null && prefix !== '' && matched === '')
    faults.add(place, 'replaces the prefix that was matched: match.path.prefix is needed')
  if (prefix !== null && matched.length > MAX_REPLACED_PREFIX)
    faults.add(place, `cannot replace a prefix of more than ${MAX_REPLACED_PREFIX} characters`)
  const regex = objectField(change, 'regex')
  if (regex !== null) checkReplace(regex, fieldPath(path, 'regex'), settings, faults)
}

function checkHostChange(host: JsonObject, path: string, settings: DialectSettings, faults: Faults): void {
  checkExactlyOneOf(host, ['value', 'fromPath'], path, faults)
  const value = textField(host, 'value')
  if (value === '') faults.add(fieldPath(path, 'value'), 'must not be empty')
  else if (value !== null && !/^[!-~]+$/.test(value))
    faults.add(fieldPath(path, 'value'), `${JSON.stringify(value)} is no host`)
  const fromPath = objectField(host, 'fromPath')
  if (fromPath !== null) checkReplace(fromPath, fieldPath(path, 'fromPath'), settings, faults)
}

function checkHeaderChanges(changes: JsonObject, path: string, faults: Faults): void {
  for (const list of ['add', 'remove']) {
    for (const { at, entry } of objectsField(changes, list)) {
      const place = `${fieldPath(path, list)}[${at}]`
      const fault = faultOfName(textField(entry, 'name') ?? '')
      if (fault !== null) faults.add(`${place}.name`, fault)
      if (list === 'remove') continue
      const value = textField(entry, 'value') ?? ''
      if (value === '') faults.add(`${place}.value`, 'must not be empty')
      else if (CONTROL.test(value)) faults.add(`${place}.value`, 'must not hold control characters')
    }
  }
}

function faultOfName(name: string): string | null {
  if (name === '') return 'must not be empty'
  if (name.startsWith(':')) return `${name}: pseudo headers cannot be changed`
  if (name.toLowerCase() === 'host') return 'the host is changed by modify.host'
  return TOKEN.test(name) ? null : `${JSON.stringify(name)} is no name of a header`
}

/** The copy of a rule's requests: ours. */
function checkMirror(mirror: JsonObject, path: string, faults: Faults): void {
  const percentage = numberField(mirror, 'percentage')
  if (percentage !== null && !(percentage >= 0 && percentage <= 100))
    faults.add(fieldPath(path, 'percentage'), `must be from 0 to 100, it is ${percentage}`)
  checkSelector(mirror, 'destination', fieldPath(path, 'destination'), faults)
}
