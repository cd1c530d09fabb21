import type { ErrorCode } from './error-codes.ts'
import type { Origin } from './origin.ts'
import type { Operator, PredicateValue, ValueRules } from './predicate.ts'
import type { UpstreamScheme, UpstreamTimeouts, WebSocketOpening } from './upstream.ts'

/**
 * Why a request goes where it goes: what `headgate explain -o json` and `POST /headgate/v1/explain` give. Plain JSON data; fields are only ever
 * added. Texts are Unicode (bytes that are no UTF-8 show as U+FFFD), long ones are cut to EXPLAIN_LIMITS.textChars.
 */

export const EXPLAIN_LIMITS = {
  /** Candidate routes that are listed; more are counted. */
  candidates: 200,
  /** Entries searched one by one; beyond that the search asks the index's tables as requests do, and what these leave out is counted. */
  entries: 500,
  /** Further routes that would take the request, and near misses, that are listed. */
  rivals: 5,
  /** Entries looked at for these two. */
  rivalEntries: 200,
  missEntries: 20_000,
  /** Warnings of documents. */
  remarks: 20,
  /** Comparisons that are kept of one predicate. */
  comparisons: 50,
  textChars: 300,
  /** Of an ExplainRequest. */
  headers: 200,
  bodyBytes: 1_048_576,
  /** Example requests made up for a route. */
  examples: 20,
} as const

/** The request to explain. */
export interface ExplainRequest {
  readonly method: string
  /** Origin form, `/path?query`, or `*`. Printable ASCII. */
  readonly target: string
  /** Host field with its port, as the client would send it; null: that of the listener. */
  readonly host: string | null
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Address of the connection's other end. What a forwarding field makes of it is part of the explanation. */
  readonly clientAddress: string
  /** `host:port` of a listener or its port alone; null: the first one. */
  readonly listener: string | null
  /** null: none. */
  readonly body: string | null
}

/** An origin and, where the document comes from a file, `file:line:column`. */
export interface ExplainedOrigin extends Origin {
  readonly place?: string
}

export interface ExplainedComparison {
  readonly variable: string
  readonly operator: Operator
  readonly value: PredicateValue
  /** How the two sides are read; without, as the operator says. */
  readonly rules?: ValueRules
  /** What the request has; null: the variable is absent. */
  readonly actual: PredicateValue
  /** Where `value` names another variable, what the request has for that one; null: absent. */
  readonly other?: PredicateValue
  /** Of the comparison by itself. */
  readonly held: boolean
  /** Whether it stands inside a `not`: then it counts the other way round. */
  readonly isNegated: boolean
}

/** A condition on the request: in words, and the comparisons made, in order; those behind a deciding one are never made. */
export interface ExplainedCondition {
  readonly text: string
  readonly held: boolean
  readonly comparisons: readonly ExplainedComparison[]
}

export interface ExplainedRoute {
  readonly id: string
  readonly name: string
  readonly section: string
  readonly origin: ExplainedOrigin
}

export type RouteConditionName = 'host' | 'path' | 'method' | 'client' | 'predicate'

export interface ExplainedCandidate extends ExplainedRoute {
  /** The host and path of the route that brought it up. */
  readonly host: string
  readonly path: string
  readonly outcome: 'taken' | 'failed'
  /** The first condition that failed; null: none did. */
  readonly failed: {
    readonly condition: RouteConditionName
    readonly expected: string
    readonly actual: string
  } | null
  /** The route's predicate, if it was tested. */
  readonly predicate: ExplainedCondition | null
}

export interface ExplainedMiss extends ExplainedRoute {
  readonly condition: 'host' | 'path'
  readonly expected: string
  readonly actual: string
}

export interface ExplainedRule {
  /** Place in the route, from 0. */
  readonly index: number
  readonly origin: ExplainedOrigin
  /** `notReached`: an earlier one decided. */
  readonly outcome: 'taken' | 'failed' | 'notReached'
  /** null: it always holds, or it was not reached. */
  readonly predicate: ExplainedCondition | null
}

export interface ExplainedTarget {
  readonly index: number
  readonly kind: 'upstream' | 'respond' | 'redirect' | 'echo'
  readonly variant: string
  /** Id of the upstream; null for an answer of the gateway's own. */
  readonly upstream: string | null
  readonly weight: number
  /** Of every `of` consecutive choices this one gets `parts`; 0 of 0 where all weights are 0. */
  readonly share: { readonly parts: number; readonly of: number; readonly percent: number }
  readonly isNext: boolean
  readonly origin: ExplainedOrigin
}

