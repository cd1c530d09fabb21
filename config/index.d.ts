// Made by tools/generate-docs.ts from src/dialects/native/schema.ts: edit that, then run it.

/** Routes and upstreams of the Headgate gateway, in its own words. */
export interface File {
  /** Where this schema is, for editors of JSON files. */
  readonly $schema?: string
  /** Marks the file, and says which version of the document it is written in. */
  readonly headgate: 1
  /** Start-up settings (docs/settings.md); they may stand in any configuration file. */
  readonly gateway?: Readonly<Record<string, unknown>>
  /** Which requests, and what becomes of them. */
  readonly routes?: readonly Route[]
  /** Groups of endpoints. */
  readonly upstreams?: readonly Upstream[]
  /** Which TCP and UDP streams, and where they go. */
  readonly streams?: readonly Stream[]
  /** What TLS listeners show, by the name that clients ask for. */
  readonly certificates?: readonly Certificate[]
}

/** Which requests, and what becomes of them. A request must meet every condition that is written; the route in front of all others that takes it decides. */
export interface Route {
  /** Names the document: letters, digits, `.`, `_` and `-`. Metrics, logs and references call it so. */
  readonly id: string
  /** What people call it, in metrics, logs and lists. Default: the id. */
  readonly name?: string
  /** A note for people; nothing is done with it. */
  readonly description?: string
  /** Marks for selecting documents (`headgate get routes -l team=shop`). */
  readonly labels?: Readonly<Record<string, string>>
  /** Hosts it takes, one of them, without port and in any case. Default: any. */
  readonly hosts?: readonly string[]
  /** Paths it takes, one of them, compared with the decoded path. Default: any. */
  readonly paths?: readonly (string | {
    /** The whole path. */
    readonly exact?: string
    /** What the path begins with. */
    readonly prefix?: string
  })[]
  /** Methods it takes. Default: all. */
  readonly methods?: readonly string[]
  /** Addresses that clients must have, one of them. Default: any. */
  readonly clients?: readonly string[]
  /** A further condition on the request. */
  readonly when?: When
  /**
   * A route with a higher one comes before those with a lower one, however exact their hosts and paths are.
   * Default: `0`.
   */
  readonly priority?: number
  /** What `service_id` and `service_name` say in logs and templates. */
  readonly service?: string
  /** Changes to the request on its way to the upstream and to the answer on its way back, in order; a single one needs no list. */
  readonly filters?: Filter | readonly Filter[]
  /** Protocols that a request may change to (Upgrade). Without it Upgrade is taken out, and the request is served as a plain one. */
  readonly upgrades?: readonly string[]
  /**
   * What the conditions of the rules look at when filters of the route change header fields.
   * - `original`: The request as the client sent it.
   * - `rewritten`: The request as the route's filters left it.
   * Default: `original`.
   */
  readonly rulesSee?: 'original' | 'rewritten'
  /** Take the place of those of the upstream that serves. */
  readonly timeouts?: RouteTimeouts
  /** The first rule whose condition holds decides. If none does, what stands beside them (`upstream`, `split`, …) does, else the answer is 503. */
  readonly rules?: readonly Rule[]
  /** Targets with weights. Shares are exact: with weights 3 and 2, three of every five consecutive requests go to the first, over all workers. */
  readonly split?: readonly Target[]
  /** Keeps a client on one side of the `split`. */
  readonly sticky?: Sticky
  /** Lets a request name its side of the `split`. */
  readonly forced?: Forced
  /** What becomes of the share of a side of the `split` that cannot serve. Default: `error`. */
  readonly whenOut?: WhenOut
  /** Short for a split with this one target. */
  readonly upstream?: UpstreamPlace
  /** Short for a split with this one target. */
  readonly respond?: Respond
  /** Short for a split with this one target. */
  readonly redirect?: Redirect
}

/** What becomes of requests that meet a condition. */
export interface Rule {
  /** The condition. Default: it always holds. */
  readonly when?: When
  /** Targets with weights. Shares are exact: with weights 3 and 2, three of every five consecutive requests go to the first, over all workers. */
  readonly split?: readonly Target[]
  /** Keeps a client on one side of the `split`. */
  readonly sticky?: Sticky
  /** Lets a request name its side of the `split`. */
  readonly forced?: Forced
  /** What becomes of the share of a side of the `split` that cannot serve. Default: `error`. */
  readonly whenOut?: WhenOut
  /** Short for a split with this one target. */
  readonly upstream?: UpstreamPlace
  /** Short for a split with this one target. */
  readonly respond?: Respond
  /** Short for a split with this one target. */
  readonly redirect?: Redirect
}

/** One side of a split: an upstream, a fixed answer or a redirect. */
export interface Target {
  /** An upstream. */
  readonly upstream?: UpstreamPlace
  /** A fixed answer. */
  readonly respond?: Respond
  /** A redirect. */
  readonly redirect?: Redirect
  /**
   * Its share. 0: it gets nothing.
   * Default: `1`.
   */
  readonly weight?: number
  /** What metrics and logs call this side of the split. Default: the name of the upstream, `respond` or `redirect`. */
  readonly name?: string
  /** Changes to the request on its way to the upstream and to the answer on its way back, in order; a single one needs no list. */
  readonly filters?: Filter | readonly Filter[]
}

/** The id of an upstream, or an upstream written in its place. */
export type UpstreamPlace = string | InlineUpstream

