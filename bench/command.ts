import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { suggest } from '../src/model/suggest.ts'
import { earlier } from './load/earlier.ts'
import type { Plan, Scenario } from './load/scenario.ts'

export const HELP = `npm run bench [-- options]

Measures Headgate beside nginx, HAProxy, http-proxy and @fastify/http-proxy on this machine, holds the figures against the bars, and
writes a report. Needs Linux, two processors that have nothing else to do, and the Debian packages nginx, haproxy, wrk, nghttp2-client,
openssl and util-linux; with libnginx-mod-stream and nghttp2-proxy two comparisons more are made. Takes about an hour, with --quick 15
minutes. Installs nothing, listens on 127.0.0.1 only.

  --quick          5 pairs of 2 s
  --only IDS       some of: machine,a,b,c,policies,d,e,f,g,h,tls,h2,grpc,websocket,tcp,search,scale,memory,mesh,mesh-path
  --against DIR    another checkout of Headgate, its packages installed: this version is held against it on (b), and nothing
                   else is measured unless --only names it. 40 pairs tell a loss of some percent
  --pairs N        rounds behind each figure, 1 to 200 (20)
  --seconds S      length of one measurement, 0.5 to 60 (4)
  --report FILE    where the report goes, - for standard output. Default: docs/benchmark.md for a whole run of at least
                   20 pairs of 4 s, else standard output
  -h, --help       this text

Exit status: 0 all bars hold; 1 one does not, a scenario did not finish, or the machine is uneven (nginx is not as fast as itself);
2 wrong options; 130 interrupted.

Examples:
  npm run bench -- --quick
  npm run bench -- --only b,c --pairs 40 --report /tmp/split.md
  npm run bench -- --against ../headgate-before --pairs 40
`

const DEFAULTS: Plan = { pairs: 20, seconds: 4, warmUpRequests: 60_000, settleMs: 10_000, rateShare: 1 }
const QUICK: Plan = { ...DEFAULTS, pairs: 5, seconds: 2 }
const REPORT = 'docs/benchmark.md'

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly message: string }
  | {
      readonly kind: 'run'
      readonly plan: Plan
      readonly chosen: readonly Scenario[]
      /** null: standard output. */
      readonly report: string | null
    }

/** Reads the command line; whatever is wrong with it becomes one sentence. */
export function parseCommand(flags: readonly string[], scenarios: readonly Scenario[]): Command {
  try {
    const { values } = parseArgs({
      args: [...flags],
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        against: { type: 'string' },
        pairs: { type: 'string' },
        seconds: { type: 'string' },
        report: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return { kind: 'help' }
    const base = values.quick ? QUICK : DEFAULTS
    const pairs = readNumber('--pairs', values.pairs, { min: 1, max: 200, isWhole: true }) ?? base.pairs
    const seconds = readNumber('--seconds', values.seconds, { min: 0.5, max: 60, isWhole: false })
    const plan = { ...base, pairs, seconds: seconds ?? base.seconds }
    const named = values.only === undefined ? null : choose(values.only, scenarios)
    const chosen =
      values.against === undefined
        ? (named ?? scenarios)
        : [...(named ?? []), earlier(readCheckout(values.against))]
    const isWhole =
      values.against === undefined &&
      chosen.length === scenarios.length &&
      pairs >= DEFAULTS.pairs &&
      plan.seconds >= DEFAULTS.seconds
    if (values.report === '') throw new Error('--report needs a file, or - for standard output')
    const report = values.report ?? (isWhole ? REPORT : '-')
    return { kind: 'run', plan, chosen, report: report === '-' ? null : report }
  } catch (error) {
    return { kind: 'wrong', message: error instanceof Error ? error.message : String(error) }
  }
}

function readCheckout(folder: string): string {
  if (existsSync(join(folder, 'bin/headgate.js'))) return resolve(folder)
  throw new Error(`--against needs a checkout of Headgate: there is no ${join(folder, 'bin/headgate.js')}`)
}

function readNumber(
  flag: string,
  text: string | undefined,
  range: { readonly min: number; readonly max: number; readonly isWhole: boolean },
): number | null {
  if (text === undefined) return null
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!(value >= range.min && value <= range.max) || (range.isWhole && !Number.isInteger(value)))
    throw new Error(
      `${flag} takes ${range.isWhole ? 'a whole number' : 'a number'} from ${range.min} to ${range.max}, not ${text}`,
    )
  return value
}

/** In the order of the list of all, whatever the order in the flag. */
function choose(text: string, scenarios: readonly Scenario[]): readonly Scenario[] {
  const ids = text.split(',').map((id) => id.trim())
  const known = scenarios.map(({ id }) => id)
  for (const id of ids) {
    if (known.includes(id)) continue
    const near = suggest(id, known)
    throw new Error(
      `--only: there is no scenario "${id}"${near === null ? '' : `, did you mean "${near}"?`} There are ${known.join(', ')}`,
    )
  }
  return scenarios.filter(({ id }) => ids.includes(id))
}
