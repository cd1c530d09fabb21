import { connect, type Socket } from 'node:net'

/** An answer exactly as it came. Texts are latin1: one character per byte. */
export interface RawAnswer {
  readonly statusLine: string
  readonly status: number
  /** Field lines in order, names as sent, values trimmed. */
  readonly fields: readonly (readonly [string, string])[]
  /** All values of a field, by name in any case. */
  all(name: string): string[]
  /** The values joined by `, `, or undefined. */
  field(name: string): string | undefined
  /** The body without chunk framing. */
  readonly body: string
  readonly trailers: readonly (readonly [string, string])[]
  /** Every byte from the status line to the end of the body. */
  readonly raw: string
  /** The 1xx answers before it. */
  readonly interim: readonly string[]
}

/**
 * A client that writes what it is told, byte for byte, and reads answers strictly: a malformed answer throws. One connection, any number
 * of requests, pipelined or not. The caller closes it.
 */
export class RawClient {
  readonly socket: Socket
  /** Bytes received and not yet taken, latin1. */
  private pending = ''
  private ended = false
  private failure: Error | null = null
  private wake: (() => void) | null = null

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.pending += text
      this.stir()
    })
    socket.on('end', () => {
      this.ended = true
      this.stir()
    })
    socket.on('error', (error) => {
      this.failure = error
      this.stir()
    })
    socket.on('close', () => {
      this.ended = true
      this.stir()
    })
  }

  private stir(): void {
    const wake = this.wake
    this.wake = null
    wake?.()
  }

  /** Waits for more bytes. False: there will be none. */
  private async more(timeoutMs: number): Promise<boolean> {
    if (this.ended || this.failure !== null) return false
    let timer: NodeJS.Timeout | undefined
    const before = this.pending.length
    await new Promise<void>((resolve, reject) => {
      this.wake = resolve
      timer = setTimeout(
        () => reject(new Error(`no bytes for ${timeoutMs} ms; pending: ${JSON.stringify(this.pending)}`)),
        timeoutMs,
      )
    }).finally(() => clearTimeout(timer))
    return this.pending.length > before || (!this.ended && this.failure === null)
  }

  /** Resolves when the bytes are handed to the system. Rejects when the peer is gone. */
  write(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error | null) => (error ? reject(error) : resolve())
      if (typeof bytes === 'string') this.socket.write(bytes, 'latin1', done)
      else this.socket.write(bytes, done)
    })
  }

  /** Writes in pieces of `size` bytes (or cut at the given places), each in a segment of its own as far as one turn of the loop makes it so. */
  async writeSplit(bytes: string, cuts: number | readonly number[]): Promise<void> {
    const places: number[] = []
    if (typeof cuts === 'number') for (let i = cuts; i < bytes.length; i += cuts) places.push(i)
    else places.push(...cuts)
    let from = 0
    for (const place of [...places, bytes.length]) {
      await this.write(bytes.slice(from, place))
      await new Promise((resolve) => setImmediate(resolve))
      from = place
    }
  }

  /** Sends FIN; answers can still be read. */
  end(): void {
    this.socket.end()
  }

  /** Exactly `count` bytes. */
  async readBytes(count: number, timeoutMs = 10_000): Promise<string> {
    while (this.pending.length < count) {
      if (!(await this.more(timeoutMs))) throw this.cut(`${count} bytes`)
    }
    return this.take(count)
  }

  /** Everything until the peer closes; a reset counts as an end too. */
  async readToEnd(timeoutMs = 10_000): Promise<string> {
    while (await this.more(timeoutMs));
    return this.take(this.pending.length)
  }

  /** Resolves when the peer has closed the connection and nothing is left to read; throws if there are bytes. */
  async expectClosed(timeoutMs = 10_000): Promise<void> {
    const rest = await this.readToEnd(timeoutMs)
    if (rest !== '') throw new Error(`expected the end, got ${JSON.stringify(rest)}`)
  }

  /** One answer. `method`: HEAD has no body, whatever its length says. */
  async readAnswer(options: { method?: string; timeoutMs?: number } = {}): Promise<RawAnswer> {
    const timeoutMs = options.timeoutMs ?? 10_000
    const interim: string[] = []
    for (;;) {
      const head = await this.readHead(timeoutMs)
      const lines = head.slice(0, -4).split('\r\n')
      const statusLine = lines[0] as string
      const match = /^HTTP\/1\.[01] (\d{3}) [^\r\n]*$/.exec(statusLine)
      if (match === null) throw new Error(`malformed status line ${JSON.stringify(statusLine)}`)
      const status = Number(match[1])
      const fields = lines.slice(1).map(parseField)
      if (status >= 100 && status < 200 && status !== 101) {
        interim.push(head)
        continue
      }
      const all = (name: string) =>
        fields.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
      const field = (name: string) => {
        const values = all(name)
        return values.length === 0 ? undefined : values.join(', ')
      }
      const bodiless = options.method === 'HEAD' || status === 101 || status === 204 || status === 304
      const { body, trailers, raw } = bodiless
        ? { body: '', trailers: [], raw: '' }
        : await this.readBody(all('transfer-encoding'), all('content-length'), timeoutMs)
      return { statusLine, status, fields, all, field, body, trailers, raw: head + raw, interim }
    }
  }

  private async readHead(timeoutMs: number): Promise<string> {
    let end = this.pending.indexOf('\r\n\r\n')
    while (end < 0) {
      if (!(await this.more(timeoutMs))) throw this.cut('the head of an answer')
      end = this.pending.indexOf('\r\n\r\n')
    }
    return this.take(end + 4)
  }

  private async readLine(timeoutMs: number): Promise<string> {
    let end = this.pending.indexOf('\r\n')
    while (end < 0) {
      if (!(await this.more(timeoutMs))) throw this.cut('a line')
      end = this.pending.indexOf('\r\n')
    }
    return this.take(end + 2)
  }

  private async readBody(
    codings: readonly string[],
    lengths: readonly string[],
    timeoutMs: number,
  ): Promise<{ body: string; trailers: (readonly [string, string])[]; raw: string }> {
    if (codings.length > 0) {
      if (codings.length !== 1 || codings[0] !== 'chunked' || lengths.length > 0) {
        throw new Error(`unclear framing: ${JSON.stringify({ codings, lengths })}`)
      }
      return this.readChunks(timeoutMs)
    }
    if (lengths.length > 1) throw new Error('two Content-Length lines')
    const length = lengths[0]
    if (length === undefined) {
      const body = await this.readToEnd(timeoutMs)
      return { body, trailers: [], raw: body }
    }
    if (!/^\d+$/.test(length)) throw new Error(`malformed Content-Length ${JSON.stringify(length)}`)
    const body = await this.readBytes(Number(length), timeoutMs)
    return { body, trailers: [], raw: body }
  }

  private async readChunks(
    timeoutMs: number,
  ): Promise<{ body: string; trailers: (readonly [string, string])[]; raw: string }> {
    const body: string[] = []
    const raw: string[] = []
    for (;;) {
      const line = await this.readLine(timeoutMs)
      raw.push(line)
      if (!/^[0-9a-fA-F]{1,16}\r\n$/.test(line))
        throw new Error(`malformed chunk size ${JSON.stringify(line)}`)
      const size = Number.parseInt(line, 16)
      if (size === 0) break
      const data = await this.readBytes(size + 2, timeoutMs)
      if (!data.endsWith('\r\n')) throw new Error('a chunk does not end where its size says')
      raw.push(data)
      body.push(data.slice(0, -2))
    }
    const trailers: (readonly [string, string])[] = []
    for (;;) {
      const line = await this.readLine(timeoutMs)
      raw.push(line)
      if (line === '\r\n') return { body: body.join(''), trailers, raw: raw.join('') }
      trailers.push(parseField(line.slice(0, -2)))
    }
  }

  /** Writes one request and reads its answer. */
  async exchange(request: string, options: { method?: string; timeoutMs?: number } = {}): Promise<RawAnswer> {
    await this.write(request)
    const method = options.method ?? request.slice(0, request.indexOf(' '))
    return this.readAnswer({ ...options, method })
  }

  private take(count: number): string {
    const taken = this.pending.slice(0, count)
    this.pending = this.pending.slice(count)
    return taken
  }

  private cut(what: string): Error {
    const why = this.failure === null ? 'the connection ended' : this.failure.message
    return new Error(`${why} before ${what} was complete; got ${JSON.stringify(this.pending)}`)
  }

  close(): void {
    this.socket.destroy()
  }
}

