import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { RestDescription, RestOperation } from '../dialect.ts'
import type { LuaSchema } from './lua-schema.ts'
import { META } from './plugin-schemas.ts'
import { PLUGINS as KNOWN_PLUGINS } from './plugins/index.ts'
import { SCHEMAS } from './schema.ts'
import { PLUGINS } from './schema-parts.ts'
import { SHOWN_SSL } from './ssl-schema.ts'
import { RESOURCES } from './verbs.ts'

/** The Admin API of spec/apisix.md 1 for the API's description, made from the schemas that check what is sent. */

const PREFIX = '/apisix/admin'

/** The schema of a list's `filter`, and others that are plain texts. */
const TEXT: JsonObject = { type: 'string' }

/** Schemas that are shown once, by their identity; what holds them refers to them. */
const NAMED: ReadonlyMap<LuaSchema, string> = new Map([
  ...Object.entries(SCHEMAS).map(([kind, schema]) => [schema, schemaName(kind)] as const),
  ...KNOWN_PLUGINS.map((plugin) => [plugin.schema, schemaName(plugin.name)] as const),
  [META, 'ApisixMeta'] as const,
  [PLUGINS, 'ApisixPlugins'] as const,
])

export function describeRest(): RestDescription {
  return {
    name: 'Apisix',
    description:
      "The Admin API of Apache APISIX: its paths, documents and answers. See docs/dialects/apisix.md for what differs from APISIX's own.",
    operations: [...[...RESOURCES.keys()].flatMap(describeResource), ...CATALOG],
    schemas: describeSchemas(),
    error: {
      schema: {
        type: 'object',
        description: 'A fault. Which of the three texts is there depends on what failed, as in APISIX.',
        properties: {
          error_msg: { type: 'string', description: 'What is wrong.' },
          description: { type: 'string', description: 'More about it.' },
          message: { type: 'string', description: 'Instead of error_msg where an object does not exist.' },
        },
      },
      example: { error_msg: 'unknown plugin [traffic-spilt]' },
    },
  }
}

/** `plugin_configs` and `traffic-split` make `ApisixPluginConfig` and `ApisixTrafficSplit`. */
function schemaName(name: string): string {
  const words = name.replace(/s$/, '').split(/[-_]/)
  return `Apisix${words.map(capital).join('')}`
}

function capital(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`
}

function ref(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` }
}

// ================= operations =================

const ID: JsonObject = {
  type: 'string',
  minLength: 1,
  maxLength: 64,
  pattern: '^[a-zA-Z0-9_.-]+$',
}

const FORCE = {
  name: 'force',
  description: 'Delete it even while other objects refer to it.',
  schema: { type: 'string', enum: ['true', 'false'] },
}

const TTL = {
  name: 'ttl',
  description: 'Seconds after which the object goes away by itself.',
  schema: { type: 'number', exclusiveMinimum: 0, maximum: 32e9 },
}

const REFUSED = {
  400: 'The document is not valid, or names an object that does not exist.',
  409: 'Documents come from files, which are the place to change them; or another write came in between.',
  412: 'If-Match or If-None-Match does not hold.',
}

const EXAMPLES: Readonly<Record<string, JsonValue>> = {
  routes: {
    uri: '/shop/*',
    plugins: {
      'traffic-split': { rules: [{ weighted_upstreams: [{ upstream_id: 'v2', weight: 1 }, { weight: 9 }] }] },
    },
    upstream_id: 'v1',
  },
  services: { upstream_id: 'v1' },
  upstreams: { type: 'roundrobin', nodes: { '127.0.0.1:1980': 1 } },
  plugin_configs: { plugins: { redirect: { http_to_https: true } } },
  stream_routes: { server_port: 9100, upstream_id: 'v1' },
  consumers: { username: 'jack', plugins: { 'key-auth': { key: 'a-long-random-text' } } },
}

