import { checkNetwork } from '../../expression/network.ts'
import type { Fault, StoredDocument } from '../../model/document.ts'
import type { JsonObject } from '../../model/json.ts'
import type { StreamRoute } from '../../model/stream-route.ts'
import type { DialectSettings, Lookup, Translation } from '../dialect.ts'
import { idField, numberField, objectField, textField } from './fields.ts'
import { translateHeldUpstreams } from './held-upstreams.ts'
import { modelId, originOf, type TranslationWarning } from './holder.ts'
import { mergeRoute } from './merge.ts'
import { targetOwnUpstream } from './own-upstream.ts'
import { translateSplitRules } from './plugins/traffic-split.ts'

/** `stream_routes`: conditions on TCP connections and UDP sessions (spec/apisix.md 11). */

/** A stream without a byte for so long is closed: `proxy_timeout` of the reference's template. Milliseconds. */
const IDLE_MS = 600_000

/** A stream route, its inline upstream and those inside its traffic-split. */
export function translateStreamRoute(
  document: StoredDocument,
  lookup: Lookup,
  settings: DialectSettings,
): Translation {
  const { value } = document
  const merged = mergeRoute(document, lookup)
  const held = translateHeldUpstreams(document, lookup, settings)
  const warnings: TranslationWarning[] = [...held.warnings]
  const { holder, upstream, service } = merged
  const split = merged.plugins.get('traffic-split')
  const rules: StreamRoute['rules'][number][] = []
  if (split !== undefined) {
    const translated = translateSplitRules(split, { route: holder, own: upstream, lookup })
    rules.push(...translated.rules)
    warnings.push(...translated.warnings)
  }
  if (upstream.kind === 'missing')
    warnings.push({
      path: 'upstream_id',
      message: `upstream ${upstream.id} does not exist: streams that need it are closed`,
    })
  const origin = upstream.origin
  rules.push({
    origin,
    predicate: null,
    split: {
      id: modelId(holder, 'upstream'),
      origin,
      targets: [targetOwnUpstream(upstream, 1)],
      policy: null,
    },
  })
  const name = textField(value, 'name')
  const client = textField(value, 'remote_addr')
  const server = textField(value, 'server_addr')
  const port = numberField(value, 'server_port')
  const sni = textField(value, 'sni')
  const route: StreamRoute = {
    kind: 'streamRoute',
    id: modelId(holder, null),
    name: name ?? holder.id,
    origin: originOf(holder, ''),
    section: 'apisix',
    key: [document.createdRevision],
    protocols: null,
    serverAddresses: server === null ? null : [server],
    serverPorts: port === null ? null : [port],
    clients: client === null ? null : [client],
    serverNames: sni === null ? null : [sni.toLowerCase()],
    rules,
    idleMs: IDLE_MS,
    proxyProtocol: null,
    labels: {
      routeId: holder.id,
      routeName: name,
      serviceId: idField(value, 'service_id'),
      serviceName: service === null ? null : textField(service.value, 'name'),
    },
  }
  return { objects: [route, ...held.objects], warnings }
}

/** Plugins that work on streams. */
const STREAM_PLUGINS: ReadonlySet<string> = new Set(['traffic-split'])

/** What the schema cannot say, in the reference's words where it has some. */
export function collectStreamFaults(value: JsonObject): readonly Fault[] {
  const faults: Fault[] = []
  for (const field of ['remote_addr', 'server_addr']) {
    const address = textField(value, field)
    if (address !== null && checkNetwork(address) !== null)
      faults.push({ path: field, message: `invalid ${field}: ${address}`, hint: null })
  }
  if (Object.hasOwn(value, 'protocol'))
    faults.push({ path: 'protocol', message: 'protocol is not supported: there is no xRPC', hint: null })
  for (const name of Object.keys(objectField(value, 'plugins') ?? {})) {
    if (!STREAM_PLUGINS.has(name))
      faults.push({ path: `plugins.${name}`, message: `unknown plugin [${name}]`, hint: null })
  }
  return faults
}
