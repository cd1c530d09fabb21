import { accessSync, constants, readFileSync, type StatsFs, statfsSync, statSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { dirname, resolve } from 'node:path'
import { hasFastStreams } from '../../gateway/runtime-facts.ts'
import { checkAddress, parseAddress } from '../../gateway/sockets.ts'
import { GatewayError } from '../../model/gateway-error.ts'
import { readControlGroup } from './control-group.ts'

/** What the machine tells; null where it does not (another system, no permission). The judging functions see nothing else of it. */
export interface MachineFacts {
  readonly platform: string
  readonly nodeVersion: string
  readonly hasFastStreams: boolean
  readonly processors: number
  /** Numeric user that the doctor runs as; null where there is none. */
  readonly user: number | null
  /** Open files: what a process may have at once; null: no bound, or unknown. */
  readonly openFiles: { readonly soft: number | null; readonly hard: number | null } | null
  readonly memory: MemoryFacts
  readonly clock: ClockFacts
  /** A value under /proc/sys, trimmed: `net.core.somaxconn`. */
  sysctl(name: string): string | null
  readonly conntrack: { readonly count: number; readonly max: number } | null
}

export interface MemoryFacts {
  readonly totalBytes: number
  readonly availableBytes: number | null
  /** Limit of the control group; null: none. */
  readonly limitBytes: number | null
  /** Processors that the control group grants; null: no quota. */
  readonly cpuQuota: number | null
}

export interface ClockFacts {
  readonly nowMs: number
  /** By how much the wall clock moved against the monotonic one while they were watched. Milliseconds, signed. */
  readonly jumpMs: number
  readonly watchedMs: number
  /** Whether a time service says that the clock is set; null: none that could be asked. */
  readonly isSynchronized: boolean | null
}

export type FileFacts =
  | { readonly kind: 'missing'; readonly isParentWritable: boolean }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | {
      readonly kind: 'file' | 'directory' | 'other'
      /** Permission bits: 0o600. */
      readonly mode: number
      readonly owner: number
      readonly isWritable: boolean
    }

export type PortFacts =
  | { readonly kind: 'free' }
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly reason: string }

/** How long both clocks are watched. */
const CLOCK_WATCH_MS = 200

export async function readMachineFacts(): Promise<MachineFacts> {
  return {
    platform: process.platform,
    nodeVersion: process.versions.node,
    hasFastStreams: hasFastStreams(),
    processors: availableParallelism(),
    user: process.getuid?.() ?? null,
    openFiles: readOpenFiles(),
    memory: readMemory(),
    clock: await watchClock(),
    sysctl: (name) => readText(`/proc/sys/${name.replaceAll('.', '/')}`),
    conntrack: readConntrack(),
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return null // not there: not Linux, or an older kernel
  }
}

/** null for what is no number, `max` among others. */
function readNumber(path: string): number | null {
  const text = readText(path)
  return text !== null && /^\d+$/.test(text) ? Number(text) : null
}

function readOpenFiles(): MachineFacts['openFiles'] {
  const match = /^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)/m.exec(
    readText('/proc/self/limits') ?? '',
  )
  if (match === null) return null
  const numberOf = (text: string | undefined): number | null => (text === 'unlimited' ? null : Number(text))
  return { soft: numberOf(match[1]), hard: numberOf(match[2]) }
}

function readMemory(): MemoryFacts {
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(readText('/proc/meminfo') ?? '')
  const total = totalmem()
  const { limitBytes, cpuQuota } = readControlGroup(readText)
  return {
    totalBytes: total,
    availableBytes: available === null ? null : Number(available[1]) * 1024,
    limitBytes: limitBytes !== null && limitBytes < total ? limitBytes : null,
    cpuQuota,
  }
}

async function watchClock(): Promise<ClockFacts> {
  const wall = Date.now()
  const steady = performance.now()
  await new Promise((done) => setTimeout(done, CLOCK_WATCH_MS))
  const watchedMs = performance.now() - steady
  const nowMs = Date.now()
  return {
    nowMs,
    jumpMs: Math.round(nowMs - wall - watchedMs),
    watchedMs: Math.round(watchedMs),
    isSynchronized: readSynchronized(),
  }
}

/** systemd-timesyncd leaves a mark; of others nothing can be read without asking them. */
function readSynchronized(): boolean | null {
  if (readText('/run/systemd/timesync/synchronized') !== null) return true
  try {
    statSync('/run/systemd/timesync')
    return false
  } catch {
    return null
  }
}

function readConntrack(): MachineFacts['conntrack'] {
  const count = readNumber('/proc/sys/net/netfilter/nf_conntrack_count')
  const max = readNumber('/proc/sys/net/netfilter/nf_conntrack_max')
  return count === null || max === null ? null : { count, max }
}

/** What stands at a path, without following what it leads to further. Never throws. */
export function readFileFacts(path: string): FileFacts {
  try {
    const found = statSync(path)
    const kind = found.isDirectory() ? 'directory' : found.isFile() ? 'file' : 'other'
    return { kind, mode: found.mode & 0o777, owner: found.uid, isWritable: isWritable(path) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { kind: 'missing', isParentWritable: isNearestParentWritable(path) }
    return { kind: 'unreadable', reason: code ?? String(error) }
  }
}

function isNearestParentWritable(path: string): boolean {
  for (let parent = dirname(resolve(path)); ; parent = dirname(parent)) {
    try {
      if (statSync(parent).isDirectory()) return isWritable(parent)
      return false
    } catch {
      if (parent === dirname(parent)) return false
    }
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Room for this user on the file system of a path, or of the nearest folder above that exists; null: unknown. */
export function readDiskFacts(
  path: string,
): { readonly freeBytes: number; readonly totalBytes: number } | null {
  for (let place = resolve(path); ; place = dirname(place)) {
    try {
      const { bavail, blocks, bsize }: StatsFs = statfsSync(place)
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
    } catch {
      if (place === dirname(place)) return null
    }
  }
}

/** Whether the gateway could listen on an address now. Never throws. */
export async function readPortFacts(address: string): Promise<PortFacts> {
  try {
    const { host, port } = parseAddress(address)
    await checkAddress(host, port)
    return { kind: 'free' }
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'PORT_IN_USE') return { kind: 'taken' }
    return { kind: 'refused', reason: error instanceof Error ? error.message : String(error) }
  }
}