/** An answer of the gateway: a status, or status, header fields and body. */
export type Respond = number | {
  /**
   * The status.
   * Default: `200`.
   */
  readonly status?: number
  /** Header fields, word for word. */
  readonly headers?: Readonly<Record<string, string | number | boolean | readonly string[]>>
  /** The body. Default: empty. */
  readonly body?: string
  /** true: the body is the page of that status, as errors of the gateway have it. */
  readonly page?: boolean
  /** Marks the answer as this error, for the log and `X-Headgate-Error` (docs/errors.md). */
  readonly errorCode?: 'BAD_REQUEST' | 'BAD_HOST' | 'BAD_TARGET' | 'BAD_LENGTH' | 'BAD_CHUNK' | 'BAD_TRAILER' | 'REQUEST_TIMEOUT_HEAD' | 'REQUEST_TIMEOUT_BODY' | 'BODY_TOO_LARGE' | 'TARGET_TOO_LONG' | 'EXPECTATION_FAILED' | 'HEAD_TOO_LARGE' | 'KEY_MISSING' | 'KEY_UNKNOWN' | 'CONSUMER_UNKNOWN' | 'BAD_CLIENT_HELLO' | 'CLIENT_CERTIFICATE' | 'BAD_UPGRADE' | 'UPGRADE_VERSION' | 'CLIENT_GONE' | 'METHOD_NOT_IMPLEMENTED' | 'CODING_NOT_IMPLEMENTED' | 'VERSION_NOT_SUPPORTED' | 'ROUTE_NOT_FOUND' | 'SERVICE_NOT_FOUND' | 'UPSTREAM_NOT_FOUND' | 'SPLIT_UPSTREAM_NOT_FOUND' | 'METHOD_NOT_TAKEN' | 'PROTOCOL_NOT_ALLOWED' | 'PARAMETER_MISSING' | 'MICROSERVICE_NOT_NAMED' | 'NO_UPSTREAM' | 'NO_TARGET' | 'NO_ENDPOINT' | 'ENDPOINT_OUT' | 'NO_CANDIDATE' | 'OPERATION_NOT_FOUND' | 'PATH_PARAMETERS' | 'CONDITION_VALUE' | 'BAD_REWRITE' | 'UPSTREAM_CONNECT_FAILED' | 'UPSTREAM_CONNECT_TIMEOUT' | 'UPSTREAM_TLS_FAILED' | 'UPSTREAM_NAME_UNRESOLVED' | 'UPSTREAM_STALE' | 'UPSTREAM_REFUSED' | 'UPSTREAM_CLOSED' | 'UPSTREAM_SEND_TIMEOUT' | 'UPSTREAM_HEAD_TIMEOUT' | 'CALL_TIMEOUT' | 'MESSAGE_TOO_LARGE' | 'TUNNEL_IDLE' | 'UPSTREAM_BODY_TIMEOUT' | 'UPSTREAM_BAD_ANSWER' | 'REDIRECT_LIMIT' | 'REDIRECT_TARGET' | 'PROXY_CREDENTIALS' | 'PROXY_ADDRESS' | 'ANSWER_RULE' | 'UPSTREAM_CUT' | 'UPSTREAM_RETRIES_OVER' | 'POOL_EXHAUSTED' | 'OUT_OF_DESCRIPTORS' | 'OUT_OF_PORTS' | 'OVERLOADED' | 'ADMIN_ADDRESS' | 'INTERNAL'
}

/** Sends the client elsewhere: a place, or a form of its own. */
export type Redirect = string | {
  /** The place. A template: `${path}`, `${query.page ?? 1}`; `$$` is a dollar sign. */
  readonly to?: string
  /** A regular expression (RE2) on the path: its first hit is replaced by `replace`. The rule then takes only requests whose path it is found in, and so does the route where it has nothing else. */
  readonly match?: string
  /** Takes the place of the hit. `${1}` is its first group, `${0}` the whole hit. */
  readonly replace?: string
  /** The same host and target over https. The rule then takes only requests that came without TLS, and so does the route where it has nothing else. */
  readonly https?: true
  /**
   * Port of `https`.
   * Default: `443`.
   */
  readonly port?: number
  /** The status, or `byMethod`: 301 for GET and HEAD, 308 for the rest. Default: 302, with `https` byMethod. */
  readonly status?: number | 'byMethod'
  /**
   * Percent-encodes what the place has before its `?`.
   * Default: `false`.
   */
  readonly encode?: boolean
  /**
   * Puts the client's query behind the place.
   * Default: `false`.
   */
  readonly appendQuery?: boolean
}

/** One duration for all three, or all three by themselves. */
export type RouteTimeouts = Duration | {
  /** Until the connection stands. Then: 504. */
  readonly connect: Duration
  /** Between two writes of the request. */
  readonly send: Duration
  /** Until the head of the answer comes (then: 504), and between two parts of its body. */
  readonly read: Duration
}

/** Changes to requests, to answers, or to both, for all requests or for some. */
export interface Filter {
  /** Only for these. With `request`, the condition is on the request; with `response` alone it may look at the answer. */
  readonly when?: When
  /** Changes to the request. */
  readonly request?: RequestChange
  /** Changes to the answer, also to one that the gateway made. */
  readonly response?: ResponseChange
}

/** Changes to a request on its way to the upstream. */
export interface RequestChange {
  /** Another path. */
  readonly path?: PathChange
  /** Another method, in capitals. */
  readonly method?: string
  /** Another Host, with or without a port; only where the upstream sends on the Host of the client. */
  readonly host?: string
  /** Changes to header fields. */
  readonly headers?: HeaderEdits
}

