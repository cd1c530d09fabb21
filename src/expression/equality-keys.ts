import { toByteString } from '../model/byte-string.ts'
import type { Comparison, Predicate } from '../model/predicate.ts'
import { canonicalVariable, compileVariable } from './variables.ts'

/** The predicate holds only for requests whose variable is one of these texts (byte strings). An empty list: it never holds. */
export interface EqualityKey {
  /** In its canonical spelling (`canonicalVariable`), so that equal variables compare equal as text. */
  readonly variable: string
  readonly values: readonly string[]
}

/** The first of `equalityKeys`, or null. */
export function equalityKey(predicate: Predicate): EqualityKey | null {
  return equalityKeys(predicate)[0] ?? null
}

/**
 * What must be equal for the predicate to hold, in the order of the document, at most one key a variable and only for variables that can be
 * read without the body. An index may look routes up by any of these; the predicate itself must still be tested.
 */
export function equalityKeys(predicate: Predicate): readonly EqualityKey[] {
  const keys = new Map<string, readonly string[]>()
  collect(predicate, keys)
  return [...keys].map(([variable, values]) => ({ variable, values }))
}

function collect(predicate: Predicate, into: Map<string, readonly string[]>): void {
  switch (predicate.kind) {
    case 'all':
      for (const part of predicate.of) collect(part, into)
      return
    case 'any':
      for (const [variable, values] of commonKeys(predicate.of)) narrow(into, variable, values)
      return
    case 'not':
      return
    case 'test': {
      const values = textsOf(predicate)
      if (values === null || compileVariable(predicate.variable).needsBody) return
      narrow(into, canonicalVariable(predicate.variable), values)
    }
  }
}

/** Two keys of one variable: both must hold, so the shorter one proposes less. */
function narrow(into: Map<string, readonly string[]>, variable: string, values: readonly string[]): void {
  const known = into.get(variable)
  if (known === undefined || values.length < known.length) into.set(variable, values)
}

/** Variables that every alternative pins down, with all their texts together. */
function commonKeys(alternatives: readonly Predicate[]): Map<string, readonly string[]> {
  let common: Map<string, readonly string[]> | null = null
  for (const alternative of alternatives) {
    const keys = new Map<string, readonly string[]>()
    collect(alternative, keys)
    if (common === null) {
      common = keys
      continue
    }
    const both = new Map<string, readonly string[]>()
    for (const [variable, values] of common) {
      const others = keys.get(variable)
      if (others !== undefined) both.set(variable, [...new Set([...values, ...others])])
    }
    common = both
  }
  return common ?? new Map()
}

function textsOf(comparison: Comparison): readonly string[] | null {
  const { operator, value, rules } = comparison
  // under other rules also other texts can be equal
  if (rules !== undefined && rules !== 'typed') return null
  if (operator === 'equal') return typeof value === 'string' ? [toByteString(value)] : null
  if (operator !== 'in' || !Array.isArray(value)) return null
  const texts = new Set<string>()
  for (const item of value) {
    if (typeof item !== 'string') return null
    texts.add(toByteString(item))
  }
  return [...texts]
}
