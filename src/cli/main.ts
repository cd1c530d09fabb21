import { Argument, Command, CommanderError, Option } from 'commander'
import { ENVIRONMENT, type SettingFlags } from '../gateway/settings.ts'
import { VERSION } from '../gateway/version.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import { GatewayError } from '../model/gateway-error.ts'
import { CliError } from './cli-error.ts'
import { applyCommand, diffCommand } from './commands/apply.ts'
import { collect } from './commands/collect.ts'
import { completeCommand, completionCommand } from './commands/completion.ts'
import { dataplaneCommand } from './commands/dataplane.ts'
import { deleteCommand } from './commands/delete.ts'
import { doctorCommand } from './commands/doctor.ts'
import { eventsCommand } from './commands/events.ts'
import { explainCommand } from './commands/explain.ts'
import { generateCommand } from './commands/generate.ts'
import { describeCommand, getCommand } from './commands/get.ts'
import { exportCommand, historyCommand, rollbackCommand } from './commands/history.ts'
import { logsCommand } from './commands/logs.ts'
import { nodeCommand } from './commands/node.ts'
import { splitCommand } from './commands/split.ts'
import { topCommand } from './commands/top.ts'
import { versionCommand } from './commands/version.ts'

/** Exit status of a command line that does not make sense. */
const USAGE = 2

/** Runs a command line (without `node` and the script). Sets the exit status; errors are one clear line on standard error. */
export async function runMain(args: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreLostReader)
  try {
    await createProgram().parseAsync(args as string[], { from: 'user' })
  } catch (error) {
    process.exitCode = reportError(error)
  }
}

/** Whoever reads the output may go away, as `head` does. That ends no gateway and is worth no stack trace. */
function ignoreLostReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

