import type { ExplainedSending } from '../model/explanation.ts'
import { composeEventHead, composeRequestHead } from './compose-request.ts'
import type { Exchange } from './exchange.ts'
import { showNullable, showText } from './explain-view.ts'
import type { CompiledEndpoint, CompiledUpstream } from './upstream/upstreams.ts'

/** The head that an exchange would send, held against the one that came. */
export function showSending(
  exchange: Exchange,
  upstream: CompiledUpstream,
  endpoint: CompiledEndpoint,
): ExplainedSending {
  const { fields } = exchange.client.head
  const came = new Map<string, string>()
  for (let i = 0; i < fields.count; i++) addField(came, fields.name(i), fields.value(i))
  const goes = new Map<string, string>()
  const { event } = exchange
  const head =
    event === null
      ? composeRequestHead(exchange, upstream, endpoint)
      : composeEventHead(exchange, upstream, endpoint, event.length)
  const [, ...lines] = head.split('\r\n')
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) addField(goes, line.slice(0, colon), line.slice(colon + 1).trim())
  }
  const changed: ExplainedSending['fields'][number][] = []
  for (const name of new Set([...came.keys(), ...goes.keys()])) {
    const before = came.get(name) ?? null
    const after = goes.get(name) ?? null
    if (name === 'host' || before === after) continue
    // what the gateway itself shows to a proxy is a secret
    const isSecret = name === 'proxy-authorization' && after !== null
    const by = exchange.overlay?.touches(name) === true ? 'filter' : 'gateway'
    changed.push({
      name: showText(name),
      before: showNullable(before),
      after: isSecret ? '(not shown)' : showNullable(after),
      by,
    })
  }
  return {
    method: showText(exchange.sentMethod),
    target: showText(exchange.sentTarget),
    host: showText(goes.get('host') ?? ''),
    fields: changed,
    ...(event === null ? {} : { event: showText(event) }),
  }
}

function addField(fields: Map<string, string>, name: string, value: string): void {
  const lower = name.toLowerCase()
  const before = fields.get(lower)
  fields.set(lower, before === undefined ? value : `${before}, ${value}`)
}
