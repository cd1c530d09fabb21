import type { RestDescription, RestOperation } from '../dialects/dialect.ts'
import type { JsonObject, JsonValue } from '../model/json.ts'
import type { OwnEndpoint } from './endpoint.ts'
import { type ProblemCode, problem } from './problem.ts'

/**
 * The description of the whole Admin API (OpenAPI 3.1.1), made from what serves it: our own endpoints, the dialects' REST APIs, health.
 * It holds no address and no key; the same version of Headgate gives the same bytes.
 */
export interface ApiParts {
  readonly version: string
  readonly endpoints: readonly OwnEndpoint[]
  readonly rests: readonly RestDescription[]
}

const OWN_PREFIX = '/headgate/v1/'
const GATEWAY_TAG = 'Gateway'
const HEALTH_TAG = 'Health'
/** Server-Sent Events. */
const STREAM = 'text/event-stream'

type Operation = JsonObject & { readonly operationId: string }

export function describeApi({ version, endpoints, rests }: ApiParts): JsonObject {
  const paths = new Map<string, Record<string, JsonValue>>()
  const add = (path: string, method: string, operation: Operation): void => {
    const item = paths.get(path) ?? {}
    item[method.toLowerCase()] = operation
    paths.set(path, item)
  }
  for (const endpoint of endpoints) add(braced(endpoint.path), endpoint.method, describeOwn(endpoint))
  for (const rest of rests) {
    for (const operation of rest.operations) {
      add(operation.path, operation.method, describeRestOperation(operation, rest))
    }
  }
  for (const [path, operation] of Object.entries(HEALTH)) add(path, 'GET', operation)
  return {
    openapi: '3.1.1',
    info: {
      title: 'Headgate Admin API',
      version,
      description:
        'Asks and changes a running gateway. Every call but the health checks needs a key; a viewer key reads, the admin key writes as well. Bodies are JSON in UTF-8.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://127.0.0.1:9180', description: 'Where the Admin API listens by default.' }],
    security: [{ apiKey: [] }, { bearer: [] }],
    tags: [
      ...OWN_TAGS.map(({ name, description }) => ({ name, description })),
      ...rests.map(({ name, description }) => ({ name, description })),
      { name: HEALTH_TAG, description: 'Checks for those who restart or route; without a key.' },
    ],
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: {
        apiKey: {
          type: 'apiKey',
          in: 'header',
          name: 'X-API-KEY',
          description: 'The admin or a viewer key.',
        },
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'The same key as `Authorization: Bearer …`; of the APIs of the dialects some take it only in X-API-KEY.',
        },
      },
      schemas: {
        Problem: PROBLEM,
        ...Object.assign({}, ...rests.map(({ schemas }) => schemas)),
        ...Object.fromEntries(rests.map(({ name, error }) => [`${name}Error`, error.schema])),
      },
      responses: describeProblems(paths),
    },
  }
}

/** The answers that some operation refers to. */
function describeProblems(paths: ReadonlyMap<string, object>): JsonObject {
  const used = JSON.stringify([...paths.values()])
  return Object.fromEntries(
    Object.entries(PROBLEMS)
      .filter(([name]) => used.includes(`#/components/responses/${name}"`))
      .map(([name, { description, example }]) => [
        name,
        { description, content: { 'application/problem+json': { schema: ref('Problem'), example } } },
      ]),
  )
}

// ================= our own endpoints =================

/** Groups of our own endpoints by the first word of their paths; others belong to the first group. */
const OWN_TAGS: readonly {
  readonly name: string
  readonly description: string
  readonly words: readonly string[]
}[] = [
  { name: GATEWAY_TAG, description: 'How the gateway is, and what it can do.', words: [] },
  {
    name: 'Documents',
    description: 'Documents of every dialect: read, write, compare, go back.',
    words: ['documents', 'export', 'apply', 'diff', 'rollback', 'history'],
  },
  {
    name: 'Upstreams',
    description: 'Endpoints, how they are, and taking them out of service.',
    words: ['upstreams', 'nodes', 'v1', 'healthcheck'],
  },
  { name: 'Explain', description: 'Where a request or a stream would go, and why.', words: ['explain'] },
  {
    name: 'Traffic',
    description: 'What happens: rates and shares, requests as they end, events, metrics.',
    words: ['traffic', 'logs', 'events', 'metrics'],
  },
]

