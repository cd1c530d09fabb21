import type { JsonObject } from '../../src/model/json.ts'

/** The documents that the scenarios put into Headgate, as its users write them. */

function nodes(port: number): JsonObject {
  return { type: 'roundrobin', nodes: { [`127.0.0.1:${port}`]: 1 } }
}

export function plainRoute(uri: string, port: number): JsonObject {
  return { uri, upstream: nodes(port) }
}

/** The canary of the traffic-split page: 3 of 5 to blue, 2 to green. */
export function splitRoute(uri: string, blue: number, green: number): JsonObject {
  return {
    uri,
    plugins: {
      'traffic-split': {
        rules: [{ weighted_upstreams: [{ upstream: nodes(blue), weight: 3 }, { weight: 2 }] }],
      },
    },
    upstream: nodes(green),
  }
}

/** The same split behind three terms, all of which `CONDITION` makes true. */
export function conditionRoute(uri: string, blue: number, green: number): JsonObject {
  return {
    uri,
    plugins: {
      'traffic-split': {
        rules: [
          {
            match: [
              {
                vars: [
                  ['arg_name', '==', 'jack'],
                  ['http_user-id', '>', '23'],
                  ['http_apisix-key', '~~', '[a-z]+'],
                ],
              },
            ],
            weighted_upstreams: [{ upstream: nodes(blue), weight: 3 }, { weight: 2 }],
          },
        ],
      },
    },
    upstream: nodes(green),
  }
}

/** What a request needs for `conditionRoute` to split it. */
export const CONDITION = { query: '?name=jack', headers: ['user-id: 30', 'apisix-key: hello'] } as const

/** The endpoint speaks HTTP/2 without TLS. */
export function grpcRoute(uri: string, port: number): JsonObject {
  return { uri, upstream: { ...nodes(port), scheme: 'grpc' } }
}

export function webSocketRoute(uri: string, port: number): JsonObject {
  return { ...plainRoute(uri, port), enable_websocket: true }
}

/** What comes in at one port of `--listen-tcp`. */
export function streamRoute(listen: number, port: number): JsonObject {
  return { server_port: listen, upstream: { ...nodes(port), scheme: 'tcp' } }
}
