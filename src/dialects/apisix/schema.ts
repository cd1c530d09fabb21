import { ADDED_TO_UPSTREAM } from './added-fields.ts'
import { CHECKS } from './check-schema.ts'
import type { LuaSchema } from './lua-schema.ts'
import {
  ADDRESS,
  CREATE_TIME,
  DESC,
  ENABLE_WEBSOCKET,
  HOST,
  ID,
  LABELS,
  METHOD_NAMES,
  NAME,
  PLUGINS,
  reference,
  TIMEOUT,
  UPDATE_TIME,
  VARS,
} from './schema-parts.ts'
import { SSL } from './ssl-schema.ts'

/**
 * The resources of spec/apisix.md 2, 4 and 9 as schemas. They are also served at /apisix/admin/schema/*. Fields that this version
 * refuses are in them, because their own faults come first in the reference; validate.ts refuses them afterwards.
 */

const WEIGHT: LuaSchema = {
  description: 'Share of the node; 0 never gets a request.',
  type: 'integer',
  minimum: 0,
}

export const NODES: LuaSchema = {
  description: 'The nodes: a map of host:port to weight, or a list. Empty: 503.',
  anyOf: [
    { title: 'map of address to weight', type: 'object', patternProperties: { '.*': WEIGHT } },
    {
      title: 'list of nodes',
      type: 'array',
      items: {
        description: 'One node.',
        type: 'object',
        properties: {
          host: { ...HOST, description: 'Name or address; an IPv6 address in brackets.' },
          port: {
            description: 'Port; by default that of the scheme (80, 443).',
            type: 'integer',
            minimum: 1,
            maximum: 65535,
          },
          weight: WEIGHT,
          priority: {
            description: 'Order: a lower one is used only when all higher ones are unusable.',
            type: 'integer',
            default: 0,
          },
          metadata: { description: 'Free data about the node.', type: 'object' },
        },
        required: ['host', 'weight'],
      },
    },
  ],
}

const WARM_UP: LuaSchema = {
  description: 'A new or recovered node begins with a part of its weight, which grows.',
  type: 'object',
  properties: {
    slow_start_time_seconds: {
      description: 'Seconds until it has its whole weight.',
      type: 'integer',
      minimum: 1,
      maximum: 86_400,
    },
    min_weight_percent: {
      description: 'Part of its weight that it begins with.',
      type: 'integer',
      minimum: 1,
      maximum: 100,
    },
    aggression: {
      description: '1: the part grows evenly; more: faster at first.',
      type: 'number',
      minimum: 0.01,
      maximum: 100,
      default: 1,
    },
    interval: {
      description: 'Seconds between two steps.',
      type: 'integer',
      minimum: 1,
      maximum: 3600,
      default: 1,
    },
    startup_grace_period_seconds: {
      description: 'Nodes that come so soon after the start of the gateway are not new.',
      type: 'integer',
      minimum: 0,
      maximum: 86_400,
      default: 0,
    },
  },
  required: ['slow_start_time_seconds', 'min_weight_percent'],
  additionalProperties: false,
}

