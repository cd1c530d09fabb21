import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Split, SplitPolicy } from '../model/split.ts'
import { compileSplit } from './split.ts'
import type { CompiledTarget } from './table.ts'
import { makeEnvironment, makeUpstreamTarget, makeView } from './test-fixtures.ts'

const PLAIN: SplitPolicy = { forced: null, sticky: null, whenOut: { kind: 'error' } }

function build(weights: readonly number[], policy: SplitPolicy, out: ReadonlySet<number> = new Set()) {
  const targets = weights.map((weight, i) => makeUpstreamTarget(`u${i}`, weight))
  const split: Split = {
    id: 's',
    origin: { dialect: 'test', kind: 'route', id: '1', path: '' },
    targets,
    policy,
  }
  const compiled = targets.map(
    (model, index): CompiledTarget => ({
      kind: 'upstream',
      event: null,
      index,
      model,
      requestFilters: [],
      responseFilters: [],
      slot: 0,
      upstream: {
        id: model.upstreamId,
        get isOut() {
          return out.has(index)
        },
      },
    }),
  )
  return compileSplit(split, compiled, makeEnvironment())
}

type View = Parameters<typeof makeView>[0]
function choose(split: ReturnType<typeof build>, view: View = {}) {
  const cookies = view.headers?.cookie
  const target = split.policy?.choose(makeView({ ...view, cookies }), false)
  return { index: target?.index ?? null, reason: split.policy?.reason, cookie: split.policy?.cookie ?? '' }
}

const byHeader = (name: string): SplitPolicy => ({
  ...PLAIN,
  sticky: {
    by: {
      kind: 'hash',
      key: {
        sources: [{ template: [{ variable: `http_${name}`, fallback: '' }], isTerminal: true }],
        fallback: 'none',
        hash: 'xxHash',
      },
    },
    keepsZeroWeight: false,
  },
})

const byCookie = (keepsZeroWeight: boolean): SplitPolicy => ({
  ...PLAIN,
  sticky: {
    by: {
      kind: 'cookie',
      name: 'lane',
      maxAgeSeconds: 60,
      path: '/',
      isSecure: true,
      isHttpOnly: true,
      sameSite: 'lax',
    },
    keepsZeroWeight,
  },
})

describe('a forced target', () => {
  const forced: SplitPolicy = {
    ...PLAIN,
    forced: {
      sources: [
        { kind: 'header', name: 'x-lane' },
        { kind: 'cookie', name: 'lane' },
      ],
    },
  }

  it('is the one that the request names, whatever its weight, and takes no position', () => {
    const split = build([1, 0], forced)
    assert.deepEqual(choose(split, { headers: { 'x-lane': 'u1' } }), {
      index: 1,
      reason: 'forced',
      cookie: '',
    })
    assert.equal(choose(split, { headers: { cookie: 'a=b; lane=u1' } }).index, 1)
    assert.deepEqual(choose(split, { headers: { 'x-lane': 'nobody' } }), {
      index: 0,
      reason: 'weight',
      cookie: '',
    })
    const even = build([1, 1], forced)
    const seen = [0, 1, 2, 3].map(() => {
      choose(even, { headers: { 'x-lane': 'u0' } })
      return choose(even).index
    })
    assert.deepEqual(seen, [0, 1, 0, 1])
  })
})

