import { ADDED_TO_SPLIT } from './added-fields.ts'
import type { LuaSchema } from './lua-schema.ts'
import { UPSTREAM } from './schema.ts'
import { reference, VARS } from './schema-parts.ts'

/**
 * Configuration schemas of the plugins (spec 6.1, 9.1). Extra properties are tolerated in all of them, as in the reference; what a
 * schema cannot say (patterns that compile, expressions, base64) is checked by plugins/*.ts.
 */

export const META: LuaSchema = {
  description: 'How the plugin is run; the same for every plugin.',
  type: 'object',
  properties: {
    disable: {
      description: 'Switches the plugin off, an inherited one too; the rest is then not checked.',
      type: 'boolean',
      default: false,
    },
    priority: { description: "Replaces the plugin's own priority.", type: 'integer' },
    filter: { ...VARS, description: 'The plugin runs only if these conditions hold.' },
    error_response: {
      description: 'Body that replaces the one of an answer >= 400 made by the plugin.',
      oneOf: [{ type: 'string' }, { type: 'object' }],
    },
  },
}

export const TRAFFIC_SPLIT: LuaSchema = {
  description: 'Sends shares of the traffic to different upstreams.',
  type: 'object',
  properties: {
    _meta: META,
    rules: {
      description: 'The first rule that holds decides.',
      type: 'array',
      items: {
        description: 'A condition and weighted upstreams.',
        type: 'object',
        properties: {
          match: {
            description: 'Alternatives; absent or empty: always.',
            type: 'array',
            items: {
              description: 'One alternative.',
              type: 'object',
              properties: { vars: VARS },
            },
          },
          weighted_upstreams: {
            description: 'Upstreams and their shares.',
            type: 'array',
            minItems: 1,
            maxItems: 20,
            default: [{ weight: 1 }],
            items: {
              description: "One share. Without upstream and upstream_id: the route's own upstream.",
              type: 'object',
              properties: {
                upstream_id: reference('Id of the upstream; wins over upstream.'),
                upstream: UPSTREAM,
                weight: {
                  description: 'Share; 0 never gets a request.',
                  type: 'integer',
                  minimum: 0,
                  default: 1,
                },
              },
            },
          },
          headgate: ADDED_TO_SPLIT,
        },
      },
    },
  },
}

const SCALAR_VALUE: LuaSchema = {
  description: 'A template or a number.',
  oneOf: [{ type: 'string' }, { type: 'number' }],
}
const VALUE_OR_LIST: LuaSchema = {
  description: 'A template or a number, or a list of them, one field line each.',
  oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'array', minItems: 1, items: SCALAR_VALUE }],
}
const FIELD_NAME = '^[^:]+$'
const FIELD_NAMES: LuaSchema = {
  description: 'Names of fields to remove.',
  type: 'array',
  minItems: 1,
  items: { description: 'A field name.', type: 'string', pattern: FIELD_NAME },
}

function fields(description: string, value: LuaSchema): LuaSchema {
  return {
    description,
    type: 'object',
    minProperties: 1,
    patternProperties: { [FIELD_NAME]: value },
    additionalProperties: false,
  }
}

export const KEY_AUTH: LuaSchema = {
  description: 'Finds the consumer that a request is from by a key; without a good one it is refused (401).',
  type: 'object',
  properties: {
    _meta: META,
    header: { description: 'Field that has the key.', type: 'string', default: 'apikey' },
    query: {
      description: 'Argument that has the key where the field is absent.',
      type: 'string',
      default: 'apikey',
    },
    hide_credentials: {
      description: 'The upstream does not get the key.',
      type: 'boolean',
      default: false,
    },
    anonymous_consumer: {
      description: 'Consumer that requests without a good key are from.',
      type: 'string',
      minLength: 1,
    },
    realm: { description: 'Realm in WWW-Authenticate.', type: 'string', default: 'key' },
  },
}

/** key-auth of a consumer. */
export const KEY_AUTH_OF_CONSUMER: LuaSchema = {
  description: 'By what requests show that they are from this consumer.',
  type: 'object',
  properties: { _meta: META, key: { description: 'The key. Keep it secret.', type: 'string' } },
  required: ['key'],
}

