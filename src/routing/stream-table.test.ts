import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sampleView } from '../expression/sample-view.ts'
import type { StreamRoute } from '../model/stream-route.ts'
import { CompiledStreamRoute, StreamTable, type StreamView } from './stream-table.ts'
import { makeEnvironment } from './test-fixtures.ts'

function route(id: string, conditions: Partial<StreamRoute> = {}): StreamRoute {
  return {
    kind: 'streamRoute',
    id: `test/streams/${id}`,
    name: id,
    origin: { dialect: 'test', kind: 'stream', id, path: '' },
    section: 'main',
    key: [1],
    protocols: null,
    serverAddresses: null,
    serverPorts: null,
    clients: null,
    serverNames: null,
    rules: [],
    idleMs: 1000,
    proxyProtocol: null,
    labels: { routeId: id, routeName: null, serviceId: null, serviceName: null },
    ...conditions,
  }
}

function stream(facts: Partial<StreamView> = {}): StreamView {
  return {
    ...sampleView({ clientAddress: '10.0.0.7', localAddress: '192.0.2.1', localPort: 9100 }),
    transport: 'tcp',
    serverName: null,
    ...facts,
  }
}

function tableOf(...routes: StreamRoute[]): StreamTable {
  const table = new StreamTable(['main', 'second'], makeEnvironment())
  table.prepare(routes, [])()
  return table
}

const nameOf = (table: StreamTable, view: StreamView): string | null => table.find(view)?.model.name ?? null

test('all conditions of a route must hold; one without any takes everything', () => {
  const table = tableOf(
    route('port', { serverPorts: [9101] }),
    route('client', { clients: ['10.1.0.0/16'] }),
    route('server', { serverAddresses: ['192.0.2.9'] }),
    route('udp', { protocols: ['udp'] }),
    route('z-rest'),
  )
  assert.equal(nameOf(table, stream()), 'z-rest')
  assert.equal(nameOf(table, stream({ localPort: 9101 })), 'port')
  assert.equal(nameOf(table, stream({ clientAddress: '10.1.2.3' })), 'client')
  assert.equal(nameOf(table, stream({ localAddress: '192.0.2.9' })), 'server')
  assert.equal(nameOf(table, stream({ transport: 'udp' })), 'udp')
  assert.equal(nameOf(tableOf(route('only', { serverPorts: [1] })), stream()), null)
})

test('a name goes before a wildcard, the longest of those first, and all before routes without names', () => {
  const table = tableOf(
    route('exact', { serverNames: ['a.shop.test'], key: [9] }),
    route('near', { serverNames: ['*.shop.test'] }),
    route('far', { serverNames: ['*.test'] }),
    route('open', { key: [0] }),
  )
  const at = (serverName: string | null) => nameOf(table, stream({ serverName }))
  assert.deepEqual(
    ['a.shop.test', 'b.shop.test', 'x.y.shop.test', 'other.test', 'shop.example', null].map(at),
    ['exact', 'near', 'near', 'far', 'open', 'open'],
  )
})

test('a star without a dot stands for any text, none included; a star alone for any name', () => {
  const table = tableOf(
    route('exact', { serverNames: ['foo.test'] }),
    route('dotted', { serverNames: ['*.foo.test'] }),
    route('suffix', { serverNames: ['*oo.test'] }),
    route('any', { serverNames: ['*'] }),
    route('open', { key: [0] }),
  )
  const at = (serverName: string | null) => nameOf(table, stream({ serverName }))
  assert.deepEqual(
    ['foo.test', 'a.b.foo.test', 'oo.test', 'barfoo.test', 'x.oo.test', 'o.test', null].map(at),
    ['exact', 'dotted', 'suffix', 'suffix', 'suffix', 'any', 'open'],
  )
})

test('the name is asked for only where a route that fits looks at it', () => {
  const table = tableOf(route('named', { serverNames: ['a.test'], serverPorts: [9100] }), route('open'))
  assert.equal(table.needsServerName(stream()), true)
  assert.equal(table.needsServerName(stream({ localPort: 1 })), false)
})

test('sections, keys and ids put equals in order; changes act at once', () => {
  const table = tableOf(
    route('later', { key: [2] }),
    route('b', { key: [1] }),
    route('a', { key: [1] }),
    route('other', { section: 'second', key: [0] }),
  )
  assert.equal(nameOf(table, stream()), 'a')
  table.prepare([], ['test/streams/a'])()
  assert.equal(nameOf(table, stream()), 'b')
  table.prepare([route('b', { key: [3] })], [])()
  assert.equal(nameOf(table, stream()), 'later')
  table.prepare([], ['test/streams/later', 'test/streams/b'])()
  assert.equal(nameOf(table, stream()), 'other')
  assert.equal(table.size, 1)
})

