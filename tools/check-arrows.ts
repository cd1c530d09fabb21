import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { blankTexts, findCycles, type ImportUse, listSources, readImports } from './import-graph.ts'

/**
 * Keeps the arrows between the folders of src/ (ARCHITECTURE.md has the same table in words). A part may import itself and what stands
 * behind its name. Type-only imports count: a type that travels against the arrows ties two parts together all the same.
 */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  model: [],
  expression: ['model'],
  routing: ['expression', 'model'],
  balancing: ['expression', 'model'],
  'dialects/dialect': ['model'],
  'dialects/index': ['dialects/*', 'dialects/dialect', 'model'],
  'dialects/*': ['dialects/dialect', 'model', 'expression'],
  health: ['model'],
  store: ['model'],
  observe: ['model'],
  discovery: ['model'],
  proxy: ['routing', 'balancing', 'expression', 'model'],
  gateway: [
    'proxy',
    'routing',
    'balancing',
    'expression',
    'model',
    'health',
    'store',
    'observe',
    'discovery',
    'dialects/index',
    'dialects/dialect',
  ],
  mesh: ['gateway', 'dialects/dialect', 'model'],
  dataplane: ['gateway', 'health', 'discovery', 'model'],
  rollout: ['gateway', 'model'],
  admin: ['gateway', 'rollout', 'dialects/index', 'dialects/dialect', 'model'],
  cli: ['gateway', 'mesh', 'dataplane', 'rollout', 'dialects/index', 'dialects/dialect', 'model'],
}

/** The exceptions, all of them, each with its reason. `to` is a part or a single file without `.ts`. */
export const EXCEPTIONS: readonly { readonly from: string; readonly to: string; readonly reason: string }[] =
  [
    { from: 'cli', to: 'admin', reason: 'start puts the admin server and the gateway together' },
    { from: 'cli', to: 'store', reason: 'start and validate choose the store and read files' },
    { from: 'cli', to: 'observe', reason: 'start opens the logs before there is a gateway' },
    {
      from: 'cli',
      to: 'expression/pattern-engine',
      reason: 'V8 flags must be set before anything else runs',
    },
  ]

/** Parts that stay pure (design.md section 5): no sockets, files, timers, processes. */
const PURE = new Set(['model', 'expression', 'routing', 'balancing'])
const IMPURE_MODULES =
  /^(?:node:)?(?:fs|net|tls|dgram|dns|http|http2|https|child_process|cluster|worker_threads|timers|readline|repl|sqlite)(?:\/|$)/
const IMPURE_GLOBALS = /\b(setTimeout|setInterval|setImmediate|fetch|WebSocket)\s*\(/

const isTest = (file: string) => /\.(?:test|contract)\.ts$|\/testing(?:\.ts$|\/)/.test(file)

/** `src/dialects/apisix/rest.ts` → `dialects/apisix`; other folders by their first name. */
export function partOf(file: string): string {
  const [, folder = '', next = ''] = file.split('/')
  if (folder !== 'dialects') return folder
  return `dialects/${next.replace(/\.ts$/, '')}`
}

/** Every broken rule, one text each; empty when all is well. */
export function findFaults(uses: readonly ImportUse[]): string[] {
  const faults: string[] = []
  for (const use of uses) {
    if (isTest(use.from)) continue
    const fault = judge(use)
    if (fault !== null) faults.push(`${use.from}:${use.line}: ${fault}`)
  }
  for (const cycle of findCycles(uses)) faults.push(`import cycle: ${cycle.join(' → ')}`)
  return faults
}

function judge(use: ImportUse): string | null {
  const from = partOf(use.from)
  if (use.to === null) {
    if (PURE.has(from) && IMPURE_MODULES.test(use.specifier)) {
      return `${from} stays without sockets, files and timers, but imports ${use.specifier}`
    }
    return null
  }
  if (!use.to.startsWith('src/')) return `src imports nothing from outside, but ${use.to}`
  if (isTest(use.to)) return `only tests import tests, but ${use.to}`
  if (!use.to.endsWith('.ts')) return `imports name the file with .ts, not ${use.specifier}`
  const to = partOf(use.to)
  if (to === from) return null
  const allowed = arrowsOf(from)
  if (allowed === undefined) return `the part ${from} has no row in the table of arrows`
  if (allowed.includes(to)) return null
  if (allowed.includes('dialects/*') && to.startsWith('dialects/')) return null
  const file = use.to.slice('src/'.length, -'.ts'.length)
  if (EXCEPTIONS.some((e) => e.from === from && (e.to === to || e.to === file))) return null
  return `${from} → ${to} is no allowed arrow (${use.from} → ${use.to}); allowed: ${allowed.join(', ') || 'nothing'}`
}

function arrowsOf(part: string): readonly string[] | undefined {
  return ARROWS[part] ?? (part.startsWith('dialects/') ? ARROWS['dialects/*'] : undefined)
}

/** Timers and network globals need no import, so their calls are looked for. */
export function findImpureCalls(file: string, source: string): string[] {
  if (!PURE.has(partOf(file)) || isTest(file)) return []
  const match = IMPURE_GLOBALS.exec(blankTexts(source).code)
  return match === null ? [] : [`${file}: ${partOf(file)} stays pure, but calls ${match[1]}`]
}

function main(root: string): number {
  const files = listSources(root, 'src')
  const uses = readImports(root, files)
  const faults = findFaults(uses)
  for (const file of files) faults.push(...findImpureCalls(file, readFileSync(resolve(root, file), 'utf8')))
  for (const use of uses) {
    if (use.to !== null && !existsSync(resolve(root, use.to))) {
      faults.push(`${use.from}:${use.line}: ${use.specifier} does not exist`)
    }
  }
  for (const fault of faults) process.stderr.write(`${fault}\n`)
  process.stdout.write(
    faults.length === 0
      ? `arrows: ${files.length} files, ${uses.length} imports, all allowed, no cycle\n`
      : `arrows: ${faults.length} faults in ${files.length} files\n`,
  )
  return faults.length === 0 ? 0 : 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = main(resolve(fileURLToPath(import.meta.url), '../..'))
}
