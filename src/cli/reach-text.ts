import type { ExplainedReach, ExplainRequest, RouteReach } from '../model/explanation.ts'
import { marksFor } from './marks.ts'
import { type CliIo, paint, printable } from './output.ts'

/** Which requests reach a route, for people. */
export function reachText(reach: RouteReach, io: Pick<CliIo, 'hasColor' | 'environment'>): string {
  const marks = marksFor(io.environment)
  const lines: string[] = []
  for (const entry of reach.entries) {
    const isReached = entry.outcome === 'reaches'
    const mark = isReached ? paint(io, 'green', marks.yes) : paint(io, 'red', marks.no)
    const { kind, id, place } = entry.route.origin
    const origin = paint(io, 'dim', printable(`[${place === undefined ? '' : `${place} `}${kind}/${id}]`))
    lines.push(
      `${mark} ${paint(io, 'bold', printable(entry.host === '*' ? entry.path : `${entry.host}${entry.path}`))}  ${origin}`,
    )
    for (const text of conditionsOf(entry)) lines.push(`    ${printable(text)}`)
    if (entry.example !== null) lines.push(`    example    ${printable(curlOf(entry.example))}`)
    if (entry.outcome === 'unknown') lines.push(`    no example: ${printable(entry.reason ?? '')}`)
    else if (!isReached) lines.push(`    ${paint(io, 'red', printable(entry.reason ?? entry.outcome))}`)
  }
  if (reach.omitted > 0) lines.push(`${reach.omitted} more hosts and paths of it are not shown`)
  return `${lines.join('\n')}\n`
}

function conditionsOf({ methods, clients, predicate }: ExplainedReach): string[] {
  return [
    ...(methods === null ? [] : [`method     ${methods.join(', ')}`]),
    ...(clients === null ? [] : [`client     ${clients.join(', ')}`]),
    ...(predicate === null ? [] : [`condition  ${predicate}`]),
  ]
}

/** The flags that explain takes it by. */
function curlOf({ method, target, host, headers, clientAddress, body }: ExplainRequest): string {
  const flags = [
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    quoted(host === null ? target : `${host}${target}`),
    ...headers.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(clientAddress === '127.0.0.1' ? [] : [`--client-ip ${clientAddress}`]),
    ...(body === null ? [] : [`-d ${quoted(body)}`]),
  ]
  return flags.join(' ')
}

function quoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
