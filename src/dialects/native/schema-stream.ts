import type { Schema } from './json-schema.ts'
import {
  description,
  exactlyOne,
  id,
  integer,
  labels,
  list,
  MAX_WEIGHT,
  name,
  object,
  ref,
  text,
  words,
} from './schema-parts.ts'

const NETWORK = { format: 'network', maxLength: 64 } as const

/** TCP connections and UDP sessions. */
export const STREAM_DEFS: Readonly<Record<string, Schema>> = {
  stream: object(
    'Which streams (TCP connections, TLS, the datagrams of one client) that came in at `listenTcp` and `listenUdp`, and where they go. A stream that meets the conditions of no document is closed.',
    {
      id,
      name,
      description,
      labels,
      protocols: list(
        {
          type: 'string',
          description: 'A kind of listener: `tcp`, `tls` (it ends TLS), `udp`.',
          enum: ['tcp', 'tls', 'udp'],
        },
        3,
        'Kinds of listeners. Default: all.',
        { minItems: 1, uniqueItems: true },
      ),
      ports: list(integer(1, 65_535, 'A port.'), 1000, 'Ports that clients came to. Default: all.', {
        minItems: 1,
        examples: [[9100]],
      }),
      addresses: list(
        text('An address or CIDR block.', NETWORK),
        1000,
        'Addresses that clients came to. Default: all.',
        { minItems: 1 },
      ),
      clients: list(
        text('An address or CIDR block.', NETWORK),
        10_000,
        'Where clients must be. Default: anywhere.',
        { minItems: 1, examples: [['10.0.0.0/8']] },
      ),
      serverNames: list(
        text('`db.example.com`, or `*.example.com` for any labels more.', {
          pattern: '^(?:\\*\\.)?[A-Za-z0-9_-]+(?:\\.[A-Za-z0-9_-]+)*$',
          patternWords: 'a name, or *. and a name',
          maxLength: 253,
        }),
        1000,
        'Names asked for in TLS. At a `tcp` listener the name is read from the first message, and TLS passes through. An exact one comes before one with a star, and those with names before those without. Default: all streams.',
        { minItems: 1, examples: [['db.example.com']] },
      ),
      priority: integer(
        -1_000_000,
        1_000_000,
        'Of documents with the same names a higher one comes first; then the older one.',
        {
          default: 0,
        },
      ),
      idle: ref('duration', 'A stream without a byte in either direction for so long is closed.', {
        default: '1h',
      }),
      proxyProtocol: words('Which PROXY protocol header endpoints get first. Default: none.', {
        v1: 'Version 1, a line of text.',
        v2: 'Version 2, binary; it tells the name asked for in TLS too.',
      }),
      upstream: ref('upstreamPlace', 'The upstream.'),
      split: list(ref('streamTarget', 'One side.'), 1000, 'Divides connections by weight, exactly.', {
        minItems: 1,
      }),
    },
    {
      required: ['id'],
      ...exactlyOne('upstream', 'split'),
      examples: [{ id: 'db', ports: [9100], upstream: 'postgres' }],
    },
  ),

  streamTarget: object(
    'One side of a split of streams.',
    {
      upstream: ref('upstreamPlace', 'An upstream.'),
      weight: integer(0, MAX_WEIGHT, 'Its share. 0: it gets nothing.', { default: 1 }),
      name: text('What metrics and logs call this side of the split. Default: the name of the upstream.', {
        minLength: 1,
        maxLength: 256,
      }),
    },
    { required: ['upstream'] },
  ),
}
