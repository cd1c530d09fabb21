import { Command, Option } from 'commander'
import type { DoctorOptions } from '../doctor.ts'
import { addClientFlags } from './client-flags.ts'
import { collect } from './collect.ts'

export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('check the machine and a running gateway: limits, ports, clock, files, health')
    .option('--settings <file>', 'start-up settings that the machine is held against')
    .option('--config <file|dir>', 'routing documents of the gateway, if they come from files')
    .option('--store <memory|dir>', 'data directory of the gateway')
    .option('--listen <host:port>', 'where traffic comes in; may be given several times', collect)
    .option('--workers <n>', 'worker threads')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
    .option('-q, --quiet', 'only what is not ok')
  return addClientFlags(command)
    .addHelpText(
      'after',
      `
Each line: ok, warn or fail, what was checked, what was found, and what to do about it. Nothing is changed.
Exit status: 0 without a fail (warnings are allowed), 1 with one, 2 for a command line that makes no sense.

Examples:
  headgate doctor
  headgate doctor --settings /etc/headgate/settings.yaml --store /var/lib/headgate
  headgate doctor --server http://127.0.0.1:9180 --admin-key-file data/admin.key -o json`,
    )
    .action(async (options: DoctorOptions) => {
      const { runDoctor } = await import('../doctor.ts')
      process.exitCode = await runDoctor(options)
    })
}
