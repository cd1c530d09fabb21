import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Consumer } from '../model/consumer.ts'
import { Consumers } from './consumers.ts'
import { ORIGIN } from './test-fixtures.ts'

function consumer(name: string, keys: readonly string[], section = 'main'): Consumer {
  return { kind: 'consumer', id: `${section}/${name}`, name, origin: ORIGIN, section, keys, customId: null }
}

test('finds a consumer by its key and by its name, in its section alone', () => {
  const consumers = new Consumers()
  consumers.prepare([consumer('a', ['k', 'ü']), consumer('b', ['k'], 'other')], [])()
  assert.equal(consumers.byKey('main', 'k')?.id, 'main/a')
  assert.equal(consumers.byKey('other', 'k')?.id, 'other/b')
  assert.equal(consumers.byKey('main', Buffer.from('ü').toString('latin1'))?.id, 'main/a')
  assert.equal(consumers.byName('main', 'a')?.name, 'a')
  assert.equal(consumers.byName('main', 'b'), undefined)
  assert.equal(consumers.byKey('third', 'k'), undefined)
})

test('nothing is changed before the switch', () => {
  const consumers = new Consumers()
  const switchOn = consumers.prepare([consumer('a', ['k'])], [])
  assert.equal(consumers.byKey('main', 'k'), undefined)
  switchOn()
  assert.notEqual(consumers.byKey('main', 'k'), undefined)
})

test('whatever was put and removed, a key is that of the first by id that has it now', () => {
  const step = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    keys: fc.option(fc.subarray(['k1', 'k2', '']), { nil: null }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const consumers = new Consumers()
      const model = new Map<string, readonly string[]>()
      for (const { name, keys } of steps) {
        if (keys === null) {
          consumers.prepare([], [`main/${name}`])()
          model.delete(name)
        } else {
          consumers.prepare([consumer(name, keys)], [])()
          model.set(name, keys)
        }
        for (const key of ['k1', 'k2', '']) {
          const [first] = [...model].filter(([, own]) => own.includes(key)).sort()
          assert.equal(consumers.byKey('main', key)?.name, first?.[0])
        }
        assert.equal(consumers.size, model.size)
      }
    }),
  )
})
