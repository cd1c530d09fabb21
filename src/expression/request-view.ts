/**
 * What variables read a request through. All texts are byte strings (model/byte-string.ts). Implemented by the exchange; tests and
 * explain use plain objects. Getters may compute on first use: read only what you need.
 */
export interface RequestView {
  readonly method: string
  /** Raw request target, origin form, as received. */
  readonly target: string
  /** Resolved path: decoded, dot segments resolved, slashes merged (see Surface.pathForm). */
  readonly path: string
  /** Raw text behind the first `?`; null if there is no `?`. */
  readonly query: string | null
  /** Host without port, lower case; '' if the request has none. */
  readonly host: string
  readonly scheme: 'http' | 'https'
  /** `HTTP/1.1` or `HTTP/1.0`. */
  readonly protocol: string
  /** The client: the socket's address, or the one a trusted peer names. IPv4-mapped IPv6 is written as IPv4. */
  readonly clientAddress: string
  readonly clientPort: number
  /** The connection's own peer. */
  readonly peerAddress: string
  readonly localAddress: string
  readonly localPort: number
  readonly requestId: string
  /** Value of a field by lower-case name, lines joined by `, `; where no field has it, that of the one with `_` for `-`; undefined if absent. */
  header(name: string): string | undefined
  /** As `header`, but lines are joined by `,` alone, as Envoy does. */
  joinedField(name: string): string | undefined
  /**
   * Value of the first line of a field whose name is written exactly so; over HTTP/2, where all names are in lower case, of the one with
   * that name in any case. `name` null: in any case over either. Undefined if absent.
   */
  firstField(name: string | null, lowerName: string): string | undefined
  /** At random from [0, 1), anew with each call. */
  random(): number
  /** Cookie field lines joined by `; `, or undefined. */
  readonly cookies: string | undefined
  /**
   * The body's bytes as a byte string. undefined: not read yet (a predicate that needs it reports `needsBody`, the exchange reads it and
   * searches anew); null: absent, or over the limit, so body variables are absent.
   */
  readonly body: string | null | undefined
  /** Captures of the matched path pattern, null if none. */
  readonly pathParams: ReadonlyMap<string, string> | null
  /** The matched route's labels; null while routes are being matched. */
  readonly labels: {
    readonly routeId: string
    readonly routeName: string | null
    readonly serviceId: string | null
    readonly serviceName: string | null
  } | null
  /** Whom the request is from; null: nobody asked, or nothing says so. */
  readonly consumer: { readonly name: string } | null
  /** The answer, for response filters; null before there is one. */
  readonly answer: AnswerView | null
}

export interface AnswerView {
  readonly status: number
  /** Status sent by the upstream; undefined for answers the gateway made. */
  readonly upstreamStatus: number | undefined
  header(name: string): string | undefined
  /** As configured. */
  readonly endpointHost: string | undefined
  /** What its name stood for when it was connected to. */
  readonly endpointAddress: string | undefined
  readonly endpointPort: number | undefined
  /** Its body, decoded, as a byte string, where a rule of the upstream looks into it; absent otherwise, and where it is over the limit. */
  readonly body?: string | null
  /** Whether the upstream's rule calls it an error; absent: there is none. */
  readonly isError?: boolean
}