describe('a cookie that keeps a target', () => {
  it('is set with the first choice and believed afterwards, also when weights change', () => {
    const first = choose(build([1, 1], byCookie(false)))
    assert.equal(first.index, 0)
    const [, token] =
      /^Set-Cookie: lane=([0-9a-f]{16}); Path=\/; Max-Age=60; Secure; HttpOnly; SameSite=Lax\r\n$/.exec(
        first.cookie,
      ) ?? []
    assert.ok(token)
    const heavier = build([1, 99], byCookie(false))
    for (let i = 0; i < 5; i++)
      assert.deepEqual(choose(heavier, { headers: { cookie: `lane=${token}` } }), {
        index: 0,
        reason: 'sticky',
        cookie: '',
      })
  })

  it('is not believed where its target has no weight, unless that is wished for', () => {
    const token = /lane=([0-9a-f]+)/.exec(choose(build([1, 0], byCookie(false))).cookie)?.[1]
    const cookie = { headers: { cookie: `lane=${token}` } }
    assert.equal(choose(build([0, 1], byCookie(false)), cookie).index, 1)
    assert.deepEqual(choose(build([0, 1], byCookie(true)), cookie), {
      index: 0,
      reason: 'sticky',
      cookie: '',
    })
    assert.equal(
      choose(build([0, 1], byCookie(true)), { headers: { cookie: 'lane=0123456789abcdef' } }).index,
      1,
    )
  })
})

describe('a hash that keeps a target', () => {
  const keys = Array.from({ length: 4000 }, (_, i) => `user-${i}`)
  const spread = (weights: readonly number[]): (number | null)[] => {
    const split = build(weights, byHeader('x_user'))
    return keys.map((key) => choose(split, { headers: { 'x-user': key } }).index)
  }

  it('gives each target its share of the keys', () => {
    const counts = [0, 0, 0]
    for (const index of spread([70, 20, 10]))
      counts[index as number] = (counts[index as number] as number) + 1
    console.log(`sticky hash 70/20/10 over ${keys.length} keys: ${counts}`)
    assert.ok(Math.abs((counts[0] as number) - 2800) < 120, `${counts}`)
    assert.ok(Math.abs((counts[1] as number) - 800) < 120, `${counts}`)
    assert.ok(Math.abs((counts[2] as number) - 400) < 120, `${counts}`)
  })

  it('only ever moves keys to the target whose weight grows', () => {
    const some = keys.slice(0, 200)
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 2, maxLength: 5 }),
        fc.nat(),
        fc.integer({ min: 1, max: 100 }),
        (weights, place, more) => {
          const grown = place % weights.length
          const after = weights.map((weight, i) => (i === grown ? weight + more : weight))
          const [one, two] = [build(weights, byHeader('x_user')), build(after, byHeader('x_user'))]
          for (const key of some) {
            const view = { headers: { 'x-user': key } }
            const now = choose(two, view).index
            const was = weights.every((weight) => weight === 0) ? null : choose(one, view).index
            assert.ok(now === was || now === grown, `${key}: ${was} to ${now}`)
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  it('leaves a request without a key to the weights', () => {
    const split = build([1, 1], byHeader('x_user'))
    assert.deepEqual([choose(split).index, choose(split).index], [0, 1])
    assert.equal(choose(split).reason, 'weight')
  })
})

describe('the share of a target that is out', () => {
  it('fails where nothing else is said', () => {
    const split = build([1, 1], PLAIN, new Set([0]))
    assert.deepEqual([choose(split).index, choose(split).index], [0, 1])
  })

  it('goes to the others by their weights', () => {
    const split = build([4, 2, 1], { ...PLAIN, whenOut: { kind: 'spill' } }, new Set([0]))
    const counts = [0, 0, 0]
    for (let i = 0; i < 21; i++) {
      const { index, reason } = choose(split)
      counts[index as number] = (counts[index as number] as number) + 1
      if (index !== 0 && i === 0) assert.equal(reason, 'failover')
    }
    assert.deepEqual(counts, [0, 14, 7])
  })

  it('goes to the one that is named for it', () => {
    const out = new Set([0])
    const split = build([1, 0], { ...PLAIN, whenOut: { kind: 'target', index: 1 } }, out)
    assert.deepEqual(choose(split), { index: 1, reason: 'failover', cookie: '' })
    out.add(1)
    assert.equal(choose(split).index, 0, 'with nobody left the choice stands')
    out.clear()
    assert.equal(choose(split).reason, 'weight')
  })
})
