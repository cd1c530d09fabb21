// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of the document are shown as they are written
import { ERROR_CODES } from '../../model/error-codes.ts'
import type { Schema, SchemaDocument } from './json-schema.ts'
import { REQUEST_PARTS, RESPONSE_PARTS } from './words.ts'

/** The native document, version 1. Checker, editor schema, types and reference page are made of this; a default stands here and nowhere else. */

const ref = (name: string, description: string, rest: Partial<Schema> = {}): Schema => ({
  $ref: `#/$defs/${name}`,
  description,
  ...rest,
})
const text = (description: string, rest: Partial<Schema> = {}): Schema => ({
  type: 'string',
  description,
  ...rest,
})
const flag = (fallback: boolean, description: string): Schema => ({
  type: 'boolean',
  description,
  default: fallback,
})
const integer = (least: number, most: number, description: string, rest: Partial<Schema> = {}): Schema => ({
  type: 'integer',
  minimum: least,
  maximum: most,
  description,
  ...rest,
})
const list = (items: Schema, most: number, description: string, rest: Partial<Schema> = {}): Schema => ({
  type: 'array',
  items,
  maxItems: most,
  description,
  ...rest,
})
const object = (
  description: string,
  properties: Readonly<Record<string, Schema>>,
  rest: Partial<Schema> = {},
): Schema => ({ type: 'object', description, properties, additionalProperties: false, ...rest })
const words = (description: string, entries: Readonly<Record<string, string>>): Schema => ({
  type: 'string',
  description,
  enum: Object.keys(entries),
  enumDescriptions: Object.values(entries),
})
const exactlyOne = (...keys: string[]): Pick<Schema, 'oneOf'> => ({
  oneOf: keys.map((key) => ({ required: [key] })),
})
const atLeastOne = (...keys: string[]): Pick<Schema, 'allOf'> => ({
  allOf: [{ anyOf: keys.map((key) => ({ required: [key] })) }],
})
const notTogether = (...pairs: (readonly [string, string])[]): Pick<Schema, 'not'> => ({
  not: { anyOf: pairs.map((pair) => ({ required: pair })) },
})
/** Each excludes each other. */
const atMostOne = (...keys: string[]): Pick<Schema, 'not'> =>
  notTogether(...keys.flatMap((one, i) => keys.slice(i + 1).map((two) => [one, two] as const)))

const ID = '^[A-Za-z0-9][A-Za-z0-9._-]*$'
const TOKEN = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
const fieldName: Schema = { type: 'string', pattern: TOKEN, patternWords: 'a field name', maxLength: 256 }
const DURATION = '^(?:[0-9]+(?:\\.[0-9]+)?(?:ms|s|m|h))+$'

const MAX_WEIGHT = 1_000_000

/** Errors that an answer may have; the others are of the control side, and have no flag. */
const ANSWER_CODES = Object.entries(ERROR_CODES).flatMap(([code, { flag: short }]) =>
  short === '-' ? [] : [code],
)

