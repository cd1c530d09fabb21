import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeCertificate } from '../../../test/support/certificates.ts'
import { type SampleRequest, sampleView } from '../../expression/sample-view.ts'
import { RoutingTable } from '../../routing/routing-table.ts'
import { StreamTable } from '../../routing/stream-table.ts'
import { type CompiledRule, NEEDS_BODY } from '../../routing/table.ts'
import { makeEnvironment, makeSection } from '../../routing/test-fixtures.ts'
import { inbound, legsOf, route, site, type TranslatedSet, translateText } from './testing/translate.ts'

/** From documents to the rules that serve: spec/kuma.md 4 to 7, statement by statement. */

const HTTP = 'kuma.io/protocol: http'
/** Instances of cart: v1 on 9001, v2 on 9002. */
const CART =
  inbound('cart-1', 'cart', 9001, `${HTTP}, version: v1`) +
  inbound('cart-2', 'cart', 9002, `${HTTP}, version: v2`)

type View = SampleRequest

interface Asked {
  /** Origin of the rule: `conf.http[0]`, or `conf`. */
  readonly rule: string
  readonly variant: string
  readonly target: string | null | undefined
  readonly host: string | null | undefined
}

/** Asks the table for requests at the outbound 127.0.0.1:10001. */
function serve({ objects }: TranslatedSet): (view?: View) => Asked | null {
  const table = new RoutingTable([makeSection('kuma')], makeEnvironment())
  const edit = table.begin()
  for (const object of objects) if (object.kind === 'route') edit.upsert(object)
  edit.commit(1)
  return (parts = {}) => {
    const view = sampleView({ localAddress: '127.0.0.1', localPort: 10_001, ...parts })
    const found = table.find(view, null)
    if (found === null || found === NEEDS_BODY) return null
    const rule = found.chooseRule(view, null) as CompiledRule
    const target = rule.split.pick()
    assert.equal(target?.kind, 'upstream')
    if (target?.kind !== 'upstream') return null
    const [edits] = target.requestFilters
    return {
      rule: rule.model.origin.path,
      variant: target.model.variant,
      target: edits?.target?.(view, { captures: null }) ?? null,
      host: edits?.hostFrom == null ? (edits?.host ?? null) : edits.hostFrom(view),
    }
  }
}

/** Which rule takes a request; a rule with this match stands before `conf`. */
function matches(match: string, view: View): boolean {
  const text = `{http: [{match: ${match}, destination: {kuma.io/service: cart}}], destination: {kuma.io/service: cart}}`
  return serve(translateText(site() + CART + route(text)))(view)?.rule === 'conf.http[0]'
}

function modified(modify: string, view: View, match = '{path: {prefix: /}}'): Asked {
  const text = `{http: [{match: ${match}, modify: ${modify}, destination: {kuma.io/service: cart}}], destination: {kuma.io/service: cart}}`
  return serve(translateText(site() + CART + route(text)))(view) as Asked
}

/** Protocols of the listeners of outbounds. */
function protocols({ objects }: TranslatedSet): string[] {
  return objects
    .filter((object) => object.kind === 'listener')
    .filter(({ id }) => id.includes('#outbound'))
    .map(({ protocol }) => protocol)
}

/** Variants of the legs of streams, with their weights. */
function streamLegs({ objects }: TranslatedSet): string[] {
  return objects
    .filter((object) => object.kind === 'streamRoute')
    .filter(({ id }) => id.includes('#outbound'))
    .flatMap(({ rules }) => rules[0]?.split.targets.map((leg) => `${leg.variant} ${leg.weight}`) ?? [])
}

/** `name: ports` of the legs that requests go to. */
function endpoints(set: TranslatedSet): Record<string, readonly number[]> {
  return Object.fromEntries(
    legsOf(set)
      .filter(({ scheme }) => scheme !== 'tcp')
      .map((upstream) => [upstream.name, upstream.endpoints.map(({ port }) => port)]),
  )
}

