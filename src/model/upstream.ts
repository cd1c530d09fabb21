import type { Endpoint } from './endpoint.ts'
import type { HashKey } from './hash-key.ts'
import type { HealthPolicy } from './health.ts'
import type { Origin } from './origin.ts'
import type { PodService } from './pod-service.ts'
import type { Predicate } from './predicate.ts'

export type UpstreamScheme = 'http' | 'https' | 'grpc' | 'grpcs' | 'tcp' | 'tls' | 'udp'

/** A group of endpoints with one way of balancing, retrying and connecting. */
export interface Upstream {
  readonly kind: 'upstream'
  /** Unique over all dialects: `<dialect>/<kind>/<id>` and, for inline ones, `#<path>` behind it. */
  readonly id: string
  readonly name: string
  readonly origin: Origin
  /** `tcp`, `tls` and `udp` are for streams, the rest for requests; grpc and grpcs are HTTP/2 without and with TLS. */
  readonly scheme: UpstreamScheme
  /** Whether requests go as HTTP/2: `never`; `offered`: where the endpoint takes it in the TLS handshake; `always` (grpc and grpcs, or plain with prior knowledge). */
  readonly http2: 'never' | 'offered' | 'always'
  readonly endpoints: readonly Endpoint[]
  /** Where more endpoints come from while the gateway runs; null: `endpoints` are all. */
  readonly discovery: Discovery | null
  readonly balancer: Balancer
  /** What requests are kept together by, for balancers with a key; null: none of them, or the request has none. */
  readonly hashKey: HashKey | null
  /** Keeps a client on its endpoint, before the balancer is asked; absent: nothing does. */
  readonly sticky?: StickyEndpoint
  readonly levels: Levels
  /** null: every endpoint counts as healthy for ever. */
  readonly health: HealthPolicy | null
  /** null: a new or recovered endpoint gets its whole share at once. */
  readonly slowStart: SlowStart | null
  /** Host field sent upstream: the client's own, the endpoint's name (with a non-standard port), or `upstreamHost`. */
  readonly passHost: 'pass' | 'node' | 'rewrite'
  readonly upstreamHost: string | null
  /** `node` leaves the port out even where it is not the scheme's own (APISIX inline upstreams over http). */
  readonly nodeHostWithoutPort: boolean
  readonly timeouts: UpstreamTimeouts
  readonly retry: Retry
  readonly pool: PoolSettings
  /** null: nothing but the pool bounds what is sent to it. */
  readonly limits: UpstreamLimits | null
  /** Of https endpoints; null: what the certificate says is not looked at, and the gateway shows none. */
  readonly tls: UpstreamTls | null
  /** Of calls of gRPC and the connections that carry them; absent: only what holds for all requests. */
  readonly calls?: CallSettings
  /** Of handshakes of WebSocket; absent: they are opened as requests are. */
  readonly opening?: WebSocketOpening
  /** Whether requests with `Content-Length: 0` go without the field; absent: it goes along (Apinizer's doNotRouteZeroValueContentLength). */
  readonly dropsZeroLength?: boolean
  /** What is done with answers before their statuses say anything; absent: nothing. */
  readonly answers?: AnswerHandling
}

/** From: Apinizer `settings/grpc`, whose fields are those of a channel of gRPC for Java. */
export interface CallSettings {
  /** Bytes of one message of an answer, > 0, as its prefix says. Over it: MESSAGE_TOO_LARGE, which is RESOURCE_EXHAUSTED. */
  readonly maxMessageBytes: number
  /** Bytes of the head of an answer, and of its trailers, as HTTP/2 counts them, > 0; `limits.maxResponseHeadBytes` holds as well. Over it: UPSTREAM_BAD_ANSWER, of trailers UPSTREAM_CUT. */
  readonly maxMetadataBytes: number
  /** Bytes of a call that are kept until its answer begins, in place of `limits.replayBytes`; a longer one is not sent again when an endpoint refuses it. >= 0. */
  readonly replayBytes: number
  /** A connection on which nothing came for so long is asked for a sign of life (PING). Milliseconds, > 0. */
  readonly pingMs: number
  /** It is lost when none comes within this. Milliseconds, > 0. */
  readonly pongMs: number
  /** Whether it is asked while no call is under way, too. */
  readonly pingsIdle: boolean
}