/** A template for the new path, or a form of its own. The client's query goes along. */
export type PathChange = string | {
  /** The new path. A template: `${path}`, `${query.page ?? 1}`; `$$` is a dollar sign. */
  readonly set?: string
  /** What the path begins with, whole parts: `/api` is found in `/api` and `/api/x`, not in `/apis`. */
  readonly replacePrefix?: string
  /** Takes the place of the prefix. Default: nothing, so that `/api/x` becomes `/x`. */
  readonly with?: string
  /** The first pattern that is found has its first hit replaced; the path stays where none is. */
  readonly patterns?: readonly {
    /** A regular expression (RE2), found anywhere. */
    readonly match: string
    /** Takes the place of the hit. `${1}` is its first group, `${0}` the whole hit. */
    readonly replace: string
  }[]
  /** The path as routes see it: decoded, dot segments resolved, encoded again. With `raw` as the client sent it. */
  readonly keep?: true
  /**
   * Works on the target as the client sent it, and encodes nothing; otherwise on the decoded path, and what comes out is encoded.
   * Default: `false`.
   */
  readonly raw?: boolean
}

/** Changes to an answer on its way to the client. */
export interface ResponseChange {
  /** Another status. */
  readonly status?: number
  /** Another body. */
  readonly body?: string
  /** Another body, as base64. */
  readonly bodyBase64?: string
  /** Changes to header fields. */
  readonly headers?: HeaderEdits
}

/** Changes to header fields, in the order add, set, remove. Fields of the connection and its framing, and Host, are not changed here. */
export interface HeaderEdits {
  /** Replaces the field. A value that comes out empty removes it. */
  readonly set?: Readonly<Record<string, string | number | boolean | readonly string[]>>
  /** Adds a line behind those that are there. */
  readonly add?: Readonly<Record<string, string | number | boolean | readonly string[]>>
  /** Removes fields. */
  readonly remove?: readonly string[]
}

/** A condition, or a list of conditions that must all hold. */
export type When = {
  /** Holds if all of these hold. */
  readonly all?: readonly When[]
  /** Holds if one of these holds. */
  readonly any?: readonly When[]
  /** Holds if this does not. */
  readonly not?: When
  /** Looks at a header field of the request, by its name in any case. */
  readonly header?: string
  /** Looks at an argument of the query, by its name; of several the first. */
  readonly query?: string
  /** Looks at a cookie, by its name. */
  readonly cookie?: string
  /** Looks at a named part of the path: `id` of `/cart/:id`. */
  readonly param?: string
  /** Looks at a field of an urlencoded form in the body, by its name. */
  readonly form?: string
  /** Looks into the body, by its Content-Type JSON, an urlencoded or a multipart form, by a path: `user.name`, `items[0].id`, `items[*].id`. */
  readonly body?: string
  /**
   * Looks at the request itself.
   * - `path`: The path, decoded.
   * - `target`: The target as the client sent it: path and query, not decoded.
   * - `queryString`: The whole query, not decoded, without `?`.
   * - `host`: The host in lower case, without port.
   * - `method`: The method.
   * - `scheme`: `http` or `https`.
   * - `protocol`: `HTTP/1.1` or `HTTP/1.0`.
   * - `client`: The address of the client, as trusted proxies name it.
   * - `clientPort`: The port of the client.
   * - `peer`: The address at the other end of the connection.
   * - `localAddress`: The address that the connection came in at.
   * - `localPort`: The port that the connection came in at.
   * - `requestId`: The id of the request.
   */
  readonly request?: 'path' | 'target' | 'queryString' | 'host' | 'method' | 'scheme' | 'protocol' | 'client' | 'clientPort' | 'peer' | 'localAddress' | 'localPort' | 'requestId'
  /** Looks at a header field of the answer. Only in filters of the answer. */
  readonly responseHeader?: string
  /**
   * Looks at the answer. Only in filters of the answer.
   * - `status`: The status, a number.
   * - `upstreamStatus`: The statuses of all attempts, a text: `502, 200`.
   */
  readonly response?: 'status' | 'upstreamStatus'
  /** Looks at any variable, by its name: `graphql_name`, `msec` and all others. */
  readonly variable?: string
  /** true: it is there, even if empty. false: it is not there. */
  readonly exists?: boolean
  /** It is the same: as text where the value is a text, as number where it is a number (`equals: 23` holds for `23`, `23.0` and `0x17`). true and false are values of JSON bodies, and true that of an argument without `=`. */
  readonly equals?: string | number | boolean
  /** The opposite of `equals`; holds also where there is nothing to look at. */
  readonly notEquals?: string | number | boolean
  /** It is one of these, each compared without conversion (a header field is a text: `["1"]`, not `[1]`). */
  readonly in?: readonly (string | number | boolean)[]
  /** It is a list (several values of a body path, root fields of GraphQL) that holds this value. */
  readonly has?: string | number | boolean
  /** A regular expression (RE2) is found in it, anywhere: use `^` and `$` for its ends. */
  readonly matches?: string
  /** The same, whatever the case of letters. */
  readonly matchesIgnoringCase?: string
  /** As a number it is greater. */
  readonly greater?: number
  /** As a number it is greater or equal. */
  readonly greaterOrEqual?: number
  /** As a number it is less. */
  readonly less?: number
  /** As a number it is less or equal. */
  readonly lessOrEqual?: number
  /** It is an address in one of these. */
  readonly inNetwork?: readonly string[]
} | readonly When[]

