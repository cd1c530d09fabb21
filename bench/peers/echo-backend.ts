/**
 * Sends back what it gets, on a port of 127.0.0.1: `node echo-backend.ts PORT`. A connection that begins with `GET ` is a WebSocket: it gets
 * its handshake, and for every message of `ECHO_MESSAGE` one of the same bytes. SIGTERM ends it.
 */
import { createHash } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { CLIENT_FRAME, SERVER_FRAME } from './echo-frames.ts'

const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** Answers to so many messages that came at once are written as one piece. */
const AT_ONCE = 64
const ANSWERS = Buffer.concat(Array.from({ length: AT_ONCE }, () => SERVER_FRAME))

createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy())
  socket.once('data', (first) => {
    if (first.toString('latin1', 0, 4) === 'GET ') speakWebSocket(socket, first.toString('latin1'))
    else {
      socket.write(first)
      socket.pipe(socket)
    }
  })
}).listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 })

function speakWebSocket(socket: Socket, head: string): void {
  const key = /^sec-websocket-key:\s*(\S+)/im.exec(head)?.[1] ?? ''
  const accept = createHash('sha1')
    .update(key + WEBSOCKET_GUID)
    .digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  let bytes = 0
  socket.on('data', (chunk) => {
    bytes += chunk.length
    while (bytes >= CLIENT_FRAME.length) {
      const count = Math.min(AT_ONCE, Math.floor(bytes / CLIENT_FRAME.length))
      bytes -= count * CLIENT_FRAME.length
      socket.write(ANSWERS.subarray(0, count * SERVER_FRAME.length))
    }
  })
  socket.on('end', () => socket.end())
}
