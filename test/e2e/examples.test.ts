import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { callHttp, type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { findFreePorts, runTool } from '../support/tools.ts'

const FOLDER = resolve(ROOT, 'examples')
/** Ports that the examples name; the test puts backends on free ones in their place. */
const PORTS = [1980, 1981, 1982] as const
/** Listeners for streams that the examples name: TCP, TLS, UDP. */
const STREAM_PORTS = [9100, 9101, 9053] as const

interface Run {
  readonly gateway: GatewayProcess
  readonly backends: readonly Backend[]
  /** Of a listener with TLS. */
  readonly securePort: number
  /** Of the listeners for TCP, TLS and UDP streams. */
  readonly streamPorts: readonly number[]
  get(path: string, headers?: Readonly<Record<string, string>>): ReturnType<typeof callHttp>
  /** Which backend answered: the port that the example names. */
  ask(path: string, headers?: Readonly<Record<string, string>>): Promise<string>
}

/** The certificate that stands in an example. */
function certificateOf(file: string): string {
  const text = readFileSync(join(FOLDER, file), 'utf8').replace(/^ +/gm, '')
  return /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(text)?.[0] ?? ''
}

/** What both examples of streams show. The backends speak HTTP, which is a stream too. */
async function showStreams({ streamPorts, backends }: Run, ca: string): Promise<void> {
  const [tcp, secure, udp] = streamPorts as [number, number, number]
  const ask = async (localAddress: string): Promise<string> =>
    (await callHttp({ port: tcp, method: 'GET', path: '/', localAddress })).text
  const answers: string[] = []
  for (let i = 0; i < 10; i++) answers.push(await ask('127.0.0.1'))
  assert.deepEqual(count(answers), { 1980: 8, 1981: 2 })
  for (let i = 0; i < 5; i++) assert.equal(await ask('127.0.0.2'), '1981')
  /** One answer; '' where the stream is closed without one. */
  const askSecure = async (servername: string): Promise<string> => {
    const socket = connect({ port: secure, host: '127.0.0.1', servername, ca })
    socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    for await (const part of socket) return String(part)
    return ''
  }
  assert.match(await askSecure('de.shop.test'), /^HTTP\/1\.1 200 [\s\S]*1982$/)
  // it has a certificate and no route
  assert.equal(await askSecure('shop.test'), '')
  const endpoint = createSocket('udp4')
  const client = createSocket('udp4')
  try {
    endpoint.on('message', (bytes, peer) => endpoint.send(`got ${bytes}`, peer.port, peer.address))
    endpoint.bind(backends[0]?.port, '127.0.0.1')
    await once(endpoint, 'listening')
    client.send('hello', udp, '127.0.0.1')
    const [answer] = (await once(client, 'message')) as [Buffer]
    assert.equal(answer.toString(), 'got hello')
  } finally {
    endpoint.close()
    client.close()
  }
}

/** What each example shows, as one request or a few. */
const EFFECTS: Readonly<Record<string, (run: Run) => Promise<void>>> = {
  'native-https.yaml': async ({ get, securePort }) => {
    const moved = await get('/a', { host: 'shop.test' })
    assert.deepEqual([moved.status, moved.headers.location], [301, 'https://shop.test:9443/a'])
    const ca = certificateOf('native-https.yaml')
    for (const servername of ['shop.test', 'de.shop.test']) {
      const socket = connect({ port: securePort, host: '127.0.0.1', servername, ca })
      socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n')
      let text = ''
      for await (const part of socket) text += String(part)
      assert.match(text, /^HTTP\/1\.1 200 [\s\S]*1980$/)
    }
  },
  'canary.yaml': async ({ ask }) => {
    const answers = []
    for (let i = 0; i < 10; i++) answers.push(await ask('/index.html'))
    assert.deepEqual(count(answers), { 1981: 6, 1980: 4 })
  },
  'blue-green.yaml': async ({ ask }) => {
    assert.equal(await ask('/index.html', { release: 'new_release' }), '1981')
    assert.equal(await ask('/index.html', { release: 'old_release' }), '1980')
    assert.equal(await ask('/index.html'), '1980')
  },
  'custom-release.yaml': async ({ ask }) => {
    const fields = { 'user-id': '30', 'apisix-key': 'hello' }
    const split: string[] = []
    for (let i = 0; i < 5; i++) split.push(await ask('/index.html?name=jack', fields))
    assert.deepEqual(count(split), { 1981: 3, 1980: 2 })
    for (let i = 0; i < 5; i++) split.push(await ask('/index.html', { cookie: 'beta=1' }))
    assert.deepEqual(count(split), { 1981: 6, 1980: 4 })
    for (let i = 0; i < 5; i++) {
      assert.equal(await ask('/index.html?name=jack', { ...fields, 'user-id': '3' }), '1980')
    }
  },
  'multiple-rules.yaml': async ({ ask }) => {
    assert.equal(await ask('/hello', { 'x-api-id': '1' }), '1981')
    assert.equal(await ask('/hello', { 'x-api-id': '2' }), '1982')
    assert.equal(await ask('/hello', { 'x-api-id': '3' }), '1980')
  },
  'redirect.yaml': async ({ get }) => {
    const moved = await get('/old/page?a=1')
    assert.deepEqual([moved.status, moved.headers.location], [301, '/new/page?a=1'])
    const secure = await get('/x', { host: 'secure.example.com' })
    assert.deepEqual([secure.status, secure.headers.location], [301, 'https://secure.example.com/x'])
  },
  'proxy-rewrite.yaml': async ({ get, backends }) => {
    assert.equal((await get('/api/v1/users', { cookie: 'secret=1' })).status, 200)
    const request = backends[0]?.requests.at(-1)
    assert.equal(request?.target, '/users')
    assert.equal(request?.field('host'), 'backend.internal')
    assert.equal(request?.field('x-api-version'), '1')
    assert.equal(request?.field('x-client'), '127.0.0.1')
    assert.equal(request?.field('cookie'), undefined)
  },
  'response-rewrite.yaml': async ({ get, backends }) => {
    const answer = await get('/missing')
    assert.deepEqual([answer.status, answer.text], [200, '{"items":[]}'])
    assert.equal(answer.headers['content-type'], 'application/json')
    assert.equal(answer.headers['x-served-from'], backends[0]?.node)
    assert.equal((await get('/there')).headers['x-served-from'], undefined)
  },
  'service-hosts.yaml': async ({ get, ask }) => {
    assert.equal(await ask('/', { host: 'shop.example.com' }), '1980')
    assert.equal(await ask('/cart/1', { host: 'de.shop.example.com' }), '1981')
    assert.equal((await get('/', { host: 'shop.example.com' })).headers['x-service'], 'shop')
    assert.equal((await get('/', { host: 'example.com' })).status, 404)
  },
  'priorities-retries.yaml': async ({ ask, backends }) => {
    const answers: string[] = []
    for (let i = 0; i < 4; i++) answers.push(await ask('/'))
    assert.deepEqual(count(answers), { 1980: 2, 1981: 2 })
    await backends[0]?.close()
    for (let i = 0; i < 4; i++) assert.equal(await ask('/'), '1981')
    await backends[1]?.close()
    for (let i = 0; i < 4; i++) assert.equal(await ask('/'), '1982')
  },
  'native-canary.yaml': async ({ ask }) => {
    const answers = []
    for (let i = 0; i < 10; i++) answers.push(await ask('/shop/'))
    assert.deepEqual(count(answers), { 1980: 8, 1981: 2 })
    assert.equal(await ask('/shop/', { 'x-env': 'test' }), '1981')
  },
  'native-conditions.yaml': async ({ get, ask }) => {
    const host = 'shop.example.com'
    const grown = { host, 'x-age': '30' }
    assert.equal(await ask('/items/7?version=v2', grown), '1981')
    assert.equal(await ask('/items/7', { ...grown, cookie: 'beta=' }), '1981')
    assert.equal(await ask('/items/7', grown), '1980')
    assert.equal(await ask('/items/x?version=v2', grown), '1980')
    assert.equal(await ask('/items/7?version=v2', { host, 'x-age': '65' }), '1980')
    const closed = await get('/items/7?closed', { host })
    assert.deepEqual(
      [closed.status, closed.text, closed.headers['retry-after']],
      [503, 'come back later\n', '30'],
    )
    assert.equal((await get('/items/7', { host, 'x-maintenance': 'on' })).status, 503)
    assert.equal((await get('/items/7', { host: 'example.com' })).status, 404)
  },
  'native-edits.yaml': async ({ get, ask, backends }) => {
    assert.equal(await ask('/api/users?a=1', { 'x-env': 'test', cookie: 'secret=1' }), '1980')
    const request = backends[0]?.requests.at(-1)
    assert.equal(request?.target, '/v2/users?a=1')
    assert.equal(request?.field('host'), 'app.internal')
    assert.equal(request?.field('x-client'), '127.0.0.1')
    assert.equal(request?.field('x-env'), 'test')
    assert.equal(request?.field('cookie'), undefined)
    const moved = await get('/old/a?b=1')
    assert.deepEqual([moved.status, moved.headers.location], [301, '/api/a?b=1'])
    await backends[0]?.close()
    assert.equal(await ask('/api/users'), '1981')
  },
  'native-health.yaml': async ({ ask, backends }) => {
    const answers = []
    for (let i = 0; i < 4; i++) answers.push(await ask('/'))
    assert.deepEqual(count(answers), { 1980: 2, 1981: 2 })
    await backends[0]?.close()
    for (let i = 0; i < 6; i++) assert.equal(await ask('/'), '1981')
  },
  'native-maintenance.yaml': async ({ ask }) => {
    for (let i = 0; i < 6; i++) assert.equal(await ask('/'), '1980')
  },
  'native-sticky.yaml': async ({ get, ask }) => {
    const first = await get('/')
    const cookie = String(first.headers['set-cookie']).split(';')[0] ?? ''
    assert.match(cookie, /^variant=[0-9a-f]+$/)
    for (let i = 0; i < 5; i++) assert.equal(await ask('/', { cookie }), first.text)
    assert.equal(await ask('/', { 'x-variant': 'canary' }), '1981')
    assert.equal(await ask('/', { 'x-variant': 'stable' }), '1980')
  },
  'stream-routes.yaml': (run) => showStreams(run, certificateOf('stream-routes.yaml')),
  'native-streams.yaml': (run) => showStreams(run, certificateOf('native-streams.yaml')),
  'tencent-tke.yaml': async ({ ask }) => {
    const host = 'service-shop0002.apigw.localhost'
    assert.equal(await ask('/release/a', { host }), '1980')
    assert.equal(await ask('/release/a', { host, UserName: 'admin' }), '1981')
  },
  'apinizer-routing.yaml': async ({ get, ask, backends }) => {
    const answers: string[] = []
    for (let i = 0; i < 4; i++) answers.push(await ask('/api/products/7'))
    assert.deepEqual(answers, ['1980', '1981', '1980', '1981'])
    assert.equal(backends[0]?.requests.at(-1)?.target, '/products/7')
    await backends[0]?.close()
    for (let i = 0; i < 2; i++) assert.equal(await ask('/api/products/7'), '1981')
    assert.equal(await ask('/api/orders/1', { 'x-partner': 'acme' }), '1982')
    assert.equal(await ask('/v1/users?a=b'), '1982')
    assert.equal(backends[2]?.requests.at(-1)?.target, '/v2/users?a=b')
    assert.equal(await ask('/books/9'), '1982')
    assert.equal(backends[2]?.requests.at(-1)?.target, '/library/item/9')
    const echo = await get('/later', { 'x-mine': 'yes', authorization: 'Bearer secret' })
    assert.deepEqual(
      [echo.status, echo.headers['x-mine'], echo.headers.authorization],
      [200, 'yes', undefined],
    )
  },
  'tencent-routing.yaml': async ({ gateway, get, ask, backends }) => {
    const host = 'service-shop0001.apigw.localhost'
    const counts = []
    for (let i = 0; i < 8; i++) counts.push(await ask('/release/orders/1?a=b', { host }))
    assert.deepEqual(count(counts), { 1980: 6, 1981: 2 })
    const request = backends[0]?.requests.at(-1)
    assert.deepEqual([request?.target, request?.field('host')], ['/orders/1?a=b', 'shop.internal'])
    assert.equal(await ask('/release/orders/1', { host, UserName: 'admin' }), '1982')
    assert.equal(backends[2]?.requests.at(-1)?.target, '/1')
    assert.equal(await ask('/orders/1', { host: 'partner.test' }), '1982')
    assert.equal(backends[2]?.requests.at(-1)?.target, '/orders/1')
    const { port } = gateway
    const office = {
      port,
      method: 'GET',
      path: '/release/orders/1',
      headers: { host },
      localAddress: '127.0.0.2',
    }
    assert.equal((await callHttp(office)).text, '1982')
    const closed = await get('/release/orders/closed', { host })
    assert.deepEqual([closed.status, closed.text], [200, 'maintenance window'])
    const trial = []
    for (let i = 0; i < 300; i++) trial.push(await ask('/release/trial/', { host }))
    const share = (count(trial)['1982'] ?? 0) / 300
    assert.ok(share > 0.08 && share < 0.35, String(share))
    for (const [path, status] of [
      ['/release/none', 404],
      ['/prepub/orders', 404],
      ['/orders', 404],
    ] as const)
      assert.equal((await get(path, { host })).status, status, path)
    assert.equal(
      (await callHttp({ port, method: 'POST', path: '/release/trial/', headers: { host } })).status,
      405,
    )
  },
  'headgate.config.ts': async ({ ask, backends }) => {
    assert.equal(await ask('/blue/a'), '1980')
    assert.equal(await ask('/green/a'), '1981')
    assert.equal(backends[1]?.requests.at(-1)?.target, '/a')
    assert.equal(backends[1]?.requests.at(-1)?.field('x-team'), 'green')
  },
}

/** Native files have their schema named on top instead. */
const isNative = (file: string): boolean => !file.endsWith('.yaml') || file.startsWith('native-')
const isApisix = (file: string): boolean => !isNative(file) && !/^(tencent|apinizer)-/.test(file)

function count(answers: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1
  return counts
}

test('every example has a test, and every test an example', () => {
  const files = readdirSync(FOLDER).filter((name) => /\.(?:yaml|ts)$/.test(name))
  assert.deepEqual(files.sort(), Object.keys(EFFECTS).sort())
})

test('the README of the examples names each of them', () => {
  const text = readFileSync(join(FOLDER, 'README.md'), 'utf8')
  for (const file of Object.keys(EFFECTS)) assert.ok(text.includes(`(${file})`), file)
})

test('every example is valid without warnings; APISIX ones end with #END, native ones name their schema', async () => {
  for (const file of Object.keys(EFFECTS)) {
    const path = join(FOLDER, file)
    const text = readFileSync(path, 'utf8')
    if (isApisix(file)) assert.match(text, /\n#END\n$/, file)
    else if (file.startsWith('native-')) {
      const schema = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1] ?? ''
      assert.ok(existsSync(resolve(FOLDER, schema)), file)
    }
    const { code, stdout } = await runTool(process.execPath, [
      resolve(ROOT, 'bin/headgate.js'),
      'validate',
      '-f',
      path,
    ])
    assert.equal(code, 0, stdout)
    assert.match(stdout, /: valid \(\d+ documents?\)\n$/)
  }
})

for (const [file, check] of Object.entries(EFFECTS)) {
  test(`examples/${file} starts and does what it says`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'headgate-example-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const backends = await Promise.all(
      PORTS.map((name) =>
        startBackend((request) =>
          answerText(`${name}`, { status: request.target === '/missing' ? '404 Not Found' : '200 OK' }),
        ),
      ),
    )
    t.after(() => Promise.all(backends.map((backend) => backend.close())))
    let text = readFileSync(join(FOLDER, file), 'utf8')
    for (const [i, name] of PORTS.entries()) {
      text = text.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), String(backends[i]?.port))
    }
    const [securePort, ...streamPorts] = (await findFreePorts(4)) as [number, number, number, number]
    for (const [i, name] of STREAM_PORTS.entries()) {
      text = text.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), String(streamPorts[i]))
    }
    // what an example has beside it
    const beside = file.replace(/\.\w+$/, '-cluster')
    if (existsSync(join(FOLDER, beside))) {
      mkdirSync(join(folder, beside))
      for (const name of readdirSync(join(FOLDER, beside))) {
        let inner = readFileSync(join(FOLDER, beside, name), 'utf8')
        for (const [i, port] of PORTS.entries())
          inner = inner.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), String(backends[i]?.port))
        writeFileSync(join(folder, beside, name), inner)
      }
      text = text.replaceAll(`examples/${beside}`, join(folder, beside))
    }
    const config = join(folder, file)
    writeFileSync(config, text)
    const [tcp, tls, udp] = streamPorts.map((port) => `127.0.0.1:${port}`) as [string, string, string]
    const flags = ['--config', config, '--workers', '1', '--listen-tls', `127.0.0.1:${securePort}`]
    flags.push('--listen-tcp', tcp, '--listen-tcp', `tls://${tls}`, '--listen-udp', udp)
    const gateway = await startGateway(flags)
    t.after(() => gateway.stop('SIGKILL'))
    const get: Run['get'] = (path, headers = {}) =>
      callHttp({ port: gateway.port, method: 'GET', path, headers })
    const ask: Run['ask'] = async (path, headers) => {
      const answer = await get(path, headers)
      assert.equal(answer.status, 200, answer.text)
      return answer.text
    }
    await check({ gateway, backends, securePort, streamPorts, get, ask })
  })
}

test('with an example as the source, the Admin API reads, and refuses writes with the file to change', async (t) => {
  const config = join(FOLDER, 'redirect.yaml')
  const gateway = await startGateway(['--config', config, '--workers', '1'])
  t.after(() => gateway.stop('SIGKILL'))
  const read = await gateway.admin('GET', '/apisix/admin/routes/moved')
  assert.equal(read.status, 200)
  const write = await gateway.admin('PUT', '/apisix/admin/routes/moved', { uri: '/x', plugins: {} })
  assert.equal(write.status, 409)
  assert.deepEqual(write.json, {
    error_msg: `the configuration comes from ${config}; change the file instead`,
  })
})
