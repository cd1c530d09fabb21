import { Command, Option } from 'commander'
import type { SplitGetOptions, SplitSetOptions } from '../split.ts'
import { addClientFlags } from './client-flags.ts'

export function splitCommand(): Command {
  return new Command('split')
    .description('show or set the weights of a split')
    .addCommand(splitGetCommand())
    .addCommand(splitSetCommand())
    .addHelpText(
      'after',
      `
Examples:
  headgate split get route/1
  headgate split set route/1 blue=3 green=2`,
    )
}

function splitGetCommand(): Command {
  const command = new Command('get')
    .description('show the configured shares of the splits in a document')
    .argument('<kind/id>', 'route/1, service/shop')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
  return addClientFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n  headgate split get route/1\n  headgate split get service/shop -o json',
    )
    .action(async (word: string, options: SplitGetOptions) => {
      const [{ runSplitGet }, { processIo }] = await Promise.all([
        import('../split.ts'),
        import('../output.ts'),
      ])
      process.exitCode = await runSplitGet(word, options, processIo())
    })
}

function splitSetCommand(): Command {
  const command = new Command('set')
    .description('set weights of a split, as a patch of the document it stands in; the others stay')
    .argument('<kind/id>', 'route/1, service/shop')
    .argument('<target=weight...>', 'blue=3: a target by name, upstream id or number, and its new weight')
    .option('--rule <number>', 'which split, where the document has several (split get shows the numbers)')
    .option('--dry-run', 'check and show the difference; change nothing')
    .option('-m, --message <text>', 'why, for the history')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
  return addClientFlags(command)
    .addHelpText(
      'after',
      `
Weight 0 sends nothing more to a target. If somebody else changes the document at the same time, nothing is changed.

Examples:
  headgate split set route/1 blue=9 green=1 -m 'green: first 10 %'
  headgate split set route/1 1=0 --dry-run
  headgate split set route/1 canary=5 --rule 0`,
    )
    .action(async (word: string, assignments: string[], options: SplitSetOptions) => {
      const [{ runSplitSet }, { processIo }] = await Promise.all([
        import('../split.ts'),
        import('../output.ts'),
      ])
      process.exitCode = await runSplitSet(word, assignments, options, processIo())
    })
}
