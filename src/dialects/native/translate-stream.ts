import type { ModelObject } from '../../model/model.ts'
import type { StreamRoute } from '../../model/stream-route.ts'
import type { Upstream } from '../../model/upstream.ts'
import type { Lookup } from '../dialect.ts'
import { defaultOf } from './defaults.ts'
import { parseDuration } from './duration.ts'
import { modelId, NATIVE, originOf } from './names.ts'
import type { Sink } from './sink.ts'
import { translateOutcome } from './translate-outcome.ts'
import type * as Native from './types.ts'

/** A stream document: its route, and the upstreams that are written in it. `revision`: when it was created. */
export function translateStream(
  value: Native.Stream,
  id: string,
  revision: number,
  lookup: Lookup | undefined,
  sink: Sink,
): readonly ModelObject[] {
  const origin = originOf('stream', id)
  const upstreams: Upstream[] = []
  const outcome = translateOutcome(value, '', {
    collection: 'streams',
    routeId: id,
    origin,
    lookup,
    sink,
    upstreams,
  })
  const name = value.name ?? null
  const route: StreamRoute = {
    kind: 'streamRoute',
    id: modelId('streams', id),
    name: name ?? id,
    origin,
    section: NATIVE,
    key: [-(value.priority ?? defaultOf('stream', 'priority')), revision],
    protocols: value.protocols ?? null,
    serverAddresses: value.addresses ?? null,
    serverPorts: value.ports ?? null,
    clients: value.clients ?? null,
    serverNames: value.serverNames === undefined ? null : value.serverNames.map((one) => one.toLowerCase()),
    rules: outcome === null ? [] : [{ origin: outcome.split.origin, predicate: null, split: outcome.split }],
    idleMs: parseDuration(value.idle ?? defaultOf('stream', 'idle')),
    proxyProtocol: value.proxyProtocol === undefined ? null : value.proxyProtocol === 'v1' ? 1 : 2,
    labels: { routeId: id, routeName: name, serviceId: null, serviceName: null },
  }
  return [route, ...upstreams]
}
