import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { RequestView } from '../expression/request-view.ts'
import type { Predicate } from '../model/predicate.ts'
import type { HostPattern, PathPattern, PatternPiece, Route } from '../model/route.ts'
import { compareEntries } from './entry.ts'
import { ChoiceTrace } from './explain.ts'
import type { RouteSource } from './indexed-route.ts'
import { RoutingTable } from './routing-table.ts'
import { NEEDS_BODY, type Table } from './table.ts'
import { indexRoute, makeEnvironment, makeRoute, makeSection, makeView } from './test-fixtures.ts'

const SECTIONS = [makeSection('main'), makeSection('second')]
const now = () => false
/** Tables, each asked some six requests: 400, or with HEADGATE_LONG=1 more than 100 000 requests in all. */
const RUNS = process.env.HEADGATE_LONG === '1' ? 30_000 : 400

describe('the routing table', () => {
  it('finds what a linear scan by key finds, for every kind of entry, edited in place or built anew', () => {
    fc.assert(
      fc.property(
        fc.array(edits, { maxLength: 40 }),
        fc.array(requests, { maxLength: 12 }),
        (changes, views) => {
          const inPlace = new RoutingTable(SECTIONS, makeEnvironment())
          const living = new Map<string, Route>()
          let revision = 0
          for (const change of changes) {
            const edit = inPlace.begin()
            if (change.op === 'put') {
              edit.upsert(change.route)
              living.set(change.route.id, change.route)
            } else {
              edit.remove(change.id)
              living.delete(change.id)
            }
            edit.commit(++revision)
          }
          const anew = buildAnew(changes, 0)
          const half = buildAnew(changes, changes.length >> 1)
          assert.equal(inPlace.size, living.size)
          assert.equal(inPlace.revision, revision)
          for (const view of views) {
            const expected = scan(living.values(), view)
            assert.equal(findId(inPlace, view), expected, 'in place')
            assert.equal(findId(anew, view), expected, 'built anew')
            assert.equal(findId(half, view), expected, 'half in place, then built anew')
            const trace = new ChoiceTrace()
            const traced = inPlace.find({ ...view, body: null }, trace)
            assert.equal(
              traced === null || traced === NEEDS_BODY ? null : traced.model.id,
              scan(living.values(), { ...view, body: null }),
            )
            const passed = trace.candidates.filter(({ outcome }) => outcome === 'passed')
            assert.equal(passed.length, traced === null ? 0 : 1)
          }
        },
      ),
      { numRuns: RUNS },
    )
  })

  it('finds what a linear scan finds on one long list that a variable tells apart', () => {
    const table = new RoutingTable(SECTIONS, makeEnvironment())
    const living = new Map<string, Route>()
    const random = makeRandom(7)
    for (let i = 0; i < 400; i++) {
      const id = `r${Math.floor(random() * 120)}`
      const edit = table.begin()
      if (random() < 0.3) {
        living.delete(id)
        edit.remove(id)
      } else {
        const route = tenantRoute(id, Math.floor(random() * 6), random)
        living.set(id, route)
        edit.upsert(route)
      }
      edit.commit(i)
      for (const tenant of ['t0', 't1', 't2', 't3', 'none']) {
        const view = makeView({ path: '/api', headers: tenant === 'none' ? {} : { 'x-tenant': tenant } })
        assert.equal(findId(table, view), scan(living.values(), view))
      }
    }
  })

  it('asks for the body only when an entry that reads it is next', () => {
    const body: Predicate = { kind: 'test', variable: 'post_arg_kind', operator: 'equal', value: 'vip' }
    const entry = (key: number) => ({ host: ANY, path: { kind: 'exact', text: '/a' } as const, key: [key] })
    const first = makeRoute('first', [entry(0)], { methods: ['POST'] })
    const second = makeRoute('second', [entry(1)], { predicate: body })
    const third = makeRoute('third', [entry(2)])
    const table = buildInPlace([third, second, first])
    assert.equal(findId(table, makeView({ method: 'POST', path: '/a' })), 'first')
    assert.equal(table.find(makeView({ path: '/a' }), null), NEEDS_BODY)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    assert.equal(findId(table, makeView({ path: '/a', headers, body: 'kind=vip' })), 'second')
    assert.equal(findId(table, makeView({ path: '/a', headers, body: 'kind=x' })), 'third')
    assert.equal(findId(table, makeView({ path: '/a', headers, body: null })), 'third')
  })

  it('lets predicates read the named pieces of the entry at hand, and leaves those of the winner', () => {
    const predicate: Predicate = { kind: 'test', variable: 'uri_param_x', operator: 'equal', value: 'a' }
    const route = makeRoute(
      'named',
      [
        { host: ANY, path: { kind: 'pattern', pieces: ['/a/', segment('id')] }, key: [0] },
        { host: ANY, path: { kind: 'pattern', pieces: ['/', segment('x'), '/b'] }, key: [1] },
      ],
      { predicate },
    )
    const plain = makeRoute('plain', [{ host: ANY, path: { kind: 'prefix', text: '/' }, key: [2] }])
    const table = buildInPlace([route, plain])
    const view = makeView({ path: '/a/b' })
    const found = table.find(view, null)
    assert.ok(found !== null && found !== NEEDS_BODY)
    assert.equal(found.model.id, 'named')
    assert.deepEqual(Object.fromEntries(found.captures(view) ?? []), { x: 'a' })
    const other = makeView({ path: '/z/b' })
    assert.equal(findId(table, other), 'plain')
    assert.equal(other.pathParams, null)
  })

  it('searches sections in order, and in the order that a listener names', () => {
    const entry = { host: ANY, path: { kind: 'prefix', text: '/' } as const, key: [0] }
    const table = buildInPlace([makeRoute('a', [entry]), makeRoute('b', [entry], { section: 'second' })])
    const view = makeView({ path: '/x' })
    assert.equal(findId(table, view), 'a')
    const reversed = table.tableFor(['second', 'main'])
    assert.equal(findId(reversed, view), 'b')
    const only = table.tableFor(['second'])
    commit(table, (edit) => edit.remove('b'))
    assert.equal(findId(only, view), null)
    assert.equal(findId(reversed, view), 'a')
    assert.equal(only.revision, table.revision)
    const many = table.begin()
    for (let i = 0; i < 600; i++)
      many.upsert(makeRoute(`n${i}`, [{ ...entry, key: [i + 1] }], { section: 'second' }))
    many.commit(9)
    assert.equal(findId(only, view), 'n0')
    assert.throws(() => table.tableFor(['third']), /no section/)
  })

  it('answers a miss with the last section that has routes, or with the first where none has', () => {
    const entry = { host: ANY, path: { kind: 'prefix', text: '/x' } as const, key: [0] }
    const table = buildInPlace([])
    const reversed = table.tableFor(['second', 'main'])
    const names = () => [table.missSection.name, reversed.missSection.name]
    assert.deepEqual(names(), ['main', 'second'])
    commit(table, (edit) => edit.upsert(makeRoute('a', [entry])))
    assert.deepEqual(names(), ['main', 'main'])
    commit(table, (edit) => edit.upsert(makeRoute('b', [entry], { section: 'second' })))
    assert.deepEqual(names(), ['second', 'main'])
    commit(table, (edit) => edit.remove('a'))
    assert.deepEqual(names(), ['second', 'second'])
    commit(table, (edit) => edit.remove('b'))
    assert.deepEqual(names(), ['main', 'second'])
  })

  it('is not answered for by a section that only knows its own hosts, while nobody has routes', () => {
    const hidden = makeSection('hidden')
    const sections = [{ ...hidden, surface: { ...hidden.surface, answersEmpty: false } }, makeSection('main')]
    const table = new RoutingTable(sections, makeEnvironment())
    assert.equal(table.missSection.name, 'main')
    const path = { kind: 'prefix', text: '/x' } as const
    const route = makeRoute('a', [{ host: ANY, path, key: [0] }], { section: 'hidden' })
    commit(table, (edit) => edit.upsert(route))
    assert.equal(table.missSection.name, 'hidden')
  })

  it('shows nothing of an edit before it is committed, and refuses one that another overtook', () => {
    const entry = { host: ANY, path: { kind: 'prefix', text: '/' } as const, key: [0] }
    const table = buildInPlace([makeRoute('a', [entry])])
    const late = table.begin()
    late.upsert(makeRoute('b', [{ ...entry, key: [-1] }]))
    assert.equal(late.work(now), true)
    assert.equal(findId(table, makeView({})), 'a')
    commit(table, (edit) => edit.upsert(makeRoute('c', [{ ...entry, key: [-2] }])))
    assert.throws(() => late.commit(5), /another edit/)
    assert.equal(findId(table, makeView({})), 'c')
  })

  it('yields often while it builds anew, takes further changes between two rounds, and keeps routes that stay', () => {
    const entry = (i: number) => ({
      host: ANY,
      path: { kind: 'exact', text: `/p${i % 50}` } as const,
      key: [-i],
    })
    const table = buildInPlace(Array.from({ length: 300 }, (_, i) => makeRoute(`old${i}`, [entry(i)])))
    const kept = table.route('old299')
    const edit = table.begin()
    let yields = 0
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 700; i++)
        edit.upsert(makeRoute(`new${round}-${i}`, [entry(1000 + round * 1000 + i)]))
      edit.upsert(makeRoute('moved', [entry(5000 + round)]))
      edit.remove('old0')
      edit.remove('new0-5')
      while (!edit.work(() => true)) yields++
    }
    edit.upsert(makeRoute('new1-6', [entry(9000)]))
    assert.equal(findId(table, makeView({ path: '/p49' })), 'old299')
    edit.commit(2)
    assert.ok(yields > 2000)
    assert.equal(table.size, 300 + 2100 + 1 - 2)
    assert.equal(table.route('old299'), kept)
    const living = [...table.routes()].map((route) => route.model)
    for (let i = 0; i < 51; i++) {
      const view = makeView({ path: `/p${i}` })
      assert.equal(findId(table, view), scan(living, view))
    }
  })

  it('leaves the table as it was when a route does not compile', () => {
    const entry = { host: ANY, path: { kind: 'prefix', text: '/' } as const, key: [0] }
    const table = buildInPlace([makeRoute('a', [entry])])
    const edit = table.begin()
    assert.throws(() => edit.upsert(makeRoute('b', [entry], { section: 'nowhere' })), /no section/)
    edit.commit(2)
    assert.equal(table.size, 1)
  })

  it('compiles a route that comes as one of many with the first request for it, once, and keeps it', () => {
    const entry = (text: string) => ({ host: ANY, path: { kind: 'exact', text } as const, key: [0] })
    let reads = 0
    const table = new RoutingTable(SECTIONS, makeEnvironment())
    commit(table, (edit) => {
      for (const id of ['a', 'b']) {
        const model = makeRoute(id, [entry(`/${id}`)])
        edit.upsertLater({
          id,
          readHead: () => model,
          read: () => {
            reads++
            return model
          },
        })
      }
    })
    assert.equal(reads, 0)
    const view = makeView({ path: '/a' })
    const found = table.find(view, null)
    assert.equal(table.find(view, null), found)
    assert.equal(table.route('a'), found)
    assert.equal(reads, 1)
    assert.deepEqual(
      [...table.routes()].map((route) => route.model.id),
      ['a', 'b'],
    )
    assert.equal(reads, 2)
  })

  it('passes over a route that cannot be compiled when a request comes to it, and says so once', () => {
    const faults: string[] = []
    const onBroken = (id: string, error: unknown) => faults.push(`${id}: ${String(error)}`)
    const table = new RoutingTable(SECTIONS, { ...makeEnvironment(), onBroken })
    const entry = { host: ANY, path: { kind: 'prefix', text: '/' } as const, key: [0] }
    commit(table, (edit) => {
      const read = () => {
        throw new Error('unreadable')
      }
      edit.upsertLater({ id: 'broken', read, readHead: () => makeRoute('broken', [entry]) })
      edit.upsertLater(laterOf(makeRoute('sound', [{ ...entry, key: [1] }])))
    })
    for (let i = 0; i < 2; i++) assert.equal(findId(table, makeView({})), 'sound')
    assert.deepEqual(faults, ['broken: Error: unreadable'])
    assert.equal(table.size, 2)
  })

  it('tells a trace which condition failed, and on what', () => {
    const path = { kind: 'exact', text: '/a' } as const
    const table = buildInPlace([
      makeRoute('method', [{ host: ANY, path, key: [0] }], { methods: ['PUT'] }),
      makeRoute('client', [{ host: ANY, path, key: [1] }], { clients: ['10.0.0.0/8'] }),
      makeRoute('last', [{ host: ANY, path, key: [2] }]),
    ])
    const trace = new ChoiceTrace()
    table.find(makeView({ path: '/a' }), trace)
    assert.deepEqual(
      trace.candidates.map(({ route, outcome }) => [route.id, outcome]),
      [
        ['method', { condition: 'method', expected: 'PUT', actual: 'GET' }],
        ['client', { condition: 'client', expected: '10.0.0.0/8', actual: '127.0.0.1' }],
        ['last', 'passed'],
      ],
    )
  })

  it('takes a prefix that ends inside a segment, and the hosts that a suffix or prefix says', () => {
    const route = (id: string, host: HostPattern, text: string, key: number) =>
      makeRoute(id, [{ host, path: { kind: 'prefix', text }, key: [key] }])
    const table = buildInPlace([
      route('dot', { kind: 'suffix', text: '.foo.com' }, '/', 0),
      route('bare', { kind: 'suffix', text: 'foo.com' }, '/', 1),
      route('front', { kind: 'prefix', text: 'x.' }, '/', 2),
      route('mid', ANY, '/a', 3),
      route('all', ANY, '', 4),
    ])
    const find = (host: string, path: string) => findId(table, makeView({ host, path }))
    assert.equal(find('a.b.foo.com', '/'), 'dot')
    assert.equal(find('xfoo.com', '/'), 'bare')
    assert.equal(find('foo.com', '/'), 'bare')
    assert.equal(find('x.y', '/'), 'front')
    assert.equal(find('', '/ab/c'), 'mid')
    assert.equal(find('', '/a'), 'mid')
    assert.equal(find('', '/b'), 'all')
  })
})

