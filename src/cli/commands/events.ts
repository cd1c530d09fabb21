import { Command, Option } from 'commander'
import type { EventsOptions } from '../events.ts'
import { addClientFlags } from './client-flags.ts'

export function eventsCommand(): Command {
  return addClientFlags(
    new Command('events')
      .description('show what happened to the gateway: revisions, documents, workers, readiness, store')
      .option('-f, --follow', 'go on until Ctrl-C or the end of the gateway'),
  )
    .option('--types <type,…>', 'only these types: revision, worker-failed, readiness, … (docs/events.md)')
    .option('-n, --last <count>', 'so many events that were already (20; with -o json all that are kept)')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nExamples:\n  headgate events\n  headgate events -f --types worker-failed,worker-replaced,readiness\n  headgate events -o json',
    )
    .action(async (options: EventsOptions) => {
      const [{ runEvents }, { processIo }] = await Promise.all([
        import('../events.ts'),
        import('../output.ts'),
      ])
      process.exitCode = await runEvents(options, processIo())
    })
}
