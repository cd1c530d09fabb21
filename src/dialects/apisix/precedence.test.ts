import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePredicate } from '../../expression/compile.ts'
import type { RequestView } from '../../expression/request-view.ts'
import type { JsonObject } from '../../model/json.ts'
import type { HostPattern, PathPattern, Route, RouteEntry } from '../../model/route.ts'
import type { ApisixSettings } from '../../model/settings.ts'
import { parseHost, parsePath } from './patterns.ts'
import { type EntryRank, rankEntry } from './precedence.ts'
import { document, settingsWith, translateAll } from './testing/translate.ts'

interface Request {
  readonly host?: string
  readonly path: string
  readonly method?: string
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The plainest search there can be: all entries by key, the first that passes wins. */
function find(
  routes: Readonly<Record<string, JsonObject>>,
  request: Request,
  router: ApisixSettings['router'] = 'radixtree_host_uri',
): string | null {
  const documents = Object.entries(routes).map(([id, value], index) =>
    document(`routes/${id}`, { plugins: {}, ...value }, index + 1),
  )
  const { objects } = translateAll(documents, settingsWith({ router }))
  const candidates: { route: Route; entry: RouteEntry }[] = []
  for (const route of objects) {
    if (route.kind === 'route') for (const entry of route.entries) candidates.push({ route, entry })
  }
  candidates.sort((a, b) => compareKeys(a.entry.key, b.entry.key) || (a.route.id < b.route.id ? -1 : 1))
  const view = viewOf(request)
  const hit = candidates.find(
    ({ route, entry }) =>
      fitsHost(entry.host, view.host) &&
      fitsPath(entry.path, view.path) &&
      (route.methods === null || route.methods.includes(view.method)) &&
      (route.predicate === null || compilePredicate(route.predicate).test(view, null)),
  )
  return hit === undefined ? null : hit.route.origin.id
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  assert.equal(a.length, b.length)
  for (const [index, value] of a.entries()) {
    const other = b[index] as number
    if (value !== other) return value - other
  }
  return 0
}

function fitsHost(pattern: HostPattern, host: string): boolean {
  if (pattern.kind === 'any') return true
  return pattern.kind === 'exact' ? pattern.text === host : host.endsWith(pattern.text)
}

function fitsPath(pattern: PathPattern, path: string): boolean {
  if (pattern.kind === 'pattern') {
    const source = pattern.pieces.map((piece) =>
      typeof piece === 'string'
        ? piece.replace(/[.*+?]/g, '\\$&')
        : piece.kind === 'segment'
          ? '[^/]+'
          : '[^]*',
    )
    return new RegExp(`^${source.join('')}$`).test(path)
  }
  return pattern.kind === 'exact' ? pattern.text === path : path.startsWith(pattern.text)
}

function viewOf(request: Request): RequestView {
  const host = request.host ?? 'any.test'
  const fields: Readonly<Record<string, string>> = { host, ...request.headers }
  return {
    method: request.method ?? 'GET',
    target: request.path,
    path: request.path,
    query: request.query ?? null,
    host: host.replace(/:\d+$/, '').toLowerCase(),
    scheme: 'http',
    protocol: 'HTTP/1.1',
    clientAddress: '127.0.0.1',
    clientPort: 1,
    peerAddress: '127.0.0.1',
    localAddress: '127.0.0.1',
    localPort: 9080,
    requestId: 'x',
    header: (name) => fields[name],
    firstField: (_, lowerName) => fields[lowerName],
    joinedField: (name) => fields[name],
    random: () => 0,
    cookies: undefined,
    body: null,
    pathParams: null,
    labels: null,
    consumer: null,
    answer: null,
  }
}

const v = (value: string): JsonObject => ({ vars: [['arg_v', '==', value]] })

test('priority never beats an exact path', () => {
  const routes = { A: { uri: '/api/*', priority: 100 }, B: { uri: '/api/v1', priority: 0 } }
  assert.equal(find(routes, { path: '/api/v1' }), 'B')
  assert.equal(find(routes, { path: '/api/v2' }), 'A')
})

test('a wildcard host with a prefix beats an exact path without host', () => {
  const routes = { A: { host: '*.t.com', uri: '/*' }, B: { uri: '/x' } }
  assert.equal(find(routes, { host: 'www.t.com', path: '/x' }), 'A')
  assert.equal(find(routes, { host: 't.com', path: '/x' }), 'B')
})

test('a host whose paths all fail is left for the routes without host', () => {
  const routes = { A: { host: 't.com', uri: '/a' }, B: { uri: '/b' } }
  assert.equal(find(routes, { host: 't.com', path: '/b' }), 'B')
  assert.equal(find(routes, { host: 't.com', path: '/a' }), 'A')
})

test('a method that fails goes on to a shorter prefix, and to no route at all', () => {
  const routes = { A: { uri: '/x', methods: ['GET'] }, B: { uri: '/*', methods: ['POST'] } }
  assert.equal(find(routes, { path: '/x', method: 'POST' }), 'B')
  assert.equal(find(routes, { path: '/x', method: 'GET' }), 'A')
  assert.equal(find(routes, { path: '/x', method: 'PUT' }), null)
})

test('on one path the vars decide, and priority orders what is left', () => {
  const routes = {
    C: { uri: '/x', priority: -1 },
    A: { uri: '/x', ...v('1') },
    B: { uri: '/x', ...v('2') },
  }
  assert.equal(find(routes, { path: '/x', query: 'v=3' }), 'C')
  assert.equal(find(routes, { path: '/x', query: 'v=2' }), 'B')
  assert.equal(find(routes, { path: '/x', query: 'v=1' }), 'A')
})

test('exact paths precede prefixes, longer prefixes precede shorter ones', () => {
  const routes = { A: { uri: '/s/*' }, B: { uri: '/s/a/*' }, C: { uri: '/s/a' } }
  assert.equal(find(routes, { path: '/s/a/b' }), 'B')
  assert.equal(find(routes, { path: '/s/a' }), 'C')
  assert.equal(find(routes, { path: '/s/z' }), 'A')
})

test('exact hosts precede wildcards, longer suffixes precede shorter ones, a lone star is the last wildcard', () => {
  const routes = {
    none: { uri: '/x' },
    star: { uri: '/*', host: '*' },
    short: { uri: '/*', host: '*.com' },
    bare: { uri: '/*', host: '*t.com' },
    long: { uri: '/*', host: '*.t.com' },
    exact: { uri: '/*', host: 'a.t.com' },
  }
  assert.equal(find(routes, { host: 'A.T.com:9080', path: '/x' }), 'exact')
  assert.equal(find(routes, { host: 'b.t.com', path: '/x' }), 'long')
  assert.equal(find(routes, { host: 'xt.com', path: '/x' }), 'bare')
  assert.equal(find(routes, { host: 'y.com', path: '/x' }), 'short')
  assert.equal(find(routes, { host: 'y.org', path: '/x' }), 'star')
})

test('on one prefix the higher priority, then the longer pattern, then the older route wins', () => {
  assert.equal(find({ A: { uri: '/a/*/z' }, B: { uri: '/a/*', priority: 1 } }, { path: '/a/b/z' }), 'B')
  assert.equal(find({ A: { uri: '/a/*' }, B: { uri: '/a/*/z' } }, { path: '/a/b/z' }), 'B')
  // Made in this order: Z first.
  assert.equal(find({ Z: { uri: '/a/*' }, A: { uri: '/a/*' } }, { path: '/a/b' }), 'Z')
})

test('in radixtree_uri the path comes first and the host is only a condition', () => {
  const routes = { A: { host: 't.com', uri: '/*' }, B: { uri: '/x' } }
  assert.equal(find(routes, { host: 't.com', path: '/x' }, 'radixtree_uri'), 'B')
  assert.equal(find(routes, { host: 't.com', path: '/y' }, 'radixtree_uri'), 'A')
  assert.equal(find(routes, { host: 'u.com', path: '/y' }, 'radixtree_uri'), null)
  const samePath = { A: { host: 't.com', uri: '/x' }, B: { uri: '/x', priority: 1 } }
  assert.equal(find(samePath, { host: 't.com', path: '/x' }, 'radixtree_uri'), 'B')
})

test('in radixtree_uri a host with a colon is compared with the raw Host header', () => {
  const routes = { A: { hosts: ['t.com:81', '*.U.com:82', 'plain.com'], uri: '/x' }, B: { uri: '/*' } }
  const ask = (host: string): string | null => find(routes, { host, path: '/x' }, 'radixtree_uri')
  assert.equal(ask('T.com:81'), 'A')
  assert.equal(ask('t.com'), 'B')
  assert.equal(ask('xt.com:81'), 'B')
  assert.equal(ask('tzcom:81'), 'B')
  assert.equal(ask('a.u.com:82'), 'A')
  assert.equal(ask('plain.com:7'), 'A')
  // Without a port in the pattern the port in the header does not matter; in the default mode it never does.
  assert.equal(find(routes, { host: 't.com:81', path: '/x' }), 'B')
})

test('in the parameter router an exact path precedes a parameter', () => {
  const routes = { A: { uri: '/u/:id' }, B: { uri: '/u/me' }, C: { uri: '/u/:id/posts' } }
  const ask = (path: string): string | null => find(routes, { path }, 'radixtree_uri_with_parameter')
  assert.equal(ask('/u/me'), 'B')
  assert.equal(ask('/u/you'), 'A')
  assert.equal(ask('/u/you/posts'), 'C')
  assert.equal(ask('/u/you/other'), null)
  assert.equal(ask('/u/'), null)
})

/** Spec 3.2 in words, written without keys. */
function precedes(a: EntryRank, b: EntryRank): boolean {
  const hostClass = (rank: EntryRank): number => (rank.host === null ? 2 : rank.host.kind === 'exact' ? 0 : 1)
  if (hostClass(a) !== hostClass(b)) return hostClass(a) < hostClass(b)
  const suffix = (rank: EntryRank): number => (rank.host?.kind === 'suffix' ? rank.host.text.length : 0)
  if (suffix(a) !== suffix(b)) return suffix(a) > suffix(b)
  const isExact = (rank: EntryRank): boolean => rank.path.kind === 'exact'
  if (isExact(a) !== isExact(b)) return isExact(a)
  if (!isExact(a) && a.literalLength !== b.literalLength) return a.literalLength > b.literalLength
  if (a.priority !== b.priority) return a.priority > b.priority
  if (a.patternLength !== b.patternLength) return a.patternLength > b.patternLength
  return a.createdRevision < b.createdRevision
}

test('keys order entries exactly as the rules say', () => {
  const rank = fc
    .record({
      host: fc.constantFrom(null, '*', '*.com', '*.t.com', '*t.com', 't.com', 'a.t.com'),
      uri: fc.constantFrom('/*', '/a', '/a/', '/a/*', '/a*', '/a/*/z', '/abc', '/abc/*', '/*/z'),
      priority: fc.integer({ min: -3, max: 3 }),
      createdRevision: fc.integer({ min: 1, max: 4 }),
    })
    .map(({ host, uri, priority, createdRevision }): EntryRank => {
      const parsed = parsePath(uri, 'radixtree_host_uri')
      if ('error' in parsed) throw new Error(parsed.error)
      return {
        host: host === null ? null : parseHost(host),
        ...parsed,
        patternLength: uri.length,
        priority,
        createdRevision,
      }
    })
  fc.assert(
    fc.property(rank, rank, (a, b) => {
      const order = compareKeys(rankEntry(a, 'radixtree_host_uri'), rankEntry(b, 'radixtree_host_uri'))
      assert.equal(order < 0, precedes(a, b))
    }),
    { numRuns: 2000 },
  )
})
