import type { Kind } from './kinds.ts'
import {
  duration,
  type Field,
  flag,
  list,
  type Message,
  message,
  refused,
  tags,
  text,
  uint32,
  unserved,
} from './message.ts'

/** The messages of the resources (spec/kuma.md 2 and 8), with our own fields in TrafficRoute (12). */

const HEAD: Readonly<Record<string, Field>> = {
  type: text,
  mesh: text,
  name: text,
  creationTime: { kind: 'owned' },
  modificationTime: { kind: 'owned' },
}

const { mesh: _, ...MESH_HEAD } = HEAD

/** Ring sizes where none is written (Envoy's), and the cap of both. */
export const MIN_RING_SIZE = 1024
export const MAX_RING_SIZE = 8_388_608
export const HASH_FUNCTION = 'XX_HASH'
/** Hosts that leastRequest compares where nothing is written. */
export const CHOICE_COUNT = 2
/** Where an outbound listens that names no address. */
export const OUTBOUND_ADDRESS = '127.0.0.1'

const SELECTORS = list(message({ match: tags }))
const SPLIT = list(message({ weight: uint32, destination: tags }))
const MATCHER: Message = { fields: { prefix: text, exact: text, regex: text } }
const matcher: Field = { kind: 'message', of: MATCHER }
const matchers: Field = { kind: 'map', of: MATCHER }
const REPLACE = message({ pattern: text, substitution: text })
const HEADERS = message({
  add: list(message({ name: text, value: text, append: flag })),
  remove: list(message({ name: text })),
})

const HASH_POLICIES = list(
  message({
    type: text,
    terminal: flag,
    header: message({ name: text }),
    cookie: message({ name: text, ttl: duration, path: text }),
    connection: message({ sourceIP: flag }),
    queryParameter: message({ name: text }),
  }),
)

const LOAD_BALANCER = message({
  roundRobin: { ...message({}), aliases: ['round_robin'] },
  leastRequest: {
    ...message({ choiceCount: { ...uint32, aliases: ['choice_count'], same: [0, CHOICE_COUNT] } }),
    aliases: ['least_request'],
  },
  ringHash: {
    ...message({
      hashFunction: { ...text, aliases: ['hash_function'], same: ['', HASH_FUNCTION] },
      minRingSize: {
        kind: 'integer',
        bits: 64,
        aliases: ['min_ring_size'],
        misprints: ['minringsize'],
        same: [0, MIN_RING_SIZE],
      },
      maxRingSize: {
        kind: 'integer',
        bits: 64,
        aliases: ['max_ring_size'],
        misprints: ['maxringsize'],
        same: [0, MAX_RING_SIZE],
      },
      hashPolicies: HASH_POLICIES,
    }),
    aliases: ['ring_hash'],
  },
  random: message({}),
  maglev: message({ hashPolicies: HASH_POLICIES }),
})

const TRAFFIC_ROUTE: Message = {
  fields: {
    ...HEAD,
    sources: SELECTORS,
    destinations: SELECTORS,
    conf: message({
      split: SPLIT,
      destination: tags,
      loadBalancer: { ...LOAD_BALANCER, aliases: ['load_balancer'] },
      http: list(
        message({
          match: message({ method: matcher, path: matcher, headers: matchers, queryParameters: matchers }),
          modify: message({
            path: message({ rewritePrefix: text, regex: REPLACE }),
            host: message({ value: text, fromPath: REPLACE }),
            requestHeaders: HEADERS,
            responseHeaders: HEADERS,
          }),
          split: SPLIT,
          destination: tags,
          mirror: message({ percentage: { kind: 'number', same: [100] }, destination: tags }),
        }),
      ),
      timeout: message({
        connectTimeout: duration,
        idleTimeout: duration,
        http: message({ requestTimeout: duration }),
      }),
      retry: message({
        numRetries: uint32,
        perTryTimeout: duration,
        retriableStatusCodes: list(uint32),
      }),
    }),
  },
}

