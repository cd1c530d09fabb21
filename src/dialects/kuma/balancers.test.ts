import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NONE_TRIED } from '../../balancing/picker.ts'
import { compileHashKey } from '../../expression/hash-key.ts'
import { type Hash64, xxHash64 } from '../../expression/hash64.ts'
import { type SampleRequest, sampleView } from '../../expression/sample-view.ts'
import type { HashKey } from '../../model/hash-key.ts'
import { HEALTH_LINE_CELLS } from '../../model/health.ts'
import { Balance } from '../../proxy/upstream/balance.ts'
import { inbound, legsOf, route, site, translateText } from './testing/translate.ts'

/** The values that spec/kuma.md 11 has for Envoy's balancers, from documents to the endpoint. */

const MAX = 2n ** 64n - 1n

interface Served {
  /** Port of the endpoint for a key. */
  at(key: bigint): number | undefined
  /** For a request, whose key is made by the policies of the route. */
  ask(view: SampleRequest): number | undefined
}

/** An outbound with the balancer to instances at these ports of 127.0.0.1. */
function serve(loadBalancer: string, ports: readonly number[], more = '', before = site()): Served {
  const carts = ports.map((port, i) => inbound(`cart-${i}`, 'cart', port, `kuma.io/protocol: http${more}`))
  const text =
    before + carts.join('') + route(`{loadBalancer: ${loadBalancer}, destination: {kuma.io/service: cart}}`)
  const upstream = legsOf(translateText(text)).find(({ scheme }) => scheme === 'http')
  assert.ok(upstream !== undefined)
  let position = 0
  const slots = new Map<string, number>()
  const balance = new Balance(
    upstream,
    {
      positions: { advance: () => position++, peek: () => position },
      slot: (identity) => {
        const slot = slots.get(identity) ?? slots.size + 1
        slots.set(identity, slot)
        return slot
      },
      health: new Int32Array(HEALTH_LINE_CELLS * (ports.length + 9)),
      judge: () => null, // nobody is ever found unwell
      zone: null,
      now: () => 0,
    },
    null,
  )
  const pick = (key: Hash64 | null): number | undefined =>
    upstream.endpoints[balance.pick(NONE_TRIED, key)]?.port
  return {
    at: (key) => pick({ high: Number(key >> 32n), low: Number(key & 0xffffffffn) }),
    ask: (view) => {
      const key = { high: 0, low: 0 }
      return pick(compileHashKey(upstream.hashKey as HashKey).read(sampleView(view), key) ? key : null)
    },
  }
}

const from = (first: number): number[] => Array.from({ length: 6 }, (_, i) => first + i)

/** Positions on the ring of 127.0.0.1:90 to 95 with XX_HASH and 12 entries. */
const RING: readonly (readonly [port: number, position: bigint])[] = [
  [94, 833437586790550860n],
  [92, 928266305478181108n],
  [90, 1033482794131418490n],
  [95, 3551244743356806947n],
  [93, 3851675632748031481n],
  [91, 5583722120771150861n],
  [91, 6311230543546372928n],
  [93, 7700377290971790572n],
  [95, 13144177310400110813n],
  [92, 13444792449719432967n],
  [94, 15516499411664133160n],
  [90, 16117243373044804889n],
]

test('ringHash with XX_HASH has Envoy’s ring', () => {
  const { at } = serve('{ringHash: {hashFunction: XX_HASH, minRingSize: 12}}', from(90))
  assert.deepEqual([at(0n), at(MAX)], [94, 94])
  for (const [i, [port, position]] of RING.entries()) {
    assert.equal(at(position), port)
    assert.equal(at(position + 1n), RING[(i + 1) % RING.length]?.[0])
  }
})

test('ringHash with MURMUR_HASH_2 has Envoy’s ring', () => {
  const { at } = serve('{ringHash: {hashFunction: MURMUR_HASH_2, minRingSize: 12}}', from(80))
  const [lowest, next, highest] = [1358027074129602068n, 4361834613929391114n, 17613279263364193813n]
  assert.deepEqual([at(0n), at(lowest), at(lowest + 1n), at(next)], [85, 85, 83, 83])
  assert.deepEqual([at(highest), at(highest + 1n), at(MAX)], [80, 85, 85])
})

test('a request goes where the hash of its policies lies, and the next policy counts where one has no value', () => {
  const policies =
    '[{type: Header, header: {name: X-User}, terminal: true}, {type: QueryParameter, queryParameter: {name: u}}]'
  const { ask } = serve(`{ringHash: {minRingSize: 12, hashPolicies: ${policies}}}`, from(90))
  const ported = (text: string): number | undefined => {
    const hash = { high: 0, low: 0 }
    xxHash64(text, hash)
    const key = (BigInt(hash.high) << 32n) | BigInt(hash.low)
    return (RING.find(([, position]) => position >= key) ?? RING[0])?.[0]
  }
  const homes = new Set<number | undefined>()
  for (let i = 0; i < 40; i++) {
    const user = `user-${i}`
    homes.add(ask({ headers: { 'x-user': user } }))
    assert.equal(ask({ headers: { 'x-user': user } }), ported(user))
    assert.equal(ask({ headers: { 'x-user': user }, query: `u=${i + 1}` }), ported(user))
    assert.equal(ask({ query: `u=${user}` }), ported(user))
  }
  assert.ok(homes.size > 2)
})

test('maglev gives three equal instances 21846, 21846 and 21845 of its 65537 slots', () => {
  const { at } = serve('{maglev: {}}', [90, 91, 92])
  const counts = new Map<number | undefined, number>()
  for (let key = 0n; key < 65537n; key++) counts.set(at(key), (counts.get(at(key)) ?? 0) + 1)
  assert.deepEqual([...counts.values()].sort(), [21845, 21846, 21846])
  assert.equal(at(65537n), at(0n))
})

test('without policies chance decides over all instances', () => {
  const { ask } = serve('{maglev: {}}', [90, 91])
  const seen = new Set(Array.from({ length: 64 }, () => ask({})))
  assert.equal(seen.size, 2)
})

test('roundRobin takes turns; random and leastRequest reach all', () => {
  const { at } = serve('{roundRobin: {}}', [90, 91, 92])
  const turns = Array.from({ length: 6 }, () => at(0n))
  assert.deepEqual(turns.slice(0, 3).toSorted(), [90, 91, 92])
  assert.deepEqual(turns.slice(3), turns.slice(0, 3))
  for (const balancer of ['{random: {}}', '{leastRequest: {choiceCount: 2}}']) {
    const served = serve(balancer, [90, 91, 92])
    assert.equal(new Set(Array.from({ length: 90 }, () => served.at(0n))).size, 3, balancer)
  }
})

test('with localities the own zone has all traffic while it is well, and others have it where there is none', () => {
  const mesh = '---\ntype: Mesh\nname: default\nrouting: {localityAwareLoadBalancing: true}\n'
  const home = site().replace('kuma.io/service: site}', 'kuma.io/service: site, kuma.io/zone: east}')
  const west = inbound('west', 'cart', 80, 'kuma.io/protocol: http, kuma.io/zone: west')
  const both = serve('{roundRobin: {}}', [90, 91], ', kuma.io/zone: east', mesh + home + west)
  const seen = new Set(Array.from({ length: 20 }, () => both.at(0n)))
  assert.deepEqual([...seen].toSorted(), [90, 91])
  assert.equal(serve('{roundRobin: {}}', [], '', mesh + home + west).at(0n), 80)
})
