import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createFramedServer } from 'node:http2'
import { createServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { toYaml } from '../../src/model/yaml-text.ts'
import { answerText, type Backend, startBackend, startRawBackend } from '../support/backends.ts'
import { makeCertificate } from '../support/certificates.ts'
import { callHttp, type GatewayProcess, startGateway } from '../support/gateway.ts'
import { findFreePorts, waitFor } from '../support/tools.ts'

/** How targets are chosen, tried again and taken out (spec/apinizer.md 3 to 7). */

type Value = Record<string, unknown>

async function setUp(
  t: TestContext,
  count: number,
  proxies: (backends: readonly Backend[]) => readonly Value[],
  more: Value = {},
  documents: Value = {},
) {
  const backends = await Promise.all(Array.from({ length: count }, (_, i) => startBackend(String(i))))
  t.after(() => Promise.all(backends.map((backend) => backend.close())))
  const folder = mkdtempSync(join(tmpdir(), 'headgate-apinizer-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'proxies.yaml')
  const parts = [{ gateway: more }, { apinizer: { ...documents, proxies: proxies(backends) } }]
  writeFileSync(file, parts.map((part) => toYaml(part as never)).join('---\n'))
  const gateway = await startGateway(['--workers', '1', '--config', file])
  t.after(() => gateway.stop('SIGKILL'))
  return { gateway, backends: backends as [Backend, Backend, Backend, Backend] }
}

const proxy = (
  name: string,
  addresses: readonly (string | Value)[],
  routing: Value = {},
  more: Value = {},
): Value => ({
  apiProxyName: name,
  clientRoute: { relativePathList: [`/${name}`] },
  routingInfo: {
    routingAddressList: addresses.map((address) => (typeof address === 'string' ? { address } : address)),
    ...routing,
  },
  ...more,
})

const ask = (
  gateway: GatewayProcess,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
) => callHttp({ port: gateway.port, method, path, headers })

async function answers(gateway: GatewayProcess, path: string, count: number): Promise<string> {
  let text = ''
  for (let i = 0; i < count; i++) text += (await ask(gateway, path)).text
  return text
}

const failing = (status: number): string => answerText('no', { status: `${status} No` })
const url = ({ node }: Backend): string => `http://${node}`

test('balancers: in turn, each as often as its weight, the first, by address and by URL', async (t) => {
  const { gateway } = await setUp(t, 3, ([a, b, c]) => {
    const all = [a, b, c].map((backend) => url(backend as Backend))
    return [
      proxy('turn', all),
      proxy(
        'weighted',
        [
          { address: all[0], weight: 1 },
          { address: all[1], weight: 2 },
        ],
        { loadBalanceAlgorithm: 'WEIGHTED' },
      ),
      proxy('first', all, { loadBalanceAlgorithm: 'PICK_FIRST' }),
      proxy('lru', all, { loadBalanceAlgorithm: 'LRU' }),
      proxy('address', all, { loadBalanceAlgorithm: 'IP_HASH' }),
      proxy('url', all, { loadBalanceAlgorithm: 'URL_HASH' }),
      proxy('sticky', all, { stickySession: { type: 'IP_HASH' } }),
    ]
  })
  assert.equal(await answers(gateway, '/turn', 6), '012012')
  assert.equal(await answers(gateway, '/weighted', 6), '011011')
  assert.equal(await answers(gateway, '/first', 3), '000')
  assert.equal(await answers(gateway, '/lru', 4), '0120')
  for (const path of ['/address', '/sticky']) assert.match(await answers(gateway, path, 4), /^(.)\1{3}$/)
  const byUrl = new Set<string>()
  for (let i = 0; i < 20; i++) {
    const path = `/url/${i}`
    const [one, two] = await answers(gateway, path, 2)
    assert.equal(one, two)
    byUrl.add(one as string)
  }
  assert.equal(byUrl.size, 3)
})

test('retry: the same address, so often, with the waits that are written', async (t) => {
  const [closed] = (await findFreePorts(1)) as [number]
  const { gateway, backends } = await setUp(t, 2, ([a, b]) => [
    proxy('plain', [`${url(a as Backend)}/base`], { retryCount: 2 }),
    proxy('slow', [url(a as Backend)], {
      retryCount: 1,
      readTimeout: 1,
      errorHandlingType: 'STATUS_CODE_LIST',
      errorStatusCodeList: [599],
    }),
    proxy('refused', [`http://127.0.0.1:${closed}`], {
      retryCount: 1,
      retryDelayType: 'FIXED_DELAY',
      retryFixedDelay: 300,
    }),
    proxy('fixed', [url(a as Backend)], {
      retryCount: 1,
      retryDelayType: 'FIXED_DELAY',
      retryFixedDelay: 300,
    }),
    proxy('growing', [url(a as Backend)], {
      retryCount: 2,
      retryDelayType: 'EXPONENTIAL_BACKOFF',
      retryInitialDelay: 100,
      retryBackoffMultiplier: 3,
      retryMaxDelay: 200,
    }),
    proxy('list', [url(a as Backend), url(b as Backend)], {
      retryCount: 1,
      errorHandlingType: 'STATUS_CODE_LIST',
      errorStatusCodeList: [503],
      failoverRetryCount: 0,
    }),
  ])
  const [a] = backends
  a.answer = () => failing(404)
  const sentFor = async (path: string, method = 'GET'): Promise<[requests: number, ms: number]> => {
    const before = a.requests.length
    const from = performance.now()
    await ask(gateway, path, {}, method)
    return [a.requests.length - before, performance.now() - from]
  }
  // by default 404 counts as an error, and every method is repeated
  assert.equal((await sentFor('/plain'))[0], 3)
  assert.equal((await sentFor('/plain', 'POST'))[0], 3)
  // each time with the message as it came
  const post = await callHttp({
    port: gateway.port,
    method: 'POST',
    path: '/plain/x?q=a/b',
    headers: { 'x-own': '1' },
    body: 'text',
  })
  assert.equal(post.status, 404)
  const [first, ...others] = a.requests.slice(-3)
  assert.deepEqual([first?.target, first?.body], ['/base/x?q=a%2Fb', 'text'])
  for (const { raw } of others) assert.equal(raw, first?.raw)
  // below 400 it is no error
  a.answer = () => failing(304)
  assert.equal((await sentFor('/plain'))[0], 1)
  // whatever counts as an error: no answer and no connection do
  a.answer = () => null
  assert.equal((await sentFor('/slow'))[0], 2)
  const [, refusedMs] = await sentFor('/refused')
  assert.ok(refusedMs >= 290, `${refusedMs} ms`)
  a.answer = () => failing(404)
  const [fixed, fixedMs] = await sentFor('/fixed')
  assert.ok(fixed === 2 && fixedMs >= 290, `${fixed} in ${fixedMs} ms`)
  const [growing, growingMs] = await sentFor('/growing')
  assert.ok(growing === 3 && growingMs >= 290, `${growing} in ${growingMs} ms`)
  const before = a.requests.length
  const seen = [await ask(gateway, '/list'), await ask(gateway, '/list')].map(({ status }) => status)
  assert.deepEqual(seen.toSorted(), [200, 404])
  assert.equal(a.requests.length - before, 1)
  a.answer = () => failing(503)
  const more = a.requests.length
  const later = [await ask(gateway, '/list'), await ask(gateway, '/list')].map(({ status }) => status)
  assert.deepEqual(later.toSorted(), [200, 503])
  assert.equal(a.requests.length - more, 2)
})

test('failover: by default the other primary addresses, with its flag those for failover, in their order', async (t) => {
  const { gateway, backends } = await setUp(t, 4, ([a, b, c, d]) => {
    const [one, two, three, four] = [a, b, c, d].map((backend) => url(backend as Backend))
    const spare = (address: string | undefined) => ({ address, addressType: 'FAILOVER_ONLY' })
    return [
      proxy(
        'default',
        [one, two, three].map((address) => ({ address })),
      ),
      proxy('flagged', [{ address: one }, spare(three), spare(four)], {
        failoverOnlyEnabled: true,
        failoverRetryCount: 2,
      }),
      proxy('off', [{ address: one }, { address: two }], { failoverOnlyEnabled: false }),
      proxy('any', [{ address: one }, { address: two }, spare(four)], { failoverMode: 'any' }),
      proxy(
        'sick',
        [{ address: one }, { address: two }, spare(three), spare(four)],
        { failoverOnlyEnabled: true, loadBalanceAlgorithm: 'PICK_FIRST' },
        { circuitBreaker: { circuitBreakerEnabled: true, errorWindow: 3600, sleepWindow: 3600 } },
      ),
      proxy('both', [{ address: one }, spare(three), spare(four)], {
        failoverOnlyEnabled: true,
        failoverRetryCount: 2,
        retryCount: 1,
      }),
      proxy(
        'open',
        [one, two, three].map((address) => ({ address })),
        { loadBalanceAlgorithm: 'PICK_FIRST' },
        { circuitBreaker: { circuitBreakerEnabled: true, errorWindow: 3600, sleepWindow: 3600 } },
      ),
    ]
  })
  const [a, b, c, d] = backends
  const counts = () => backends.map(({ requests }) => requests.length)
  const added = async (work: () => Promise<unknown>): Promise<number[]> => {
    const before = counts()
    await work()
    return counts().map((count, i) => count - (before[i] as number))
  }
  a.answer = () => failing(500)
  for (let i = 0; i < 3; i++) assert.notEqual((await ask(gateway, '/default')).status, 500)
  // what is below 500 is the client's to see
  a.answer = () => failing(404)
  const seen = new Set<number>()
  for (let i = 0; i < 3; i++) seen.add((await ask(gateway, '/default')).status)
  assert.deepEqual([...seen].toSorted(), [200, 404])
  // a request that may not be sent twice is not
  a.answer = () => failing(500)
  const posts: number[] = []
  for (let i = 0; i < 3; i++) posts.push((await ask(gateway, '/default', {}, 'POST')).status)
  assert.deepEqual(posts.toSorted(), [200, 200, 500])
  c.answer = () => failing(502)
  assert.deepEqual(await added(() => ask(gateway, '/flagged')), [1, 0, 2, 1])
  d.answer = () => failing(502)
  assert.deepEqual(await added(() => ask(gateway, '/flagged')), [1, 0, 2, 2])
  // 1 + retryCount + addresses x failoverRetryCount attempts
  assert.deepEqual(await added(() => ask(gateway, '/both')), [2, 0, 2, 2])
  const off = [(await ask(gateway, '/off')).status, (await ask(gateway, '/off')).status]
  assert.deepEqual(off.toSorted(), [200, 500])
  b.answer = () => failing(500)
  assert.deepEqual(await added(() => ask(gateway, '/any')), [1, 1, 0, 0])
  // in the order of the list, and none whose circuit is open
  assert.deepEqual(await added(() => ask(gateway, '/open')), [1, 1, 1, 0])
  c.answer = () => answerText('2')
  const out = await ask(gateway, '/open')
  assert.deepEqual([out.status, /ERR-135/.test(out.text)], [503, true])
  // one for failover whose circuit is open is passed over
  c.answer = () => failing(500)
  d.answer = () => answerText('3')
  assert.deepEqual(await added(() => ask(gateway, '/sick')), [1, 0, 1, 1])
  assert.deepEqual(await added(() => ask(gateway, '/sick')), [0, 1, 0, 1])
})

test('canary: evenly spread from the primary on; what fails there goes on to the primary, and the cooldown follows', async (t) => {
  const { gateway, backends } = await setUp(t, 3, ([a, b, c]) => {
    const addresses = [{ address: url(a as Backend) }, { address: url(b as Backend), addressType: 'CANARY' }]
    return [
      proxy('half', addresses, { canary: { percentage: 50 } }),
      proxy('third', addresses, { canary: { percentage: 33 } }),
      proxy('none', addresses, { canary: { percentage: 0 } }),
      proxy(
        'fails',
        [{ address: url(a as Backend) }, { address: url(c as Backend), addressType: 'CANARY' }],
        {
          canary: { percentage: 50, cooldown: 1 },
        },
      ),
    ]
  })
  assert.equal(await answers(gateway, '/half', 6), '010101')
  const expected = Array.from({ length: 100 }, (_, i) =>
    Math.floor(((i + 1) * 33) / 100) === Math.floor((i * 33) / 100) ? '0' : '1',
  ).join('')
  assert.equal(await answers(gateway, '/third', 100), expected)
  assert.equal(await answers(gateway, '/none', 4), '0000')
  const [, , canary] = backends
  // what counts as an error does, without a breaker too
  canary.answer = () => failing(404)
  assert.equal(await answers(gateway, '/fails', 8), '00000000')
  assert.equal(canary.requests.length, 1)
  canary.answer = () => answerText('2')
  await waitFor('the cooldown to be over', async () =>
    (await answers(gateway, '/fails', 2)).includes('2') ? true : undefined,
  )
})

test('conditions of addresses: only for requests for which they hold; a value that is no number or no date is told', async (t) => {
  const condition = (name: string, type: string, operator: string, secondValue: string) => ({
    firstValue: { source: 'HEADER', name },
    type,
    operator,
    secondValue,
  })
  const sameKind = (operator: string) => ({
    firstValue: { source: 'BODY_XML', name: '/order/@kind' },
    operator,
    secondValue: { source: 'HEADER', name: 'X-Tier' },
  })
  const { gateway } = await setUp(t, 3, ([a, b, c]) => [
    proxy('tier', [
      { address: url(a as Backend), condition: condition('X-Tier', 'STRING', 'EQ', 'gold') },
      { address: url(b as Backend), condition: condition('X-Tier', 'STRING', 'NE', 'gold') },
      { address: url(c as Backend), condition: condition('X-Tier', 'STRING', 'NE', 'gold') },
    ]),
    proxy('mixed', [
      { address: url(a as Backend), condition: condition('X-Tier', 'STRING', 'EQ', 'gold') },
      url(b as Backend),
    ]),
    proxy('age', [{ address: url(a as Backend), condition: condition('X-Age', 'NUMERIC', 'GE', '18') }]),
    proxy('body', [
      {
        address: url(a as Backend),
        condition: { firstValue: { source: 'BODY_JSON', name: '$.kind' }, operator: 'EQ', secondValue: 'a' },
      },
      {
        address: url(b as Backend),
        condition: { firstValue: { source: 'BODY_JSON', name: '$.kind' }, operator: 'NE', secondValue: 'a' },
      },
    ]),
    proxy('xml', [
      { address: url(a as Backend), condition: sameKind('EQ') },
      { address: url(b as Backend), condition: sameKind('NE') },
    ]),
    proxy('day', [
      {
        address: url(a as Backend),
        condition: { ...condition('X-Day', 'DATE', 'GE', '2026-01-31'), format: 'yyyy-MM-dd' },
      },
    ]),
  ])
  for (let i = 0; i < 3; i++) assert.equal((await ask(gateway, '/tier', { 'x-tier': 'gold' })).text, '0')
  assert.equal(await answers(gateway, '/tier', 4), '1212')
  assert.equal(await answers(gateway, '/mixed', 2), '11')
  const golden = await Promise.all([0, 1].map(() => ask(gateway, '/mixed', { 'x-tier': 'gold' })))
  assert.deepEqual(golden.map(({ text }) => text).toSorted(), ['0', '1'])
  assert.equal((await ask(gateway, '/age', { 'x-age': '20' })).text, '0')
  const young = await ask(gateway, '/age', { 'x-age': '7' })
  assert.deepEqual([young.status, /ERR-003/.test(young.text)], [404, true])
  const odd = await ask(gateway, '/age', { 'x-age': 'old' })
  assert.deepEqual([odd.status, /ERR-020/.test(odd.text)], [400, true])
  assert.equal((await ask(gateway, '/day', { 'x-day': '2026-02-01' })).text, '0')
  const noDay = await ask(gateway, '/day', { 'x-day': 'today' })
  assert.deepEqual([noDay.status, /ERR-021/.test(noDay.text)], [400, true])
  const post = (kind: string) =>
    callHttp({
      port: gateway.port,
      method: 'POST',
      path: '/body',
      headers: { 'content-type': 'application/json' },
      body: { kind },
    })
  assert.equal((await post('a')).text, '0')
  assert.equal((await post('b')).text, '1')
  const order = { 'x-tier': 'gold', 'content-type': 'text/xml' }
  const postXml = (kind: string) =>
    callHttp({
      port: gateway.port,
      method: 'POST',
      path: '/xml',
      headers: order,
      body: `<order kind="${kind}"/>`,
    })
  assert.equal((await postXml('gold')).text, '0')
  assert.equal((await postXml('tin')).text, '1')
  const told = await gateway.admin('POST', '/headgate/v1/explain', {
    url: '/tier',
    headers: ['X-Tier: gold'],
  })
  const { upstream } = told.json as {
    upstream: { endpoints: { idle: string | null; condition: { held: boolean } }[] }
  }
  assert.deepEqual(
    upstream.endpoints.map(({ idle, condition: own }) => [idle, own.held]),
    [
      [null, true],
      ['condition', false],
      ['condition', false],
    ],
  )
})

test('circuit breaker: an address is out after its errors, one probe brings it back; all out is ERR-135', async (t) => {
  const { gateway, backends } = await setUp(t, 2, ([a, b]) => [
    proxy(
      'broken',
      [url(a as Backend), url(b as Backend)],
      { failoverRetryCount: 0 },
      {
        circuitBreaker: {
          circuitBreakerEnabled: true,
          errorThresholdValue: 2,
          errorWindow: 60,
          sleepWindow: 1,
          halfOpenEnabled: true,
        },
      },
    ),
  ])
  const [a, b] = backends
  a.answer = () => failing(404)
  for (let i = 0; i < 4; i++) await ask(gateway, '/broken')
  assert.equal(a.requests.length, 2)
  assert.equal(await answers(gateway, '/broken', 4), '1111')
  assert.equal(a.requests.length, 2)
  b.answer = () => failing(500)
  await ask(gateway, '/broken')
  await ask(gateway, '/broken')
  const out = await ask(gateway, '/broken')
  assert.deepEqual([out.status, /ERR-135/.test(out.text)], [503, true])
  a.answer = () => answerText('0')
  b.answer = () => answerText('1')
  await waitFor('both to be back', async () => {
    const text = await answers(gateway, '/broken', 4)
    return text.includes('0') && text.includes('1') ? true : undefined
  })
})

test('errors: the template, a row of its own, or the backend’s answer; what the gateway itself says', async (t) => {
  const [closed] = (await findFreePorts(1)) as [number]
  const { gateway, backends } = await setUp(t, 1, ([a]) => [
    proxy('template', [url(a as Backend)]),
    proxy(
      'rows',
      [url(a as Backend)],
      {},
      {
        errorHandling: {
          customizeErrorMessageEnabled: true,
          errorMessageList: [
            { statusCode: 404, newStatusCode: 410, errorCode: 'GONE', errorMessage: 'no more' },
          ],
        },
      },
    ),
    proxy('own', [url(a as Backend)], { ignoreRoutingError: true }),
    proxy('refused', [`http://127.0.0.1:${closed}`]),
    proxy('unknown', ['http://name.invalid:80']),
    proxy('slow', [url(a as Backend)], { readTimeout: 1 }),
  ])
  const [a] = backends
  a.answer = () => failing(404)
  const template = await ask(gateway, '/template')
  assert.deepEqual([template.status, template.headers['content-type']], [404, 'application/json'])
  assert.match(template.text, /"code":"ERR-070"/)
  const row = await ask(gateway, '/rows')
  assert.deepEqual([row.status, JSON.parse(row.text)], [410, { error: { code: 'GONE', message: 'no more' } }])
  assert.deepEqual((await ask(gateway, '/own')).text, 'no')
  const gatewayMade = async (path: string): Promise<string> => {
    const { status, text } = await ask(gateway, path)
    return `${status} ${/ERR-\d+/.exec(text)?.[0]}`
  }
  assert.equal(await gatewayMade('/refused'), '503 ERR-069')
  assert.equal(await gatewayMade('/unknown'), '404 ERR-067')
  a.answer = () => null
  assert.equal(await gatewayMade('/slow'), '408 ERR-066')
})

test('ADVANCED: what a condition on status and body calls an error is tried again and replaced, all else goes out as it came', async (t) => {
  const code = (operator: string, secondValue?: string | number) => ({
    firstValue: { source: 'BODY_JSON', name: '$.result.code' },
    type: 'NUMERIC',
    operator,
    ...(secondValue === undefined ? {} : { secondValue }),
  })
  const framed: string[] = []
  const server = createFramedServer((request, response) => {
    framed.push(request.url)
    if (request.url === '/moved') response.writeHead(302, { location: '/7' }).end()
    else response.end(`{"result":{"code":${request.url.slice(1)}}}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port: framedPort } = server.address() as AddressInfo
  const { gateway, backends } = await setUp(
    t,
    2,
    ([a, b]) => {
      const errorHandling = {
        errorHandlingType: 'ADVANCED',
        errorCondition: {
          operator: 'OR',
          conditions: [
            { firstValue: { source: 'STATUS' }, type: 'NUMERIC', operator: 'GE', secondValue: 500 },
            { operator: 'AND', conditions: [code('IS_EXISTS'), code('NE', 0)] },
          ],
        },
      }
      const breaker = {
        circuitBreakerEnabled: true,
        errorThresholdValue: 2,
        sleepWindow: 3600,
        errorWindow: 3600,
      }
      return [
        proxy('judged', [url(a as Backend)], { retryCount: 1 }, { errorHandling }),
        proxy(
          'framed',
          [`http://127.0.0.1:${framedPort}`],
          { retryCount: 1 },
          { errorHandling, connection: { httpVersion: 'h2c prior knowledge', redirectsEnabled: true } },
        ),
        proxy('moved', [url(a as Backend), url(b as Backend)], {}, { errorHandling }),
        proxy(
          'broken',
          [url(a as Backend), url(b as Backend)],
          { failoverRetryCount: 0 },
          { errorHandling: { ...errorHandling, ignoreRoutingError: true }, circuitBreaker: breaker },
        ),
      ]
    },
    { limits: { maxInspectedBodyBytes: 1024 } },
  )
  const [a] = backends
  const says = (value: unknown, status = '200 OK') =>
    answerText(JSON.stringify({ result: { code: value } }), { status, headers: ['X-Own: 1'] })
  const asked = async (path: string, method = 'GET') => {
    const before = a.requests.length
    const { status, text, headers } = await ask(gateway, path, {}, method)
    return { status, text, own: headers['x-own'], requests: a.requests.length - before }
  }
  a.answer = () => says(0)
  assert.deepEqual(await asked('/judged'), {
    status: 200,
    text: '{"result":{"code":0}}',
    own: '1',
    requests: 1,
  })
  // by DEFAULT it would count
  a.answer = () => says(0, '404 Not Found')
  assert.deepEqual(await asked('/judged'), {
    status: 404,
    text: '{"result":{"code":0}}',
    own: '1',
    requests: 1,
  })
  a.answer = () => says(7)
  const failed = await asked('/judged')
  assert.deepEqual([failed.status, failed.requests, JSON.parse(failed.text).error.code], [503, 2, 'ERR-070'])
  a.answer = () => failing(502)
  const byStatus = await asked('/judged')
  assert.deepEqual([byStatus.status, byStatus.requests, /ERR-070/.test(byStatus.text)], [502, 2, true])
  a.answer = () => says('seven')
  const odd = await asked('/judged')
  assert.deepEqual([odd.status, odd.requests, /ERR-145/.test(odd.text)], [500, 1, true])
  // in pieces, in chunks, compressed, without a body, over the limit: the last is absent
  const chunks = (...pieces: string[]): string =>
    [...pieces, ''].map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('')
  a.answer = (_, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
    setImmediate(() => socket.write(chunks('{"result":', '{"code":0}', '}')))
    return null
  }
  assert.deepEqual((await asked('/judged')).text, '{"result":{"code":0}}')
  const packed = gzipSync('{"result":{"code":7}}')
  a.answer = () =>
    Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`),
      packed,
    ])
  assert.equal((await asked('/judged')).status, 503)
  a.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n'
  assert.deepEqual([(await asked('/judged', 'HEAD')).status, a.requests.at(-1)?.method], [200, 'HEAD'])
  const long = JSON.stringify({ result: { code: 7 }, rest: 'x'.repeat(40_000) })
  a.answer = () => answerText(long)
  assert.deepEqual(await asked('/judged'), { status: 200, text: long, own: undefined, requests: 1 })
  // cut before anybody saw anything of it: that is a failed attempt
  a.answer = (_, socket) => {
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"result"')
    return null
  }
  const cut = await asked('/judged')
  assert.deepEqual([cut.status, cut.requests, /ERR-070/.test(cut.text)], [503, 2, true])
  // over HTTP/2, and behind a redirect there, just so
  assert.equal((await ask(gateway, '/framed/0')).text, '{"result":{"code":0}}')
  assert.deepEqual([(await ask(gateway, '/framed/7')).status, framed.splice(0)], [503, ['/0', '/7', '/7']])
  assert.equal((await ask(gateway, '/framed/moved')).status, 503)
  assert.deepEqual(framed, ['/moved', '/7', '/moved', '/7'])
  // failover and the circuit breaker go by it too
  a.answer = () => says(7)
  assert.equal(await answers(gateway, '/moved', 2), '11')
  assert.equal(await answers(gateway, '/broken', 6), '{"result":{"code":7}}1{"result":{"code":7}}111')
})

test('redirects: followed as far as the proxy says, with what may go along; else they go to the client', async (t) => {
  const { gateway, backends } = await setUp(t, 3, ([a, b, c]) => {
    const following = (more: Value = {}) => ({ connection: { redirectsEnabled: true, ...more } })
    return [
      proxy('shown', [url(a as Backend)]),
      proxy('followed', [`${url(a as Backend)}/base`], {}, following()),
      proxy('twice', [url(a as Backend)], {}, following({ maxRedirects: 2 })),
      proxy('absolute', [url(a as Backend)], {}, following({ relativeRedirectsAllowed: false })),
      proxy('retried', [url(a as Backend)], { retryCount: 1 }, following()),
      proxy('moved', [url(a as Backend), url(c as Backend)], {}, following()),
      proxy('bare', [url(b as Backend)], {}, { connection: { doNotRouteZeroValueContentLength: true } }),
    ]
  })
  const [a, b, c] = backends
  const to = (location: string, status = 302) =>
    answerText('moved', { status: `${status} Moved`, headers: [`Location: ${location}`] })
  b.answer = ({ method, target, body }) => answerText(`b ${method} ${target} ${body}`)
  a.answer = () => to(`${url(b)}/new?x=1#part`)
  const shown = await ask(gateway, '/shown')
  assert.deepEqual([shown.status, shown.headers.location], [302, `${url(b)}/new?x=1#part`])
  for (const status of [301, 302, 303, 307, 308]) {
    a.answer = () => to(`${url(b)}/new?x=1#part`, status)
    const answer = await ask(gateway, '/followed/a', {
      authorization: 'Basic x',
      cookie: 'a=b',
      'x-own': '1',
    })
    assert.deepEqual([answer.status, answer.text], [200, 'b GET /new?x=1 '], String(status))
    const sent = b.requests.at(-1)
    assert.deepEqual(
      ['host', 'authorization', 'cookie', 'x-own'].map((name) => sent?.field(name)),
      [b.node, undefined, undefined, '1'],
    )
    assert.equal(a.requests.at(-1)?.field('authorization'), 'Basic x')
  }
  // to the same place the credentials go along
  a.answer = ({ target }) => (target === '/base/a' ? to('../other') : answerText(`a ${target}`))
  assert.equal((await ask(gateway, '/followed/a', { authorization: 'Basic x' })).text, 'a /other')
  assert.equal(a.requests.at(-1)?.field('authorization'), 'Basic x')
  // a request with a body goes on by GET where 303 says so, and is not sent again otherwise
  const post = (status: number) => {
    a.answer = () => to(`${url(b)}/new`, status)
    return callHttp({ port: gateway.port, method: 'POST', path: '/followed', body: 'text' })
  }
  assert.equal((await post(303)).text, 'b GET /new ')
  assert.equal(b.requests.at(-1)?.field('content-length'), undefined)
  for (const status of [301, 302, 307, 308]) assert.equal((await post(status)).status, status)
  a.answer = () => to(`${url(b)}/new`, 303)
  assert.equal((await ask(gateway, '/followed', {}, 'HEAD')).status, 200)
  assert.equal(b.requests.at(-1)?.method, 'HEAD')
  const ended = async (path: string): Promise<string> => {
    const { status, text } = await ask(gateway, path)
    return `${status} ${/ERR-\d+/.exec(text)?.[0]}`
  }
  const before = a.requests.length
  a.answer = () => to('/again')
  assert.equal(await ended('/twice'), '503 ERR-070')
  assert.equal(a.requests.length - before, 3)
  assert.equal(await ended('/absolute'), '404 ERR-068')
  for (const location of ['ftp://a/b', 'http://[::x]/', 'http://a:99999/']) {
    a.answer = () => to(location)
    assert.equal(await ended('/followed'), '404 ERR-068', location)
  }
  for (const location of [
    'http://169.254.169.254/x',
    'http://[::ffff:a9fe:a9fe]/x',
    `http://0.0.0.0:${gateway.adminPort}/x`,
    `http://[::ffff:7f00:1]:${gateway.adminPort}/x`,
    `http://127.0.0.1:${gateway.adminPort}/x`,
    `http://localhost:${gateway.adminPort}/x`,
  ]) {
    a.answer = () => to(location)
    // a name is held back when it is looked up, and then there is nothing to connect to
    const code = location.includes('localhost') ? 'UPSTREAM_CONNECT_FAILED' : 'ADMIN_ADDRESS'
    assert.equal((await ask(gateway, '/followed')).headers['x-headgate-error'], code, location)
  }
  a.answer = () => answerText('no place', { status: '302 Found' })
  assert.deepEqual((await ask(gateway, '/followed')).text, 'no place')
  // an error behind a redirect is one of the attempt: it begins anew, with the request as it came
  b.answer = () => failing(500)
  const retried = a.requests.length
  a.answer = () => to(`${url(b)}/new`)
  assert.equal(await ended('/retried/x'), '500 ERR-070')
  assert.deepEqual(
    a.requests.slice(retried).map(({ target }) => target),
    ['/x', '/x'],
  )
  c.answer = ({ target, requestLine }) => answerText(`c ${target} ${requestLine.split(' ')[0]}`)
  const moved = [await ask(gateway, '/moved/y'), await ask(gateway, '/moved/y')].map(({ text }) => text)
  assert.deepEqual(moved, ['c /y GET', 'c /y GET'])
  // where Content-Length: 0 is not to go along
  await ask(gateway, '/bare', { 'content-length': '0' }, 'POST')
  assert.equal(b.requests.at(-1)?.field('content-length'), undefined)
  await ask(gateway, '/followed', { 'content-length': '0' }, 'POST')
  assert.equal(a.requests.at(-1)?.field('content-length'), '0')
})

test('forward proxies: asked with the whole URL or through CONNECT, with credentials, and by the request only where the list allows it', async (t) => {
  const pair = makeCertificate(t, ['localhost'], { isAuthority: true })
  const secure = createServer({ cert: pair.cert, key: pair.key }, (request, response) =>
    response.end(`secure ${request.method} ${request.url} ${request.headers.host}`),
  )
  secure.listen(0, '127.0.0.1')
  await once(secure, 'listening')
  t.after(() => secure.close())
  const { port: securePort } = secure.address() as AddressInfo
  // a proxy that connects to the server of this test, whatever name it is asked for
  const asked: string[] = []
  let answersWith = 'HTTP/1.1 200 Connection established\r\n\r\n'
  const forward = await startRawBackend((socket) => {
    socket.once('data', (bytes) => {
      asked.push(bytes.toString('latin1'))
      socket.write(answersWith)
      if (!answersWith.startsWith('HTTP/1.1 200')) return
      const server = connect(securePort, '127.0.0.1')
      server.on('error', () => {})
      socket.on('close', () => server.destroy())
      server.pipe(socket)
      socket.pipe(server)
    })
  })
  t.after(() => forward.close())
  const proxyServer = (port: number, more: Value = {}) => ({
    proxyServer: { proxyEnabled: true, proxyHost: '127.0.0.1', proxyPort: port, ...more },
  })
  const credentials = { proxyAuthorizationNeeded: true, proxyUsername: 'user', proxyPassword: 'pass' }
  const { gateway, backends } = await setUp(
    t,
    2,
    ([a, b]) => [
      proxy(
        'plain',
        ['http://one.invalid/base', 'http://one.invalid:81/'],
        {},
        proxyServer(a?.port as number),
      ),
      proxy(
        'known',
        [{ address: 'http://one.invalid', pathRewrite: '/new/{rest}' }],
        {},
        proxyServer(a?.port as number, credentials),
      ),
      proxy(
        'secure',
        [`https://localhost:${securePort}/v1`],
        {},
        { ...proxyServer(forward.port, credentials), mtls: { trustStoreId: 'own' } },
      ),
      proxy(
        'named',
        ['http://one.invalid'],
        {},
        {
          proxyServer: {
            proxyEnabled: true,
            proxyFromHeaderEnabled: true,
            allowedProxyList: [a?.node, `localhost:${b?.port}`],
          },
        },
      ),
      proxy(
        'off',
        [url(a as Backend)],
        {},
        { proxyServer: { proxyEnabled: false, proxyHost: 'x.invalid', proxyPort: 1 } },
      ),
    ],
    {},
    { trust_stores: [{ name: 'own', ca: pair.cert }] },
  )
  const [a, b] = backends
  const last = () => a.requests.at(-1)
  assert.equal((await ask(gateway, '/plain/x?q=1')).status, 200)
  assert.deepEqual(
    [last()?.target, last()?.field('host'), last()?.field('proxy-authorization')],
    ['http://one.invalid/base/x?q=1', 'one.invalid', undefined],
  )
  await ask(gateway, '/plain/x')
  assert.deepEqual([last()?.target, last()?.field('host')], ['http://one.invalid:81/x', 'one.invalid:81'])
  await ask(gateway, '/known/x', { 'proxy-authorization': 'Basic of-the-client' })
  assert.deepEqual(
    [last()?.target, last()?.field('proxy-authorization')],
    ['http://one.invalid/new/x', 'Basic dXNlcjpwYXNz'],
  )
  const told = await gateway.admin('POST', '/headgate/v1/explain', { url: '/known/x' })
  assert.match(told.text, /one\.invalid/)
  assert.doesNotMatch(told.text, /dXNlcjpwYXNz/)
  const ended = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
    const { status, text } = await ask(gateway, path, headers)
    return `${status} ${/ERR-\d+/.exec(text)?.[0]}`
  }
  a.answer = () => failing(407)
  assert.equal(await ended('/known'), '407 ERR-072')
  a.answer = () => answerText('0')
  // https: the connection is kept, and TLS is with the target
  for (const path of ['/secure/a?b=c', '/secure/d'])
    assert.equal(
      (await ask(gateway, path)).text,
      `secure GET ${path.replace('/secure', '/v1')} localhost:${securePort}`,
    )
  assert.deepEqual(asked, [
    `CONNECT localhost:${securePort} HTTP/1.1\r\nHost: localhost:${securePort}\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n`,
  ])
  const kept = await gateway.admin('GET', '/headgate/v1/upstreams')
  assert.equal(kept.status, 200)
  assert.doesNotMatch(kept.text, /dXNlcjpwYXNz/)
  secure.closeAllConnections()
  answersWith = 'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n'
  assert.equal(
    await waitFor('a new tunnel', async () => {
      const text = await ended('/secure/a')
      return text.startsWith('200') ? undefined : text
    }),
    '407 ERR-072',
  )
  answersWith = 'HTTP/1.1 502 Bad Gateway\r\n\r\n'
  assert.equal(await ended('/secure/a'), '503 ERR-069')
  answersWith = 'nonsense\r\n\r\n'
  assert.equal(await ended('/secure/a'), '503 ERR-069')
  // the client's choice is one of the list, or none
  const name = (host: string, port: number) => ({ 'x-proxy-host': host, 'x-proxy-port': String(port) })
  assert.equal((await ask(gateway, '/named/x', name('127.0.0.1', a.port))).text, '0')
  assert.deepEqual(
    [last()?.target, last()?.field('x-proxy-host'), last()?.field('x-proxy-port')],
    ['http://one.invalid/x', undefined, undefined],
  )
  assert.equal((await ask(gateway, '/named/x', name('LocalHost', b.port))).text, '1')
  for (const headers of [{}, name('127.0.0.1', b.port), name('', a.port), { 'x-proxy-host': '127.0.0.1' }])
    assert.equal(await ended('/named/x', headers), '502 ERR-071')
  assert.equal((await ask(gateway, '/off')).text, '0')
})

test('what is sent: fields, query, agent, variables of the environment, copies', async (t) => {
  const [closed] = (await findFreePorts(1)) as [number]
  const { gateway, backends } = await setUp(
    t,
    3,
    ([a, b, c]) => [
      proxy('plain', [url(a as Backend)], {}, { connection: { hopByHopHeaders: ['X-Secret'] } }),
      proxy(
        'raw',
        [url(a as Backend)],
        {},
        {
          connection: {
            queryEncodingMode: 'RFC3986',
            sendUserAgentToBackend: true,
            userAgentValue: 'Gate/1',
          },
        },
      ),
      proxy('spaces', [url(a as Backend)], {}, { connection: { queryEncodingMode: 'PASSTHROUGH' } }),
      proxy(
        'named',
        ['HOST', 'OTHER'].map((name) => `http://\${${name}}/inner`),
      ),
      proxy(
        'copied',
        [
          { address: url(a as Backend) },
          { address: `${url(b as Backend)}/copy`, addressType: 'MIRROR' },
          { address: `http://127.0.0.1:${closed}`, addressType: 'MIRROR' },
          { address: url(c as Backend), addressType: 'MIRROR', enabled: false },
        ],
        { mirror: { percentage: 50 } },
      ),
    ],
    { apinizer: { environments: { production: { variables: { HOST: 'localhost:1' } } } } },
  )
  const [a, b, c] = backends
  await ask(gateway, "/plain/x?q=a/b:c&m=it's", {
    'x-secret': '1',
    'user-agent': 'curl',
    'x-kept': '1',
    te: 'gzip',
    trailers: 'x',
    'keep-alive': 'timeout=5',
    'proxy-authorization': 'Basic x',
    'proxy-connection': 'keep-alive',
    connection: 'keep-alive, x-named',
    'x-named': '1',
    upgrade: 'other',
  })
  const plain = a.requests.at(-1)
  assert.equal(plain?.target, '/x?q=a%2Fb%3Ac&m=it%27s')
  assert.deepEqual(
    ['x-kept', 'host'].map((name) => plain?.field(name)),
    ['1', a.node],
  )
  const withheld = ['x-secret', 'user-agent', 'te', 'trailers', 'keep-alive', 'proxy-authorization']
  for (const name of [...withheld, 'proxy-connection', 'connection', 'x-named', 'upgrade'])
    assert.equal(plain?.field(name), undefined, name)
  await ask(gateway, "/raw/x?q=a/b:c&m=it's", { 'user-agent': 'curl' })
  assert.deepEqual(
    [a.requests.at(-1)?.target, a.requests.at(-1)?.field('user-agent')],
    ['/x?q=a/b:c&m=it%27s', 'Gate/1'],
  )
  await ask(gateway, "/spaces/x?q=a/b:c&m=it's")
  assert.equal(a.requests.at(-1)?.target, "/x?q=a/b:c&m=it's")
  assert.match((await ask(gateway, '/named')).text, /ERR-069/)
  for (let i = 0; i < 4; i++) assert.equal((await ask(gateway, `/copied/${i}?n=${i}`)).text, '0')
  await waitFor('two copies', async () => (b.requests.length === 2 ? true : undefined))
  assert.deepEqual(
    b.requests.map(({ target }) => target),
    ['/copy/1?n=1', '/copy/3?n=3'],
  )
  assert.equal(c.requests.length, 0)
})

test('routing off: the request comes back, or the sample of its endpoint; the log names what answered', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-apinizer-log-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const log = join(folder, 'access.log')
  const accessLog = { path: log, flushMs: 10, format: '$upstream_addr' }
  const proxies = () => [
    proxy('echo', [], { routingEnabled: false, echoEnabled: true }),
    {
      apiProxyName: 'sample',
      apiProxyCreationType: 'EMPTY_API',
      clientRoute: { relativePathList: ['/sample'] },
      endpoints: [
        {
          name: '/{id}',
          httpMethod: 'GET',
          backendResourceUrl: '/x/{id}',
          sampleResponse: { contentType: 'text/plain', body: 'an example' },
        },
        { name: '/other/{id}', httpMethod: 'GET', backendResourceUrl: '/x/{name}' },
        { name: '/count/{id}', httpMethod: 'GET', backendResourceUrl: '/x' },
      ],
      routingInfo: { routingEnabled: false },
    },
    {
      apiProxyName: 'faulty',
      apiProxyCreationType: 'EMPTY_API',
      clientRoute: { relativePathList: ['/faulty'] },
      endpoints: [
        { name: '/other/{id}', httpMethod: 'GET', backendResourceUrl: '/x/{name}' },
        { name: '/count/{id}', httpMethod: 'GET', backendResourceUrl: '/x' },
      ],
      routingInfo: { routingAddressList: [{ address: 'http://127.0.0.1:1' }] },
    },
  ]
  const { gateway } = await setUp(t, 0, proxies, { accessLog })
  const echo = await callHttp({
    port: gateway.port,
    method: 'POST',
    path: '/echo/a',
    headers: { 'x-mine': 'yes', cookie: 'a=b', 'content-type': 'text/plain' },
    body: 'hello',
  })
  assert.deepEqual(
    [echo.status, echo.text, echo.headers['x-mine'], echo.headers.cookie, echo.headers['content-type']],
    [200, 'hello', 'yes', undefined, 'text/plain'],
  )
  const sample = await ask(gateway, '/sample/7')
  assert.deepEqual(
    [sample.status, sample.text, sample.headers['content-type']],
    [200, 'an example', 'text/plain'],
  )
  const lines = await waitFor('two lines', () => {
    const found = readFileSync(log, 'utf8').split('\n').slice(0, -1)
    return found.length >= 2 ? found : undefined
  })
  assert.deepEqual(lines.slice(0, 2), ['apinizer://mirror.routing/a', 'apinizer://specresponse.routing/x/7'])
  const other = await ask(gateway, '/faulty/other/7')
  assert.deepEqual([other.status, /ERR-137/.test(other.text)], [500, true])
  const count = await ask(gateway, '/faulty/count/7')
  assert.deepEqual([count.status, /ERR-136/.test(count.text)], [500, true])
})

