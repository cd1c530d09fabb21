import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Explanation, RouteReach } from '../../src/model/explanation.ts'
import { type Backend, startBackend } from '../support/backends.ts'
import { type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { requestOnce } from '../support/raw-client.ts'
import { runTool } from '../support/tools.ts'

/** Explain of a running gateway, over the Admin API and the command line, held against what the gateway then serves. */

async function setUp(t: TestContext, flags: readonly string[] = ['--workers', '2']) {
  const gateway = await startGateway(flags)
  t.after(() => gateway.stop())
  const backends = await Promise.all([startBackend(), startBackend(), startBackend()])
  t.after(() => Promise.all(backends.map((backend) => backend.close())))
  return { gateway, backends }
}

async function put(gateway: GatewayProcess, id: string, route: object): Promise<void> {
  const answer = await gateway.admin('PUT', `/apisix/admin/routes/${id}`, route)
  assert.ok(answer.status < 300, answer.text)
}

function split(backends: readonly Backend[]): object {
  const [a, b, c] = backends.map(({ node }) => node) as [string, string, string]
  return {
    uri: '/shop/*',
    upstream: { type: 'roundrobin', nodes: { [a]: 2, [b]: 1 } },
    plugins: {
      'proxy-rewrite': { regex_uri: ['^/shop/(.*)', '/v2/$1'], headers: { set: { 'X-Lane': 'v$arg_v' } } },
      'traffic-split': {
        rules: [
          {
            match: [{ vars: [['http_x_lane', '==', 'v9']] }],
            weighted_upstreams: [{ upstream: { name: 'forced', type: 'roundrobin', nodes: { [c]: 1 } } }],
          },
          {
            match: [{ vars: [['arg_v', '>', '0']] }],
            weighted_upstreams: [
              { upstream: { name: 'new', type: 'roundrobin', nodes: { [c]: 1 } }, weight: 3 },
              { weight: 2 },
            ],
          },
        ],
      },
    },
  }
}

async function explain(gateway: GatewayProcess, request: object): Promise<Explanation> {
  const answer = await gateway.admin('POST', '/headgate/v1/explain', request)
  assert.equal(answer.status, 200, answer.text)
  return answer.json as Explanation
}

test('the target, the endpoint and the request line that explain names are those of the next request, over all workers', async (t) => {
  const { gateway, backends } = await setUp(t)
  await put(gateway, 'shop', split(backends))
  const seen = new Map<string, number>()
  for (let i = 0; i < 200; i++) {
    const path = `/shop/item-${i}${i % 3 === 0 ? '' : `?v=${i % 7 === 0 ? 9 : i}`}`
    const explanation = await explain(gateway, { url: `shop.example${path}` })
    const answer = await requestOnce(gateway.port, path, { headers: ['Host: shop.example'] })
    assert.equal(answer.status, 200)
    const { outcome, sending } = explanation
    assert.ok(outcome.kind === 'upstream' && sending !== null, JSON.stringify(outcome))
    const backend = backends.find((one) =>
      one.requests.some(({ raw }) => raw.includes(`/item-${i} `) || raw.includes(`/item-${i}?`)),
    )
    assert.equal(backend?.node, outcome.endpoint, `request ${i}`)
    const raw = backend?.requests.at(-1)?.raw ?? ''
    assert.ok(
      raw.startsWith(`${sending.method} ${sending.target} HTTP/1.1\r\nHost: ${sending.host}\r\n`),
      raw,
    )
    for (const { name, after } of sending.fields)
      if (after !== null)
        assert.match(raw.toLowerCase(), new RegExp(`\r\n${name}: ${after.toLowerCase()}\r\n`))
    const target = explanation.split?.targets.find(({ isNext }) => isNext)
    const label = `${explanation.rules.find((rule) => rule.outcome === 'taken')?.index}/${target?.variant}`
    seen.set(label, (seen.get(label) ?? 0) + 1)
  }
  assert.ok(seen.size >= 4, `all rules and targets were seen: ${[...seen]}`)
})

test('explain tells who would get what, names the document, and shows the way of a request that nothing takes', async (t) => {
  const { gateway, backends } = await setUp(t)
  await put(gateway, 'shop', split(backends))
  await put(gateway, 'post', {
    uri: '/shop/cart',
    methods: ['POST'],
    vars: [['http_x_user', '==', 'jack']],
    upstream: { type: 'roundrobin', nodes: { [backends[0]?.node ?? '']: 1 } },
  })
  const shop = await explain(gateway, { url: '/shop/cart?v=1' })
  assert.deepEqual(
    shop.split?.targets.map(({ variant, weight, share }) => [variant, weight, share]),
    [
      ['new', 3, { parts: 3, of: 5, percent: 60 }],
      [backends[0]?.node, 2, { parts: 2, of: 5, percent: 40 }],
    ].map(([variant, ...rest], i) => [i === 0 ? variant : shop.split?.targets[1]?.variant, ...rest]),
  )
  const [post] = shop.candidates
  assert.equal(post?.failed?.condition, 'method')
  assert.deepEqual([post?.failed?.expected, post?.failed?.actual], ['POST', 'GET'])
  assert.equal(shop.route?.origin.kind, 'route')
  assert.equal(
    shop.rules[0]?.predicate?.comparisons[0]?.actual,
    'v1',
    'rules see the field that the rewrite has set',
  )
  const taken = await explain(gateway, { url: '/shop/cart', method: 'POST', headers: ['X-User: jack'] })
  assert.equal(taken.route?.origin.id, 'post')
  assert.equal(taken.rivals[0]?.origin.id, 'shop', 'the route that would take it next')
  const missed = await explain(gateway, { url: '/shap/cart' })
  assert.deepEqual(missed.outcome.kind === 'error' ? [missed.outcome.errorCode, missed.outcome.status] : [], [
    'ROUTE_NOT_FOUND',
    404,
  ])
  assert.ok(missed.misses.some(({ origin, condition }) => origin.id === 'shop' && condition === 'path'))
})

test('explain route makes up a request for each host and path, and tells which earlier route takes it', async (t) => {
  const { gateway, backends } = await setUp(t, ['--workers', '1'])
  const upstream = { type: 'roundrobin', nodes: { [backends[0]?.node ?? '']: 1 } }
  await put(gateway, 'open', {
    uris: ['/open', '/users/:id'],
    hosts: ['*.shop.example'],
    methods: ['PUT'],
    vars: [
      ['arg_age', '>', 17],
      ['http_x_env', '~~', '^(dev|test)-[0-9]{2}$'],
      ['cookie_c', 'in', ['a', 'b']],
      ['arg_q', '!', '==', 'x'],
    ],
    upstream,
  })
  await put(gateway, 'hidden', { uri: '/front/*', upstream })
  await put(gateway, 'front', { uri: '/front/*', priority: 5, upstream })
  await put(gateway, 'odd', { uri: '/odd', vars: [['time_iso8601', '==', 'x']], upstream })
  const reach = async (id: string): Promise<RouteReach> => {
    const answer = await gateway.admin('GET', `/headgate/v1/explain/route?dialect=apisix&kind=route&id=${id}`)
    assert.equal(answer.status, 200, answer.text)
    return answer.json as RouteReach
  }
  const open = await reach('open')
  assert.deepEqual(
    open.entries.map(({ outcome, reason }) => [outcome, reason]),
    [
      ['reaches', null],
      ['reaches', null],
    ],
  )
  const hidden = await reach('hidden')
  assert.equal(hidden.entries[0]?.outcome, 'taken')
  assert.equal(hidden.entries[0]?.takenBy?.origin.id, 'front')
  const odd = await reach('odd')
  assert.equal(odd.entries[0]?.outcome, 'unknown')
  assert.match(odd.entries[0]?.reason ?? '', /time_iso8601/)
  const none = await gateway.admin('GET', '/headgate/v1/explain/route?dialect=apisix&kind=route&id=nope')
  assert.equal(none.status, 404)
})

test('a question that makes no sense is answered with 400 and says what to do', async (t) => {
  const { gateway } = await setUp(t, ['--workers', '1'])
  const cases: readonly [object, RegExp][] = [
    [{}, /url: a text/],
    [{ url: '/x', metod: 'GET' }, /metod: not known; there are url, method/],
    [{ url: '/x', headers: ['foo'] }, /"foo" is no header: say 'name: value'/],
    [{ url: '/x', headers: { 'a b': '1' } }, /"a b" is no name of a header/],
    [{ url: '/x', clientIp: '1.2.3' }, /"1\.2\.3" is no IP address/],
    [
      { url: 'http://shop.example:1/x' },
      /no listener of the gateway stands at port 1 \(there is 127\.0\.0\.1:\d+\)/,
    ],
    [{ url: 'https://shop.example/x' }, /no listener takes https/],
    [{ url: 'ftp://shop.example/x' }, /the scheme is http or https/],
  ]
  for (const [request, message] of cases) {
    const answer = await gateway.admin('POST', '/headgate/v1/explain', request)
    assert.equal(answer.status, 400, JSON.stringify(request))
    assert.match((answer.json as { detail: string }).detail, message)
  }
})

test('one explain of 5 000 routes, all of them candidates, keeps a bounded list', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-explain-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const routes = Array.from(
    { length: 5_000 },
    (_, i) =>
      `  - { id: r${i}, uri: /api, vars: [[http_x_tenant, "==", t${i}]], upstream: { type: roundrobin, nodes: { "127.0.0.1:9": 1 } } }`,
  )
  writeFileSync(join(folder, 'apisix.yaml'), `routes:\n${routes.join('\n')}\n#END\n`)
  const { gateway } = await setUp(t, ['--workers', '1', '--config', folder])
  for (const tenant of ['t4999', 'nobody']) {
    const explanation = await explain(gateway, { url: '/api', headers: { 'X-Tenant': tenant } })
    assert.equal(explanation.route?.origin.id, tenant === 'nobody' ? undefined : 'r4999')
    assert.ok(explanation.candidates.length <= 201)
    assert.ok((explanation.omitted.index ?? 0) > 4_000)
    assert.equal(explanation.routeCount, 5_000)
  }
})

