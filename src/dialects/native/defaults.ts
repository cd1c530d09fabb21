import { DEFS } from './schema.ts'
import type * as Native from './types.ts'

/** Defaults as the schema has them, typed by what they are defaults of. */
interface Defaults {
  readonly upstream: Required<Pick<Native.Upstream, 'scheme' | 'http2' | 'sendHost'>> & {
    readonly balance: Extract<Native.Balance, string>
  }
  readonly stream: Required<Pick<Native.Stream, 'priority' | 'idle'>>
  readonly clientCertificates: Required<Pick<Native.ClientCertificates, 'depth'>>
  readonly endpoint: { readonly weight: number; readonly priority: number; readonly failoverOnly: boolean }
  readonly leastRequest: Required<Native.LeastRequest>
  readonly ringHash: Required<Native.RingHash>
  readonly maglev: Required<Native.Maglev>
  readonly hashSource: Required<Pick<Native.HashSource, 'terminal'>>
  readonly levels: Required<Native.Levels>
  readonly activeCheck: Required<Native.ActiveCheck>
  readonly passiveCheck: Required<Native.PassiveCheck>
  readonly failures: Required<Exclude<Native.Failures, number>>
  readonly outlier: Required<Native.Outlier>
  readonly errorWindow: Required<Native.ErrorWindow>
  readonly latencyWindow: Required<Native.LatencyWindow>
  readonly slowStart: Required<Exclude<Native.SlowStart, string>>
  readonly sameEndpoint: Required<Native.SameEndpoint>
  readonly retryBudget: Required<Native.RetryBudget>
  readonly limits: Required<Native.Limits>
  readonly tls: Required<Native.Tls>
  readonly sticky: Required<Native.Sticky>
  readonly pool: Required<Native.Pool>
  readonly retries: Required<Exclude<Native.Retries, number>>
  readonly upstreamTimeouts: Required<Exclude<Native.UpstreamTimeouts, string>>
  readonly route: Required<Pick<Native.Route, 'priority' | 'rulesSee'>>
  readonly target: Required<Pick<Native.Target, 'weight'>>
  readonly respond: { readonly status: number }
  readonly redirect: { readonly port: number; readonly encode: boolean; readonly appendQuery: boolean }
  readonly pathChange: { readonly raw: boolean }
}

/** The only way to a default: the schema says it once. Throws if it says none: a mistake of ours. */
export function defaultOf<Part extends keyof Defaults, Key extends keyof Defaults[Part]>(
  part: Part,
  key: Key,
): Defaults[Part][Key] {
  const schema = DEFS[part]
  const object =
    schema?.properties === undefined ? schema?.anyOf?.find((form) => form.type === 'object') : schema
  const found = object?.properties?.[key as string]?.default
  if (found === undefined) throw new Error(`the native schema has no default for ${part}.${String(key)}`)
  return found as Defaults[Part][Key]
}
