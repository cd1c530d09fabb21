import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FilePlace } from './file-reader.ts'

/** Longest time that a configuration module may take to load. The control side waits for it; traffic does not. Milliseconds. */
export const MODULE_TIMEOUT_MS = 10_000
/** Longest JSON that a module may give. Bytes. */
const MAX_MODULE_BYTES = 64 * 1024 * 1024

const MODULE = /\.m?[jt]s$/i

/** Whether a file is code that makes a configuration, and not the configuration itself. */
export function isModule(file: string): boolean {
  return MODULE.test(file)
}

export type LoadedModule =
  | { readonly text: string }
  | { readonly message: string; readonly hint: string | null; readonly place: FilePlace }

/**
 * Runs a module and gives what it exports by default (a promise is waited for) as JSON text. It runs in a process of its own, for three
 * reasons: every load sees every module anew, an endless loop ends with the deadline, and nothing that the code does to its process reaches
 * the gateway. It is code all the same, with the rights of the gateway (docs/security.md). Never throws.
 */
export function loadModule(
  file: string,
  environment: NodeJS.ProcessEnv,
  timeoutMs = MODULE_TIMEOUT_MS,
): LoadedModule {
  const url = pathToFileURL(resolve(file)).href
  const own = new URL('../../../config/index.js', import.meta.url).href
  const { output, error, signal, status } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', RUNNER, url, own],
    {
      env: environment,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_MODULE_BYTES,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    },
  )
  const start = { file, line: 1, column: 1 }
  const fail = (message: string, hint: string | null = null, place = start): LoadedModule => ({
    message,
    hint,
    place,
  })
  if (error !== undefined) {
    const code = 'code' in error ? error.code : null
    if (code === 'ETIMEDOUT') {
      return fail(`did not finish within ${timeoutMs / 1000} s`, 'it must export a value, not run on')
    }
    if (code === 'ENOBUFS') return fail(`gives or prints more than ${MAX_MODULE_BYTES} bytes`)
    return fail(`cannot be run: ${error.message}`)
  }
  const answer = String(output?.[3] ?? '')
  if (answer.startsWith('=')) return { text: answer.slice(1) }
  if (answer.startsWith('!')) {
    const { message, stack } = JSON.parse(answer.slice(1)) as { message: string; stack: string }
    return fail(message, null, placeIn(stack, url, start))
  }
  if (signal !== null) return fail(`was ended by ${signal}`)
  const last = String(output?.[2] ?? '')
    .split('\n')
    .find((line) => /^\w*Error/.test(line))
  return fail(
    last ?? `ended (status ${status}) before it had exported anything`,
    'write export default defineConfig({…})',
  )
}

/** The first place in the module itself that a stack names. */
function placeIn(stack: string, url: string, otherwise: FilePlace): FilePlace {
  const at = stack.indexOf(`${url}:`)
  const found = at < 0 ? null : /^(\d+)(?::(\d+))?/.exec(stack.slice(at + url.length + 1))
  if (found === null) return otherwise
  return { file: otherwise.file, line: Number(found[1]), column: Number(found[2] ?? 1) }
}

/**
 * `headgate` is found wherever the module stands, also where nothing is installed. The module, and TypeScript that it imports, are ES modules whatever
 * a package.json above them says (`npm init` writes "commonjs"). Answers on descriptor 3: `=` JSON, or `!` an error.
 */
const RUNNER = `
import { registerHooks } from 'node:module'
import { writeFileSync } from 'node:fs'
const [, url, own] = process.argv
registerHooks({
  resolve: (specifier, context, next) => {
    if (specifier === 'headgate') return { url: own, format: 'module', shortCircuit: true }
    const found = next(specifier, context)
    if (found.url.includes('/node_modules/')) return found
    if (/[.]m?ts$/.test(found.url)) return { ...found, format: 'module-typescript' }
    return found.url === url ? { ...found, format: 'module' } : found
  },
})
let answer
try {
  const module = await import(url)
  if (!('default' in module)) throw new Error('exports nothing by default: write export default defineConfig({…})')
  const value = await module.default
  const text = JSON.stringify(value)
  if (typeof value !== 'object' || value === null || text === undefined) {
    throw new Error('must export an object by default, not ' + (value === null ? 'null' : 'a ' + typeof value))
  }
  answer = '=' + text
} catch (error) {
  const isError = typeof error === 'object' && error !== null && 'message' in error
  answer = '!' + JSON.stringify({ message: isError ? String(error.message) : String(error), stack: isError ? String(error.stack) : '' })
}
writeFileSync(3, answer)
process.exit(0)
`
