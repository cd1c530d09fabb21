/**
 * The resources as they are read: camelCase names, defaults filled in, one form for what may be written in several. spec/kuma.md 1, 2 and 8. Readers
 * (read-*.ts) make them of documents that validate.
 */

/** `kuma.io/service` and others, name to value. */
export type Tags = Readonly<Record<string, string>>

export const SERVICE = 'kuma.io/service'
export const PROTOCOL = 'kuma.io/protocol'
export const ZONE = 'kuma.io/zone'

export interface TrafficRoute {
  readonly mesh: string
  readonly name: string
  readonly sources: readonly Tags[]
  readonly destinations: readonly Tags[]
  readonly conf: RouteConf
  /** Milliseconds since the epoch; 1: not known. */
  readonly createdMs: number
}

export interface RouteConf {
  readonly legs: Legs
  readonly loadBalancer: LoadBalancer
  readonly http: readonly HttpRule[]
  /** Ours. null: the built-in ones of a mesh proxy. */
  readonly timeout: RouteTimeout | null
  readonly retry: RouteRetry | null
}

/** A split, or a destination as a split of one. */
export interface Legs {
  /** `conf.split`, `conf.destination`, `conf.http[0].split` … */
  readonly path: string
  readonly legs: readonly Leg[]
}

export interface Leg {
  /** 0 to 2^32 - 1. */
  readonly weight: number
  /** As written: values may be `*`. */
  readonly tags: Tags
  /** Of the leg: `conf.split[0]`, or that of the destination. */
  readonly path: string
}

export interface HttpRule {
  /** `conf.http[0]` */
  readonly path: string
  readonly match: HttpMatch
  readonly modify: HttpModify | null
  readonly legs: Legs
  /** Ours: a copy of the requests goes there too. */
  readonly mirror: RouteMirror | null
}

export interface HttpMatch {
  readonly method: StringMatcher | null
  readonly path: StringMatcher | null
  /** Name as written. */
  readonly headers: readonly (readonly [name: string, matcher: StringMatcher])[]
  /** Ours: `queryParameters`, as `headers`. */
  readonly query: readonly (readonly [name: string, matcher: StringMatcher])[]
}

export interface StringMatcher {
  readonly kind: 'prefix' | 'exact' | 'regex'
  readonly text: string
}

export interface HttpModify {
  readonly path:
    | { readonly kind: 'rewritePrefix'; readonly text: string }
    | ({ readonly kind: 'regex' } & RegexReplace)
    | null
  readonly host:
    | { readonly kind: 'value'; readonly text: string }
    | ({ readonly kind: 'fromPath' } & RegexReplace)
    | null
  readonly requestHeaders: HeaderChanges | null
  readonly responseHeaders: HeaderChanges | null
}

export interface RegexReplace {
  readonly pattern: string
  readonly substitution: string
}

export interface HeaderChanges {
  readonly add: readonly { readonly name: string; readonly value: string; readonly append: boolean }[]
  readonly remove: readonly string[]
}

export type LoadBalancer =
  | { readonly kind: 'roundRobin' }
  /** >= 2; 2 where it is absent or 0. */
  | { readonly kind: 'leastRequest'; readonly choiceCount: number }
  | {
      readonly kind: 'ringHash'
      /** XX_HASH where it is absent. */
      readonly hashFunction: 'XX_HASH' | 'MURMUR_HASH_2'
      /** 1024 and 8388608 where they are absent or 0. */
      readonly minRingSize: number
      readonly maxRingSize: number
      readonly hashPolicies: readonly HashPolicy[]
    }
  | { readonly kind: 'random' }
  | { readonly kind: 'maglev'; readonly hashPolicies: readonly HashPolicy[] }

/** Ours: `hashPolicies` of ringHash and maglev, in the form of Kuma's later MeshLoadBalancingStrategy. */
export interface HashPolicy {
  readonly terminal: boolean
  readonly source:
    | { readonly kind: 'header'; readonly name: string }
    /** ttl in milliseconds; null: the cookie is only read, never set. */
    | { readonly kind: 'cookie'; readonly name: string; readonly ttlMs: number | null; readonly path: string }
    | { readonly kind: 'sourceIP' }
    | { readonly kind: 'queryParameter'; readonly name: string }
}

export interface RouteMirror {
  /** 0 to 100. */
  readonly percentage: number
  readonly tags: Tags
  readonly path: string
}

/** `conf.timeout`: durations as Kuma writes them (`5s`, `250ms`). null: the built-in value. Milliseconds. */
export interface RouteTimeout {
  readonly connectMs: number | null
  /** Between two bytes, for streams. */
  readonly idleMs: number | null
  /** Until the answer's head. */
  readonly requestMs: number | null
}

/** `conf.retry` */
export interface RouteRetry {
  /** 0 to 100. */
  readonly numRetries: number | null
  readonly perTryTimeoutMs: number | null
  /** Statuses of answers that are tried again, 400 to 599. */
  readonly retriableStatusCodes: readonly number[]
}

export interface Mesh {
  readonly name: string
  readonly localityAware: boolean
  /** Types whose initial policy is not made; `*`: all. */
  readonly skipCreatingInitialPolicies: readonly string[]
}

export interface Dataplane {
  readonly mesh: string
  readonly name: string
  /** Where others reach it, and where its inbounds listen. */
  readonly address: string
  /** What others dial instead; null: `address`. */
  readonly advertisedAddress: string | null
  readonly inbounds: readonly Inbound[]
  readonly outbounds: readonly Outbound[]
  /** null: it is no gateway. */
  readonly gateway: { readonly type: 'DELEGATED' | 'BUILTIN'; readonly tags: Tags } | null
}

export interface Inbound {
  /** `networking.inbound[0]` */
  readonly path: string
  /** Of the listener. */
  readonly address: string
  readonly port: number
  /** Of the application. */
  readonly serviceAddress: string
  readonly servicePort: number
  readonly tags: Tags
  /** Neither `health.ready: false` nor `state` NotReady or Ignored. */
  readonly isReady: boolean
  readonly isIgnored: boolean
  readonly probe: ServiceProbe | null
}

export interface ServiceProbe {
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly healthyThreshold: number
  readonly unhealthyThreshold: number
}

export interface Outbound {
  readonly path: string
  /** 127.0.0.1 where it is absent. */
  readonly address: string
  readonly port: number
  readonly tags: Tags
}

export interface ExternalService {
  readonly mesh: string
  readonly name: string
  readonly tags: Tags
  /** Without brackets. */
  readonly host: string
  readonly port: number
  readonly tls: ExternalTls | null
}

/** Of an ExternalService whose `networking.tls.enabled` is true. Texts are PEM. */
export interface ExternalTls {
  /** null: the host of the address. */
  readonly serverName: string | null
  readonly caCert: string | null
  readonly clientCert: string | null
  readonly clientKey: string | null
  readonly skipHostnameVerification: boolean
}
