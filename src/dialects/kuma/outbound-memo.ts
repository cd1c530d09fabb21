import type { ModelObject } from '../../model/model.ts'
import type { Upstream } from '../../model/upstream.ts'
import type { ServiceInstance } from './endpoints.ts'
import type { Outbound, TrafficRoute } from './resources.ts'
import { translateOutbound } from './translate-outbound.ts'
import { UpstreamSet } from './upstreams.ts'

export interface OutboundNeed {
  /** Id of the proxy's document. */
  readonly dataplane: string
  readonly outbound: Outbound
  readonly route: TrafficRoute | null
  /** As in UpstreamSet. */
  readonly zone: string | null
  instances(service: string): readonly ServiceInstance[]
}

/** What an outbound is in the model. */
export interface MadeOutbound {
  readonly objects: readonly ModelObject[]
  /** It leads to these; other outbounds of the proxy may have the same ones. */
  readonly upstreams: readonly Upstream[]
  readonly warning: string | null
  /** What is left out of legs, and why. */
  readonly leftOut: readonly string[]
}

interface Memo {
  readonly dataplane: string
  readonly route: TrafficRoute | null
  readonly zone: string | null
  /** What was seen of each service that was asked for. */
  readonly seen: ReadonlyMap<string, readonly ServiceInstance[]>
  readonly made: MadeOutbound
}

/** As long as the document of the proxy stands, of which the outbound is read. */
const MEMOS = new WeakMap<Outbound, Memo>()

/**
 * Translates an outbound, or gives what it was made of the same things before. With a change of one route each proxy of a mesh has one outbound to translate, and not all of
 * its own: in a mesh of 200 proxies with 20 outbounds that is 50 ms in place of a second (bench, `mesh`).
 */
export function translateOutboundOnce(need: OutboundNeed): MadeOutbound {
  const { dataplane, outbound, route, zone, instances } = need
  const known = MEMOS.get(outbound)
  if (
    known !== undefined &&
    known.dataplane === dataplane &&
    known.route === route &&
    known.zone === zone &&
    // asked for all the same, so that what is depended on is noted
    [...known.seen].every(([service, list]) => isSameList(list, instances(service)))
  )
    return known.made
  const seen = new Map<string, readonly ServiceInstance[]>()
  const upstreams = new UpstreamSet(dataplane, zone)
  const { objects, warning } = translateOutbound({
    dataplane,
    outbound,
    route,
    upstreams,
    instances: (service) => {
      const list = instances(service)
      seen.set(service, list)
      return list
    },
  })
  const made = { objects, upstreams: upstreams.list(), warning, leftOut: upstreams.warnings() }
  MEMOS.set(outbound, { dataplane, route, zone, seen, made })
  return made
}

function isSameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a === b || (a.length === b.length && a.every((one, i) => one === b[i]))
}
