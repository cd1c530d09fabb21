import type { JsonObject } from '../../../model/json.ts'
import type { RestDescription, RestOperation } from '../../dialect.ts'
import { SETTING_NAMES } from './settings.ts'

/** The calls for the API's description (OpenAPI). */
export function describeRest(): RestDescription {
  return {
    name: 'Apinizer',
    description:
      'API proxies in the management calls of Apinizer: create, change settings, deploy; and what beside them tells how routes and targets stand. See docs/dialects/apinizer.md.',
    operations: OPERATIONS,
    schemas: {
      ApinizerDone: DONE,
      ApinizerList: LIST,
      ApinizerProxy: PROXY,
      ApinizerSettings: SETTINGS,
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
    deploymentResult: { type: 'object', description: 'Where it was deployed; absent: nowhere.' },
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
    body: json('ApinizerSettings', {
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
    answers: { 200: { description: 'Whether it is active, and where.', schema: { type: 'object' } } },
    faults: unknown,
  },
  {
    method: 'GET',
    path: '/apiops/projects/{project}/client-route-conflicts',
    id: 'apinizerConflicts',
    summary: 'List client routes with what they conflict with',
    params: of('project'),
    answers: listed,
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
          headers: { type: 'object', additionalProperties: { type: 'string' } },
        },
      },
      example: { path: '/orders/7', method: 'GET', host: 'shop.test' },
    },
    answers: {
      200: {
        description: 'The route, and for each other one the rule that eliminated it.',
        schema: { type: 'object' },
      },
    },
    faults: faulty,
  },
  {
    method: 'GET',
    path: '/admin/upstreams/{id}/targets',
    id: 'apinizerTargets',
    summary: 'Tell how the targets of an API proxy stand',
    params: {
      id: { description: 'Of a proxy or a deployment: `project.proxy[.environment]`.', schema: NAME },
    },
    answers: listed,
    faults: { 404: 'Nothing that is deployed is called so.' },
  },
]
