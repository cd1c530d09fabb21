import type { Plan, Result, Scenario, Table } from '../load/scenario.ts'
import { type Bar, holds, judge } from './bar.ts'
import { formatFigure, formatLimit, formatMeasured } from './format.ts'
import type { Machine } from './machine.ts'
import type { Figure } from './statistics.ts'

/** How one scenario ended: with a result, or with what went wrong. */
export interface Outcome {
  readonly scenario: Pick<Scenario, 'id' | 'title' | 'about'>
  readonly result: Result | null
  readonly failure: string | null
}

export interface Run {
  readonly startedAt: Date
  readonly minutes: number
  readonly machine: Machine
  readonly plan: Plan
  readonly command: string
  readonly outcomes: readonly Outcome[]
}

/** Whether a run shows what it should: everything finished, the machine was even, all bars hold. */
export function isGood(run: Run): boolean {
  return (
    machineVerdict(run) !== 'void' &&
    run.outcomes.every((outcome) => outcome.failure === null) &&
    barsOf(run).every(holds)
  )
}

/** Fewer rounds of nginx beside itself say nothing. */
const ENOUGH_ROUNDS = 5

/** `even`, `void`, or null where nginx was not measured beside itself, or too few times. 1.00 is meant to two digits, as it is printed. */
export function machineVerdict(run: Run): 'even' | 'void' | null {
  const figure = machineFigure(run)
  if (figure === null || figure.count < ENOUGH_ROUNDS) return null
  return figure.low < 1.005 && figure.high >= 0.995 ? 'even' : 'void'
}

export function barsOf(run: Run): readonly Bar[] {
  return run.outcomes.flatMap((outcome) => outcome.result?.bars ?? [])
}

function machineFigure(run: Run): Figure | null {
  return run.outcomes.find((outcome) => outcome.result?.machine !== undefined)?.result?.machine ?? null
}

/** The whole report as Markdown. */
export function formatReport(run: Run): string {
  const { machine, plan } = run
  const facts: [string, string][] = [
    ['processor', `${machine.processor}, ${machine.processors} of them`],
    ['memory', `${machine.memoryGiB.toFixed(1)} GiB`],
    ['system', machine.system],
    ['date', run.startedAt.toISOString().slice(0, 16).replace('T', ' ')],
    ['commit', machine.commit],
    ['versions', machine.versions.map(([name, version]) => `${name} ${version}`).join(', ')],
    [
      'run',
      `\`${run.command}\`: ${plan.pairs} pairs of ${plan.seconds} s, ${run.minutes.toFixed(0)} minutes`,
    ],
  ]
  return [
    '<!-- Made by `npm run bench`: run it again rather than edit this. -->',
    '# Benchmark',
    'What a request costs in Headgate, beside nginx, HAProxy and two proxies for Node on the same machine, and whether the bars that this project sets itself hold. How it is measured, and what the figures do not say, stands in [bench/README.md](../bench/README.md).',
    formatTable({ caption: '', columns: ['', ''], rows: facts }),
    'Figures are medians of the rounds, with the 95 % bootstrap interval in brackets. “Beside” is a ratio taken round by round. MB are 1 000 000 bytes.',
    '## Bars',
    formatVerdict(run),
    ...formatBars(run),
    ...run.outcomes.flatMap(formatOutcome),
  ]
    .join('\n\n')
    .concat('\n')
}

function formatVerdict(run: Run): string {
  const figure = machineFigure(run)
  const verdict = machineVerdict(run)
  const parts: string[] = []
  if (figure === null || verdict === null)
    parts.push(
      `The machine was not checked in this run: nginx was ${figure === null ? 'not measured beside itself' : `measured beside itself in ${figure.count} rounds only`}.`,
    )
  else if (verdict === 'even')
    parts.push(`nginx beside itself: ${formatFigure(figure)}. The machine is even.`)
  else
    parts.push(
      `**Void**: nginx beside itself is ${formatFigure(figure)}, an interval that misses 1.00. What follows shows nothing.`,
    )
  const failed = run.outcomes.filter((outcome) => outcome.failure !== null)
  for (const { scenario, failure } of failed) parts.push(`**Not finished**: ${scenario.title}: ${failure}`)
  const bars = barsOf(run)
  const kept = bars.filter(holds).length
  const near = bars.filter((bar) => judge(bar).endsWith('straddles')).length
  if (bars.length > 0)
    parts.push(
      `${kept} of ${bars.length} bars hold${near === 0 ? '' : `; the interval of ${near} straddles the limit, so that another run may say the opposite`}.`,
    )
  return parts.join('\n\n')
}

function formatBars(run: Run): string[] {
  const bars = barsOf(run)
  if (bars.length === 0) return []
  return [
    formatTable({
      caption: '',
      columns: ['bar', 'limit', 'measured', 'verdict'],
      rows: bars.map((bar) => [
        bar.what,
        formatLimit(bar),
        formatMeasured(bar),
        holds(bar) ? judge(bar) : `**${judge(bar)}**`,
      ]),
    }),
  ]
}

function formatOutcome({ scenario, result, failure }: Outcome): string[] {
  const parts = [`## ${scenario.title}`, scenario.about]
  if (failure !== null) parts.push(`**Not finished**: ${failure}`)
  for (const table of result?.tables ?? []) parts.push(formatTable(table))
  return [...parts, ...(result?.notes ?? [])]
}

function formatTable({ caption, columns, rows }: Table): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const table = [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n')
  return caption === '' ? table : `${caption}:\n\n${table}`
}
