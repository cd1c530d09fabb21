import { isKnownVariable } from '../../../expression/variables.ts'
import type { JsonValue } from '../../../model/json.ts'
import type { Predicate } from '../../../model/predicate.ts'
import type { Template } from '../../../model/template.ts'
import type { TranslationWarning } from '../holder.ts'
import { parseVars } from '../vars.ts'

/** What a check says: the first error in the reference's words, or null; warnings have paths from the plugin's configuration on. */
export interface PluginCheck {
  readonly error: string | null
  readonly warnings: readonly TranslationWarning[]
}

export const PASSED: PluginCheck = { error: null, warnings: [] }

export function refuse(error: string): PluginCheck {
  return { error, warnings: [] }
}

/** Both must hold; null always holds. */
export function both(first: Predicate | null, second: Predicate | null): Predicate | null {
  if (first === null) return second
  return second === null ? first : { kind: 'all', of: [first, second] }
}

/** An empty conjunction, which the model would test on every request, becomes "no condition". */
export function simplify(predicate: Predicate): Predicate | null {
  return predicate.kind === 'all' && predicate.of.length === 0 ? null : predicate
}

/** Warnings for properties that no schema of this place knows; `hint` may name a better place for one. */
export function warnOfExtras(
  keys: Iterable<string>,
  known: ReadonlySet<string>,
  path: string,
  hint: (key: string) => string | null,
): TranslationWarning[] {
  const warnings: TranslationWarning[] = []
  for (const key of keys) {
    if (known.has(key)) continue
    const place = path === '' ? key : `${path}.${key}`
    warnings.push({
      path: place,
      message: hint(key) ?? 'this property is not known here and has no effect',
    })
  }
  return warnings
}

/** Checks an expression; `path` is its place in the plugin's configuration. */
export function checkVars(vars: JsonValue, path: string): PluginCheck {
  const parsed = parseVars(vars, path)
  if ('error' in parsed) return refuse(`failed to validate the 'vars' expression: ${parsed.error}`)
  return { error: null, warnings: parsed.warnings }
}

/** A misspelt variable is empty text for ever, which nobody notices. */
export function warnOfTemplate(template: Template, path: string): TranslationWarning[] {
  const warnings: TranslationWarning[] = []
  for (const part of template) {
    if (typeof part === 'string' || 'group' in part || isKnownVariable(part.variable)) continue
    warnings.push({ path, message: `unknown variable ${part.variable}: it is always empty` })
  }
  return warnings
}
