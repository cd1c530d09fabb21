import type { JsonObject } from './json.ts'
import type { Section } from './listener.ts'
import type { ModelObject } from './model.ts'

/**
 * What a data plane proxy that runs as a process of its own and its control plane say to each other (src/dataplane, src/mesh). The proxy opens one long request, whose answer
 * are lines of JSON (`ToProxy`); what it has to say itself are small requests beside it.
 */

/** All below `/headgate/v1/dataplanes`: a proxy is `<mesh>/<name>`, and behind that `stream` (POST, ProxyHello), `status` (PUT, ProxyReport), or nothing (DELETE, `?instance=`). */
export const PROXY_PREFIX = '/headgate/v1/dataplanes'

/** Media type of the stream. */
export const LINES_TYPE = 'application/x-ndjson'

/** A control plane sends something so often; one that is silent for three times as long is taken for gone. So is a proxy that does not report. Milliseconds. */
export const HEARTBEAT_MS = 5_000
export const SILENT_MS = 3 * HEARTBEAT_MS

/** With which a proxy begins its stream. */
export interface ProxyHello {
  /** Made anew by each start of a proxy: tells two of one name apart. */
  readonly instance: string
  readonly version: string
  /** Its document, which is stored at the control plane; null: it is there already. */
  readonly dataplane: JsonObject | null
  /** Whether it serves a model already, which it got from a control plane before. */
  readonly hasModel: boolean
  /** As in ProxyReport: a control plane that was started anew knows nothing of what was probed before. */
  readonly inbounds: ProxyReport['inbounds']
}

/** A probe of an application beside the proxy, by which an inbound is ready or not. It connects (TCP). */
export interface ProxyProbe {
  /** `address:port` of the inbound. */
  readonly inbound: string
  readonly host: string
  readonly port: number
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Results in a row that change what is known. */
  readonly healthyThreshold: number
  readonly unhealthyThreshold: number
}

export type ToProxy =
  /** The first line. */
  | { readonly type: 'hello'; readonly sections: readonly Section[] }
  /** All that the proxy serves. */
  | ({ readonly type: 'model' } & ProxyModel)
  /** What changed since the last line of this kind or the one before. */
  | ({ readonly type: 'patch' } & ProxyModel)
  /** What is to be probed, whole; comes with a document that changed. */
  | { readonly type: 'probes'; readonly probes: readonly ProxyProbe[] }
  | { readonly type: 'heartbeat' }
  /** The control plane ends the stream, and the proxy serves what it has. `isFinal`: it is not to come back. */
  | { readonly type: 'end'; readonly reason: string; readonly isFinal: boolean }

export interface ProxyModel {
  readonly revision: number
  readonly upserts: readonly ModelObject[]
  readonly removals: readonly { readonly kind: ModelObject['kind']; readonly id: string }[]
}

/** How a proxy stands; sent when something of it changes, and as a sign of life. */
export interface ProxyReport {
  readonly instance: string
  /** Of the model that it serves; 0: none yet. */
  readonly revision: number
  /** Objects of the model that it could not take, one line each. */
  readonly faults: readonly string[]
  /** Of inbounds that are probed and have had a result that decides. */
  readonly inbounds: readonly { readonly inbound: string; readonly isReady: boolean }[]
  /** Listeners that are not open, with the reason. */
  readonly closed: readonly { readonly name: string; readonly address: string; readonly reason: string }[]
  readonly isDraining: boolean
}
