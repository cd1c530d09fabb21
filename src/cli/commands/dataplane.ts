import { Command, Option } from 'commander'
import type { DataplaneFlags } from '../dataplane.ts'
import { collect } from './collect.ts'

export function dataplaneCommand(): Command {
  return new Command('dataplane')
    .description('run a data plane proxy of a mesh, which gets what it serves from a control plane')
    .addOption(
      new Option('--cp-address <url>', 'the control plane: http://127.0.0.1:5681').env(
        'KUMA_CONTROL_PLANE_URL',
      ),
    )
    .option('--ca-cert-file <file>', 'authorities (PEM) of an https control plane')
    .option(
      '-d, --dataplane-file <file|->',
      'the Dataplane that the proxy registers; may be given several times',
      collect,
    )
    .option('--dataplane <text>', 'the same as text (YAML or JSON)')
    .option(
      '-v, --dataplane-var <name=value>',
      'fills {{ name }} in the Dataplane; may be given several times',
      collect,
    )
    .option('--name <name>', 'of a Dataplane that the control plane has already')
    .option('--mesh <mesh>', 'its mesh (default)')
    .addOption(
      new Option('--dataplane-token-file <file>', 'file with the token that says who the proxy is').env(
        'KUMA_DATAPLANE_RUNTIME_TOKEN_PATH',
      ),
    )
    .addOption(
      new Option('--dataplane-token <token>', 'the token itself').env('KUMA_DATAPLANE_RUNTIME_TOKEN'),
    )
    .option('--admin-port <port|off>', 'port of /ready on 127.0.0.1 (networking.admin.port, else 9901)')
    .option('--drain-time <time>', 'how long requests may take to end when the proxy stops (30s)')
    .addOption(
      new Option('--log-level <level>', 'how much the log on stderr tells (info)').choices([
        'trace',
        'debug',
        'info',
        'warn',
        'error',
        'silent',
      ]),
    )
    .addHelpText(
      'after',
      `
While the control plane is away the proxy serves what it had last. SIGTERM ends it: /ready says no, other proxies send it nothing more,
what is under way ends, and its Dataplane is taken back. The exit status is 3 where --drain-time cut something.

Examples:
  headgate dataplane --cp-address http://127.0.0.1:5681 --dataplane-file site.yaml
  headgate dataplane --cp-address http://cp:5681 -d dp.yaml -v name=site-1 -v port=9000 --dataplane-token-file token
  headgate dataplane --cp-address http://127.0.0.1:5681 --name site-1 --mesh default`,
    )
    .action(async (flags: DataplaneFlags) => {
      const { runDataplane } = await import('../dataplane.ts')
      process.exitCode = await runDataplane(flags)
    })
}
