import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import type { Server as HttpServer } from 'node:http'
import { createServer, isIPv6, type Server, type Socket } from 'node:net'
import { GatewayError } from '../model/gateway-error.ts'
import type { SocketPlan } from './messages.ts'

/** Waiting connections per listening socket. The system's own bound (net.core.somaxconn) also counts. */
const BACKLOG = 4096

/** `host:port`, `[v6]:port`, `:port` or `port`. Throws BAD_SETTING. */
export function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(/^\d+$/.test(text) ? `:${text}` : text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new GatewayError(
      'BAD_SETTING',
      `"${text}" is no address: host:port is expected, such as 127.0.0.1:9080`,
    )
  }
  const host = match[1] ?? match[2] ?? ''
  return { host: host === '' || host === '*' ? '0.0.0.0' : host === 'localhost' ? '127.0.0.1' : host, port }
}

export function formatAddress(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * Whether an address can be had, tried without sharing: `reusePort` alone would silently share it with a foreign program that also does.
 * Throws PORT_IN_USE or BAD_SETTING with one clear line. Port 0 is always free.
 */
export async function checkAddress(
  host: string,
  port: number,
  transport: 'tcp' | 'udp' = 'tcp',
): Promise<void> {
  if (port === 0) return
  if (transport === 'udp') return checkDatagramAddress(host, port)
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port, backlog: 1 }, resolve)
    })
  } catch (error) {
    throw listenError(error, formatAddress(host, port))
  }
  await new Promise((resolve) => server.close(resolve))
}

async function checkDatagramAddress(host: string, port: number): Promise<void> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ address: host, port, exclusive: true }, resolve)
    })
  } catch (error) {
    throw listenError(error, formatAddress(host, port))
  } finally {
    socket.close()
  }
}

/**
 * Holds an address against other gateways until the returned function is called, or the process ends in whatever way. The workers share
 * their ports (`reusePort`), so two gateways that start at the same moment would find the address free, both, and share its connections.
 * What is held is an abstract socket name, which lives in the network namespace, as the address does. Linux only, where ports are shared.
 */
export async function holdAddress(
  host: string,
  port: number,
  transport: 'tcp' | 'udp' = 'tcp',
): Promise<() => Promise<void>> {
  if (port === 0 || process.platform !== 'linux') return async () => {}
  const address = formatAddress(host, port)
  const server = createServer((socket) => socket.destroy())
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(`\0headgate-${transport === 'udp' ? 'udp-' : ''}${address}`, resolve)
    })
  } catch (error) {
    throw listenError(error, address)
  }
  return () => new Promise((resolve) => server.close(() => resolve()))
}

export interface HttpListener {
  /** The `host:port` that stands. */
  readonly address: string
  /** Also breaks off what is being answered. */
  close(): Promise<void>
}

/** Opens a server of node:http at `host:port`; port 0 lets the system choose. Rejects with PORT_IN_USE or BAD_SETTING. The caller closes it. */
export async function listenHttp(server: HttpServer, at: string): Promise<HttpListener> {
  const { host, port } = parseAddress(at)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, formatAddress(host, port))))
    server.listen({ host, port }, resolve)
  })
  // From now on errors are those of single accepts; the socket goes on listening.
  server.removeAllListeners('error').on('error', () => {})
  const address = server.address()
  const standing = address !== null && typeof address === 'object' ? address.port : port
  return {
    address: formatAddress(host, standing),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What the system said, as one line that helps. */
export function listenError(error: unknown, address: string): GatewayError {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'EADDRINUSE') {
    return new GatewayError('PORT_IN_USE', `${address} is in use: another program listens there`, {
      cause: error,
    })
  }
  const reason =
    code === 'EACCES'
      ? 'permission denied (ports below 1024 need CAP_NET_BIND_SERVICE)'
      : code === 'EADDRNOTAVAIL'
        ? 'this machine has no such address'
        : error instanceof Error
          ? error.message
          : String(error)
  return new GatewayError('BAD_SETTING', `cannot listen on ${address}: ${reason}`, { cause: error })
}

/**
 * Listening sockets handed in by the process manager (systemd's form): LISTEN_PID is our pid, LISTEN_FDS counts descriptors from 3 on.
 * The variables are taken out of `env`, so that children do not think they are theirs.
 */
export function inheritedDescriptors(env: NodeJS.ProcessEnv, pid: number): readonly number[] {
  const count = Number(env.LISTEN_FDS)
  const isOurs = env.LISTEN_PID === undefined || Number(env.LISTEN_PID) === pid
  delete env.LISTEN_FDS
  delete env.LISTEN_PID
  delete env.LISTEN_FDNAMES
  if (!isOurs || !Number.isInteger(count) || count < 1 || count > 1024) return []
  return Array.from({ length: count }, (_, i) => 3 + i)
}

/**
 * Shares descriptors out over listeners and workers. A descriptor belongs to one worker, because closing it in one thread closes it for
 * the process; the handing program passes as many duplicates of a listener as there should be workers, listener by listener in turn.
 */
export function assignDescriptors(
  descriptors: readonly number[],
  listeners: number,
): readonly (readonly number[])[] {
  const workers = Math.floor(descriptors.length / listeners)
  return Array.from({ length: workers }, (_, worker) =>
    descriptors.slice(worker * listeners, (worker + 1) * listeners),
  )
}

/** Listens in a worker. Resolves with the address that stands. */
export function listen(
  plan: SocketPlan,
  onConnection: (socket: Socket) => void,
): Promise<{ server: Server; address: string }> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: false }, onConnection)
    server.once('error', reject)
    const standing = (): void => {
      server.off('error', reject)
      // after this, errors are those of single accepts (EMFILE …): the socket goes on listening
      server.on('error', () => {})
      const address = server.address()
      const port = address !== null && typeof address === 'object' ? address.port : plan.port
      resolve({ server, address: formatAddress(plan.host, port) })
    }
    if (plan.descriptor !== null) server.listen({ fd: plan.descriptor }, standing)
    else {
      const canShare = process.platform === 'linux'
      server.listen({ host: plan.host, port: plan.port, backlog: BACKLOG, reusePort: canShare }, standing)
    }
  })
}

/** Binds a UDP socket in a worker. Workers share the port, and the kernel gives all datagrams of one client to one of them. */
export function bindDatagrams({
  host,
  port,
  descriptor,
}: SocketPlan): Promise<{ socket: DatagramSocket; port: number }> {
  return new Promise((resolve, reject) => {
    const canShare = process.platform === 'linux'
    const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', reusePort: canShare })
    socket.once('error', reject)
    const standing = (): void => {
      socket.off('error', reject)
      resolve({ socket, port: socket.address().port })
    }
    if (descriptor === null) socket.bind({ address: host, port, exclusive: true }, standing)
    else socket.bind({ fd: descriptor }, standing)
  })
}