export const UPSTREAM: LuaSchema = {
  description: 'A group of nodes, and how to balance over them and speak to them.',
  type: 'object',
  properties: {
    id: ID,
    name: NAME,
    desc: DESC,
    labels: LABELS,
    create_time: CREATE_TIME,
    update_time: UPDATE_TIME,
    type: {
      description:
        'How a node is picked: in turn; by the hash of a key; the one with the fewest requests; of two the quicker one.',
      type: 'string',
      enum: ['roundrobin', 'chash', 'ewma', 'least_conn'],
      default: 'roundrobin',
    },
    nodes: NODES,
    hash_on: {
      description: 'Where the hash key comes from (type chash only).',
      type: 'string',
      enum: ['vars', 'header', 'cookie', 'consumer', 'vars_combinations'],
      default: 'vars',
    },
    key: { description: 'Name of what is hashed (type chash only).', type: 'string' },
    checks: CHECKS,
    retries: {
      description: 'Further tries after the first; by default one less than there are nodes. 0 = none.',
      type: 'integer',
      minimum: 0,
    },
    retry_timeout: {
      description: 'No new try after so many seconds; 0 = no bound.',
      type: 'number',
      minimum: 0,
      default: 0,
    },
    timeout: { ...TIMEOUT, default: { connect: 60, send: 60, read: 60 } },
    pass_host: {
      description: "Host sent upstream: the client's, the node's, or upstream_host.",
      type: 'string',
      enum: ['pass', 'node', 'rewrite'],
      default: 'pass',
    },
    upstream_host: { ...HOST, description: 'Host sent upstream with pass_host rewrite.' },
    scheme: {
      description: 'What the nodes speak. This version knows http and https and refuses the others.',
      type: 'string',
      enum: ['http', 'https', 'grpc', 'grpcs', 'tcp', 'tls', 'udp', 'kafka'],
      default: 'http',
    },
    keepalive_pool: {
      description: 'Idle connections to the nodes.',
      type: 'object',
      properties: {
        size: { description: 'Idle connections kept per node.', type: 'integer', minimum: 1, default: 320 },
        idle_timeout: {
          description: 'Seconds after which an idle connection is closed; 0 = at once.',
          type: 'number',
          minimum: 0,
          default: 60,
        },
        requests: { description: 'Requests per connection.', type: 'integer', minimum: 1, default: 1000 },
      },
    },
    warm_up_conf: WARM_UP,
    tls: {
      description: 'TLS towards the nodes.',
      type: 'object',
      properties: {
        client_cert: {
          description: 'Client certificate, PEM.',
          type: 'string',
          minLength: 128,
          maxLength: 65536,
        },
        client_key: {
          description: 'Its private key, PEM.',
          type: 'string',
          minLength: 128,
          maxLength: 65536,
        },
        client_cert_id: reference('Id of one of ssls, of type client, instead of the two.'),
        verify: {
          description: "Whether the node's certificate is verified.",
          type: 'boolean',
          default: false,
        },
      },
    },
    service_name: {
      description: 'Name in a registry; with dns name:port, or a name with SRV records.',
      type: 'string',
      minLength: 1,
      maxLength: 256,
    },
    discovery_type: {
      description: 'Kind of the registry: dns. With others requests get 503.',
      type: 'string',
    },
    discovery_args: {
      description: 'Further arguments for the registry.',
      type: 'object',
      properties: {
        namespace_id: { description: 'Namespace in the registry.', type: 'string' },
        group_name: { description: 'Group in the registry.', type: 'string' },
      },
    },
    headgate: ADDED_TO_UPSTREAM,
  },
  additionalProperties: false,
  oneOf: [{ required: ['nodes'] }, { required: ['service_name', 'discovery_type'] }],
}

const SCRIPT: LuaSchema = {
  description: 'Lua code. Not supported: refused.',
  type: 'string',
  minLength: 10,
  maxLength: 102400,
}

const EITHER_HOST: LuaSchema = eitherOf('host', 'hosts')
const EITHER_ADDRESS: LuaSchema = eitherOf('remote_addr', 'remote_addrs')

function eitherOf(one: string, many: string): LuaSchema {
  return {
    oneOf: [
      { not: { anyOf: [{ required: [one] }, { required: [many] }] } },
      { required: [one] },
      { required: [many] },
    ],
  }
}

export const ROUTE: LuaSchema = {
  description: 'Conditions on a request and what serves it.',
  type: 'object',
  properties: {
    id: ID,
    name: NAME,
    desc: DESC,
    labels: LABELS,
    create_time: CREATE_TIME,
    update_time: UPDATE_TIME,
    uri: {
      description: 'Path pattern: literal, or a prefix with * at the end.',
      type: 'string',
      minLength: 1,
      maxLength: 4096,
    },
    uris: {
      description: 'Several path patterns; any of them.',
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { description: 'A path pattern.', type: 'string', minLength: 1, maxLength: 4096 },
    },
    host: HOST,
    hosts: {
      description: 'Several hosts; any of them.',
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: HOST,
    },
    methods: {
      description: 'Methods that match; absent or empty: all.',
      type: 'array',
      uniqueItems: true,
      items: { description: 'A method.', type: 'string', enum: METHOD_NAMES },
    },
    remote_addr: ADDRESS,
    remote_addrs: {
      description: 'Several client addresses or networks; any of them.',
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: ADDRESS,
    },
    vars: VARS,
    priority: {
      description: 'Orders routes on the same path and host; the higher one goes first.',
      type: 'integer',
      default: 0,
    },
    status: {
      description: '1: in use; 0: takes no part in matching.',
      type: 'integer',
      enum: [1, 0],
      default: 1,
    },
    timeout: { ...TIMEOUT, description: 'Overrides the timeouts of whichever upstream serves, seconds.' },
    enable_websocket: ENABLE_WEBSOCKET,
    plugins: PLUGINS,
    upstream: UPSTREAM,
    upstream_id: reference('Id of the upstream that serves; wins over upstream.'),
    service_id: reference('Id of the service whose settings the route inherits.'),
    plugin_config_id: reference('Id of a plugin configuration that the route inherits.'),
    filter_func: {
      description: 'Lua code. Not supported: refused.',
      type: 'string',
      minLength: 10,
      pattern: '^function',
    },
    script: SCRIPT,
    script_id: reference('Id of a Lua script. Not supported: refused.'),
  },
  additionalProperties: false,
  allOf: [{ oneOf: [{ required: ['uri'] }, { required: ['uris'] }] }, EITHER_HOST, EITHER_ADDRESS],
  anyOf: [
    { required: ['plugins'] },
    { required: ['upstream'] },
    { required: ['upstream_id'] },
    { required: ['service_id'] },
    { required: ['script'] },
  ],
}

