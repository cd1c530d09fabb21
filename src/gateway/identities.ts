import { BLOCK, ENDPOINT, rotationIdentity, routeIdentity, targetIdentity } from '../model/counters.ts'
import { type Endpoint, endpointIdentity } from '../model/endpoint.ts'
import { healthIdentity, needsHealthLines, upstreamHealthIdentity } from '../model/health.ts'
import type { ModelObject } from '../model/model.ts'
import { type Split, spillIdentity, splitFamily, splitIdentity } from '../model/split.ts'
import { compileRotation, scaleWeights } from '../model/weighted-rotation.ts'

/** What a slot is for: a shared position, lines of counters, or a line of health. */
export type SlotPool = 'position' | 'route' | 'target' | 'endpoint' | 'health'

export interface SlotNeed {
  readonly identity: string
  readonly pool: SlotPool
  readonly lines: number
  /** Id of the object that needs it. */
  readonly owner: string
  /** Positions only: identity without the weights, so that other weights, or endpoints, can start at the old ones' phase. */
  readonly family: string | null
  /** Positions only: those in one cycle; 0: nothing is taken from it. */
  readonly cycle: number
}

/** Every slot that an object uses, each identity once. A split or level with one living choice takes no position. */
export function slotNeeds(object: ModelObject): readonly SlotNeed[] {
  if (object.kind === 'consumer' || object.kind === 'certificate' || object.kind === 'listener') return []
  const needs: SlotNeed[] = []
  if (object.kind === 'route' || object.kind === 'streamRoute') {
    needs.push(needOf(routeIdentity(object.id), 'route', BLOCK.LINES, object.id))
    for (const rule of object.rules) addSplit(needs, rule.split, object.id)
    return needs
  }
  const isWatched = needsHealthLines(object)
  if (isWatched) needs.push(needOf(upstreamHealthIdentity(object.id), 'health', 1, object.id))
  const seen = new Set<string>()
  for (const endpoint of object.endpoints) {
    const identity = endpointIdentity(object.id, endpoint)
    if (!seen.has(identity)) {
      seen.add(identity)
      needs.push(needOf(identity, 'endpoint', ENDPOINT.LINES, object.id))
      if (isWatched) needs.push(needOf(healthIdentity(object.id, endpoint), 'health', 1, object.id))
    }
  }
  if (object.endpoints.length < 2) return needs
  const levels = new Map<number, Endpoint[]>()
  for (const endpoint of object.endpoints) {
    const level = levels.get(endpoint.priority)
    if (level === undefined) levels.set(endpoint.priority, [endpoint])
    else level.push(endpoint)
  }
  for (const [priority, endpoints] of levels) {
    if (endpoints.length < 2) continue
    let cycle = 0
    for (const weight of scaleWeights(endpoints.map((endpoint) => endpoint.weight)).weights) cycle += weight
    needs.push({
      identity: rotationIdentity(object.id, priority, endpoints),
      pool: 'position',
      lines: 1,
      owner: object.id,
      family: `rotation:${object.id}#${priority}`,
      cycle,
    })
  }
  return needs
}

function addSplit(needs: SlotNeed[], split: Split, owner: string): void {
  for (let i = 0; i < split.targets.length; i++)
    needs.push(needOf(targetIdentity(split.id, i), 'target', BLOCK.LINES, owner))
  if (split.policy?.whenOut.kind === 'spill')
    needs.push(needOf(spillIdentity(split.id), 'position', 1, owner))
  const weights = split.targets.map((target) => target.weight).filter((weight) => weight > 0)
  if (weights.length < 2) return
  const identity = splitIdentity(split)
  needs.push({
    identity,
    pool: 'position',
    lines: 1,
    owner,
    family: splitFamily(split),
    cycle: compileRotation(weights).cycle,
  })
}

function needOf(identity: string, pool: SlotPool, lines: number, owner: string): SlotNeed {
  return { identity, pool, lines, owner, family: null, cycle: 0 }
}