/** A group of endpoints, and how requests are sent to them. */
export interface Upstream {
  /** Names the document: letters, digits, `.`, `_` and `-`. Metrics, logs and references call it so. */
  readonly id: string
  /** What people call it, in metrics, logs and lists. Default: the id. */
  readonly name?: string
  /** A note for people; nothing is done with it. */
  readonly description?: string
  /** Marks for selecting documents (`headgate get routes -l team=shop`). */
  readonly labels?: Readonly<Record<string, string>>
  /**
   * How endpoints are spoken to.
   * - `http`: HTTP/1.1 in plain text.
   * - `https`: HTTP/1.1 over TLS; HTTP/2 where `http2` says so.
   * - `grpc`: HTTP/2 in plain text, for gRPC.
   * - `grpcs`: HTTP/2 over TLS, for gRPC.
   * - `tcp`: Of streams: bytes as they come.
   * - `tls`: Of streams: over TLS.
   * - `udp`: Of streams: datagrams.
   * Default: `http`.
   */
  readonly scheme?: 'http' | 'https' | 'grpc' | 'grpcs' | 'tcp' | 'tls' | 'udp'
  /**
   * Whether requests go to endpoints as HTTP/2. `grpc` and `grpcs` always do.
   * - `never`: HTTP/1.1.
   * - `offered`: Of `https`: where the endpoint takes it in the handshake, else HTTP/1.1.
   * - `always`: HTTP/2; over `http` with prior knowledge.
   * Default: `never`.
   */
  readonly http2?: 'never' | 'offered' | 'always'
  /** Where requests go. Empty: every request gets 503. */
  readonly endpoints: readonly Endpoint[]
  /**
   * How an endpoint is chosen.
   * Default: `roundRobin`.
   */
  readonly balance?: Balance
  /** The key of `ringHash`, `maglev`, `consistentHash` and `hashModulo`. Default: the address of the client. */
  readonly hashOn?: HashOn
  /**
   * What decides when no source of `hashOn` has a value. Default: `address`.
   * - `address`: The address of the client.
   * - `none`: Chance.
   */
  readonly hashFallback?: 'address' | 'none'
  /** How priorities and zones share the traffic. */
  readonly levels?: Levels
  /** How the gateway finds out which endpoints can serve. */
  readonly health?: Health
  /** An endpoint that is new or came back gets its share little by little. */
  readonly slowStart?: SlowStart
  /** The Host that is sent to endpoints, with or without a port. */
  readonly host?: string
  /**
   * Which Host is sent where `host` says nothing.
   * - `client`: That of the client (or of a filter).
   * - `endpoint`: The endpoint's name, with its port where that is not the scheme's own.
   * - `endpointWithoutPort`: The endpoint's name alone.
   * Default: `client`.
   */
  readonly sendHost?: 'client' | 'endpoint' | 'endpointWithoutPort'
  /** How long to wait for an endpoint. */
  readonly timeouts?: UpstreamTimeouts
  /** Further attempts, each on another endpoint if there is one. */
  readonly retries?: Retries
  /** Connections that are kept. */
  readonly pool?: Pool
  /** Bounds on what is sent to the upstream. */
  readonly limits?: Limits
  /** Of `scheme: https` and `grpcs`. */
  readonly tls?: Tls
}

/** An upstream of one place alone; only its name may be left out. */
export interface InlineUpstream {
  /** What people call it, in metrics, logs and lists. Default: the id. */
  readonly name?: string
  /** A note for people; nothing is done with it. */
  readonly description?: string
  /** Marks for selecting documents (`headgate get routes -l team=shop`). */
  readonly labels?: Readonly<Record<string, string>>
  /**
   * How endpoints are spoken to.
   * - `http`: HTTP/1.1 in plain text.
   * - `https`: HTTP/1.1 over TLS; HTTP/2 where `http2` says so.
   * - `grpc`: HTTP/2 in plain text, for gRPC.
   * - `grpcs`: HTTP/2 over TLS, for gRPC.
   * - `tcp`: Of streams: bytes as they come.
   * - `tls`: Of streams: over TLS.
   * - `udp`: Of streams: datagrams.
   * Default: `http`.
   */
  readonly scheme?: 'http' | 'https' | 'grpc' | 'grpcs' | 'tcp' | 'tls' | 'udp'
  /**
   * Whether requests go to endpoints as HTTP/2. `grpc` and `grpcs` always do.
   * - `never`: HTTP/1.1.
   * - `offered`: Of `https`: where the endpoint takes it in the handshake, else HTTP/1.1.
   * - `always`: HTTP/2; over `http` with prior knowledge.
   * Default: `never`.
   */
  readonly http2?: 'never' | 'offered' | 'always'
  /** Where requests go. Empty: every request gets 503. */
  readonly endpoints: readonly Endpoint[]
  /**
   * How an endpoint is chosen.
   * Default: `roundRobin`.
   */
  readonly balance?: Balance
  /** The key of `ringHash`, `maglev`, `consistentHash` and `hashModulo`. Default: the address of the client. */
  readonly hashOn?: HashOn
  /**
   * What decides when no source of `hashOn` has a value. Default: `address`.
   * - `address`: The address of the client.
   * - `none`: Chance.
   */
  readonly hashFallback?: 'address' | 'none'
  /** How priorities and zones share the traffic. */
  readonly levels?: Levels
  /** How the gateway finds out which endpoints can serve. */
  readonly health?: Health
  /** An endpoint that is new or came back gets its share little by little. */
  readonly slowStart?: SlowStart
  /** The Host that is sent to endpoints, with or without a port. */
  readonly host?: string
  /**
   * Which Host is sent where `host` says nothing.
   * - `client`: That of the client (or of a filter).
   * - `endpoint`: The endpoint's name, with its port where that is not the scheme's own.
   * - `endpointWithoutPort`: The endpoint's name alone.
   * Default: `client`.
   */
  readonly sendHost?: 'client' | 'endpoint' | 'endpointWithoutPort'
  /** How long to wait for an endpoint. */
  readonly timeouts?: UpstreamTimeouts
  /** Further attempts, each on another endpoint if there is one. */
  readonly retries?: Retries
  /** Connections that are kept. */
  readonly pool?: Pool
  /** Bounds on what is sent to the upstream. */
  readonly limits?: Limits
  /** Of `scheme: https` and `grpcs`. */
  readonly tls?: Tls
}

