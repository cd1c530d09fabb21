import type { ErrorCode } from './error-codes.ts'

/**
 * What a dialect's users see beside routing, as plain data. `proxy/` switches on these values and never learns a dialect's name.
 */
export interface Surface {
  /**
   * How the path that routes see is made from the target. `resolved`: percent-decoded, dot segments resolved, repeated slashes merged
   * (`%2f`, `%5c` and `;` stay encoded: reliability.md section 2).
   */
  readonly pathForm: 'resolved'
  /** Bodies of gateway-made answers: nginx-style HTML pages, or JSON with code and request id. */
  readonly errorForm: 'page' | 'json'
  /** Errors whose bodies do not follow `errorForm`. */
  readonly bodies: Readonly<
    Partial<Record<ErrorCode, { readonly contentType: string; readonly body: string }>>
  >
  /** Errors that users of this surface see with another status than the table says. */
  readonly statuses: Readonly<Partial<Record<ErrorCode, number>>>
  /** Whether it may answer while nobody has routes: of those that may, the first does. Not for a dialect whose routes all name their hosts. */
  readonly answersEmpty: boolean
  /**
   * `full`: X-Real-IP, X-Forwarded-For (appended), -Proto, -Host, -Port; incoming -Proto, -Host, -Port and Forwarded are dropped.
   */
  readonly forwarding: 'full'
  /** Peers that may name the client in X-Real-IP (APISIX: 127.0.0.1 and unix sockets). Addresses or CIDR blocks. */
  readonly realIpFrom: readonly string[]
  /** Replaces the upstream's Server field; null passes it through and adds none. */
  readonly serverField: string | null
  /** `X-APISIX-Upstream-Status`: statuses of all attempts when the last is 5xx, always, or never. */
  readonly upstreamStatusField: 'onError' | 'always' | 'never'
}
