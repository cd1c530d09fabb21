import { connect, type Socket } from 'node:net'

/** A client of HTTP/2 that writes what it is told to, frame by frame; it keeps no rule. */

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
export const TYPE = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW: 8,
  CONTINUATION: 9,
}

export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
  const head = Buffer.alloc(9)
  head.writeUIntBE(bytes.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, bytes])
}

/** A header block without tables and Huffman's code. */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'latin1')
    if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
    const rest: number[] = [127]
    let left = bytes.length - 127
    while (left >= 128) {
      rest.push((left % 128) + 128)
      left = Math.floor(left / 128)
    }
    return Buffer.concat([Buffer.from([...rest, left]), bytes])
  }
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))
}

export const request = (path = '/', more: readonly (readonly [string, string])[] = [], method = 'GET') =>
  block([[':method', method], [':scheme', 'http'], [':authority', 'a.test'], [':path', path], ...more])

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Tells of each frame that comes on a socket, behind `skip` bytes. */
export function readFrames(socket: Socket, skip: number, onFrame: (frame: Frame) => void): void {
  let pending = Buffer.alloc(0)
  let left = skip
  socket.on('data', (chunk: Buffer) => {
    const cut = Math.min(left, chunk.length)
    left -= cut
    pending = Buffer.concat([pending, chunk.subarray(cut)])
    while (pending.length >= 9) {
      const length = pending.readUIntBE(0, 3)
      if (pending.length < 9 + length) break
      const found = {
        type: pending[3] as number,
        flags: pending[4] as number,
        stream: pending.readUInt32BE(5),
        payload: Buffer.from(pending.subarray(9, 9 + length)),
      }
      pending = pending.subarray(9 + length)
      onFrame(found)
    }
  })
}

export class FrameClient {
  readonly socket: Socket
  readonly frames: Frame[] = []
  isClosed = false
  #wake: (() => void) | null = null

  private constructor(socket: Socket) {
    this.socket = socket
    readFrames(socket, 0, (found) => this.frames.push(found))
    socket.on('data', () => this.#wake?.())
    socket.on('error', () => {})
    socket.on('close', () => {
      this.isClosed = true
      this.#wake?.()
    })
  }

  /** Connects and says hello; `settings`: the payload of its first SETTINGS. */
  static async open(port: number, settings: Buffer = Buffer.alloc(0)): Promise<FrameClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    const client = new FrameClient(socket)
    client.write(Buffer.from(PREFACE, 'latin1'), frame(TYPE.SETTINGS, 0, 0, settings))
    return client
  }

  write(...frames: readonly Buffer[]): void {
    if (!this.isClosed) this.socket.write(Buffer.concat(frames))
  }

  /** The first frame that fits; null: the connection closed without one. Rejects after `timeoutMs`. */
  async wait(fits: (frame: Frame) => boolean, timeoutMs = 10_000): Promise<Frame | null> {
    const until = performance.now() + timeoutMs
    for (;;) {
      const found = this.frames.find(fits)
      if (found !== undefined) return found
      if (this.isClosed) return null
      const left = until - performance.now()
      if (left <= 0)
        throw new Error(
          `no such frame came within ${timeoutMs} ms: ${this.frames.map(({ type }) => type).join(' ')}`,
        )
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** The code of GOAWAY; null: it closed without one. */
  async goaway(): Promise<number | null> {
    const found = await this.wait(({ type }) => type === TYPE.GOAWAY)
    return found === null ? null : found.payload.readUInt32BE(4)
  }

  /** The code of RST_STREAM, or of what ended the connection, as `reset 1` or `goaway 1`. */
  async refusal(stream: number): Promise<string> {
    const found = await this.wait(
      (frame) => frame.type === TYPE.GOAWAY || (frame.type === TYPE.RST_STREAM && frame.stream === stream),
    )
    if (found === null) return 'closed'
    return found.type === TYPE.GOAWAY
      ? `goaway ${found.payload.readUInt32BE(4)}`
      : `reset ${found.payload.readUInt32BE(0)}`
  }

  async closed(): Promise<void> {
    await this.wait(() => false).catch((error: unknown) => {
      if (!this.isClosed) throw error
    })
  }

  close(): void {
    this.socket.destroy()
  }
}