/** An address, or more about it. A name stands for all its addresses (A and AAAA), which share its weight and are asked for again while the gateway runs. */
export type Endpoint = string | {
  /** `host:port` or `host`; an IPv6 address stands in brackets. */
  readonly address?: string
  /** The name of a service (SRV): hosts, ports and weights come from its records. One for each upstream. */
  readonly srv?: string
  /**
   * Its share among the endpoints of its priority. 0: it gets nothing.
   * Default: `1`.
   */
  readonly weight?: number
  /**
   * Endpoints with a lower one are used only when all of the higher ones were tried or cannot be used (`levels`).
   * Default: `0`.
   */
  readonly priority?: number
  /** The part of the network it is in (`levels.preferZone`). */
  readonly zone?: string
  /**
   * Whether it is used only when attempts at all others failed (`retries.failoverTries`).
   * Default: `false`.
   */
  readonly failoverOnly?: boolean
}

/** How long to wait for an endpoint: one duration for all three, or each by itself. */
export type UpstreamTimeouts = Duration | {
  /**
   * Until the connection stands. Then: 504.
   * Default: `2s`.
   */
  readonly connect?: Duration
  /**
   * Between two writes of the request.
   * Default: `60s`.
   */
  readonly send?: Duration
  /**
   * Until the head of the answer comes (then: 504), and between two parts of its body.
   * Default: `60s`.
   */
  readonly read?: Duration
}

/** Connections that are kept for further requests. */
export interface Pool {
  /**
   * Idle connections for each endpoint and process, shared out over the workers.
   * Default: `256`.
   */
  readonly size?: number
  /**
   * An idle connection is closed after this. `0s`: no connection is kept.
   * Default: `60s`.
   */
  readonly idle?: Duration
  /**
   * A connection is closed after so many requests.
   * Default: `1000`.
   */
  readonly requests?: number
  /**
   * A connection older than this is not used again. `0s`: no bound.
   * Default: `0s`.
   */
  readonly maxAge?: Duration
}

/** A number and its unit, several in a row too: `500ms`, `30s`, `1m30s`, `2h`. At most 24 hours. */
export type Duration = string

/** How an endpoint is chosen: a word, or one of those that take more. */
export type Balance = 'roundRobin' | 'edf' | 'random' | 'leastRequest' | 'leastConnections' | 'ewma' | 'ringHash' | 'maglev' | 'consistentHash' | 'hashModulo' | 'weightedOrder' | 'leastRecentlyUsed' | 'pickFirst' | {
  /** Draws some by chance. */
  readonly leastRequest?: LeastRequest
  /** A ring as Envoy has it. */
  readonly ringHash?: RingHash
  /** The table of Maglev. */
  readonly maglev?: Maglev
}

/** The one of some drawn by chance with the fewest requests in flight. */
export interface LeastRequest {
  /**
   * How many are drawn.
   * Default: `2`.
   */
  readonly choices?: number
}

/** A ring as Envoy has it. */
export interface RingHash {
  /**
   * The hash of the points.
   * - `xxHash`: XXH64.
   * - `murmurHash2`: MurmurHash2, as libstdc++ has it.
   * Default: `xxHash`.
   */
  readonly hash?: 'xxHash' | 'murmurHash2'
  /**
   * Points on the ring at least.
   * Default: `1024`.
   */
  readonly minSize?: number
  /**
   * And at most.
   * Default: `8388608`.
   */
  readonly maxSize?: number
}

/** Maglev's table. */
export interface Maglev {
  /**
   * Its size, a prime.
   * Default: `65537`.
   */
  readonly tableSize?: number
}

/** What keeps requests together: one source, or several whose hashes are combined. */
export type HashOn = HashSource | readonly HashSource[]

/** Where the key comes from. */
export interface HashSource {
  /** A header field, by its name in any case. */
  readonly header?: string
  /** An argument of the query, by its name. */
  readonly query?: string
  /** A cookie, by its name. */
  readonly cookie?: string
  /** Any variable, by its name. */
  readonly variable?: string
  /** The address of the client. */
  readonly address?: true
  /** Several things in one text: `${header.x-tenant}/${path}`. */
  readonly template?: string
  /**
   * Whether the sources behind it are left alone once it has a value.
   * Default: `false`.
   */
  readonly terminal?: boolean
}

/** How endpoints of several priorities, or zones, share the traffic. */
export interface Levels {
  /**
   * When a lower priority gets traffic.
   * - `strict`: When no endpoint of the higher ones can be used or is left to try.
   * - `overprovisioned`: In the measure in which `factor` times the usable share of the higher ones falls short of all (as Envoy).
   * Default: `strict`.
   */
  readonly mode?: 'strict' | 'overprovisioned'
  /**
   * Of `overprovisioned`.
   * Default: `1.4`.
   */
  readonly factor?: number
  /**
   * When fewer endpoints than this share can be used, all are used but those an operator switched off. `0%`: only when none can.
   * Default: `50%`.
   */
  readonly panicBelow?: Percent
  /**
   * Whether endpoints in another zone than the gateway's (setting `zone`) come a level later.
   * Default: `false`.
   */
  readonly preferZone?: boolean
}