export interface ExplainedSplit {
  readonly origin: ExplainedOrigin
  readonly targets: readonly ExplainedTarget[]
  /** Index of the target that the next request would get; null: none, for all weights are 0. */
  readonly next: number | null
  /** What decides: the weights; that only one target has a weight; or what goes before the weights (SplitPolicy). */
  readonly reason: 'weights' | 'onlyTarget' | 'noWeight' | 'forced' | 'sticky' | 'failover'
  /** What goes before the weights, for people; empty where nothing does. */
  readonly policy: readonly string[]
}

export interface ExplainedFilter {
  readonly of: 'route' | 'target'
  readonly origin: ExplainedOrigin
  readonly applied: boolean
  readonly when: ExplainedCondition | null
  /** What it changed. */
  readonly changes: readonly ExplainedEdit[]
}

export interface ExplainedEdit {
  /** `method`, `target`, `host`, a header field's lower-case name, or `copy`: one more goes to the upstream `after`. */
  readonly what: 'method' | 'target' | 'host' | 'copy' | `field ${string}`
  /** null: there was none. */
  readonly before: string | null
  /** null: it is gone. */
  readonly after: string | null
}

export interface ExplainedResponseFilter {
  readonly of: 'route' | 'target'
  readonly origin: ExplainedOrigin
  /** Whether it works can be told only once there is an answer; null: it always does. */
  readonly when: string | null
}

export interface ExplainedEndpoint {
  readonly address: string
  readonly weight: number
  readonly priority: number
  /** Of the upstream's requests while all endpoints are usable; 0 to 1. Lower priorities and weight 0 have 0. */
  readonly share: number
  readonly isNext: boolean
  /** Why it is not in the rotation. `condition`: its own does not hold for this request. */
  readonly idle: 'weight' | 'priority' | 'condition' | 'failover' | null
  /** Its own condition, as it was tested; absent: it has none. */
  readonly condition?: ExplainedCondition
}

/** What an upstream is for requests and for streams. */
export interface ExplainedBalance {
  readonly id: string
  readonly name: string
  readonly origin: ExplainedOrigin
  readonly scheme: UpstreamScheme
  readonly balancer: string
  readonly endpoints: readonly ExplainedEndpoint[]
  /** `host:port` that the next request or stream would go to; null: no endpoint can be used. */
  readonly next: string | null
  readonly retries: number
  readonly retryTimeoutMs: number
}

export interface ExplainedUpstream extends ExplainedBalance {
  readonly passHost: 'pass' | 'node' | 'rewrite'
  readonly timeouts: UpstreamTimeouts
  /** Whether they are the route's own. */
  readonly timeoutsOf: 'route' | 'upstream'
  /** Whether a cookie of the client names `next`, so that no balancer chose it; absent: nothing keeps clients on an endpoint. */
  readonly sticky?: { readonly cookie: string; readonly isKept: boolean }
  /** Names of cookies that the answer gives the client, so that it stays where the balancer's key leads; absent: none. */
  readonly newCookies?: readonly string[]
  /** How its handshake of WebSocket is opened; absent: the request is none, or is opened as others are. */
  readonly opening?: WebSocketOpening
}

/** The request as the endpoint would get it. */
export interface ExplainedSending {
  readonly method: string
  readonly target: string
  readonly host: string
  /** Fields that are different from what came, by filters and by the gateway itself. */
  readonly fields: readonly {
    readonly name: string
    readonly before: string | null
    readonly after: string | null
    readonly by: 'filter' | 'gateway'
  }[]
  /** The JSON that the endpoint is sent to tell it of the request; absent: it is sent the request. */
  readonly event?: string
}

export type ExplainedOutcome =
  /** It is sent to an endpoint: what that answers is not known. */
  | { readonly kind: 'upstream'; readonly upstream: string; readonly endpoint: string }
  /** The gateway answers by itself, as configured. */
  | {
      readonly kind: 'respond' | 'echo' | 'redirect'
      readonly status: number
      readonly location: string | null
      readonly errorCode: string | null
    }
  /** The gateway refuses it. `message` is that of the error table, of streams in words for these. */
  | {
      readonly kind: 'error'
      readonly status: number
      readonly errorCode: ErrorCode
      readonly message: string
    }