const ANY: HostPattern = { kind: 'any' }

function segment(name: string | null): PatternPiece {
  return { kind: 'segment', name }
}

function commit(table: RoutingTable, change: (edit: ReturnType<RoutingTable['begin']>) => void): void {
  const edit = table.begin()
  change(edit)
  assert.equal(edit.work(now), true)
  edit.commit(table.revision + 1)
}

function buildInPlace(routes: readonly Route[]): RoutingTable {
  const table = new RoutingTable(SECTIONS, makeEnvironment())
  commit(table, (edit) => {
    for (const route of routes) edit.upsert(route)
  })
  return table
}

type Change = { readonly op: 'put'; readonly route: Route } | { readonly op: 'remove'; readonly id: string }

/** The first changes in place, the rest as one edit with so many changes that the index is built beside the old one. */
function buildAnew(changes: readonly Change[], inPlace: number): RoutingTable {
  const table = new RoutingTable(SECTIONS, makeEnvironment())
  const apply = (edit: ReturnType<RoutingTable['begin']>, part: readonly Change[]) => {
    for (const change of part) {
      if (change.op === 'put') edit.upsertLater(laterOf(change.route))
      else edit.remove(change.id)
    }
  }
  commit(table, (edit) => apply(edit, changes.slice(0, inPlace)))
  commit(table, (edit) => {
    for (let i = 0; i < 501; i++) edit.remove(`absent${i}`)
    apply(edit, changes.slice(inPlace))
  })
  return table
}

