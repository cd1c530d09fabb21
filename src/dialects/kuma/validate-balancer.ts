import { TOKEN } from '../../model/field-syntax.ts'
import type { JsonObject } from '../../model/json.ts'
import { numberField, objectField, objectsField, textField } from '../../model/json-fields.ts'
import { suggest } from '../../model/suggest.ts'
import { checkDuration } from './check-duration.ts'
import { checkOneOf, type Faults } from './faults.ts'
import { MAX_RING_SIZE, MIN_RING_SIZE } from './messages.ts'

const PATH = 'conf.loadBalancer'
const BALANCERS = ['roundRobin', 'leastRequest', 'ringHash', 'random', 'maglev'] as const
const HASH_FUNCTIONS: readonly string[] = ['XX_HASH', 'MURMUR_HASH_2']

/** The balancer of a route (spec/kuma.md 3); hash policies are ours (11). */
export function checkBalancer(balancer: JsonObject, faults: Faults): void {
  checkOneOf(balancer, BALANCERS, PATH, faults)
  const leastRequest = objectField(balancer, 'leastRequest')
  if (leastRequest !== null && numberField(leastRequest, 'choiceCount') === 1)
    faults.add(`${PATH}.leastRequest.choiceCount`, 'must be 2 or more: one host cannot be compared')
  const ringHash = objectField(balancer, 'ringHash')
  if (ringHash !== null) checkRing(ringHash, faults)
  for (const name of ['ringHash', 'maglev'])
    for (const { at, entry } of objectsField(objectField(balancer, name) ?? {}, 'hashPolicies'))
      checkHashPolicy(entry, `${PATH}.${name}.hashPolicies[${at}]`, faults)
}

function checkRing(ring: JsonObject, faults: Faults): void {
  const path = `${PATH}.ringHash`
  const hash = textField(ring, 'hashFunction')
  if (hash !== null && !HASH_FUNCTIONS.includes(hash))
    faults.add(`${path}.hashFunction`, `${hash} must be ${HASH_FUNCTIONS.join(' or ')}`)
  const least = numberField(ring, 'minRingSize')
  const most = numberField(ring, 'maxRingSize')
  for (const [name, size] of [
    ['minRingSize', least],
    ['maxRingSize', most],
  ] as const)
    if (size !== null && size > MAX_RING_SIZE)
      faults.add(`${path}.${name}`, `must be at most ${MAX_RING_SIZE}, it is ${size}`)
  if ((least ?? MIN_RING_SIZE) <= (most ?? MAX_RING_SIZE)) return
  // what nobody wrote cannot be at fault; a size above the cap is told already
  if (least === null)
    faults.add(`${path}.maxRingSize`, `${most} is below minRingSize, which is ${MIN_RING_SIZE}`)
  else if (most !== null) faults.add(`${path}.minRingSize`, `${least} is above maxRingSize, which is ${most}`)
}

/** What a policy needs beside its type, and in it. */
const HASH_SOURCES: Readonly<Record<string, readonly [field: string, inner: string] | null>> = {
  Header: ['header', 'name'],
  Cookie: ['cookie', 'name'],
  SourceIP: null,
  Connection: ['connection', 'sourceIP'],
  QueryParameter: ['queryParameter', 'name'],
}

function checkHashPolicy(policy: JsonObject, path: string, faults: Faults): void {
  const types = Object.keys(HASH_SOURCES)
  const type = textField(policy, 'type') ?? ''
  const source = Object.hasOwn(HASH_SOURCES, type) ? HASH_SOURCES[type] : undefined
  if (source === undefined) {
    const near = suggest(type, types)
    const hint = near === null ? null : `did you mean ${near}?`
    faults.add(`${path}.type`, `must be one of ${types.join(', ')}`, hint)
    return
  }
  const fields = ['header', 'cookie', 'connection', 'queryParameter']
  for (const field of fields)
    if (field !== source?.[0] && Object.hasOwn(policy, field))
      faults.add(`${path}.${field}`, `stands beside type ${type}, which has none`)
  if (source === null) return
  const [field, inner] = source
  const own = objectField(policy, field) ?? {}
  if (inner === 'sourceIP') {
    if (own.sourceIP !== true)
      faults.add(`${path}.connection.sourceIP`, 'must be true: nothing else is hashed')
  } else if ((textField(own, inner) ?? '') === '') {
    faults.add(`${path}.${field}.${inner}`, 'must not be empty')
  } else checkName(own, type, `${path}.${field}`, faults)
}

function checkName(own: JsonObject, type: string, path: string, faults: Faults): void {
  const name = textField(own, 'name') ?? ''
  if (type !== 'QueryParameter' && !TOKEN.test(name))
    faults.add(`${path}.name`, `${JSON.stringify(name)} is no name of a ${type.toLowerCase()}`)
  if (type !== 'Cookie') return
  checkDuration(own, 'ttl', path, 0, faults)
  const place = textField(own, 'path')
  if (place !== null && !/^\/[!-:<-~]*$/.test(place))
    faults.add(`${path}.path`, `${JSON.stringify(place)} must be a path that begins with /`)
}
