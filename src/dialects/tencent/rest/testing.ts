import { DEFAULT_SETTINGS } from '../../../model/defaults.ts'
import type { EndpointView } from '../../../model/endpoint-view.ts'
import type { JsonObject } from '../../../model/json.ts'
import type { DialectRest, DialectSettings, RestResponse } from '../../dialect.ts'
import { FakeStore } from '../../testing/fake-store.ts'
import { sendCall } from '../../testing/send-call.ts'
import { tencent } from '../index.ts'
import { createRest } from '../rest.ts'

/** Helpers of the tests of the API; nothing else imports this file. */

/** The time at which a client of the tests starts: 2026-11-27T06:00:00Z. */
export const START_MS = Date.UTC(2026, 10, 27, 6)

/** What `Response` holds. */
export interface Response {
  readonly RequestId: string
  readonly Error?: { readonly Code: string; readonly Message: string }
  readonly [name: string]: unknown
}

/** A client of the API over a store of its own. Its clock moves by one second with each call; ids and request ids are numbered. */
export class FakeClient {
  readonly store: FakeStore
  readonly rest: DialectRest
  nowMs = START_MS
  /** How the endpoints of upstreams stand, by their id in the model. */
  readonly views = new Map<string, readonly EndpointView[]>()
  #ids = 0
  #requests = 0

  constructor(settings: DialectSettings = DEFAULT_SETTINGS) {
    this.store = new FakeStore(tencent, settings)
    this.rest = createRest({
      store: this.store,
      settings,
      language: tencent,
      view: { endpoints: (id) => this.views.get(id) },
      clock: () => this.nowMs,
      makeId: (prefix) => `${prefix}-${String(++this.#ids).padStart(8, '0')}`,
      makeRequestId: () => `request-${++this.#requests}`,
    })
  }

  /** `target` is `METHOD /path?query`. */
  async send(
    target: string,
    body = '',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RestResponse> {
    this.nowMs += 1000
    return sendCall(this.rest, target, body, headers)
  }

  /** A call as the vendor's clients make it. */
  async call(action: string, params: JsonObject = {}): Promise<Response> {
    const answer = await this.send('POST /tencent', JSON.stringify(params), {
      'x-tc-action': action,
      'x-tc-version': '2018-08-08',
    })
    return (JSON.parse(answer.body) as { Response: Response }).Response
  }

  /** The code of a call that fails; '' if it does not. */
  async code(action: string, params: JsonObject = {}): Promise<string> {
    return (await this.call(action, params)).Error?.Code ?? ''
  }

  /** A call that goes well. */
  async done(action: string, params: JsonObject = {}): Promise<Response> {
    const response = await this.call(action, params)
    if (response.Error !== undefined) {
      throw new Error(`${action}: ${response.Error.Code} ${response.Error.Message}`)
    }
    return response
  }

  /** What stands in `Result` of a call that goes well. */
  async result<T = Record<string, unknown>>(action: string, params: JsonObject = {}): Promise<T> {
    return (await this.done(action, params)).Result as T
  }
}

export const UPSTREAM: JsonObject = {
  Scheme: 'HTTP',
  Algorithm: 'ROUND-ROBIN',
  UniqVpcId: 'vpc-aaaa1111',
  Nodes: [{ Host: '10.0.0.1', Port: 8080, Weight: 10 }],
}

export const SERVICE: JsonObject = { ServiceName: 'shop', Protocol: 'http&https' }

export function mockApi(path: string, text = 'hello'): JsonObject {
  return {
    ServiceType: 'MOCK',
    ServiceTimeout: 15,
    Protocol: 'HTTP',
    RequestConfig: { Path: path, Method: 'ANY' },
    ServiceMockReturnMessage: text,
  }
}

export function upstreamApi(path: string, upstream: string, vpc = 'vpc-aaaa1111'): JsonObject {
  return {
    ServiceType: 'HTTP',
    ServiceTimeout: 15,
    Protocol: 'HTTP',
    RequestConfig: { Path: path, Method: 'ANY' },
    ServiceConfig: {
      Url: '',
      Path: '/',
      Method: 'ANY',
      Product: 'upstream',
      UniqVpcId: vpc,
      UpstreamId: upstream,
    },
  }
}

/** PluginData with one policy to an upstream. */
export function routingTo(upstream: string, condition = "header.UserName = 'admin'"): string {
  return JSON.stringify([
    {
      strategy_name: 'admins',
      condition,
      backend_type: 'UPSTREAM',
      backend_config: {
        ServiceType: 'HTTP',
        Method: 'ANY',
        Path: '/',
        Url: '',
        UniqVpcId: 'vpc-aaaa1111',
        UpstreamId: upstream,
        Product: 'upstream',
      },
    },
  ])
}
