import { createServer, type Server } from 'node:http'
import { GatewayError } from '../model/gateway-error.ts'

/** The backends of the traffic-split page: where they listen, and what their front page says. */
export const SAMPLE_BACKENDS = [
  { port: 1980, page: 'hello 1980' },
  { port: 1981, page: 'world 1981' },
  { port: 1982, page: 'hello 1982' },
] as const

/** Starts them on 127.0.0.1. Throws PORT_IN_USE; those already started are closed again then. */
export async function startSampleBackends(): Promise<{ close(): Promise<void> }> {
  const servers: Server[] = []
  const close = async (): Promise<void> => {
    for (const server of servers) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
  for (const { port, page } of SAMPLE_BACKENDS) {
    const server = createServer((request, response) => {
      const path = (request.url ?? '/').split('?', 1)[0]
      const isPage = path === '/index.html' || path === '/'
      const body = isPage
        ? `${page}\n`
        : path === '/hello'
          ? `${port}\n`
          : `${page}, asked for ${request.url}\n`
      response.writeHead(200, {
        'content-type': isPage ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8',
        'content-length': Buffer.byteLength(body),
      })
      response.end(body)
    })
    server.keepAliveTimeout = 65_000 // longer than the gateway keeps a connection
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, '127.0.0.1', resolve)
      })
    } catch (error) {
      await close()
      throw new GatewayError(
        'PORT_IN_USE',
        `the demo's backend cannot listen on 127.0.0.1:${port}: another program does (a second demo?)`,
        { cause: error },
      )
    }
    servers.push(server)
  }
  return { close }
}
