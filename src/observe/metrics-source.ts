import type { EndpointView } from '../model/endpoint-view.ts'
import type { ObjectSource } from '../model/model.ts'
import type { Route } from '../model/route.ts'
import type { StreamRoute } from '../model/stream-route.ts'
import type { Upstream } from '../model/upstream.ts'

/** Reads the counters of shared memory (model/counters.ts has the layout). */
export interface CounterReader {
  /** Over all workers, those that are gone included. */
  sum(slot: number, field: number): number
  /** Of one living worker. */
  of(worker: number, slot: number, field: number): number
  /** Slot of an identity; the overflow line of its kind if it has none of its own. */
  slot(identity: string): number
  /** Everything that has lines of its own; `owner` is the id of its route or upstream. */
  counted(): Iterable<CountedObject>
}

export interface CountedObject {
  readonly pool: 'route' | 'target' | 'endpoint'
  readonly identity: string
  readonly slot: number
  readonly owner: string
}

/** What requests, or streams, are counted under. */
export type CountedRoute = Route | StreamRoute

/** What is in force. Objects are text until they are read (some 5 µs each), so only what is shown is read. */
export interface ObjectReader {
  /** Those of streams and of requests. */
  routes(): Iterable<ObjectSource<CountedRoute>>
  upstreams(): Iterable<ObjectSource<Upstream>>
  route(id: string): CountedRoute | undefined
  upstream(id: string): Upstream | undefined
}

/** What a scrape is made from; read anew each time, so the series of an object go with the object. */
export interface MetricsSource {
  readonly counters: CounterReader
  readonly objects: ObjectReader
  /** How the endpoints of an upstream stand; absent: nobody knows. */
  standings?(upstreamId: string): readonly EndpointView[] | undefined
  /** Living workers: the key that `counters.of` knows and the number people see. */
  workers(): Iterable<{ readonly key: number; readonly index: number }>
  state(): GatewayState
}

/** What is known beside the counters. */
export interface GatewayState {
  readonly version: string
  /** Revision that all living workers serve. */
  readonly revision: number
  readonly lastApplySucceeded: boolean
  /** Milliseconds since the epoch of the last change that took effect; null: none yet. */
  readonly lastAppliedAtMs: number | null
  readonly isReady: boolean
  readonly isStoreReachable: boolean
  readonly workerRestarts: number
  /** Events that slow readers of streams did not get. */
  readonly eventsDropped: number
  /** Seconds by which timers of the main thread were late. */
  readonly mainLag: { readonly last: number; readonly max: number }
  /** Since the start. */
  readonly health: {
    readonly transitions: readonly {
      readonly upstream: string
      readonly state: string
      readonly count: number
    }[]
    readonly probes: readonly {
      readonly upstream: string
      readonly type: string
      readonly result: string
      readonly count: number
    }[]
  }
  /** Names of endpoints that are looked up. `ageSeconds`: of the last good answer; null: there was none. */
  readonly names: readonly {
    readonly name: string
    readonly kind: string
    readonly state: string
    readonly ageSeconds: number | null
    readonly failures: number
    /** Whether the last question was answered. */
    readonly isAnswered: boolean
    /** How many it stands for now. */
    readonly hosts: number
  }[]
  /** Certificates that listeners show, with their ends (milliseconds of the epoch). */
  readonly certificates: readonly {
    readonly certificate: string
    readonly serverName: string
    readonly endMs: number
  }[]
  /** Number of documents by dialect, kind and state. */
  readonly documents: readonly {
    readonly dialect: string
    readonly kind: string
    readonly state: 'accepted' | 'degraded' | 'rejected'
    readonly count: number
  }[]
}
