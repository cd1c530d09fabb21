import type { LuaSchema } from './lua-schema.ts'

/**
 * What Headgate adds to the documents of APISIX: one object, `headgate`, on an upstream and on a rule of traffic-split. APISIX itself refuses it on an
 * upstream, and takes no notice of it in the plugin. Times are seconds, as everywhere in these documents.
 */

function seconds(description: string, fallback: number | null, minimum = 0): LuaSchema {
  const schema: LuaSchema = { description, type: 'number', minimum, maximum: 86_400 }
  return fallback === null ? schema : { ...schema, default: fallback }
}

function whole(description: string, minimum: number, maximum: number, fallback: number | null): LuaSchema {
  const schema: LuaSchema = { description, type: 'integer', minimum, maximum }
  return fallback === null ? schema : { ...schema, default: fallback }
}

function flag(description: string, fallback: boolean): LuaSchema {
  return { description, type: 'boolean', default: fallback }
}

function section(description: string, properties: Readonly<Record<string, LuaSchema>>): LuaSchema {
  return { description, type: 'object', properties, additionalProperties: false }
}

const OUTLIER = section('Takes out nodes that fail live requests, for a while. Works without checks.', {
  consecutive_failures: whole(
    'So many failures in a row (refused, reset, timed out, 502-504) take a node out; 0 = off.',
    0,
    1000,
    5,
  ),
  window: seconds('Length of the window of error_ratio, error_count and latency_factor.', 10, 1),
  min_requests: whole(
    'Requests of a node in the window below which its ratio and latency say nothing.',
    1,
    1_000_000,
    20,
  ),
  error_ratio: {
    description: 'Share of failures in the window that takes a node out.',
    type: 'number',
    exclusiveMinimum: 0,
    maximum: 1,
  },
  error_count: whole('Number of failures in the window that takes a node out.', 1, 1_000_000, null),
  server_errors: flag('Whether all statuses from 500 on count in the window, not only 502-504.', false),
  latency_factor: {
    description:
      'A node whose mean latency in the window is over so many times that of the others is taken out.',
    type: 'number',
    minimum: 1.1,
    maximum: 100,
  },
  base_ejection: seconds('How long a node is out the first time; the n-th time n times as long.', 30, 0.1),
  max_ejection: seconds(
    'How long it is out at most; so long without a failure makes the next time a first one.',
    300,
    0.1,
  ),
  max_ejection_percent: whole('Share of the nodes that may be out at once; one always stays.', 0, 100, 50),
  trial: flag('Whether one request goes first when the time is over.', true),
})

const LEVELS = section('How priorities and zones share the traffic.', {
  mode: {
    description:
      'strict: a priority serves only when all above are out. overprovisioned: a priority gives traffic to the next one in the measure in which factor times its healthy share falls short of all.',
    type: 'string',
    enum: ['strict', 'overprovisioned'],
    default: 'strict',
  },
  factor: { description: 'See mode.', type: 'number', minimum: 1, maximum: 100, default: 1.4 },
  panic_percent: whole(
    'Below this share of healthy nodes all are used; 0: only when none is healthy.',
    0,
    100,
    0,
  ),
  prefer_zone: flag(
    "Whether nodes in another zone (metadata.zone) than the gateway's (setting zone) come a level later.",
    false,
  ),
})

const RETRY = section('More about further tries.', {
  attempt_timeout: seconds(
    'A try without the head of an answer for so long is over; 0 = the timeouts alone.',
    0,
  ),
  on_statuses: {
    description: 'Statuses that are tried again on another node. The last answer goes out as it came.',
    type: 'array',
    uniqueItems: true,
    items: { description: 'A status.', type: 'integer', minimum: 400, maximum: 599 },
  },
  non_idempotent: flag('Whether POST and PATCH are sent again as well after bytes went out.', false),
  budget_ratio: {
    description:
      'Tries after bytes went out: share of the requests of the last 10 s. By default that of the settings; 0.2 beside budget_per_second.',
    type: 'number',
    minimum: 0,
    maximum: 1,
  },
  budget_per_second: {
    description: 'And so many per second beside; 3 beside budget_ratio.',
    type: 'number',
    minimum: 0,
    maximum: 1_000_000,
  },
})

