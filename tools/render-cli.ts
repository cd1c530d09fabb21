import type { Command, Option } from 'commander'
import { createProgram } from '../src/cli/main.ts'

/** docs/cli.md: every verb and flag, from the program itself. */
export function renderCli(mark: string): string {
  const program = createProgram()
  const lines = [
    mark,
    '',
    '# The command line',
    '',
    'Every verb of `headgate` and its flags, as `headgate VERB --help` tells them. In a checkout `npm run headgate -- VERB`, installed `headgate VERB`.',
    'A tour with all of them on a gateway with 5 000 routes: [walk-through.md](walk-through.md).',
    '',
    '## Habits',
    '',
    '| | |',
    '|---|---|',
    '| exit status | 0 fine; 1 an error, or what was looked for is wrong; 2 the command line or a setting makes no sense, and for `diff`: there are differences; 3 (`start`) the drain was cut |',
    '| errors | one line on standard error that says what to do. A verb, flag, kind or name that does not exist comes with the one that was probably meant. |',
    '| `-o json` | stable: fields are added, never renamed or removed, within a major version. Nothing but JSON goes to standard output. |',
    '| colour | on a terminal only, and not with `NO_COLOR` set or `TERM=dumb` |',
    '| the gateway | `--server`, else `HEADGATE_SERVER`, else `http://127.0.0.1:9180` |',
    '| the key | `--admin-key` or `--admin-key-file`, else `HEADGATE_ADMIN_KEY`, else `HEADGATE_ADMIN_KEY_FILE`, else `./data/admin.key`. On a command line other users of the machine can read it: prefer the file. |',
    '| completion | `source <(headgate completion bash)`; zsh and fish: [`headgate completion`](#headgate-completion) |',
    '',
    '| verb | what it does |',
    '|---|---|',
  ]
  const commands = listCommands(program)
  for (const { command, path } of commands) {
    lines.push(row(`[\`${path}\`](#${path.replaceAll(' ', '-')})`, command.description()))
  }
  for (const { command, path } of commands) addCommand(lines, command, path)
  return `${lines.join('\n')}\n`
}

/** Visible verbs, and verbs below verbs, with the words that call them. */
export function listCommands(
  program: Command,
): readonly { readonly command: Command; readonly path: string }[] {
  const found: { command: Command; path: string }[] = []
  const visit = (command: Command, path: string): void => {
    for (const inner of command.createHelp().visibleCommands(command)) {
      if (inner.name() === 'help') continue
      const innerPath = `${path} ${inner.name()}`
      found.push({ command: inner, path: innerPath })
      visit(inner, innerPath)
    }
  }
  visit(program, program.name())
  return found
}

/** What addHelpText put behind a verb's help. */
export function textBehindHelp(command: Command): string {
  let whole = ''
  const { writeOut, ...others } = command.configureOutput()
  command.configureOutput({ ...others, writeOut: (text) => (whole += text) })
  command.outputHelp()
  command.configureOutput({ ...others, ...(writeOut === undefined ? {} : { writeOut }) })
  const plain = command.helpInformation()
  if (!whole.startsWith(plain)) throw new Error(`${command.name()}: the help does not begin with its own`)
  return whole.slice(plain.length).trim()
}

/** The lines under `Examples:`, without their indent. */
export function examplesOf(command: Command): readonly string[] {
  const [, examples = ''] = textBehindHelp(command).split(/^Examples:\n/m)
  return examples
    .split('\n')
    .map((line) => line.replace(/^ {2}/, ''))
    .filter((line) => line !== '')
}

function addCommand(lines: string[], command: Command, path: string): void {
  const help = command.createHelp()
  const usage = help.commandUsage(command).replace(/^.*?headgate/, 'headgate')
  lines.push('', `## ${path}`, '', `${sentence(command.description())}`, '', '```sh', usage, '```')
  const places = command.registeredArguments.filter(({ description }) => description !== '')
  if (places.length > 0) {
    lines.push('', '| argument | |', '|---|---|')
    for (const place of places) lines.push(row(`\`${place.name()}\``, help.argumentDescription(place)))
  }
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help')
  if (options.length > 0) {
    lines.push('', '| flag | default | |', '|---|---|---|')
    for (const option of options)
      lines.push(row(`\`${option.flags}\``, defaultOf(option), describeOption(option)))
  }
  const [prose = '', ...examples] = textBehindHelp(command).split(/^Examples:\n/m)
  if (prose.trim() !== '') lines.push('', ...renderProse(prose.trim()))
  if (examples.length > 0) lines.push('', '```sh', ...examplesOf(command).map(withRemark), '```')
}

/** What stands behind an example in a column of its own becomes a remark of the shell, so that the line can be pasted. */
function withRemark(example: string): string {
  return example.replace(/^(\S.*?\S)( {3,})(\S.*)$/, '$1$2# $3')
}

/** What is set in columns stays as it is. */
function renderProse(text: string): string[] {
  return /^ {2}/m.test(text) ? ['```text', text, '```'] : [escapeText(text)]
}

function describeOption(option: Option): string {
  const choices = option.argChoices === undefined ? '' : ` (${option.argChoices.join(', ')})`
  return `${option.description}${choices}`
}

function defaultOf({ defaultValue }: Option): string {
  return defaultValue === undefined || defaultValue === false ? '' : `\`${String(defaultValue)}\``
}

function sentence(text: string): string {
  const whole = `${text.charAt(0).toUpperCase()}${text.slice(1)}`
  return escapeText(/[.!?]$/.test(whole) ? whole : `${whole}.`)
}

/** Placeholders in angle brackets would be taken for HTML. */
function escapeText(text: string): string {
  return text.replaceAll('<', '\\<').replace(/\[/g, '\\[')
}

function row(...cells: readonly string[]): string {
  const shown = cells.map((cell) => {
    const text = cell.startsWith('`') || cell.startsWith('[') ? cell : cell.replace(/[<*]/g, '\\$&')
    return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
  })
  return `| ${shown.join(' | ')} |`
}
