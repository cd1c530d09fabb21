import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { run } from 'node:test'
import { spec as Spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const HELP = `node tools/run-tests.ts [options] [WORD…]

Runs the unit tests (src, tools, bench) side by side, then those under test/ one file after the other, since they load the machine and
start whole gateways. Words select the files whose path has one of them.

  --unit         only the unit tests
  --e2e          only those under test/
  --name REGEX   only tests whose title fits (repeatable)
  --list         print the files and stop
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
      // The reporter lists failures at a summary: one for all phases comes at the end. Those of single files go by.
      if (event.type === 'test:summary' && (event.data as { file?: string }).file === undefined) continue
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
  yield { type: 'test:summary', data: { file: undefined } }
  // A run without tests proves nothing: a mistyped word must not look like success.
  if (sums.get('tests') === 0 || (sums.get('fail') as number) + (sums.get('cancelled') as number) > 0)
    onFailure()
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
  const phases: readonly Phase[] = [
    { files: unit, concurrency: Math.max(1, Math.min(4, availableParallelism())) },
    { files: e2e, concurrency: 1 },
  ]
  process.exitCode = 0
  const events = runPhases(phases, values.name, () => {
    process.exitCode = 1
  })
  Readable.from(events).pipe(new Spec()).pipe(process.stdout)
}

main()
