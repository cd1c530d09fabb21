/**
 * Names that stand for endpoints, wherever the answers come from. A source (DNS, a cluster) is asked on the main thread only; what it says becomes part of the model,
 * and workers never ask anybody.
 */

/**
 * `addresses`: what a host's name stands for; `services`: hosts with ports of their own (SRV); `pods`: those behind a port of a Service of a cluster
 * (model/pod-service.ts).
 */
export interface NameQuestion {
  readonly kind: 'addresses' | 'services' | 'pods'
  readonly name: string
}

/** One host of an answer. An answer to `addresses` has one of them, with the name itself. */
export interface FoundHost {
  readonly host: string
  /** null: the asker knows it. */
  readonly port: number | null
  /** Steps that it stands behind the best one, >= 0 (SRV's priority). */
  readonly rank: number
  /** Share among those of its rank, >= 1. */
  readonly weight: number
  /** In a fixed order, each once. */
  readonly addresses: readonly string[]
}

export type NameOutcome =
  | { readonly kind: 'found'; readonly hosts: readonly FoundHost[]; readonly ttlSeconds: number }
  /** Whoever decides says that nothing stands behind it now: what did so before is not asked any more. */
  | { readonly kind: 'empty'; readonly reason: string; readonly ttlSeconds: number }
  /** Its servers say that there is no such name, or that it stands for nothing. */
  | { readonly kind: 'none'; readonly reason: string }
  /** Nobody could say. */
  | { readonly kind: 'failed'; readonly reason: string }

/** Where answers come from. */
export interface NameSource {
  /** Never rejects. */
  ask(question: NameQuestion): Promise<NameOutcome>
  /** What answers depend on beside their age changed (a hosts file, the list of servers): all of them are to be asked for again, or the one that is named. */
  onStale(listener: (question?: NameQuestion) => void): void
  /** Nobody asks for it any more. */
  forget?(question: NameQuestion): void
  close(): void
}

/** How a name stands, for people and metrics. */
export interface NameView {
  readonly question: NameQuestion
  /** `asking`: no answer yet; `kept`: the last good answer serves though newer ones failed; `none`: it stands for nothing. */
  readonly state: 'asking' | 'good' | 'kept' | 'none'
  readonly hosts: readonly FoundHost[]
  /** Of the last good answer, milliseconds of the epoch; null: there was none. */
  readonly answeredAtMs: number | null
  readonly nextAskMs: number | null
  /** Whether the last answer was one: false while nobody could say. */
  readonly isAnswered: boolean
  /** Since the start. */
  readonly asked: number
  readonly failures: number
  /** Why, where it is not `good`; '' else. */
  readonly reason: string
}

export function questionName({ kind, name }: NameQuestion): string {
  return `${kind}:${name}`
}
