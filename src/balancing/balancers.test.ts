import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crc32 } from '../expression/crc32.ts'
import { type Hash64, xxHash64 } from '../expression/hash64.ts'
import type { Endpoint } from '../model/endpoint.ts'
import {
  createHashModulo,
  createKetama,
  createMaglev,
  createRingHash,
  endpointKey,
} from './consistent-hash.ts'
import { createEarliestDeadline } from './earliest-deadline.ts'
import { createEwma, Latencies } from './ewma.ts'
import { createLeastRecentlyUsed, createPickFirst, createWeightedOrder } from './in-order.ts'
import { createLeastConnections } from './least-connections.ts'
import { createLeastRequest } from './least-request.ts'
import { describePickerContract, endpoint } from './picker.contract.ts'
import { NONE_TRIED, type Picker } from './picker.ts'
import { createRandom } from './random.ts'
import { DEFAULT_RING } from './ring-hash.ts'

/** A generator that is the same in every run (mulberry32). */
function seeded(seed = 1): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const IDLE = (): number => 0
const RING = { ...DEFAULT_RING, minSize: 256 }
describePickerContract('weighted random', (list, usable) => createRandom(list, true, seeded(), usable))
describePickerContract('earliest deadline', (list, usable) => createEarliestDeadline(list, seeded(), usable))
describePickerContract('uniform random', (list, usable) => createRandom(list, false, seeded(), usable))
describePickerContract('least request', (list, usable) => createLeastRequest(list, 2, IDLE, seeded(), usable))
describePickerContract('least connections', (list, usable) =>
  createLeastConnections(list, IDLE, seeded(), 'turns', usable),
)
describePickerContract('ewma', (list, usable) =>
  createEwma(list, new Latencies(list.length), seeded(), () => 0, usable),
)
describePickerContract('ring hash', (list, usable) => createRingHash(list, RING, seeded(), usable))
describePickerContract('maglev', (list, usable) => createMaglev(list, 1009, seeded(), usable))
describePickerContract('chash', (list, usable) => createKetama(list, seeded(), usable))
describePickerContract('hash modulo', (list, usable) => createHashModulo(list, seeded(), usable))
describePickerContract('weighted order', (list, usable) => createWeightedOrder(list, usable))
describePickerContract('least recently used', (list, usable) =>
  createLeastRecentlyUsed(list, new Float64Array(list.length), usable),
)
describePickerContract('pick first', (list, usable) => createPickFirst(list, usable))

const list = (count: number, weight = 1): Endpoint[] =>
  Array.from({ length: count }, (_, i) => ({
    host: `10.0.${i >> 8}.${i & 255}`,
    port: 80,
    weight,
    priority: 0,
    address: null,
    zone: null,
    failoverOnly: false,
    state: 'ready',
  }))
const KEYS = 20_000

function keyed(picker: Picker, count = KEYS): number[] {
  const key: Hash64 = { high: 0, low: 0 }
  return Array.from({ length: count }, (_, i) => {
    xxHash64(`user-${i}`, key)
    return picker.pick(NONE_TRIED, key)
  })
}

describe('chash stands where the reference puts it', () => {
  const nodes = (...ports: number[]): Endpoint[] =>
    ports.map((port) => ({ ...(list(1)[0] as Endpoint), host: '127.0.0.1', port, weight: 1 }))
  const ask = (endpoints: Endpoint[], text: string): number => {
    const index = createKetama(endpoints, seeded()).pick(NONE_TRIED, { high: crc32(text), low: 0 })
    return (endpoints[index] as Endpoint).port
  }

  // results of its own tests: chash-balance, chash-hashon, traffic-split2
  it('for single keys', () => {
    const [two, three, others] = [nodes(1980, 1981), nodes(1980, 1981, 1982), nodes(1981, 1982)]
    assert.equal(ask(two, '127.0.0.1'), 1980)
    assert.equal(ask(three, '127.0.0.1'), 1982)
    assert.deepEqual([ask(two, 'jack'), ask(two, 'tom')], [1981, 1980])
    assert.deepEqual([ask(two, 'custom-one'), ask(two, 'cuscookie')], [1980, 1981])
    assert.equal(ask(two, 'custom-one-custom-two'), 1980)
    assert.deepEqual([ask(others, 'world'), ask(others, 'hello')], [1981, 1982])
  })

  it('for many keys', () => {
    const counted = (endpoints: Endpoint[], count: number, text: (i: number) => string): number[] => {
      const counts = endpoints.map(() => 0)
      for (let i = 1; i <= count; i++) {
        const at = endpoints.findIndex(({ port }) => port === ask(endpoints, text(i)))
        counts[at] = (counts[at] as number) + 1
      }
      return counts
    }
    assert.deepEqual(
      counted(nodes(1980, 1981, 1982), 18, (i) => `var=2&var2=${i}`),
      [5, 8, 5],
    )
    assert.deepEqual(
      counted(nodes(1980, 1981, 1982), 18, (i) => `${i}`),
      [6, 7, 5],
    )
    assert.deepEqual(
      counted(nodes(1980, 1981), 6, (i) => `chash_val_${i}`),
      [3, 3],
    )
  })
})

