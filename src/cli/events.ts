import { GatewayError } from '../model/gateway-error.ts'
import { AdminClient, type ClientFlags } from './client.ts'
import { followUntilStopped, streamEnded } from './follow.ts'
import { type CliIo, paint, printable, type Style } from './output.ts'

export interface EventsOptions extends ClientFlags {
  readonly follow?: boolean
  readonly types?: string
  readonly last?: string
  readonly output: 'text' | 'json'
}

interface ShownEvent {
  readonly type: string
  readonly atMs: number
  readonly text: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Events shown before the new ones where nothing else is asked for. */
const DEFAULT_LAST = 20

/** `headgate events`: the exit status. With `-f` it ends well by Ctrl-C, and throws CliError where the gateway ends it. */
export async function runEvents(options: EventsOptions, io: CliIo): Promise<number> {
  if (options.last !== undefined && !/^\d{1,4}$/.test(options.last))
    throw new GatewayError('BAD_SETTING', `--last ${options.last}: must be a number from 0 to 1000`)
  const client = new AdminClient(options, io.environment)
  const query = new URLSearchParams()
  if (options.types !== undefined) query.set('types', options.types)
  const last =
    options.last ?? (options.output === 'json' && options.follow !== true ? undefined : `${DEFAULT_LAST}`)
  if (last !== undefined) query.set('last', last)
  const show = (event: ShownEvent): void => io.write(`${formatEvent(event, io)}\n`)
  if (options.follow !== true) {
    if (options.last === '0') return 0
    query.set('follow', 'false')
    const answer = (await client.json('GET', `/headgate/v1/events?${query}`)) as { list: ShownEvent[] }
    if (options.output === 'json') io.write(`${JSON.stringify(answer.list, null, 2)}\n`)
    else for (const event of answer.list) show(event)
    return 0
  }
  const isStopped = await followUntilStopped(client, `/headgate/v1/events?${query}`, ({ event, data }) => {
    if (event === 'lost')
      io.writeError('headgate: some events were lost: they came faster than they were read\n')
    else if (options.output === 'json') io.write(`${data}\n`)
    else show(JSON.parse(data))
  })
  if (isStopped) return 0
  throw streamEnded(client)
}

/** `2026-11-26T07:50:00.123Z worker-started  worker 0 serves`. Times are UTC, as in the logs. */
export function formatEvent(event: ShownEvent, io: Pick<CliIo, 'hasColor'>): string {
  const time = paint(io, 'dim', new Date(event.atMs).toISOString())
  const type = paint(io, styleOf(event), event.type.padEnd(17))
  return `${time} ${type} ${printable(event.text).replace(/[\t\n]/g, ' ')}`
}

function styleOf({ type, data }: ShownEvent): Style {
  if (type === 'worker-failed' || type === 'document-rejected' || type === 'config-fault') return 'red'
  if (type === 'readiness') return data.isReady === true ? 'green' : 'red'
  if (type === 'store') return data.isReachable === true ? 'green' : 'red'
  if (type === 'document-degraded' || type === 'worker-replaced' || type === 'drain') return 'yellow'
  return 'cyan'
}
