import { readdirSync, readFileSync } from 'node:fs'
import type { Exposition } from './exposition.ts'
import type { MetricName } from './metric-catalog.ts'

/** Taken once, so that a clock that is set does not look like a restart. Seconds since the epoch. */
const STARTED_AT = Math.round((Date.now() - process.uptime() * 1000) / 10) / 100

/** The usual `process_*` names and a few of the runtime's own. What the system does not tell (outside Linux) is left out. */
export function addProcessMetrics(page: Exposition): void {
  const { user, system } = process.cpuUsage()
  page.metric('process_cpu_seconds_total').add([], (user + system) / 1e6)
  const memory = process.memoryUsage()
  const gauge = (name: MetricName, value: number | null) => {
    if (value !== null) page.metric(name).add([], value)
  }
  gauge('process_resident_memory_bytes', memory.rss)
  gauge('process_start_time_seconds', STARTED_AT)
  gauge('process_open_fds', countDescriptors())
  gauge('process_max_fds', readDescriptorLimit())
  gauge('nodejs_heap_size_used_bytes', memory.heapUsed)
  gauge('nodejs_heap_size_total_bytes', memory.heapTotal)
  gauge('nodejs_external_memory_bytes', memory.external)
}

function countDescriptors(): number | null {
  try {
    // One of them is that of the listing itself.
    return readdirSync('/proc/self/fd').length - 1
  } catch {
    return null
  }
}

/** The soft limit; null if unknown. */
export function readDescriptorLimit(): number | null {
  try {
    const match = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    if (match === null) return null
    return match[1] === 'unlimited' ? null : Number(match[1])
  } catch {
    return null
  }
}
