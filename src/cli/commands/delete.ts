import { Command, Option } from 'commander'
import type { DeleteOptions } from '../delete.ts'
import { addClientFlags } from './client-flags.ts'

export function deleteCommand(): Command {
  const command = new Command('delete')
    .description('delete a document that no other one names')
    .argument('<kind>', 'route, upstream, …')
    .argument('[id]', 'which one')
    .option('-y, --yes', 'do not ask (only a terminal is asked)')
    .option('--force', 'also where other documents name it; they serve errors then')
    .option('--dry-run', 'check and show what would go; change nothing')
    .option('-m, --message <text>', 'why, for the history')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
  return addClientFlags(command)
    .addHelpText(
      'after',
      `
Examples:
  headgate delete route 1
  headgate delete upstream/blue --yes -m 'blue is gone'`,
    )
    .action(async (kind: string, id: string | undefined, options: DeleteOptions) => {
      const [{ runDelete }, { processIo }] = await Promise.all([
        import('../delete.ts'),
        import('../output.ts'),
      ])
      process.exitCode = await runDelete(kind, id, options, processIo())
    })
}
