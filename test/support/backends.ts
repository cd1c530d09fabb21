import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectRaw } from './raw-client.ts'
import { findFreePorts, findTool, waitFor } from './tools.ts'

/** A request as it reached the backend. Texts are latin1: one character per byte. */
export interface RecordedRequest {
  /** Number of the connection it came on, from 0. */
  readonly connection: number
  /** Number of the request on that connection, from 0. */
  readonly index: number
  readonly requestLine: string
  readonly method: string
  readonly target: string
  readonly fields: readonly (readonly [string, string])[]
  field(name: string): string | undefined
  /** The body without chunk framing. */
  readonly body: string
  /** Every byte, framing included. */
  readonly raw: string
}

/**
 * What to do with a request: bytes to send as they are, null to send nothing (the socket is the answerer's then).
 */
export type Answerer = (request: RecordedRequest, socket: Socket) => string | Buffer | null

export interface Backend {
  readonly port: number
  /** `127.0.0.1:<port>`, as node keys are written. */
  readonly node: string
  /** Complete requests, in order of completion. */
  readonly requests: RecordedRequest[]
  /** Every byte of each connection, complete requests or not. */
  readonly received: string[]
  /** Connections accepted so far, and those open now. */
  readonly connections: { accepted: number; readonly open: Set<Socket> }
  answer: Answerer
  /** Resets all open connections; the port goes on listening. */
  reset(): void
  close(): Promise<void>
}

/** A whole answer with its length. */
export function answerText(
  body: string,
  options: { readonly status?: string; readonly headers?: readonly string[] } = {},
): string {
  const headers = options.headers ?? ['Content-Type: text/plain']
  return [
    `HTTP/1.1 ${options.status ?? '200 OK'}`,
    ...headers,
    `Content-Length: ${Buffer.byteLength(body, 'latin1')}`,
    '',
    body,
  ].join('\r\n')
}

/**
 * A backend on a raw socket. It reads requests strictly (one that is not canonical HTTP/1.1 is recorded in `received` alone and its
 * connection is reset) and answers each one as `answer` says, by default with a 200 that names its port.
 */
export async function startBackend(
  answer?: Answerer | string,
  options: { readonly port?: number; readonly host?: string } = {},
): Promise<Backend> {
  const host = options.host ?? '127.0.0.1'
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  const port = await listen(server, options.port ?? 0, host)
  const fixed = typeof answer === 'string' ? answerText(answer) : answerText(`backend ${port}\n`)
  const backend: Backend = {
    port,
    node: `${host}:${port}`,
    requests: [],
    received: [],
    connections: { accepted: 0, open },
    answer: typeof answer === 'function' ? answer : () => fixed,
    reset: () => {
      for (const socket of open) socket.resetAndDestroy()
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
  server.on('connection', (socket) => {
    const connection = backend.connections.accepted++
    backend.received.push('')
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    socket.on('end', () => socket.end())
    let pending = ''
    let index = 0
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      backend.received[connection] += text
      pending += text
      for (;;) {
        const found = readRequest(pending, connection, index)
        if (found === 'incomplete') return
        if (found === 'malformed') {
          socket.resetAndDestroy()
          return
        }
        pending = pending.slice(found.raw.length)
        index++
        backend.requests.push(found)
        const bytes = backend.answer(found, socket)
        if (typeof bytes === 'string') socket.write(bytes, 'latin1')
        else if (bytes !== null) socket.write(bytes)
      }
    })
  })
  return backend
}

