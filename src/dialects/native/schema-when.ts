import type { Schema } from './json-schema.ts'
import { exactlyOne, fieldName, list, object, ref, text, words } from './schema-parts.ts'
import { REQUEST_PARTS, RESPONSE_PARTS } from './words.ts'

const whenObject = object(
  'A condition: what is looked at, and what must hold for it. Several operators in one condition must all hold.',
  {
    all: list(ref('when', 'A condition.'), 100, 'Holds if all of these hold.', { minItems: 1 }),
    any: list(ref('when', 'A condition.'), 100, 'Holds if one of these holds.', { minItems: 1 }),
    not: ref('when', 'Holds if this does not.'),
    header: text('Looks at a header field of the request, by its name in any case.', {
      ...fieldName,
      examples: ['x-env'],
    }),
    query: text('Looks at an argument of the query, by its name; of several the first.', {
      minLength: 1,
      maxLength: 256,
    }),
    cookie: text('Looks at a cookie, by its name.', { minLength: 1, maxLength: 256 }),
    param: text('Looks at a named part of the path: `id` of `/cart/:id`.', {
      pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
      patternWords: 'a name as paths have it',
      maxLength: 256,
    }),
    form: text('Looks at a field of an urlencoded form in the body, by its name.', {
      minLength: 1,
      maxLength: 256,
    }),
    body: text(
      'Looks into the body, by its Content-Type JSON, an urlencoded or a multipart form, by a path: `user.name`, `items[0].id`, `items[*].id`.',
      { format: 'bodyPath', minLength: 1, maxLength: 1024, examples: ['user.plan'] },
    ),
    request: words(
      'Looks at the request itself.',
      Object.fromEntries(Object.entries(REQUEST_PARTS).map(([word, { what }]) => [word, what])),
    ),
    responseHeader: text('Looks at a header field of the answer. Only in filters of the answer.', fieldName),
    response: words(
      'Looks at the answer. Only in filters of the answer.',
      Object.fromEntries(Object.entries(RESPONSE_PARTS).map(([word, { what }]) => [word, what])),
    ),
    variable: text('Looks at any variable, by its name: `graphql_name`, `msec` and all others.', {
      format: 'variable',
      minLength: 1,
      maxLength: 512,
    }),
    exists: {
      type: 'boolean',
      description: 'true: it is there, even if empty. false: it is not there.',
    },
    equals: {
      description:
        'It is the same: as text where the value is a text, as number where it is a number (`equals: 23` holds for `23`, `23.0` and `0x17`). true and false are values of JSON bodies, and true that of an argument without `=`.',
      anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }],
    },
    notEquals: {
      description: 'The opposite of `equals`; holds also where there is nothing to look at.',
      anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }],
    },
    in: list(
      {
        description: 'One of the values.',
        anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }],
      },
      10_000,
      'It is one of these, each compared without conversion (a header field is a text: `["1"]`, not `[1]`).',
      { minItems: 1 },
    ),
    has: {
      description:
        'It is a list (several values of a body path, root fields of GraphQL) that holds this value.',
      anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }],
    },
    matches: text('A regular expression (RE2) is found in it, anywhere: use `^` and `$` for its ends.', {
      format: 'pattern',
    }),
    matchesIgnoringCase: text('The same, whatever the case of letters.', { format: 'pattern' }),
    greater: { type: 'number', description: 'As a number it is greater.' },
    greaterOrEqual: { type: 'number', description: 'As a number it is greater or equal.' },
    less: { type: 'number', description: 'As a number it is less.' },
    lessOrEqual: { type: 'number', description: 'As a number it is less or equal.' },
    inNetwork: list(
      text('An address or CIDR block.', { format: 'network' }),
      10_000,
      'It is an address in one of these.',
      { minItems: 1, examples: [['10.0.0.0/8', '2001:db8::/32']] },
    ),
  },
  {
    ...exactlyOne(
      'all',
      'any',
      'not',
      'header',
      'query',
      'cookie',
      'param',
      'form',
      'body',
      'request',
      'responseHeader',
      'response',
      'variable',
    ),
    examples: [
      { header: 'x-env', equals: 'test' },
      { query: 'version', in: ['v2', 'v3'] },
      { header: 'x-age', greaterOrEqual: 18, less: 65 },
      { not: { request: 'client', inNetwork: ['10.0.0.0/8'] } },
    ],
  },
)

/** Conditions. */
export const WHEN_DEFS: Readonly<Record<string, Schema>> = {
  when: {
    description: 'A condition, or a list of conditions that must all hold.',
    anyOf: [
      whenObject,
      list(ref('when', 'A condition.'), 100, 'Conditions that must all hold.', { minItems: 1 }),
    ],
  },
}