test('sticky sessions: a signed cookie keeps the client on its address, until that is out or the cookie is another one', async (t) => {
  const secret = 'secret-of-this-test-0001'
  const { gateway, backends } = await setUp(t, 2, ([a, b]) => [
    proxy('kept', [url(a as Backend), url(b as Backend)], {
      stickySession: {
        type: 'COOKIE_ONLY',
        cookieName: 'node',
        cookieTtl: 60,
        httpOnly: true,
        hashSecret: secret,
      },
    }),
    proxy('spare', [url(a as Backend), { address: url(b as Backend), addressType: 'FAILOVER_ONLY' }], {
      failoverOnlyEnabled: true,
      stickySession: { type: 'HYBRID', cookieName: 'node', hashSecret: secret },
    }),
  ])
  const [a, b] = backends
  const get = async (cookie?: string) => {
    const answer = await ask(gateway, '/kept', cookie === undefined ? {} : { cookie })
    return { text: answer.text, cookies: [answer.headers['set-cookie'] ?? []].flat() }
  }
  const signedName = (backend: Backend): string => {
    const address = url(backend)
    const signature = createHmac('sha256', secret).update(address).digest('hex')
    return Buffer.from(`${address}:${signature}`).toString('base64url')
  }
  a.answer = () => answerText('0', { headers: ['Set-Cookie: own=1'] })
  b.answer = () => answerText('1', { headers: ['Set-Cookie: own=1'] })
  const first = await get()
  const chosen = first.text === '0' ? a : b
  assert.deepEqual(
    first.cookies.toSorted(),
    [`node=${signedName(chosen)}; Path=/; Max-Age=60; HttpOnly`, 'own=1'].toSorted(),
  )
  for (const backend of [a, b]) {
    const cookie = `x=y; node=${signedName(backend)}`
    for (let i = 0; i < 3; i++)
      assert.deepEqual(await get(cookie), { text: backend === a ? '0' : '1', cookies: ['own=1'] })
  }
  const forged = await get(`node=${signedName(a).slice(0, -2)}xx`)
  assert.equal(forged.cookies.length, 2)
  // an address that is for failover alone keeps nobody: its cookie is none, and its answers set none
  const spare = await ask(gateway, '/spare', { cookie: `node=${signedName(b)}` })
  const lines = [spare.headers['set-cookie'] ?? []].flat()
  assert.deepEqual([spare.text, lines.toSorted()], ['0', [`node=${signedName(a)}; Path=/`, 'own=1']])
  a.answer = () => failing(500)
  const stoodIn = await ask(gateway, '/spare', { cookie: `node=${signedName(a)}` })
  assert.deepEqual([stoodIn.text, [stoodIn.headers['set-cookie']].flat()], ['1', ['own=1']])
  a.answer = () => answerText('0', { headers: ['Set-Cookie: own=1'] })
  // the address is gone: another one answers, and the cookie follows it
  await a.close()
  const moved = await get(`node=${signedName(a)}`)
  assert.equal(moved.text, '1')
  assert.ok(moved.cookies.some((line) => line.startsWith(`node=${signedName(b)};`)))
})

