import { type Leg, SERVICE, type Tags } from './resources.ts'

/** `cart` or `cart{version=v2}`: the service and what else is asked of its instances. As metrics and logs call a target. */
export function legName(tags: Tags): string {
  const rest = Object.keys(tags)
    .filter((key) => key !== SERVICE)
    .sort()
    .map((key) => `${key}=${tags[key]}`)
  const service = tags[SERVICE] ?? ''
  return rest.length === 0 ? service : `${service}{${rest.join(',')}}`
}

/** What its author may call a target: as metrics and logs do, by one of its tags beside the service or only the value of one, by the service. */
export function namesOfLeg({ tags }: Pick<Leg, 'tags'>): readonly string[] {
  const others = Object.entries(tags).filter(([key]) => key !== SERVICE)
  const names = [
    legName(tags),
    ...others.map(([, value]) => value),
    ...others.map(([key, value]) => `${key}=${value}`),
    tags[SERVICE] ?? '',
  ]
  return [...new Set(names)].filter((name) => name !== '')
}
