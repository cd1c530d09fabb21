/** How a check came out. `warn`: works, but something will bite under load or after an accident. `fail`: does not work, or is not safe. */
export type Level = 'ok' | 'warn' | 'fail'

/** One line of `headgate doctor`. */
export interface Check {
  /** Stable, for scripts: `open-files`. */
  readonly name: string
  readonly level: Level
  /** What was found. */
  readonly value: string
  /** What to do about it; null where all is well. */
  readonly advice: string | null
}

export function ok(name: string, value: string): Check {
  return { name, level: 'ok', value, advice: null }
}

export function warn(name: string, value: string, advice: string): Check {
  return { name, level: 'warn', value, advice }
}

export function fail(name: string, value: string, advice: string): Check {
  return { name, level: 'fail', value, advice }
}

/** 1536 makes `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : Number(value.toFixed(1))} ${units[unit]}`
}
