import { Command, Option } from 'commander'
import { VERSION } from '../../gateway/version.ts'

export function versionCommand(): Command {
  return new Command('version')
    .description('print the version')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `
The version of a running gateway: headgate doctor, or GET /headgate/v1/version.

Examples:
  headgate version
  headgate version -o json`,
    )
    .action(({ output }: { output: 'text' | 'json' }) => {
      const facts = {
        version: VERSION,
        node: process.version,
        platform: `${process.platform} ${process.arch}`,
      }
      process.stdout.write(
        output === 'json'
          ? `${JSON.stringify(facts, null, 2)}\n`
          : `headgate ${facts.version} (node ${facts.node})\n`,
      )
    })
}