/** The exit status for an error, which is told in one line (one a fault). */
function reportError(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE // commander has printed it
  if (error instanceof CliError) {
    process.stderr.write(`headgate: ${error.message}\n`)
    return error.exitCode
  }
  if (error instanceof GatewayError) {
    for (const line of error.message.split('\n')) process.stderr.write(`headgate: ${line}\n`)
    return error.code === 'BAD_SETTING' ? USAGE : 1
  }
  process.stderr.write(
    `headgate: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  return 1
}

export function createProgram(): Command {
  const program = new Command('headgate')
    .description('A traffic gateway: routes, exact traffic splits and conditional rules.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(headgate --help tells what there is)')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'headgate: ')) })
    .addHelpText(
      'after',
      `
Examples:
  headgate demo                          a gateway with sample backends, to try things on
  headgate start                         listens on 127.0.0.1:9080, Admin API on 127.0.0.1:9180
  headgate start --config apisix.yaml    routes from a file, watched
  headgate validate -f config/           every fault in the files at once`,
    )
  program.addCommand(startCommand())
  program.addCommand(dataplaneCommand())
  program.addCommand(generateCommand())
  program.addCommand(demoCommand())
  program.addCommand(validateCommand())
  program.addCommand(applyCommand())
  program.addCommand(diffCommand())
  program.addCommand(getCommand())
  program.addCommand(describeCommand())
  program.addCommand(deleteCommand())
  program.addCommand(splitCommand())
  program.addCommand(nodeCommand())
  program.addCommand(historyCommand())
  program.addCommand(rollbackCommand())
  program.addCommand(exportCommand())
  program.addCommand(topCommand())
  program.addCommand(explainCommand())
  program.addCommand(logsCommand())
  program.addCommand(eventsCommand())
  program.addCommand(doctorCommand())
  program.addCommand(completionCommand(() => program))
  program.addCommand(versionCommand())
  // asked by the scripts of `completion`, not by people
  program.addCommand(
    completeCommand(() => program),
    { hidden: true },
  )
  prepareCommands(program.commands)
  return program
}

/** Verbs, and verbs below verbs: errors are ours to report, in our form. */
function prepareCommands(commands: readonly Command[]): void {
  for (const command of commands) {
    command.exitOverride()
    command.configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'headgate: ')) })
    prepareCommands(command.commands)
  }
}

function startCommand(): Command {
  const defaults = DEFAULT_SETTINGS
  const variables = Object.values(ENVIRONMENT).join(' ')
  return new Command('start')
    .description('start the gateway')
    .option('--config <file|dir>', 'routing documents from files, watched; the Admin API is then read-only')
    .option('--settings <file>', 'start-up settings from a YAML file')
    .option(
      '--listen <host:port>',
      `where traffic comes in (${defaults.listen.join(', ')}); may be given several times`,
      collect,
    )
    .option('--listen-tls <host:port>', 'where HTTPS comes in; may be given several times', collect)
    .option('--tls-cert <file>', 'certificate (PEM, with its chain) for names that no document has one for')
    .option('--tls-key <file>', 'its private key (PEM)')
    .option(
      '--listen-tcp <[tls://]host:port>',
      'where TCP streams come in, with tls:// TLS that ends here; may be given several times',
      collect,
    )
    .option('--listen-udp <host:port>', 'where UDP comes in; may be given several times', collect)
    .option('--kuma <host:port>', 'control plane of a mesh: Kuma\'s API, or "off" (off)')
    .option(
      '--dataplane <name|all>',
      'run this data plane proxy of the mesh in this process; may be given several times',
      collect,
    )
    .option('--strict', 'refuse fields of mesh resources that mean nothing, instead of a warning')
    .option(
      '--proxy-protocol <host:port>',
      'a listener at which connections begin with a PROXY protocol header; may be given several times',
      collect,
    )
    .option('--admin <host:port>', `Admin API, or "off" (${defaults.admin.listen})`)
    .option('--admin-key <key>', 'key of the Admin API; without one a key is made and its place printed')
    .option('--insecure-admin-key', 'take a well-known or short admin key, on loopback only')
    .option('--admin-remote', 'allow an admin address that other machines reach; the key travels unencrypted')
    .option('--status <host:port>', `/livez, /readyz, /metrics without a key, or "off" (${defaults.status})`)
    .option('--store <memory|dir>', `where documents are kept (${defaults.store})`)
    .option('--workers <n>', 'worker threads (as many as there are processors)')
    .option('--access-log <file|-|off>', 'a line for each request (off)')
    .addOption(
      new Option(
        '--log-level <level>',
        `how much the log on stderr tells (${defaults.logLevel}): trace to silent`,
      ),
    )
    .addHelpText(
      'after',
      `
A flag wins over its environment variable, that over the settings file, that over the default.
Variables: ${variables}

Examples:
  headgate start --store memory --workers 2
  headgate start --listen 0.0.0.0:80 --store /var/lib/headgate --access-log /var/log/headgate/access.log
  headgate start --admin-key edd1c9f034335f136f87ad84b625c8f1 --insecure-admin-key`,
    )
    .action(async (flags: SettingFlags) => {
      const { runStart } = await import('./start.ts')
      process.exitCode = await runStart(flags)
    })
}

function demoCommand(): Command {
  return new Command('demo')
    .description('gateway, sample backends, a 3:2 canary and some traffic, to try things on; or a mesh')
    .addArgument(
      new Argument('[what]', 'mesh: seven proxies of a mesh with sample applications').choices(['mesh']),
    )
    .option('--quiet', 'no traffic of its own')
    .addHelpText(
      'after',
      `
Examples:
  headgate demo
  headgate demo --quiet                  then send requests to http://127.0.0.1:9080/index.html
  headgate demo mesh                     tells what to try with the files in examples/mesh`,
    )
    .action(async (what: 'mesh' | undefined, options: { quiet?: boolean }) => {
      if (what === 'mesh') {
        const [{ runMeshDemo }, { processIo }] = await Promise.all([
          import('./demo-mesh.ts'),
          import('./output.ts'),
        ])
        process.exitCode = await runMeshDemo(processIo())
        return
      }
      const { runDemo } = await import('./demo.ts')
      process.exitCode = await runDemo({ hasTraffic: options.quiet !== true })
    })
}

function validateCommand(): Command {
  return new Command('validate')
    .description('check routing documents: every fault at once as file:line:column')
    .requiredOption('-f, --file <file|dir|->', 'what to check; - is standard input')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
    .option('-q, --quiet', 'nothing but faults and warnings')
    .addHelpText(
      'after',
      '\nExamples:\n  headgate validate -f apisix.yaml\n  cat apisix.yaml | headgate validate -f -',
    )
    .action(async (options: { file: string; output: 'text' | 'json'; quiet?: boolean }) => {
      const [{ runValidate, settingsFor }, { dialects }] = await Promise.all([
        import('./validate.ts'),
        import('../dialects/index.ts'),
      ])
      process.exitCode = await runValidate({
        target: options.file,
        output: options.output,
        quiet: options.quiet === true,
        dialects,
        settings: settingsFor(options.file),
      })
    })
}