function parseField(line: string): readonly [string, string] {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/s.exec(line)
  if (match === null) throw new Error(`malformed field line ${JSON.stringify(line)}`)
  return [match[1] as string, match[2] as string]
}

/** Connects to 127.0.0.1, or to `host`. `localAddress` picks another loopback address to come from. */
export function connectRaw(
  port: number,
  options: { readonly host?: string; readonly localAddress?: string } = {},
): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      port,
      host: options.host ?? '127.0.0.1',
      allowHalfOpen: true,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
    })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(new RawClient(socket))
    })
  })
}

/** One request on a connection of its own, which the server is asked to close. */
export async function requestOnce(
  port: number,
  path: string,
  options: { readonly method?: string; readonly headers?: readonly string[]; readonly body?: string } = {},
): Promise<RawAnswer> {
  const client = await connectRaw(port)
  try {
    const method = options.method ?? 'GET'
    const body = options.body ?? ''
    const headers = [...(options.headers ?? [])]
    if (!headers.some((line) => /^host:/i.test(line))) headers.unshift(`Host: 127.0.0.1:${port}`)
    if (body !== '') headers.push(`Content-Length: ${Buffer.byteLength(body, 'latin1')}`)
    const head = [`${method} ${path} HTTP/1.1`, ...headers, 'Connection: close', '', ''].join('\r\n')
    return await client.exchange(head + body, { method })
  } finally {
    client.close()
  }
}