// ---- section 4 ----

test('exactly one route applies to an outbound, and routes never merge', () => {
  const special = route('{destination: {kuma.io/service: cart, version: v2}}', 'special')
  const set = translateText(site() + CART + special)
  const found = set.objects.filter(({ kind, id }) => kind === 'route' && id.includes('#outbound'))
  assert.equal(found.length, 1)
  assert.deepEqual(endpoints(set), { 'cart{version=v2}': [9002] })
})

test('only outbounds of proxies that sources match are changed, by the tags of one inbound', () => {
  const two = `---
type: Dataplane
name: two
networking:
  address: 127.0.0.1
  inbound:
    - {port: 9100, servicePort: 19100, tags: {kuma.io/service: site}}
    - {port: 9101, servicePort: 19101, tags: {kuma.io/service: admin, team: red}}
  outbound: [{port: 10001, tags: {kuma.io/service: cart}}]
`
  const routed = (match: string): string[] => {
    const text = route('{destination: {kuma.io/service: other}}').replace('{kuma.io/service: site}', match)
    return streamLegs(translateText(two + CART + text))
  }
  assert.deepEqual(routed('{kuma.io/service: admin, team: red}'), ['other 1'])
  assert.deepEqual(routed('{kuma.io/service: site, team: red}'), ['cart 1'])
})

test('a gateway is matched by its own tags', () => {
  const edge = `---
type: Dataplane
name: edge
networking:
  address: 127.0.0.1
  gateway: {tags: {kuma.io/service: site}}
  outbound: [{port: 10001, tags: {kuma.io/service: cart}}]
`
  const set = translateText(edge + CART + route('{destination: {kuma.io/service: other}}'))
  assert.deepEqual(streamLegs(set), ['other 1'])
})

test('the route that comes with a mesh lets everything through, until a newer one of the same rank does not', () => {
  assert.deepEqual(streamLegs(translateText(site() + CART)), ['cart 1'])
  const all = route('{destination: {kuma.io/service: other}}', 'newer')
    .replace('site', '"*"')
    .replace('cart', '"*"')
  assert.deepEqual(streamLegs(translateText(site() + CART + all)), ['other 1'])
})

test('without a route the outbound listens, carries nothing and says so', () => {
  const closed = '---\ntype: Mesh\nname: default\nskipCreatingInitialPolicies: ["*"]\n'
  const set = translateText(site() + CART + closed)
  assert.deepEqual([protocols(set), streamLegs(set)], [['tcp'], []])
  assert.match(
    set.warnings.join(),
    /no traffic route of the mesh applies to cart: what comes in at 127\.0\.0\.1:10001 is closed/,
  )
})

// ---- section 5 ----

test('a star takes the value of the outbound or vanishes, and tags that the leg does not name are inherited', () => {
  const legs = (destination: string, more = ''): string[] =>
    streamLegs(translateText(site(['cart'], more) + CART + route(`{destination: ${destination}}`)))
  assert.deepEqual(legs('{kuma.io/service: "*"}'), ['cart 1'])
  assert.deepEqual(legs('{kuma.io/service: cart, version: "*"}'), ['cart 1'])
  assert.deepEqual(legs('{kuma.io/service: cart, version: "*"}', 'version: v1'), ['cart{version=v1} 1'])
  assert.deepEqual(legs('{kuma.io/service: other}', 'version: v7'), ['other{version=v7} 1'])
  assert.deepEqual(legs('{kuma.io/service: other, version: v2}', 'version: v7'), ['other{version=v2} 1'])
})

