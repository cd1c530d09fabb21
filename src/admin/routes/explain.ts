import { readEntranceQuestion } from '../../gateway/entrance-question.ts'
import { isKind } from '../../gateway/explain-places.ts'
import { ExplainError, readExplainRequest } from '../../gateway/explain-request.ts'
import { readStreamQuestion } from '../../gateway/stream-question.ts'
import { EXPLAIN_LIMITS } from '../../model/explanation.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { AdminControl } from '../admin-control.ts'
import { answerJson, type OwnCall, type OwnEndpoint } from '../endpoint.ts'
import { type Answer, type ProblemCode, problem } from '../problem.ts'

const REQUEST_SCHEMA: JsonObject = {
  type: 'object',
  required: ['url'],
  additionalProperties: false,
  properties: {
    url: {
      type: 'string',
      description:
        '`/path`, `host/path` or `http://host:port/path`; a port names the listener, the host is the Host field',
    },
    method: { type: 'string', default: 'GET' },
    headers: {
      description: 'By name, or as a list of `name: value`',
      oneOf: [
        { type: 'object', additionalProperties: { type: 'string' } },
        { type: 'array', items: { type: 'string' }, maxItems: EXPLAIN_LIMITS.headers },
      ],
    },
    clientIp: { type: 'string', default: '127.0.0.1', description: 'Address of the connection’s other end' },
    listener: {
      type: 'string',
      description: '`host:port` of a listener or its port; default: the first one',
    },
    body: { type: 'string', description: 'For conditions on the body' },
  },
}

const ORIGIN: JsonObject = {
  type: 'object',
  required: ['dialect', 'kind', 'id', 'path'],
  properties: {
    dialect: { type: 'string' },
    kind: { type: 'string' },
    id: { type: 'string' },
    path: { type: 'string' },
    place: { type: 'string', description: '`file:line:column`, where the document comes from a file' },
  },
}
const ROUTE: JsonObject = {
  type: 'object',
  required: ['id', 'name', 'section', 'origin'],
  properties: {
    id: { type: 'string' },
    name: { type: 'string' },
    section: { type: 'string' },
    origin: ORIGIN,
  },
}
const OBJECTS: JsonObject = { type: 'array', items: { type: 'object' } }
const NULLABLE_OBJECT: JsonObject = { type: ['object', 'null'] }

const EXPLANATION_SCHEMA: JsonObject = {
  type: 'object',
  required: [
    'revision',
    'request',
    'listener',
    'candidates',
    'route',
    'rules',
    'split',
    'upstream',
    'outcome',
  ],
  properties: {
    revision: { type: 'integer' },
    request: { type: 'object' },
    listener: { type: 'object' },
    candidates: OBJECTS,
    omitted: { type: 'object', additionalProperties: { type: 'integer' } },
    routeCount: { type: 'integer' },
    route: { oneOf: [ROUTE, { type: 'null' }] },
    rivals: { type: 'array', items: ROUTE },
    misses: OBJECTS,
    pathParams: { type: 'object', additionalProperties: { type: 'string' } },
    rules: OBJECTS,
    split: NULLABLE_OBJECT,
    filters: OBJECTS,
    responseFilters: OBJECTS,
    upstream: NULLABLE_OBJECT,
    sending: NULLABLE_OBJECT,
    outcome: {
      type: 'object',
      required: ['kind'],
      properties: { kind: { enum: ['upstream', 'respond', 'echo', 'redirect', 'error'] } },
    },
    remarks: {
      description: 'Warnings of the documents that route, rule, split and upstream come from',
      type: 'array',
      items: {
        type: 'object',
        required: ['origin', 'message'],
        properties: { origin: ORIGIN, message: { type: 'string' } },
      },
    },
  },
}

