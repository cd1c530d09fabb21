/**
 * Drives what h2load and wrk cannot: `node stream-load.ts KIND PORT CONNECTIONS SECONDS`. The other end is echo-backend.ts.
 *
 * - `websocket`: each connection sends one small message and waits for its echo, over and over; counts echoes
 * - `bytes`: each connection keeps blocks of 64 KiB under way in both directions; counts bytes that came back
 * - `connections`: each opens a connection, sends one byte, waits for it and closes, over and over; counts connections
 *
 * Prints one line of JSON, `{"count", "seconds", "errors"}`.
 */
import { connect, type Socket } from 'node:net'
import { CLIENT_FRAME, HANDSHAKE, SERVER_FRAME } from './echo-frames.ts'

const BLOCK = Buffer.alloc(65_536, 'x')
/** Blocks that a connection of `bytes` has under way. */
const BLOCKS_UNDER_WAY = 8
/** What is still not there after this is an error. */
const OPENING_MS = 10_000

const [kind, port, connections, seconds] = process.argv.slice(2) as [string, string, string, string]
const open: Socket[] = []
let count = 0
let errors = 0
let isDone = false

function opened(onOpen: (socket: Socket) => void): Socket {
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true }, () => onOpen(socket))
  socket.on('error', () => {
    if (!isDone) errors++
  })
  return socket
}

/** Resolves when the WebSocket is open; messages begin with `begin`. */
function openWebSocket(): Promise<() => void> {
  return new Promise((resolve) => {
    let head = ''
    let bytes = 0
    const socket = opened(() => socket.write(HANDSHAKE))
    open.push(socket)
    socket.on('close', () => {
      if (!isDone) errors++
    })
    socket.on('data', (chunk) => {
      if (head !== 'done') {
        head += chunk.toString('latin1')
        if (!head.endsWith('\r\n\r\n')) return
        if (!head.startsWith('HTTP/1.1 101 ')) {
          errors++
          return
        }
        head = 'done'
        resolve(() => socket.write(CLIENT_FRAME))
        return
      }
      bytes += chunk.length
      if (bytes < SERVER_FRAME.length) return
      bytes -= SERVER_FRAME.length
      count++
      socket.write(CLIENT_FRAME)
    })
  })
}

function openBytes(): Promise<() => void> {
  return new Promise((resolve) => {
    let owed = 0
    const socket = opened((each) =>
      resolve(() => {
        for (let i = 0; i < BLOCKS_UNDER_WAY; i++) each.write(BLOCK)
      }),
    )
    open.push(socket)
    socket.on('close', () => {
      if (!isDone) errors++
    })
    socket.on('data', (chunk) => {
      count += chunk.length
      for (owed += chunk.length; owed >= BLOCK.length; owed -= BLOCK.length) socket.write(BLOCK)
    })
  })
}

function openAgain(): void {
  if (isDone) return
  let hasEcho = false
  const socket = opened((each) => each.write('x'))
  socket.once('data', () => {
    hasEcho = true
    count++
    socket.end()
  })
  socket.once('close', () => {
    if (!hasEcho && !isDone) errors++
    openAgain()
  })
}

const timer = setTimeout(() => {
  process.stderr.write(`error: connections were not open after ${OPENING_MS} ms, ${errors} failed\n`)
  process.exit(1)
}, OPENING_MS)
const all = Array.from({ length: Number(connections) })
const begins =
  kind === 'connections'
    ? all.map(() => openAgain)
    : await Promise.all(all.map(() => (kind === 'bytes' ? openBytes() : openWebSocket())))
clearTimeout(timer)
const began = performance.now()
for (const begin of begins) begin()
setTimeout(() => {
  const spentS = (performance.now() - began) / 1000
  isDone = true
  process.stdout.write(`${JSON.stringify({ count, seconds: spentS, errors })}\n`, () => process.exit(0))
}, Number(seconds) * 1000)
