import { checkPattern } from '../../expression/pattern.ts'
import { rewritePattern } from '../../expression/pattern-syntax.ts'
import type { JsonObject } from '../../model/json.ts'
import { textField } from '../../model/json-fields.ts'
import type { DialectSettings } from '../dialect.ts'
import { checkExactlyOneOf, type Faults } from './faults.ts'
import { fieldPath } from './field-path.ts'

/** Matchers and replacements. Kuma leaves patterns unchecked, so that a bad one breaks the proxy later; here it is refused (spec/kuma.md 3). */

/** `{prefix}`, `{exact}` or `{regex}`. An exact empty text is one that can be met. */
export function checkMatcher(
  matcher: JsonObject,
  path: string,
  settings: DialectSettings,
  faults: Faults,
): void {
  checkExactlyOneOf(matcher, ['prefix', 'exact', 'regex'], path, faults)
  if (textField(matcher, 'prefix') === '') faults.add(fieldPath(path, 'prefix'), 'must not be empty')
  const source = textField(matcher, 'regex') ?? ''
  if (!checkSource(matcher, 'regex', path, settings, faults)) return
  // it meets whole texts, which makes it longer
  const reason = checkPattern(`\\A(?:${source})\\z`, Number.POSITIVE_INFINITY)
  if (reason !== null) faults.add(fieldPath(path, 'regex'), reason)
}

/** `{pattern, substitution}`: both are needed. */
export function checkReplace(
  replace: JsonObject,
  path: string,
  settings: DialectSettings,
  faults: Faults,
): void {
  if (textField(replace, 'pattern') === null) faults.add(fieldPath(path, 'pattern'), 'must not be empty')
  const isRead = checkSource(replace, 'pattern', path, settings, faults)
  const substitution = textField(replace, 'substitution') ?? ''
  const place = fieldPath(path, 'substitution')
  if (substitution === '') return faults.add(place, 'must not be empty', 'write \\0 for what the pattern met')
  if (hasControl(substitution)) faults.add(place, 'must hold neither blanks nor control characters')
  const groups = isRead ? (rewritePattern(textField(replace, 'pattern') ?? '', false)?.groups ?? 9) : 9
  for (const [written, sign = ''] of substitution.matchAll(/\\(.?)/gsu)) {
    if (sign === '\\') continue
    if (!/^\d$/.test(sign)) {
      faults.add(place, `${written} means nothing: behind \\ stands the number of a group, or another \\`)
    } else if (Number(sign) > groups) {
      faults.add(
        place,
        `there is no group ${sign}: the pattern has ${groups}`,
        'put round brackets around it',
      )
    }
  }
}

/** Whether there is a pattern that can be compiled. */
function checkSource(
  holder: JsonObject,
  name: string,
  path: string,
  settings: DialectSettings,
  faults: Faults,
): boolean {
  const source = textField(holder, name)
  if (source === null) return false
  const reason = source === '' ? 'must not be empty' : checkPattern(source, settings.limits.maxPatternLength)
  if (reason === null) return true
  faults.add(fieldPath(path, name), reason)
  return false
}

/** Blanks and control characters, which would break the head of a message. */
export function hasControl(text: string): boolean {
  return /[\0- \x7f]/.test(text)
}