/** From: Apinizer `settings/websocket`. Nothing is sent again once a byte of a handshake went out. */
export interface WebSocketOpening {
  /** In place of that of `timeouts`. Milliseconds, > 0. */
  readonly connectMs: number
  /** When no endpoint could be reached all are asked again, so many times, >= 0. */
  readonly retries: number
  /** Wait before that. Milliseconds, >= 0. */
  readonly retryDelayMs: number
}

export interface AnswerHandling {
  /** null: the lists of statuses alone say which answers are errors. */
  readonly rule: AnswerRule | null
  /** null: redirects go to the client like other answers. */
  readonly redirects: RedirectPolicy | null
}

/**
 * Which answers are errors, by what stands in them (variables `upstream_status` and `answer:…`). For retries and health an error is what 500 is in their lists, and any other answer
 * is none. From: Apinizer's errorHandlingType ADVANCED.
 */
export interface AnswerRule {
  readonly isError: Predicate
  /** Holds where the rule cannot be applied, since what it compares is no number or no date: ANSWER_RULE (500). null: never. */
  readonly isBroken: Predicate | null
  /** Whether it looks into the body: that is then read (up to `limits.maxInspectedBodyBytes`; a longer one is absent) before anything goes to the client. */
  readonly readsBody: boolean
}

/**
 * Redirects (301, 302, 303, 307, 308) that are followed instead of sent on: those of GET and HEAD without a body, and 303 of any request, by GET. From: Apinizer's redirectsEnabled.
 */
export interface RedirectPolicy {
  /** Followed for one attempt, 0-100; one more is REDIRECT_LIMIT. */
  readonly most: number
  /** Whether Location may be relative; otherwise that is REDIRECT_TARGET. */
  readonly allowsRelative: boolean
}

export type Discovery = NameDiscovery | PodDiscovery

/** The pods behind Services of Kubernetes, followed while it is in use. Of two that give the same address and port the first counts. */
export interface PodDiscovery {
  readonly kind: 'pods'
  readonly services: readonly {
    readonly service: PodService
    /** Of each pod. */
    readonly weight: number
  }[]
}

/** A name that stands for endpoints, asked again while it is in use. Each answer becomes endpoints of weight `weight` and priority `priority`. */
export interface NameDiscovery {
  readonly kind: 'dns'
  readonly name: string
  /** Port of the addresses; null: SRV records give it. */
  readonly port: number | null
  readonly weight: number
  readonly priority: number
}

/** How one endpoint of a level is picked. Which system each follows stands at its maker in balancing/. */
export type Balancer =
  /** Smooth weighted rotation over all workers (APISIX's counts, without its bursts). `list`: equal weights go in the order of the list (Apinizer). */
  | { readonly kind: 'roundRobin'; readonly order?: 'list' }
  /** Envoy's earliest deadline first, a schedule for each worker. */
  | { readonly kind: 'edf' }
  | { readonly kind: 'random' }
  /** `choiceCount` endpoints are drawn, >= 2; other weights: Envoy's weighted form. */
  | { readonly kind: 'leastRequest'; readonly choiceCount: number }
  /** Equally busy ones take turns (APISIX), or with `list` the first of the list is taken (Apinizer). */
  | { readonly kind: 'leastConnections'; readonly ties: 'turns' | 'list' }
  | { readonly kind: 'ewma' }
  /** 1 <= minSize <= maxSize <= 8388608. */
  | {
      readonly kind: 'ringHash'
      readonly hash: 'xxHash' | 'murmurHash2'
      readonly minSize: number
      readonly maxSize: number
    }
  /** `tableSize`: a prime. */
  | { readonly kind: 'maglev'; readonly tableSize: number }
  /** APISIX's chash. */
  | { readonly kind: 'ketama' }
  /** Apinizer's IP_HASH and URL_HASH. */
  | { readonly kind: 'hashModulo' }
  /** Apinizer's WEIGHTED: each as often in a row as its weight says. */
  | { readonly kind: 'weightedOrder' }
  | { readonly kind: 'leastRecentlyUsed' }
  | { readonly kind: 'pickFirst' }

