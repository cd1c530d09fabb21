import type { JsonValue } from '../../model/json.ts'

/** What the fields of a resource hold, as the protobuf messages of the system say it; decode.ts reads values by it. */

export interface Message {
  readonly fields: Readonly<Record<string, Field>>
}

export type Field = FieldType & {
  /** Names of the same field, the first that has a value counts; its own comes before them. */
  readonly aliases?: readonly string[]
  /** Names that only the vendor's documentation has. Read like aliases, with a warning. */
  readonly misprints?: readonly string[]
  /** Values that mean the same as none. */
  readonly same?: readonly JsonValue[]
}

export type FieldType =
  | { readonly kind: 'text' }
  | { readonly kind: 'flag' }
  /** From 0 to what the bits hold; texts of digits are read too. */
  | { readonly kind: 'integer'; readonly bits: 32 | 64 }
  /** With a fraction; texts are read too. */
  | { readonly kind: 'number' }
  /** One of several words, or its place among them. */
  | { readonly kind: 'choice'; readonly words: readonly string[] }
  | { readonly kind: 'duration' }
  /** Texts by name. */
  | { readonly kind: 'tags' }
  /** Messages by name. */
  | { readonly kind: 'map'; readonly of: Message }
  | { readonly kind: 'message'; readonly of: Message }
  | { readonly kind: 'list'; readonly of: Field }
  /** The server's own: ignored on input. */
  | { readonly kind: 'owned' }
  /** The system knows it and nothing is done about it here; `why` stands in a warning. */
  | { readonly kind: 'unserved'; readonly why: string; readonly unless?: readonly JsonValue[] }
  /** The same, where what its author relies on would not hold: the resource is refused. `unless`: values that ask for nothing. */
  | { readonly kind: 'refused'; readonly why: string; readonly unless: readonly JsonValue[] }

export const text: Field = { kind: 'text' }
export const flag: Field = { kind: 'flag', same: [false] }
export const uint32: Field = { kind: 'integer', bits: 32 }
export const duration: Field = { kind: 'duration' }
export const tags: Field = { kind: 'tags' }

export function message(fields: Readonly<Record<string, Field>>): Field & { readonly kind: 'message' } {
  return { kind: 'message', of: { fields } }
}

export function list(of: Field): Field {
  return { kind: 'list', of }
}

export function unserved(why: string, ...unless: readonly JsonValue[]): Field {
  return { kind: 'unserved', why, unless }
}

export function refused(why: string, ...unless: readonly JsonValue[]): Field {
  return { kind: 'refused', why, unless }
}
