import { type HttpListener, listenHttp } from '../gateway/sockets.ts'
import { createServer } from './node-http.ts'

export interface ProxyReadiness {
  /** One line each; empty: it is ready. */
  readonly reasons: readonly string[]
  /** What is not as it should be though it is ready. */
  readonly notes: readonly string[]
}

/**
 * `/ready` for whoever sends traffic to the process or supervises it: 200 while it serves, else 503, each with lines that say why. Rejects with PORT_IN_USE or BAD_SETTING. The
 * caller closes it.
 */
export async function startProxyServer(
  listen: string,
  readiness: () => ProxyReadiness,
): Promise<HttpListener> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    request.resume()
    const answer = (
      status: number,
      lines: readonly string[],
      more: Readonly<Record<string, string>> = {},
    ) => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...more })
      response.end(`${lines.join('\n')}\n`)
    }
    if (request.url?.split('?')[0] !== '/ready') return answer(404, ['not found'])
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(405, ['method not allowed'], { allow: 'GET, HEAD' })
    const { reasons, notes } = readiness()
    if (reasons.length === 0) answer(200, ['ready', ...notes])
    else answer(503, ['not ready', ...reasons, ...notes])
  })
  return listenHttp(server, listen)
}