const LIMITS = section('Bounds on what is sent to the upstream, shared out over the workers. 0 = none.', {
  max_connections: whole('Connections to all nodes.', 0, 1_000_000, 0),
  max_connections_per_node: whole('Connections to one node.', 0, 1_000_000, 0),
  max_requests: whole('Requests in flight, waiting ones included.', 0, 1_000_000, 0),
  max_requests_per_node: whole(
    'Requests in flight at one node; it is passed over while another is free.',
    0,
    1_000_000,
    0,
  ),
  max_pending: whole('Requests that may wait for a connection.', 0, 1_000_000, 1024),
  pending_timeout: seconds('How long one may wait.', 5, 0.001),
  max_retries: whole('Retries in flight.', 0, 1_000_000, 0),
})

const PEM: LuaSchema = {
  description: 'Certificates, PEM.',
  type: 'string',
  minLength: 1,
  maxLength: 1_048_576,
}

/** `headgate` of an upstream. */
export const ADDED_TO_UPSTREAM: LuaSchema = section('Added by Headgate; APISIX does not know it.', {
  outlier: OUTLIER,
  levels: LEVELS,
  retry: RETRY,
  pool: section('More about kept connections.', {
    max_age: seconds('A connection older than this is not used again; 0 = no bound.', 0),
  }),
  limits: LIMITS,
  tls: section('More about TLS towards the nodes.', {
    ca: { ...PEM, description: "Certificates (PEM) that are trusted in place of the system's." },
    server_name: {
      description: 'Name asked for and verified; by default the Host that is sent.',
      type: 'string',
      minLength: 1,
      maxLength: 253,
    },
  }),
})

const NAMES: LuaSchema = {
  type: 'array',
  minItems: 1,
  maxItems: 10,
  uniqueItems: true,
  items: { description: 'A name.', type: 'string', pattern: '^[a-zA-Z0-9_-]{1,64}$' },
}

/** `headgate` of a rule of traffic-split. */
export const ADDED_TO_SPLIT: LuaSchema = section('Added by Headgate; APISIX takes no notice of it.', {
  forced: section('Fields or cookies whose value is the name of a branch choose it, above the weights.', {
    headers: { ...NAMES, description: 'Names of header fields.' },
    cookies: { ...NAMES, description: 'Names of cookies.' },
  }),
  sticky: section('Keeps a client on a branch: by a cookie, or by the hash of a key.', {
    cookie: { description: 'Name of the cookie.', type: 'string', pattern: '^[a-zA-Z0-9_-]{1,64}$' },
    max_age: whole('Seconds the cookie lasts; 0: until the browser is closed.', 0, 31_536_000, 0),
    path: { description: 'Path of the cookie.', type: 'string', pattern: '^/[!-:<-~]*$', default: '/' },
    secure: flag('Whether the cookie goes over https only.', false),
    http_only: flag('Whether scripts do not see it.', true),
    same_site: { description: 'SameSite of the cookie.', type: 'string', enum: ['lax', 'strict', 'none'] },
    keep_zero_weight: flag('Whether a client keeps a branch whose weight is 0 now.', false),
    hash_on: {
      description: 'Where the key of the hash comes from.',
      type: 'string',
      enum: ['vars', 'header', 'cookie', 'consumer', 'vars_combinations'],
    },
    key: { description: 'Name of what is hashed.', type: 'string', minLength: 1, maxLength: 256 },
  }),
  when_out: {
    description:
      'What becomes of the share of a branch none of whose nodes can serve: error (it fails), spill (the others share it), or the name of a branch that gets it.',
    type: 'string',
    minLength: 1,
    maxLength: 256,
    default: 'error',
  },
})
