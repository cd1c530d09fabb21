import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Endpoint } from '../model/endpoint.ts'
import { BY_CHANCE, NONE_TRIED, type Picker } from './picker.ts'

export type MakePicker = (endpoints: readonly Endpoint[], usable: Uint8Array | null) => Picker

/** What every balancer owes, whatever its policy. */
export function describePickerContract(name: string, make: MakePicker): void {
  describe(`${name} as a picker`, () => {
    it('gives -1 when there is no endpoint', () => {
      assert.equal(make([], null).pick(NONE_TRIED, null), -1)
    })

    it('never gives an endpoint of weight 0, alone or beside others', () => {
      assert.equal(make([endpoint(0, 0, 0)], null).pick(NONE_TRIED, null), -1)
      const picker = make([endpoint(0, 0, 0), endpoint(1, 1, 0)], null)
      for (let i = 0; i < 10; i++) assert.equal(picker.pick(NONE_TRIED, null), 1)
    })

    it('gives the only endpoint again and again', () => {
      const picker = make([endpoint(0, 7, 0)], null)
      for (let i = 0; i < 5; i++) assert.equal(picker.pick(NONE_TRIED, null), 0)
      assert.equal(picker.pick(Uint8Array.of(1), null), -1)
    })

    it('tries every usable endpoint exactly once, the higher priorities first', () => {
      fc.assert(
        fc.property(endpointLists, fc.infiniteStream(fc.boolean()), (endpoints, coins) => {
          const usable = Uint8Array.from(endpoints, () => (coins.next().value === true ? 1 : 0))
          const picker = make(endpoints, usable)
          const tried = new Uint8Array(endpoints.length)
          const expected = endpoints.flatMap(({ weight, priority }, index) =>
            weight > 0 && usable[index] === 1 ? [priority] : [],
          )
          const seen: number[] = []
          for (let attempt = 0; attempt <= endpoints.length; attempt++) {
            const index = picker.pick(attempt === 0 ? NONE_TRIED : tried, null)
            if (index === -1) break
            assert.equal(tried[index], 0, 'given twice')
            assert.equal(usable[index], 1, 'not usable')
            tried[index] = 1
            seen.push(endpoints[index]?.priority ?? Number.NaN)
          }
          assert.deepEqual(
            seen,
            expected.sort((a, b) => b - a),
          )
        }),
      )
    })

    it('peeks at what the next first attempt gets, or says that chance decides, and moves nothing on', () => {
      fc.assert(
        fc.property(endpointLists, (endpoints) => {
          const picker = make(endpoints, null)
          for (let i = 0; i < 20; i++) {
            const next = picker.peek(null)
            assert.equal(picker.peek(null), next)
            const picked = picker.pick(NONE_TRIED, null)
            if (next !== BY_CHANCE) assert.equal(picked, next)
          }
        }),
      )
    })

    it('keeps to the best level while nothing of it was tried', () => {
      fc.assert(
        fc.property(endpointLists, (endpoints) => {
          const picker = make(endpoints, null)
          const best = Math.max(
            ...endpoints.filter(({ weight }) => weight > 0).map(({ priority }) => priority),
          )
          for (let i = 0; i < 20; i++) {
            const index = picker.pick(NONE_TRIED, null)
            if (index !== -1) assert.equal(endpoints[index]?.priority, best)
          }
        }),
      )
    })
  })
}

export function endpoint(index: number, weight: number, priority: number): Endpoint {
  return {
    host: `10.0.0.${index}`,
    port: 80,
    weight,
    priority,
    address: null,
    zone: null,
    failoverOnly: false,
    state: 'ready',
  }
}

const endpointLists = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: -1, max: 1 })), { maxLength: 8 })
  .map((pairs) => pairs.map(([weight, priority], index) => endpoint(index, weight, priority)))