export const SERVICE: LuaSchema = {
  description: 'Settings that routes share.',
  type: 'object',
  properties: {
    id: ID,
    name: NAME,
    desc: DESC,
    labels: LABELS,
    create_time: CREATE_TIME,
    update_time: UPDATE_TIME,
    upstream: UPSTREAM,
    upstream_id: reference('Id of the upstream that serves.'),
    plugins: PLUGINS,
    hosts: {
      description: 'Hosts of routes that name none.',
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: HOST,
    },
    enable_websocket: ENABLE_WEBSOCKET,
    script: SCRIPT,
  },
  additionalProperties: false,
}

export const PLUGIN_CONFIG: LuaSchema = {
  description: 'Plugins that routes share.',
  type: 'object',
  properties: {
    id: ID,
    name: NAME,
    desc: DESC,
    labels: LABELS,
    create_time: CREATE_TIME,
    update_time: UPDATE_TIME,
    plugins: PLUGINS,
  },
  required: ['plugins'],
  additionalProperties: false,
}

export const CONSUMER: LuaSchema = {
  description: 'Somebody from whom requests come.',
  type: 'object',
  properties: {
    username: {
      description: 'Its name, and its id.',
      type: 'string',
      minLength: 1,
      maxLength: 100,
      pattern: '^[a-zA-Z0-9_\\-]+$',
    },
    desc: DESC,
    labels: LABELS,
    create_time: CREATE_TIME,
    update_time: UPDATE_TIME,
    group_id: reference('Id of a consumer group. Not supported: refused.'),
    plugins: { description: 'How its requests are known: key-auth.', type: 'object' },
  },
  required: ['username'],
  additionalProperties: false,
}

export const STREAM_ROUTE: LuaSchema = {
  description: 'Conditions on TCP and UDP streams, and what serves those that meet them.',
  type: 'object',
  properties: {
    id: ID,
    name: NAME,
    desc: DESC,
    labels: LABELS,
    create_time: CREATE_TIME,
    update_time: UPDATE_TIME,
    remote_addr: { ...ADDRESS, description: 'Address or network that the client must be in.' },
    server_addr: { ...ADDRESS, description: 'Address or network that the client came to.' },
    server_port: {
      description: 'Port that the client came to.',
      type: 'integer',
      minimum: 1,
      maximum: 65_535,
    },
    sni: {
      ...HOST,
      description:
        'Name that the client asks for in TLS. A leading * stands for any text: `*.x.test` covers `a.b.x.test`, `*x.test` also `x.test` and `ax.test`, `*` every name.',
    },
    upstream: UPSTREAM,
    upstream_id: reference('Id of the upstream that serves; wins over upstream.'),
    service_id: reference('Id of the service whose settings the route inherits.'),
    plugins: PLUGINS,
    protocol: { description: 'xRPC. Not supported: refused.', type: 'object' },
  },
  additionalProperties: false,
}

/** Schemas by collection name. */
export const SCHEMAS: Readonly<Record<string, LuaSchema>> = {
  routes: ROUTE,
  services: SERVICE,
  upstreams: UPSTREAM,
  plugin_configs: PLUGIN_CONFIG,
  ssls: SSL,
  consumers: CONSUMER,
  stream_routes: STREAM_ROUTE,
}
