import type { JsonValue } from '../../model/json.ts'
import { luaType } from './lua-schema.ts'

/** Ids of stored objects (spec/apisix.md 1.4). They are compared as text: 1 and "1" are the same object. */

/**
 * The id as text. A value that is no id gives its type's word, which holds no valid path id, so that it never agrees with one by accident.
 */
export function idText(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  return `<${luaType(value)}>`
}

/** Where the id of a document stands in it. */
export function idFieldOf(kind: string): 'id' | 'username' {
  return kind === 'consumers' ? 'username' : 'id'
}

/** Whether a reference in a document names the object with that id. */
export function refersTo(reference: JsonValue | undefined, id: string): boolean {
  return (typeof reference === 'string' || typeof reference === 'number') && String(reference) === id
}

/** The id of an object that POST makes: the store revision it is written with, 20 digits, so that text order is age. */
export function makeId(revision: number): string {
  return String(revision).padStart(20, '0')
}