describe('addresses of one name', () => {
  const endpoints = ['10.0.0.1', '10.0.0.2', 'fd00::3'].map((address) => ({
    ...(list(1)[0] as Endpoint),
    host: 'app.test',
    weight: 1,
    address,
  }))
  for (const [name, picker] of Object.entries({
    'ring hash': createRingHash(endpoints, DEFAULT_RING, seeded()),
    maglev: createMaglev(endpoints, 65_537, seeded()),
    chash: createKetama(endpoints, seeded()),
  }))
    it(`share the keys of ${name}`, () => {
      const counts = [0, 0, 0]
      for (const index of keyed(picker)) counts[index] = (counts[index] as number) + 1
      for (const count of counts) assert.ok(Math.abs(count / KEYS - 1 / 3) < 0.1, counts.join(' '))
    })
})

describe('consistent hashes', () => {
  const makers = {
    'ring hash': (endpoints: Endpoint[], usable: Uint8Array | null) =>
      createRingHash(endpoints, { ...DEFAULT_RING, minSize: 16_384 }, seeded(), usable),
    maglev: (endpoints: Endpoint[], usable: Uint8Array | null) =>
      createMaglev(endpoints, 65_537, seeded(), usable),
    chash: (endpoints: Endpoint[], usable: Uint8Array | null) => createKetama(endpoints, seeded(), usable),
  }
  for (const [name, make] of Object.entries(makers)) {
    it(`${name} keeps a key where it is and moves little when one of a hundred is lost`, (t) => {
      const endpoints = list(100)
      const before = keyed(make(endpoints, null))
      assert.deepEqual(keyed(make(list(100), null)), before)
      const usable = new Uint8Array(100).fill(1)
      usable[37] = 0
      const after = keyed(make(endpoints, usable))
      let own = 0
      let others = 0
      for (let i = 0; i < KEYS; i++) {
        assert.notEqual(after[i], 37)
        if (before[i] === 37) own++
        else if (before[i] !== after[i]) others++
      }
      t.diagnostic(`${name}: ${own} keys of the lost one, ${others} others of ${KEYS} moved`)
      if (name === 'chash') assert.equal(others, 0)
      else assert.ok(others / KEYS < 0.03)
    })

    it(`${name} spreads keys by weight`, () => {
      const endpoints = list(4).map((one, i) => ({ ...one, weight: i + 1 }))
      const counts = [0, 0, 0, 0]
      for (const index of keyed(make(endpoints, null))) counts[index] = (counts[index] as number) + 1
      for (let i = 0; i < 4; i++) {
        const share = (counts[i] as number) / KEYS
        assert.ok(Math.abs(share - (i + 1) / 10) < 0.04, `${endpointKey(endpoints[i] as Endpoint)}: ${share}`)
      }
    })

    it(`${name} gives every other attempt of a key another endpoint, the same ones each time`, () => {
      const picker = make(list(5), null)
      const key: Hash64 = { high: 0, low: 0 }
      xxHash64('user-1', key)
      const walkOnce = (): number[] => {
        const tried = new Uint8Array(5)
        const seen: number[] = []
        for (let attempt = 0; attempt < 5; attempt++) {
          const index = picker.pick(attempt === 0 ? NONE_TRIED : tried, key)
          tried[index] = 1
          seen.push(index)
        }
        return seen
      }
      const first = walkOnce()
      assert.equal(new Set(first).size, 5)
      if (name !== 'maglev') assert.deepEqual(walkOnce(), first)
      assert.equal(walkOnce()[0], first[0])
    })
  }

  it('the plain modulo counts over the usable ones', () => {
    const usable = Uint8Array.of(1, 0, 1)
    const picker = createHashModulo(list(3), seeded(), usable)
    assert.equal(picker.pick(NONE_TRIED, { high: 0, low: 7 }), 2)
    assert.equal(picker.pick(NONE_TRIED, { high: 0, low: 8 }), 0)
  })
})

