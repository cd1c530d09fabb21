import { Argument, Command, Option } from 'commander'
import { TRAFFIC_SORTS, TRAFFIC_VIEWS, type TrafficView } from '../../model/traffic.ts'
import type { TopOptions } from '../top.ts'
import { addClientFlags } from './client-flags.ts'

export function topCommand(): Command {
  return addClientFlags(
    new Command('top')
      .description('show rates, errors, latencies and the share of each variant, live')
      .addArgument(new Argument('[view]', 'what the rows are').choices([...TRAFFIC_VIEWS]).default('routes'))
      .addOption(
        new Option('--sort <by>', 'most first, or by id').choices([...TRAFFIC_SORTS]).default('rate'),
      )
      .option('-n, --limit <count>', 'rows at most (50); a split counts once')
      .option('--id <id>', 'only this route or upstream, by its id: apisix/routes/1')
      .option('--once', 'print once and end; without a terminal always so')
      .addOption(
        new Option('-o, --output <form>', 'json prints once').choices(['table', 'json']).default('table'),
      ),
  )
    .addHelpText(
      'after',
      `
Rates are per second over the last 1, 10 and 60 s, errors (500 and above) and observed shares over 60 s, latencies (ms) over 10 s. The
gateway takes samples only while somebody looks, so the first answer takes a second and tells how many seconds its figures have.
Keys: r routes, s splits, u upstreams, e endpoints, o order, q quit.

Examples:
  headgate top
  headgate top splits --id apisix/routes/checkout
  headgate top upstreams --sort errors --once
  headgate top splits -o json | jq '.rows[] | [.variant, .configuredShare, .observedShare]'`,
    )
    .action(async (view: TrafficView, options: TopOptions) => {
      const [{ runTop }, { processIo }] = await Promise.all([import('../top.ts'), import('../output.ts')])
      process.exitCode = await runTop(view, options, processIo())
    })
}