/** A route that is read when it is needed, from a text as workers have it. */
function laterOf(route: Route): RouteSource {
  const text = JSON.stringify(route)
  return { id: route.id, read: () => JSON.parse(text), readHead: () => JSON.parse(text) }
}

/** The id of what is found; a body that is asked for is absent. */
function findId(table: Table, view: RequestView): string | null {
  let found = table.find(view, null)
  if (found === NEEDS_BODY) found = table.find({ ...view, body: null }, null)
  assert.notEqual(found, NEEDS_BODY)
  return found === null || found === NEEDS_BODY ? null : found.model.id
}

/** The definition: section by section, all entries in order, the first whose route holds. */
function scan(routes: Iterable<Route>, view: RequestView): string | null {
  const compiled = [...routes].map((route) => {
    const section = SECTIONS.find(({ name }) => name === route.section)
    assert.ok(section !== undefined)
    return indexRoute(route, section)
  })
  for (const section of SECTIONS) {
    const entries = compiled
      .filter((route) => route.section === section)
      .flatMap((route) => route.entries)
      .sort(compareEntries)
    for (const entry of entries) {
      const route = entry.route.compile()
      if (route?.test(entry, { ...view, body: view.body ?? null, pathParams: null }, null) === true)
        return route.model.id
    }
  }
  return null
}

function makeRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state / 2 ** 32
  }
}

function tenantRoute(id: string, priority: number, random: () => number): Route {
  const tenant = `t${Math.floor(random() * 4)}`
  const kind = random()
  const predicate: Predicate | null =
    kind < 0.1
      ? null
      : kind < 0.3
        ? { kind: 'test', variable: 'http_x_tenant', operator: 'in', value: [tenant, 't9', tenant] }
        : { kind: 'test', variable: 'http_X-Tenant', operator: 'equal', value: tenant }
  return makeRoute(id, [{ host: ANY, path: { kind: 'exact', text: '/api' }, key: [-priority] }], {
    predicate,
  })
}

const segments = fc.constantFrom('a', 'ab', 'b', 'abc', '')
const paths = fc.array(segments, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`)
const pieces: fc.Arbitrary<PatternPiece> = fc.oneof(
  paths,
  fc.constantFrom('/', 'a', 'b'),
  fc.constantFrom<PatternPiece>(
    segment('x'),
    segment(null),
    { kind: 'rest', name: 'y' },
    { kind: 'rest', name: null },
  ),
)
const pathPatterns: fc.Arbitrary<PathPattern> = fc.oneof(
  fc.record({ kind: fc.constant('exact' as const), text: paths }),
  fc.record({ kind: fc.constant('prefix' as const), text: fc.oneof(paths, fc.constant('')) }),
  fc.record({
    kind: fc.constant('pattern' as const),
    pieces: fc.oneof(
      fc.array(pieces, { maxLength: 5 }),
      fc
        .array(fc.oneof(segments, fc.constant(segment('x'))), { minLength: 1, maxLength: 4 })
        .map((parts) => parts.flatMap((part) => ['/', part])),
    ),
  }),
)
const hostTexts = fc.constantFrom('a.com', 'b.a.com', '.a.com', 'a.', 'com', 'm', 'b.', '.com', 'ba.com')
const hostPatterns: fc.Arbitrary<HostPattern> = fc.oneof(
  fc.constant(ANY),
  fc.record({
    kind: fc.constantFrom('exact' as const, 'suffix' as const, 'prefix' as const),
    text: hostTexts,
  }),
)
const predicates: fc.Arbitrary<Predicate | null> = fc.constantFrom<(Predicate | null)[]>(
  null,
  { kind: 'test', variable: 'http_v', operator: 'equal', value: '1' },
  { kind: 'test', variable: 'http_v', operator: 'in', value: ['1', '2'] },
  { kind: 'test', variable: 'arg_q', operator: 'equal', value: '1' },
  { kind: 'test', variable: 'uri_param_x', operator: 'equal', value: 'a' },
  { kind: 'test', variable: 'post_arg_k', operator: 'notEqual', value: 'x' },
  { kind: 'test', variable: 'post_arg_k', operator: 'equal', value: 'x' },
)
const ids = fc.nat(30).map((n) => `r${n}`)
const routes = fc
  .record({
    id: ids,
    entries: fc.array(
      fc.record({
        host: hostPatterns,
        path: pathPatterns,
        key: fc.array(fc.integer({ min: -1, max: 1 }), { maxLength: 2 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    methods: fc.constantFrom(null, ['GET'], ['POST', 'PUT']),
    clients: fc.constantFrom(null, null, ['127.0.0.0/8'], ['10.0.0.0/8']),
    predicate: predicates,
    section: fc.constantFrom('main', 'second'),
  })
  .map(({ id, entries, ...parts }) => makeRoute(id, entries, parts))
const edits = fc.oneof(
  { weight: 4, arbitrary: routes.map((route) => ({ op: 'put' as const, route })) },
  { weight: 1, arbitrary: ids.map((id) => ({ op: 'remove' as const, id })) },
)
const requests = fc
  .record({
    path: paths,
    host: fc.constantFrom('a.com', 'b.a.com', 'ba.com', 'c.b.a.com', 'b.com', '', '.a.com', 'm'),
    method: fc.constantFrom('GET', 'POST'),
    query: fc.constantFrom(null, 'q=1'),
    v: fc.constantFrom('1', '2', undefined),
  })
  .map(({ v, ...parts }) => makeView({ ...parts, headers: v === undefined ? {} : { v } }))
