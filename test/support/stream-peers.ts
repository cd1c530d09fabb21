import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** Endpoints of TCP streams. */

export interface Peer {
  readonly node: string
  readonly port: number
  readonly sockets: Socket[]
  close(): Promise<void>
}

/** `at`: a port that is free, for one that comes back. */
export async function startPeer(
  t: TestContext,
  onConnection: (socket: Socket) => void,
  at = 0,
): Promise<Peer> {
  const sockets: Socket[] = []
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  server.listen(at, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  t.after(close)
  return { node: `127.0.0.1:${port}`, port, sockets, close }
}

/** Says its name and ends. */
export const startNamed = (t: TestContext, name: string, at = 0) =>
  startPeer(t, (socket) => void socket.end(name), at)
export const startTcpEcho = (t: TestContext) => startPeer(t, (socket) => void socket.pipe(socket))
