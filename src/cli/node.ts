import type { EndpointState } from '../model/endpoint.ts'
import type { EndpointView } from '../model/endpoint-view.ts'
import { AdminClient, type ClientFlags } from './client.ts'
import { type CliIo, type Column, formatTable, paint, printable, type Style } from './output.ts'
import { readTime } from './read-time.ts'

export interface NodeListOptions extends ClientFlags {
  readonly output: 'table' | 'wide' | 'json'
}

export interface NodeSetOptions extends ClientFlags {
  readonly output: 'text' | 'json'
  readonly note?: string
  readonly wait?: string
}

interface ShownUpstream {
  readonly id: string
  readonly name: string
  readonly balancer: string
  readonly endpoints: number
  readonly states: Readonly<Record<string, number>>
}

interface ShownEndpoints {
  readonly upstream: string
  readonly name: string
  readonly endpoints: readonly EndpointView[]
}

interface StateAnswer {
  readonly upstream: string
  readonly endpoint: string
  readonly state: EndpointState
  readonly revision: number
  readonly isChanged: boolean
  readonly inFlight: number
  readonly connections: number
  readonly warnings: readonly string[]
}

/** What one call may wait; longer waits are several calls. Seconds. */
const WAIT_STEP = 20
/** Exit status where requests were still under way. */
const STILL_BUSY = 3
const MAX_WAIT = { ms: 86_400_000, text: '24h' }

/** `headgate node list`: the exit status. */
export async function runNodeList(
  word: string | undefined,
  options: NodeListOptions,
  io: CliIo,
): Promise<number> {
  const client = new AdminClient(options, io.environment)
  if (word === undefined) return listUpstreams(client, options, io)
  const shown = await fetchEndpoints(client, word)
  if (options.output === 'json') {
    io.write(`${JSON.stringify(shown, null, 2)}\n`)
    return 0
  }
  const name = shown.name === '' || shown.name === shown.upstream ? '' : ` (${shown.name})`
  io.write(`${paint(io, 'bold', printable(`${shown.upstream}${name}`))}\n`)
  io.write(formatEndpoints(shown.endpoints, io, options.output === 'wide'))
  return 0
}

async function listUpstreams(client: AdminClient, options: NodeListOptions, io: CliIo): Promise<number> {
  const list: ShownUpstream[] = []
  let after: string | null = null
  do {
    const query = new URLSearchParams({ limit: '1000', ...(after === null ? {} : { after }) })
    const page = (await client.json('GET', `/headgate/v1/upstreams?${query}`)) as {
      list: ShownUpstream[]
      next: string | null
    }
    list.push(...page.list)
    after = page.next
  } while (after !== null)
  if (options.output === 'json') {
    io.write(`${JSON.stringify(list, null, 2)}\n`)
    return 0
  }
  const rows = list.map(({ id, name, balancer, endpoints, states }) => [
    String(endpoints),
    Object.entries(states)
      .map(([state, count]) => `${count} ${state}`)
      .join(', ') || '-',
    balancer,
    name === '' || name === id ? id : `${id} (${name})`,
  ])
  const columns: Column[] = [
    { title: 'NODES', align: 'right' },
    { title: 'STATES' },
    { title: 'BALANCER' },
    { title: 'UPSTREAM' },
  ]
  io.write(
    formatTable(io, columns, rows, (text, _, column) =>
      column === 1 ? (/^\d+ up$/.test(text) ? 'green' : text === '-' ? null : 'yellow') : null,
    ),
  )
  return 0
}

/** Of the upstream that a word names. Throws RefusedError where there is none. */
export async function fetchEndpoints(client: AdminClient, word: string): Promise<ShownEndpoints> {
  return (await client.json(
    'GET',
    `/headgate/v1/upstreams/${encodeURIComponent(word)}/endpoints`,
  )) as ShownEndpoints
}