test('a leg has the healthy inbounds with all of its tags, at the address that others dial', () => {
  const one = (name: string, port: number, more: string): string => `---
type: Dataplane
name: ${name}
networking:
  address: 127.0.0.${port - 9000}
  ${more.startsWith('adv') ? more : ''}
  inbound:
    - {port: ${port}, servicePort: 1, ${more.startsWith('adv') ? '' : `${more}, `}tags: {kuma.io/service: cart, kuma.io/protocol: http}}
`
  const set = translateText(
    site() +
      one('a', 9001, 'health: {ready: true}') +
      one('b', 9002, 'health: {ready: false}') +
      one('c', 9003, 'state: NotReady') +
      one('d', 9004, 'state: Ignored') +
      one('e', 9005, 'advertisedAddress: 127.0.1.1') +
      one('f', 9006, 'address: 127.0.2.2'),
  )
  const places = legsOf(set)[0]?.endpoints.map(({ host, port, weight }) => `${host}:${port} ${weight}`)
  assert.deepEqual(places, ['127.0.0.1:9001 1', '127.0.1.1:9005 1', '127.0.2.2:9006 1'])
})

test('a leg without an instance keeps its share', () => {
  const conf =
    '{split: [{weight: 9, destination: {kuma.io/service: cart, version: v1}}, {weight: 1, destination: {kuma.io/service: cart, version: v9}}]}'
  const set = translateText(site() + CART + route(conf))
  assert.deepEqual(streamLegs(set), ['cart{version=v1} 9', 'cart{version=v9} 1'])
  assert.deepEqual(endpoints(set), { 'cart{version=v1}': [9001], 'cart{version=v9}': [] })
  const ask = serve(set)
  const asked = Array.from({ length: 10 }, () => ask()?.variant)
  assert.equal(asked.filter((variant) => variant === 'cart{version=v9}').length, 1)
})

test('legs of the same tags are one upstream in all rules of a route, and apart in two routes', () => {
  const conf =
    '{http: [{match: {path: {prefix: /a}}, modify: {host: {value: a.test}}, destination: {kuma.io/service: cart}}], destination: {kuma.io/service: "*"}}'
  const set = translateText(site(['cart', 'cart']) + CART + route(conf))
  const requests = legsOf(set).filter(({ scheme }) => scheme === 'http')
  assert.deepEqual(
    requests.map(({ name }) => name),
    ['cart'],
  )
  const other = route('{destination: {kuma.io/service: cart}}', 'more').replace(
    'service: cart}}]',
    'service: shop}}]',
  )
  const both = legsOf(translateText(site(['cart', 'shop']) + CART + route(conf) + other))
  assert.equal(both.filter(({ scheme, name }) => scheme === 'http' && name === 'cart').length, 2)
})

test('one protocol is judged for an outbound, of all instances of each service that a leg of some weight names', () => {
  const judge = (tags: readonly string[], conf = '{destination: {kuma.io/service: cart}}'): string =>
    protocols(
      translateText(
        site() + tags.map((more, i) => inbound(`cart-${i}`, 'cart', 9001 + i, more)).join('') + route(conf),
      ),
    ).join()
  assert.equal(judge([HTTP, HTTP]), 'http')
  assert.equal(judge([HTTP, 'kuma.io/protocol: tcp']), 'tcp')
  assert.equal(judge([HTTP, '']), 'tcp')
  assert.equal(judge([HTTP, 'kuma.io/protocol: http2']), 'tcp')
  assert.equal(judge(['kuma.io/protocol: grpc', 'kuma.io/protocol: http2']), 'http')
  assert.equal(judge(['kuma.io/protocol: kafka']), 'tcp')
  assert.equal(judge([]), 'tcp')
  // subsets are left aside: the second version counts too
  assert.equal(
    judge([`${HTTP}, version: v1`, 'version: v2'], '{destination: {kuma.io/service: cart, version: v1}}'),
    'tcp',
  )
})

test('services of other legs have their say, and those of weight 0 do not', () => {
  const judge = (weight: number): string => {
    const conf = `{split: [{weight: 1, destination: {kuma.io/service: cart}}, {weight: ${weight}, destination: {kuma.io/service: raw}}]}`
    return protocols(translateText(site() + CART + inbound('raw-1', 'raw', 9010) + route(conf))).join()
  }
  assert.deepEqual([judge(1), judge(0)], ['tcp', 'http'])
})

