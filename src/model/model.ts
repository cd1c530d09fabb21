import type { Certificate } from './certificate.ts'
import type { Consumer } from './consumer.ts'
import type { PlannedListener } from './listener.ts'
import type { Route } from './route.ts'
import type { StreamRoute } from './stream-route.ts'
import type { Upstream } from './upstream.ts'

/** What dialects translate to and workers compile. Plain data: structured clone and JSON keep it whole. */
export type ModelObject = Route | Upstream | Consumer | Certificate | StreamRoute | PlannedListener

/** Kinds that are few and small: they travel as they are, whole. */
export type SmallKind = 'consumer' | 'certificate' | 'streamRoute' | 'listener'

export function isSmall(kind: ModelObject['kind']): kind is SmallKind {
  return kind !== 'route' && kind !== 'upstream'
}

/** An object of the model that can be read again and again; what `read` gives is the caller's own. */
export interface ObjectSource<T extends ModelObject> {
  readonly id: string
  read(): T
}

/** Finds objects that nobody has asked for yet. */
export interface ObjectSearch<T extends ModelObject> {
  find(id: string): ObjectSource<T> | undefined
}

/** What travels to a worker. One revision is acted on in one step: all objects are compiled first, then switched on in one tick. */
export interface Patch {
  readonly revision: number
  readonly upserts: readonly ModelObject[]
  readonly removals: readonly { readonly kind: ModelObject['kind']; readonly id: string }[]
  /** Shared-memory slots by identity (`splitIdentity`, `endpointIdentity`, …) that this patch's objects use and older ones did not. */
  readonly slots: readonly (readonly [identity: string, slot: number])[]
  /** Identities whose slots no object of this revision uses any more. */
  readonly freed: readonly string[]
}

/** Shared positions of splits and balancers, over all workers. Owned by gateway/shared-state.ts. */
export interface Positions {
  /** The position before the step, 0 <= p < limit; limit is a multiple of the cycle, at most 2^30. Wraps to 0 at limit. */
  advance(slot: number, limit: number): number
  /** The position that `advance` would give now. */
  peek(slot: number, limit: number): number
}