/** Keeps a client on one side of the split: by a cookie that the first answer sets, or by the hash of a key. More weight for a target only adds clients to it. */
export interface Sticky {
  /** The name of the cookie. It holds a mark of the target, which changes when the target is called otherwise. */
  readonly cookie?: string
  /**
   * Seconds that it lasts. 0: until the browser is closed.
   * Default: `0`.
   */
  readonly maxAge?: number
  /**
   * Its path.
   * Default: `/`.
   */
  readonly path?: string
  /**
   * Whether it goes over https only.
   * Default: `false`.
   */
  readonly secure?: boolean
  /**
   * Whether scripts do not see it.
   * Default: `true`.
   */
  readonly httpOnly?: boolean
  /**
   * Whether it goes along from other sites. Default: the browser decides.
   * - `lax`: With links.
   * - `strict`: Never.
   * - `none`: Always.
   */
  readonly sameSite?: 'lax' | 'strict' | 'none'
  /**
   * Whether a client keeps a target whose weight is 0 now.
   * Default: `false`.
   */
  readonly keepZeroWeight?: boolean
  /** The key. Requests without one are kept by the address of the client. */
  readonly hashOn?: HashOn
}

/** Where requests may name a target, by its name in metrics and logs: above the weights, also one of weight 0. */
export type Forced = ForcedSource | readonly ForcedSource[]

/** A header field or a cookie. */
export interface ForcedSource {
  /** A header field, by its name. */
  readonly header?: string
  /** A cookie, by its name. */
  readonly cookie?: string
}

/** What becomes of the share of a target none of whose endpoints can be used. */
export type WhenOut = 'error' | 'spill' | {
  /** The name of the target. */
  readonly target: string
}

/** How the gateway finds out which endpoints can serve. Each part may be left out; without any, all endpoints are always used. */
export interface Health {
  /** Probes: the gateway asks each endpoint now and then. */
  readonly active?: ActiveCheck
  /** What live traffic says counts too. Needs `active`, which brings endpoints back. */
  readonly passive?: PassiveCheck
  /** Endpoints that fail live requests are ejected for a while. Works by itself. */
  readonly outlier?: Outlier
}

/** Probes, sent by one part of the gateway for all its workers. */
export interface ActiveCheck {
  /**
   * What a probe is. Default: the scheme of the upstream.
   * - `http`: A request in plain text.
   * - `https`: A request over TLS.
   * - `tcp`: A connection.
   * - `grpc`: A call of gRPC's health service.
   */
  readonly kind?: 'http' | 'https' | 'tcp' | 'grpc'
  /** Of http and https: the target that is asked for. Default: `/`. */
  readonly path?: string
  /** Of grpc: the service that is asked for. Default: the whole server. */
  readonly service?: string
  /** Of http and https: the method, in capitals. Default: GET. */
  readonly method?: string
  /** Of http and https: header fields, word for word. */
  readonly headers?: Readonly<Record<string, string>>
  /** Of http and https: the body. Default: none. */
  readonly body?: string
  /** The Host and the TLS name of probes. Default: the upstream's `host`, else the endpoint's name. */
  readonly host?: string
  /** The port that is probed. Default: the endpoint's own. */
  readonly port?: number
  /**
   * Of https: whether the certificate must be valid.
   * Default: `true`.
   */
  readonly verify?: boolean
  /**
   * A probe that is not answered for so long failed.
   * Default: `2s`.
   */
  readonly timeout?: Duration
  /**
   * Between probes of an endpoint, from 100ms; up to a tenth is added at random.
   * Default: `5s`.
   */
  readonly interval?: Duration
  /** The same for an endpoint that is out. Default: `interval`. */
  readonly downInterval?: Duration
  /**
   * Probes of the upstream under way at once.
   * Default: `10`.
   */
  readonly concurrency?: number
  /**
   * So many successes in a row bring an endpoint back.
   * Default: `2`.
   */
  readonly up?: number
  /**
   * So many failures of one kind, without a success between, take it out.
   * Default: `3`.
   */
  readonly down?: Failures
  /** Statuses that are a success. Default: 200 to 399. */
  readonly upStatuses?: readonly number[]
  /** Statuses that are a failure. Default: all that are no success. */
  readonly downStatuses?: readonly number[]
}

/** Live answers count as probes do. */
export interface PassiveCheck {
  /**
   * So many good answers in a row bring an endpoint back. 0: only probes do.
   * Default: `0`.
   */
  readonly up?: number
  /**
   * So many failures of one kind, without a success between, take it out. 0: that kind does not.
   * Default: `5`.
   */
  readonly down?: Failures
  /** Statuses that are a success. Default: 200 to 399. */
  readonly upStatuses?: readonly number[]
  /** Statuses that are a failure. Default: 500, 502, 503 and 504. */
  readonly downStatuses?: readonly number[]
}

/** One number for all kinds of failures, or one for each. */
export type Failures = number | {
  /**
   * Answers whose status is a failure.
   * Default: `3`.
   */
  readonly statuses?: number
  /**
   * Connections that were refused, reset or cut.
   * Default: `3`.
   */
  readonly connections?: number
  /**
   * No answer in time.
   * Default: `3`.
   */
  readonly timeouts?: number
}

