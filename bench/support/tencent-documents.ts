import { tencent } from '../../src/dialects/tencent/index.ts'
import { DEFAULT_SETTINGS } from '../../src/model/defaults.ts'
import type { JsonObject } from '../../src/model/json.ts'
import { toYaml } from '../../src/model/yaml-text.ts'
import type { SampleDocument } from './site.ts'

/** Documents of the Tencent dialect for the scenarios. Its APIs are addressed by 127.0.0.1, which is what the load generators ask for. */

const VPC = 'vpc-bench001'
const SERVICE = 'service-bench001'

/** The APIs `/plain` and `/ten`, which both split 3:2 over the nodes of one upstream; `/ten` by the last of ten policies. */
export function tencentPolicies(blue: number, green: number): string {
  return tencentFile(
    body(
      [upstream([blue, 3], [green, 2])],
      [api('api-plain001', '/plain'), api('api-ten00001', '/ten')],
      [
        plugin(
          'plugin-ten00001',
          Array.from(
            { length: 10 },
            (_, i) => `header.UserName = 'admin' and query.age < 30 and header.tenant = 't${i}'`,
          ),
        ),
      ],
      [['api-ten00001', 'plugin-ten00001']],
    ),
  )
}

/** So many APIs with a path each, each with a plugin of its own that has one policy of three terms. */
export function tencentApisBody(count: number, port: number): JsonObject {
  const ids = Array.from({ length: count }, (_, i) => String(i).padStart(8, '0'))
  return body(
    [upstream([port, 1])],
    ids.map((id) => api(`api-${id}`, `/a${id}`)),
    ids.map((id) =>
      plugin(`plugin-${id}`, [`header.UserName = 'u${id}' and query.age < 30 and header.tenant = 't${id}'`]),
    ),
    ids.map((id) => [`api-${id}`, `plugin-${id}`]),
  )
}

/** The same as documents of a store, released. */
export function* tencentApis(count: number, port: number): Generator<SampleDocument> {
  const found = tencent.readFile(tencentApisBody(count, port), DEFAULT_SETTINGS)
  for (const { kind, id, value } of found?.documents ?? []) yield { dialect: 'tencent', kind, id, value }
}

export function tencentFile(body: JsonObject): string {
  return toYaml(body)
}

function body(
  upstreams: readonly JsonObject[],
  apis: readonly JsonObject[],
  plugins: readonly JsonObject[],
  bound: readonly (readonly [api: string, plugin: string])[],
): JsonObject {
  return {
    tencent: {
      upstreams,
      services: [
        {
          ServiceId: SERVICE,
          ServiceName: 'bench',
          Protocol: 'http&https',
          CustomDomains: [{ Domain: '127.0.0.1', PathMappings: [{ Path: '/', Environment: 'release' }] }],
        },
      ],
      apis,
      plugins,
      attachments: bound.map(([ApiId, PluginId]) => ({
        ServiceId: SERVICE,
        EnvironmentName: 'release',
        ApiId,
        PluginId,
      })),
      releases: [{ ServiceId: SERVICE, EnvironmentName: 'release' }],
    },
  }
}

function upstream(...nodes: readonly (readonly [port: number, weight: number])[]): JsonObject {
  return {
    UpstreamId: 'upstream-bench001',
    UpstreamName: 'bench',
    Scheme: 'HTTP',
    Algorithm: 'ROUND-ROBIN',
    UniqVpcId: VPC,
    Nodes: nodes.map(([Port, Weight]) => ({ Host: '127.0.0.1', Port, Weight })),
  }
}

function backend(path: string): JsonObject {
  return {
    Product: 'upstream',
    UniqVpcId: VPC,
    UpstreamId: 'upstream-bench001',
    Url: '',
    Path: path,
    Method: 'ANY',
  }
}

function api(ApiId: string, Path: string): JsonObject {
  return {
    ApiId,
    ServiceId: SERVICE,
    ApiName: ApiId.replaceAll('-', ''),
    Protocol: 'HTTP',
    RequestConfig: { Path, Method: 'ANY' },
    ServiceType: 'HTTP',
    ServiceTimeout: 15,
    ServiceConfig: backend('/'),
  }
}

function plugin(PluginId: string, conditions: readonly string[]): JsonObject {
  return {
    PluginId,
    PluginName: PluginId.replaceAll('-', ''),
    PluginType: 'Routing',
    PluginData: conditions.map((condition, i) => ({
      strategy_name: `s${i}`,
      strategy_weight: 100 - i,
      condition,
      backend_type: 'UPSTREAM',
      backend_config: { ServiceType: 'HTTP', ServiceConfig: backend('/') },
    })),
  }
}
