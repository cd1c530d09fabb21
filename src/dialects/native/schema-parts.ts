// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of the document are shown as they are written
import type { Schema } from './json-schema.ts'

/** Pieces that the parts of the schema are put together from. */

export const ref = (name: string, description: string, rest: Partial<Schema> = {}): Schema => ({
  $ref: `#/$defs/${name}`,
  description,
  ...rest,
})
export const text = (description: string, rest: Partial<Schema> = {}): Schema => ({
  type: 'string',
  description,
  ...rest,
})
export const flag = (fallback: boolean, description: string): Schema => ({
  type: 'boolean',
  description,
  default: fallback,
})
export const integer = (
  least: number,
  most: number,
  description: string,
  rest: Partial<Schema> = {},
): Schema => ({
  type: 'integer',
  minimum: least,
  maximum: most,
  description,
  ...rest,
})
export const number = (
  least: number,
  most: number,
  description: string,
  rest: Partial<Schema> = {},
): Schema => ({
  type: 'number',
  minimum: least,
  maximum: most,
  description,
  ...rest,
})
export const list = (
  items: Schema,
  most: number,
  description: string,
  rest: Partial<Schema> = {},
): Schema => ({
  type: 'array',
  items,
  maxItems: most,
  description,
  ...rest,
})
export const object = (
  description: string,
  properties: Readonly<Record<string, Schema>>,
  rest: Partial<Schema> = {},
): Schema => ({ type: 'object', description, properties, additionalProperties: false, ...rest })
export const words = (description: string, entries: Readonly<Record<string, string>>): Schema => ({
  type: 'string',
  description,
  enum: Object.keys(entries),
  enumDescriptions: Object.values(entries),
})
export const exactlyOne = (...keys: string[]): Pick<Schema, 'oneOf'> => ({
  oneOf: keys.map((key) => ({ required: [key] })),
})
export const atLeastOne = (...keys: string[]): Pick<Schema, 'allOf'> => ({
  allOf: [{ anyOf: keys.map((key) => ({ required: [key] })) }],
})
export const notTogether = (...pairs: (readonly [string, string])[]): Pick<Schema, 'not'> => ({
  not: { anyOf: pairs.map((pair) => ({ required: pair })) },
})
/** Each excludes each other. */
export const atMostOne = (...keys: string[]): Pick<Schema, 'not'> =>
  notTogether(...keys.flatMap((one, i) => keys.slice(i + 1).map((two) => [one, two] as const)))

export const ID = '^[A-Za-z0-9][A-Za-z0-9._-]*$'
export const TOKEN = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
export const fieldName: Schema = {
  type: 'string',
  pattern: TOKEN,
  patternWords: 'a field name',
  maxLength: 256,
}
export const DURATION = '^(?:[0-9]+(?:\\.[0-9]+)?(?:ms|s|m|h))+$'

export const MAX_WEIGHT = 1_000_000

export const id = text(
  'Names the document: letters, digits, `.`, `_` and `-`. Metrics, logs and references call it so.',
  {
    pattern: ID,
    patternWords: 'letters, digits, dots, underscores and dashes, a letter or digit first',
    maxLength: 128,
    examples: ['shop', 'blue'],
  },
)
export const name = text('What people call it, in metrics, logs and lists. Default: the id.', {
  minLength: 1,
  maxLength: 256,
})
export const description = text('A note for people; nothing is done with it.', { maxLength: 4096 })
export const labels: Schema = {
  type: 'object',
  description: 'Marks for selecting documents (`headgate get routes -l team=shop`).',
  propertyNames: {
    type: 'string',
    pattern: '^[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?$',
    patternWords: 'letters and digits, with dots, dashes, underscores and slashes between them',
    maxLength: 128,
  },
  additionalProperties: { type: 'string', maxLength: 256 },
  maxProperties: 64,
  examples: [{ team: 'shop' }],
}

export const TEMPLATE_WORDS = 'A template: `${path}`, `${query.page ?? 1}`; `$$` is a dollar sign.'
