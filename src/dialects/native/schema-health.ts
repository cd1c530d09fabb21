// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of the document are shown as they are written
import type { Schema } from './json-schema.ts'
import { exactlyOne, flag, integer, list, number, object, ref, text, words } from './schema-parts.ts'

const status = integer(200, 599, 'A status.')
const statuses = (description: string): Schema =>
  list(status, 400, description, { minItems: 1, uniqueItems: true })

/** How an upstream finds out which of its endpoints can serve. */
export const HEALTH_DEFS: Readonly<Record<string, Schema>> = {
  health: object(
    'How the gateway finds out which endpoints can serve. Each part may be left out; without any, all endpoints are always used.',
    {
      active: ref('activeCheck', 'Probes: the gateway asks each endpoint now and then.'),
      passive: ref(
        'passiveCheck',
        'What live traffic says counts too. Needs `active`, which brings endpoints back.',
      ),
      outlier: ref('outlier', 'Endpoints that fail live requests are ejected for a while. Works by itself.'),
    },
    {
      dependentRequired: { passive: ['active'] },
      examples: [{ active: { path: '/healthz', interval: '2s' }, outlier: { failures: 5 } }],
    },
  ),

  activeCheck: object('Probes, sent by one part of the gateway for all its workers.', {
    kind: words('What a probe is. Default: the scheme of the upstream.', {
      http: 'A request in plain text.',
      https: 'A request over TLS.',
      tcp: 'A connection.',
      grpc: "A call of gRPC's health service.",
    }),
    path: text('Of http and https: the target that is asked for. Default: `/`.', {
      format: 'plainPath',
      minLength: 1,
      maxLength: 8192,
      examples: ['/healthz'],
    }),
    service: text('Of grpc: the service that is asked for. Default: the whole server.', { maxLength: 256 }),
    method: text('Of http and https: the method, in capitals. Default: GET.', {
      pattern: "^[!#$%&'*+.^_`|~0-9A-Z-]+$",
      patternWords: 'a method in capitals',
      maxLength: 32,
    }),
    headers: {
      type: 'object',
      description: 'Of http and https: header fields, word for word.',
      propertyNames: {
        type: 'string',
        pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
        patternWords: 'a field name',
        maxLength: 256,
      },
      additionalProperties: text('A value.', { format: 'fieldValue', maxLength: 8192 }),
      maxProperties: 100,
    },
    body: text('Of http and https: the body. Default: none.', { maxLength: 65_536 }),
    host: text(
      "The Host and the TLS name of probes. Default: the upstream's `host`, else the endpoint's name.",
      {
        pattern: '^(?:\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?$',
        patternWords: 'host or host:port',
        maxLength: 260,
      },
    ),
    port: integer(1, 65_535, "The port that is probed. Default: the endpoint's own."),
    verify: flag(true, 'Of https: whether the certificate must be valid.'),
    timeout: ref('duration', 'A probe that is not answered for so long failed.', { default: '2s' }),
    interval: ref(
      'duration',
      'Between probes of an endpoint, from 100ms; up to a tenth is added at random.',
      {
        default: '5s',
      },
    ),
    downInterval: ref('duration', 'The same for an endpoint that is out. Default: `interval`.'),
    concurrency: integer(1, 1000, 'Probes of the upstream under way at once.', { default: 10 }),
    up: integer(1, 254, 'So many successes in a row bring an endpoint back.', { default: 2 }),
    down: {
      ...ref('failures', 'So many failures of one kind, without a success between, take it out.'),
      default: 3,
    },
    upStatuses: statuses('Statuses that are a success. Default: 200 to 399.'),
    downStatuses: statuses('Statuses that are a failure. Default: all that are no success.'),
  }),

  passiveCheck: object('Live answers count as probes do.', {
    up: integer(0, 254, 'So many good answers in a row bring an endpoint back. 0: only probes do.', {
      default: 0,
    }),
    down: {
      ...ref(
        'failures',
        'So many failures of one kind, without a success between, take it out. 0: that kind does not.',
      ),
      default: 5,
    },
    upStatuses: statuses('Statuses that are a success. Default: 200 to 399.'),
    downStatuses: statuses('Statuses that are a failure. Default: 500, 502, 503 and 504.'),
  }),

  failures: {
    description: 'One number for all kinds of failures, or one for each.',
    anyOf: [
      integer(0, 254, 'For all kinds.'),
      object('For each kind.', {
        statuses: integer(0, 254, 'Answers whose status is a failure.', { default: 3 }),
        connections: integer(0, 254, 'Connections that were refused, reset or cut.', { default: 3 }),
        timeouts: integer(0, 254, 'No answer in time.', { default: 3 }),
      }),
    ],
  },

  outlier: object(
    'An endpoint that fails is ejected for a while. Failures are: refused, reset, timed out, or 502, 503 and 504. Faults of clients and kept connections that were closed never count.',
    {
      failures: integer(0, 1000, 'So many failures in a row eject it. 0: off.', { default: 5 }),
      errors: ref('errorWindow', 'Ejects by what failed within a window.'),
      latency: ref('latencyWindow', 'Ejects an endpoint that is slower than the others.'),
      ejection: ref('duration', 'How long it is out; the n-th time n times as long.', { default: '30s' }),
      maxEjection: ref(
        'duration',
        'At most so long; and so long without a failure makes the next time a first one.',
        { default: '5m' },
      ),
      maxEjected: ref('percent', 'Share of the endpoints that may be out at once. One always stays.', {
        default: '50%',
      }),
      trial: flag(
        true,
        'Whether one request goes first when the time is over; its failure ejects again at once.',
      ),
    },
    { examples: [{ failures: 5, errors: { ratio: '20%' }, ejection: '30s' }] },
  ),

  slowStart: {
    description: 'How long an endpoint that is new or came back takes to its whole share, or more about it.',
    anyOf: [
      ref(
        'duration',
        'So long, from a tenth of its share on (or what it has after a second, if that is more), evenly.',
      ),
      object(
        'More about it. The share is the greater of `min` and (age / window) ^ (1 / aggression); the first second counts as one.',
        {
          window: ref('duration', 'Until it has its whole share.'),
          min: ref('percent', 'What it begins with.', { default: '10%' }),
          aggression: number(0.01, 100, '1: the share grows evenly; more: faster at first.', { default: 1 }),
          interval: ref('duration', 'How often the share is worked out anew, from 100ms.', { default: '1s' }),
          grace: ref(
            'duration',
            'Endpoints that are there so soon after the start of the gateway are not new.',
            {
              default: '10s',
            },
          ),
        },
        { required: ['window'] },
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
        attemptTimeout: ref(
          'duration',
          'An attempt without the head of an answer for so long is over. `0s`: `timeouts` alone count.',
          { default: '0s' },
        ),
        onHeadTimeout: flag(
          false,
          'Whether an endpoint that does not answer in time is a reason for another attempt (of safe requests).',
        ),
        onStatuses: list(
          integer(400, 599, 'A status.'),
          200,
          'Statuses that are tried again elsewhere (safe requests only). The last answer goes out as it came. Default: none.',
          { minItems: 1, uniqueItems: true, examples: [[502, 503, 504]] },
        ),
        nonIdempotent: flag(
          false,
          'Whether POST and PATCH are sent again too after something of them was sent: then they may be carried out twice.',
        ),
        sameEndpointWhenAlone: flag(
          true,
          'Whether the same endpoint may be tried again where the upstream has only that one.',
        ),
        sameEndpoint: ref(
          'sameEndpoint',
          'Further attempts at the endpoint at hand before the next one is tried.',
        ),
        failoverTries: integer(
          0,
          100,
          'Attempts at each endpoint that is `failoverOnly`, when all others failed.',
          {
            default: 1,
          },
        ),
        budget: ref(
          'retryBudget',
          'Bounds attempts after something was sent. Default: that of the settings.',
        ),
      }),
    ],
  },

  limits: object(
    'Bounds on what is sent to the upstream by the whole gateway, shared out over its workers. 0: none. A request that finds no place gets 503, which names the limit.',
    {
      connections: integer(0, 1_000_000, 'Connections to all endpoints.', { default: 0 }),
      connectionsPerEndpoint: integer(0, 1_000_000, 'Connections to one endpoint.', { default: 256 }),
      requests: integer(0, 1_000_000, 'Requests in flight, waiting ones included.', { default: 0 }),
      requestsPerEndpoint: integer(
        0,
        1_000_000,
        'Requests in flight at one endpoint; it is passed over while another one is free.',
        { default: 0 },
      ),
      pending: integer(0, 1_000_000, 'Requests that may wait for a connection.', { default: 1024 }),
      pendingTimeout: ref('duration', 'How long one may wait.', { default: '5s' }),
      retries: integer(0, 1_000_000, 'Retries in flight.', { default: 0 }),
    },
  ),

  tls: object(
    'Of https endpoints. Certificates and keys are the text itself (PEM), never the name of a file; a file of documents can take them from the environment with `${{NAME}}`.',
    {
      verify: flag(true, 'Whether the certificate must be valid for the name that is asked for.'),
      ca: text("Certificates that are trusted in place of the system's.", {
        format: 'certificates',
        minLength: 1,
        maxLength: 1_048_576,
      }),
      certificate: text('What the gateway shows, with the chain behind it.', {
        format: 'certificates',
        minLength: 1,
        maxLength: 1_048_576,
      }),
      key: text('The private key of `certificate`.', { minLength: 1, maxLength: 1_048_576 }),
      serverName: text('The name that is asked for and verified. Default: the Host that is sent.', {
        pattern: '^[A-Za-z0-9._-]+$',
        patternWords: 'a name',
        maxLength: 253,
      }),
    },
    { dependentRequired: { certificate: ['key'], key: ['certificate'] } },
  ),

  errorWindow: object(
    'Ejects by what failed within a window.',
    {
      window: ref('duration', 'The window, from 1s.', { default: '10s' }),
      minRequests: integer(
        1,
        1_000_000,
        'With fewer requests of the endpoint in the window, `ratio` says nothing.',
        { default: 20 },
      ),
      ratio: ref('percent', 'Ejects at this share of failures.'),
      count: integer(1, 1_000_000, 'Ejects at so many failures.'),
      serverErrors: flag(false, 'Whether all statuses from 500 on are failures here.'),
    },
    exactlyOne('ratio', 'count'),
  ),

  latencyWindow: object(
    'Ejects an endpoint that is slower than the others.',
    {
      window: ref('duration', 'The window, from 1s.', { default: '10s' }),
      minRequests: integer(1, 1_000_000, 'With fewer requests in the window nothing is said.', {
        default: 20,
      }),
      factor: number(1.1, 100, 'Ejects when its mean latency is over so many times that of the upstream.'),
    },
    { required: ['factor'] },
  ),

  sameEndpoint: object(
    'Further attempts at the endpoint at hand before the next one is tried.',
    {
      count: integer(1, 100, 'So many, beside `count` above.'),
      delay: ref('duration', 'The wait before the first of them.', { default: '0s' }),
      multiplier: number(1, 100, 'Each wait is so many times the one before.', { default: 1 }),
      maxDelay: ref('duration', 'No wait is longer.', { default: '10s' }),
    },
    { required: ['count'] },
  ),

  retryBudget: object(
    'Bounds attempts after something was sent, so that they cannot become a storm. Default: the settings `limits.retryBudgetRatio` and `limits.retryBudgetPerSecond`.',
    {
      ratio: ref('percent', 'Share of the requests of the last 10 seconds.', { default: '20%' }),
      perSecond: number(0, 1_000_000, 'And so many per second beside.', { default: 3 }),
    },
  ),

  percent: text('A whole percentage: `0%` to `100%`.', {
    pattern: '^(?:100|[0-9]{1,2})%$',
    patternWords: 'a percentage from 0% to 100%',
    maxLength: 4,
    examples: ['50%'],
  }),
}
