import type { Template } from './template.ts'

/**
 * What requests are kept together by: a list of sources, whose hashes are combined as Envoy does (spec/kuma.md 11: rotate left by one, XOR the next).
 * A source without a value adds nothing; when none has one, `fallback` decides.
 */
export interface HashKey {
  readonly sources: readonly HashSource[]
  /** `address`: the client's; `none`: the request has no key, and chance decides. */
  readonly fallback: 'address' | 'none'
  /** `xxHash`: XXH64 seed 0 of the text. `javaString`: the absolute value of Java's String.hashCode (Apinizer). `crc32`: as the upper half (APISIX). */
  readonly hash: 'xxHash' | 'javaString' | 'crc32'
}

export interface HashSource {
  /** It has a value when one of its variables has, or when it has none. */
  readonly template: Template
  /** Sources behind it are not looked at once it gave a value. */
  readonly isTerminal: boolean
  /**
   * The answer to a request without a value sets a cookie, whose value is the source's then: a text made of the addresses of the connection. Of upstreams only. Absent: no
   * cookie is made (Envoy's hash policy by a cookie with a ttl).
   */
  readonly newCookie?: NewCookie
}

export interface NewCookie {
  readonly name: string
  /** Seconds; 0: until the browser is closed. */
  readonly maxAgeSeconds: number
  readonly path: string
}