/** What the gateway said of a document that carries the request, when it took it. */
export interface ExplainedRemark {
  /** The document and the place in it. */
  readonly origin: ExplainedOrigin
  readonly message: string
}

export interface Explanation {
  /** Of the table that the explanation was made by. */
  readonly revision: number
  readonly request: {
    readonly method: string
    readonly target: string
    /** As routes see it; null: the target could not be read. */
    readonly path: string | null
    readonly query: string | null
    /** Lower case, without port: what routes see. */
    readonly host: string
    /** The Host field as it came. */
    readonly hostField: string
    readonly client: {
      readonly address: string
      readonly because: 'connection' | 'X-Forwarded-For' | 'X-Real-IP'
      readonly peer: string
      readonly isPeerTrusted: boolean
    }
    /** `missing`: a condition reads the body, and it is announced (Content-Length) but not given; body variables were absent. */
    readonly body: 'none' | 'notRead' | 'read' | 'missing' | 'tooLong'
  }
  readonly listener: {
    readonly address: string
    readonly protocol: 'http'
    /** In the order of the search. */
    readonly sections: readonly {
      readonly name: string
      readonly outcome: 'taken' | 'searched' | 'notReached' | 'empty'
    }[]
  }
  /** Routes that came up for the request, in the order of the search. */
  readonly candidates: readonly ExplainedCandidate[]
  /** How many more came up, by what failed. `index`: passed over unlooked at, for a value that the index knows them by. */
  readonly omitted: Readonly<Partial<Record<RouteConditionName | 'index', number>>>
  readonly routeCount: number
  readonly route: ExplainedRoute | null
  /** Routes behind the one taken that would take the request if it were not there, in order. */
  readonly rivals: readonly ExplainedRoute[]
  /** No route was found: those that fit but for host or path. */
  readonly misses: readonly ExplainedMiss[]
  /** Named pieces of the path. */
  readonly pathParams: Readonly<Record<string, string>>
  readonly rules: readonly ExplainedRule[]
  readonly split: ExplainedSplit | null
  readonly filters: readonly ExplainedFilter[]
  readonly responseFilters: readonly ExplainedResponseFilter[]
  readonly upstream: ExplainedUpstream | null
  readonly sending: ExplainedSending | null
  readonly outcome: ExplainedOutcome
  /** Warnings of the documents that route, rule, split and upstream come from, at most EXPLAIN_LIMITS.remarks. */
  readonly remarks: readonly ExplainedRemark[]
}

/** What one worker makes of a request. */
export interface WorkerExplanation {
  /** Its number; one that takes the place of another has a new one. */
  readonly worker: number
  /** null: it did not answer. */
  readonly explanation: Explanation | null
  /** Why it did not; null: it did. */
  readonly error: string | null
}

/** The stream to explain: a TCP connection, or the datagrams of one client's port. */
export interface StreamQuestion {
  /** Of the socket. A listener that ends TLS is one of `tcp`. */
  readonly transport: 'tcp' | 'udp'
  /** `host:port` of a listener, `:port` or its port alone, with `tls://` before it for one that ends TLS; null: the first one of the transport. */
  readonly listener: string | null
  /** Asked for in TLS, lower case; null: the client asks for none, or does not speak TLS. Only for `tcp`. */
  readonly serverName: string | null
  /** Address of the connection's other end; at a listener with PROXY protocol, the one that the header names. */
  readonly clientAddress: string
}

export type StreamConditionName = 'protocol' | 'port' | 'serverAddress' | 'client' | 'serverName'

export interface ExplainedStreamCandidate extends ExplainedRoute {
  /** `notReached`: an earlier one took the stream. */
  readonly outcome: 'taken' | 'failed' | 'notReached'
  /** The first condition that failed; null: none did, or none was tested. */
  readonly failed: {
    readonly condition: StreamConditionName
    readonly expected: string
    readonly actual: string
  } | null
}

export interface ExplainedStreamUpstream extends ExplainedBalance {
  /** How the stream goes to the endpoint. */
  readonly transport: 'tcp' | 'tls' | 'udp'
  /** The name that the gateway asks the endpoint for; null: none, or it does not speak TLS to it. */
  readonly serverName: string | null
  /** null: nothing is connected, for it is UDP. */
  readonly connectMs: number | null
  /** The stream is closed after so long without a byte. */
  readonly idleMs: number
  /** Version of the PROXY protocol header that the endpoint gets first; null: it gets none. */
  readonly proxyProtocol: 1 | 2 | null
}

