import type { Schema } from './json-schema.ts'
import {
  DURATION,
  description,
  exactlyOne,
  flag,
  id,
  integer,
  labels,
  list,
  MAX_WEIGHT,
  name,
  notTogether,
  object,
  ref,
  text,
  words,
} from './schema-parts.ts'

/** Groups of endpoints. */
export const UPSTREAM_DEFS: Readonly<Record<string, Schema>> = {
  upstream: object(
    'A group of endpoints, and how requests are sent to them.',
    { id, ...upstreamFields() },
    {
      required: ['id', 'endpoints'],
      dependentRequired: { hashFallback: ['hashOn'] },
      ...notTogether(['host', 'sendHost']),
      examples: [{ id: 'blue', endpoints: ['10.0.0.1:8080', '10.0.0.2:8080'] }],
    },
  ),

  inlineUpstream: object('An upstream of one place alone; only its name may be left out.', upstreamFields(), {
    required: ['endpoints'],
    dependentRequired: { hashFallback: ['hashOn'] },
    ...notTogether(['host', 'sendHost']),
  }),

  endpoint: {
    description:
      'An address, or more about it. A name stands for all its addresses (A and AAAA), which share its weight and are asked for again while the gateway runs.',
    anyOf: [
      text('`host:port` or `host`; an IPv6 address stands in brackets.', {
        format: 'address',
        minLength: 1,
        maxLength: 300,
        examples: ['10.0.0.1:8080'],
      }),
      object(
        'An address, or the name of a service, with weight and priority.',
        {
          address: text('`host:port` or `host`; an IPv6 address stands in brackets.', {
            format: 'address',
            minLength: 1,
            maxLength: 300,
          }),
          srv: text(
            'The name of a service (SRV): hosts, ports and weights come from its records. One for each upstream.',
            {
              pattern: '^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$',
              patternWords: 'a name such as _http._tcp.shop.internal',
              maxLength: 253,
              examples: ['_http._tcp.shop.internal'],
            },
          ),
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
            'Endpoints with a lower one are used only when all of the higher ones were tried or cannot be used (`levels`).',
            { default: 0 },
          ),
          zone: text('The part of the network it is in (`levels.preferZone`).', {
            minLength: 1,
            maxLength: 128,
            examples: ['eu-1a'],
          }),
          failoverOnly: flag(
            false,
            'Whether it is used only when attempts at all others failed (`retries.failoverTries`).',
          ),
        },
        {
          ...exactlyOne('address', 'srv'),
          ...notTogether(['srv', 'zone'], ['srv', 'failoverOnly']),
        },
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

  pool: object('Connections that are kept for further requests.', {
    size: integer(
      1,
      100_000,
      'Idle connections for each endpoint and process, shared out over the workers.',
      {
        default: 256,
      },
    ),
    idle: ref('duration', 'An idle connection is closed after this. `0s`: no connection is kept.', {
      default: '60s',
    }),
    requests: integer(1, 1_000_000_000, 'A connection is closed after so many requests.', { default: 1000 }),
    maxAge: ref('duration', 'A connection older than this is not used again. `0s`: no bound.', {
      default: '0s',
    }),
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
        https: 'HTTP/1.1 over TLS; HTTP/2 where `http2` says so.',
        grpc: 'HTTP/2 in plain text, for gRPC.',
        grpcs: 'HTTP/2 over TLS, for gRPC.',
        tcp: 'Of streams: bytes as they come.',
        tls: 'Of streams: over TLS.',
        udp: 'Of streams: datagrams.',
      }),
      default: 'http',
    },
    http2: {
      ...words('Whether requests go to endpoints as HTTP/2. `grpc` and `grpcs` always do.', {
        never: 'HTTP/1.1.',
        offered: 'Of `https`: where the endpoint takes it in the handshake, else HTTP/1.1.',
        always: 'HTTP/2; over `http` with prior knowledge.',
      }),
      default: 'never',
    },
    endpoints: list(
      ref('endpoint', 'An endpoint.'),
      10_000,
      'Where requests go. Empty: every request gets 503.',
      {
        examples: [['127.0.0.1:1980', { address: '10.0.0.2:80', weight: 2, priority: -1 }]],
      },
    ),
    balance: ref('balance', 'How an endpoint is chosen.', { default: 'roundRobin' }),
    hashOn: ref(
      'hashOn',
      'The key of `ringHash`, `maglev`, `consistentHash` and `hashModulo`. Default: the address of the client.',
    ),
    hashFallback: words('What decides when no source of `hashOn` has a value. Default: `address`.', {
      address: 'The address of the client.',
      none: 'Chance.',
    }),
    levels: ref('levels', 'How priorities and zones share the traffic.'),
    health: ref('health', 'How the gateway finds out which endpoints can serve.'),
    slowStart: ref('slowStart', 'An endpoint that is new or came back gets its share little by little.'),
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
    limits: ref('limits', 'Bounds on what is sent to the upstream.'),
    tls: ref('tls', 'Of `scheme: https` and `grpcs`.'),
  }
}
