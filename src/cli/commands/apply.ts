import { Command, Option } from 'commander'
import type { ApplyOptions, DiffOptions } from '../apply.ts'
import { addClientFlags } from './client-flags.ts'

export function applyCommand(): Command {
  const command = new Command('apply')
    .description('write the documents of files to a running gateway: all of them as one revision, or none')
    .requiredOption(
      '-f, --file <file|dir|->',
      'what to write; - is standard input, a directory is read one level deep',
    )
    .option('--dry-run', 'check and tell what would happen; change nothing')
    .option('-m, --message <text>', 'why, for the history')
    .option('-q, --quiet', 'nothing but faults and warnings')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
  return addClientFlags(command)
    .addHelpText(
      'after',
      `
Files are read as --config reads them, and single documents as a REST API takes them (with their id in them). What is the same already is
not written. Documents that are not in the files stay as they are: headgate delete removes them.
Exit status: 0 done, 1 with faults (all of them are told, nothing was changed), 2 for a command line that makes no sense.

Examples:
  headgate apply -f routes.yaml
  headgate apply -f config/ --dry-run
  headgate apply -f config/ -m 'checkout: 10 % to v2'
  headgate get route 1 -o yaml | sed 's/1980/1981/' | headgate apply -f -`,
    )
    .action(async (options: ApplyOptions) => {
      const [{ runApply }, { processIo }] = await Promise.all([import('../apply.ts'), import('../output.ts')])
      process.exitCode = await runApply(options, processIo())
    })
}

export function diffCommand(): Command {
  const command = new Command('diff')
    .description('show what an apply of the files would change, as a unified diff')
    .requiredOption(
      '-f, --file <file|dir|->',
      'what to compare; - is standard input, a directory is read one level deep',
    )
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
  return addClientFlags(command)
    .addHelpText(
      'after',
      `
Both sides are brought to one form first: defaults, times, the order of keys and 1 or "1" as an id are no differences. A viewer's key will do.
What the files take from variables named like secrets (KEY, TOKEN, SECRET, PASS) is shown as ***.
Exit status: 0 no differences, 2 differences, 1 an error.

Examples:
  headgate diff -f config/
  headgate diff -f routes.yaml || echo 'not in force yet'
  headgate diff -f config/ -o json | jq .counts`,
    )
    .action(async (options: DiffOptions) => {
      const [{ runDiff }, { processIo }] = await Promise.all([import('../apply.ts'), import('../output.ts')])
      process.exitCode = await runDiff(options, processIo())
    })
}