/** An endpoint that fails is ejected for a while. Failures are: refused, reset, timed out, or 502, 503 and 504. Faults of clients and kept connections that were closed never count. */
export interface Outlier {
  /**
   * So many failures in a row eject it. 0: off.
   * Default: `5`.
   */
  readonly failures?: number
  /** Ejects by what failed within a window. */
  readonly errors?: ErrorWindow
  /** Ejects an endpoint that is slower than the others. */
  readonly latency?: LatencyWindow
  /**
   * How long it is out; the n-th time n times as long.
   * Default: `30s`.
   */
  readonly ejection?: Duration
  /**
   * At most so long; and so long without a failure makes the next time a first one.
   * Default: `5m`.
   */
  readonly maxEjection?: Duration
  /**
   * Share of the endpoints that may be out at once. One always stays.
   * Default: `50%`.
   */
  readonly maxEjected?: Percent
  /**
   * Whether one request goes first when the time is over; its failure ejects again at once.
   * Default: `true`.
   */
  readonly trial?: boolean
}

/** How long an endpoint that is new or came back takes to its whole share, or more about it. */
export type SlowStart = Duration | {
  /** Until it has its whole share. */
  readonly window: Duration
  /**
   * What it begins with.
   * Default: `10%`.
   */
  readonly min?: Percent
  /**
   * 1: the share grows evenly; more: faster at first.
   * Default: `1`.
   */
  readonly aggression?: number
  /**
   * How often the share is worked out anew, from 100ms.
   * Default: `1s`.
   */
  readonly interval?: Duration
  /**
   * Endpoints that are there so soon after the start of the gateway are not new.
   * Default: `10s`.
   */
  readonly grace?: Duration
}

/** How many further attempts after the first, or more about them. */
export type Retries = number | {
  /**
   * Further attempts after the first. 0: none.
   * Default: `1`.
   */
  readonly count?: number
  /**
   * No attempt starts later than this after the first one. `0s`: no bound.
   * Default: `0s`.
   */
  readonly timeout?: Duration
  /**
   * An attempt without the head of an answer for so long is over. `0s`: `timeouts` alone count.
   * Default: `0s`.
   */
  readonly attemptTimeout?: Duration
  /**
   * Whether an endpoint that does not answer in time is a reason for another attempt (of safe requests).
   * Default: `false`.
   */
  readonly onHeadTimeout?: boolean
  /** Statuses that are tried again elsewhere (safe requests only). The last answer goes out as it came. Default: none. */
  readonly onStatuses?: readonly number[]
  /**
   * Whether POST and PATCH are sent again too after something of them was sent: then they may be carried out twice.
   * Default: `false`.
   */
  readonly nonIdempotent?: boolean
  /**
   * Whether the same endpoint may be tried again where the upstream has only that one.
   * Default: `true`.
   */
  readonly sameEndpointWhenAlone?: boolean
  /** Further attempts at the endpoint at hand before the next one is tried. */
  readonly sameEndpoint?: SameEndpoint
  /**
   * Attempts at each endpoint that is `failoverOnly`, when all others failed.
   * Default: `1`.
   */
  readonly failoverTries?: number
  /** Bounds attempts after something was sent. Default: that of the settings. */
  readonly budget?: RetryBudget
}

/** Bounds on what is sent to the upstream by the whole gateway, shared out over its workers. 0: none. A request that finds no place gets 503, which names the limit. */
export interface Limits {
  /**
   * Connections to all endpoints.
   * Default: `0`.
   */
  readonly connections?: number
  /**
   * Connections to one endpoint.
   * Default: `256`.
   */
  readonly connectionsPerEndpoint?: number
  /**
   * Requests in flight, waiting ones included.
   * Default: `0`.
   */
  readonly requests?: number
  /**
   * Requests in flight at one endpoint; it is passed over while another one is free.
   * Default: `0`.
   */
  readonly requestsPerEndpoint?: number
  /**
   * Requests that may wait for a connection.
   * Default: `1024`.
   */
  readonly pending?: number
  /**
   * How long one may wait.
   * Default: `5s`.
   */
  readonly pendingTimeout?: Duration
  /**
   * Retries in flight.
   * Default: `0`.
   */
  readonly retries?: number
}

/** Of https endpoints. Certificates and keys are the text itself (PEM), never the name of a file; a file of documents can take them from the environment with `${{NAME}}`. */
export interface Tls {
  /**
   * Whether the certificate must be valid for the name that is asked for.
   * Default: `true`.
   */
  readonly verify?: boolean
  /** Certificates that are trusted in place of the system's. */
  readonly ca?: string
  /** What the gateway shows, with the chain behind it. */
  readonly certificate?: string
  /** The private key of `certificate`. */
  readonly key?: string
  /** The name that is asked for and verified. Default: the Host that is sent. */
  readonly serverName?: string
}

/** Ejects by what failed within a window. */
export interface ErrorWindow {
  /**
   * The window, from 1s.
   * Default: `10s`.
   */
  readonly window?: Duration
  /**
   * With fewer requests of the endpoint in the window, `ratio` says nothing.
   * Default: `20`.
   */
  readonly minRequests?: number
  /** Ejects at this share of failures. */
  readonly ratio?: Percent
  /** Ejects at so many failures. */
  readonly count?: number
  /**
   * Whether all statuses from 500 on are failures here.
   * Default: `false`.
   */
  readonly serverErrors?: boolean
}

/** Ejects an endpoint that is slower than the others. */
export interface LatencyWindow {
  /**
   * The window, from 1s.
   * Default: `10s`.
   */
  readonly window?: Duration
  /**
   * With fewer requests in the window nothing is said.
   * Default: `20`.
   */
  readonly minRequests?: number
  /** Ejects when its mean latency is over so many times that of the upstream. */
  readonly factor: number
}

