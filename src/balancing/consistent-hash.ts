import { crc32, crc32OfNumber } from '../expression/crc32.ts'
import type { Hash64 } from '../expression/hash64.ts'
import { toByteString } from '../model/byte-string.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { createLevels, type LevelMembers, type LevelPolicy } from './levels.ts'
import { buildMaglev, modulo } from './maglev.ts'
import { BY_CHANCE, type Picker, type Random } from './picker.ts'
import { pickUniform } from './random.ts'
import { Ring } from './ring.ts'
import { buildRingHash, type RingSizes } from './ring-hash.ts'

/**
 * Pickers that keep requests of one key together: as long as the endpoints stay, the same key goes to the same one. A request without a key
 * is spread at random.
 */

/** `address:port`, brackets around IPv6: what an endpoint is called on a ring. Of a name it is the address that it stands for. */
export function endpointKey({ host, port, address }: Endpoint): string {
  const place = address ?? host
  return place.includes(':') ? `[${place}]:${port}` : `${place}:${port}`
}

/** Envoy's ring hash (spec/kuma.md 11). Another attempt walks on from the key's point. The ring holds the usable endpoints. */
export function createRingHash(
  endpoints: readonly Endpoint[],
  sizes: RingSizes,
  random: Random,
  usable: Uint8Array | null = null,
): Picker {
  return createLevels(
    endpoints,
    usable,
    (members) =>
      new RingLevel(members, buildRingHash(keysOf(endpoints, members), [...members.weights], sizes), random),
    { needsKey: true },
  )
}

/** Envoy's maglev (spec/kuma.md 11). Another attempt n looks at hash XOR (2^64 - n), then wherever one is left. */
export function createMaglev(
  endpoints: readonly Endpoint[],
  tableSize: number,
  random: Random,
  usable: Uint8Array | null = null,
): Picker {
  return createLevels(
    endpoints,
    usable,
    (members) =>
      new MaglevLevel(
        members,
        buildMaglev(keysOf(endpoints, members), [...members.weights], tableSize),
        random,
      ),
    { needsKey: true },
  )
}

/** Points for each unit of weight, as APISIX has them; fewer each where a level would get more than MAX_POINTS. */
const POINTS = 160
const MAX_POINTS = 2 ** 20

/**
 * APISIX's chash (apisix.md 5.2), at the reference's positions: 160 points for each unit of weight, each the CRC-32 of `host NUL port` and the point before it.
 * A key is the CRC-32 of its text. All endpoints of the level stay on the ring, and unusable ones are stepped over, so that losing one moves its own keys alone.
 */
export function createKetama(
  endpoints: readonly Endpoint[],
  random: Random,
  usable: Uint8Array | null = null,
): Picker {
  return createLevels(endpoints, usable, (members) => new KetamaLevel(endpoints, members, random), {
    needsKey: true,
  })
}

/** The hash modulo the number of usable endpoints (Apinizer's IP_HASH and URL_HASH, apinizer.md 4): reshuffles when that number changes. */
export function createHashModulo(
  endpoints: readonly Endpoint[],
  random: Random,
  usable: Uint8Array | null = null,
): Picker {
  return createLevels(endpoints, usable, (members) => new ModuloLevel(members, random), { needsKey: true })
}

function keysOf(endpoints: readonly Endpoint[], { indices }: LevelMembers): string[] {
  return Array.from(indices, (index) => endpointKey(endpoints[index] as Endpoint))
}

class RingLevel implements LevelPolicy {
  readonly #indices: Int32Array
  readonly #ring: Ring
  readonly #random: Random

  constructor({ indices }: LevelMembers, ring: Ring, random: Random) {
    this.#indices = indices
    this.#ring = ring
    this.#random = random
  }

