import { dirname, join } from 'node:path'

/** What the control group of a process allows it (containers, systemd); null: no bound. */
export interface ControlGroup {
  readonly limitBytes: number | null
  /** Processors, may be a fraction. */
  readonly cpuQuota: number | null
}

const ROOT = '/sys/fs/cgroup'

/**
 * Reads the bounds of this process's group and of all above it, versions 1 and 2; the tightest counts. `readText` gives the trimmed text of a
 * file, null where there is none.
 */
export function readControlGroup(readText: (path: string) => string | null): ControlGroup {
  const groups = readText('/proc/self/cgroup') ?? ''
  const version2 = foldersAbove(ROOT, /^0::(\/.*)$/m.exec(groups)?.[1] ?? '/')
  const memory1 = foldersAbove(join(ROOT, 'memory'), /^\d+:memory:(\/.*)$/m.exec(groups)?.[1] ?? '/')
  const cpu1 = foldersAbove(
    join(ROOT, 'cpu'),
    /^\d+:(?:cpu|cpu,cpuacct|cpuacct,cpu):(\/.*)$/m.exec(groups)?.[1] ?? '/',
  )
  const limits = [
    ...version2.map((folder) => numberOf(readText(join(folder, 'memory.max')))),
    ...memory1.map((folder) => numberOf(readText(join(folder, 'memory.limit_in_bytes')))),
  ]
  const quotas = [
    ...version2.map((folder) => {
      const match = /^(\d+) (\d+)$/.exec(readText(join(folder, 'cpu.max')) ?? '')
      return match === null ? null : Number(match[1]) / Number(match[2])
    }),
    ...cpu1.map((folder) => {
      const quota = numberOf(readText(join(folder, 'cpu.cfs_quota_us')))
      const period = numberOf(readText(join(folder, 'cpu.cfs_period_us')))
      return quota === null || period === null ? null : quota / period
    }),
  ]
  return { limitBytes: least(limits), cpuQuota: least(quotas) }
}

/** A folder below `root` and all above it, down to `root`. */
function foldersAbove(root: string, path: string): string[] {
  const folders: string[] = []
  for (let place = path; ; place = dirname(place)) {
    folders.push(join(root, place))
    if (place === dirname(place)) return folders
  }
}

/** null for `max`, `-1` and what is not there; version 1 writes a number beyond all memory for none. */
function numberOf(text: string | null): number | null {
  const value = text !== null && /^\d+$/.test(text) ? Number(text) : null
  return value === null || value > 2 ** 60 ? null : value
}

function least(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.min(...known)
}
