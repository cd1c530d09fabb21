import { apisix } from './apisix/index.ts'
import type { Dialect } from './dialect.ts'
import { native } from './native/index.ts'

/**
 * Every language the gateway speaks. The only place that knows them by name. Files are offered to them in this order: native ones have a mark,
 * others are known by keys that native ones have too.
 */
export const dialects: readonly Dialect[] = [native, apisix]

export function findDialect(name: string): Dialect | undefined {
  return dialects.find((dialect) => dialect.name === name)
}
