import { GatewayError } from '../model/gateway-error.ts'
import { AdminClient, type ClientFlags } from './client.ts'
import { followUntilStopped, streamEnded } from './follow.ts'
import { type CliIo, paint, printable, type Style } from './output.ts'

export interface LogsOptions extends ClientFlags {
  readonly follow?: boolean
  readonly route?: string
  readonly variant?: string
  readonly status?: string
  readonly method?: string
  readonly path?: string
  readonly host?: string
  readonly client?: string
  readonly error?: string
  readonly minDuration?: string
  readonly sample?: string
  readonly limit?: string
  readonly rate?: string
  readonly output: 'text' | 'json'
}

/** Parameter of the endpoint for each flag. */
const PARAMETERS = {
  route: 'route',
  variant: 'variant',
  status: 'status',
  method: 'method',
  path: 'path',
  host: 'host',
  client: 'client',
  error: 'error',
  minDuration: 'min_duration_ms',
  sample: 'sample',
  limit: 'limit',
  rate: 'rate',
} as const

/** `headgate logs`: the exit status. Ends well by Ctrl-C and by `--limit`; throws CliError where the gateway ends it. */
export async function runLogs(options: LogsOptions, io: CliIo): Promise<number> {
  if (options.follow !== true) {
    throw new GatewayError(
      'BAD_SETTING',
      'logs: requests are not kept, so there is nothing to show but what comes: say headgate logs -f',
    )
  }
  const client = new AdminClient(options, io.environment)
  const query = new URLSearchParams()
  for (const [flag, parameter] of Object.entries(PARAMETERS)) {
    const value = options[flag as keyof typeof PARAMETERS]
    if (value !== undefined) query.set(parameter, value)
  }
  const path = `/headgate/v1/logs${query.size === 0 ? '' : `?${query}`}`
  let shown = 0
  const isStopped = await followUntilStopped(client, path, ({ event, data }) => {
    if (event === 'request') {
      shown++
      io.write(options.output === 'json' ? `${data}\n` : `${formatRequest(JSON.parse(data), io)}\n`)
    } else if (event === 'left-out') {
      io.writeError(
        `headgate: ${countOf(data, 'requests')} more requests passed the filter: --rate left them out\n`,
      )
    } else if (event === 'lost') {
      io.writeError(
        `headgate: ${countOf(data, 'events')} lines were lost: they came faster than they were read\n`,
      )
    }
  })
  if (isStopped || (options.limit !== undefined && shown >= Number(options.limit))) return 0
  throw streamEnded(client)
}

function countOf(data: string, name: string): string {
  const value = (JSON.parse(data) as Record<string, unknown>)[name]
  return typeof value === 'number' ? `${value}` : 'some'
}

type Fields = Readonly<Record<string, string | number | null>>

/** `22:50:25.123  200  GET    example.com/b  →  canary 127.0.0.1:1980  12.3 ms  route 1  127.0.0.1` */
export function formatRequest(fields: Fields, io: Pick<CliIo, 'hasColor'>): string {
  const text = (name: string): string => {
    const value = fields[name]
    return value === null || value === undefined ? '' : printable(String(value)).replace(/[\t\n]/g, ' ')
  }
  const status = Number(fields.status)
  const query = text('query')
  const target = `${text('host')}${text('path')}${query === '' ? '' : `?${query}`}`
  const parts = [
    paint(io, 'dim', text('ts').slice(11, 23)),
    paint(io, styleOf(status), text('status').padStart(3)),
    paint(io, 'bold', text('method').padEnd(6)),
    target,
    paint(io, 'dim', '→'),
    destination(fields, text),
    `${text('duration_ms').replace(/(\.\d).*$/, '$1')} ms`,
  ]
  if (text('error_code') !== '') parts.push(paint(io, 'red', text('error_code')))
  if (Number(fields.attempts) > 1) parts.push(paint(io, 'yellow', `${text('attempts')} attempts`))
  parts.push(paint(io, 'dim', text('client_ip')))
  return parts.join(' ')
}

/** `route canary node`, as far as there are. */
function destination(fields: Fields, text: (name: string) => string): string {
  if (fields.route_id === null) return 'no route'
  const names = [`route ${text('route_name') || text('route_id')}`]
  if (fields.variant !== null) names.push(text('variant'))
  if (fields.node !== null && fields.node !== fields.variant) names.push(text('node'))
  return names.join(' ')
}

function styleOf(status: number): Style {
  if (status >= 500) return 'red'
  if (status >= 400) return 'yellow'
  return status >= 300 ? 'cyan' : 'green'
}
