import type { JsonObject } from '../../../model/json.ts'
import type { RestDescription, RestOperation } from '../../dialect.ts'
import { ACTIONS, isQuestion } from './actions.ts'
import type { Action } from './call.ts'
import { API_VERSION } from './request.ts'
import { type Fields, object, schemaOf } from './shape.ts'

/**
 * The API for the API's description (OpenAPI), made from the tables that check what is sent. OpenAPI tells operations apart by path and method;
 * here it is a header field that does, so there is one operation whose body is one of many.
 */
export function describeRest(): RestDescription {
  const error = {
    type: 'object',
    description: 'Why a call failed; the status is 200 all the same.',
    required: ['Response'],
    properties: {
      Response: {
        type: 'object',
        required: ['Error', 'RequestId'],
        properties: {
          Error: {
            type: 'object',
            required: ['Code', 'Message'],
            properties: {
              Code: {
                type: 'string',
                description: 'To match on, such as InvalidParameterValue.InvalidCondition.',
              },
              Message: { type: 'string', description: 'Everything that is wrong, with its places.' },
            },
          },
          RequestId: { type: 'string' },
        },
      },
    },
  }
  return {
    name: 'Tencent',
    description:
      'Services, APIs, releases, upstreams and plugins in the calls of Tencent Cloud API Gateway: one path, the action in X-TC-Action. See docs/dialects/tencent-api.md.',
    operations: [CALL, ASK],
    schemas: describeSchemas(),
    error: {
      schema: error,
      example: {
        Response: {
          Error: { Code: 'MissingParameter', Message: 'Offset is missing: DescribeUpstreams needs it' },
          RequestId: 'a7d1c2de-6f0a-4c0b-9f5c-1d0b8f6f2f11',
        },
      },
      isAnswer: true,
    },
  }
}

const NAMES = [...ACTIONS.keys()]

function requestName(action: string): string {
  return `Tencent${action}Request`
}

function responseName(action: string): string {
  return `Tencent${action}Response`
}

function ref(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` }
}

function anyAnswer(names: readonly string[]): JsonObject {
  return { anyOf: [...names.map((name) => ref(responseName(name))), ref('TencentError')] }
}

const CALL: RestOperation = {
  method: 'POST',
  path: '/tencent',
  id: 'tencentCall',
  summary: 'Call an action, which X-TC-Action names',
  fields: [
    {
      name: 'X-TC-Action',
      required: true,
      description: 'The action; it may stand in the query or in a form as Action instead.',
      schema: { type: 'string', enum: NAMES },
    },
    {
      name: 'X-TC-Version',
      description: 'The version of the API.',
      schema: { type: 'string', enum: [API_VERSION] },
    },
  ],
  body: {
    description:
      'The parameters of the action, as JSON; or a form with flattened keys, such as Nodes.0.Host.',
    schema: { anyOf: NAMES.map((name) => ref(requestName(name))) },
    example: { Limit: 20, Offset: 0 },
  },
  answers: {
    200: { description: 'What the action answers, or why it failed.', schema: anyAnswer(NAMES) },
  },
  faults: {},
}

/** The first one needs no parameter. */
const QUESTIONS = [
  'DescribeServicesStatus',
  ...NAMES.filter((name) => isQuestion(name) && name !== 'DescribeServicesStatus'),
]

const ASK: RestOperation = {
  method: 'GET',
  path: '/tencent',
  id: 'tencentAsk',
  summary: 'Ask an action that changes nothing; its parameters stand in the query',
  query: [
    {
      name: 'Action',
      required: true,
      description: 'The action.',
      schema: { type: 'string', enum: QUESTIONS },
    },
    {
      name: 'Limit',
      description: 'Entries of a list, 20 without it.',
      schema: { type: 'integer', minimum: 1, maximum: 100 },
    },
    { name: 'Offset', description: 'Entries to leave out.', schema: { type: 'integer', minimum: 0 } },
  ],
  answers: {
    200: { description: 'What the action answers, or why it failed.', schema: anyAnswer(QUESTIONS) },
  },
  faults: {},
}

function describeSchemas(): Record<string, JsonObject> {
  const schemas: Record<string, JsonObject> = {}
  for (const [name, action] of ACTIONS) {
    schemas[requestName(name)] = describeRequest(action)
    schemas[responseName(name)] = describeResponse(action.answer)
  }
  return schemas
}

function describeRequest({ summary, parameters }: Action): JsonObject {
  const fields: Fields = Object.fromEntries(
    Object.entries(parameters).map(([name, { shape }]) => [name, shape]),
  )
  const required = Object.entries(parameters).flatMap(([name, { isRequired }]) =>
    isRequired === true ? [name] : [],
  )
  return {
    ...schemaOf(object(fields, `${summary}.`)),
    ...(required.length > 0 ? { required } : {}),
  }
}

function describeResponse(answer: Fields): JsonObject {
  const inner = schemaOf(object({ ...answer, RequestId: { kind: 'text' } }))
  return {
    type: 'object',
    required: ['Response'],
    properties: {
      Response: {
        ...inner,
        required: [...Object.keys(answer), 'RequestId'].filter((name) => name !== 'CustomDomains'),
      },
    },
  }
}