export const PROXY_REWRITE: LuaSchema = {
  description: 'Changes the request on its way to the upstream.',
  type: 'object',
  properties: {
    _meta: META,
    uri: {
      description: 'Template of the new path, with a query if it has one.',
      type: 'string',
      minLength: 1,
      maxLength: 4096,
      pattern: '^\\/.*',
    },
    regex_uri: {
      description:
        'Pairs of pattern and replacement; the first pattern that hits is used. Ignored beside uri.',
      type: 'array',
      minItems: 2,
      items: { description: 'A pattern, or its replacement.', type: 'string' },
    },
    method: {
      description: 'Method sent upstream.',
      type: 'string',
      enum: [
        'GET',
        'POST',
        'PUT',
        'HEAD',
        'DELETE',
        'OPTIONS',
        'PATCH',
        'TRACE',
        'MKCOL',
        'COPY',
        'MOVE',
        'PROPFIND',
        'LOCK',
        'UNLOCK',
      ],
    },
    host: {
      description: 'Host sent upstream, where the upstream passes the host.',
      type: 'string',
      pattern: '^[0-9a-zA-Z-.]+(:\\d{1,5})?$',
    },
    headers: {
      description: 'Changes of header fields: add, set and remove, or a plain map that works as set.',
      oneOf: [
        {
          title: 'add, set, remove',
          type: 'object',
          minProperties: 1,
          properties: {
            add: fields('Further lines of these fields.', VALUE_OR_LIST),
            set: fields('New values of these fields.', VALUE_OR_LIST),
            remove: FIELD_NAMES,
          },
          additionalProperties: false,
        },
        { title: 'plain map', ...fields('New values of these fields.', SCALAR_VALUE) },
      ],
    },
    use_real_request_uri_unsafe: {
      description: 'Works on the raw request target instead of the decoded path.',
      type: 'boolean',
      default: false,
    },
  },
}

export const REDIRECT: LuaSchema = {
  description: 'Answers with a redirect.',
  type: 'object',
  properties: {
    _meta: META,
    uri: { description: 'Template of the Location.', type: 'string', minLength: 2 },
    regex_uri: {
      description: 'Pattern and replacement that make the Location from the path.',
      type: 'array',
      minItems: 2,
      maxItems: 2,
      items: { description: 'The pattern, then the replacement.', type: 'string' },
    },
    http_to_https: { description: 'Sends plain requests to the same address under https.', type: 'boolean' },
    // The reference has no upper bound and breaks its own answer above 599.
    ret_code: { description: 'Status.', type: 'integer', minimum: 200, maximum: 599, default: 302 },
    encode_uri: { description: 'Encodes the Location.', type: 'boolean', default: false },
    append_query_string: {
      description: "Puts the client's query behind the Location.",
      type: 'boolean',
      default: false,
    },
  },
  oneOf: [{ required: ['uri'] }, { required: ['regex_uri'] }, { required: ['http_to_https'] }],
}

export const RESPONSE_REWRITE: LuaSchema = {
  description: 'Changes the answer on its way to the client.',
  type: 'object',
  properties: {
    _meta: META,
    headers: {
      description: 'Changes of header fields: add, set and remove, or a plain map that works as set.',
      anyOf: [
        { title: 'plain map', ...fields('New values of these fields.', SCALAR_VALUE) },
        {
          title: 'add, set, remove',
          type: 'object',
          properties: {
            // Wider than the reference's pattern, which allows no second colon and no slash at the end.
            add: {
              description: 'Lines `Name: value` to add.',
              type: 'array',
              minItems: 1,
              items: { description: 'One line.', type: 'string', pattern: '^[^:\\r\\n]+:[^\\r\\n]*$' },
            },
            set: fields('New values of these fields.', SCALAR_VALUE),
            remove: FIELD_NAMES,
          },
        },
      ],
    },
    body: { description: 'New body.', type: 'string' },
    body_base64: { description: 'The body is written in base64.', type: 'boolean', default: false },
    status_code: { description: 'New status.', type: 'integer', minimum: 200, maximum: 598 },
    vars: { ...VARS, description: 'The plugin works only if these conditions hold.' },
    filters: {
      description: "Replacements inside the backend's body. Not supported: refused.",
      type: 'array',
      minItems: 1,
      items: {
        description: 'One replacement.',
        type: 'object',
        properties: {
          regex: { description: 'Pattern.', type: 'string', minLength: 1 },
          replace: { description: 'Replacement.', type: 'string' },
          scope: {
            description: 'First hit or all.',
            type: 'string',
            enum: ['once', 'global'],
            default: 'once',
          },
          options: { description: 'Pattern options.', type: 'string', default: 'jo' },
        },
        required: ['regex', 'replace'],
      },
    },
    max_resp_body_size: {
      description: 'Bytes that filters collect. Not supported: refused.',
      type: 'integer',
      minimum: 1,
      default: 67108864,
    },
  },
  not: { required: ['body', 'filters'] },
}