const STREAM_SCHEMA: JsonObject = {
  type: 'object',
  additionalProperties: false,
  properties: {
    transport: {
      enum: ['tcp', 'udp'],
      default: 'tcp',
      description: 'Of the listener; one that ends TLS is one of `tcp`',
    },
    listener: {
      type: 'string',
      description:
        '`host:port` of a listener, `:port` or its port, with `tls://` before it for one that ends TLS; default: the first one of the transport',
    },
    serverName: { type: 'string', description: 'The name that the client asks for in TLS; not for `udp`' },
    clientIp: { type: 'string', default: '127.0.0.1', description: 'Address of the connection’s other end' },
  },
}

const STREAM_EXPLANATION_SCHEMA: JsonObject = {
  type: 'object',
  required: [
    'revision',
    'listener',
    'stream',
    'candidates',
    'omitted',
    'routeCount',
    'route',
    'rivals',
    'rules',
    'split',
    'upstream',
    'outcome',
  ],
  properties: {
    revision: { type: 'integer' },
    listener: {
      type: 'object',
      required: ['address', 'transport'],
      properties: { address: { type: 'string' }, transport: { enum: ['tcp', 'tls', 'udp'] } },
    },
    stream: {
      type: 'object',
      required: ['client', 'server', 'serverName', 'isNameRead'],
      properties: {
        client: { type: 'string' },
        server: { type: 'string' },
        serverName: { type: ['string', 'null'] },
        isNameRead: { type: 'boolean' },
      },
    },
    candidates: OBJECTS,
    omitted: { type: 'object', additionalProperties: { type: 'integer' } },
    routeCount: { type: 'integer' },
    route: { oneOf: [ROUTE, { type: 'null' }] },
    rivals: { type: 'array', items: ROUTE },
    rules: OBJECTS,
    split: NULLABLE_OBJECT,
    upstream: NULLABLE_OBJECT,
    outcome: {
      type: 'object',
      required: ['kind'],
      properties: { kind: { enum: ['upstream', 'error'] } },
    },
  },
}

const { listener: _, ...REQUEST_FIELDS } = REQUEST_SCHEMA.properties as JsonObject

const ENTRANCE_SCHEMA: JsonObject = {
  type: 'object',
  required: ['id'],
  additionalProperties: false,
  properties: {
    dialect: {
      type: 'string',
      description: 'Of the document; default: any whose documents ask for listeners',
    },
    id: {
      type: 'string',
      description: 'Of the document, such as `default:site-1`; or its name, where one alone has it',
    },
    entrance: {
      type: 'string',
      description: 'Port, `host:port`, or the service that the listener leads to; default: the only one',
    },
    ...REQUEST_FIELDS,
  },
}

const ENTRANCE_EXPLANATION_SCHEMA: JsonObject = {
  type: 'object',
  required: ['entrance', 'isLive', 'request', 'stream'],
  properties: {
    entrance: {
      type: 'object',
      required: ['name', 'address', 'service', 'protocol', 'reason', 'origin', 'choices', 'omitted'],
      properties: {
        name: { type: 'string' },
        address: { type: 'string', description: '`host:port`' },
        service: { type: 'string' },
        protocol: { enum: ['http', 'tcp'], description: 'Whether requests are looked at' },
        reason: { type: 'string', description: 'Why they are, or are not' },
        origin: ORIGIN,
        choices: {
          type: 'array',
          description: 'Documents that might have shaped it, the one that does first',
          items: {
            type: 'object',
            required: ['name', 'origin', 'outcome', 'reason'],
            properties: {
              name: { type: 'string' },
              origin: ORIGIN,
              outcome: { enum: ['chosen', 'outranked', 'unfit'] },
              reason: { type: 'string' },
            },
          },
        },
        omitted: { type: 'integer' },
      },
    },
    isLive: { type: 'boolean', description: 'Whether the listener stands in this process' },
    request: { oneOf: [EXPLANATION_SCHEMA, { type: 'null' }] },
    stream: { oneOf: [STREAM_EXPLANATION_SCHEMA, { type: 'null' }] },
  },
}