test('requests are framed as all instances have in common', () => {
  const framed = (...words: string[]): string[] =>
    legsOf(
      translateText(
        site() +
          words
            .map((word, i) => inbound(`cart-${i}`, 'cart', 9001 + i, `kuma.io/protocol: ${word}`))
            .join(''),
      ),
    )
      .filter(({ scheme }) => scheme !== 'tcp')
      .map(({ scheme, http2 }) => `${scheme} ${http2}`)
  assert.deepEqual(framed('http'), ['http never'])
  assert.deepEqual(framed('HTTP2'), ['http always'])
  assert.deepEqual(framed('grpc'), ['grpc always'])
  assert.deepEqual(framed('grpc', 'http2'), ['http always'])
})

test('rules for requests do not act on streams, whose legs are those of conf alone, and a warning says why', () => {
  const conf =
    '{http: [{match: {path: {prefix: /}}, destination: {kuma.io/service: other}}], destination: {kuma.io/service: cart}}'
  const set = translateText(
    site() + inbound('cart-1', 'cart', 9001) + inbound('other-1', 'other', 9002, HTTP) + route(conf),
  )
  assert.deepEqual([protocols(set), streamLegs(set)], [['tcp'], ['cart 1']])
  assert.deepEqual(set.warnings, [
    'dataplanes/default:site-1 networking.outbound[0]: the http rules of traffic route cart do not act on cart, which is carried as tcp: cart-1 has no kuma.io/protocol',
  ])
})

const external = (name: string, address: string, tls = '', tags = ''): string => `---
type: ExternalService
name: ${name}
tags: {kuma.io/service: cart, kuma.io/protocol: http${tags}}
networking: {address: "${address}"${tls === '' ? '' : `, tls: {enabled: true, ${tls}}`}}
`

test('external services are filtered by tags, balanced as the route says, and asked for by their own names', () => {
  const conf = '{loadBalancer: {random: {}}, destination: {kuma.io/service: cart, tier: gold}}'
  const set = translateText(
    site() + external('a', 'a.test:8080', '', ', tier: gold') + external('b', 'b.test:8080') + route(conf),
  )
  const upstream = legsOf(set).find(({ scheme }) => scheme === 'http')
  assert.deepEqual(
    upstream?.endpoints.map(({ host }) => host),
    ['a.test'],
  )
  assert.deepEqual(
    [upstream?.balancer.kind, upstream?.passHost, upstream?.nodeHostWithoutPort],
    ['random', 'node', true],
  )
})

test('a host that a rule sets wins over the name of an external service, in that rule alone', () => {
  const conf =
    '{http: [{match: {path: {prefix: /own}}, modify: {host: {value: own.test}}, destination: {kuma.io/service: cart}}], destination: {kuma.io/service: cart}}'
  const set = translateText(site() + external('a', 'a.test:443', 'allowRenegotiation: false') + route(conf))
  const requests = legsOf(set).filter(({ scheme }) => scheme === 'https')
  // the name that is asked for in TLS stays its own
  assert.deepEqual(
    requests.map(({ passHost, tls }) => `${passHost} ${tls?.serverName}`),
    ['pass a.test', 'node null'],
  )
})

test('TLS of external services: verified by their authority alone, by a name of their own', (t) => {
  const tls = (own: string) => legsOf(translateText(site() + external('a', 'a.test:443', own)))[0]?.tls
  const { cert: pem } = makeCertificate(t, ['a.test'])
  const ca = `caCert: {inlineString: ${JSON.stringify(pem)}}`
  assert.deepEqual(tls('serverName: s.test'), {
    verifies: false,
    verifiesName: true,
    ca: null,
    certificate: null,
    key: null,
    serverName: 's.test',
  })
  assert.deepEqual([tls(ca)?.verifies, tls(ca)?.ca, tls(ca)?.verifiesName], [true, pem, true])
  assert.equal(tls(`${ca}, skipHostnameVerification: true`)?.verifiesName, false)
})

