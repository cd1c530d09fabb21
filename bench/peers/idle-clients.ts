/**
 * Holds connections that do nothing: `node idle-clients.ts PORT COUNT [websocket]`. Each sends one request, so that the other side has everything
 * a used connection has, or opens a WebSocket, and is then silent. Prints `ready` when all have their answer, `lost N` when some were closed. SIGTERM ends it.
 */
import { connect } from 'node:net'
import { HANDSHAKE } from './echo-frames.ts'

/** So many are being opened at a time: the accept queue of the other side must not overflow. */
const OPENING = 100

const port = Number(process.argv[2])
const count = Number(process.argv[3])
const [request, answer] =
  process.argv[4] === 'websocket'
    ? [HANDSHAKE, 'HTTP/1.1 101 ']
    : ['GET / HTTP/1.1\r\nHost: idle.example.com\r\n\r\n', 'HTTP/1.1 ']
let started = 0
let ready = 0
let lost = 0

for (let i = 0; i < Math.min(OPENING, count); i++) open()

function open(): void {
  if (started >= count) return
  started++
  let hasAnswer = false
  const socket = connect(port, '127.0.0.1', () => socket.write(request))
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    if (hasAnswer) return
    if (!chunk.toString('latin1').startsWith(answer)) {
      socket.destroy()
      return
    }
    hasAnswer = true
    ready++
    if (ready + lost === count) process.stdout.write(lost === 0 ? 'ready\n' : `lost ${lost}\n`)
    open()
  })
  socket.on('close', () => {
    lost++
    process.stdout.write(`lost ${lost}\n`)
  })
}
