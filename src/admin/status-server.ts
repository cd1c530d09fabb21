import { createServer } from 'node:http'
import { listenHttp } from '../gateway/sockets.ts'
import type { AdminControl, RunningServer } from './admin-control.ts'
import { answerLivez, answerReadyz } from './health.ts'
import type { Answer } from './problem.ts'
import { APISIX_METRICS_PATH, METRICS_TYPE } from './routes/status.ts'

const NOT_FOUND: Answer = {
  status: 404,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: 'not found\n',
}
const NOT_ALLOWED: Answer = {
  status: 405,
  headers: { 'content-type': 'text/plain; charset=utf-8', allow: 'GET, HEAD' },
  body: 'method not allowed\n',
}

/**
 * The keyless listener for probes and scrapers: /livez, /readyz (`?verbose` with reasons), /metrics and the same in APISIX's names, and nothing else.
 * Plain node:http, so that it works as long as anything does. Rejects with PORT_IN_USE or BAD_SETTING. The caller closes it.
 */
export async function startStatusServer(options: {
  /** `host:port`; port 0 lets the system choose. */
  readonly listen: string
  readonly control: StatusControl
  log(level: 'warn' | 'error', fields: object, message: string): void
}): Promise<RunningServer> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    // Whatever a probe sends along is not looked at.
    request.resume()
    let answer: Answer
    try {
      answer = answerFor(options.control, request.method ?? '', request.url ?? '')
    } catch (error) {
      options.log(
        'error',
        { error: error instanceof Error ? error.stack : String(error) },
        'status request failed',
      )
      answer = { status: 500, headers: {}, body: '' }
    }
    const body = Buffer.from(answer.body, 'utf8')
    response.writeHead(answer.status, {
      ...answer.headers,
      'content-length': body.length,
      'x-content-type-options': 'nosniff',
    })
    response.end(body)
  })
  return listenHttp(server, options.listen)
}

type StatusControl = Pick<AdminControl, 'readiness' | 'metrics' | 'apisixMetrics'>

const PATHS: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics', APISIX_METRICS_PATH])

function answerFor(control: StatusControl, method: string, url: string): Answer {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  if (!PATHS.has(path)) return NOT_FOUND
  if (method !== 'GET' && method !== 'HEAD') return NOT_ALLOWED
  switch (path) {
    case '/readyz': {
      const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
      return answerReadyz(control.readiness(), query.has('verbose'))
    }
    case '/metrics':
      return { status: 200, headers: { 'content-type': METRICS_TYPE }, body: control.metrics() }
    case APISIX_METRICS_PATH: {
      const body = control.apisixMetrics()
      return body === null ? NOT_FOUND : { status: 200, headers: { 'content-type': METRICS_TYPE }, body }
    }
    default:
      return answerLivez()
  }
}