const names = fc.constantFrom(
  ...['a.test', 'b.a.test', 'c.example'],
  ...['*', '*.test', '*.a.test', '*a.test', '*.b.a.test', '*est'],
)
const conditions = fc.record({
  key: fc.array(fc.nat(3), { minLength: 1, maxLength: 2 }),
  serverNames: fc.option(fc.uniqueArray(names, { minLength: 1, maxLength: 3 })),
  serverPorts: fc.option(fc.constant([9100])),
  clients: fc.option(fc.constantFrom(['10.0.0.0/8'], ['10.0.0.7'], ['192.0.2.0/24'])),
})
const facts = fc.record({
  serverName: fc.option(
    fc.constantFrom('a.test', 'b.a.test', 'x.b.a.test', 'ba.test', 'q.test', 'est', 'c.example', 'none'),
  ),
  localPort: fc.constantFrom(9100, 9101),
  clientAddress: fc.constantFrom('10.0.0.7', '10.9.9.9', '192.0.2.3'),
})

test('the table finds what a search through all routes finds', () => {
  /** How well a name fits: 3 exactly, else by the length of the wildcard; 0: the route asks for none; -1: not at all. */
  const rank = (route: StreamRoute, serverName: string | null): number => {
    if (route.serverNames === null) return 0
    if (serverName === null) return -1
    return Math.max(
      ...route.serverNames.map((name) =>
        name === serverName
          ? 1000
          : name.startsWith('*') && serverName.endsWith(name.slice(1))
            ? name.length
            : -1,
      ),
    )
  }
  fc.assert(
    fc.property(fc.array(conditions, { maxLength: 8 }), facts, (list, seen) => {
      const routes = list.map((each, i) => route(String(i), each))
      const view = stream(seen)
      const env = makeEnvironment()
      const best = routes
        .filter((each) => new CompiledStreamRoute(each, env).fits(view) && rank(each, view.serverName) >= 0)
        .sort((a, b) => {
          const byName = rank(b, view.serverName) - rank(a, view.serverName)
          if (byName !== 0) return byName
          for (let i = 0; i < 2; i++) {
            const byKey = (a.key[i] ?? 0) - (b.key[i] ?? 0)
            if (byKey !== 0) return byKey
          }
          return a.id < b.id ? -1 : 1
        })[0]
      assert.equal(nameOf(tableOf(...routes), view), best?.name ?? null)
    }),
    { numRuns: 2000 },
  )
})

test('misfit names the first condition that does not hold, with what was wanted and what is', () => {
  const misfitOf = (conditions: Partial<StreamRoute>, facts: Partial<StreamView> = {}) => {
    const misfit = new CompiledStreamRoute(route('1', conditions), makeEnvironment()).misfit(stream(facts))
    return misfit === null ? null : [misfit.condition, misfit.expected, misfit.actual]
  }
  assert.equal(misfitOf({}), null)
  assert.deepEqual(misfitOf({ protocols: ['tls', 'udp'], serverPorts: [1] }), ['protocol', 'tls, udp', 'tcp'])
  assert.deepEqual(misfitOf({ serverPorts: [1, 2], clients: ['10.9.0.0/16'] }), ['port', '1, 2', '9100'])
  assert.deepEqual(misfitOf({ serverAddresses: ['192.0.2.9'], clients: ['10.9.0.0/16'] }), [
    'serverAddress',
    '192.0.2.9',
    '192.0.2.1',
  ])
  assert.deepEqual(misfitOf({ clients: ['10.9.0.0/16'], serverNames: ['a.test'] }), [
    'client',
    '10.9.0.0/16',
    '10.0.0.7',
  ])
  const names = { serverNames: ['a.test', '*.b.test'] }
  assert.deepEqual(misfitOf(names), ['serverName', 'a.test, *.b.test', 'none'])
  assert.deepEqual(misfitOf(names, { serverName: 'b.test' }), ['serverName', 'a.test, *.b.test', 'b.test'])
  assert.equal(misfitOf(names, { serverName: 'x.y.b.test' }), null)
})

test('candidates are all routes once, in the order of the search: the first without a misfit is the one found', () => {
  fc.assert(
    fc.property(fc.array(conditions, { maxLength: 8 }), facts, (list, seen) => {
      const routes = list.map((each, i) => route(String(i), each))
      const table = tableOf(...routes)
      const view = stream(seen)
      const candidates = [...table.candidates(view)]
      assert.deepEqual(new Set(candidates), new Set(table.routes()))
      assert.equal(candidates.length, table.size)
      assert.equal(candidates.find((each) => each.misfit(view) === null) ?? null, table.find(view))
      for (const each of candidates) {
        const condition = each.misfit(view)?.condition ?? 'serverName'
        assert.equal(condition === 'serverName', each.fits(view), 'misfit and fits agree but for the name')
      }
    }),
    { numRuns: 2000 },
  )
})
