import type { JsonObject } from '../../../model/json.ts'
import type { RestDescription, RestOperation } from '../../dialect.ts'
import { SETTING_NAMES } from './settings.ts'

/** The calls for the API's description (OpenAPI). */
export function describeRest(): RestDescription {
  return {
    name: 'Apinizer',
    description:
      'API proxies in the management calls of Apinizer: create, change settings, deploy; and what beside them tells how routes and targets stand. A slash at the end of a path says nothing. See docs/dialects/apinizer-api.md.',
    acceptsBearer: true,
    operations: OPERATIONS,
    schemas: {
      ApinizerDone: DONE,
      ApinizerList: LIST,
      ApinizerProxy: PROXY,
      ApinizerSettings: SETTINGS,
      ApinizerEndpoint: ENDPOINT,
      ApinizerConflicts: CONFLICTS,
      ApinizerTrace: TRACE,
      ApinizerRouteHealth: ROUTE_HEALTH,
      ApinizerTargets: TARGETS,
    },
    error: {
      schema: {
        type: 'object',
        required: ['status', 'resultMessage'],
        properties: {
          status: { type: 'string', enum: ['FAILURE'] },
          resultMessage: { type: 'string', description: 'Everything that is wrong, with its places.' },
        },
      },
      example: { status: 'FAILURE', resultMessage: 'there is no API proxy orders in the project shop' },
    },
  }
}

