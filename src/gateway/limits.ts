import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Settings } from '../model/settings.ts'

/** Client connections where the settings leave it to us: so many, or this share of the descriptors. */
const MOST_CONNECTIONS = 50_000
const DESCRIPTOR_SHARE = 0.8

/** Open files this process may have; null where the system does not say. */
export function descriptorLimit(): number | null {
  try {
    const match = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return match === null || match[1] === 'unlimited' ? null : Number(match[1])
  } catch {
    return null // not Linux
  }
}

/** Settings with the numbers filled in that depend on the machine: workers and connections. */
export function fitToMachine(settings: Settings, processors = availableParallelism()): Settings {
  const descriptors = descriptorLimit()
  const most =
    descriptors === null
      ? MOST_CONNECTIONS
      : Math.min(MOST_CONNECTIONS, Math.floor(descriptors * DESCRIPTOR_SHARE))
  const { maxConnections } = settings.limits
  return {
    ...settings,
    workers: settings.workers === 0 ? Math.min(processors, 256) : settings.workers,
    limits: { ...settings.limits, maxConnections: maxConnections === 0 ? most : maxConnections },
  }
}
