import type { JsonValue } from './json.ts'

/** Names that no object may hold: through them a document could reach Object.prototype. */
export function isForbiddenKey(key: string): boolean {
  return key === '__proto__' || key === 'constructor' || key === 'prototype'
}

/**
 * Why a parsed value may not be held, or null if it may: a number that JSON cannot write again, a key that reaches an object's prototype in
 * JavaScript, objects and lists more than `maxDepth` inside each other (the walk ends there, so it is safe for any input).
 */
export function checkValue(value: JsonValue, maxDepth: number): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? null : 'a number is out of range'
  if (typeof value !== 'object' || value === null) return null
  if (maxDepth <= 0) return 'the value is nested too deeply (maxJsonDepth)'
  for (const key of Object.keys(value)) {
    if (isForbiddenKey(key) && !Array.isArray(value)) return `the key ${key} is not allowed`
    const inner = (value as Readonly<Record<string, JsonValue>>)[key]
    const reason = inner === undefined ? null : checkValue(inner, maxDepth - 1)
    if (reason !== null) return reason
  }
  return null
}