const ref = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` })

const DEPLOY = {
  deploy: { type: 'boolean', description: 'Whether it is deployed as well.' },
  deployTargetEnvironmentNameList: { type: 'array', items: { type: 'string' } },
} as const

const DONE: JsonObject = {
  type: 'object',
  required: ['success'],
  properties: {
    success: { type: 'boolean' },
    deploymentResult: {
      type: 'object',
      description: 'Where it was deployed; absent: nowhere.',
      required: ['success', 'deploymentResults'],
      properties: {
        success: { type: 'boolean' },
        deploymentResults: {
          type: 'array',
          items: {
            type: 'object',
            required: ['environmentName', 'success', 'message'],
            properties: {
              environmentName: { type: 'string' },
              success: { type: 'boolean' },
              message: { type: 'string' },
            },
          },
        },
      },
    },
  },
}
const LIST: JsonObject = {
  type: 'object',
  required: ['status', 'resultList', 'resultCount'],
  properties: {
    status: { type: 'string' },
    resultList: { type: 'array', items: { type: 'object' } },
    resultCount: { type: 'integer' },
  },
}
const PROXY: JsonObject = {
  type: 'object',
  required: ['apiProxyName', 'apiProxyCreationType', 'clientRoute', 'routingInfo'],
  properties: {
    apiProxyName: { type: 'string', description: 'Unique over all projects.' },
    apiProxyDescription: { type: 'string' },
    apiProxyCreationType: { type: 'string', enum: ['REVERSE_PROXY', 'EMPTY_API'] },
    clientRoute: { type: 'object' },
    routingInfo: { type: 'object' },
    ...DEPLOY,
  },
}
const SETTINGS: JsonObject = {
  type: 'object',
  description:
    'The fields of the group; those that are absent keep their value, but of client-route and addresses.',
  properties: { ...DEPLOY },
  additionalProperties: true,
}

const ENDPOINT: JsonObject = {
  type: 'object',
  required: ['name', 'httpMethod', 'backendResourceUrl'],
  properties: {
    name: { type: 'string', description: 'Path below the relative path, with parameters as {id}.' },
    httpMethod: { type: 'string' },
    backendResourceUrl: { type: 'string', description: 'Path behind that of the address.' },
    backendHttpMethod: { type: 'string', description: 'Absent: the method of the client.' },
    enabled: { type: 'boolean' },
    sampleResponse: { type: 'object', description: '{contentType, body}: answered while routing is off.' },
    ...DEPLOY,
  },
}

const text = (description: string): JsonObject => ({ type: 'string', description })
const maybe = (type: string, description: string): JsonObject => ({ type: [type, 'null'], description })

function listOf(properties: Readonly<Record<string, JsonObject>>, required: readonly string[]): JsonObject {
  const items = { type: 'object', required: [...required], properties }
  return { ...LIST, properties: { ...(LIST.properties as JsonObject), resultList: { type: 'array', items } } }
}

const CONFLICTS = listOf(
  {
    apiProxy: text('`<project>.<proxy>`.'),
    conflict: { type: 'string', enum: ['No Conflict', 'Exact Match', 'Prefix Conflict'] },
    with: { type: 'array', items: { type: 'string' }, description: 'The others, of whatever project.' },
  },
  ['apiProxy', 'conflict', 'with'],
)

const TRACE: JsonObject = {
  type: 'object',
  required: [
    'status',
    'request',
    'pathAfterRootContext',
    'revision',
    'route',
    'outcome',
    'workers',
    'losing',
  ],
  properties: {
    status: { type: 'string' },
    request: { type: 'object', description: 'As it was read; of header fields the names alone.' },
    listener: text('Address of the listener that would get it.'),
    pathAfterRootContext: maybe('string', 'null: the path does not begin with the root context.'),
    revision: { type: 'integer' },
    route: maybe('string', 'The deployment that takes it; null: none, or a route of another dialect.'),
    outcome: { type: 'object', description: 'As explain has it.' },
    inconsistent: { type: 'boolean', description: 'Whether workers have different answers.' },
    workers: {
      type: 'array',
      items: {
        type: 'object',
        required: ['worker', 'route'],
        properties: {
          worker: { type: 'integer' },
          route: maybe('string', 'As above.'),
          revision: { type: 'integer' },
          error: text('Why it did not answer.'),
        },
      },
    },
    losing: {
      type: 'array',
      description: 'Every other deployment of the project.',
      items: {
        type: 'object',
        required: ['deployment', 'eliminatedBy'],
        properties: {
          deployment: { type: 'string' },
          eliminatedBy: {
            type: 'string',
            enum: ['protocol', 'port', 'path', 'host', 'headers', 'method', 'priority'],
          },
        },
      },
    },
  },
}

const SERVED = {
  routeActive: { type: 'boolean' },
  reason: maybe('string', 'Why it is not.'),
  servedPath: { type: 'string' },
  methods: { type: 'array', items: { type: 'string' } },
} as const

const ROUTE_HEALTH: JsonObject = {
  type: 'object',
  required: [
    'status',
    'routeActive',
    'servedPath',
    'methods',
    'deployedInManager',
    'inconsistent',
    'workers',
  ],
  properties: {
    status: { type: 'string' },
    ...SERVED,
    routeActive: { type: 'boolean', description: 'Whether every worker that answers serves it.' },
    deployedInManager: { type: 'boolean' },
    inconsistent: {
      type: 'boolean',
      description: 'Whether what is served is not what is deployed, or workers differ.',
    },
    workers: {
      type: 'array',
      items: {
        type: 'object',
        required: ['worker', 'routeActive'],
        properties: { worker: { type: 'integer' }, ...SERVED },
      },
    },
  },
}

const TARGETS = listOf(
  {
    deployment: text('`<project>.<proxy>.<environment>`; absent for an upstream of another dialect.'),
    upstream: text('Id of the upstream in the model.'),
    address: text('With its variables filled in.'),
    type: maybe('string', 'PRIMARY, FAILOVER_ONLY, CANARY or MIRROR; null: an upstream of another dialect.'),
    weight: { type: 'integer' },
    enabled: { type: 'boolean' },
    endpoint: text('As the lists of the gateway show it; absent: it takes no part.'),
    circuit: maybe('string', 'CLOSED, OPEN or HALF_OPEN; null: it takes no part.'),
    state: text('As the lists of the gateway show it.'),
    openedBy: maybe('string', 'CIRCUIT_BREAKER or HEALTH_CHECK.'),
    reason: { type: 'string' },
    since: maybe('string', 'ISO 8601.'),
    consecutivePasses: { type: 'integer' },
    consecutiveFailures: { type: 'integer' },
    lastCheckTime: maybe('string', 'ISO 8601.'),
    lastCheckResult: maybe('string', 'Such as `status 200` or `timeout`.'),
    requestsInFlight: { type: 'integer' },
    windowErrors: {
      type: 'integer',
      description: 'In the window of the circuit breaker; 0 where there is none.',
    },
    windowTotal: { type: 'integer', description: 'Requests in that window.' },
    requestsTotal: { type: 'integer', description: 'Since the start.' },
    errorsTotal: { type: 'integer', description: 'Since the start.' },
    cooldownUntil: maybe('string', 'Of a canary: when it gets requests again.'),
    returnsAt: maybe('string', 'Of others: when one whose circuit is open comes back.'),
  },
  ['address', 'type', 'weight', 'enabled', 'circuit'],
)

const NAME = { type: 'string' } as const
const PARAMS = {
  project: { description: 'Name of the project.', schema: NAME },
  proxy: { description: 'Name of the API proxy.', schema: NAME },
  environment: { description: 'One of the setting apinizer.environments.', schema: NAME },
} as const

const PROXIES = '/apiops/projects/{project}/apiProxies'
const ONE = `${PROXIES}/{proxy}`
const ENVIRONMENT = `${ONE}/environments/{environment}`
const of = (...names: (keyof typeof PARAMS)[]) =>
  Object.fromEntries(names.map((name) => [name, PARAMS[name]]))
const done = { 200: { description: 'It is done.', schema: ref('ApinizerDone') } } as const
const listed = { 200: { description: 'What was asked for.', schema: ref('ApinizerList') } } as const
const faulty = { 400: 'Something in it is wrong; the message has every fault.' } as const
const unknown = { 404: 'There is no such proxy, environment or group of settings.' } as const
const NOBODY = 'No worker answered.'
const json = (name: string, example: JsonObject) => ({
  description: 'As JSON.',
  schema: ref(name),
  example,
})
const EXAMPLE: JsonObject = {
  apiProxyName: 'orders',
  apiProxyCreationType: 'REVERSE_PROXY',
  clientRoute: { relativePathList: ['/orders'] },
  routingInfo: { routingAddressList: [{ address: 'http://127.0.0.1:8080' }] },
  deploy: true,
  deployTargetEnvironmentNameList: ['production'],
}

const OPERATIONS: readonly RestOperation[] = [
  {
    method: 'POST',
    path: `${PROXIES}/url`,
    id: 'apinizerCreateProxy',
    summary: 'Create an API proxy',
    params: of('project'),
    body: json('ApinizerProxy', EXAMPLE),
    answers: done,
    faults: { ...faulty, 404: 'There is no such environment.' },
  },
  {
    method: 'GET',
    path: PROXIES,
    id: 'apinizerListProxies',
    summary: 'List the API proxies of a project',
    params: of('project'),
    answers: listed,
    faults: {},
  },
  {
    method: 'GET',
    path: ONE,
    id: 'apinizerGetProxy',
    summary: 'Get an API proxy and where it is deployed',
    params: of('project', 'proxy'),
    answers: listed,
    faults: unknown,
  },
  {
    method: 'DELETE',
    path: ONE,
    id: 'apinizerDeleteProxy',
    summary: 'Delete an API proxy, wherever it is deployed',
    params: of('project', 'proxy'),
    answers: done,
    faults: unknown,
  },
  {
    method: 'POST',
    path: `${ONE}/endpoints`,
    id: 'apinizerAddEndpoint',
    summary: 'Add an endpoint to an API proxy',
    params: of('project', 'proxy'),
    body: json('ApinizerEndpoint', {
      name: '/{id}',
      httpMethod: 'GET',
      backendResourceUrl: '/orders/{id}',
      backendHttpMethod: 'GET',
    }),
    answers: done,
    faults: { ...faulty, ...unknown },
  },
  {
    method: 'PATCH',
    path: `${ONE}/settings/{group}`,
    id: 'apinizerPatchSettings',
    summary: 'Change one group of settings',
    params: {
      ...of('project', 'proxy'),
      group: { description: 'Which settings.', schema: { type: 'string', enum: SETTING_NAMES } },
    },
    body: json('ApinizerSettings', {
      connectTimeout: 5,
      deploy: true,
      deployTargetEnvironmentNameList: ['production'],
    }),
    answers: done,
    faults: { ...faulty, ...unknown },
  },
  {
    method: 'POST',
    path: ENVIRONMENT,
    id: 'apinizerDeploy',
    summary: 'Deploy an API proxy as it is now',
    params: of('project', 'proxy', 'environment'),
    answers: done,
    faults: { ...faulty, ...unknown },
  },
  {
    method: 'DELETE',
    path: ENVIRONMENT,
    id: 'apinizerUndeploy',
    summary: 'Take an API proxy out of an environment',
    params: of('project', 'proxy', 'environment'),
    answers: done,
    faults: unknown,
  },
  {
    method: 'GET',
    path: `${ENVIRONMENT}/route-health`,
    id: 'apinizerRouteHealth',
    summary: 'Tell whether a route is served',
    params: of('project', 'proxy', 'environment'),
    answers: {
      200: { description: 'Whether it is active, and where.', schema: ref('ApinizerRouteHealth') },
    },
    faults: { ...unknown, 503: NOBODY },
  },
  {
    method: 'GET',
    path: '/apiops/projects/{project}/client-route-conflicts',
    id: 'apinizerConflicts',
    summary: 'List client routes with what they conflict with',
    params: of('project'),
    answers: { 200: { description: 'A row for each proxy.', schema: ref('ApinizerConflicts') } },
    faults: {},
  },
  {
    method: 'POST',
    path: '/apiops/projects/{project}/route-trace',
    id: 'apinizerTraceRoute',
    summary: 'Tell which API proxy a request would reach, and why no other',
    params: of('project'),
    body: {
      description: 'A request; nothing is sent to a backend.',
      schema: {
        type: 'object',
        required: ['path'],
        properties: {
          path: { type: 'string' },
          method: { type: 'string' },
          host: { type: 'string' },
          headers: {
            type: ['object', 'array'],
            description: 'Names and values, or a list of {name, value}.',
          },
          port: { type: 'integer', description: 'Of the listener; absent: the first one.' },
          clientIp: { type: 'string' },
        },
      },
      example: { path: '/orders/7', method: 'GET', host: 'shop.test' },
    },
    answers: {
      200: {
        description: 'The route, and for each other one the rule that eliminated it.',
        schema: ref('ApinizerTrace'),
      },
    },
    faults: { ...faulty, 503: NOBODY },
  },
  {
    method: 'GET',
    path: '/admin/upstreams/{id}/targets',
    id: 'apinizerTargets',
    summary: 'Tell how the targets of an API proxy stand',
    params: {
      id: {
        description:
          'Of a proxy or a deployment, `project.proxy[.environment]`; or of an upstream of any dialect, percent-encoded.',
        schema: NAME,
      },
    },
    answers: { 200: { description: 'A row for each target.', schema: ref('ApinizerTargets') } },
    faults: { 404: 'Nothing that is deployed is called so.' },
  },
]
