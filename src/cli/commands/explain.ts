import { Command, Option } from 'commander'
import type { ExplainOptions, ReachOptions } from '../explain.ts'
import { addClientFlags } from './client-flags.ts'
import { collect } from './collect.ts'

export function explainCommand(): Command {
  const command = new Command('explain')
    .description('tell where a request or a stream would go, and why: nothing is sent')
    .argument('[url]', '/path, host/path or http://host:port/path; quote it where it holds & or ?')
    .option('-X, --method <method>', 'its method (GET)')
    .option('-H, --header <header>', "'name: value'; may be given several times", collect)
    .option('-d, --data <text>', 'its body, for conditions that read it')
    .option('--tcp [listener]', 'a TCP or TLS stream, to host:port or :port (the first listener for TCP)')
    .option('--udp [listener]', 'datagrams of one client, likewise (the first listener for UDP)')
    .option('--sni <name>', 'with --tcp: the name that the client asks for in TLS')
    .option(
      '--dataplane <name>',
      'a data plane proxy of a mesh: what comes in at one of its outbounds, and why it has that route',
    )
    .option('--outbound <outbound>', 'with --dataplane: port, host:port or service (the only one)')
    .option('--client-ip <address>', 'where it comes from (127.0.0.1)')
    .option('--config <file|dir>', 'by these files instead of a running gateway')
    .option('--all', 'list every route that came up')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
  return addClientFlags(command)
    .addCommand(routeCommand())
    .addHelpText(
      'after',
      `
The port of the URL, where it has one, names the listener; its host is the Host field. A viewer's key will do.
An outbound whose instances all speak HTTP is asked for a request, GET / where no URL is given; at others a stream is explained.
A listener that ends TLS is named by --tcp too. At others a name is looked at where a route asks for one.
Exit status: 0 explained, also where the answer is an error; 1 no explanation; 2 for a command line that makes no sense.

Examples:
  headgate explain /index.html
  headgate explain -X POST 'http://shop.example/api/cart?sku=1' -H 'x-canary: always'
  headgate explain /index.html --client-ip 10.1.2.3 --all
  headgate explain /index.html --config conf/
  headgate explain /index.html -o json | jq .outcome
  headgate explain --tcp :9100 --sni db.example --client-ip 10.1.2.3
  headgate explain --udp 127.0.0.1:9053
  headgate explain --dataplane site-1 --outbound 10001
  headgate explain --dataplane default:site-1 --outbound cart /api/items -H 'x-canary: yes'
  headgate explain route route/1`,
    )
    .action(async (url: string | undefined, options: ExplainOptions) => {
      const [{ runExplain }, { processIo }] = await Promise.all([
        import('../explain.ts'),
        import('../output.ts'),
      ])
      process.exitCode = await runExplain(url, options, processIo())
    })
}

function routeCommand(): Command {
  const command = new Command('route')
    .description(
      'tell which requests reach a route, with an example of each that is tried on the serving table',
    )
    .argument('<kind/id>', 'route/1, apisix/route/1')
    .option('--config <file|dir>', 'by these files instead of a running gateway')
    .addOption(new Option('-o, --output <form>', 'how to tell').choices(['text', 'json']).default('text'))
  return addClientFlags(command)
    .addHelpText(
      'after',
      `
Exit status: 0 every example reaches the route, 1 one does not or there is no such route, 2 for a command line that makes no sense.

Examples:
  headgate explain route route/1
  headgate explain route route/1 --config conf/ -o json`,
    )
    .action(async (name: string, _options: ReachOptions, self: Command) => {
      // flags that `explain` has, too, are taken by it wherever they stand
      const options = self.optsWithGlobals<ReachOptions>()
      const [{ runExplainRoute }, { processIo }] = await Promise.all([
        import('../explain.ts'),
        import('../output.ts'),
      ])
      process.exitCode = await runExplainRoute(name, options, processIo())
    })
}
