import type { JsonObject } from '../../src/model/json.ts'

/** The routes that the bars on many routes are measured with: four shapes in equal parts, as APISIX documents. */

export interface SampleRoute {
  readonly id: string
  readonly value: JsonObject
  /** A request that this route takes and no other. */
  readonly request: {
    readonly path: string
    readonly host: string
    readonly headers: Readonly<Record<string, string>>
  }
}

/** Every so many routes one has a traffic-split; 25 is coprime to the four shapes, so that each has some. */
const SPLIT_EVERY = 25
const SHARED_PATH = '/shared/orders'

/**
 * Route number `i`, 0 and up: its own path; its own host on one path; a path with a wildcard behind it; one path and host told apart by a header.
 * All lead to `port` of 127.0.0.1 by an inline upstream.
 */
export function sampleRoute(i: number, port: number): SampleRoute {
  const upstream = { type: 'roundrobin', nodes: { [`127.0.0.1:${port}`]: 1 } }
  const plugins = i % SPLIT_EVERY === 0 ? { plugins: { 'traffic-split': split(port) } } : {}
  const base = { name: `route ${i}`, upstream, ...plugins }
  switch (i & 3) {
    case 0:
      return {
        id: `r${i}`,
        value: { ...base, uri: `/api/v1/item${i}/view` },
        request: { path: `/api/v1/item${i}/view`, host: 'any.example.com', headers: {} },
      }
    case 1:
      return {
        id: `r${i}`,
        value: { ...base, uri: '/*', host: `h${i}.example.com` },
        request: { path: '/whatever', host: `h${i}.example.com`, headers: {} },
      }
    case 2:
      return {
        id: `r${i}`,
        value: { ...base, uri: `/users${i}/*`, methods: ['GET', 'POST'] },
        request: { path: `/users${i}/42/edit`, host: 'any.example.com', headers: {} },
      }
    default:
      return {
        id: `r${i}`,
        value: {
          ...base,
          uri: SHARED_PATH,
          host: 'tenants.example.com',
          vars: [['http_x_tenant', '==', `t${i}`]],
        },
        request: { path: SHARED_PATH, host: 'tenants.example.com', headers: { 'x-tenant': `t${i}` } },
      }
  }
}

function split(port: number): JsonObject {
  const other = { type: 'roundrobin', nodes: { [`127.0.0.1:${port}`]: 1 } }
  return {
    rules: [
      {
        match: [{ vars: [['arg_canary', '==', '1']] }],
        weighted_upstreams: [{ upstream: other, weight: 3 }, { weight: 2 }],
      },
    ],
  }
}