function tagOf(path: string): string {
  const word = path.replace(OWN_PREFIX, '/').split('/')[1] ?? ''
  return OWN_TAGS.find(({ words }) => words.includes(word))?.name ?? GATEWAY_TAG
}

/** What the named parts of our own paths are. A new name needs a row (a test says so). */
const PARAMS: Readonly<Record<string, { readonly description: string; readonly schema: JsonObject }>> = {
  dialect: { description: 'Language of the document, such as `apisix`.', schema: { type: 'string' } },
  kind: { description: 'Kind of the document in its dialect, such as `routes`.', schema: { type: 'string' } },
  id: {
    description:
      'Id of the document; of an upstream, its whole id such as `apisix/upstreams/1`, percent-encoded.',
    schema: { type: 'string', minLength: 1 },
  },
  label: {
    description: 'The endpoint as lists show it: `10.0.0.1:80`; of a name, `name:80@10.0.0.1`.',
    schema: { type: 'string', minLength: 1 },
  },
  revision: { description: 'Number of a revision.', schema: { type: 'integer', minimum: 1 } },
}

function describeOwn(endpoint: OwnEndpoint): Operation {
  const { method, path, summary, body, query = [], fields = [], also = {} } = endpoint
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name as string)
  const parameters = [
    ...names.map((name) => {
      const known = PARAMS[name]
      if (known === undefined) throw new Error(`${path}: openapi.ts does not know what :${name} is`)
      return { name, in: 'path', required: true, ...known }
    }),
    ...query.map((parameter) => ({ ...parameter, in: 'query' })),
    ...fields.map((parameter) => ({ ...parameter, in: 'header' })),
  ]
  return {
    operationId: operationId(method, path),
    summary,
    tags: [tagOf(path)],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            description: body.description,
            required: true,
            content: { 'application/json': { schema: body.schema } },
          },
        }),
    responses: {
      200: describeAnswer(endpoint, `The answer to: ${summary}.`),
      ...Object.fromEntries(
        Object.entries(also).map(([status, reason]) => [status, describeAnswer(endpoint, reason)]),
      ),
      ...refs({
        400: query.length > 0 || body !== undefined ? 'BadRequest' : null,
        401: 'Unauthorized',
        403: endpoint.isWrite ? 'Forbidden' : null,
        404: names.length > 0 ? 'NotFound' : null,
        409: endpoint.isWrite ? 'Conflict' : null,
        412: fields.some(({ name }) => name === 'If-Match') ? 'Stale' : null,
        413: body === undefined ? null : 'TooLarge',
        429: 'TooManyWrongKeys',
        default: 'Failed',
      }),
    },
  }
}

/** `GET /headgate/v1/documents/:kind/:id` makes `getDocumentsKindId`. */
function operationId(method: string, path: string): string {
  const words = path
    .replace(OWN_PREFIX, '/')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
  return `${method.toLowerCase()}${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}`
}

function describeAnswer({ answer, answerType, alsoStreams }: OwnEndpoint, description: string): JsonObject {
  const type = answerType ?? (answer === undefined ? STREAM : 'application/json')
  const text = { schema: { type: 'string' } }
  return {
    description,
    content: {
      ...(answer === undefined
        ? { [type]: text }
        : { [type === STREAM ? 'application/json' : type]: { schema: answer } }),
      ...(type === STREAM || alsoStreams === true ? { [STREAM]: text } : {}),
    },
  }
}

function refs(responses: Readonly<Record<string, keyof typeof PROBLEMS | null>>): JsonObject {
  return Object.fromEntries(
    Object.entries(responses)
      .filter(([, name]) => name !== null)
      .map(([status, name]) => [status, { $ref: `#/components/responses/${name}` }]),
  )
}

function braced(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}')
}

// ================= dialects =================

