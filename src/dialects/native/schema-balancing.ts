// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of the document are shown as they are written
import type { Schema } from './json-schema.ts'
import { exactlyOne, flag, integer, list, number, object, ref, text, words } from './schema-parts.ts'

/** Where a key of a hash comes from; exactly one in each entry of `hashOn`. */
export const HASH_SOURCES = ['header', 'query', 'cookie', 'variable', 'address', 'template'] as const

/** How endpoints are chosen, and how a client is kept on one side of a split. */
export const BALANCING_DEFS: Readonly<Record<string, Schema>> = {
  balance: {
    description: 'How an endpoint is chosen: a word, or one of those that take more.',
    anyOf: [
      words('A word.', {
        roundRobin: 'In turn, as the weights say, exactly, over all workers.',
        edf: 'In turn as Envoy does, a schedule for each worker.',
        random: 'By chance, as the weights say.',
        leastRequest: 'Of two drawn by chance the one with fewer requests in flight.',
        leastConnections: 'The one with the fewest requests in flight for its weight.',
        ewma: 'Of two drawn by chance the one that answered faster lately.',
        ringHash: 'The same key to the same endpoint, by a ring as Envoy has it.',
        maglev: "The same key to the same endpoint, by Maglev's table: faster, and shares are more even.",
        consistentHash: "The same key to the same endpoint, as APISIX's chash.",
        hashModulo: 'The hash of the key modulo the number of endpoints: any change moves most keys.',
        weightedOrder: 'Each as often in a row as its weight says.',
        leastRecentlyUsed: 'The one that was not used for the longest time.',
        pickFirst: 'The first one that can be used.',
      }),
      object(
        'One that takes more.',
        {
          leastRequest: ref('leastRequest', 'Draws some by chance.'),
          ringHash: ref('ringHash', 'A ring as Envoy has it.'),
          maglev: ref('maglev', 'The table of Maglev.'),
        },
        exactlyOne('leastRequest', 'ringHash', 'maglev'),
      ),
    ],
  },

  leastRequest: object('The one of some drawn by chance with the fewest requests in flight.', {
    choices: integer(2, 100, 'How many are drawn.', { default: 2 }),
  }),

  ringHash: object('A ring as Envoy has it.', {
    hash: {
      ...words('The hash of the points.', {
        xxHash: 'XXH64.',
        murmurHash2: 'MurmurHash2, as libstdc++ has it.',
      }),
      default: 'xxHash',
    },
    minSize: integer(1, 8_388_608, 'Points on the ring at least.', { default: 1024 }),
    maxSize: integer(1, 8_388_608, 'And at most.', { default: 8_388_608 }),
  }),

  maglev: object("Maglev's table.", {
    tableSize: integer(2, 5_000_011, 'Its size, a prime.', { default: 65_537 }),
  }),

  hashOn: {
    description: 'What keeps requests together: one source, or several whose hashes are combined.',
    anyOf: [
      ref('hashSource', 'The only source.'),
      list(ref('hashSource', 'A source.'), 16, 'Sources, in order; one without a value adds nothing.', {
        minItems: 1,
        examples: [[{ cookie: 'session', terminal: true }, { address: true }]],
      }),
    ],
  },

  hashSource: object(
    'Where the key comes from.',
    {
      header: text('A header field, by its name in any case.', {
        pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
        patternWords: 'a field name',
        maxLength: 256,
        examples: ['x-user'],
      }),
      query: text('An argument of the query, by its name.', { minLength: 1, maxLength: 256 }),
      cookie: text('A cookie, by its name.', { minLength: 1, maxLength: 256 }),
      variable: text('Any variable, by its name.', { format: 'variable', minLength: 1, maxLength: 512 }),
      address: { type: 'boolean', const: true, description: 'The address of the client.' },
      template: text('Several things in one text: `${header.x-tenant}/${path}`.', {
        format: 'template',
        minLength: 1,
        maxLength: 8192,
      }),
      terminal: flag(false, 'Whether the sources behind it are left alone once it has a value.'),
    },
    exactlyOne(...HASH_SOURCES),
  ),

  levels: object(
    'How endpoints of several priorities, or zones, share the traffic.',
    {
      mode: {
        ...words('When a lower priority gets traffic.', {
          strict: 'When no endpoint of the higher ones can be used or is left to try.',
          overprovisioned:
            'In the measure in which `factor` times the usable share of the higher ones falls short of all (as Envoy).',
        }),
        default: 'strict',
      },
      factor: number(1, 100, 'Of `overprovisioned`.', { default: 1.4 }),
      panicBelow: ref(
        'percent',
        'When fewer endpoints than this share can be used, all are used but those an operator switched off. `0%`: only when none can.',
        { default: '50%' },
      ),
      preferZone: flag(
        false,
        "Whether endpoints in another zone than the gateway's (setting `zone`) come a level later.",
      ),
    },
    { examples: [{ mode: 'overprovisioned', panicBelow: '30%' }] },
  ),

  sticky: object(
    'Keeps a client on one side of the split: by a cookie that the first answer sets, or by the hash of a key. More weight for a target only adds clients to it.',
    {
      cookie: text(
        'The name of the cookie. It holds a mark of the target, which changes when the target is called otherwise.',
        {
          pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
          patternWords: 'a name of a cookie',
          maxLength: 64,
          examples: ['variant'],
        },
      ),
      maxAge: integer(0, 31_536_000, 'Seconds that it lasts. 0: until the browser is closed.', {
        default: 0,
      }),
      path: text('Its path.', {
        pattern: '^/[!-:<-~]*$',
        patternWords: 'a path without spaces and semicolons',
        maxLength: 1024,
        default: '/',
      }),
      secure: flag(false, 'Whether it goes over https only.'),
      httpOnly: flag(true, 'Whether scripts do not see it.'),
      sameSite: words('Whether it goes along from other sites. Default: the browser decides.', {
        lax: 'With links.',
        strict: 'Never.',
        none: 'Always.',
      }),
      keepZeroWeight: flag(false, 'Whether a client keeps a target whose weight is 0 now.'),
      hashOn: ref('hashOn', 'The key. Requests without one are kept by the address of the client.'),
    },
    {
      ...exactlyOne('cookie', 'hashOn'),
      not: {
        anyOf: ['maxAge', 'path', 'secure', 'httpOnly', 'sameSite', 'keepZeroWeight'].map((key) => ({
          required: ['hashOn', key] as const,
        })),
      },
      examples: [{ cookie: 'variant', maxAge: 86_400 }, { hashOn: { header: 'x-user' } }],
    },
  ),

  forced: {
    description:
      'Where requests may name a target, by its name in metrics and logs: above the weights, also one of weight 0.',
    anyOf: [
      ref('forcedSource', 'The only place.'),
      list(ref('forcedSource', 'A place.'), 20, 'Places; the first that is the name of a target decides.', {
        minItems: 1,
      }),
    ],
  },

  forcedSource: object(
    'A header field or a cookie.',
    {
      header: text('A header field, by its name.', {
        pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
        patternWords: 'a field name',
        maxLength: 256,
        examples: ['x-variant'],
      }),
      cookie: text('A cookie, by its name.', { minLength: 1, maxLength: 256 }),
    },
    exactlyOne('header', 'cookie'),
  ),

  whenOut: {
    description: 'What becomes of the share of a target none of whose endpoints can be used.',
    anyOf: [
      words('A word.', {
        error: 'Those requests fail (503).',
        spill: 'The targets that live share it by their weights.',
      }),
      object(
        'Another target gets it.',
        { target: text('The name of the target.', { minLength: 1, maxLength: 256 }) },
        { required: ['target'] },
      ),
    ],
  },
}