  pick(key: Hash64 | null): number {
    const ring = this.#ring
    if (ring.size === 0) return -1
    const place = key === null ? Math.floor(this.#random() * ring.size) : ring.find(key.high, key.low)
    return this.#indices[ring.owner(place)] as number
  }

  peek(key: Hash64 | null): number {
    return key === null ? BY_CHANCE : this.pick(key)
  }

  pickOther(tried: Uint8Array, key: Hash64 | null): number {
    if (key === null) return pickUniform(this.#indices, tried, this.#random)
    return walk(this.#ring, key, this.#indices, tried)
  }
}

/** The first endpoint from the key's point on that was not tried; -1 when the ring has none. */
function walk(ring: Ring, key: Hash64, indices: Int32Array, tried: Uint8Array): number {
  const { size } = ring
  let place = ring.find(key.high, key.low)
  for (let step = 0; step < size; step++) {
    const index = indices[ring.owner(place)] as number
    if (index >= 0 && tried[index] !== 1) return index
    place = place + 1 === size ? 0 : place + 1
  }
  return -1
}

class MaglevLevel implements LevelPolicy {
  readonly #indices: Int32Array
  readonly #table: Uint32Array
  readonly #random: Random

  constructor({ indices }: LevelMembers, table: Uint32Array, random: Random) {
    this.#indices = indices
    this.#table = table
    this.#random = random
  }

  pick(key: Hash64 | null): number {
    const { length } = this.#table
    const slot = key === null ? Math.floor(this.#random() * length) : modulo(key, length)
    return this.#indices[this.#table[slot] as number] as number
  }

  peek(key: Hash64 | null): number {
    return key === null ? BY_CHANCE : this.pick(key)
  }

  pickOther(tried: Uint8Array, key: Hash64 | null): number {
    if (key === null) return pickUniform(this.#indices, tried, this.#random)
    const { length } = this.#table
    for (let attempt = 1; attempt <= 2 * this.#indices.length; attempt++) {
      again.high = (key.high ^ 0xffff_ffff) >>> 0
      again.low = (key.low ^ -attempt) >>> 0
      const index = this.#indices[this.#table[modulo(again, length)] as number] as number
      if (tried[index] !== 1) return index
    }
    return pickUniform(this.#indices, tried, this.#random)
  }
}

const again: Hash64 = { high: 0, low: 0 }

class KetamaLevel implements LevelPolicy {
  /** By place among all endpoints of the level: the index, or -1 for one that may not be used now. */
  readonly #indices: Int32Array
  readonly #usable: Int32Array
  readonly #ring: Ring
  readonly #random: Random

  constructor(endpoints: readonly Endpoint[], members: LevelMembers, random: Random) {
    const usable = new Set(members.indices)
    const level: number[] = []
    for (let index = 0; index < endpoints.length; index++) {
      const { priority, weight } = endpoints[index] as Endpoint
      if (priority === members.priority && weight > 0) level.push(index)
    }
    this.#indices = Int32Array.from(level, (index) => (usable.has(index) ? index : -1))
    this.#usable = members.indices
    this.#ring = ringOf(endpoints, members.priority, () =>
      buildKetama(level.map((index) => endpoints[index] as Endpoint)),
    )
    this.#random = random
  }

  pick(key: Hash64 | null): number {
    if (key === null) return pickUniform(this.#usable, NONE, this.#random)
    return walk(this.#ring, key, this.#indices, NONE)
  }

  peek(key: Hash64 | null): number {
    return key === null ? BY_CHANCE : this.pick(key)
  }

  pickOther(tried: Uint8Array, key: Hash64 | null): number {
    if (key === null) return pickUniform(this.#usable, tried, this.#random)
    return walk(this.#ring, key, this.#indices, tried)
  }
}

const NONE = new Uint8Array(0)

/** Rings by the list that they are of: when only usability changes the list is the same, and so is the ring. */
const rings = new WeakMap<readonly Endpoint[], Map<number, Ring>>()

function ringOf(endpoints: readonly Endpoint[], priority: number, build: () => Ring): Ring {
  let byPriority = rings.get(endpoints)
  if (byPriority === undefined) {
    byPriority = new Map()
    rings.set(endpoints, byPriority)
  }
  let ring = byPriority.get(priority)
  if (ring === undefined) {
    ring = build()
    byPriority.set(priority, ring)
  }
  return ring
}

function buildKetama(endpoints: readonly Endpoint[]): Ring {
  const units = endpoints.reduce((sum, { weight }) => sum + weight, 0)
  const perUnit = Math.min(POINTS, MAX_POINTS / units)
  const counts = endpoints.map(({ weight }) => Math.max(1, Math.round(weight * perUnit)))
  const size = counts.reduce((sum, count) => sum + count, 0)
  const highs = new Uint32Array(size)
  const lows = new Uint32Array(size)
  const owners = new Uint32Array(size)
  let place = 0
  for (let owner = 0; owner < endpoints.length; owner++) {
    const beginning = crc32(toByteString(endpointKey(endpoints[owner] as Endpoint).replaceAll(':', '\0')))
    let point = 0
    for (let i = 0; i < (counts[owner] as number); i++, place++) {
      point = crc32OfNumber(point, beginning)
      highs[place] = point
      owners[place] = owner
    }
  }
  return new Ring(highs, lows, owners)
}

class ModuloLevel implements LevelPolicy {
  readonly #indices: Int32Array
  readonly #random: Random

  constructor({ indices }: LevelMembers, random: Random) {
    this.#indices = indices
    this.#random = random
  }

  pick(key: Hash64 | null): number {
    const place =
      key === null ? Math.floor(this.#random() * this.#indices.length) : key.low % this.#indices.length
    return this.#indices[place] as number
  }

  peek(key: Hash64 | null): number {
    return key === null ? BY_CHANCE : this.pick(key)
  }

  /** The next one in the list. */
  pickOther(tried: Uint8Array, key: Hash64 | null): number {
    if (key === null) return pickUniform(this.#indices, tried, this.#random)
    const count = this.#indices.length
    for (let step = 0; step < count; step++) {
      const index = this.#indices[(key.low + step) % count] as number
      if (tried[index] !== 1) return index
    }
    return -1
  }
}
