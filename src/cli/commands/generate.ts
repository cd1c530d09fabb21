import { Command, Option } from 'commander'
import type { TokenFlags } from '../generate.ts'
import { collect } from './collect.ts'

export function generateCommand(): Command {
  return new Command('generate')
    .description('make what others show to a control plane')
    .addCommand(tokenCommand())
    .addHelpText('after', '\nExamples:\n  headgate generate dataplane-token --name site-1 --valid-for 24h')
}

function tokenCommand(): Command {
  return new Command('dataplane-token')
    .description('make a token by which a data plane proxy says who it is')
    .option('--mesh <mesh>', 'mesh that it is good for (default)')
    .option('--name <name>', 'proxy that it is good for; without one: each')
    .option(
      '--tag <name=value[,value…]>',
      'tag that all inbounds of the proxy must have, with one of these values; may be given several times',
      collect,
    )
    .requiredOption('--valid-for <time>', 'how long it is good: 30m, 24h, at most ten years')
    .option('--proxy-type <type>', 'there is no other than dataplane', 'dataplane')
    .addOption(
      new Option(
        '--cp-address <url>',
        'ask this control plane; without one the key beside the store signs',
      ).env('KUMA_CONTROL_PLANE_URL'),
    )
    .addOption(
      new Option('--admin-key <key>', 'for a control plane that is not on loopback').env(
        'HEADGATE_ADMIN_KEY',
      ),
    )
    .option('--store <dir>', 'data directory of the control plane, which has the key (./data)')
    .addHelpText(
      'after',
      `
The token goes to standard output. A token without --name and --tag is good for each proxy of the mesh.

Examples:
  headgate generate dataplane-token --mesh default --name site-1 --valid-for 24h > token
  headgate generate dataplane-token --tag kuma.io/service=site,cart --valid-for 720h --store /var/lib/headgate
  headgate generate dataplane-token --name site-1 --valid-for 1h --cp-address http://127.0.0.1:5681`,
    )
    .action(async (flags: TokenFlags) => {
      const { runGenerateToken } = await import('../generate.ts')
      process.stdout.write(`${await runGenerateToken(flags)}\n`)
    })
}
