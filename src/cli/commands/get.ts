import { Command, Option } from 'commander'
import type { DescribeOptions } from '../describe.ts'
import type { GetOptions } from '../get.ts'
import { addClientFlags } from './client-flags.ts'

const KIND_HELP =
  'KIND is singular or plural (route, routes), with the dialect before it where two share the word (apisix/route); KIND/ID works, too.'

export function getCommand(): Command {
  const command = new Command('get')
    .description('list documents of a kind, or show one')
    .argument('<kind>', 'route, upstreams, …, or all')
    .argument('[id]', 'only this one')
    .addOption(
      new Option('-o, --output <form>', 'how to show them; yaml is what apply reads')
        .choices(['table', 'wide', 'json', 'yaml', 'name'])
        .default('table'),
    )
    .option('-l, --label <name=value,…>', 'only with these labels; a name alone: whatever its value')
    .addOption(
      new Option('--state <state>', 'only in this state').choices(['accepted', 'degraded', 'rejected']),
    )
    .option('-w, --watch', 'go on and show what changes, until Ctrl-C')
  return addClientFlags(command)
    .addHelpText(
      'after',
      `
${KIND_HELP}

Examples:
  headgate get routes
  headgate get route 1 -o yaml
  headgate get upstreams -l team=web -o wide
  headgate get all --state rejected
  headgate get routes --watch -o json | jq .document.id`,
    )
    .action(async (kind: string, id: string | undefined, options: GetOptions) => {
      const [{ runGet }, { processIo }] = await Promise.all([import('../get.ts'), import('../output.ts')])
      process.exitCode = await runGet(kind, id, options, processIo())
    })
}

export function describeCommand(): Command {
  const command = new Command('describe')
    .description('tell all about a document: state and reasons, splits, who uses it, its history')
    .argument('<kind>', 'route, upstream, …')
    .argument('[id]', 'which one')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
  return addClientFlags(command)
    .addHelpText(
      'after',
      `
${KIND_HELP}

Examples:
  headgate describe route 1
  headgate describe upstream/blue -o json | jq .usedBy`,
    )
    .action(async (kind: string, id: string | undefined, options: DescribeOptions) => {
      const [{ runDescribe }, { processIo }] = await Promise.all([
        import('../describe.ts'),
        import('../output.ts'),
      ])
      process.exitCode = await runDescribe(kind, id, options, processIo())
    })
}
