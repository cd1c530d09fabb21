// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of the document are shown as they are written
import type { Schema } from './json-schema.ts'
import {
  atLeastOne,
  exactlyOne,
  fieldName,
  flag,
  integer,
  list,
  notTogether,
  object,
  ref,
  TEMPLATE_WORDS,
  text,
} from './schema-parts.ts'

/** Header fields and their values. */
export const headerValues: Schema = {
  type: 'object',
  propertyNames: fieldName,
  maxProperties: 100,
  additionalProperties: {
    description: 'A value, or several for several lines. Templates: `${host}`, `${header.x-env ?? none}`.',
    anyOf: [
      { type: 'string', format: 'template', maxLength: 8192 },
      { type: 'number' },
      { type: 'boolean' },
      {
        type: 'array',
        items: { type: 'string', format: 'template', maxLength: 8192, description: 'A line.' },
        minItems: 1,
        maxItems: 100,
      },
    ],
  },
}

/** Changes to requests and answers. */
export const FILTER_DEFS: Readonly<Record<string, Schema>> = {
  filter: object(
    'Changes to requests, to answers, or to both, for all requests or for some.',
    {
      when: ref(
        'when',
        'Only for these. With `request`, the condition is on the request; with `response` alone it may look at the answer.',
      ),
      request: ref('requestChange', 'Changes to the request.'),
      response: ref('responseChange', 'Changes to the answer, also to one that the gateway made.'),
    },
    atLeastOne('request', 'response'),
  ),

  requestChange: object(
    'Changes to a request on its way to the upstream.',
    {
      path: ref('pathChange', 'Another path.'),
      method: text('Another method, in capitals.', {
        pattern: "^[!#$%&'*+.^_`|~0-9A-Z-]+$",
        patternWords: 'a method in capitals',
        maxLength: 32,
      }),
      host: text(
        'Another Host, with or without a port; only where the upstream sends on the Host of the client.',
        {
          pattern: '^(?:\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?$',
          patternWords: 'host or host:port',
          maxLength: 260,
        },
      ),
      headers: ref('headerEdits', 'Changes to header fields.'),
    },
    {
      ...atLeastOne('path', 'method', 'host', 'headers'),
      examples: [
        { path: { replacePrefix: '/api', with: '/v2' }, headers: { set: { 'X-Client': '${client}' } } },
      ],
    },
  ),

  pathChange: {
    description: "A template for the new path, or a form of its own. The client's query goes along.",
    anyOf: [
      text(`The new path. ${TEMPLATE_WORDS}`, {
        format: 'template',
        minLength: 1,
        maxLength: 8192,
        examples: ['/v2${path}'],
      }),
      object(
        'How the new path is made, in one of four ways.',
        {
          set: text(`The new path. ${TEMPLATE_WORDS}`, { format: 'template', minLength: 1, maxLength: 8192 }),
          replacePrefix: text(
            'What the path begins with, whole parts: `/api` is found in `/api` and `/api/x`, not in `/apis`.',
            { format: 'plainPath', minLength: 1, maxLength: 512 },
          ),
          with: text('Takes the place of the prefix. Default: nothing, so that `/api/x` becomes `/x`.', {
            maxLength: 4096,
          }),
          patterns: list(
            object(
              'A pattern and what takes the place of its hit.',
              {
                match: text('A regular expression (RE2), found anywhere.', { format: 'pattern' }),
                replace: text(
                  'Takes the place of the hit. `${1}` is its first group, `${0}` the whole hit.',
                  {
                    format: 'template',
                    maxLength: 8192,
                  },
                ),
              },
              { required: ['match', 'replace'] },
            ),
            100,
            'The first pattern that is found has its first hit replaced; the path stays where none is.',
            { minItems: 1 },
          ),
          keep: {
            type: 'boolean',
            const: true,
            description:
              'The path as routes see it: decoded, dot segments resolved, encoded again. With `raw` as the client sent it.',
          },
          raw: flag(
            false,
            'Works on the target as the client sent it, and encodes nothing; otherwise on the decoded path, and what comes out is encoded.',
          ),
        },
        {
          ...exactlyOne('set', 'replacePrefix', 'patterns', 'keep'),
          ...notTogether(['set', 'with'], ['patterns', 'with'], ['keep', 'with']),
        },
      ),
    ],
  },

  responseChange: object(
    'Changes to an answer on its way to the client.',
    {
      status: integer(200, 598, 'Another status.'),
      body: text('Another body.', { maxLength: 1_048_576 }),
      bodyBase64: text('Another body, as base64.', { format: 'base64', maxLength: 1_398_104 }),
      headers: ref('headerEdits', 'Changes to header fields.'),
    },
    { ...atLeastOne('status', 'body', 'bodyBase64', 'headers'), ...notTogether(['body', 'bodyBase64']) },
  ),

  headerEdits: object(
    'Changes to header fields, in the order add, set, remove. Fields of the connection and its framing, and Host, are not changed here.',
    {
      set: {
        ...headerValues,
        description: 'Replaces the field. A value that comes out empty removes it.',
        examples: [{ 'X-Env': 'test' }],
      },
      add: { ...headerValues, description: 'Adds a line behind those that are there.' },
      remove: list({ ...fieldName, description: 'A field name.' }, 100, 'Removes fields.', { minItems: 1 }),
    },
    atLeastOne('set', 'add', 'remove'),
  ),
}