function describeRestOperation(operation: RestOperation, rest: RestDescription): Operation {
  const { params = {}, query = [], fields = [], body } = operation
  const parameters = [
    ...Object.entries(params).map(([name, param]) => ({ name, in: 'path', required: true, ...param })),
    ...query.map((parameter) => ({ ...parameter, in: 'query' })),
    ...fields.map((parameter) => ({ ...parameter, in: 'header' })),
  ]
  const fault = (description: string): JsonObject => ({
    description,
    content: { 'application/json': { schema: ref(`${rest.name}Error`), example: rest.error.example } },
  })
  const answers = Object.entries(operation.answers).map(([status, { description, schema }]) => [
    status,
    { description, ...(schema === undefined ? {} : { content: { 'application/json': { schema } } }) },
  ])
  const keyFaults =
    rest.error.isAnswer === true ? {} : { 401: 'The key is missing or wrong, or may only read.' }
  const faults = { ...operation.faults, ...keyFaults }
  return {
    operationId: operation.id,
    summary: operation.summary,
    tags: [rest.name],
    ...(rest.server === undefined ? {} : { servers: [rest.server] }),
    // standard clients' form of a key is for our own endpoints, and for systems that have it themselves
    security: [{ apiKey: [] }, ...(rest.acceptsBearer === true ? [{ bearer: [] }] : [])],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            description: body.description,
            required: true,
            content: {
              'application/json': {
                schema: body.schema,
                ...(body.example === undefined ? {} : { example: body.example }),
              },
            },
          },
        }),
    responses: {
      ...Object.fromEntries(answers),
      ...Object.fromEntries(Object.entries(faults).map(([status, text]) => [status, fault(text)])),
      // the server's own refusal is all that comes with a status of failure
      ...(rest.error.isAnswer === true ? refs({ 403: 'Forbidden' }) : {}),
    },
  }
}

// ================= health and problems =================

function health(operationId: string, summary: string, isReadiness: boolean): Operation {
  const text = (description: string, example: string): JsonObject => ({
    description,
    content: { 'text/plain': { schema: { type: 'string' }, example } },
  })
  return {
    operationId,
    summary,
    tags: [HEALTH_TAG],
    security: [],
    responses: {
      200: text('Yes.', 'ok\n'),
      ...(isReadiness ? { 503: text('Not now.', 'not ready\n') } : {}),
      ...refs({ 403: 'Forbidden' }),
    },
  }
}

const HEALTH: Readonly<Record<string, Operation>> = {
  '/livez': health('getLivez', 'Ask whether the control side answers', false),
  '/healthz': health('getHealthz', 'The same as /livez', false),
  '/readyz': health('getReadyz', 'Ask whether the gateway should get traffic', true),
}

const PROBLEM: JsonObject = {
  type: 'object',
  description: 'What went wrong (RFC 9457).',
  required: ['type', 'title', 'status', 'code'],
  properties: {
    type: { type: 'string', description: 'Always about:blank.' },
    title: { type: 'string', description: 'What the code means.' },
    status: { type: 'integer', description: 'The status of the answer.' },
    code: { type: 'string', description: 'To match on: docs/errors.md and the codes of the Admin API.' },
    detail: { type: 'string', description: 'What it was this time, for people.' },
  },
}

/** A problem as the server words it. */
function example(code: ProblemCode, detail?: string): JsonObject {
  return JSON.parse(problem(code, detail).body) as JsonObject
}

const PROBLEMS = {
  BadRequest: {
    description: 'A query parameter or the body is not valid.',
    example: example('BAD_QUERY', 'limit must be 1 to 1000'),
  },
  Unauthorized: {
    description: 'The key is missing or wrong.',
    example: example('UNAUTHORIZED', 'X-API-KEY is missing'),
  },
  Forbidden: {
    description: 'The key may only read, or the address, the Host field or the origin is not allowed.',
    example: example('VIEWER_MAY_NOT_WRITE'),
  },
  NotFound: {
    description: 'There is no such thing.',
    example: example('NOT_FOUND'),
  },
  Conflict: {
    description:
      'Another write came in between, or documents come from files, which are the place to change them.',
    example: example('READ_ONLY', 'change routes.yaml instead'),
  },
  Stale: {
    description: 'If-Match or If-None-Match does not hold: somebody else wrote in between.',
    example: example('PRECONDITION_FAILED', 'it is at revision 2'),
  },
  TooLarge: {
    description: 'The body is over the limit.',
    example: example('BODY_OVER_LIMIT', '2000000 bytes, limit 1048576'),
  },
  TooManyWrongKeys: {
    description: 'Too many wrong keys came from this address; Retry-After says when to come back.',
    example: example('TOO_MANY_WRONG_KEYS'),
  },
  Failed: {
    description: 'Something else went wrong; the code says what.',
    example: example('INTERNAL'),
  },
} as const

function ref(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` }
}
