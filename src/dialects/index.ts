import { apinizer } from './apinizer/index.ts'
import { apisix } from './apisix/index.ts'
import type { Dialect } from './dialect.ts'
import { own } from './headgate/index.ts'
import { kuma } from './kuma/index.ts'
import { native } from './native/index.ts'
import { tencent } from './tencent/index.ts'

/**
 * Every language the gateway speaks. The only place that knows them by name. Files are offered to them in this order: native ones have a mark,
 * others are known by keys that native ones have too. The gateway's own documents come last: nobody routes by them.
 */
export const dialects: readonly Dialect[] = [native, apisix, apinizer, tencent, kuma, own]

export function findDialect(name: string): Dialect | undefined {
  return dialects.find((dialect) => dialect.name === name)
}