/** As `stickySession` of the secret makes it. */
function stickyCookie(name: string, secret: string): string {
  const signature = createHmac('sha256', secret).update(name).digest('hex')
  return `node=${Buffer.from(`${name}:${signature}`).toString('base64url')}`
}

test('sticky sessions: a canary does not take the cookie that names a primary address', async (t) => {
  const secret = 'secret-of-this-test-0002'
  const { gateway, backends } = await setUp(t, 3, ([a, b, c]) => [
    proxy(
      'kept',
      [url(a as Backend), url(b as Backend), { address: url(c as Backend), addressType: 'CANARY' }],
      {
        canary: { percentage: 50 },
        stickySession: { type: 'HYBRID', cookieName: 'node', hashSecret: secret },
      },
    ),
  ])
  const [a, b] = backends
  for (const [name, backend] of [a, b].entries()) {
    let text = ''
    for (let i = 0; i < 4; i++) {
      const answer = await ask(gateway, '/kept', { cookie: stickyCookie(url(backend), secret) })
      assert.equal(answer.headers['set-cookie'], undefined)
      text += answer.text
    }
    assert.equal(text, `${name}2${name}2`)
  }
})

test('sticky sessions: while an address is on trial one client of its own asks it, and no more', async (t) => {
  const secret = 'secret-of-this-test-0003'
  const { gateway, backends } = await setUp(t, 2, ([a, b]) => [
    proxy(
      'kept',
      [url(a as Backend), url(b as Backend)],
      {
        failoverRetryCount: 0,
        stickySession: { type: 'COOKIE_ONLY', cookieName: 'node', hashSecret: secret },
      },
      { circuitBreaker: { circuitBreakerEnabled: true, sleepWindow: 1, halfOpenEnabled: true } },
    ),
  ])
  const [a] = backends
  const get = () => ask(gateway, '/kept', { cookie: stickyCookie(url(a), secret) })
  a.answer = () => failing(500)
  await get()
  assert.equal((await get()).text, '1')
  let finish: (() => void) | undefined
  a.answer = (_, socket) => {
    if (finish !== undefined) return answerText('0')
    finish = () => void socket.write(answerText('0'))
    return null
  }
  const sent: Promise<unknown>[] = []
  await waitFor('the trial to begin', () => {
    sent.push(get())
    return finish
  })
  const asked = a.requests.length
  for (let i = 0; i < 5; i++) assert.equal((await get()).text, '1')
  assert.equal(a.requests.length, asked)
  finish?.()
  await Promise.all(sent)
  assert.equal((await get()).text, '0')
})
