import { parse } from 'yaml'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Kind } from './kinds.ts'
import { validate } from './validate.ts'

/** Helpers of the tests of mesh resources; nothing else imports this file. */

export const SITE_TO_CART = `
type: TrafficRoute
name: r
mesh: default
sources: [{match: {kuma.io/service: site}}]
destinations: [{match: {kuma.io/service: cart}}]
`

export function yaml(text: string): JsonObject {
  return parse(text) as JsonObject
}

/** A route from site to cart. `conf` in YAML. */
export function routeWith(conf: string): JsonObject {
  return yaml(`${SITE_TO_CART}conf: ${conf}`)
}

/** Paths of the violations, sorted. */
export function violations(kind: Kind, value: JsonObject): readonly string[] {
  return validate(kind, value, DEFAULT_SETTINGS)
    .map(({ path }) => path)
    .sort()
}
