import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Programs that a benchmark starts and ends itself, and what they cost in processor time. Linux only. */

export interface Program {
  readonly pid: number
  stop(): Promise<void>
}

const TICKS_PER_SECOND = 100

/** User plus system seconds of a process and its direct children, all threads included. */
export function cpuSeconds(pid: number): number {
  let total = ownCpuSeconds(pid)
  for (const child of childrenOf(pid)) total += ownCpuSeconds(child)
  return total
}

/** Resident bytes of a process and its direct children. */
export function residentBytes(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, each) => {
    const pages = Number(readFileSync(`/proc/${each}/statm`, 'utf8').split(' ')[1])
    return sum + pages * 4096
  }, 0)
}

function ownCpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function childrenOf(pid: number): number[] {
  const children = new Set<number>()
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim()
    if (text !== '') for (const child of text.split(' ')) children.add(Number(child))
  }
  return [...children]
}

/** Starts a program pinned to one processor and waits until its port answers. */
export async function startPinned(
  processor: number,
  command: readonly string[],
  port: number,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Program> {
  const child = spawn('taskset', ['-c', String(processor), ...command], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000)
  })
  await waitForPort(port, child, () => errors)
  return { pid: child.pid as number, stop: () => stopChild(child) }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
  await ended
  clearTimeout(timer)
}

async function waitForPort(port: number, child: ChildProcess, errors: () => string): Promise<void> {
  const until = performance.now() + 15_000
  while (performance.now() < until) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended: ${errors()}`)
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => resolve(false))
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`${child.spawnargs.join(' ')} did not listen on ${port}: ${errors()}`)
}

export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** nginx with a private prefix folder; `http` is the inside of the http block. */
export async function startNginx(processor: number, http: string, port: number): Promise<Program> {
  const prefix = mkdtempSync(join(tmpdir(), 'headgate-bench-'))
  const file = join(prefix, 'nginx.conf')
  writeFileSync(
    file,
    `daemon off;\nmaster_process off;\nworker_processes 1;\npid ${prefix}/pid;\nerror_log ${prefix}/error.log crit;\nevents { worker_connections 4096; }\nhttp {\naccess_log off;\nkeepalive_requests 1000000000;\nclient_body_temp_path ${prefix}/a; proxy_temp_path ${prefix}/b; fastcgi_temp_path ${prefix}/c; uwsgi_temp_path ${prefix}/d; scgi_temp_path ${prefix}/e;\n${http}\n}\n`,
  )
  const program = await startPinned(processor, ['nginx', '-p', prefix, '-c', file], port)
  return {
    pid: program.pid,
    stop: async () => {
      await program.stop()
      rmSync(prefix, { recursive: true, force: true })
    },
  }
}

export interface Load {
  readonly requests: number
  readonly seconds: number
  readonly errors: number
  readonly p99Ms: number
}

/** wrk for so many seconds over keep-alive connections. */
export async function runWrk(
  processor: number,
  url: string,
  connections: number,
  seconds: number,
): Promise<Load> {
  const child = spawn(
    'taskset',
    ['-c', String(processor), 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency', url],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`wrk ended with ${code}`)
  const total = /(\d+) requests in ([\d.]+)(s|m)/.exec(text)
  if (total === null) throw new Error(`wrk printed nothing to read: ${text}`)
  const failed = /Non-2xx or 3xx responses: (\d+)/.exec(text)
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)
  const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(text)
  return {
    requests: Number(total[1]),
    seconds: Number(total[2]) * (total[3] === 'm' ? 60 : 1),
    errors: Number(failed?.[1] ?? 0) + (sockets?.slice(1).reduce((sum, each) => sum + Number(each), 0) ?? 0),
    p99Ms: p99 === null ? Number.NaN : Number(p99[1]) * (p99[2] === 'us' ? 0.001 : p99[2] === 's' ? 1000 : 1),
  }
}

/** h2load over HTTP/1.1 at a rate of so many requests per second and connection: both sides of a comparison do the same work. */
export async function runH2load(
  processor: number,
  url: string,
  connections: number,
  ratePerConnection: number,
  seconds: number,
): Promise<Load> {
  const child = spawn(
    'taskset',
    [
      '-c',
      String(processor),
      'h2load',
      '--h1',
      `-c${connections}`,
      '--rps',
      String(ratePerConnection),
      '-D',
      String(seconds),
      url,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`h2load ended with ${code}`)
  const good = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(text)
  const failed = /(\d+) failed, (\d+) errored, (\d+) timeout/.exec(text)
  if (good === null || failed === null) throw new Error(`h2load printed nothing to read: ${text}`)
  const bad = [...good.slice(2), ...failed.slice(1)].reduce((sum, each) => sum + Number(each), 0)
  return { requests: Number(good[1]), seconds, errors: bad, p99Ms: Number.NaN }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
