import type { GatewayStatus } from '../../gateway/status.ts'
import type { AdminControl } from '../admin-control.ts'
import { answerJson, type OwnEndpoint, readNumber } from '../endpoint.ts'
import { answerReadyz } from '../health.ts'
import { type Answer, problem } from '../problem.ts'

const MAX_LIST = 1000

/** Where APISIX has its metrics. */
export const APISIX_METRICS_PATH = '/apisix/prometheus/metrics'
/** The text exposition format, version 0.0.4. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** How the gateway is: version, readiness, state, metrics. */
export function statusEndpoints(control: AdminControl, version: string): readonly OwnEndpoint[] {
  return [
    {
      method: 'GET',
      path: '/metrics',
      summary: 'Read all metrics',
      isWrite: false,
      answerType: 'text/plain',
      handle: () => ({ status: 200, headers: { 'content-type': METRICS_TYPE }, body: control.metrics() }),
    },
    {
      method: 'GET',
      path: APISIX_METRICS_PATH,
      summary: 'Read metrics in the names of APISIX',
      isWrite: false,
      answerType: 'text/plain',
      handle: () => {
        const body = control.apisixMetrics()
        if (body === null) return problem('NOT_FOUND', 'metrics.apisix is false')
        return { status: 200, headers: { 'content-type': METRICS_TYPE }, body }
      },
    },
    {
      method: 'GET',
      path: '/headgate/v1/version',
      summary: 'Read the version of the gateway and what it runs on',
      isWrite: false,
      answer: {
        type: 'object',
        required: ['version', 'node', 'platform'],
        properties: { version: { type: 'string' }, node: { type: 'string' }, platform: { type: 'string' } },
      },
      handle: () =>
        answerJson({ version, node: process.version, platform: `${process.platform} ${process.arch}` }),
    },
    {
      method: 'GET',
      path: '/headgate/v1/ready',
      summary: 'Ask whether the gateway is ready, and why not',
      isWrite: false,
      also: { 503: 'Not ready; a line for each reason.' },
      answerType: 'text/plain',
      handle: () => answerReadyz(control.readiness(), true),
    },
    {
      method: 'GET',
      path: '/headgate/v1/status',
      summary: 'Read the state of workers, listeners, store and documents',
      isWrite: false,
      query: [
        {
          name: 'state',
          description: 'Documents in this state; without it, those that are not simply accepted',
          schema: { type: 'string', enum: ['accepted', 'degraded', 'rejected', 'all'] },
        },
        { name: 'dialect', description: 'Documents of this dialect', schema: { type: 'string' } },
        { name: 'kind', description: 'Documents of this kind', schema: { type: 'string' } },
        {
          name: 'limit',
          description: 'Documents listed at most',
          schema: { type: 'integer', minimum: 1, maximum: MAX_LIST, default: MAX_LIST },
        },
      ],
      answer: {
        type: 'object',
        required: ['version', 'readiness', 'revision', 'workers', 'documents'],
        properties: {
          version: { type: 'string' },
          startedAtMs: { type: 'number' },
          readiness: { type: 'object' },
          revision: { type: 'integer' },
          store: { type: 'object' },
          lastChange: { type: ['object', 'null'] },
          listeners: { type: 'array', items: { type: 'string' } },
          workers: { type: 'array', items: { type: 'object' } },
          workerRestarts: { type: 'integer' },
          objects: { type: 'integer' },
          retiredSlots: { type: 'integer' },
          documents: { type: 'object' },
          sources: {
            type: 'array',
            items: { type: 'object' },
            description: 'Services of clusters whose pods are nodes',
          },
        },
      },
      handle: ({ query }) => answerStatus(control.status(), query),
    },
  ]
}

/** The whole state; of the documents the counts and a list of those asked for. */
function answerStatus(status: GatewayStatus, query: ReadonlyMap<string, string>): Answer {
  const limit = readNumber(query, 'limit', 1, MAX_LIST) ?? MAX_LIST
  const state = query.get('state')
  if (limit === 'bad') return problem('BAD_QUERY', `limit must be 1 to ${MAX_LIST}`)
  if (state !== undefined && !['accepted', 'degraded', 'rejected', 'all'].includes(state)) {
    return problem('BAD_QUERY', 'state must be accepted, degraded, rejected or all')
  }
  const dialect = query.get('dialect')
  const kind = query.get('kind')
  const counts = { accepted: 0, degraded: 0, rejected: 0 }
  const items: object[] = []
  let matching = 0
  for (const document of status.documents) {
    counts[document.state]++
    const isAsked =
      (state === undefined ? document.state !== 'accepted' : state === 'all' || state === document.state) &&
      (dialect === undefined || dialect === document.key.dialect) &&
      (kind === undefined || kind === document.key.kind)
    if (!isAsked) continue
    matching++
    if (items.length < limit) items.push(document)
  }
  const documents = { total: status.documents.length, ...counts, matching, items }
  return answerJson({ ...status, documents })
}
