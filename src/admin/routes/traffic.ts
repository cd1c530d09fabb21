import type { JsonObject } from '../../model/json.ts'
import {
  MAX_TRAFFIC_ROWS,
  TRAFFIC_SORTS,
  TRAFFIC_VIEWS,
  type TrafficQuery,
  type TrafficSort,
  type TrafficView,
} from '../../model/traffic.ts'
import type { AdminControl } from '../admin-control.ts'
import { answerJson, type OwnCall, type OwnEndpoint, readNumber } from '../endpoint.ts'
import type { StreamAnswer } from '../event-stream.ts'
import { type Answer, problem } from '../problem.ts'
import { ENDPOINT_SCHEMA } from './upstreams.ts'

const DEFAULT_LIMIT = 50
/** Streams of this endpoint at once: each makes a report a second. */
const MAX_WATCHERS = 16

const number = (description: string): JsonObject => ({ type: 'number', description })
const orNull = (type: string, description: string): JsonObject => ({ type: [type, 'null'], description })

const FIGURES: Readonly<Record<string, JsonObject>> = {
  requests: number('Since the object exists in this process; of upstreams and endpoints: attempts'),
  rates: {
    type: 'object',
    description: 'Per second',
    properties: {
      last1s: { type: 'number' },
      last10s: { type: 'number' },
      last60s: { type: 'number' },
    },
  },
  errorRatio: orNull('number', 'Share of the last 60 s with status 500 or above; null: no requests'),
  latencyMs: {
    type: ['object', 'null'],
    description: 'Milliseconds, last 10 s; null: no requests',
    properties: { p50: { type: 'number' }, p95: { type: 'number' }, p99: { type: 'number' } },
  },
}

const REPORT: JsonObject = {
  type: 'object',
  required: ['atMs', 'sampledSeconds', 'isPartial', 'view', 'totals', 'rows'],
  properties: {
    atMs: number('Milliseconds since the epoch'),
    sampledSeconds: number('How far back the samples reach, at most 60'),
    isPartial: { type: 'boolean', description: 'More objects were in use than are followed' },
    view: { type: 'string', enum: [...TRAFFIC_VIEWS] },
    totals: {
      type: 'object',
      properties: {
        ...FIGURES,
        connections: number('Client connections open now'),
        inFlight: number('Requests under way now'),
        upstreamConnections: number('Connections to endpoints open now'),
      },
    },
    rows: {
      type: 'array',
      items: {
        type: 'object',
        required: ['kind'],
        properties: {
          kind: { type: 'string', enum: ['route', 'target', 'upstream', 'endpoint'] },
          ...FIGURES,
          route: {
            type: 'string',
            description: 'Id; "" is no route, "_other" those without counters of their own',
          },
          upstream: { type: 'string' },
          name: { type: 'string' },
          rule: { type: 'integer' },
          target: { type: 'integer' },
          variant: { type: 'string' },
          configuredShare: number('0 to 1'),
          observedShare: orNull('number', '0 to 1, of the choices of the last 60 s; null: none'),
          decisions: number('Choices of the last 60 s'),
          node: { type: 'string', description: 'host:port of an endpoint' },
          priority: orNull('integer', 'Of an endpoint'),
          weight: orNull('integer', 'Of a target or endpoint'),
          endpoints: { type: 'integer' },
          inFlight: number('Requests under way now'),
          bytesInPerSecond: number('Bodies of requests, last 10 s'),
          bytesOutPerSecond: number('Bodies of answers, last 10 s'),
          connectsPerSecond: number('Connections made, last 10 s'),
          retriesPerSecond: number('Last 10 s'),
          standing: {
            oneOf: [ENDPOINT_SCHEMA, { type: 'null' }],
            description: 'Of an endpoint: how it stands',
          },
        },
      },
    },
  },
}

/** The live picture: rates, shares, errors and latencies of the last minute. */
export function trafficEndpoints(control: AdminControl): readonly OwnEndpoint[] {
  let watchers = 0
  const watch = (query: TrafficQuery): StreamAnswer | Answer => {
    if (watchers >= MAX_WATCHERS) return problem('TOO_MANY_STREAMS', `limit ${MAX_WATCHERS}`)
    return {
      open(sink) {
        watchers++
        const end = control.traffic.watch(query, (report) => sink.send('traffic', JSON.stringify(report)))
        return () => {
          watchers--
          end()
        }
      },
    }
  }
  return [
    {
      method: 'GET',
      path: '/headgate/v1/traffic',
      summary: 'Read rates, shares, errors and latencies of the last minute',
      isWrite: false,
      query: [
        {
          name: 'view',
          description: 'What the rows are',
          schema: { type: 'string', enum: [...TRAFFIC_VIEWS], default: 'routes' },
        },
        {
          name: 'sort',
          description: 'By requests per second, share of errors, p95 (most first), or id',
          schema: { type: 'string', enum: [...TRAFFIC_SORTS], default: 'rate' },
        },
        {
          name: 'limit',
          description: 'Rows at most; a split counts once',
          schema: { type: 'integer', minimum: 1, maximum: MAX_TRAFFIC_ROWS, default: DEFAULT_LIMIT },
        },
        { name: 'id', description: 'Only this route or upstream', schema: { type: 'string' } },
        {
          name: 'watch',
          description: 'Given (whatever its value but false): a stream with an event `traffic` each second',
          schema: { type: 'boolean', default: false },
        },
      ],
      answer: REPORT,
      alsoStreams: true,
      handle: (call) => {
        const query = readQuery(call)
        if ('status' in query) return query
        const { query: given } = call
        if (given.has('watch') && given.get('watch') !== 'false') return watch(query)
        return control.traffic.report(query).then((report) => answerJson(report))
      },
    },
  ]
}

function readQuery({ query }: OwnCall): TrafficQuery | Answer {
  const view = query.get('view') ?? 'routes'
  const sort = query.get('sort') ?? 'rate'
  const limit = readNumber(query, 'limit', 1, MAX_TRAFFIC_ROWS) ?? DEFAULT_LIMIT
  if (!isOneOf(TRAFFIC_VIEWS, view))
    return problem('BAD_QUERY', `view must be one of ${TRAFFIC_VIEWS.join(', ')}`)
  if (!isOneOf(TRAFFIC_SORTS, sort))
    return problem('BAD_QUERY', `sort must be one of ${TRAFFIC_SORTS.join(', ')}`)
  if (limit === 'bad') return problem('BAD_QUERY', `limit must be 1 to ${MAX_TRAFFIC_ROWS}`)
  return { view: view as TrafficView, sort: sort as TrafficSort, limit, id: query.get('id') ?? null }
}

function isOneOf(values: readonly string[], value: string): boolean {
  return values.includes(value)
}