/** A backend that understands nothing: each connection is handed to `onConnection`, which reads and writes as the test needs. */
export async function startRawBackend(
  onConnection: (socket: Socket, index: number) => void,
  ownPort = 0,
): Promise<{ readonly port: number; readonly node: string; close(): Promise<void> }> {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  const port = await listen(server, ownPort, '127.0.0.1')
  let index = 0
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    onConnection(socket, index++)
  })
  return {
    port,
    node: `127.0.0.1:${port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

function readRequest(
  text: string,
  connection: number,
  index: number,
): RecordedRequest | 'incomplete' | 'malformed' {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return 'incomplete'
  const lines = text.slice(0, headEnd).split('\r\n')
  const requestLine = lines[0] as string
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP\/1\.1$/.exec(requestLine)
  if (match === null) return 'malformed'
  const fields: (readonly [string, string])[] = []
  for (const line of lines.slice(1)) {
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?(.*)$/s.exec(line)
    if (field === null) return 'malformed'
    fields.push([field[1] as string, field[2] as string])
  }
  const all = (name: string) => fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  const lengths = all('content-length')
  const codings = all('transfer-encoding')
  if (lengths.length + codings.length > 1 || all('host').length !== 1) return 'malformed'
  const bodyStart = headEnd + 4
  let body = ''
  let end = bodyStart
  if (codings.length === 1) {
    if (codings[0] !== 'chunked') return 'malformed'
    for (;;) {
      const lineEnd = text.indexOf('\r\n', end)
      if (lineEnd < 0) return 'incomplete'
      const size = text.slice(end, lineEnd)
      if (!/^[0-9a-fA-F]{1,16}$/.test(size)) return 'malformed'
      const count = Number.parseInt(size, 16)
      end = lineEnd + 2
      if (count === 0) break
      if (text.length < end + count + 2) return 'incomplete'
      body += text.slice(end, end + count)
      if (text.slice(end + count, end + count + 2) !== '\r\n') return 'malformed'
      end += count + 2
    }
    for (;;) {
      const lineEnd = text.indexOf('\r\n', end)
      if (lineEnd < 0) return 'incomplete'
      const isLast = lineEnd === end
      end = lineEnd + 2
      if (isLast) break
    }
  } else if (lengths[0] !== undefined) {
    if (!/^\d+$/.test(lengths[0])) return 'malformed'
    end += Number(lengths[0])
    if (text.length < end) return 'incomplete'
    body = text.slice(bodyStart, end)
  }
  return {
    connection,
    index,
    requestLine,
    method: match[1] as string,
    target: match[2] as string,
    fields,
    field: (name) => {
      const values = all(name.toLowerCase())
      return values.length === 0 ? undefined : values.join(', ')
    },
    body,
    raw: text.slice(0, end),
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('no port'))
      else resolve(address.port)
    })
  })
}

/** One nginx site: `/hello` answers with the port, every other path with `body` and a newline. */
export interface NginxSite {
  /** Default: any free one. */
  readonly port?: number
  /** Default: `hello <port>`. Without quotes, backslashes and `$`. */
  readonly body?: string
}

export interface Nginx {
  readonly ports: readonly number[]
  readonly nodes: readonly string[]
  /** Private folder with its configuration and logs; gone after `close`. */
  readonly prefix: string
  /** What it logged: one line `port method target status` per request. */
  readLog(): string[]
  close(): Promise<void>
}

/**
 * A real nginx with a prefix folder of its own, in the foreground, so that nothing outside is touched. One process serves all sites.
 * `extra` goes into each server block, `http` into the http block.
 */
export async function startNginx(
  sites: readonly NginxSite[],
  options: { readonly workers?: number; readonly extra?: string; readonly http?: string } = {},
): Promise<Nginx> {
  const program = findTool('nginx')
  if (program === null) throw new Error('nginx is not installed')
  for (let attempt = 1; ; attempt++) {
    const free = await findFreePorts(sites.length)
    const ports = sites.map((site, i) => site.port ?? (free[i] as number))
    const prefix = mkdtempSync(join(tmpdir(), 'headgate-nginx-'))
    writeFileSync(join(prefix, 'nginx.conf'), nginxConfiguration(sites, ports, options))
    const child = spawn(program, ['-p', prefix, '-c', 'nginx.conf', '-e', 'error.log'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const errors: string[] = []
    child.stderr?.setEncoding('utf8').on('data', (text: string) => errors.push(text))
    const stop = stopper(child, prefix)
    try {
      await waitForPorts(child, ports)
    } catch (error) {
      await stop()
      // Somebody else took one of the free ports meanwhile.
      if (attempt < 4 && errors.join('').includes('Address already in use')) continue
      throw new Error(`nginx did not start: ${errors.join('')}`, { cause: error })
    }
    return {
      ports,
      nodes: ports.map((port) => `127.0.0.1:${port}`),
      prefix,
      readLog: () => readFileSync(join(prefix, 'access.log'), 'utf8').split('\n').slice(0, -1),
      close: stop,
    }
  }
}

function nginxConfiguration(
  sites: readonly NginxSite[],
  ports: readonly number[],
  options: { readonly workers?: number; readonly extra?: string; readonly http?: string },
): string {
  const servers = sites.map((site, i) => {
    const port = ports[i] as number
    return `
  server {
    listen 127.0.0.1:${port} backlog=4096;
    default_type "text/html; charset=utf-8";
    location = /hello { return 200 "${port}\\n"; }
    location / { return 200 "${site.body ?? `hello ${port}`}\\n"; }
    ${options.extra ?? ''}
  }`
  })
  return `daemon off;
worker_processes ${options.workers ?? 1};
pid nginx.pid;
error_log error.log warn;
events { worker_connections 8192; }
http {
  log_format short '$server_port $request_method $request_uri $status';
  access_log access.log short;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  keepalive_requests 1000000;
  ${options.http ?? ''}${servers.join('')}
}
`
}

async function waitForPorts(child: ChildProcess, ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    await waitFor(`nginx on port ${port}`, async () => {
      if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`)
      try {
        const client = await connectRaw(port)
        client.close()
        return true
      } catch {
        return undefined
      }
    })
  }
}

function stopper(child: ChildProcess, prefix: string): () => Promise<void> {
  const onExit = () => child.kill('SIGKILL')
  process.once('exit', onExit)
  return async () => {
    process.off('exit', onExit)
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await gone
    }
    rmSync(prefix, { recursive: true, force: true })
  }
}