/** The operations on one kind of object; none for a kind that is switched off. */
function describeResource(kind: string): RestOperation[] {
  const resource = RESOURCES.get(kind)
  if (resource === undefined) return []
  const name = schemaName(kind)
  const word = capital(name.slice('Apisix'.length))
  const collection = `${PREFIX}/${kind}`
  const one = `${collection}/{id}`
  const params = { id: { description: `Id of the ${resource.word}.`, schema: ID } }
  const stored = { description: `The ${resource.word} as it is stored.`, schema: ref(`${name}Entry`) }
  const written = { description: `The ${resource.word} that was written.`, schema: ref(`${name}Written`) }
  const made = { ...written, description: `The ${resource.word} is new.` }
  const body = {
    description: `The ${resource.word}. Times are set by the server.`,
    schema: ref(name),
    ...(EXAMPLES[kind] === undefined ? {} : { example: EXAMPLES[kind] }),
  }
  const missing = { 404: 'There is no such object.' }
  const operations: RestOperation[] = [
    {
      method: 'GET',
      path: collection,
      id: `apisixList${word}s`,
      summary: `List ${resource.word}s`,
      query: listQuery(kind),
      answers: { 200: { description: 'Those that pass all filters.', schema: ref(`${name}List`) } },
      faults: { 400: 'A filter or a page is not valid.' },
    },
    {
      method: 'POST',
      path: collection,
      id: `apisixPost${word}`,
      summary: `Make a ${resource.word} with an id that the server gives`,
      query: [TTL],
      body,
      answers: { 201: made },
      faults: { 400: REFUSED[400], 409: REFUSED[409] },
    },
    {
      method: 'GET',
      path: one,
      id: `apisixGet${word}`,
      summary: `Read a ${resource.word}`,
      params,
      answers: { 200: stored },
      faults: missing,
    },
    {
      method: 'PUT',
      path: one,
      id: `apisixPut${word}`,
      summary: `Make or replace a ${resource.word}`,
      params,
      query: [TTL],
      body,
      answers: { 200: written, 201: made },
      faults: REFUSED,
    },
    {
      method: 'PATCH',
      path: one,
      id: `apisixPatch${word}`,
      summary: `Change fields of a ${resource.word}`,
      params,
      query: [TTL],
      body: {
        description: 'Fields to set; null takes one away. Objects are merged, lists are replaced.',
        schema: { type: 'object' },
        example: { desc: 'the shop' },
      },
      answers: { 200: written },
      faults: { ...REFUSED, ...missing },
    },
    {
      method: 'PATCH',
      path: `${one}/{place}`,
      id: `apisixPatch${word}Place`,
      summary: `Replace one place inside a ${resource.word}`,
      params: {
        ...params,
        place: {
          description: 'Where, step by step: `plugins/traffic-split/rules/0`. Slashes go in as they are.',
          schema: TEXT,
        },
      },
      query: [TTL],
      body: { description: 'What stands there from now on: any JSON value.', schema: {}, example: 3 },
      answers: { 200: written },
      faults: { ...REFUSED, ...missing },
    },
    {
      method: 'DELETE',
      path: one,
      id: `apisixDelete${word}`,
      summary: `Delete a ${resource.word}`,
      params,
      query: [FORCE],
      answers: { 200: { description: 'It is gone.', schema: ref('ApisixDeleted') } },
      faults: { ...REFUSED, 400: 'Other objects refer to it (and force is not true).', ...missing },
    },
  ]
  return operations.filter(({ method }) => !resource.withoutVerbs.includes(method))
}

function listQuery(kind: string): NonNullable<RestOperation['query']> {
  const page = { type: 'integer', minimum: 1, default: 1 }
  const size = { type: 'integer', minimum: 10, maximum: 500 }
  return [
    { name: 'page', description: 'Which page; only together with page_size.', schema: page },
    { name: 'page_size', description: 'Objects on a page.', schema: size },
    { name: 'name', description: 'Pattern that is found in the name.', schema: TEXT },
    { name: 'label', description: 'Key of a label that the object has.', schema: TEXT },
    ...(kind === 'routes'
      ? [
          { name: 'uri', description: 'Pattern that is found in one of the paths.', schema: TEXT },
          {
            name: 'filter',
            description:
              'service_id and upstream_id, as a query of its own: service_id%3D1%26upstream_id%3D2',
            schema: TEXT,
          },
        ]
      : []),
  ]
}

const PLUGIN_NAME = {
  name: {
    description: 'Name of the plugin.',
    schema: { type: 'string', enum: KNOWN_PLUGINS.map((p) => p.name) },
  },
}

const SCHEMA: RestOperation['answers'] = {
  200: { description: 'A JSON Schema.', schema: { type: 'object' } },
}

