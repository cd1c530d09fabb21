import type { EventCall } from './event-call.ts'
import type { RequestFilter, ResponseFilter } from './filter.ts'
import type { HashKey } from './hash-key.ts'
import type { Origin } from './origin.ts'
import type { ResponseHeader } from './respond.ts'
import type { Template } from './template.ts'

/** Weighted targets. Exact over every full cycle (sum of weights / gcd) of consecutive choices, over all workers. */
export interface Split {
  /** Identity over an edit: the place in the document. Positions are kept while id and weights are the same. */
  readonly id: string
  readonly origin: Origin
  readonly targets: readonly Target[]
  /** Where the cycle begins: `even` as design.md 3 says; `late`: the second of two targets gets its first share as late as it can (Apinizer). Absent: even. */
  readonly phase?: 'even' | 'late'
  /** The position begins anew where this is another number; absent: it never does by itself (Apinizer: with each deployment). */
  readonly generation?: number
  /** What goes before the weights, and what happens to the share of a target that cannot serve; null: the weights alone decide. */
  readonly policy: SplitPolicy | null
}

export interface SplitPolicy {
  /** null: none can be forced. */
  readonly forced: ForcedTarget | null
  /** null: each request is chosen for by itself. */
  readonly sticky: StickyTarget | null
  /**
   * What becomes of a choice whose upstream has no usable endpoint. `error`: it stands, and the upstream answers as it does (the default, as in
   * APISIX and Kuma). `spill`: the living targets share it by their weights. `target`: that one gets it.
   */
  readonly whenOut: { readonly kind: 'error' | 'spill' } | { readonly kind: 'target'; readonly index: number }
  /** Index of the target that gets a request that failed at another one and may be sent again; absent: none does (Apinizer's canary: the primary ones). */
  readonly whenFailed?: number
}

/** A target named by the request, above the weights: also one of weight 0. */
export interface ForcedTarget {
  /** Read in order; the first that is the name (`variant`) of a target decides. Names of header fields and of cookies, lower case for fields. */
  readonly sources: readonly { readonly kind: 'header' | 'cookie'; readonly name: string }[]
}

/** Keeps a client on a target. More weight for a target only ever adds clients to it. */
export interface StickyTarget {
  readonly by: StickyCookie | { readonly kind: 'hash'; readonly key: HashKey }
  /** Cookies only: whether a client keeps a target whose weight is 0 now. */
  readonly keepsZeroWeight: boolean
}

/** The target's name stands in a cookie, which the first answer sets. */
export interface StickyCookie {
  readonly kind: 'cookie'
  readonly name: string
  /** Seconds; 0: until the browser is closed. */
  readonly maxAgeSeconds: number
  readonly path: string
  readonly isSecure: boolean
  readonly isHttpOnly: boolean
  readonly sameSite: 'lax' | 'strict' | 'none' | null
}

export type Target = UpstreamTarget | RespondTarget | RedirectTarget | EchoTarget

interface TargetBase {
  /** Share, integer >= 0; 0 never gets a request. Only zeros: 503. */
  readonly weight: number
  /** What metrics and logs call this branch: the upstream's name or id. */
  readonly variant: string
  readonly origin: Origin
  readonly requestFilters: readonly RequestFilter[]
  readonly responseFilters: readonly ResponseFilter[]
}

export interface UpstreamTarget extends TargetBase {
  readonly kind: 'upstream'
  readonly upstreamId: string
  /** The endpoint is told of the request instead of getting it; absent: it gets it. */
  readonly event?: EventCall
}

/** A fixed answer. `page: true` asks for the surface's own body for that status, `body` is then ignored. */
export interface RespondTarget extends TargetBase {
  readonly kind: 'respond'
  readonly status: number
  readonly headers: readonly ResponseHeader[]
  readonly body: string
  readonly page: boolean
  /** Row of the error table that the log and `X-Headgate-Error` name; null for an answer that is no error. */
  readonly errorCode: string | null
  /** What access logs call the endpoint, with the target that would have been sent behind it; absent: there is none. */
  readonly loggedAs?: string
}

/** The request comes back as the answer: 200, its body, and its fields but for those of the hop and credentials. No endpoint is asked. */
export interface EchoTarget extends TargetBase {
  readonly kind: 'echo'
  /** As of a fixed answer. */
  readonly loggedAs?: string
}

export interface RedirectTarget extends TargetBase {
  readonly kind: 'redirect'
  readonly status: RedirectStatus
  readonly location: RedirectLocation
}

/** A fixed status, or 301 for GET and HEAD and 308 for the rest. */
export type RedirectStatus = number | 'byMethod'

export type RedirectLocation =
  | {
      readonly kind: 'template'
      readonly template: Template
      readonly encode: boolean
      readonly appendQuery: boolean
    }
  | {
      /** The path's first hit of the pattern replaced; the rule's predicate has made sure that there is one. */
      readonly kind: 'pattern'
      readonly pattern: string
      readonly replacement: Template
      readonly encode: boolean
      readonly appendQuery: boolean
    }
  /** `https://$host[:port]$request_uri`; port null or 443 is left out. */
  | { readonly kind: 'https'; readonly port: number | null }

/** Key of the position from which the living targets of a split are chosen when another one is out. */
export function spillIdentity(splitId: string): string {
  return `spill:${splitId}`
}

/** Key of a split's shared position: other weights get another position (that starts at the old one's phase). */
export function splitIdentity(split: Split): string {
  return `${splitFamily(split)}|${split.targets.map((target) => target.weight).join(',')}`
}

/** What its identities have in common while weights change. */
export function splitFamily({ id, generation }: Split): string {
  return generation === undefined ? `split:${id}` : `split:${id}|${generation}`
}