const PROBLEMS: Readonly<Record<ExplainError['reason'], ProblemCode>> = {
  badRequest: 'BAD_EXPLAIN',
  noListener: 'NO_SUCH_LISTENER',
  noAnswer: 'EXPLAIN_UNAVAILABLE',
  noDocument: 'DOCUMENT_NOT_FOUND',
}

/** Why a request or a stream goes where it goes, and which requests reach a route. Docs: docs/explain.md. */
export function explainEndpoints(control: AdminControl): readonly OwnEndpoint[] {
  return [
    {
      method: 'POST',
      path: '/headgate/v1/explain',
      summary: 'Explain where a request would go, and why; nothing is sent',
      isWrite: false,
      body: { description: 'The request', schema: REQUEST_SCHEMA, maxBytes: 4 * EXPLAIN_LIMITS.bodyBytes },
      answer: EXPLANATION_SCHEMA,
      handle: (call) =>
        answering(async () => answerJson(await control.explain(readExplainRequest(parse(call))))),
    },
    {
      method: 'POST',
      path: '/headgate/v1/explain/stream',
      summary: 'Explain where a TCP, TLS or UDP stream would go, and why; nothing is connected',
      isWrite: false,
      body: { description: 'The stream', schema: STREAM_SCHEMA },
      answer: STREAM_EXPLANATION_SCHEMA,
      handle: (call) =>
        answering(async () => answerJson(await control.explainStream(readStreamQuestion(parse(call))))),
    },
    {
      method: 'POST',
      path: '/headgate/v1/explain/entrance',
      summary:
        'Explain what comes in at a listener that a document asks for: why the listener is as it is, and where the request or the stream would go',
      isWrite: false,
      body: {
        description: 'The listener, and what comes in',
        schema: ENTRANCE_SCHEMA,
        maxBytes: 4 * EXPLAIN_LIMITS.bodyBytes,
      },
      answer: ENTRANCE_EXPLANATION_SCHEMA,
      handle: (call) =>
        answering(async () => answerJson(await control.explainEntrance(readEntranceQuestion(parse(call))))),
    },
    {
      method: 'GET',
      path: '/headgate/v1/explain/route',
      summary: 'Explain which requests reach the routes of a document, each with an example',
      isWrite: false,
      query: [
        {
          name: 'dialect',
          required: true,
          description: 'Dialect of the document',
          schema: { type: 'string' },
        },
        {
          name: 'kind',
          description: 'Its kind, such as `route`',
          schema: { type: 'string', default: 'route' },
        },
        { name: 'id', required: true, description: 'Its id', schema: { type: 'string' } },
      ],
      answer: {
        type: 'object',
        required: ['revision', 'entries', 'omitted'],
        properties: {
          revision: { type: 'integer' },
          entries: OBJECTS,
          omitted: { type: 'integer' },
        },
      },
      handle: (call) => answering(() => answerRoute(control, call)),
    },
  ]
}

async function answerRoute(control: AdminControl, { query }: OwnCall): Promise<Answer> {
  const name = query.get('dialect')
  const word = query.get('kind') ?? 'route'
  const id = query.get('id')
  const dialect = control.dialects.find((known) => known.name === name)
  if (dialect === undefined)
    return problem(
      'BAD_QUERY',
      `dialect must be one of ${control.dialects.map((known) => known.name).join(', ')}`,
    )
  const kind = dialect.kinds.find((known) => isKind(known, word))
  if (kind === undefined) return problem('BAD_QUERY', `kind must be one of ${dialect.kinds.join(', ')}`)
  if (id === undefined || id === '') return problem('BAD_QUERY', 'id is missing')
  return answerJson(await control.explainRoute({ dialect: dialect.name, kind, id }))
}

function parse({ body }: OwnCall): JsonValue {
  try {
    return JSON.parse(body) as JsonValue
  } catch {
    throw new ExplainError('badRequest', 'the body is no JSON')
  }
}

async function answering(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ExplainError) return problem(PROBLEMS[error.reason], error.message)
    throw error
  }
}