test('the command line tells the five choices, with the place of each in the files', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-explain-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'apisix.yaml')
  writeFileSync(
    file,
    `routes:
  - id: "1"
    uri: /index.html
    vars: [[arg_name, "==", jack]]
    upstream: { type: roundrobin, nodes: { "127.0.0.1:9": 1 } }
#END
`,
  )
  const headgate = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    runTool(process.execPath, [join(ROOT, 'bin/headgate.js'), ...args], { env: { ...process.env, ...env } })
  const told = await headgate(['explain', '/index.html?name=jack', '--config', file], { LC_ALL: 'C' })
  assert.equal(told.code, 0, told.stderr)
  for (const line of [
    /^\+ listener {2}127\.0\.0\.1:9080/m,
    /^\+ route +apisix\/routes\/1 .*apisix\.yaml:2:5 route\/1/m,
    /arg_name == "jack" {2}\(is "jack"\)/,
    /^\+ rule/m,
    /^\+ split/m,
    /^\+ upstream/m,
    /^-> sent to http:\/\/127\.0\.0\.1:9: GET/m,
  ])
    assert.match(told.stdout, line)
  assert.doesNotMatch(told.stdout, /[^\x20-\x7e\n]/, 'ASCII alone where the locale is no UTF-8')
  const { gateway } = await setUp(t, ['--workers', '1', '--config', folder])
  const client = ['--server', `http://127.0.0.1:${gateway.adminPort}`, '--admin-key', gateway.key]
  const asked = await headgate(['explain', '/index.html?name=joe', '-o', 'json', ...client])
  const explanation = JSON.parse(asked.stdout) as Explanation
  assert.equal(explanation.outcome.kind, 'error')
  assert.match(explanation.candidates[0]?.origin.place ?? '', /apisix\.yaml:2:5$/)
  const wrong = await headgate(['explain', '/index.html', '-H', 'foo', ...client])
  assert.deepEqual([wrong.code, wrong.stdout], [2, ''])
  assert.equal(wrong.stderr, 'headgate: "foo" is no header: say \'name: value\'\n')
  const port = await headgate(['explain', 'http://shop.example:1/x', ...client])
  assert.equal(port.code, 1)
  assert.match(
    port.stderr,
    /^headgate: .*no listener of the gateway stands at port 1 \(there is 127\.0\.0\.1:\d+\).*\n$/,
  )
  const reach = await headgate(['explain', 'route', 'route/1', ...client], { LC_ALL: 'C' })
  assert.deepEqual(
    [reach.code, /example {4}'\/index\.html\?name=jack'/.test(reach.stdout)],
    [0, true],
    reach.stdout + reach.stderr,
  )
})
