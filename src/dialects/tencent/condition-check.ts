import type { Predicate } from '../../model/predicate.ts'
import type { DialectSettings } from '../dialect.ts'
import {
  type ConditionOptions,
  ConditionRefused,
  parseCondition,
  toPredicate,
} from './condition/parse-condition.ts'

/** What is wrong with a condition, one sentence with line, column, what was found and what was expected; null: nothing. */
export function checkCondition(text: string, settings: DialectSettings): string | null {
  const parsed = parseCondition(text, { isStrict: settings.tencent.strict_conditions })
  return 'fault' in parsed ? parsed.fault.message : null
}

/** A condition as it is held against requests, or why it is not: then it never holds. */
export function translateCondition(
  text: string,
  options: ConditionOptions,
): { readonly predicate: Predicate } | { readonly error: string } {
  const parsed = parseCondition(text, { isStrict: options.isStrict })
  if ('fault' in parsed) return { error: parsed.fault.message }
  try {
    return { predicate: toPredicate(parsed.ast, options) }
  } catch (error) {
    if (error instanceof ConditionRefused) return { error: error.fault.message }
    throw error
  }
}