const id = text(
  'Names the document: letters, digits, `.`, `_` and `-`. Metrics, logs and references call it so.',
  {
    pattern: ID,
    patternWords: 'letters, digits, dots, underscores and dashes, a letter or digit first',
    maxLength: 128,
    examples: ['shop', 'blue'],
  },
)
const name = text('What people call it, in metrics, logs and lists. Default: the id.', {
  minLength: 1,
  maxLength: 256,
})
const description = text('A note for people; nothing is done with it.', { maxLength: 4096 })
const labels: Schema = {
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

/** What a request may be handed to; exactly one in a target, at most one in a rule or route, where it is short for a split with one target. */
const OUTCOMES = ['split', 'upstream', 'respond', 'redirect'] as const
const outcomes = {
  split: list(
    ref('target', 'A target and its share.'),
    1000,
    'Targets with weights. Shares are exact: with weights 3 and 2, three of every five consecutive requests go to the first, over all workers.',
    {
      minItems: 1,
      examples: [
        [
          { upstream: 'blue', weight: 3 },
          { upstream: 'green', weight: 2 },
        ],
      ],
    },
  ),
  upstream: ref('upstreamPlace', 'Short for a split with this one target.'),
  respond: ref('respond', 'Short for a split with this one target.'),
  redirect: ref('redirect', 'Short for a split with this one target.'),
}
const filters: Schema = {
  description:
    'Changes to the request on its way to the upstream and to the answer on its way back, in order; a single one needs no list.',
  anyOf: [
    ref('filter', 'The only filter.'),
    list(ref('filter', 'A filter.'), 100, 'Filters, in the order in which they work on requests.', {
      minItems: 1,
    }),
  ],
}

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

const headerValues: Schema = {
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

const TEMPLATE_WORDS = 'A template: `${path}`, `${query.page ?? 1}`; `$$` is a dollar sign.'

/** Every part of the document by name. */
export const DEFS: Readonly<Record<string, Schema>> = {
  route: object(
    'Which requests, and what becomes of them. A request must meet every condition that is written; the route in front of all others that takes it decides.',
    {
      id,
      name,
      description,
      labels,
      hosts: list(
        text('`shop.example.com`, `*.example.com`, `shop.*`, or `*` for any.', {
          format: 'host',
          minLength: 1,
          maxLength: 253,
        }),
        1000,
        'Hosts it takes, one of them, without port and in any case. Default: any.',
        { minItems: 1, uniqueItems: true, examples: [['shop.example.com', '*.shop.example.com']] },
      ),
      paths: list(
        {
          description: 'A path or a pattern.',
          anyOf: [
            text(
              '`/exact`; `/api/*` all that begins with `/api/`; `/cart/:id` a named part; `/*/edit` one part; `/files/**/raw` any number of parts.',
              { format: 'path', minLength: 1, maxLength: 4096 },
            ),
            object(
              'A path in which no sign has a meaning.',
              {
                exact: text('The whole path.', { format: 'plainPath', minLength: 1, maxLength: 4096 }),
                prefix: text('What the path begins with.', {
                  format: 'plainPath',
                  minLength: 1,
                  maxLength: 4096,
                }),
              },
              exactlyOne('exact', 'prefix'),
            ),
          ],
        },
        1000,
        'Paths it takes, one of them, compared with the decoded path. Default: any.',
        { minItems: 1, examples: [['/api/*', '/cart/:id', '/exact']] },
      ),
      methods: list(
        text('A method, in capitals.', {
          pattern: "^[!#$%&'*+.^_`|~0-9A-Z-]+$",
          patternWords: 'a method in capitals',
          maxLength: 32,
        }),
        32,
        'Methods it takes. Default: all.',
        { minItems: 1, uniqueItems: true, examples: [['GET', 'POST']] },
      ),
      clients: list(
        text('An address or CIDR block.', { format: 'network' }),
        10_000,
        'Addresses that clients must have, one of them. Default: any.',
        { minItems: 1, examples: [['10.0.0.0/8']] },
      ),
      when: ref('when', 'A further condition on the request.'),
      priority: integer(
        -1_000_000,
        1_000_000,
        'A route with a higher one comes before those with a lower one, however exact their hosts and paths are.',
        { default: 0 },
      ),
      service: text('What `service_id` and `service_name` say in logs and templates.', {
        minLength: 1,
        maxLength: 256,
      }),
      filters,
      rulesSee: {
        ...words('What the conditions of the rules look at when filters of the route change header fields.', {
          original: 'The request as the client sent it.',
          rewritten: "The request as the route's filters left it.",
        }),
        default: 'original',
      },
      timeouts: ref('routeTimeouts', 'Take the place of those of the upstream that serves.'),
      rules: list(
        ref('rule', 'A rule.'),
        1000,
        'The first rule whose condition holds decides. If none does, what stands beside them (`upstream`, `split`, …) does, else the answer is 503.',
        { minItems: 1 },
      ),
      ...outcomes,
    },
    {
      required: ['id'],
      ...atLeastOne('rules', ...OUTCOMES),
      ...atMostOne(...OUTCOMES),
      examples: [{ id: 'shop', hosts: ['shop.example.com'], paths: ['/api/*'], upstream: 'blue' }],
    },
  ),

  rule: object(
    'What becomes of requests that meet a condition.',
    { when: ref('when', 'The condition. Default: it always holds.'), ...outcomes },
    exactlyOne(...OUTCOMES),
  ),

  target: object(
    'One side of a split: an upstream, a fixed answer or a redirect.',
    {
      upstream: ref('upstreamPlace', 'An upstream.'),
      respond: ref('respond', 'A fixed answer.'),
      redirect: ref('redirect', 'A redirect.'),
      weight: integer(0, MAX_WEIGHT, 'Its share. 0: it gets nothing.', { default: 1 }),
      name: text(
        'What metrics and logs call this side of the split. Default: the name of the upstream, `respond` or `redirect`.',
        { minLength: 1, maxLength: 256 },
      ),
      filters,
    },
    exactlyOne('upstream', 'respond', 'redirect'),
  ),

  upstreamPlace: {
    description: 'The id of an upstream, or an upstream written in its place.',
    anyOf: [
      {
        type: 'string',
        pattern: ID,
        patternWords: 'the id of an upstream',
        maxLength: 128,
        description: 'The id of an upstream.',
        examples: ['blue'],
      },
      ref('inlineUpstream', 'An upstream of this place alone.'),
    ],
  },

  respond: {
    description: 'An answer of the gateway: a status, or status, header fields and body.',
    anyOf: [
      integer(200, 599, 'A status; the body is the page of that status.', { examples: [503] }),
      object(
        'The whole answer.',
        {
          status: integer(200, 599, 'The status.', { default: 200 }),
          headers: {
            ...headerValues,
            description: 'Header fields, word for word.',
            additionalProperties: {
              description: 'A value, or several for several lines.',
              anyOf: [
                { type: 'string', format: 'fieldValue', maxLength: 8192 },
                { type: 'number' },
                { type: 'boolean' },
                {
                  type: 'array',
                  items: { type: 'string', format: 'fieldValue', maxLength: 8192, description: 'A line.' },
                  minItems: 1,
                  maxItems: 100,
                },
              ],
            },
            examples: [{ 'Content-Type': 'application/json' }],
          },
          body: text('The body. Default: empty.', { maxLength: 1_048_576 }),
          page: {
            type: 'boolean',
            description: 'true: the body is the page of that status, as errors of the gateway have it.',
          },
          errorCode: {
            ...text('Marks the answer as this error, for the log and `X-Headgate-Error` (docs/errors.md).'),
            enum: ANSWER_CODES,
          },
        },
        { ...notTogether(['body', 'page']) },
      ),
    ],
  },

  redirect: {
    description: 'Sends the client elsewhere: a place, or a form of its own.',
    anyOf: [
      text(`The place. ${TEMPLATE_WORDS}`, {
        format: 'template',
        minLength: 1,
        maxLength: 8192,
        examples: ['https://new.example.com${path}'],
      }),
      object(
        'Where to, in one of three ways, and how.',
        {
          to: text(`The place. ${TEMPLATE_WORDS}`, { format: 'template', minLength: 1, maxLength: 8192 }),
          match: text(
            'A regular expression (RE2) on the path: its first hit is replaced by `replace`. The rule then takes only requests whose path it is found in, and so does the route where it has nothing else.',
            { format: 'pattern' },
          ),
          replace: text('Takes the place of the hit. `${1}` is its first group, `${0}` the whole hit.', {
            format: 'template',
            maxLength: 8192,
          }),
          https: {
            type: 'boolean',
            const: true,
            description:
              'The same host and target over https. The rule then takes only requests that came without TLS, and so does the route where it has nothing else.',
          },
          port: integer(1, 65_535, 'Port of `https`.', { default: 443 }),
          status: {
            description:
              'The status, or `byMethod`: 301 for GET and HEAD, 308 for the rest. Default: 302, with `https` byMethod.',
            anyOf: [integer(300, 399, 'The status.'), { type: 'string', const: 'byMethod' }],
          },
          encode: flag(false, 'Percent-encodes what the place has before its `?`.'),
          appendQuery: flag(false, "Puts the client's query behind the place."),
        },
        {
          ...exactlyOne('to', 'match', 'https'),
          dependentRequired: { match: ['replace'], replace: ['match'] },
          ...notTogether(['to', 'port'], ['match', 'port'], ['https', 'encode'], ['https', 'appendQuery']),
        },
      ),
    ],
  },

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

  when: {
    description: 'A condition, or a list of conditions that must all hold.',
    anyOf: [
      whenObject,
      list(ref('when', 'A condition.'), 100, 'Conditions that must all hold.', { minItems: 1 }),
    ],
  },

  upstream: object(
    'A group of endpoints, and how requests are sent to them.',
    { id, ...upstreamFields() },
    {
      required: ['id', 'endpoints'],
      ...notTogether(['host', 'sendHost']),
      examples: [{ id: 'blue', endpoints: ['10.0.0.1:8080', '10.0.0.2:8080'] }],
    },
  ),

  inlineUpstream: object('An upstream of one place alone; only its name may be left out.', upstreamFields(), {
    required: ['endpoints'],
    ...notTogether(['host', 'sendHost']),
  }),

  endpoint: {
    description: 'An address, or an address with weight and priority.',
    anyOf: [
      text('`host:port` or `host`; an IPv6 address stands in brackets.', {
        format: 'address',
        minLength: 1,
        maxLength: 300,
        examples: ['10.0.0.1:8080'],
      }),
      object(
        'An address with weight and priority.',
        {
          address: text('`host:port` or `host`; an IPv6 address stands in brackets.', {
            format: 'address',
            minLength: 1,
            maxLength: 300,
          }),
          weight: integer(
            0,
            MAX_WEIGHT,
            'Its share among the endpoints of its priority. 0: it gets nothing.',
            {
              default: 1,
            },
          ),
          priority: integer(
            -1_000_000,
            1_000_000,
            'Endpoints with a lower one are used only when all of the higher ones were tried or cannot be used.',
            { default: 0 },
          ),
        },
        { required: ['address'] },
      ),
    ],
  },

  upstreamTimeouts: {
    description: 'How long to wait for an endpoint: one duration for all three, or each by itself.',
    anyOf: [
      ref('duration', 'For all three.'),
      object('Each by itself.', {
        connect: ref('duration', 'Until the connection stands. Then: 504.', { default: '2s' }),
        send: ref('duration', 'Between two writes of the request.', { default: '60s' }),
        read: ref(
          'duration',
          'Until the head of the answer comes (then: 504), and between two parts of its body.',
          {
            default: '60s',
          },
        ),
      }),
    ],
  },

  routeTimeouts: {
    description: 'One duration for all three, or all three by themselves.',
    anyOf: [
      ref('duration', 'For all three.'),
      object(
        'Each by itself.',
        {
          connect: ref('duration', 'Until the connection stands. Then: 504.'),
          send: ref('duration', 'Between two writes of the request.'),
          read: ref(
            'duration',
            'Until the head of the answer comes (then: 504), and between two parts of its body.',
          ),
        },
        { required: ['connect', 'send', 'read'] },
      ),
    ],
  },

  retries: {
    description: 'How many further attempts after the first, or more about them.',
    anyOf: [
      integer(0, 100, 'Further attempts.'),
      object('More about attempts.', {
        count: integer(0, 100, 'Further attempts after the first. 0: none.', { default: 1 }),
        timeout: ref('duration', 'No attempt starts later than this after the first one. `0s`: no bound.', {
          default: '0s',
        }),
        onHeadTimeout: flag(
          false,
          'Whether an endpoint that does not answer in time is a reason for another attempt (of safe requests).',
        ),
        sameEndpointWhenAlone: flag(
          true,
          'Whether the same endpoint may be tried again where the upstream has only that one.',
        ),
      }),
    ],
  },

  pool: object('Connections that are kept for further requests.', {
    size: integer(
      1,
      100_000,
      'Idle connections for each endpoint and process, shared out over the workers.',
      {
        default: 320,
      },
    ),
    idle: ref('duration', 'An idle connection is closed after this. `0s`: no connection is kept.', {
      default: '60s',
    }),
    requests: integer(1, 1_000_000_000, 'A connection is closed after so many requests.', { default: 1000 }),
  }),

  duration: text(
    'A number and its unit, several in a row too: `500ms`, `30s`, `1m30s`, `2h`. At most 24 hours.',
    {
      pattern: DURATION,
      patternWords: 'a duration with its unit, such as 500ms, 30s or 5m',
      format: 'durationMs',
      maxLength: 40,
      examples: ['30s', '500ms'],
    },
  ),
}

function upstreamFields(): Readonly<Record<string, Schema>> {
  return {
    name,
    description,
    labels,
    scheme: {
      ...words('How endpoints are spoken to.', {
        http: 'HTTP/1.1 in plain text.',
        https: 'HTTP/1.1 over TLS.',
      }),
      default: 'http',
    },
    endpoints: list(
      ref('endpoint', 'An endpoint.'),
      10_000,
      'Where requests go. Empty: every request gets 503.',
      {
        examples: [['127.0.0.1:1980', { address: '10.0.0.2:80', weight: 2, priority: -1 }]],
      },
    ),
    balance: {
      ...words('How an endpoint is chosen.', {
        roundRobin: 'In turn, as the weights say, over all workers.',
      }),
      default: 'roundRobin',
    },
    host: text('The Host that is sent to endpoints, with or without a port.', {
      pattern: '^(?:\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?$',
      patternWords: 'host or host:port',
      maxLength: 260,
    }),
    sendHost: {
      ...words('Which Host is sent where `host` says nothing.', {
        client: 'That of the client (or of a filter).',
        endpoint: "The endpoint's name, with its port where that is not the scheme's own.",
        endpointWithoutPort: "The endpoint's name alone.",
      }),
      default: 'client',
    },
    timeouts: ref('upstreamTimeouts', 'How long to wait for an endpoint.'),
    retries: ref('retries', 'Further attempts, each on another endpoint if there is one.'),
    pool: ref('pool', 'Connections that are kept.'),
  }
}

/** Of a file: documents of both kinds in lists. */
export const NATIVE_SCHEMA: SchemaDocument = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:headgate:schema:native:1',
  title: 'Headgate, native document',
  ...object(
    'Routes and upstreams of the Headgate gateway, in its own words.',
    {
      $schema: text('Where this schema is, for editors of JSON files.', { maxLength: 4096 }),
      headgate: {
        type: 'integer',
        const: 1,
        description: 'Marks the file, and says which version of the document it is written in.',
      },
      gateway: {
        type: 'object',
        description: 'Start-up settings (docs/settings.md); they may stand in any configuration file.',
      },
      routes: list(ref('route', 'A route.'), 1_000_000, 'Which requests, and what becomes of them.'),
      upstreams: list(ref('upstream', 'An upstream.'), 1_000_000, 'Groups of endpoints.'),
    },
    { required: ['headgate'] },
  ),
  $defs: DEFS,
}

/** Collections, in the order in which documents are loaded, and the schema of their documents. */
export const KINDS = { upstreams: 'upstream', routes: 'route' } as const
export type Kind = keyof typeof KINDS

export function isKind(kind: string): kind is Kind {
  return Object.hasOwn(KINDS, kind)
}

const PREFIX = '#/$defs/'
const resolved = new Map<string, Schema>()

/** Follows `$ref`. Throws for a name that is not there: a mistake of ours. */
export function resolveSchema(schema: Schema): Schema {
  const { $ref } = schema
  if ($ref === undefined) return schema
  const known = resolved.get($ref)
  if (known !== undefined) return known
  const found = DEFS[$ref.slice(PREFIX.length)]
  if (found === undefined) throw new Error(`the native schema has no ${$ref}`)
  const target = resolveSchema(found)
  resolved.set($ref, target)
  return target
}
