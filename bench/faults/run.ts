/** `npm run faults`: real backends are killed, paused and broken under load, and one line for each promise says what was seen. See docs/faults.md. */
import { findTool } from '../../test/support/tools.ts'
import { QUICK, WHOLE } from './fault.ts'
import { FAULTS } from './index.ts'

const HELP = `npm run faults -- [--quick] [NAME ...]

  --quick   shorter, as in tests
  NAME      only these: ${FAULTS.map(({ name }) => name).join(', ')}

Exit codes: 0 every promise is kept, 1 one is not, 2 the command line is wrong, 3 a program is missing.
`

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(HELP)
    return 0
  }
  const names = args.filter((arg) => arg !== '--quick')
  const unknown = names.filter((name) => !FAULTS.some((fault) => fault.name === name))
  if (unknown.length > 0) {
    process.stderr.write(`faults: unknown: ${unknown.join(', ')}\n${HELP}`)
    return 2
  }
  const chosen = names.length === 0 ? FAULTS : FAULTS.filter(({ name }) => names.includes(name))
  const missing = [...new Set(chosen.flatMap(({ needs }) => needs))].filter((tool) => findTool(tool) === null)
  if (missing.length > 0) {
    process.stderr.write(
      `faults: needs ${missing.join(', ')}; on Debian: apt-get install ${missing.join(' ')}\n`,
    )
    return 3
  }
  const scale = args.includes('--quick') ? QUICK : WHOLE
  let broken = 0
  for (const fault of chosen) {
    for (const { text, isKept } of await fault.run(scale)) {
      process.stdout.write(`${isKept ? 'kept  ' : 'BROKEN'} ${text}\n`)
      if (!isKept) broken++
    }
  }
  return broken === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
