// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of the document are shown as they are written
import { ERROR_CODES } from '../../model/error-codes.ts'
import type { Schema } from './json-schema.ts'
import { headerValues } from './schema-filters.ts'
import {
  atLeastOne,
  atMostOne,
  description,
  exactlyOne,
  flag,
  ID,
  id,
  integer,
  labels,
  list,
  MAX_WEIGHT,
  name,
  notTogether,
  object,
  ref,
  TEMPLATE_WORDS,
  text,
  words,
} from './schema-parts.ts'

/** Errors that an answer may have; the others are of the control side, and have no flag. */
const ANSWER_CODES = Object.entries(ERROR_CODES).flatMap(([code, { flag: short }]) =>
  short === '-' ? [] : [code],
)

/** What a request may be handed to; exactly one in a target, at most one in a rule or route, where it is short for a split with one target. */
const OUTCOMES = ['split', 'upstream', 'respond', 'redirect'] as const
/** What stands beside a split, and means nothing without one. */
const NEEDS_SPLIT = { sticky: ['split'], forced: ['split'], whenOut: ['split'] }
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
  sticky: ref('sticky', 'Keeps a client on one side of the `split`.'),
  forced: ref('forced', 'Lets a request name its side of the `split`.'),
  whenOut: ref(
    'whenOut',
    'What becomes of the share of a side of the `split` that cannot serve. Default: `error`.',
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

/** Routes, rules, targets, and what a target may be beside an upstream. */
export const ROUTE_DEFS: Readonly<Record<string, Schema>> = {
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
      upgrades: list(
        text('A protocol, such as `websocket`; `*` for any.', {
          pattern: "^(?:\\*|[a-z0-9!#$%&'+.^_`|~/-]{1,64})$",
          patternWords: 'a protocol in lower case, or *',
          maxLength: 64,
        }),
        16,
        'Protocols that a request may change to (Upgrade). Without it Upgrade is taken out, and the request is served as a plain one.',
        { minItems: 1, examples: [['websocket']] },
      ),
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
      dependentRequired: NEEDS_SPLIT,
      ...atLeastOne('rules', ...OUTCOMES),
      ...atMostOne(...OUTCOMES),
      examples: [{ id: 'shop', hosts: ['shop.example.com'], paths: ['/api/*'], upstream: 'blue' }],
    },
  ),

  rule: object(
    'What becomes of requests that meet a condition.',
    { when: ref('when', 'The condition. Default: it always holds.'), ...outcomes },
    { ...exactlyOne(...OUTCOMES), dependentRequired: NEEDS_SPLIT },
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
}
