import type { LuaSchema } from './lua-schema.ts'

/** Pieces that several resource schemas share (spec 1.4, 2, 4.1). */

export const HOST_PATTERN = '^\\*$|^\\*?[0-9a-zA-Z-._\\[\\]:]+$'

export const ID: LuaSchema = {
  description: 'Identifies the object: 1-64 characters of a-z A-Z 0-9 - _ . or an integer from 1 on.',
  anyOf: [
    { type: 'string', minLength: 1, maxLength: 64, pattern: '^[a-zA-Z0-9-_.]+$' },
    { type: 'integer', minimum: 1 },
  ],
}

/** The id of another object. */
export function reference(description: string): LuaSchema {
  return { ...ID, description }
}

export const NAME: LuaSchema = {
  description: 'A name for people; logs and metrics show it.',
  type: 'string',
  minLength: 1,
  maxLength: 256,
}

export const DESC: LuaSchema = { description: 'What the object is for.', type: 'string', maxLength: 256 }

export const LABELS: LuaSchema = {
  description: 'Pairs of key and value to group and find objects by.',
  type: 'object',
  patternProperties: {
    '.*': {
      description: 'A value without blanks.',
      type: 'string',
      minLength: 1,
      maxLength: 256,
      pattern: '^\\S+$',
    },
  },
}

export const CREATE_TIME: LuaSchema = {
  description: 'When the object was made, in seconds since 1970. Set by the server.',
  type: 'integer',
}

export const UPDATE_TIME: LuaSchema = {
  description: 'When the object was last written, in seconds since 1970. Set by the server.',
  type: 'integer',
}

export const TIMEOUT: LuaSchema = {
  description: 'Timeouts towards the upstream, in seconds. All three together.',
  type: 'object',
  properties: {
    connect: { description: 'Until the connection stands, seconds.', type: 'number', exclusiveMinimum: 0 },
    send: {
      description: 'Between two writes to the upstream, seconds.',
      type: 'number',
      exclusiveMinimum: 0,
    },
    read: {
      description: 'Between two reads from the upstream, seconds.',
      type: 'number',
      exclusiveMinimum: 0,
    },
  },
  required: ['connect', 'send', 'read'],
}

export const HOST: LuaSchema = {
  description: 'A host name, or one with a leading * as a wildcard. Case does not matter.',
  type: 'string',
  pattern: HOST_PATTERN,
}

export const METHOD_NAMES = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'HEAD',
  'OPTIONS',
  'CONNECT',
  'TRACE',
  'PURGE',
] as const

const IPV4_PART = '(?:[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])'

/** An address or a network. What the IPv6 network pattern lets through is checked by expression/network.ts as well. */
export const ADDRESS: LuaSchema = {
  description: 'An IPv4 or IPv6 address, or a network in CIDR form.',
  type: 'string',
  anyOf: [
    { title: 'IPv4', type: 'string', format: 'ipv4' },
    {
      title: 'IPv4/CIDR',
      type: 'string',
      pattern: `^${IPV4_PART}(?:\\.${IPV4_PART}){3}/(?:[12]?[0-9]|3[0-2])$`,
    },
    { title: 'IPv6', type: 'string', format: 'ipv6' },
    { title: 'IPv6/CIDR', type: 'string', pattern: '^[a-fA-F0-9]{0,4}:[a-fA-F0-9:.]{0,40}/[0-9]{1,3}$' },
  ],
}

export const VARS: LuaSchema = {
  description:
    'Conditions on variables: a list of [variable, operator, value], joined by AND unless it begins with AND, OR, !AND or !OR.',
  type: 'array',
}

export const ENABLE_WEBSOCKET: LuaSchema = {
  description:
    "Whether requests may change to another protocol (Upgrade), as WebSocket does. A route without it has its service's.",
  type: 'boolean',
}

export const PLUGINS: LuaSchema = { description: 'Plugin configurations by plugin name.', type: 'object' }