/** Further attempts at the endpoint at hand before the next one is tried. */
export interface SameEndpoint {
  /** So many, beside `count` above. */
  readonly count: number
  /**
   * The wait before the first of them.
   * Default: `0s`.
   */
  readonly delay?: Duration
  /**
   * Each wait is so many times the one before.
   * Default: `1`.
   */
  readonly multiplier?: number
  /**
   * No wait is longer.
   * Default: `10s`.
   */
  readonly maxDelay?: Duration
}

/** Bounds attempts after something was sent, so that they cannot become a storm. Default: the settings `limits.retryBudgetRatio` and `limits.retryBudgetPerSecond`. */
export interface RetryBudget {
  /**
   * Share of the requests of the last 10 seconds.
   * Default: `20%`.
   */
  readonly ratio?: Percent
  /**
   * And so many per second beside.
   * Default: `3`.
   */
  readonly perSecond?: number
}

/** A whole percentage: `0%` to `100%`. */
export type Percent = string

/** What TLS listeners (`listenTls`) show to clients that ask for one of its names. Certificates and keys are the text itself (PEM), never the name of a file; a file of documents can take them from the environment with `${{NAME}}`. */
export interface Certificate {
  /** Names the document: letters, digits, `.`, `_` and `-`. Metrics, logs and references call it so. */
  readonly id: string
  /** What people call it, in metrics, logs and lists. Default: the id. */
  readonly name?: string
  /** A note for people; nothing is done with it. */
  readonly description?: string
  /** Marks for selecting documents (`headgate get routes -l team=shop`). */
  readonly labels?: Readonly<Record<string, string>>
  /** The names that it is for. An exact one comes before one with a star; where several documents have a name, the one that was created first is shown. */
  readonly serverNames: readonly string[]
  /** What clients are shown, with the chain behind it (PEM). */
  readonly certificate: string
  /** The private key of `certificate` (PEM, not encrypted). It is never shown again. */
  readonly key?: string
  /** Further pairs for the same names, one for each kind of key (RSA beside ECDSA): what the client can use decides. */
  readonly alternatives?: readonly {
    /** What clients are shown, with the chain behind it (PEM). */
    readonly certificate: string
    /** The private key of `certificate` (PEM, not encrypted). It is never shown again. */
    readonly key?: string
  }[]
  /** Versions that a handshake for these names may use. Default: from `tls.minVersion` on. */
  readonly versions?: readonly ('TLSv1.1' | 'TLSv1.2' | 'TLSv1.3')[]
  /** Asks clients for a certificate. */
  readonly client?: ClientCertificates
}

/** Requests of clients without a good certificate get 400. Sessions of these names are not resumed. */
export interface ClientCertificates {
  /** Whose certificates are good (PEM). */
  readonly authorities: string
  /**
   * Certificates between that of a client and an authority, at most. 0: an authority itself must have signed it; above, the number is not held.
   * Default: `1`.
   */
  readonly depth?: number
  /** Requests of these paths need no certificate. */
  readonly exceptPaths?: readonly string[]
}

/** Which streams (TCP connections, TLS, the datagrams of one client) that came in at `listenTcp` and `listenUdp`, and where they go. A stream that meets the conditions of no document is closed. */
export interface Stream {
  /** Names the document: letters, digits, `.`, `_` and `-`. Metrics, logs and references call it so. */
  readonly id: string
  /** What people call it, in metrics, logs and lists. Default: the id. */
  readonly name?: string
  /** A note for people; nothing is done with it. */
  readonly description?: string
  /** Marks for selecting documents (`headgate get routes -l team=shop`). */
  readonly labels?: Readonly<Record<string, string>>
  /** Kinds of listeners. Default: all. */
  readonly protocols?: readonly ('tcp' | 'tls' | 'udp')[]
  /** Ports that clients came to. Default: all. */
  readonly ports?: readonly number[]
  /** Addresses that clients came to. Default: all. */
  readonly addresses?: readonly string[]
  /** Where clients must be. Default: anywhere. */
  readonly clients?: readonly string[]
  /** Names asked for in TLS. At a `tcp` listener the name is read from the first message, and TLS passes through. An exact one comes before one with a star, and those with names before those without. Default: all streams. */
  readonly serverNames?: readonly string[]
  /**
   * Of documents with the same names a higher one comes first; then the older one.
   * Default: `0`.
   */
  readonly priority?: number
  /**
   * A stream without a byte in either direction for so long is closed.
   * Default: `1h`.
   */
  readonly idle?: Duration
  /**
   * Which PROXY protocol header endpoints get first. Default: none.
   * - `v1`: Version 1, a line of text.
   * - `v2`: Version 2, binary; it tells the name asked for in TLS too.
   */
  readonly proxyProtocol?: 'v1' | 'v2'
  /** The upstream. */
  readonly upstream?: UpstreamPlace
  /** Divides connections by weight, exactly. */
  readonly split?: readonly StreamTarget[]
}

/** One side of a split of streams. */
export interface StreamTarget {
  /** An upstream. */
  readonly upstream: UpstreamPlace
  /**
   * Its share. 0: it gets nothing.
   * Default: `1`.
   */
  readonly weight?: number
  /** What metrics and logs call this side of the split. Default: the name of the upstream. */
  readonly name?: string
}

/** What a configuration module exports: a native document, whose mark `headgate: 1` may be left out. */
export type Config = Omit<File, 'headgate'> & { readonly headgate?: 1 }

/**
 * Gives a configuration back as it is, with its mark; its worth is in the types: editors complete and check what stands in it.
 *
 *     import { defineConfig } from 'headgate'
 *     export default defineConfig({ routes: [{ id: 'shop', upstream: 'blue' }] })
 */
export function defineConfig(config: Config): File
