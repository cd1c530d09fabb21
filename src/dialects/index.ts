import { apisix } from './apisix/index.ts'
import type { Dialect } from './dialect.ts'

/** Every language the gateway speaks. The only place that knows them by name. */
export const dialects: readonly Dialect[] = [apisix]

export function findDialect(name: string): Dialect | undefined {
  return dialects.find((dialect) => dialect.name === name)
}