const MESH: Message = {
  fields: {
    ...MESH_HEAD,
    mtls: message({
      enabledBackend: refused(
        'mTLS between proxies is not served: traffic would go unencrypted; leave enabledBackend out',
        '',
      ),
      backends: unserved('mTLS between proxies is not served'),
      skipValidation: unserved('mTLS between proxies is not served', false),
    }),
    routing: message({
      localityAwareLoadBalancing: flag,
      zoneEgress: refused(
        'there is no zone egress: traffic to external services would leave from every proxy; leave zoneEgress out',
        false,
      ),
    }),
    networking: message({
      outbound: message({
        passthrough: unserved(
          'traffic is not captured: a proxy serves its inbounds and outbounds, and nothing else',
        ),
      }),
    }),
    constraints: message({
      dataplaneProxy: message({
        requirements: refused('which proxies may join is not limited by their tags here'),
        restrictions: refused('which proxies may join is not limited by their tags here'),
      }),
    }),
    skipCreatingInitialPolicies: list(text),
    tracing: unserved('proxies are not traced by their mesh'),
    logging: unserved('proxies do not log by their mesh; they have access logs of their own'),
    metrics: unserved('proxies have metrics of their own, at their admin port'),
  },
}

const SERVICE_PROBE = message({
  interval: duration,
  timeout: duration,
  healthyThreshold: { ...uint32, aliases: ['healthy_threshold'] },
  unhealthyThreshold: { ...uint32, aliases: ['unhealthy_threshold'] },
  tcp: message({}),
})

/** In the order of their numbers. */
const STATES = ['Ready', 'NotReady', 'Ignored'] as const
const GATEWAY_TYPES = ['DELEGATED', 'BUILTIN'] as const

const DATAPLANE: Message = {
  fields: {
    ...HEAD,
    networking: message({
      address: text,
      advertisedAddress: text,
      admin: message({ port: { ...uint32, same: [0] } }),
      inbound: list(
        message({
          port: uint32,
          servicePort: { ...uint32, same: [0] },
          serviceAddress: { ...text, same: [''] },
          address: { ...text, same: [''] },
          health: message({ ready: { kind: 'flag', same: [true] } }),
          state: { kind: 'choice', words: STATES, same: ['Ready'] },
          serviceProbe: SERVICE_PROBE,
          tags,
        }),
      ),
      outbound: list(message({ port: uint32, address: { ...text, same: ['', OUTBOUND_ADDRESS] }, tags })),
      gateway: message({ type: { kind: 'choice', words: GATEWAY_TYPES, same: ['DELEGATED'] }, tags }),
      transparentProxying: {
        ...unserved('traffic is not captured: applications reach others at the addresses of the outbounds'),
        aliases: ['transparent_proxying'],
      },
    }),
    metrics: unserved('proxies have metrics of their own, at their admin port'),
    probes: unserved('there are no virtual probes: applications are probed where they listen'),
  },
}

const SOURCE = message({
  secret: refused('secrets of a mesh are not held here: write the text itself as inlineString', ''),
  file: refused('files of the control plane are not read: write the text itself as inlineString', ''),
  inline: text,
  inlineString: { ...text, aliases: ['inline_string'] },
})

const EXTERNAL_SERVICE: Message = {
  fields: {
    ...HEAD,
    tags,
    networking: message({
      address: text,
      tls: message({
        enabled: flag,
        serverName: { ...text, aliases: ['server_name'] },
        caCert: { ...SOURCE, aliases: ['ca_cert'] },
        clientCert: { ...SOURCE, aliases: ['client_cert'] },
        clientKey: { ...SOURCE, aliases: ['client_key'] },
        allowRenegotiation: {
          ...unserved('TLS connections are not negotiated anew', false),
          aliases: ['allow_renegotiation'],
        },
        skipHostnameVerification: { ...flag, aliases: ['skip_hostname_verification'] },
      }),
    }),
  },
}

export const MESSAGES: Readonly<Record<Kind, Message>> = {
  meshes: MESH,
  'external-services': EXTERNAL_SERVICE,
  dataplanes: DATAPLANE,
  'traffic-routes': TRAFFIC_ROUTE,
}