test('a leg has one set of TLS settings: external services with others are left out, and it is told', () => {
  const same =
    external('a', 'a.test:443', 'serverName: s.test') + external('b', 'b.test:443', 'serverName: s.test')
  const both = translateText(site() + same)
  assert.deepEqual([endpoints(both), both.warnings], [{ cart: [443, 443] }, []])
  const mixed = translateText(
    site() + same + external('c', 'c.test:80') + external('d', 'd.test:443', 'serverName: d.test'),
  )
  assert.deepEqual(endpoints(mixed), { cart: [443, 443] })
  assert.deepEqual(mixed.warnings, [
    'dataplanes/default:site-1 : cart is served by instances with the TLS settings of a alone; c, d with others are left out. Give them a tag of their own, and a leg for it',
  ])
  const ownNames = translateText(
    site() +
      external('a', 'a.test:443', 'allowRenegotiation: false') +
      external('b', 'b.test:443', 'allowRenegotiation: false'),
  )
  assert.deepEqual([endpoints(ownNames), ownNames.warnings], [{ cart: [443, 443] }, []])
})

test('with localities an instance in another zone comes a level later, one without a zone does not', () => {
  const mesh = (isAware: boolean): string =>
    `---\ntype: Mesh\nname: default\nrouting: {localityAwareLoadBalancing: ${isAware}}\n`
  const home = site().replace('kuma.io/service: site}', 'kuma.io/service: site, kuma.io/zone: east}')
  const carts =
    inbound('a', 'cart', 9001, 'kuma.io/zone: east') +
    inbound('b', 'cart', 9002, 'kuma.io/zone: west') +
    inbound('c', 'cart', 9003)
  const priorities = (isAware: boolean) =>
    legsOf(translateText(mesh(isAware) + home + carts))[0]?.endpoints.map(({ priority }) => priority)
  assert.deepEqual(
    [priorities(true), priorities(false)],
    [
      [1, 0, 1],
      [1, 1, 1],
    ],
  )
  const levels = legsOf(translateText(home + carts))[0]?.levels
  assert.deepEqual(levels, { mode: 'overprovisioned', factor: 1.4, panicPercent: 50, prefersZone: false })
})

// ---- section 6 ----

test('rules are tried from top to bottom, then conf', () => {
  const conf =
    '{http: [{match: {path: {prefix: /a}}, destination: {kuma.io/service: cart, version: v1}}, {match: {path: {exact: /a/b}}, destination: {kuma.io/service: cart, version: v2}}], destination: {kuma.io/service: cart}}'
  const ask = serve(translateText(site() + CART + route(conf)))
  assert.equal(ask({ path: '/a/b' })?.rule, 'conf.http[0]')
  assert.equal(ask({ path: '/b' })?.rule, 'conf')
  assert.equal(ask({ path: '/b', localPort: 10_002 }), null)
})

test('a path is compared without its query: prefixes as bare text, exact ones and patterns as a whole', () => {
  const rows: readonly (readonly [match: string, path: string, fits: boolean])[] = [
    ['{prefix: /api}', '/apixyz', true],
    ['{prefix: /api}', '/API', false],
    ['{exact: /a}', '/a', true],
    ['{exact: /a}', '/a/', false],
    ['{regex: bot}', '/robots', false],
    ["{regex: '.*bot.*'}", '/robots', true],
    ["{regex: '/a|/b'}", '/b', true],
    ["{regex: '/a|/b'}", '/ab', false],
    ["{regex: '/a$'}", '/a\n', false],
  ]
  for (const [match, path, fits] of rows)
    assert.equal(matches(`{path: ${match}}`, { path, query: 'x=/api' }), fits, `${match} ${path}`)
})

