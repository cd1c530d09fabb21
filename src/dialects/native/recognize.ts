import type { JsonObject } from '../../model/json.ts'

/** Keys that no other language's route has beside these. */
const OF_ROUTES = ['paths', 'rules', 'split', 'respond', 'redirect', 'rulesSee', 'when'] as const

const OF_STREAMS = ['ports', 'addresses', 'serverNames', 'protocols'] as const

/** Which collections a bare object may be of, by its keys. */
export function recognizeKinds(value: JsonObject): readonly string[] {
  if (Object.hasOwn(value, 'certificate')) return ['certificates']
  if (OF_STREAMS.some((key) => Object.hasOwn(value, key))) return ['streams']
  if (Object.hasOwn(value, 'endpoints')) return ['upstreams']
  if (OF_ROUTES.some((key) => Object.hasOwn(value, key))) return ['routes']
  // a route to one upstream and nothing else; what an operator said of endpoints names an upstream as well
  return typeof value.upstream === 'string' && !Object.hasOwn(value, 'states') ? ['routes'] : []
}
