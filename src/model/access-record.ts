/**
 * One finished exchange, as the data plane hands it to an access log. Valid only during the call: whoever keeps it copies it.
 * What the client sent is byte strings (byte-string.ts); names of the configuration (route, service, variant, upstream, endpoint) are texts
 * as their documents have them. '' is "none", and so is a negative number. Times are milliseconds, sizes bytes.
 */
export interface AccessRecord {
  readonly timeMs: number
  readonly requestId: string
  readonly clientAddress: string
  readonly clientPort: number
  readonly method: string
  readonly scheme: string
  readonly host: string
  readonly target: string
  readonly path: string
  readonly protocol: string
  readonly status: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly durationMs: number
  readonly upstreamMs: number
  readonly routeId: string
  readonly routeName: string
  readonly serviceId: string
  readonly rule: number
  readonly variant: string
  readonly splitReason: string
  readonly upstreamId: string
  readonly endpoint: string
  /** Endpoints of all attempts, joined by `, `. */
  readonly upstreamAddress: string
  readonly upstreamScheme: string
  /** Host and target as they were sent to the endpoint. */
  readonly upstreamHost: string
  readonly upstreamTarget: string
  readonly upstreamStatus: string
  readonly attempts: number
  /** From the request's head to the first attempt, and to the head of the answer, whoever made it. */
  readonly firstAttemptMs: number
  readonly answerMs: number
  readonly flags: string
  readonly errorCode: string
  readonly userAgent: string
  readonly referer: string
  /** W3C Trace Context, as the endpoint got it: 32 and 16 hexadecimal digits. */
  readonly traceId: string
  readonly spanId: string
  /** Of the client's TLS: `TLSv1.3`, OpenSSL's name of the cipher, and the name that was asked for; '' without TLS. */
  readonly tlsVersion: string
  readonly tlsCipher: string
  readonly tlsServerName: string
  /** null: no TLS. */
  readonly isTlsResumed: boolean | null
  /** A field of the request as it came, by lower-case name with dashes, lines joined by `, `; undefined if there was none. */
  header(name: string): string | undefined
}
