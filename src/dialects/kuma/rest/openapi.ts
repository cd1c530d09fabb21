import type { JsonObject } from '../../../model/json.ts'
import type { RestDescription, RestOperation } from '../../dialect.ts'
import { type Kind, TYPES } from '../kinds.ts'

/** The calls for the API's description (OpenAPI). */
export function describeRest(): RestDescription {
  return {
    name: 'Kuma',
    description:
      'The control plane of a mesh, in the calls of Kuma, on a listener of its own (setting kuma.listen): on loopback without a key. See docs/dialects/kuma-api.md.',
    server: { url: 'http://127.0.0.1:5681', description: 'Where Kuma has it; the setting kuma.listen.' },
    acceptsBearer: true,
    operations: OPERATIONS,
    schemas: {
      KumaIndex: INDEX,
      KumaPolicies: POLICIES,
      KumaResource: RESOURCE,
      KumaResources: listOf({ $ref: '#/components/schemas/KumaResource' }),
      KumaOverview: OVERVIEW,
      KumaOverviews: listOf({ $ref: '#/components/schemas/KumaOverview' }),
      KumaMeshInsight: MESH_INSIGHT,
      KumaMeshInsights: listOf(ref('KumaMeshInsight')),
      KumaServiceInsight: SERVICE_INSIGHT,
      KumaServiceInsights: listOf(ref('KumaServiceInsight')),
      KumaRouteDataplanes: ROUTE_DATAPLANES,
      KumaMatchedDataplanes: MATCHED_DATAPLANES,
      KumaDataplanePolicies: DATAPLANE_POLICIES,
    },
    error: {
      schema: ERROR,
      example: {
        type: '/std-errors',
        status: 400,
        title: 'Could not process a resource',
        detail: 'Resource is not valid',
        invalid_parameters: [{ field: 'conf', reason: 'is required' }],
        details: 'Resource is not valid',
        causes: [{ field: 'conf', message: 'is required' }],
      },
    },
  }
}

