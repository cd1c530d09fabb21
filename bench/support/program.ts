import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'

/** Programs that a benchmark starts and ends itself, and what they cost. Linux only: it reads /proc. */

export interface Program {
  readonly pid: number
  /** SIGTERM, and SIGKILL when that does nothing for 10 s. Safe to call twice. */
  stop(): Promise<void>
}

/** Processors as taskset takes them. Everything under test runs on the first one, everything that drives it on the other. */
export const UNDER_TEST = '0'
export const DRIVING = '1'

const PAGE_BYTES = 4096
const STOP_TIMEOUT_MS = 10_000
const TICKS_PER_SECOND = 100

const running = new Set<ChildProcess>()
const folders = new Set<string>()

/** A folder that goes when the benchmark ends, however it ends. */
export function registerFolder(folder: string): void {
  folders.add(folder)
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
}

/** Everything that still runs is ended at once, and folders removed: for Ctrl-C and for the end of the process. */
export function endEverything(): void {
  for (const child of running) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}

/** Starts a command pinned to processors. The child is ended with the benchmark, whatever happens. */
export function spawnPinned(
  processors: string,
  command: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly stdout?: 'pipe' | 'ignore' } = {},
): ChildProcess {
  const child = spawn('taskset', ['-c', processors, ...command], {
    env: options.env ?? process.env,
    stdio: ['ignore', options.stdout ?? 'ignore', 'pipe'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.once('error', () => running.delete(child))
  return child
}

/** Runs a command to its end and gives what it printed. Rejects with the end of its errors if it fails. */
export async function runPinned(processors: string, command: readonly string[]): Promise<string> {
  const child = spawnPinned(processors, command, { stdout: 'pipe' })
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const errors = collectErrors(child)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code ?? signal}: ${errors()} ${text}`)
  return text
}

/** Starts a program and waits until `isReady` says so; rejects with what it wrote to standard error when it ends or takes over 60 s. */
export async function startProgram(
  processors: string,
  command: readonly string[],
  isReady: () => Promise<boolean>,
  env?: NodeJS.ProcessEnv,
): Promise<Program> {
  const child = spawnPinned(processors, command, env === undefined ? {} : { env })
  const errors = collectErrors(child)
  const until = performance.now() + 60_000
  while (!(await isReady())) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${command.join(' ')} ended: ${errors()}`)
    if (performance.now() > until) {
      await stopChild(child)
      throw new Error(`${command.join(' ')} was not ready in time: ${errors()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return { pid: child.pid as number, stop: () => stopChild(child) }
}

function collectErrors(child: ChildProcess): () => string {
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    errors = (errors + chunk).slice(-4000)
  })
  return () => {
    const lines = errors.trim().split('\n')
    // what went wrong, without notices before it and the stack behind
    return lines.find((line) => /alert|emerg|error|fatal/i.test(line)) ?? lines.slice(0, 2).join(' ')
  }
}

export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await ended
  clearTimeout(timer)
}

/** Whether something listens on a port of 127.0.0.1. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** Ports of 127.0.0.1 that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(
    servers.map(async (server) => {
      server.close()
      await once(server, 'close')
    }),
  )
  return ports
}

/**
 * User plus system time of a process tree, all threads included, in microseconds. From the scheduler's own nanoseconds where the kernel
 * shows them (schedstat), else in ticks of 10 ms. Threads and processes that have ended are not counted.
 */
export function cpuMicros(pid: number): number {
  let total = 0
  for (const each of treeOf(pid)) {
    for (const task of readdirSync(`/proc/${each}/task`)) total += taskMicros(`/proc/${each}/task/${task}`)
  }
  return total
}

function taskMicros(folder: string): number {
  const nanos = readOrNull(`${folder}/schedstat`)
  if (nanos !== null) return Number(nanos.split(' ')[0]) / 1000
  const stat = readOrNull(`${folder}/stat`)
  if (stat === null) return 0
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6
}

/** Resident bytes of a process tree. */
export function residentBytes(pid: number): number {
  let total = 0
  for (const each of treeOf(pid)) {
    const pages = readOrNull(`/proc/${each}/statm`)?.split(' ')[1]
    total += Number(pages ?? 0) * PAGE_BYTES
  }
  return total
}

/** A process and all that descend from it. */
function treeOf(pid: number): number[] {
  const tree = [pid]
  for (const each of tree) {
    for (const task of readdirSync(`/proc/${each}/task`)) {
      const text = readOrNull(`/proc/${each}/task/${task}/children`)?.trim() ?? ''
      if (text !== '') tree.push(...text.split(' ').map(Number))
    }
  }
  return tree
}

/** null where a thread or process has just ended. */
function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

/**
 * Lets this process, and what it starts from now on, have so many descriptors open. null when it may, else why not; a limit that is high
 * enough stays as it is.
 */
export async function allowDescriptors(count: number): Promise<string | null> {
  const limit = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? '0'
  if (limit === 'unlimited' || Number(limit) >= count) return null
  try {
    await runPinned(DRIVING, ['prlimit', '--pid', String(process.pid), `--nofile=${count}:${count}`])
    return null
  } catch (error) {
    return `${limit} descriptors may be open, ${count} are needed, and the limit cannot be raised (${(error as Error).message.trim()})`
  }
}

/** Moves this process, all its threads, away from the processor under test: what it does itself must not be paid by a measured one. */
export async function pinSelf(): Promise<void> {
  await runPinned(DRIVING, ['taskset', '-acp', DRIVING, String(process.pid)])
}
