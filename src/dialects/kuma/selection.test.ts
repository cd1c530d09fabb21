import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SERVICE, type Tags } from './resources.ts'
import { bestRank, hasTags, rankOf, rankRoute, resolveTags, selectRoute } from './selection.ts'

/** spec/kuma.md 4 and 5. */

const site: Tags = { [SERVICE]: 'site', dc: 'eu', version: 'v1' }

interface Written {
  readonly name: string
  readonly sources: readonly Tags[]
  readonly destinations: readonly Tags[]
  readonly createdMs: number
}

function route(name: string, source: Tags | readonly Tags[], destination: string, createdMs = 1): Written {
  const sources = Array.isArray(source) ? (source as readonly Tags[]) : [source as Tags]
  return { name, sources, destinations: [{ [SERVICE]: destination }], createdMs }
}

const chosen = (routes: readonly Written[], tagSets: readonly Tags[] = [site]): string | undefined =>
  selectRoute(
    routes.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    tagSets,
    'cart',
  )?.name

test('a selector fits where every key is there with its value, and a star takes any value of a key that is there', () => {
  assert.deepEqual(rankOf({ [SERVICE]: 'site' }, site), { exact: 1, wild: 0 })
  assert.deepEqual(rankOf({ [SERVICE]: '*', dc: '*', version: 'v1' }, site), { exact: 1, wild: 2 })
  assert.equal(rankOf({ [SERVICE]: 'site', zone: '*' }, site), null)
  assert.equal(rankOf({ [SERVICE]: 'Site' }, site), null)
})

test('keys of several inbounds are never put together', () => {
  const inbounds = [
    { [SERVICE]: 'site', dc: 'eu' },
    { [SERVICE]: 'api', dc: 'us' },
  ]
  assert.equal(bestRank([{ [SERVICE]: 'site', dc: 'us' }], inbounds), null)
  assert.deepEqual(bestRank([{ [SERVICE]: 'api', dc: 'us' }], inbounds), { exact: 2, wild: 0 })
})

test('the table of winners holds', () => {
  assert.equal(
    chosen([route('a', { [SERVICE]: 'site' }, '*'), route('b', { [SERVICE]: 'site', dc: 'eu' }, '*')]),
    'b',
  )
  assert.equal(chosen([route('a', { [SERVICE]: '*' }, '*'), route('b', { [SERVICE]: 'site' }, '*')]), 'b')
  const tie = [route('a', { [SERVICE]: '*' }, 'cart', 5), route('b', { [SERVICE]: 'site' }, '*', 6)]
  assert.equal(chosen(tie), 'b', 'of equal ranks the later creation wins')
  assert.equal(chosen([{ ...tie[0], createdMs: 7 } as Written, tie[1] as Written]), 'a')
  // three wildcards are more tags than two exact ones
  const wide = route('wide', { [SERVICE]: '*', dc: '*' }, '*')
  assert.equal(chosen([route('exact', { [SERVICE]: 'site' }, 'cart', 9), wide]), 'wide')
})

test('of several selectors of the sources the best counts, not their sum', () => {
  const many = route('many', [{ [SERVICE]: '*' }, { [SERVICE]: 'site' }, { dc: 'eu' }], '*')
  assert.deepEqual(rankRoute(many, [site], 'cart'), { exact: 1, wild: 1 })
  const two = route('two', { [SERVICE]: 'site', dc: 'eu' }, '*')
  assert.equal(chosen([many, two]), 'two')
})

test('equal in rank and creation the first name wins, and routes that do not fit are not chosen', () => {
  assert.equal(chosen([route('b', site, 'cart'), route('a', site, 'cart')]), 'a')
  assert.equal(chosen([route('a', { [SERVICE]: 'other' }, 'cart'), route('b', site, 'other')]), undefined)
  assert.equal(chosen([]), undefined)
})

test('the choice does not hang on the order in which routes are looked at, but for their names', () => {
  const tags = fc.dictionary(
    fc.constantFrom(SERVICE, 'dc', 'version'),
    fc.constantFrom('*', 'site', 'eu', 'v1'),
  )
  const routes = fc.uniqueArray(
    fc.record({
      name: fc.stringMatching(/^[a-z]{1,3}$/),
      sources: fc.array(tags, { minLength: 1, maxLength: 3 }),
      destinations: fc.constant([{ [SERVICE]: '*' }]),
      createdMs: fc.integer({ min: 0, max: 2 }),
    }),
    { selector: ({ name }) => name, maxLength: 6 },
  )
  fc.assert(
    fc.property(routes, (list) => {
      const winner = chosen(list)
      const loser = list.filter(({ name }) => name !== winner)
      // without any other one it still wins
      for (const { name } of loser) assert.equal(chosen(list.filter((one) => one.name !== name)), winner)
    }),
  )
})

test('tags of a leg are those of the outbound where they are stars, and others of the outbound are inherited', () => {
  const outbound = { [SERVICE]: 'cart', version: 'v7' }
  assert.deepEqual(resolveTags({ [SERVICE]: '*' }, outbound), outbound)
  assert.deepEqual(resolveTags({ [SERVICE]: 'cart', version: '*' }, outbound), outbound)
  assert.deepEqual(resolveTags({ [SERVICE]: '*', dc: '*' }, { [SERVICE]: 'cart' }), { [SERVICE]: 'cart' })
  // also when the leg leads to another service
  assert.deepEqual(resolveTags({ [SERVICE]: 'deals' }, outbound), { [SERVICE]: 'deals', version: 'v7' })
  assert.deepEqual(resolveTags({ [SERVICE]: 'deals', version: 'v1' }, outbound), {
    [SERVICE]: 'deals',
    version: 'v1',
  })
})

test('an endpoint belongs to a leg that asks for nothing it lacks', () => {
  assert.ok(hasTags(site, { [SERVICE]: 'site', dc: 'eu' }))
  assert.ok(!hasTags(site, { [SERVICE]: 'site', dc: 'us' }))
  assert.ok(!hasTags(site, { zone: 'z' }))
})
