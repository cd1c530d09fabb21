import type { LuaSchema } from './lua-schema.ts'
import { HOST, METHOD_NAMES } from './schema-parts.ts'

/** Health checks of an upstream (spec/apisix.md 5.5). The schema lists statuses one by one where the specification writes ranges. */

const CHECK_TYPE: LuaSchema = {
  description: 'What a check speaks.',
  type: 'string',
  enum: ['http', 'https', 'tcp'],
  default: 'http',
}

function statuses(description: string, values: readonly number[]): LuaSchema {
  return {
    description,
    type: 'array',
    minItems: 1,
    uniqueItems: true,
    items: { description: 'An HTTP status.', type: 'integer', minimum: 200, maximum: 599 },
    default: values,
  }
}

function threshold(description: string, minimum: number, fallback: number): LuaSchema {
  return { description, type: 'integer', minimum, maximum: 254, default: fallback }
}

const INTERVAL: LuaSchema = {
  description: 'Seconds between two probes.',
  type: 'integer',
  minimum: 1,
  default: 1,
}

export const CHECKS: LuaSchema = {
  description: 'Health checks.',
  type: 'object',
  properties: {
    active: {
      description: 'Probes that the gateway sends.',
      type: 'object',
      properties: {
        type: { ...CHECK_TYPE, enum: ['http', 'https', 'tcp', 'grpc'] },
        timeout: {
          description: 'Seconds a probe may take.',
          type: 'number',
          exclusiveMinimum: 0,
          maximum: 3600,
          default: 1,
        },
        concurrency: {
          description: 'Probes under way at once.',
          type: 'integer',
          minimum: 1,
          maximum: 1000,
          default: 10,
        },
        grpc_service: {
          description:
            'Added by Headgate: the service that a probe of type grpc asks for; empty: the whole server.',
          type: 'string',
          maxLength: 256,
          default: '',
        },
        host: { ...HOST, description: 'Host field of a probe; the node name by default.' },
        port: {
          description: 'Port to probe; the node port by default.',
          type: 'integer',
          minimum: 1,
          maximum: 65535,
        },
        http_method: {
          description: 'Method of a probe.',
          type: 'string',
          enum: METHOD_NAMES,
          default: 'GET',
        },
        http_path: { description: 'Path of a probe.', type: 'string', default: '/' },
        http_req_body: { description: 'Body of a probe.', type: 'string', default: '' },
        https_verify_certificate: {
          description: 'Whether a probe verifies the certificate.',
          type: 'boolean',
          default: true,
        },
        req_headers: {
          description: 'Header lines of a probe, Name: value.',
          type: 'array',
          minItems: 1,
          items: { description: 'One line.', type: 'string' },
        },
        healthy: {
          description: 'When a node counts as healthy again.',
          type: 'object',
          properties: {
            interval: INTERVAL,
            http_statuses: statuses('Statuses of success.', [200, 302]),
            successes: threshold('Successes in a row that are needed.', 1, 2),
          },
        },
        unhealthy: {
          description: 'When a node counts as unhealthy.',
          type: 'object',
          properties: {
            interval: INTERVAL,
            http_statuses: statuses('Statuses of failure.', [429, 404, 500, 501, 502, 503, 504, 505]),
            http_failures: threshold('HTTP failures in a row.', 1, 5),
            tcp_failures: threshold('Connection failures in a row.', 1, 2),
            timeouts: threshold('Timeouts in a row.', 1, 3),
          },
        },
      },
    },
    passive: {
      description: 'Judgement by live traffic.',
      type: 'object',
      properties: {
        type: CHECK_TYPE,
        healthy: {
          description: 'When a node counts as healthy again.',
          type: 'object',
          properties: {
            http_statuses: statuses(
              'Statuses of success.',
              [200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 306, 307, 308],
            ),
            successes: threshold('Successes in a row that are needed; 0 = off.', 0, 5),
          },
        },
        unhealthy: {
          description: 'When a node counts as unhealthy.',
          type: 'object',
          properties: {
            http_statuses: statuses('Statuses of failure.', [429, 500, 503]),
            tcp_failures: threshold('Connection failures in a row; 0 = off.', 0, 2),
            timeouts: threshold('Timeouts in a row; 0 = off.', 0, 7),
            http_failures: threshold('HTTP failures in a row; 0 = off.', 0, 5),
          },
        },
      },
    },
  },
  additionalProperties: false,
  anyOf: [{ required: ['active'] }, { required: ['active', 'passive'] }],
}
