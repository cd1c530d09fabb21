import { existsSync, globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { run } from 'node:test'
import { spec as Spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** How many of the slowest files are told at the end. */
const SLOWEST = 10

/**
 * Files under test/ that need the machine for themselves, with the reason. The others neither measure time nor load the machine for long: they run side by
 * side, on ports and in folders of their own (`findFreePorts`, `mkdtempSync`).
 */
const ALONE: Readonly<Record<string, string>> = {
  'test/e2e/atomic.test.ts': 'clients that ask without a pause',
  'test/e2e/bench.test.ts': 'servers on cores of their own, whose rates are measured',
  'test/e2e/changes-under-streams.test.ts': 'a change every 50 ms under load',
  'test/e2e/garbage.test.ts': 'ten thousand connections at a time, and the memory behind them',
  'test/e2e/reload-storm.test.ts': 'load as fast as it goes',
  'test/faults/aborts.test.ts': 'thousands of connections that are cut, and the memory behind them',
  'test/faults/backpressure.test.ts': 'streams as fast as they go, and the memory that they take',
  'test/faults/dying-backend.test.ts': 'load as fast as it goes',
  'test/faults/flood.test.ts': 'how long calls take under a flood',
  'test/faults/fuzz-gateway.test.ts': 'requests as fast as they go, and the memory behind them',
  'test/faults/lifetimes.test.ts': 'buffers that fill up, and the memory that they take',
  'test/faults/limits.test.ts': 'deadlines held against the clock',
  'test/faults/loop-delay.test.ts': 'how long a request waits beside an attack',
  'test/faults/promises.test.ts': 'load as fast as it goes',
  'test/faults/slow-clients.test.ts': 'how long requests take beside slow clients',
  'test/faults/stale-pool.test.ts': 'load as fast as it goes',
}

const HELP = `node tools/run-tests.ts [options] [WORD…]

Runs, one phase after the other:
  1. the unit tests (src, tools, bench), side by side, one file for each processor, at most four
  2. the files under test/ that neither measure time nor load the machine for long, side by side as well
  3. the others under test/, one after the other (below)
Words select the files whose path has one of them. At the end stand the ${SLOWEST} files that took longest.

  --unit         only the first phase
  --e2e          only the other two
  --name REGEX   only tests whose title fits (repeatable)
  --list         print the files and stop

These run alone:
${Object.entries(ALONE)
  .map(([file, reason]) => `  ${file.padEnd(40)} ${reason}`)
  .join('\n')}
`

/** A file that takes longer than this hangs. Milliseconds. */
const FILE_TIMEOUT_MS = 10 * 60_000

/** The counts that node's runner prints at its end, in its order. */
const CLOSING = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo', 'duration_ms'] as const
const CLOSING_LINE = new RegExp(`^(${CLOSING.join('|')}) ([\\d.]+)$`)

interface Phase {
  readonly files: readonly string[]
  readonly concurrency: number
}

type TestEvent = { readonly type: string; readonly data: object }

/**
 * The events of all phases as one stream, so that there is one report: each phase's closing counts are taken out and their sums
 * put at the end, in the runner's own form.
 */
async function* runPhases(
  phases: readonly Phase[],
  names: readonly string[],
  onFailure: () => void,
): AsyncGenerator<TestEvent> {
  const sums = new Map<string, number>(CLOSING.map((word) => [word, 0]))
  const durations = new Map<string, number>()
  for (const { files, concurrency } of phases) {
    if (files.length === 0) continue
    const stream = run({
      files: [...files],
      concurrency,
      timeout: FILE_TIMEOUT_MS,
      ...(names.length > 0 ? { testNamePatterns: [...names] } : {}),
    })
    for await (const event of stream as AsyncIterable<TestEvent>) {
      if (event.type === 'test:diagnostic') {
        const { nesting, message } = event.data as { nesting: number; message: string }
        const match = nesting === 0 ? CLOSING_LINE.exec(message) : null
        if (match !== null) {
          const word = match[1] as string
          sums.set(word, Math.round(((sums.get(word) as number) + Number(match[2])) * 1000) / 1000)
          continue
        }
      }
      if (event.type === 'test:summary') {
        const { file, duration_ms } = event.data as { file?: string; duration_ms: number }
        // The reporter lists failures at a summary: one for all phases comes at the end. Those of single files go by.
        if (file === undefined) continue
        durations.set(file, duration_ms)
      }
      if (event.type === 'test:fail') onFailure()
      yield event
    }
  }
  for (const word of CLOSING) {
    yield {
      type: 'test:diagnostic',
      data: { nesting: 0, message: `${word} ${sums.get(word)}`, level: 'info' },
    }
  }
  for (const message of tellSlowest(durations))
    yield { type: 'test:diagnostic', data: { nesting: 0, message, level: 'info' } }
  yield { type: 'test:summary', data: { file: undefined } }
  // A run without tests proves nothing: a mistyped word must not look like success.
  if (sums.get('tests') === 0 || (sums.get('fail') as number) + (sums.get('cancelled') as number) > 0)
    onFailure()
}

/** The files that took longest, a line each; nothing of a run of one. */
function tellSlowest(durations: ReadonlyMap<string, number>): readonly string[] {
  if (durations.size < 2) return []
  const sorted = [...durations].sort(([, a], [, b]) => b - a).slice(0, SLOWEST)
  return [
    'slowest files:',
    ...sorted.map(
      ([file, ms]) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${relative(process.cwd(), file)}`,
    ),
  ]
}

function selectFiles(root: string, patterns: readonly string[], words: readonly string[]): string[] {
  return globSync(patterns, { cwd: root })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort()
}

function main(): void {
  const root = resolve(fileURLToPath(import.meta.url), '../..')
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      unit: { type: 'boolean', default: false },
      e2e: { type: 'boolean', default: false },
      name: { type: 'string', multiple: true, default: [] },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const both = values.unit === values.e2e
  const words = positionals.map((word) => word.replace(/^\.\//, ''))
  const unit = both || values.unit ? selectFiles(root, ['{src,tools,bench}/**/*.test.ts'], words) : []
  const e2e = both || values.e2e ? selectFiles(root, ['test/**/*.test.ts'], words) : []
  if (values.list) {
    process.stdout.write([...unit, ...e2e, ''].join('\n'))
    return
  }
  process.chdir(root)
  // what a process strips of types and compiles is there for the next one; gateways that tests start as users do have a folder of their own
  process.env.NODE_COMPILE_CACHE ??= resolve(root, 'node_modules/.cache/tests')
  for (const file of Object.keys(ALONE))
    if (!existsSync(file)) throw new Error(`${file} is no more: mend the list in tools/run-tests.ts`)
  const sideBySide = Math.max(1, Math.min(4, availableParallelism()))
  const phases: readonly Phase[] = [
    { files: unit, concurrency: sideBySide },
    { files: e2e.filter((file) => ALONE[file] === undefined), concurrency: sideBySide },
    { files: e2e.filter((file) => ALONE[file] !== undefined), concurrency: 1 },
  ]
  process.exitCode = 0
  const events = runPhases(phases, values.name, () => {
    process.exitCode = 1
  })
  Readable.from(events).pipe(new Spec()).pipe(process.stdout)
}

main()
