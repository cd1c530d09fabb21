import { Command, Option } from 'commander'
import type { LogsOptions } from '../logs.ts'
import { addClientFlags } from './client-flags.ts'

export function logsCommand(): Command {
  return addClientFlags(
    new Command('logs')
      .description('show requests as they end (-f); also where no access log is written')
      .option('-f, --follow', 'go on until Ctrl-C, the end of the gateway, or --limit'),
  )
    .option('--route <id,…>', 'only these routes, by id or name; * at the end stands for any rest')
    .option('--variant <name,…>', 'only these variants of splits')
    .option('--status <status,…>', 'only these statuses: 404, 5xx, 500-503')
    .option('--method <method,…>', 'only these methods')
    .option('--path <path,…>', 'only these paths: /exact, or /prefix*')
    .option('--host <host,…>', 'only these hosts')
    .option('--client <address,…>', 'only these clients: addresses or CIDR blocks')
    .option('--error <code,…>', 'only these error codes; any: every error')
    .option('--min-duration <ms>', 'only requests that took so long')
    .option('--sample <share>', 'this share of the successes, 0 to 1')
    .option('-n, --limit <count>', 'end after so many requests')
    .option('--rate <count>', 'requests per second and worker at most; the rest is counted (500)')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `
Requests are not kept for later: without -f there is nothing to show. With -o json each line is one object with the fields of the
access log (docs/access-log.md). What a slow terminal or the rate leaves out is told on standard error; requests never wait.

Examples:
  headgate logs -f
  headgate logs -f --status 5xx --error any
  headgate logs -f --route checkout --variant canary --min-duration 250
  headgate logs -f -n 100 -o json | jq .duration_ms`,
    )
    .action(async (options: LogsOptions) => {
      const [{ runLogs }, { processIo }] = await Promise.all([import('../logs.ts'), import('../output.ts')])
      process.exitCode = await runLogs(options, processIo())
    })
}