const CATALOG: readonly RestOperation[] = [
  {
    method: 'GET',
    path: `${PREFIX}/plugins`,
    id: 'apisixDescribePlugins',
    summary: 'Read version, priority and schema of every plugin',
    query: [
      {
        name: 'all',
        description: 'Must be true.',
        schema: { type: 'string', enum: ['true'] },
      },
    ],
    answers: { 200: { description: 'By name.', schema: { type: 'object' } } },
    faults: { 400: 'all is not true.' },
  },
  {
    method: 'GET',
    path: `${PREFIX}/plugins/list`,
    id: 'apisixListPlugins',
    summary: 'List the names of the plugins, highest priority first',
    answers: { 200: { description: 'Names.', schema: { type: 'array', items: TEXT } } },
    faults: { 400: 'The subsystem is unknown.' },
  },
  {
    method: 'GET',
    path: `${PREFIX}/plugins/{name}`,
    id: 'apisixGetPluginSchema',
    summary: 'Read the schema of a plugin',
    params: PLUGIN_NAME,
    answers: SCHEMA,
    faults: { 404: 'There is no such plugin.' },
  },
  {
    method: 'GET',
    path: `${PREFIX}/schema/{resource}`,
    id: 'apisixGetSchema',
    summary: 'Read the schema of a resource',
    params: {
      resource: {
        description: 'Its name in the singular.',
        schema: {
          type: 'string',
          enum: ['route', 'service', 'upstream', 'ssl', 'plugin_config', 'consumer'],
        },
      },
    },
    answers: SCHEMA,
    faults: { 400: 'There is no such schema.' },
  },
  {
    method: 'GET',
    path: `${PREFIX}/schema/plugins/{name}`,
    id: 'apisixGetSchemaOfPlugin',
    summary: 'Read the schema of a plugin (the same as under plugins)',
    params: PLUGIN_NAME,
    answers: SCHEMA,
    faults: { 404: 'There is no such plugin.' },
  },
  {
    method: 'POST',
    path: `${PREFIX}/schema/validate/{kind}`,
    id: 'apisixValidateAgainstSchema',
    summary: 'Check a document against its schema; nothing is stored',
    params: {
      kind: { description: 'Collection it is for.', schema: { type: 'string', enum: Object.keys(SCHEMAS) } },
    },
    body: {
      description: 'The document.',
      schema: { type: 'object' },
      example: { uri: '/', upstream_id: '1' },
    },
    answers: { 200: { description: 'It fits.' } },
    faults: { 400: 'It does not, and why.', 404: 'There is no such collection.' },
  },
  {
    method: 'POST',
    path: `${PREFIX}/configs/validate`,
    id: 'apisixValidateConfigs',
    summary: 'Check lists of documents, every fault at once; nothing is stored',
    body: {
      description: 'Lists of documents by collection.',
      schema: { type: 'object', additionalProperties: { type: 'array', items: { type: 'object' } } },
      example: { routes: [{ id: '1', uri: '/', upstream_id: '1' }] },
    },
    answers: { 200: { description: 'All fit.', schema: { type: 'object' } } },
    faults: { 400: 'Faults, each with collection, place and id.' },
  },
]

// ================= schemas =================

function describeSchemas(): Record<string, JsonObject> {
  const schemas: Record<string, JsonObject> = {
    ApisixDeleted: {
      type: 'object',
      required: ['key', 'deleted'],
      properties: {
        key: { type: 'string', description: 'Kind and id: `/apisix/routes/1`.' },
        deleted: { type: 'string', description: 'The id.' },
      },
    },
  }
  for (const [schema, name] of NAMED) {
    schemas[name] = schema === PLUGINS ? describePlugins() : describeSchema(schema, true)
  }
  for (const kind of Object.keys(SCHEMAS)) {
    const name = schemaName(kind)
    const key = { type: 'string', description: `Kind and id: \`/apisix/${kind}/1\`.` }
    const index = (what: string): JsonObject => ({ type: 'integer', description: `Revision ${what}.` })
    const entry = { key, value: kind === 'ssls' ? describeSchema(SHOWN_SSL) : ref(name) }
    schemas[`${name}Written`] = { type: 'object', required: ['key', 'value'], properties: entry }
    schemas[`${name}Entry`] = {
      type: 'object',
      required: ['key', 'value', 'createdIndex', 'modifiedIndex'],
      properties: {
        ...entry,
        createdIndex: index('in which it was made'),
        modifiedIndex: index('in which it was last written'),
      },
    }
    schemas[`${name}List`] = {
      type: 'object',
      required: ['list', 'total'],
      properties: {
        list: { type: 'array', items: ref(`${name}Entry`) },
        total: { type: 'integer', description: 'How many pass the filters, on all pages.' },
      },
    }
  }
  return schemas
}

function describePlugins(): JsonObject {
  return {
    type: 'object',
    description: `${PLUGINS.description} One that _meta.disable switches off is not checked.`,
    properties: Object.fromEntries(
      KNOWN_PLUGINS.map(({ name, schema }) => {
        const off = { type: 'object', required: ['_meta'], description: 'Switched off: not checked.' }
        return [name, { anyOf: [ref(NAMED.get(schema) as string), off] }]
      }),
    ),
    additionalProperties: false,
  }
}

const SUBSCHEMAS: ReadonlySet<string> = new Set(['items', 'not', 'if', 'then', 'else'])

/** A schema as JSON Schema has it: the keywords are the same, and named schemas become references. */
function describeSchema(schema: LuaSchema, isRoot = false): JsonObject {
  const name = isRoot ? undefined : NAMED.get(schema)
  if (name !== undefined) return ref(name)
  const result: Record<string, JsonValue> = {}
  for (const [keyword, value] of Object.entries(schema) as [keyof LuaSchema, never][]) {
    if (keyword === 'properties' || keyword === 'patternProperties') {
      result[keyword] = describeEach(value)
    } else if (SUBSCHEMAS.has(keyword)) {
      result[keyword] = describeSchema(value)
    } else if (keyword === 'allOf' || keyword === 'anyOf' || keyword === 'oneOf') {
      result[keyword] = (value as readonly LuaSchema[]).map((inner) => describeSchema(inner))
    } else {
      result[keyword] = value
    }
  }
  return result
}

function describeEach(schemas: Readonly<Record<string, LuaSchema>>): JsonObject {
  return Object.fromEntries(Object.entries(schemas).map(([name, inner]) => [name, describeSchema(inner)]))
}