test('methods and fields: values with their case, names without, an absent field never, lines joined by a comma', () => {
  const rows: readonly (readonly [match: string, view: View, fits: boolean])[] = [
    ['{method: {exact: GET}}', { method: 'GET' }, true],
    ['{method: {exact: get}}', { method: 'GET' }, false],
    ["{method: {regex: 'GET|HEAD'}}", { method: 'HEAD' }, true],
    ["{method: {regex: 'HEA'}}", { method: 'HEAD' }, false],
    ['{method: {prefix: HE}}', { method: 'HEAD' }, true],
    ['{headers: {X-Tier: {exact: gold}}}', { headers: { 'x-tier': 'gold' } }, true],
    ['{headers: {X-Tier: {exact: gold}}}', { headers: { 'x-tier': 'Gold' } }, false],
    ['{headers: {x-tier: {prefix: go}}}', { headers: { 'x-tier': 'gold' } }, true],
    ["{headers: {x-tier: {regex: '.*'}}}", {}, false],
    ['{headers: {x-tier: {exact: ""}}}', {}, false],
    [
      '{headers: {x-a: {exact: "1,2"}}}',
      {
        lines: [
          ['X-A', '1'],
          ['x-a', '2'],
        ],
      },
      true,
    ],
    [
      '{headers: {x-a: {exact: "1"}}}',
      {
        lines: [
          ['X-A', '1'],
          ['x-a', '2'],
        ],
      },
      false,
    ],
    ['{headers: {x-a: {exact: "1"}, x-b: {exact: "2"}}}', { headers: { 'x-a': '1' } }, false],
    ['{path: {prefix: /a}, method: {exact: GET}}', { path: '/a', method: 'POST' }, false],
    ['{headers: {":method": {exact: POST}}}', { method: 'POST' }, true],
    ['{queryParameters: {v: {exact: "2"}}}', { query: 'v=2' }, true],
    ['{queryParameters: {v: {exact: "2"}}}', { query: 'w=2' }, false],
  ]
  for (const [match, view, fits] of rows)
    assert.equal(matches(match, view), fits, `${match} ${JSON.stringify(view)}`)
})

test('rewritePrefix replaces the text that was matched, and the query stays', () => {
  const ask = (path: string, query: string | null): unknown =>
    modified(
      '{path: {rewritePrefix: /new}}',
      { path, query, target: query === null ? path : `${path}?${query}` },
      '{path: {prefix: /old}}',
    ).target
  assert.equal(ask('/older', 'x'), '/newer?x')
  assert.equal(ask('/old', null), '/new')
  assert.equal(ask('/old/old', null), '/new/old')
  // text that means something in a pattern
  const dotted = modified('{path: {rewritePrefix: /b}}', { path: '/a.c/d' }, '{path: {prefix: /a.c}}')
  assert.equal(dotted.target, '/b/d')
})

test('a pattern of the path replaces each hit, groups by number, and leaves the query and other paths alone', () => {
  const ask = (pattern: string, substitution: string, path: string, query: string | null = null): unknown => {
    const modify = `{path: {regex: {pattern: '${pattern}', substitution: '${substitution}'}}}`
    const target = query === null ? path : `${path}?${query}`
    return modified(modify, { path, query, target }).target
  }
  assert.equal(ask('a', 'b', '/aXa', 'a=a'), '/bXb?a=a')
  assert.equal(ask('^/shop/([^/]+)(/.*)?$', String.raw`\2/of/\1`, '/shop/7/x'), '/x/of/7')
  assert.equal(ask('b', String.raw`<\0>`, '/aba'), '/a%3Cb%3Ea')
  assert.equal(ask('zzz', 'y', '/a', 'q'), '/a?q')
})

test('a host is a text, or made of the path as it came', () => {
  assert.equal(modified('{host: {value: gold.internal}}', {}).host, 'gold.internal')
  const fromPath = (pattern: string, path: string): unknown =>
    modified(
      `{path: {rewritePrefix: /new/}, host: {fromPath: {pattern: '${pattern}', substitution: '\\1'}}}`,
      { path, query: 'q' },
    ).host
  assert.equal(fromPath('^/([^/]+)/.*$', '/a.example/x/y'), 'a.example')
  // an empty result changes nothing
  assert.equal(fromPath('^/(z*).*$', '/a'), '')
  // a greedy group takes more than a segment, which is no host: the request is refused
  assert.equal(fromPath('^/(.+)/.+$', '/a.example/x/y'), undefined)
  assert.equal(fromPath('^/none/(.*)$', '/a'), undefined)
})

