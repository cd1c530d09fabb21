import { readFileSync } from 'node:fs'

/** The package's version, from its own package.json (two folders up in a checkout and in the package alike). */
export const VERSION: string = readVersion()

function readVersion(): string {
  try {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
    const { version } = JSON.parse(text) as { version?: unknown }
    return typeof version === 'string' ? version : 'unknown'
  } catch {
    return 'unknown' // a file is missing that a package has: not worth failing for
  }
}
