import { createRequire } from 'node:module'

let loaded: typeof import('yaml') | null = null

/** The YAML library, loaded with the first text that needs it: a gateway that only ever gets JSON does without its 10 MB. */
export function yaml(): typeof import('yaml') {
  loaded ??= createRequire(import.meta.url)('yaml') as typeof import('yaml')
  return loaded
}
