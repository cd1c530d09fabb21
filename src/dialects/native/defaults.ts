import { DEFS } from './schema.ts'
import type * as Native from './types.ts'

/** Defaults as the schema has them, typed by what they are defaults of. */
interface Defaults {
  readonly upstream: Required<Pick<Native.Upstream, 'scheme' | 'balance' | 'sendHost'>>
  readonly endpoint: { readonly weight: number; readonly priority: number }
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
