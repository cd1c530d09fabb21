import type { ApiPath } from './api-path.ts'

/** What decides which of several APIs of one host takes a request (spec/tencent.md 1). */
export interface RouteRank {
  readonly base: string
  readonly path: ApiPath
  /** `one`: an API of one method; `any`: of all; `refusal`: what answers 405 for the others. */
  readonly takes: 'one' | 'any' | 'refusal'
  /** When the API was made: the older first. */
  readonly order: number
}

const TIERS = { exact: 1, prefix: 2, pattern: 3, plain: 4 } as const
const TAKES = { one: 0, any: 1, refusal: 2 } as const
/** Behind all that match; prefixes of a base that no API below it takes end there. */
const END_OF_BASE = 9

/**
 * The sort key of an API's route: smaller wins, number by number.
 * 1. the longer base: of two mapped prefixes of one domain the longer one says which environment is meant;
 * 2. the tier: exact, `^~`, regular expression or variables, plain;
 * 3. inside it the longer text; patterns by age. Of one path an API of the method goes before one of all, and 405 comes last.
 */
export function rankRoute({ base, path, takes, order }: RouteRank): readonly number[] {
  const head = [0 - Buffer.byteLength(base), TIERS[path.tier]]
  // a pattern's 405 stands behind all patterns: which of them are the same cannot be told from one of them
  if (path.tier === 'pattern') return [...head, takes === 'refusal' ? 1 : 0, order, TAKES[takes]]
  return [...head, 0 - Buffer.byteLength(path.text), TAKES[takes], order]
}

/** Of a route that answers 404 for what stands below a mapped prefix and no API takes. */
export function rankEnd(base: string): readonly number[] {
  return [0 - Buffer.byteLength(base), END_OF_BASE]
}
