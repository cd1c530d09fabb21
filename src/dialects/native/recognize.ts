import type { JsonObject } from '../../model/json.ts'

/** Keys that no other language's route has beside these. */
const OF_ROUTES = ['paths', 'rules', 'split', 'respond', 'redirect', 'rulesSee', 'when'] as const

/** Which collections a bare object may be of, by its keys. */
export function recognizeKinds(value: JsonObject): readonly string[] {
  if (Object.hasOwn(value, 'endpoints')) return ['upstreams']
  return OF_ROUTES.some((key) => Object.hasOwn(value, key)) ? ['routes'] : []
}