describe('policies by load', () => {
  it('least connections takes the lowest (in flight + 1) / weight, and the heaviest of idle ones', () => {
    const inFlight = [0, 0, 0]
    const endpoints = [endpoint(0, 1, 0), endpoint(1, 4, 0), endpoint(2, 2, 0)]
    const picker = createLeastConnections(endpoints, (index) => inFlight[index] as number, seeded(), 'turns')
    const order: number[] = []
    for (let i = 0; i < 7; i++) {
      const index = picker.pick(NONE_TRIED, null)
      inFlight[index] = (inFlight[index] as number) + 1
      order.push(index)
    }
    assert.equal(order[0], 1)
    assert.deepEqual(inFlight, [1, 4, 2])
  })

  it('least connections: equally busy ones take turns, or the first of the list is taken', () => {
    const busy = [1, 0, 0]
    const picks = (ties: 'turns' | 'list') => {
      const picker = createLeastConnections(list(3), (index) => busy[index] as number, seeded(), ties)
      return [picker.peek(null), ...Array.from({ length: 3 }, () => picker.pick(NONE_TRIED, null))]
    }
    assert.deepEqual(picks('turns'), [1, 1, 2, 1])
    assert.deepEqual(picks('list'), [1, 1, 1, 1])
  })

  it('least connections holds for a thousand endpoints too', () => {
    const inFlight = new Int32Array(1000)
    const picker = createLeastConnections(list(1000), (index) => inFlight[index] as number, seeded(), 'turns')
    for (let i = 0; i < 10_000; i++) {
      const index = picker.pick(NONE_TRIED, null)
      inFlight[index] = (inFlight[index] as number) + 1
    }
    assert.ok(Math.max(...inFlight) <= 13, `the busiest has ${Math.max(...inFlight)} where 10 would be even`)
  })

  it('random is uniform where all weigh the same, and by weight where they do not', () => {
    const shares = (picker: Picker): number[] => {
      const counts = [0, 0, 0]
      for (let i = 0; i < 30_000; i++) {
        const index = picker.pick(NONE_TRIED, null)
        counts[index] = (counts[index] as number) + 1
      }
      return counts.map((count) => count / 30_000)
    }
    const weighted = [endpoint(0, 1, 0), endpoint(1, 2, 0), endpoint(2, 1, 0)]
    for (const [picker, expected] of [
      [createRandom(list(3), true, seeded()), [1 / 3, 1 / 3, 1 / 3]],
      [createRandom(weighted, false, seeded()), [1 / 3, 1 / 3, 1 / 3]],
      [createRandom(weighted, true, seeded()), [0.25, 0.5, 0.25]],
    ] as const)
      for (const [i, share] of shares(picker).entries())
        assert.ok(Math.abs(share - (expected[i] as number)) < 0.02, `${i}: ${share}`)
  })

  it('least request prefers the less busy of two drawn ones', () => {
    const picker = createLeastRequest(list(2), 2, (index) => (index === 0 ? 5 : 0), seeded())
    let busy = 0
    for (let i = 0; i < 4000; i++) if (picker.pick(NONE_TRIED, null) === 0) busy++
    // drawn twice: one in four
    assert.ok(Math.abs(busy / 4000 - 0.25) < 0.03, `${busy}`)
  })

  it('ewma prefers the endpoint that answers faster, and forgets', () => {
    let now = 0
    const latencies = new Latencies(2)
    const picker = createEwma(list(2), latencies, seeded(), () => now)
    for (let i = 1; i <= 50; i++) {
      now = i * 100
      picker.observe?.(0, 500, now)
      picker.observe?.(1, 5, now)
    }
    for (let i = 0; i < 50; i++) assert.equal(picker.pick(NONE_TRIED, null), 1)
    assert.ok(latencies.of(0, now) > 50)
    now += 600_000
    assert.ok(latencies.of(0, now) < 1e-6)
  })
})

describe('policies by the list', () => {
  const picks = (picker: Picker, count: number): number[] =>
    Array.from({ length: count }, () => picker.pick(NONE_TRIED, null))

  it('weighted order serves each endpoint its weight in a row', () => {
    assert.deepEqual(
      picks(createWeightedOrder([endpoint(0, 1, 0), endpoint(1, 2, 0)]), 6),
      [0, 1, 1, 0, 1, 1],
    )
  })

  it('least recently used goes round, never-used ones first, and remembers over a change', () => {
    const used = new Float64Array(3)
    assert.deepEqual(picks(createLeastRecentlyUsed(list(3), used), 4), [0, 1, 2, 0])
    assert.deepEqual(picks(createLeastRecentlyUsed(list(3), used), 3), [1, 2, 0])
  })

  it('pick first stays with the first', () => {
    assert.deepEqual(picks(createPickFirst(list(3), Uint8Array.of(0, 1, 1)), 3), [1, 1, 1])
  })
})

it('where a ring is too short for all of a level, the next level serves when those on it were tried', () => {
  const nodes = [endpoint(0, 1, 1), endpoint(1, 1, 1), endpoint(2, 1, 0)]
  const picker = createRingHash(nodes, { ...DEFAULT_RING, minSize: 1, maxSize: 1 }, seeded())
  const key = { high: 1, low: 2 }
  const first = picker.pick(NONE_TRIED, key)
  const tried = new Uint8Array(3)
  tried[first] = 1
  assert.equal(picker.pick(tried, key), 2)
})
