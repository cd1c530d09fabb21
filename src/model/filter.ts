import type { Origin } from './origin.ts'
import type { Predicate } from './predicate.ts'
import type { Template } from './template.ts'

/** Edits of header fields, in the order add, set, remove: what is in `add` and `set` ends with the set value, what is in `remove` is gone. */
export interface HeaderEdits {
  /** A further line behind those there. */
  readonly add: readonly HeaderValue[]
  /** Replaces all lines of that name; several entries of one name give several lines; a value that comes out empty removes the field. */
  readonly set: readonly HeaderValue[]
  readonly remove: readonly string[]
}

export interface HeaderValue {
  readonly name: string
  readonly value: Template
}

/** What works on a request on its way to the upstream. */
export type RequestFilter = RequestRewrite | Authentication | Mirror

/** Changes the request. */
export interface RequestRewrite {
  readonly kind: 'rewriteRequest'
  readonly origin: Origin
  /** Works only on requests for which this holds; null: always. */
  readonly when: Predicate | null
  readonly path: PathRewrite | null
  /** How the query of the rewritten target is written anew; absent: it goes as it came. Only beside `path`. */
  readonly query?: QueryForm
  /** Come in front of the query of the rewritten target, in this order; absent: none. Only beside `path`. */
  readonly arguments?: readonly QueryArgument[]
  readonly method: string | null
  /** Host sent upstream; counts only where the upstream's `passHost` is `pass`. May carry a port. */
  readonly host: string | null
  /** Host made of the client's path in place of `host`, every hit of the pattern replaced; what comes out empty changes nothing. Absent: none (Kuma's `fromPath`). */
  readonly hostFrom?: { readonly pattern: string; readonly replacement: Template }
  readonly headers: HeaderEdits | null
}

/** An argument that the query gets. Name and value are encoded; a value that comes out empty adds nothing. */
export interface QueryArgument {
  readonly name: string
  readonly value: Template
  /** Added only to requests for which this holds; null: always. */
  readonly when: Predicate | null
}

/**
 * `form`: every special character encoded, a blank as `+`; `rfc3986`: as that, but `/ + = : @` stay and a blank is `%20`; `spaces`: only blanks and line breaks are encoded.
 * The order and the number of arguments stay. From: Apinizer's queryEncodingMode.
 */
export type QueryForm = 'form' | 'rfc3986' | 'spaces'

/**
 * A copy of the request, as it goes to the target, for each of some upstreams, beside it: whatever becomes of the copy, the client never notices. It begins when the choice stands and the
 * body is complete, goes to one endpoint by the upstream's own balancer, timeouts and limits, and its answer is read and dropped. Over the limits `mirrorRequests` and `mirrorBodyBytes` it is dropped
 * and counted. Requests that change the protocol (WebSocket) are not copied, nor are those that the gateway refuses.
 */
export interface Mirror {
  readonly kind: 'mirror'
  readonly origin: Origin
  /** As in a rewrite. */
  readonly when: Predicate | null
  /** Each gets one copy. */
  readonly upstreamIds: readonly string[]
  /** Of the requests for which it works, 0-100: those n-th for which floor(n x percent / 100) grows. Each worker counts for itself. */
  readonly percent: number
}

/**
 * Finds the consumer that the request is from by a key that it shows, in a field or, without that field, in an argument; without a good one it is refused (401).
 * What comes behind, the upstream's balancer included, knows the consumer's name.
 */
export interface Authentication {
  readonly kind: 'authenticate'
  readonly origin: Origin
  /** The section whose consumers are meant. */
  readonly section: string
  /** As in a rewrite. */
  readonly when: Predicate | null
  /** Name of the field, in any case. */
  readonly header: string
  readonly argument: string
  /** The upstream does not get the key. */
  readonly hidesKey: boolean
  /** Name of the consumer that requests without a good key are from; null: they are refused. */
  readonly anonymous: string | null
  /** What a refusal says one must be known to (WWW-Authenticate). */
  readonly realm: string
  /** Body of a refusal; null: that of its error. */
  readonly refusalBody: string | null
}

/**
 * How the target sent upstream is made. The client's query always goes along, behind `?`, or behind `&` where the new path has one.
 * `source: 'path'` works on the resolved path and encodes what it inserts; `'target'` on the raw target, nothing is encoded.
 * `keep` sends the resolved path, encoded again (`source: 'path'`), or the raw target.
 */
export type PathRewrite =
  | { readonly kind: 'keep'; readonly source: 'path' | 'target' }
  /** The first `cut` bytes of the resolved path replaced, which the route has seen to be there; of slashes on both sides of the seam one stays. */
  | {
      readonly kind: 'prefix'
      readonly cut: number
      readonly replacement: Template
      /** Comes before the client's query, as it goes on the wire; empty: none. */
      readonly query: string
    }
  | { readonly kind: 'template'; readonly source: 'path' | 'target'; readonly template: Template }
  | {
      readonly kind: 'patterns'
      readonly source: 'path' | 'target'
      /** The first pattern that hits replaces its first hit; none: the path stays. `every`: all of its hits, of the path without the query in both sources. */
      readonly every?: true
      readonly rules: readonly { readonly pattern: string; readonly replacement: Template }[]
    }

/** What changes an answer on its way to the client, also one made by the gateway itself on a matched route. */
export interface ResponseFilter {
  readonly kind: 'rewriteResponse'
  readonly origin: Origin
  readonly when: Predicate | null
  /** 200-598, or null to keep. */
  readonly status: number | null
  /** New body as base64 (bytes), or null to keep. Content-Length follows; Content-Encoding, Last-Modified and ETag go. */
  readonly bodyBase64: string | null
  readonly headers: HeaderEdits | null
}
