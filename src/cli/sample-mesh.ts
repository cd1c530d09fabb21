import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { GatewayError } from '../model/gateway-error.ts'
import { RedisReader } from './redis-reader.ts'

/** The applications beside the proxies of examples/mesh: where they listen, and what they are. */
const APPLICATIONS = [
  { port: 31000, name: 'frontend', kind: 'http' },
  { port: 31001, name: 'backend 1.0', kind: 'http' },
  { port: 31002, name: 'backend 2.0', kind: 'http' },
  { port: 31003, name: 'redis 1.0', kind: 'redis' },
  { port: 31004, name: 'redis 2.0', kind: 'redis' },
  { port: 31005, name: 'another-redis', kind: 'redis' },
  { port: 31006, name: 'offers', kind: 'http' },
] as const

/**
 * Starts them on 127.0.0.1. Those that speak HTTP answer with their name, the request and its own fields; those that speak as redis does with their name to any GET.
 * `portOf`: where one listens in place of its port. Throws PORT_IN_USE; those already started are closed again then.
 */
export async function startSampleMesh(
  portOf: (port: number) => number = (port) => port,
): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const servers: Server[] = []
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers) await new Promise((resolve) => server.close(resolve))
  }
  for (const { port, name, kind } of APPLICATIONS) {
    const server = kind === 'http' ? startHttp(name) : createTcpServer((socket) => serveRedis(socket, name))
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(portOf(port), '127.0.0.1', resolve)
      })
    } catch (error) {
      await close()
      throw new GatewayError(
        'PORT_IN_USE',
        `the demo's ${name} cannot listen on 127.0.0.1:${portOf(port)}: another program does (a second demo?)`,
        { cause: error },
      )
    }
    servers.push(server)
  }
  return { close }
}

function startHttp(name: string): Server {
  const server = createHttpServer((request, response) => answer(name, request, response))
  server.keepAliveTimeout = 3_700_000 // longer than a proxy of the mesh keeps a connection
  return server
}

function answer(name: string, request: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers } = request
  const own = Object.entries(headers).filter(([field]) => field === 'host' || field.startsWith('x-'))
  const lines = [`${name}: ${method} ${url}`, ...own.map(([field, value]) => `${field}: ${value}`)]
  const body = `${lines.join('\n')}\n`
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': body.length })
  response.end(request.method === 'HEAD' ? '' : body)
}

function serveRedis(socket: Socket, name: string): void {
  const reader = new RedisReader()
  socket.on('error', () => socket.destroy())
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    const commands = reader.read(text)
    if (commands === null) return socket.end('-ERR that is too long\r\n')
    for (const [verb = ''] of commands) {
      const word = verb.toUpperCase()
      if (word === 'PING') socket.write('+PONG\r\n')
      else if (word === 'GET') socket.write(`$${name.length}\r\n${name}\r\n`)
      else if (word === 'QUIT') return socket.end('+OK\r\n')
      else socket.write(word === 'COMMAND' ? '*0\r\n' : `-ERR ${name} knows GET, PING and QUIT\r\n`)
    }
  })
}