const ref = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` })
const text = (description: string): JsonObject => ({ type: 'string', description })
const count = (description: string): JsonObject => ({ type: 'integer', minimum: 0, description })

function object(
  properties: Readonly<Record<string, JsonObject>>,
  required: readonly string[],
  more: JsonObject = {},
): JsonObject {
  return { type: 'object', required: [...required], properties, ...more }
}

function list(items: JsonObject): JsonObject {
  return { type: 'array', items }
}

const INDEX = object(
  {
    hostname: text('Name of the machine.'),
    tagline: text('`Kuma`: kumactl asks for it.'),
    product: text('`Headgate`.'),
    version: text('Of Headgate.'),
    basedOnKuma: text('The version of Kuma whose calls these are.'),
    instanceId: text('Of this machine.'),
    clusterId: text('Stays over restarts.'),
  },
  ['hostname', 'tagline', 'product', 'version', 'basedOnKuma', 'instanceId', 'clusterId'],
)

const POLICIES = object(
  {
    policies: list(
      object(
        {
          name: text('Type of its resources.'),
          readOnly: { type: 'boolean', description: 'Whether calls cannot change them.' },
          path: text('In the paths of calls.'),
          singularDisplayName: text('For people.'),
          pluralDisplayName: text('For people.'),
          isExperimental: { type: 'boolean' },
          isTargetRefBased: { type: 'boolean' },
          isInbound: { type: 'boolean' },
          isOutbound: { type: 'boolean' },
        },
        ['name', 'readOnly', 'path', 'singularDisplayName', 'pluralDisplayName'],
      ),
    ),
  },
  ['policies'],
)

const HEAD: Readonly<Record<string, JsonObject>> = {
  type: text('`Mesh`, `Dataplane`, `ExternalService`, `TrafficRoute`.'),
  mesh: text('Its mesh; absent in a mesh.'),
  name: text('Unique in its mesh.'),
  creationTime: { type: ['string', 'null'], description: 'RFC 3339; owned by the server.' },
  modificationTime: { type: ['string', 'null'], description: 'RFC 3339; owned by the server.' },
}

const RESOURCE = object(HEAD, [], {
  description:
    'A resource in the Universal form, as docs/dialects/kuma.md describes each; the Kubernetes form is taken too. Types as texts; 64-bit integers are written as texts.',
  additionalProperties: true,
})

function listOf(items: JsonObject): JsonObject {
  return object(
    {
      total: count('Over all pages.'),
      items: list(items),
      next: { type: ['string', 'null'], description: 'Address of the next page; null: there is none.' },
    },
    ['total', 'items', 'next'],
  )
}

const OVERVIEW = object(
  {
    ...HEAD,
    type: text('`DataplaneOverview`.'),
    status: text('`Online`, `Partially degraded` (some inbounds are not ready) or `Offline`.'),
    dataplane: { type: 'object', description: 'The Dataplane without its head.' },
    dataplaneInsight: object(
      {
        subscriptions: list({
          type: 'object',
          description: 'The last connection of its proxy; none: it never had one.',
          required: ['id', 'connectTime', 'status'],
          properties: {
            id: text('Of the connection.'),
            connectTime: text('RFC 3339.'),
            disconnectTime: text('RFC 3339; absent: it is connected.'),
            status: { type: 'object' },
            version: { type: 'object' },
          },
        }),
      },
      ['subscriptions'],
    ),
  },
  ['type', 'mesh', 'name', 'status', 'dataplane', 'dataplaneInsight'],
)

const ATTACHMENT: Readonly<Record<string, JsonObject>> = {
  type: text('`outbound`.'),
  name: text('Where it listens: `127.0.0.1:10001`.'),
  service: text('`kuma.io/service` of the outbound.'),
}

const ROUTE_DATAPLANES = object(
  {
    total: count('All of them: there are no pages.'),
    items: list(
      object(
        {
          kind: text('`SidecarDataplane`.'),
          dataplane: object({ mesh: text('Its mesh.'), name: text('Its name.') }, ['mesh', 'name']),
          attachments: list(object(ATTACHMENT, ['type', 'name', 'service'])),
        },
        ['kind', 'dataplane', 'attachments'],
      ),
    ),
  },
  ['total', 'items'],
)

const MATCHED_DATAPLANES = object(
  {
    total: count('Over all pages.'),
    items: list(
      object({ type: text('`Dataplane`.'), mesh: text('Its mesh.'), name: text('Its name.') }, [
        'type',
        'mesh',
        'name',
      ]),
    ),
    next: text('Address of the next page; absent: there is none.'),
  },
  ['total', 'items'],
)

const DATAPLANE_POLICIES = object(
  {
    kind: text('`SidecarDataplane`.'),
    total: count('Outbounds that have a route.'),
    items: list(
      object(
        {
          ...ATTACHMENT,
          matchedPolicies: object({ TrafficRoute: list(ref('KumaResource')) }, ['TrafficRoute'], {
            description: 'The heads of the resources, without their spec.',
          }),
        },
        ['type', 'name', 'service', 'matchedPolicies'],
      ),
    ),
  },
  ['kind', 'total', 'items'],
)

const COUNTS = object(
  {
    total: count('All of them.'),
    online: count('Those that are online.'),
    partiallyDegraded: count('Those of which some inbounds are not ready.'),
    offline: count('The others.'),
  },
  ['total', 'online', 'offline'],
)

const MESH_INSIGHT = object(
  {
    ...HEAD,
    type: text('`MeshInsight`.'),
    dataplanes: COUNTS,
    dataplanesByType: object({ standard: COUNTS, gateway: COUNTS }, ['standard', 'gateway']),
    policies: { type: 'object', description: 'How many there are, by type.' },
    services: object(
      { total: count('All of them.'), internal: count('Of dataplanes.'), external: count('Outside.') },
      ['total', 'internal', 'external'],
    ),
  },
  ['type', 'name', 'dataplanes', 'dataplanesByType', 'policies', 'services'],
)

const SERVICE_INSIGHT = object(
  {
    ...HEAD,
    type: text('`ServiceInsight`.'),
    serviceType: { type: 'string', enum: ['internal', 'external', 'gateway_delegated', 'gateway_builtin'] },
    status: { type: 'string', enum: ['online', 'partially_degraded', 'offline', 'not_available'] },
    dataplanes: COUNTS,
  },
  ['type', 'mesh', 'name', 'serviceType', 'status', 'dataplanes'],
)

const PARAMETERS = (reason: 'reason' | 'message'): JsonObject =>
  list(
    object({ field: text('Path in the resource, or name in the query.'), [reason]: text('Why.') }, [
      'field',
      reason,
    ]),
  )

const ERROR = object(
  {
    type: text('`/std-errors`.'),
    status: { type: 'integer' },
    title: text('What could not be done.'),
    detail: text('Why not.'),
    hint: text('What to do instead, where that is not said already.'),
    invalid_parameters: PARAMETERS('reason'),
    details: text('The same as `detail`, for older clients.'),
    causes: PARAMETERS('message'),
  },
  ['type', 'status', 'title', 'detail', 'details'],
)

const MESH = { mesh: { description: 'Name of the mesh.', schema: { type: 'string' } } } as const
const NAME = { name: { description: 'Name in the mesh.', schema: { type: 'string' } } } as const

const FORMAT = {
  name: 'format',
  description: 'Form of the answer.',
  schema: { type: 'string', enum: ['universal', 'k8s', 'kubernetes'], default: 'universal' },
} as const

const PAGE = [
  {
    name: 'size',
    description: 'Entries of a page.',
    schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
  },
  { name: 'offset', description: 'As `next` of the page before has it.', schema: { type: 'string' } },
  { name: 'name', description: 'Only what has this in its name.', schema: { type: 'string' } },
] as const

const TAG = {
  name: 'tag',
  description:
    '`key:value`, may stand several times: only what has all of them; the value may be a part of that of the tag.',
  schema: { type: 'string' },
} as const

const GATEWAY = {
  name: 'gateway',
  description: 'Only gateways of this sort, or with false none of them.',
  schema: { type: 'string', enum: ['true', 'false', 'builtin', 'delegated'] },
} as const

const MISSING = 'There is none of this name.'
const BAD_QUERY = 'A parameter of the query means nothing.'

function filtersOf(kind: Kind): NonNullable<RestOperation['query']> {
  return [
    ...(kind === 'dataplanes' || kind === 'external-services' ? [TAG] : []),
    ...(kind === 'dataplanes' ? [GATEWAY] : []),
  ]
}

function operationsOf(kind: Kind): readonly RestOperation[] {
  const type = TYPES[kind]
  const isMesh = kind === 'meshes'
  const folder = isMesh ? '/meshes' : `/meshes/{mesh}/${kind}`
  const path = isMesh ? '/meshes/{mesh}' : `${folder}/{name}`
  const params = isMesh ? MESH : { ...MESH, ...NAME }
  const plural = kind === 'meshes' ? 'Meshes' : `${type}s`
  const listing = (id: string, summary: string, at: string): RestOperation => ({
    method: 'GET',
    path: at,
    id,
    summary,
    ...(at.includes('{mesh}') ? { params: MESH } : {}),
    query: [...PAGE, ...filtersOf(kind), FORMAT],
    answers: { 200: { description: 'A page.', schema: ref('KumaResources') } },
    faults: { 400: BAD_QUERY },
  })
  return [
    ...(isMesh
      ? [listing('kumaListMeshes', 'List the meshes', '/meshes')]
      : [
          listing(`kumaList${plural}`, `List the resources ${type} of all meshes`, `/${kind}`),
          listing(`kumaListMesh${plural}`, `List the resources ${type} of a mesh`, folder),
        ]),
    {
      method: 'GET',
      path,
      id: `kumaGet${type}`,
      summary: `Read a ${type}`,
      params,
      query: [FORMAT],
      answers: {
        200: { description: 'The resource.', schema: ref('KumaResource') },
      },
      faults: { 400: BAD_QUERY, 404: MISSING },
    },
    {
      method: 'PUT',
      path,
      id: `kumaPut${type}`,
      summary: `Write a ${type}, the whole of it`,
      params,
      body: { description: 'The resource in either form.', schema: ref('KumaResource') },
      answers: { 200: { description: 'It is replaced.' }, 201: { description: 'It is made.' } },
      faults: {
        400: 'It does not validate, or says another type, mesh or name than the address, or there is no such mesh.',
        405: 'Documents come from files.',
        409: 'Another write was faster.',
      },
    },
    {
      method: 'DELETE',
      path,
      id: `kumaDelete${type}`,
      summary: isMesh ? 'Delete a Mesh and what is in it' : `Delete a ${type}`,
      params,
      answers: { 200: { description: 'It is gone.' } },
      faults: {
        ...(isMesh ? { 400: 'There are dataplanes in it.' } : {}),
        404: MISSING,
        405: 'Documents come from files.',
        409: 'Another write was faster.',
      },
    },
  ]
}

function asking(
  id: string,
  path: string,
  summary: string,
  schema: string,
  more: Partial<Pick<RestOperation, 'query' | 'faults'>> = {},
): RestOperation {
  const params = { ...(path.includes('{mesh}') ? MESH : {}), ...(path.includes('{name}') ? NAME : {}) }
  const hasParams = Object.keys(params).length > 0
  return {
    method: 'GET',
    path,
    id,
    summary,
    ...(hasParams ? { params } : {}),
    answers: { 200: { description: 'Yes.', schema: ref(schema) } },
    faults: {},
    ...more,
  }
}

const PAGED = { query: [...PAGE, TAG, GATEWAY], faults: { 400: BAD_QUERY } } as const

const OPERATIONS: readonly RestOperation[] = [
  asking('kumaIndex', '/', 'Ask which control plane this is', 'KumaIndex'),
  asking('kumaPolicies', '/policies', 'List the kinds of policies', 'KumaPolicies'),
  ...(['meshes', 'dataplanes', 'external-services', 'traffic-routes'] as const).flatMap(operationsOf),
  asking(
    'kumaListOverviews',
    '/dataplanes/_overview',
    'List the dataplanes of all meshes, and whether their proxies are online',
    'KumaOverviews',
    PAGED,
  ),
  asking(
    'kumaListMeshOverviews',
    '/meshes/{mesh}/dataplanes/_overview',
    'List the dataplanes of a mesh, and whether their proxies are online',
    'KumaOverviews',
    PAGED,
  ),
  asking(
    'kumaGetOverview',
    '/meshes/{mesh}/dataplanes/{name}/_overview',
    'Read a dataplane, and whether its proxy is online',
    'KumaOverview',
    { faults: { 404: MISSING } },
  ),
  asking(
    'kumaListDataplaneInsights',
    '/dataplanes+insights',
    'The older name of /dataplanes/_overview',
    'KumaOverviews',
    PAGED,
  ),
  asking(
    'kumaListMeshDataplaneInsights',
    '/meshes/{mesh}/dataplanes+insights',
    'The older name of /meshes/{mesh}/dataplanes/_overview',
    'KumaOverviews',
    PAGED,
  ),
  asking(
    'kumaGetDataplaneInsight',
    '/meshes/{mesh}/dataplanes+insights/{name}',
    'The older name of /meshes/{mesh}/dataplanes/{name}/_overview',
    'KumaOverview',
    { faults: { 404: MISSING } },
  ),
  asking(
    'kumaListMeshInsights',
    '/mesh-insights',
    'Count the dataplanes, services and policies of each mesh',
    'KumaMeshInsights',
    { query: PAGE, faults: { 400: BAD_QUERY } },
  ),
  asking(
    'kumaGetMeshInsight',
    '/mesh-insights/{mesh}',
    'Count the dataplanes, services and policies of a mesh',
    'KumaMeshInsight',
    { faults: { 404: MISSING } },
  ),
  asking(
    'kumaListServiceInsights',
    '/service-insights',
    'List the services of all meshes, and whether they are online',
    'KumaServiceInsights',
    { query: PAGE, faults: { 400: BAD_QUERY } },
  ),
  asking(
    'kumaListMeshServiceInsights',
    '/meshes/{mesh}/service-insights',
    'List the services of a mesh, and whether they are online',
    'KumaServiceInsights',
    { query: PAGE, faults: { 400: BAD_QUERY } },
  ),
  asking(
    'kumaGetServiceInsight',
    '/meshes/{mesh}/service-insights/{name}',
    'Tell whether a service is online',
    'KumaServiceInsight',
    { faults: { 404: MISSING } },
  ),
  asking(
    'kumaDataplanePolicies',
    '/meshes/{mesh}/dataplanes/{name}/policies',
    'Tell which route each outbound of a dataplane has',
    'KumaDataplanePolicies',
    { faults: { 404: MISSING } },
  ),
  asking(
    'kumaRouteDataplanes',
    '/meshes/{mesh}/traffic-routes/{name}/dataplanes',
    'Tell for which outbounds a route is chosen',
    'KumaRouteDataplanes',
    { faults: { 404: MISSING } },
  ),
  asking(
    'kumaMatchedDataplanes',
    '/meshes/{mesh}/traffic-routes/{name}/_resources/dataplanes',
    'List the dataplanes that a source or a destination of a route selects',
    'KumaMatchedDataplanes',
    { query: PAGE, faults: { 400: BAD_QUERY, 404: MISSING } },
  ),
]
