/** A plain proxy with `@fastify/http-proxy`, which sends with undici: `node fastify-http-proxy.ts PORT TARGET`. */
import fastifyHttpProxy from '@fastify/http-proxy'
import { fastify } from 'fastify'

const [port, target] = process.argv.slice(2)
const app = fastify({ logger: false })
await app.register(fastifyHttpProxy, {
  upstream: target as string,
  undici: { connections: 128, pipelining: 1 },
  replyOptions: {
    // the fields that every other side of the comparison sends
    rewriteRequestHeaders: (request, headers) => ({
      ...headers,
      'x-real-ip': request.raw.socket.remoteAddress,
      'x-forwarded-for': request.raw.socket.remoteAddress,
      'x-forwarded-proto': 'http',
      'x-forwarded-host': request.headers.host,
      'x-forwarded-port': port,
    }),
  },
})
await app.listen({ port: Number(port), host: '127.0.0.1' })
