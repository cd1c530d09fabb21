import { type ChildProcess, spawn } from 'node:child_process'
import { request as httpRequest } from 'node:http'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findFreePorts, waitFor } from './tools.ts'

export const ROOT = resolve(fileURLToPath(import.meta.url), '../../..')

export interface HttpAnswer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The parsed body, undefined if it is no JSON. */
  readonly json: unknown
}

export interface GatewayProcess {
  readonly port: number
  readonly adminPort: number
  readonly statusPort: number
  readonly key: string
  readonly pid: number
  readonly child: ChildProcess
  /** What it wrote so far. */
  readonly stderr: () => string
  readonly stdout: () => string
  /** A call of the Admin API with the key. A body that is no text is sent as JSON. */
  admin(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<HttpAnswer>
  status(path: string): Promise<HttpAnswer>
  /** Sends a signal (SIGTERM) and gives the exit code; null if the signal itself ended it. Safe to call twice. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Long enough for the rules on keys, and no well-known one. */
const TEST_KEY = 'test-key-of-the-end-to-end-tests-0001'

/**
 * Starts `headgate start` as users do, on free ports of 127.0.0.1, with a memory store unless `flags` say otherwise, and waits until it
 * is ready. A flag given in `flags` replaces the default of that name. The caller stops it.
 */
export async function startGateway(
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryStart(flags, env)
    } catch (error) {
      // Between finding a free port and binding it another test may take it.
      if (attempt < 4 && error instanceof Error && /in use|EADDRINUSE/i.test(error.message)) continue
      throw error
    }
  }
}

async function tryStart(
  flags: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<GatewayProcess> {
  const [port, adminPort, statusPort] = (await findFreePorts(3)) as [number, number, number]
  const given = new Map<string, string>()
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i] as string
    const equals = flag.indexOf('=')
    if (!flag.startsWith('--')) continue
    if (equals > 0) given.set(flag.slice(0, equals), flag.slice(equals + 1))
    else given.set(flag, flags[i + 1] ?? '')
  }
  const args = ['start']
  const add = (flag: string, value: string) => {
    if (!given.has(flag)) args.push(flag, value)
  }
  add('--listen', `127.0.0.1:${port}`)
  add('--admin', `127.0.0.1:${adminPort}`)
  add('--status', `127.0.0.1:${statusPort}`)
  if (!given.has('--config')) add('--store', 'memory')
  add('--admin-key', TEST_KEY)
  args.push(...flags)
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !name.startsWith('HEADGATE_') && !name.startsWith('NODE_'),
    ),
  )
  const child = spawn(process.execPath, [resolve(ROOT, 'bin/headgate.js'), ...args], {
    cwd: ROOT,
    env: { ...clean, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const onExit = () => child.kill('SIGKILL')
  process.once('exit', onExit)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<number | null>((resolveEnd) => {
    child.once('close', (code) => {
      process.off('exit', onExit)
      resolveEnd(code)
    })
  })
  const portOf = (flag: string, fallback: number) => {
    const value = given.get(flag)
    return value === undefined ? fallback : Number(value.slice(value.lastIndexOf(':') + 1))
  }
  const ports = {
    port: portOf('--listen', port),
    adminPort: portOf('--admin', adminPort),
    statusPort: portOf('--status', statusPort),
  }
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return ended
  }
  const key = given.get('--admin-key') ?? TEST_KEY
  try {
    await waitFor(
      'the gateway to be ready',
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`headgate ended with ${child.exitCode ?? child.signalCode}: ${stderr}${stdout}`)
        }
        // its own word first: in a race for the port it may be another gateway that answers, and asking costs both sides something
        if (!stdout.includes(' is ready\n') && !stderr.includes(' is ready\n')) return undefined
        try {
          const answer = await callHttp({ port: ports.statusPort, method: 'GET', path: '/readyz' })
          return answer.status === 200 ? true : undefined
        } catch {
          return undefined
        }
      },
      60_000,
    )
  } catch (error) {
    await stop('SIGKILL')
    throw new Error(`${error instanceof Error ? error.message : error}\n${stderr}`, { cause: error })
  }
  return {
    ...ports,
    key,
    pid: child.pid as number,
    child,
    stderr: () => stderr,
    stdout: () => stdout,
    admin: (method, path, body, headers) =>
      callHttp({ port: ports.adminPort, method, path, body, headers: { 'x-api-key': key, ...headers } }),
    status: (path) => callHttp({ port: ports.statusPort, method: 'GET', path }),
    stop,
  }
}

/** One HTTP call over a connection of its own; for everything that is not about raw bytes. */
export function callHttp(options: {
  readonly port: number
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly localAddress?: string
}): Promise<HttpAnswer> {
  const { port, method, path, body, localAddress } = options
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  return new Promise((resolveAnswer, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent: false,
        ...(localAddress === undefined ? {} : { localAddress }),
        headers: {
          ...(text === undefined ? {} : { 'content-length': Buffer.byteLength(text) }),
          ...options.headers,
        },
      },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.once('error', reject)
        response.once('end', () => {
          const answer = Buffer.concat(parts).toString('utf8')
          resolveAnswer({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: answer,
            json: parseOrUndefined(answer),
          })
        })
      },
    )
    request.once('error', reject)
    request.end(text)
  })
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