/** `headgate node drain|maint|ready`: the exit status. */
export async function runNodeSet(
  state: EndpointState,
  word: string,
  endpoint: string,
  options: NodeSetOptions,
  io: CliIo,
): Promise<number> {
  const waitMs = options.wait === undefined ? 0 : readTime('--wait', options.wait, MAX_WAIT)
  const client = new AdminClient(options, io.environment)
  const path = `/headgate/v1/upstreams/${encodeURIComponent(word)}/endpoints/${encodeURIComponent(endpoint)}/state`
  const body = { state, ...(options.note === undefined ? {} : { note: options.note }) }
  const until = performance.now() + waitMs
  let answer: StateAnswer
  let isChanged = false
  do {
    const left = Math.min(WAIT_STEP, Math.ceil(Math.max(0, until - performance.now()) / 1000))
    answer = (await client.json('PUT', `${path}?wait=${left}`, body)) as StateAnswer
    isChanged ||= answer.isChanged
  } while (answer.inFlight > 0 && performance.now() < until)
  const isBusy = waitMs > 0 && answer.inFlight > 0
  if (options.output === 'json') {
    io.write(`${JSON.stringify({ ...answer, isChanged }, null, 2)}\n`)
    return isBusy ? STILL_BUSY : 0
  }
  const { upstream, endpoint: label, inFlight, connections, revision } = answer
  const done = isChanged ? `is set to ${state} (revision ${revision})` : `is set to ${state} already`
  const load = state === 'ready' ? '' : `: ${inFlight} requests under way, ${connections} connections open`
  io.write(`${printable(`${upstream} ${label}`)} ${done}${load}\n`)
  for (const warning of answer.warnings) io.writeError(`headgate: ${printable(warning)}\n`)
  if (isBusy) io.writeError(`headgate: ${inFlight} requests were still under way after ${options.wait}\n`)
  return isBusy ? STILL_BUSY : 0
}

/** Of the states of endpoints. */
export const STYLES: Readonly<Record<string, Style>> = {
  up: 'green',
  unhealthy: 'red',
  ejected: 'red',
  unresolved: 'red',
  trial: 'yellow',
  drain: 'cyan',
  maint: 'cyan',
}

/** Endpoints as a table; the reason stands last, since it may be cut. */
export function formatEndpoints(
  endpoints: readonly EndpointView[],
  io: Pick<CliIo, 'hasColor' | 'columns'>,
  isWide = false,
  nowMs = Date.now(),
): string {
  const right = (title: string): Column => ({ title, align: 'right' })
  const hasLevels = new Set(endpoints.map(({ priority }) => priority)).size > 1
  const hasServices = isWide && endpoints.some(({ service }) => typeof service === 'string')
  const columns: Column[] = [
    { title: 'NODE' },
    { title: 'STATE' },
    right('SINCE'),
    right('WEIGHT'),
    right('NOW'),
    ...(hasLevels || isWide ? [right('PRIORITY')] : []),
    ...(isWide ? [{ title: 'ZONE' }] : []),
    ...(hasServices ? [{ title: 'SERVICE' }] : []),
    right('IN FLIGHT'),
    right('REQUESTS'),
    right('ERRORS'),
    right('EJECTED'),
    { title: 'LAST PROBE' },
    right('NEXT'),
    { title: 'REASON' },
  ]
  const rows = endpoints.map((view) => [
    view.label,
    view.state,
    formatAge(nowMs - view.sinceMs),
    String(view.weight),
    formatWeight(view.effectiveWeight),
    ...(hasLevels || isWide ? [String(view.priority)] : []),
    ...(isWide ? [view.zone ?? '-'] : []),
    ...(hasServices ? [view.service ?? '-'] : []),
    String(view.inFlight),
    String(view.requests),
    String(view.failures),
    String(view.ejections),
    formatProbe(view, nowMs),
    view.nextProbeMs === null ? '-' : formatAge(view.nextProbeMs - nowMs),
    reasonOf(view, nowMs),
  ])
  return formatTable(io, columns, rows, (text, _, column) => (column === 1 ? (STYLES[text] ?? null) : null))
}

export function formatProbe({ lastProbe }: EndpointView, nowMs: number): string {
  if (lastProbe === null) return '-'
  const { atMs, result, tookMs } = lastProbe
  return `${result} in ${Math.round(tookMs)} ms, ${formatAge(nowMs - atMs)} ago`
}

export function reasonOf({ reason, returnsAtMs }: EndpointView, nowMs: number): string {
  const back = returnsAtMs === null ? '' : `back in ${formatAge(returnsAtMs - nowMs)}`
  return [reason, back].filter((text) => text !== '').join(', ')
}

export function formatWeight(weight: number): string {
  return Number.isInteger(weight) ? String(weight) : weight.toFixed(2)
}

/** `5s`, `3m`, `2h`, `4d`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 10) return `${seconds.toFixed(1)}s`
  if (seconds < 120) return `${Math.round(seconds)}s`
  if (seconds < 7200) return `${Math.round(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)}h` : `${Math.round(seconds / 86_400)}d`
}
