/** A plain proxy with `http-proxy`, as its page shows it, with a keep-alive agent: `node http-proxy.ts PORT TARGET`. */
import { Agent, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'

/** The package has no types of its own. */
interface HttpProxy {
  createProxyServer(options: { target: string; agent: Agent; xfwd: boolean }): {
    web(request: IncomingMessage, response: ServerResponse): void
    on(
      event: 'error',
      listener: (error: Error, request: IncomingMessage, response: ServerResponse) => void,
    ): void
  }
}

const [port, target] = process.argv.slice(2)
const httpProxy = createRequire(import.meta.url)('http-proxy') as HttpProxy
const proxy = httpProxy.createProxyServer({
  target: target as string,
  agent: new Agent({ keepAlive: true, maxSockets: 512 }),
  xfwd: true,
})
proxy.on('error', (error, _request, response) => {
  response.writeHead(502).end(error.message)
})
createServer((request, response) => proxy.web(request, response)).listen(Number(port), '127.0.0.1')
