import type { EndpointView } from '../../model/endpoint-view.ts'
import type { JsonObject } from '../../model/json.ts'
import type { AdminControl } from '../admin-control.ts'
import { answerJson, type OwnEndpoint } from '../endpoint.ts'
import { problem } from '../problem.ts'

/** Upstreams looked through: reading each takes some microseconds of the main thread. */
const MAX_UPSTREAMS = 10_000

const CHECKED: JsonObject = {
  type: 'object',
  description: 'An upstream with active checks, as APISIX shows it',
  required: ['name', 'type', 'nodes'],
  properties: {
    name: { type: 'string', description: 'Of the document that it stands in: `/apisix/upstreams/1`' },
    type: { type: 'string', enum: ['http', 'https', 'tcp', 'grpc'] },
    nodes: {
      type: 'array',
      items: {
        type: 'object',
        required: ['ip', 'port', 'hostname', 'status', 'counter'],
        properties: {
          ip: { type: 'string' },
          port: { type: 'integer' },
          hostname: { type: 'string' },
          status: { type: 'string', enum: ['healthy', 'mostly_healthy', 'mostly_unhealthy', 'unhealthy'] },
          counter: {
            type: 'object',
            description: 'Since the last change of state',
            required: ['success', 'http_failure', 'tcp_failure', 'timeout_failure'],
            properties: {
              success: { type: 'integer' },
              http_failure: { type: 'integer' },
              tcp_failure: { type: 'integer' },
              timeout_failure: { type: 'integer' },
            },
          },
        },
      },
    },
  },
}

/** What APISIX's control API says of health checks (spec/apisix.md 5.5), at its paths. */
export function healthcheckEndpoints(control: AdminControl): readonly OwnEndpoint[] {
  return [
    {
      method: 'GET',
      path: '/v1/healthcheck',
      summary: 'List the upstreams with active checks and the health of their nodes, as APISIX does',
      isWrite: false,
      answer: { type: 'array', items: CHECKED },
      handle: () => answerJson([...listChecked(control)]),
    },
    {
      method: 'GET',
      path: '/v1/healthcheck/:kind/:id',
      summary: 'Show the health of the nodes of one upstream, as APISIX does',
      isWrite: false,
      answer: CHECKED,
      handle: ({ params }) => {
        const name = `/apisix/${params.kind}/${params.id}`
        for (const checked of listChecked(control)) if (checked.name === name) return answerJson(checked)
        return problem('NO_SUCH_UPSTREAM', `${name} has no active checks, or no route refers to it`)
      },
    },
  ]
}

interface Checked {
  readonly name: string
  readonly type: string
  readonly nodes: readonly object[]
}

function* listChecked(control: AdminControl): Generator<Checked> {
  let read = 0
  for (const source of control.objects.upstreams()) {
    if (++read > MAX_UPSTREAMS) return
    const active = source.read().health?.active ?? null
    if (active === null) continue
    const nodes = (control.endpoints(source.id) ?? []).map(viewNode)
    yield { name: `/${source.id.split('#')[0]}`, type: active.kind, nodes }
  }
}

function viewNode(view: EndpointView): object {
  const { host, port, address, counter } = view
  return {
    ip: address ?? host,
    port,
    hostname: host,
    status: statusOf(view),
    counter: {
      success: counter.success,
      http_failure: counter.httpFailures,
      tcp_failure: counter.tcpFailures,
      timeout_failure: counter.timeouts,
    },
  }
}

/** `mostly`: on the way to the other state. */
function statusOf({ state, counter }: EndpointView): string {
  if (state !== 'up') return state === 'unhealthy' && counter.success > 0 ? 'mostly_unhealthy' : 'unhealthy'
  return counter.httpFailures + counter.tcpFailures + counter.timeouts > 0 ? 'mostly_healthy' : 'healthy'
}
