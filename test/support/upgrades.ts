import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { startRawBackend } from './backends.ts'

/** WebSocket and other upgrades on raw sockets of both sides. */

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
export const accept = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

export function readHead(socket: Socket): Promise<{ head: string; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk])
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0) return
      socket.off('data', onData)
      socket.pause()
      resolve({ head: bytes.toString('latin1', 0, end + 4), rest: bytes.subarray(end + 4) })
    }
    socket.on('data', onData)
    socket.once('close', () => reject(new Error(`closed before a head: ${bytes.toString('latin1')}`)))
  })
}

/** Takes every handshake and echoes what comes, byte for byte. */
export async function startUpgradeEcho(
  t: TestContext,
  options: { port?: number; early?: string; answer?: (head: string) => string | null } = {},
) {
  const heads: string[] = []
  const sockets: Socket[] = []
  const backend = await startRawBackend((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    void readHead(socket).then(
      ({ head, rest }) => {
        heads.push(head)
        const own = options.answer?.(head)
        if (own !== undefined && own !== null) {
          socket.end(own)
          return
        }
        const key = /sec-websocket-key: (.*)\r\n/i.exec(head)?.[1] ?? ''
        const protocol = /\r\nupgrade: (.*)\r\n/i.exec(head)?.[1] ?? ''
        const line = protocol === 'websocket' ? `Sec-WebSocket-Accept: ${accept(key)}\r\n` : ''
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${protocol}\r\nConnection: Upgrade\r\n${line}X-Backend: echo\r\n\r\n${options.early ?? ''}`,
          'latin1',
        )
        if (rest.length > 0) socket.write(rest)
        socket.on('data', (chunk) => {
          if (!socket.write(chunk)) {
            socket.pause()
            socket.once('drain', () => socket.resume())
          }
        })
        socket.on('end', () => socket.end())
        socket.resume()
      },
      () => {},
    )
  }, options.port)
  t.after(() => backend.close())
  return { ...backend, heads, sockets }
}

/** A handshake through its answer; `more` goes out right behind it. */
export async function openUpgrade(
  port: number,
  lines: readonly string[] = [],
  more: Buffer | string = '',
  path = '/chat',
): Promise<{ socket: Socket; head: string; rest: Buffer }> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  const fields =
    lines.length > 0
      ? lines
      : [
          'Upgrade: websocket',
          'Connection: Upgrade',
          `Sec-WebSocket-Key: ${KEY}`,
          'Sec-WebSocket-Version: 13',
        ]
  const answer = readHead(socket)
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields.map((line) => `${line}\r\n`).join('')}\r\n`)
  if (more.length > 0) socket.write(more)
  return { socket, ...(await answer) }
}

export async function readBytes(
  socket: Socket,
  count: number,
  begin: Buffer = Buffer.alloc(0),
): Promise<Buffer> {
  const parts = [begin]
  let size = begin.length
  while (size < count) {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) {
      await once(socket, 'readable')
      continue
    }
    parts.push(chunk)
    size += chunk.length
  }
  return Buffer.concat(parts)
}
