import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { HostPattern, PathPattern } from '../model/route.ts'
import type { IndexEntry } from './entry.ts'
import { HostIndex } from './host-index.ts'
import type { IndexedRoute } from './indexed-route.ts'
import { PathTree } from './path-tree.ts'
import { indexRoute, makeRoute, makeView } from './test-fixtures.ts'

type Entry = IndexEntry<IndexedRoute>

function makeEntry(id: string, host: HostPattern, path: PathPattern): Entry {
  return indexRoute(makeRoute(id, [{ host, path, key: [0] }])).entries[0] as Entry
}

const ANY: HostPattern = { kind: 'any' }
const paths: fc.Arbitrary<PathPattern> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('exact' as const, 'prefix' as const),
    text: fc.constantFrom('', '/', '/a', '/a/', '/ab', '/a/b', '/a//b', 'x'),
  }),
  fc.constantFrom<PathPattern>(
    { kind: 'pattern', pieces: ['/', { kind: 'segment', name: 'x' }, '/b'] },
    { kind: 'pattern', pieces: ['/a', { kind: 'rest', name: null }] },
    { kind: 'pattern', pieces: ['/a/', { kind: 'segment', name: 'x' }, { kind: 'rest', name: null }] },
    { kind: 'pattern', pieces: [{ kind: 'rest', name: null }, 'z'] },
  ),
)

describe('a path tree', () => {
  it('is empty again when all that was put in is taken out, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(paths, { maxLength: 20 }), fc.infiniteStream(fc.nat()), (patterns, order) => {
        const tree = new PathTree<Entry>()
        const entries = patterns.map((path, i) => makeEntry(`r${i}`, ANY, path))
        for (const entry of entries) tree.insert(entry)
        while (entries.length > 0) {
          assert.equal(tree.isEmpty, false)
          const [entry] = entries.splice((order.next().value ?? 0) % entries.length, 1)
          if (entry !== undefined) tree.remove(entry)
        }
        assert.equal(tree.isEmpty, true)
      }),
    )
  })
})

describe('a host index', () => {
  it('proposes only lists whose host and path may fit', () => {
    const index = new HostIndex<Entry>()
    const exact = makeEntry('exact', { kind: 'exact', text: 'a.com' }, { kind: 'exact', text: '/a' })
    const suffix = makeEntry('suffix', { kind: 'suffix', text: '.com' }, { kind: 'prefix', text: '/a/' })
    const any = makeEntry('any', ANY, { kind: 'prefix', text: '/a' })
    for (const entry of [exact, suffix, any]) index.insert(entry)
    const propose = (host: string, path: string) => {
      const found: string[] = []
      index.collect(makeView({ host, path }), false, {
        add: (list) => {
          found.push(...list.map((entry) => entry.route.id))
        },
      })
      return found
    }
    assert.deepEqual(propose('a.com', '/a'), ['exact', 'any'])
    assert.deepEqual(propose('a.com', '/a/b'), ['suffix', 'any'])
    assert.deepEqual(propose('b.org', '/ax'), ['any'])
    assert.deepEqual(propose('a.com', '/b'), [])
    index.remove(any)
    index.remove(suffix)
    assert.deepEqual(propose('a.com', '/a'), ['exact'])
    assert.deepEqual(propose('a.com', '/a/b'), [])
  })
})