/**
 * The endpoint's name stands in a cookie: base64url without padding of `name:signature`, the signature HMAC-SHA256 in hexadecimal. Without a good one, or when its endpoint is gone
 * or out, the balancer chooses and the answer sets it, unless it comes from an endpoint that is `failoverOnly`. From: Apinizer's sticky session.
 */
export interface StickyEndpoint {
  readonly cookie: string
  /** Seconds; null: until the browser is closed. */
  readonly maxAgeSeconds: number | null
  readonly isHttpOnly: boolean
  readonly isSecure: boolean
  /** Key of the signature. */
  readonly secret: string
}

/** How priorities (and zones) share the traffic. */
export interface Levels {
  /**
   * `strict`: a level serves only when every endpoint above is unusable or tried (APISIX). `overprovisioned`: a level gives traffic to the next
   * one in the measure in which `factor` times its usable share falls short of all (Envoy, spec/kuma.md 11).
   */
  readonly mode: 'strict' | 'overprovisioned'
  /** >= 1; Envoy's is 1.4. */
  readonly factor: number
  /**
   * Below this share of usable endpoints all that no operator switched off are used. Percent, 0-100; 0: only when none is usable (APISIX). null:
   * never, so that without a usable one there is none (Tencent); in mode `strict` only.
   */
  readonly panicPercent: number | null
  /** Whether endpoints in another zone than the gateway's come a level later. */
  readonly prefersZone: boolean
}

/** A new or recovered endpoint gets weight x max(minPercent / 100, (age / windowMs) ^ (1 / aggression)). From: APISIX `warm_up_conf`, Envoy slow start. */
export interface SlowStart {
  /** > 0. */
  readonly windowMs: number
  /** 0-100. */
  readonly minPercent: number
  /** > 0; 1: the share grows evenly. */
  readonly aggression: number
  /** How often the share is worked out anew, >= 100. */
  readonly intervalMs: number
  /** Endpoints that are there within so long after the start of the gateway (or of the upstream) are not new. >= 0. */
  readonly graceMs: number
}

/** Milliseconds, > 0. Defaults are the dialect's. */
export interface UpstreamTimeouts {
  /** Until the connection stands. On expiry: UPSTREAM_CONNECT_TIMEOUT (504). */
  readonly connectMs: number
  /** Between two successful writes to the upstream. */
  readonly sendMs: number
  /** Between two reads: until the answer's head (RESPONSE_HEAD_TIMEOUT, 504), then between parts of its body. */
  readonly readMs: number
  /**
   * Until the answer's head, all attempts together: none begins later, and what the last one waits for is over then (UPSTREAM_HEAD_TIMEOUT, 504). Absent: each attempt
   * has the other three for itself (Tencent: ServiceTimeout).
   */
  readonly answerMs?: number
}

