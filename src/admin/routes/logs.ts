import { readTailFilter } from '../../gateway/tail-filter.ts'
import { DEFAULT_TAIL_RATE, MAX_TAIL_RATE, MAX_TAILS } from '../../gateway/tails.ts'
import type { AdminControl } from '../admin-control.ts'
import { type OwnCall, type OwnEndpoint, type QueryParameter, readNumber } from '../endpoint.ts'
import type { StreamAnswer } from '../event-stream.ts'
import { type Answer, problem } from '../problem.ts'

const MAX_LINES = 1_000_000

/** Several values have commas between them. */
const text = (name: string, description: string): QueryParameter => ({
  name,
  description,
  schema: { type: 'string' },
})

const FILTERS: readonly QueryParameter[] = [
  text('route', 'Ids or names of routes; * at the end stands for any rest'),
  text('variant', 'Variants that the split chose'),
  text('status', 'Statuses: 404, 5xx or 500-503'),
  text('method', 'Methods'),
  text('path', 'Paths; * at the end stands for any rest'),
  text('host', 'Hosts'),
  text('client', 'Addresses of clients, or CIDR blocks'),
  text('error', 'Error codes; any: every error'),
  {
    name: 'min_duration_ms',
    description: 'Only requests that took so long',
    schema: { type: 'number', minimum: 0 },
  },
  {
    name: 'sample',
    description: 'Share of the successes (below 400, no error) that are sent',
    schema: { type: 'number', minimum: 0, maximum: 1, default: 1 },
  },
]

const LIMITS: readonly QueryParameter[] = [
  {
    name: 'limit',
    description: 'Ends the stream after so many requests',
    schema: { type: 'integer', minimum: 1, maximum: MAX_LINES },
  },
  {
    name: 'rate',
    description: 'Requests per second and worker; more are counted and left out',
    schema: { type: 'integer', minimum: 1, maximum: MAX_TAIL_RATE, default: DEFAULT_TAIL_RATE },
  },
]

/** Requests as they end. */
export function logEndpoints(control: AdminControl): readonly OwnEndpoint[] {
  return [
    {
      method: 'GET',
      path: '/headgate/v1/logs',
      summary: 'Follow requests as they end',
      isWrite: false,
      query: [...FILTERS, ...LIMITS],
      answerType: 'text/event-stream',
      handle: (call) => followLogs(control, call),
    },
  ]
}

/** Events: `request` (the JSON of the access log), `left-out` (`{"requests":n}`: over the rate), `lost` (the reader was too slow). */
function followLogs(control: AdminControl, { query }: OwnCall): StreamAnswer | Answer {
  const known = [...FILTERS, ...LIMITS].map(({ name }) => name)
  for (const name of query.keys()) {
    if (!known.includes(name)) return problem('BAD_QUERY', `${name} is no filter (${known.join(', ')})`)
  }
  const filter = readTailFilter(query)
  if (typeof filter === 'string') return problem('BAD_QUERY', filter)
  const limit = readNumber(query, 'limit', 1, MAX_LINES)
  if (limit === 'bad') return problem('BAD_QUERY', `limit must be 1 to ${MAX_LINES}`)
  const rate = readNumber(query, 'rate', 1, MAX_TAIL_RATE) ?? DEFAULT_TAIL_RATE
  if (rate === 'bad') return problem('BAD_QUERY', `rate must be 1 to ${MAX_TAIL_RATE}`)
  if (control.tails.isFull) return problem('TOO_MANY_STREAMS', `${MAX_TAILS} tails are open`)
  return {
    open(sink) {
      let left = limit ?? Number.POSITIVE_INFINITY
      const close = control.tails.open(filter, rate, {
        line(line) {
          if (left === 0) return
          left--
          sink.send('request', line)
          if (left === 0) sink.end()
        },
        leftOut(requests) {
          sink.send('left-out', JSON.stringify({ requests }))
        },
      })
      if (close === null) sink.end() // the last one was taken meanwhile
      return close ?? (() => {})
    },
  }
}