// ---- section 7, and what our own fields say ----

test('streams try another instance of their leg when connecting fails, and idle for an hour', () => {
  const set = translateText(site() + inbound('a', 'cart', 9001))
  const [leg] = legsOf(set)
  assert.deepEqual([leg?.retry.count, leg?.retry.triesAgain, leg?.timeouts.connectMs], [4, true, 5_000])
  const stream = set.objects.find(({ kind, id }) => kind === 'streamRoute' && id.includes('#outbound'))
  assert.equal(stream?.kind === 'streamRoute' && stream.idleMs, 3_600_000)
})

test('timeouts and retries: the built-in ones, those of the route, and 0 for none', () => {
  const of = (more: string) => {
    const set = translateText(site() + CART + route(`{${more}destination: {kuma.io/service: cart}}`))
    const stream = set.objects.find(({ kind, id }) => kind === 'streamRoute' && id.includes('#outbound'))
    const { timeouts, retry } = legsOf(set).find(({ scheme }) => scheme === 'http') ?? {}
    return {
      timeouts: Object.values(timeouts ?? {}),
      retry: [
        retry?.count,
        retry?.timeoutMs,
        retry?.attemptMs,
        retry?.onHeadTimeout,
        retry?.onStatuses.join(),
      ],
      idleMs: stream?.kind === 'streamRoute' ? stream.idleMs : null,
    }
  }
  assert.deepEqual(of(''), {
    timeouts: [5_000, 15_000, 15_000],
    retry: [5, 15_000, 16_000, false, '502,503,504'],
    idleMs: 3_600_000,
  })
  assert.deepEqual(
    of(
      'timeout: {connectTimeout: 1s, idleTimeout: 2s, http: {requestTimeout: 3s}}, retry: {numRetries: 0, perTryTimeout: 1s, retriableStatusCodes: [500]}, ',
    ),
    { timeouts: [1_000, 3_000, 3_000], retry: [0, 3_000, 1_000, true, '500'], idleMs: 2_000 },
  )
  const year = 365 * 86_400_000
  assert.deepEqual(of('timeout: {idleTimeout: 0s, http: {requestTimeout: 0s}}, '), {
    timeouts: [5_000, year, year],
    retry: [5, 0, 0, false, '502,503,504'],
    idleMs: year,
  })
})

test('of two inbounds or outbounds of a proxy at one place the first is served, and the other is told of', () => {
  const twice = site(['cart', 'other']).replace('port: 10002', 'port: 10001')
  const set = translateText(twice + CART)
  assert.deepEqual(streamLegs(set), ['cart 1'])
  assert.deepEqual(set.warnings, [
    'dataplanes/default:site-1 networking.outbound[1]: networking.outbound[0] has the same address and port: this one is not served',
  ])
})

test('streams are taken by the place that they come to', () => {
  const set = translateText(site(['cart', 'other']) + inbound('a', 'cart', 9001))
  const table = new StreamTable(['kuma'], makeEnvironment())
  table.prepare(
    set.objects.filter((object) => object.kind === 'streamRoute'),
    [],
  )()
  const at = (localAddress: string, localPort: number) =>
    table.find({ ...sampleView({ localAddress, localPort }), transport: 'tcp', serverName: null } as never)
      ?.model.labels.serviceId
  assert.deepEqual(
    [at('127.0.0.1', 10_001), at('127.0.0.1', 10_002), at('127.0.0.1', 10_003), at('127.0.0.2', 10_001)],
    ['cart', 'other', undefined, undefined],
  )
})
