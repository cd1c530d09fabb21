import { DEFAULT_SETTINGS } from '../../../model/defaults.ts'
import type { EndpointView } from '../../../model/endpoint-view.ts'
import type { ExplainRequest, Explanation, WorkerExplanation } from '../../../model/explanation.ts'
import type { JsonObject } from '../../../model/json.ts'
import type { DialectRest, DialectSettings, RestResponse } from '../../dialect.ts'
import { FakeStore } from '../../testing/fake-store.ts'
import { sendCall } from '../../testing/send-call.ts'
import { apinizer } from '../index.ts'
import { createRest } from '../rest.ts'

/** Helpers of the tests of the management calls; nothing else imports this file. */

/** A client over a store of its own. */
export class FakeClient {
  readonly store: FakeStore
  readonly rest: DialectRest
  /** How the endpoints of upstreams stand, by their id in the model. */
  readonly views = new Map<string, readonly EndpointView[]>()
  /** What was asked of the workers. */
  readonly questions: ExplainRequest[] = []
  /** What each worker answers: the deployment that takes the request, null for none, or why it does not answer. */
  workers: readonly (string | null | Error)[] = [null]
  /** Thrown instead of what the workers answer. */
  failure: Error | null = null

  constructor(settings: DialectSettings = DEFAULT_SETTINGS) {
    this.store = new FakeStore(apinizer, settings)
    this.rest = createRest({
      store: this.store,
      settings,
      view: {
        endpoints: (id) => this.views.get(id),
        explainEach: async (request) => {
          this.questions.push(request)
          if (this.failure !== null) throw this.failure
          return this.workers.map((answer, i) => explained(answer, i + 1, request))
        },
      },
    })
  }

  /** `target` is `METHOD /path`. */
  async send(
    target: string,
    body: JsonObject | string = '',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RestResponse> {
    return sendCall(this.rest, target, body, headers)
  }

  /** A call that goes well. */
  async done(target: string, body: JsonObject | string = ''): Promise<JsonObject> {
    const answer = await this.send(target, body)
    if (answer.status !== 200) throw new Error(`${target}: ${answer.status} ${answer.body}`)
    return JSON.parse(answer.body) as JsonObject
  }

  /** Status and message of a call that fails. */
  async fault(target: string, body: JsonObject | string = ''): Promise<string> {
    const { status, body: text } = await this.send(target, body)
    return `${status} ${(JSON.parse(text) as { resultMessage?: string }).resultMessage}`
  }
}

function explained(
  answer: string | null | Error,
  worker: number,
  request: ExplainRequest,
): WorkerExplanation {
  if (answer instanceof Error) return { worker, explanation: null, error: answer.message }
  const origin = { dialect: 'apinizer', kind: 'deployment', id: answer ?? '', path: '' }
  const route =
    answer === null
      ? null
      : { id: `apinizer/deployments/${answer}`, name: answer, section: 'apinizer', origin }
  const explanation: Pick<Explanation, 'revision' | 'route' | 'listener' | 'outcome'> & { request: object } =
    {
      revision: 7,
      route,
      request: { path: request.target.split('?')[0] ?? '', host: request.host ?? '' },
      listener: { address: `127.0.0.1:${request.listener ?? '9080'}`, protocol: 'http', sections: [] },
      outcome:
        answer === null
          ? { kind: 'error', status: 404, errorCode: 'ROUTE_NOT_FOUND', message: 'no route' }
          : {
              kind: 'upstream',
              upstream: `apinizer/deployments/${answer}#primary`,
              endpoint: 'http://a.test',
            },
    }
  return { worker, explanation: explanation as Explanation, error: null }
}

export const ENDPOINT_VIEW: EndpointView = {
  upstreamId: 'apinizer/deployments/shop.orders.production#primary',
  label: 'http://a.test',
  host: 'a.test',
  port: 80,
  address: null,
  priority: 0,
  zone: null,
  service: null,
  state: 'up',
  reason: '',
  sinceMs: 0,
  lastProbe: null,
  nextProbeMs: null,
  weight: 1,
  effectiveWeight: 1,
  inFlight: 0,
  requests: 0,
  failures: 0,
  ejections: 0,
  counter: { success: 0, httpFailures: 0, tcpFailures: 0, timeouts: 0 },
  openedBy: null,
  consecutivePasses: 0,
  consecutiveFailures: 0,
  windowErrors: 0,
  windowTotal: 0,
  returnsAtMs: null,
}