/** Why a stream goes where it goes: what `headgate explain --tcp -o json` and `POST /headgate/v1/explain/stream` give. */
export interface StreamExplanation {
  /** Of the table that the explanation was made by. */
  readonly revision: number
  readonly listener: {
    readonly address: string
    readonly transport: 'tcp' | 'tls' | 'udp'
  }
  readonly stream: {
    /** Address of the client. */
    readonly client: string
    /** Address and port that the client came to, as routes see them. */
    readonly server: string
    /** As routes see it; null: there is none, or nobody looks at it. */
    readonly serverName: string | null
    /** Whether the name is known before a route is searched: TLS ends here, or a route that could take the stream asks for names. */
    readonly isNameRead: boolean
  }
  /** Every stream route in the order of the search, as far as EXPLAIN_LIMITS.candidates. */
  readonly candidates: readonly ExplainedStreamCandidate[]
  /** How many more there are, by what failed; `notReached`: behind the one taken. */
  readonly omitted: Readonly<Partial<Record<StreamConditionName | 'notReached', number>>>
  readonly routeCount: number
  readonly route: ExplainedRoute | null
  /** Routes behind the one taken that would take the stream if it were not there, in order. */
  readonly rivals: readonly ExplainedRoute[]
  readonly rules: readonly ExplainedRule[]
  readonly split: ExplainedSplit | null
  readonly upstream: ExplainedStreamUpstream | null
  /** Of an error `status` is what the access log and metrics have; the client sees its stream closed. */
  readonly outcome: Extract<ExplainedOutcome, { readonly kind: 'upstream' | 'error' }>
}

/** One entry (host and path) of a route, and a request made up to reach it. */
export interface ExplainedReach {
  readonly route: ExplainedRoute
  readonly host: string
  readonly path: string
  readonly methods: readonly string[] | null
  readonly clients: readonly string[] | null
  readonly predicate: string | null
  /** null: no request could be made up; `reason` says why. */
  readonly example: ExplainRequest | null
  /** `reaches`: the example comes to the route. `taken`: another route has it first. `missed`: nothing takes it, or another one that comes later. `unknown`: no example. */
  readonly outcome: 'reaches' | 'taken' | 'missed' | 'unknown'
  readonly reason: string | null
  readonly takenBy: ExplainedRoute | null
}

export interface RouteReach {
  readonly revision: number
  readonly entries: readonly ExplainedReach[]
  /** Entries that are not in the list. */
  readonly omitted: number
}

/** A place where a document asks for a listener, and what comes in there, to explain. */
export interface EntranceQuestion {
  /** Null: any dialect whose documents ask for listeners. */
  readonly dialect: string | null
  /** Id of the document, or its name where only one has it. */
  readonly id: string
  /** Port, `host:port`, or the service that it leads to; null: the only one. */
  readonly entrance: string | null
  /** What comes in; of a listener for streams only its client's address counts. */
  readonly request: ExplainRequest
}

/** A listener that a document asks for, and why what comes in there is carried as it is. */
export interface ExplainedEntrance {
  /** For people: `outbound 127.0.0.1:10001 to cart`. */
  readonly name: string
  /** `host:port`. */
  readonly address: string
  /** What it leads to. */
  readonly service: string
  /** Whether requests are looked at, or connections carried as they are; and why. */
  readonly protocol: 'http' | 'tcp'
  readonly reason: string
  readonly origin: ExplainedOrigin
  /** Documents that might have shaped it, the one that does first, the others by how near they came; at most EXPLAIN_LIMITS.candidates. */
  readonly choices: readonly ExplainedChoice[]
  /** How many more there are. */
  readonly omitted: number
}

export interface ExplainedChoice {
  readonly name: string
  readonly origin: ExplainedOrigin
  readonly outcome: 'chosen' | 'outranked' | 'unfit'
  /** In words. */
  readonly reason: string
}

export interface EntranceExplanation {
  readonly entrance: ExplainedEntrance
  /** Whether the listener stands in this process, so that positions and health are those that serve; if not, they are those of a proxy that has just started. */
  readonly isLive: boolean
  /** One of both. */
  readonly request: Explanation | null
  readonly stream: StreamExplanation | null
}
