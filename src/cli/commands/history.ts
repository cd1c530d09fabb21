import { Command, Option } from 'commander'
import type { ExportOptions } from '../export.ts'
import type { HistoryOptions, RollbackOptions } from '../history.ts'
import { addClientFlags } from './client-flags.ts'

export function historyCommand(): Command {
  const command = new Command('history')
    .description('list the revisions, newest first, or show what one of them changed')
    .argument('[revision]', 'show this one, with its differences')
    .option('-n, --last <count>', 'so many revisions', '20')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
  return addClientFlags(command)
    .addHelpText(
      'after',
      `
A viewer's key shows who changed which documents and when, but not their contents.

Examples:
  headgate history -n 5
  headgate history 17`,
    )
    .action(async (revision: string | undefined, options: HistoryOptions) => {
      const [{ runHistory }, { processIo }] = await Promise.all([
        import('../history.ts'),
        import('../output.ts'),
      ])
      process.exitCode = await runHistory(revision, options, processIo())
    })
}

export function rollbackCommand(): Command {
  const command = new Command('rollback')
    .description('make all documents again what they were at a revision, as a new revision')
    .argument('<revision>', 'the revision whose state comes back (headgate history); 0 is the empty gateway')
    .option('-y, --yes', 'do not ask (only a terminal is asked)')
    .option('--dry-run', 'show the differences; change nothing')
    .option('-m, --message <text>', 'why, for the history')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
  return addClientFlags(command)
    .addHelpText(
      'after',
      `
What came later stays in the history and can be gone back to in the same way. Times to live do not come back.

Examples:
  headgate rollback 16 --dry-run
  headgate rollback 16 --yes -m 'checkout failed'`,
    )
    .action(async (revision: string, options: RollbackOptions) => {
      const [{ runRollback }, { processIo }] = await Promise.all([
        import('../history.ts'),
        import('../output.ts'),
      ])
      process.exitCode = await runRollback(revision, options, processIo())
    })
}

export function exportCommand(): Command {
  const command = new Command('export')
    .description('print all documents as files have them; apply reads them back to the same')
    .option('--dialect <name>', 'only documents of this dialect')
  return addClientFlags(command)
    .addHelpText(
      'after',
      `
Examples:
  headgate export > backup.yaml
  headgate export --dialect apisix > apisix.yaml`,
    )
    .action(async (options: ExportOptions) => {
      const [{ runExport }, { processIo }] = await Promise.all([
        import('../export.ts'),
        import('../output.ts'),
      ])
      process.exitCode = await runExport(options, processIo())
    })
}
