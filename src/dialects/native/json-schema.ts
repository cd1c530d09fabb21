/**
 * The part of JSON Schema 2020-12 that the native document's schema is written in. The checker, the editor schema, the reference page and the
 * TypeScript types are all made of it, so it has no more than all four understand.
 */
export interface Schema {
  /** `#/$defs/<name>`; siblings other than `description` and `default` are not looked at. */
  readonly $ref?: string
  readonly title?: string
  readonly description?: string
  readonly type?: SchemaType
  readonly default?: string | number | boolean | readonly string[]
  readonly examples?: readonly unknown[]
  readonly const?: string | number | boolean
  readonly enum?: readonly string[]
  /** One text for each entry of `enum`: editors show it beside the word. */
  readonly enumDescriptions?: readonly string[]
  readonly pattern?: string
  /** What `pattern` means, in words, for errors: `a duration such as 30s or 500ms`. Editors pass it over. */
  readonly patternWords?: string
  /** A syntax that no pattern says: one of formats.ts. Editors pass it over. */
  readonly format?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  /** Absent: any; every object of ours says false or a schema. */
  readonly additionalProperties?: false | Schema
  readonly maxProperties?: number
  readonly propertyNames?: Schema
  /** Forms that differ in `type`: the value's own type tells which one it is. */
  readonly anyOf?: readonly Schema[]
  /** Exactly one of these sets of keys. */
  readonly oneOf?: readonly { readonly required: readonly string[] }[]
  /** Each entry: at least one of these keys. */
  readonly allOf?: readonly { readonly anyOf: readonly { readonly required: readonly string[] }[] }[]
  /** Keys that a key needs beside it. */
  readonly dependentRequired?: Readonly<Record<string, readonly string[]>>
  /** Pairs of keys that exclude each other. */
  readonly not?: { readonly anyOf: readonly { readonly required: readonly [string, string] }[] }
}

export type SchemaType = 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array'

export interface SchemaDocument extends Schema {
  readonly $schema: string
  readonly $id: string
  readonly $defs: Readonly<Record<string, Schema>>
}
