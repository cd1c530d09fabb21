import { Command, Option } from 'commander'
import type { NodeListOptions, NodeSetOptions } from '../node.ts'
import { addClientFlags } from './client-flags.ts'

export function nodeCommand(): Command {
  return new Command('node')
    .description('show the endpoints of an upstream, take one out of service or back')
    .addCommand(listCommand())
    .addCommand(stateCommand('drain', 'send an endpoint no new requests; those under way finish'))
    .addCommand(stateCommand('maint', 'the same, and do not probe it'))
    .addCommand(stateCommand('ready', 'let an endpoint serve again, as its checks say'))
    .addHelpText(
      'after',
      `
Examples:
  headgate node list upstream/1
  headgate node drain upstream/1 10.0.0.1:80 --wait 30s --note 'kernel update'
  headgate node ready upstream/1 10.0.0.1:80`,
    )
}

function listCommand(): Command {
  const command = new Command('list')
    .description('how the endpoints of an upstream stand; without one: all upstreams')
    .argument('[kind/id]', 'upstream/1, or the id that headgate top upstreams shows')
    .addOption(
      new Option('-o, --output <form>', 'how to tell').choices(['table', 'wide', 'json']).default('table'),
    )
  return addClientFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n  headgate node list\n  headgate node list upstream/1 -o wide\n  headgate node list apisix/routes/1#upstream -o json',
    )
    .action(async (word: string | undefined, options: NodeListOptions) => {
      const [{ runNodeList }, { processIo }] = await Promise.all([
        import('../node.ts'),
        import('../output.ts'),
      ])
      process.exitCode = await runNodeList(word, options, processIo())
    })
}

function stateCommand(state: 'drain' | 'maint' | 'ready', description: string): Command {
  const command = new Command(state)
    .description(description)
    .argument('<kind/id>', 'upstream/1, or the id that headgate top upstreams shows')
    .argument('<endpoint>', 'host:port (all addresses of a name), or name:port@address')
    .option('--note <text>', 'why; it stands beside the state and in the history')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
  if (state !== 'ready') {
    command.option('--wait <time>', 'wait until no request to it is under way: 30s, 2m (0s: do not wait)')
  }
  const wait = state === 'ready' ? '' : ' --wait 30s'
  const example = `headgate node ${state} upstream/1 10.0.0.1:80`
  return addClientFlags(command)
    .addHelpText(
      'after',
      `
The gateway sends no new request to the endpoint once the command is over. The exit status is 0 then, 3 where requests were still under
way when --wait was over, and 1 where the state could not be set.

Examples:
  ${example}
  ${example}${wait} --note 'kernel update'`,
    )
    .action(async (word: string, endpoint: string, options: NodeSetOptions) => {
      const [{ runNodeSet }, { processIo }] = await Promise.all([
        import('../node.ts'),
        import('../output.ts'),
      ])
      process.exitCode = await runNodeSet(state, word, endpoint, options, processIo())
    })
}
