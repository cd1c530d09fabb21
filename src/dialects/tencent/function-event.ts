import type { EventCall, EventValue } from '../../model/event-call.ts'
import type { JsonObject } from '../../model/json.ts'
import { objectField, textField } from '../../model/json-fields.ts'
import type { FunctionEvent } from './backend.ts'
import { type Position, parametersAt } from './parameters.ts'

/** The API that was called. */
export interface EventContext {
  readonly api: JsonObject
  readonly serviceId: string
  readonly environment: string
}

/**
 * The event of an API gateway trigger, and what becomes of the function's answer (spec/tencent.md 4.4). The three "…Parameters" have declared parameters only, `headers` and `queryString`
 * everything. `base`: what stands before the API's paths.
 */
export function eventOf(
  { isIntegrated, encodesBody }: FunctionEvent,
  { api, serviceId, environment }: EventContext,
  base: string,
): Omit<EventCall, 'target'> {
  const config = objectField(api, 'RequestConfig') ?? {}
  const base64 = encodesBody ? 'always' : 'whenBinary'
  const declared = (position: Position): EventValue =>
    object(
      Object.fromEntries(
        parametersAt(api, position).map(({ name, ...value }) => [name, { kind: 'variable', ...value }]),
      ),
    )
  return {
    event: object({
      requestContext: object({
        serviceId: literal(serviceId),
        path: literal(textField(config, 'Path') ?? ''),
        httpMethod: literal(textField(config, 'Method') ?? ''),
        requestId: variable('request_id'),
        identity: object({}),
        sourceIp: variable('remote_addr'),
        stage: literal(environment),
      }),
      headers: { kind: 'fields' },
      body: { kind: 'body', base64 },
      pathParameters: declared('path'),
      queryStringParameters: declared('query'),
      headerParameters: declared('header'),
      stageVariables: object({ stage: literal(environment) }),
      path: variable(`path:${Buffer.byteLength(base)}`),
      queryString: { kind: 'query' },
      httpMethod: variable('request_method'),
      isBase64Encoded: { kind: 'isBase64', base64 },
    }),
    envelope: isIntegrated ? { malformed: { status: 403, body: MALFORMED } } : null,
  }
}

function object(members: Readonly<Record<string, EventValue>>): EventValue {
  return { kind: 'object', members: Object.entries(members).map(([name, value]) => ({ name, value })) }
}

function literal(value: string | number): EventValue {
  return { kind: 'literal', value }
}

function variable(name: string): EventValue {
  return { kind: 'variable', variable: name, fallback: null }
}

/** What callers get for an integrated response that is none: the errno is the vendor's, the words are ours. */
const MALFORMED: EventValue = object({
  errno: literal(403),
  error: { kind: 'fault' },
  message: literal('the answer of the function is no integrated response'),
  requestId: variable('request_id'),
})
