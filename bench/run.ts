/** `npm run bench`: all scenarios or some, one after the other, and the report. See bench/README.md. */
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HELP, parseCommand } from './command.ts'
import { scenarios } from './load/index.ts'
import type { Scenario } from './load/scenario.ts'
import { judge } from './report/bar.ts'
import { formatLimit, formatMeasured } from './report/format.ts'
import { describeMachine } from './report/machine.ts'
import { barsOf, formatReport, isGood, type Outcome, type Run } from './report/report.ts'
import { whatIsMissing } from './requirements.ts'
import { endEverything, pinSelf } from './support/program.ts'

const ROOT = resolve(fileURLToPath(import.meta.url), '../..')

async function main(): Promise<number> {
  const command = parseCommand(process.argv.slice(2), scenarios)
  if (command.kind === 'help') {
    process.stdout.write(HELP)
    return 0
  }
  if (command.kind === 'wrong') {
    process.stderr.write(`bench: ${command.message}\n`)
    return 2
  }
  const { plan, chosen } = command
  const missing = whatIsMissing(chosen, availableParallelism())
  if (missing !== null) {
    process.stderr.write(`bench: ${missing}\n`)
    return 1
  }
  await pinSelf()
  const startedAt = new Date()
  const began = performance.now()
  const outcomes: Outcome[] = []
  for (const [i, scenario] of chosen.entries()) {
    const later = chosen.slice(i + 1).reduce((sum, each) => sum + each.estimate(plan), 0)
    outcomes.push(await runScenario(scenario, later))
  }
  const run: Run = {
    startedAt,
    minutes: (performance.now() - began) / 60_000,
    machine: await describeMachine(ROOT),
    plan,
    command: ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(
      ' ',
    ),
    outcomes,
  }
  const text = formatReport(run)
  if (command.report === null) process.stdout.write(text)
  else {
    writeFileSync(resolve(ROOT, command.report), text)
    for (const bar of barsOf(run))
      process.stdout.write(
        `${judge(bar).padEnd(17)} ${bar.what}: ${formatMeasured(bar)} (${formatLimit(bar)})\n`,
      )
    process.stdout.write(`the report is in ${command.report}\n`)
  }
  return isGood(run) ? 0 : 1

  async function runScenario(scenario: Scenario, laterS: number): Promise<Outcome> {
    const startedAtMs = performance.now()
    const note = (text: string): void => {
      const spentS = (performance.now() - startedAtMs) / 1000
      const left = (laterS + Math.max(0, scenario.estimate(plan) - spentS)) / 60
      process.stderr.write(`${scenario.id.padEnd(8)} ${text}   (about ${left.toFixed(0)} min left)\n`)
    }
    note(scenario.title)
    try {
      return { scenario, result: await scenario.run({ plan, note }), failure: null }
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error)
      note(`not finished: ${failure}`)
      return { scenario, result: null, failure }
    }
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    process.stderr.write(`bench: ended by ${signal}\n`)
    // the handler of `exit` ends the programs
    process.exit(130)
  })
process.on('exit', endEverything)
process.exitCode = await main()