/** Which failures may be retried at all is reliability.md section 6; this is how often and how long. */
export interface Retry {
  /** Further attempts after the first, on other endpoints where there are some. 0 = none. */
  readonly count: number
  /** No new attempt starts later than this after the first one began. Milliseconds, 0 = no bound. */
  readonly timeoutMs: number
  /** An attempt without an answer's head for so long is over (UPSTREAM_HEAD_TIMEOUT). Milliseconds, 0: `timeouts` alone count. */
  readonly attemptMs: number
  /** Whether a response-head timeout counts as retryable for safe requests (APISIX: yes). */
  readonly onHeadTimeout: boolean
  /** Statuses of answers that are tried again elsewhere while nothing was relayed, 400-599. The last answer goes out as it came. */
  readonly onStatuses: readonly number[]
  /** Whether requests that are not safe (POST, PATCH) are sent again too, after bytes went out or an answer of `onStatuses` came. */
  readonly nonIdempotent: boolean
  /** Whether the same endpoint may be tried again when the upstream has only that one (APISIX: yes). */
  readonly sameEndpointWhenAlone: boolean
  /** Whether endpoints that were tried come round again when all were, as long as `count` allows (Tencent). */
  readonly triesAgain: boolean
  /** Whether a further attempt goes to the first endpoint in their order that is left, and not to the balancer's choice; absent: no (Apinizer: yes). */
  readonly inOrder?: boolean
  /** Attempts on the endpoint at hand before the next one is tried, beside `count`; null: none (Apinizer's retry). */
  readonly sameEndpoint: SameEndpointRetry | null
  /** Attempts on each endpoint that is `failoverOnly`, in their order, when all others failed. 0: they are never used. */
  readonly failoverTries: number
  /** Of retries after bytes went out: share of the requests of the last 10 s (0-1), and so many per second beside. null: the settings'. */
  readonly budget: { readonly ratio: number; readonly perSecond: number } | null
}

export interface SameEndpointRetry {
  /** >= 1. */
  readonly count: number
  /** Whether only the endpoint of the first attempt is asked again, and those that stand in for it once each; absent: no (Apinizer: yes). */
  readonly firstOnly?: boolean
  /** Statuses that are tried again there; absent: `Retry.onStatuses`. */
  readonly onStatuses?: readonly number[]
  /** Wait before the n-th repeat: min(maxMs, delayMs x multiplier^(n-1)). Milliseconds, >= 0. */
  readonly delayMs: number
  /** >= 1; 1: always the same. */
  readonly multiplier: number
  readonly maxMs: number
}

export interface PoolSettings {
  /** Idle connections kept per endpoint and process, shared out over the workers. >= 1. */
  readonly size: number
  /** An idle connection is closed after this. Milliseconds; 0 = at once (no keep-alive). */
  readonly idleMs: number
  /** A connection is closed after this many requests. >= 1. */
  readonly requests: number
  /** A connection is not used again when it is older than this. Milliseconds, 0 = no bound. */
  readonly maxAgeMs: number
}

/** Of the process, shared out over the workers (rounded up). 0 = no limit. A request over one gets POOL_EXHAUSTED (503) that names it. */
export interface UpstreamLimits {
  /** Connections to all endpoints. */
  readonly maxConnections: number
  readonly maxConnectionsPerEndpoint: number
  /** Requests in flight, waiting ones included. */
  readonly maxRequests: number
  /** An endpoint with so many in flight is passed over while another is free. */
  readonly maxRequestsPerEndpoint: number
  /** Requests that wait for a connection, and for how long. */
  readonly maxPending: number
  readonly pendingMs: number
  /** Retries in flight. */
  readonly maxRetries: number
}

export interface UpstreamTls {
  /** Whether the certificate must be valid for the server name. */
  readonly verifies: boolean
  /** Certificates (PEM) that are trusted in place of the system's; null: those. */
  readonly ca: string | null
  /** What the gateway shows (PEM), both or none. */
  readonly certificate: string | null
  readonly key: string | null
  /** Name asked for and verified; null: the Host that is sent. */
  readonly serverName: string | null
  /** Whether the certificate must be for that name too; absent: yes, where `verifies`. */
  readonly verifiesName?: boolean
  /** Whether it must be there letter by letter: no wildcard stands for it, and an address is no name; absent: no. Only where the name is verified. */
  readonly exactName?: boolean
  /** Absent: Node's own. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
}
