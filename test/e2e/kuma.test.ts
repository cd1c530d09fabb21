import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { startSampleMesh } from '../../src/cli/sample-mesh.ts'
import { kuma } from '../../src/dialects/kuma/index.ts'
import { DEFAULT_SETTINGS } from '../../src/model/defaults.ts'
import type { JsonValue } from '../../src/model/json.ts'
import { answerText, startBackend } from '../support/backends.ts'
import { makeCertificate } from '../support/certificates.ts'
import { callHttp, type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { findFreePorts, findTool, skipWithout, waitFor } from '../support/tools.ts'

/** The page "Traffic Route" (seed 003), every example of it end to end, by the files that `headgate demo mesh` tells of. */

const FOLDER = resolve(ROOT, 'examples/mesh')
/** Ports that the files name, of proxies and of applications; free ones take their places. */
const NAMED = [
  20080, 26379, 26380, 21000, 21001, 21002, 21003, 21004, 21005, 21006, 31000, 31001, 31002, 31003, 31004,
  31005, 31006,
]
const tried = new Set<string>()

let ports = new Map<number, number>()
let mesh: Awaited<ReturnType<typeof startSampleMesh>>
let gateway: GatewayProcess
const portOf = (named: number): number => ports.get(named) as number

before(async () => {
  const free = await findFreePorts(NAMED.length)
  ports = new Map(NAMED.map((named, i) => [named, free[i] as number]))
  mesh = await startSampleMesh(portOf)
  gateway = await startGateway(['--dataplane', 'all', '--workers', '2'])
  await apply('mesh')
  for (const named of NAMED) await waitFor(`somebody at ${named}`, () => isOpen(portOf(named)))
})

after(async () => {
  await gateway?.stop('SIGKILL')
  await mesh?.close()
})

/** A file with the ports that stand for those in it. */
function textOf(file: string): string {
  const text = readFileSync(join(FOLDER, `${file}.yaml`), 'utf8')
  return text.replace(/\b(?:2|3)\d{4}\b/g, (port) => String(ports.get(Number(port)) ?? port))
}

/** The route of a file, with all that it says of its destinations replaced by one service. */
function leadTo(file: string, service: string): string {
  const text = textOf(file)
  return `${text.slice(0, text.indexOf('conf:'))}conf: {destination: {kuma.io/service: ${service}}}`
}

/** Documents in place of those of their names. When this is done every worker serves by them. */
async function applyText(text: string): Promise<readonly string[]> {
  const documents = parseAllDocuments(text).flatMap((one) => {
    const found = kuma.readFile(one.toJS() as JsonValue, DEFAULT_SETTINGS)
    return (found?.documents ?? []).map(({ kind, id, value }) => ({ dialect: 'kuma', kind, id, value }))
  })
  const answer = await gateway.admin('POST', '/headgate/v1/apply', { documents })
  assert.equal(answer.status, 200, answer.text)
  const { warnings } = answer.json as { warnings: { message: string }[] }
  return warnings.map(({ message }) => message)
}

async function apply(file: string): Promise<void> {
  tried.add(`${file}.yaml`)
  assert.deepEqual(await applyText(textOf(file)), [])
}

function isOpen(port: number): Promise<true | undefined> {
  return new Promise((resolveOpen) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolveOpen(undefined))
    socket.once('connect', () => {
      socket.destroy()
      resolveOpen(true)
    })
  })
}

type Fields = Readonly<Record<string, string>>

const get = (path: string, headers: Fields = {}) =>
  callHttp({ port: portOf(20080), method: 'GET', path, headers })

/** The name of the application that answers frontend's request to backend. */
async function ask(path: string, headers: Fields = {}): Promise<string> {
  const { status, text } = await get(path, headers)
  return status === 200 ? text.slice(0, text.indexOf(':')) : String(status)
}

/** What redis answers on a connection of its own; '' where it is closed without an answer. */
async function askRedis(port = portOf(26379)): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {}) // a reset
  socket.write('GET version\r\nQUIT\r\n')
  let text = ''
  socket.on('data', (part) => {
    text += String(part)
  })
  await new Promise((resolveClose) => socket.once('close', resolveClose))
  return text.split('\r\n')[1] ?? ''
}

async function count(times: number, one: () => Promise<string>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (let i = 0; i < times; i++) {
    const answer = await one()
    counts[answer] = (counts[answer] ?? 0) + 1
  }
  return counts
}

test('the route that comes with the mesh lets everything through, evenly', async () => {
  assert.deepEqual(await count(10, () => ask('/')), { 'backend 1.0': 5, 'backend 2.0': 5 })
  assert.deepEqual(await count(10, askRedis), { 'redis 1.0': 5, 'redis 2.0': 5 })
  const routes = await gateway.admin(
    'GET',
    '/headgate/v1/documents/kuma/traffic-routes/default:route-all-default',
  )
  assert.equal(routes.status, 200, routes.text)
  // an inbound leads to its application
  const inbound = await callHttp({ port: portOf(21006), method: 'GET', path: '/' })
  assert.match(inbound.text, /^offers: GET \/\n/)
})

test('L4 split: 90 of 100 connections to 1.0, 10 to 2.0', async () => {
  await apply('l4-split')
  assert.deepEqual(await count(100, askRedis), { 'redis 1.0': 90, 'redis 2.0': 10 })
})

test('L4 rerouting: who asks for redis gets another one, without a connection lost', async () => {
  await apply('l4-reroute')
  assert.deepEqual(await count(10, askRedis), { 'another-redis': 10 })
  // of the proxy of the second backend too
  assert.equal(await askRedis(portOf(26380)), 'another-redis')
})

test('L7 split: below /api 90 and 10 of 100 requests, all others to 1.0', async () => {
  await apply('l7-split')
  assert.deepEqual(await count(100, () => ask('/api/x')), { 'backend 1.0': 90, 'backend 2.0': 10 })
  for (const path of ['/', '/ap', '/x/api', '/API']) assert.equal(await ask(path), 'backend 1.0', path)
})

test('a weight of 0 stops a version with the next request', async () => {
  await apply('l7-split')
  await ask('/api')
  await apply('l7-stop')
  assert.deepEqual(await count(10, () => ask('/api')), { 'backend 2.0': 10 })
  assert.equal(await ask('/'), 'backend 1.0')
})

test('L7 modification: the backend gets a field', async () => {
  await apply('l7-modify')
  assert.match((await get('/a', { 'x-custom-header': 'own' })).text, /\nx-custom-header: xyz\n/)
})

test('L7 rerouting: /offers has a service of its own', async () => {
  await apply('l7-reroute')
  assert.deepEqual([await ask('/offers'), await ask('/offers/7')], ['offers', 'offers'])
  assert.match(await ask('/other'), /^backend/)
})

test('every balancer', async () => {
  await apply('round-robin')
  assert.deepEqual(await count(10, () => ask('/')), { 'backend 1.0': 5, 'backend 2.0': 5 })
  for (const balancer of ['least-request', 'random']) {
    await apply(balancer)
    const both = Object.keys(await count(60, () => ask('/'))).sort()
    assert.deepEqual(both, ['backend 1.0', 'backend 2.0'], balancer)
  }
  await apply('ring-hash')
  const homes = new Set<string>()
  for (let user = 0; user < 12; user++) {
    const of = await count(4, () => ask('/', { 'x-user': String(user) }))
    assert.equal(Object.keys(of).length, 1, `user ${user}`)
    homes.add(Object.keys(of).join())
  }
  assert.equal(homes.size, 2)
})

test('maglev with a cookie: a client that has none gets one, and stays where it leads', async () => {
  await apply('maglev')
  const homes = new Set<string>()
  for (let client = 0; client < 12; client++) {
    const first = await get('/')
    const cookie = String(first.headers['set-cookie'])
    assert.match(cookie, /^instance="?[0-9a-f]{16}"?; Max-Age=3600; Path=\/; HttpOnly$/)
    const home = first.text.slice(0, first.text.indexOf(':'))
    homes.add(home)
    const own = { cookie: cookie.split(';')[0] as string }
    assert.deepEqual(await count(3, () => ask('/', own)), { [home]: 3 })
    assert.equal((await get('/', own)).headers['set-cookie'], undefined)
  }
  assert.equal(homes.size, 2)
})

test('without kuma.io/protocol rules do not act, and explain says why', async () => {
  const text = textOf('mesh')
  const untagged = text.replace('kuma.io/protocol: http, version: "2.0"', 'version: "2.0"')
  assert.notEqual(untagged, text)
  await apply('l7-split')
  const why =
    'the http rules of traffic route backend do not act on backend_default_svc_80, which is carried as tcp: backend-v2 has no kuma.io/protocol'
  await applyText(untagged)
  await waitFor('streams', async () => ((await ask('/api')) === 'backend 1.0' ? true : undefined))
  assert.deepEqual(await count(10, () => ask('/api')), { 'backend 1.0': 10 })
  const shown = await gateway.admin('GET', '/headgate/v1/documents/kuma/dataplanes/default:frontend-1')
  assert.ok(shown.text.includes(why), shown.text)
  const told = await gateway.admin('POST', '/headgate/v1/explain/entrance', {
    id: 'frontend-1',
    entrance: 'backend_default_svc_80',
  })
  assert.equal(told.status, 200, told.text)
  assert.ok(told.text.includes('backend-v2 has no kuma.io/protocol'), told.text)
  const { isLive, request, stream } = told.json as Record<string, unknown>
  assert.deepEqual([isLive, request, stream !== null], [true, null, true])
  await apply('mesh')
})

test('a leg without an instance answers 503 for its share, and closes its connections', async () => {
  const route = (file: string, from: string): Promise<readonly string[]> =>
    applyText(textOf(file).replaceAll(from, '"9.0"'))
  await route('l7-split', '"2.0"')
  assert.deepEqual(await count(10, () => ask('/api')), { 'backend 1.0': 9, 503: 1 })
  await route('l4-split', '"2.0"')
  assert.deepEqual(await count(10, askRedis), { 'redis 1.0': 9, '': 1 })
})

test('mirror, timeout and retry, fields of our own', async (t) => {
  const [extra, port] = await Promise.all([startBackend(), findFreePorts(1)])
  t.after(() => extra.close())
  const own = async (conf: string): Promise<void> => {
    const warnings = await applyText(`type: Dataplane
name: extra-1
networking:
  address: 127.0.0.1
  inbound: [{port: ${port}, servicePort: ${extra.port}, tags: {kuma.io/service: extra, kuma.io/protocol: http}}]
---
type: TrafficRoute
name: backend
sources: [{match: {kuma.io/service: frontend_default_svc_80}}]
destinations: [{match: {kuma.io/service: backend_default_svc_80}}]
conf: ${conf}`)
    assert.deepEqual(warnings, [])
    await waitFor('the inbound', () => isOpen(Number(port)))
  }
  const v1 = 'destination: {kuma.io/service: backend_default_svc_80, version: "1.0"}'
  const mirror = 'mirror: {percentage: 50, destination: {kuma.io/service: extra}}'
  await own(`{http: [{match: {path: {prefix: /copied}}, ${mirror}, ${v1}}], ${v1}}`)
  for (let i = 0; i < 40; i++) assert.equal(await ask('/copied/x'), 'backend 1.0')
  const copies = () => extra.requests.filter(({ target }) => target === '/copied/x').length
  // each of the two workers copies every second request that it gets: 19 or 20, and no more until the end of the test
  await waitFor('copies', () => (copies() >= 19 ? true : undefined))
  assert.equal(extra.requests.length, copies())

  const retry = 'retry: {numRetries: 1, retriableStatusCodes: [500]}'
  const timeout = 'timeout: {http: {requestTimeout: 300ms}}'
  await own(`{${retry}, ${timeout}, destination: {kuma.io/service: extra}}`)
  let left = 1
  extra.answer = () => answerText('x', { status: left-- > 0 ? '500 Error' : '200 OK' })
  assert.equal((await get('/retried')).status, 200)
  left = 2
  assert.equal((await get('/retried')).status, 500)
  extra.answer = () => null
  assert.equal((await get('/late')).status, 504)
  const before = extra.requests.length
  await own(
    `{retry: {numRetries: 1, perTryTimeout: 100ms}, timeout: {http: {requestTimeout: 5s}}, destination: {kuma.io/service: extra}}`,
  )
  assert.equal((await get('/late')).status, 504)
  assert.equal(extra.requests.length, before + 2)
  assert.ok(copies() <= 20, String(copies()))
  await extra.close()
  assert.equal((await get('/gone')).status, 503)
})

test('changes under load lose no request and no connection', async () => {
  const kept = connect(portOf(26379), '127.0.0.1')
  const said: string[] = []
  kept.on('data', (part) => said.push(String(part)))
  const say = async (): Promise<void> => {
    const before = said.length
    kept.write('GET version\r\n')
    await waitFor('redis to answer', () => (said.length > before ? true : undefined))
  }
  await apply('l4-split')
  await apply('l7-split')
  await say()
  let isOver = false
  const statuses = new Map<number, number>()
  const load = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const { status } = await get('/api')
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  })
  for (const file of ['l7-split', 'l7-stop', 'l7-reroute', 'maglev', 'l7-split', 'l4-reroute']) {
    const before = statuses.get(200) ?? 0
    await apply(file)
    await waitFor('some requests', () => ((statuses.get(200) ?? 0) > before + 20 ? true : undefined))
  }
  isOver = true
  await Promise.all(load)
  assert.deepEqual([...statuses.keys()], [200])
  // the stream stays where it is
  await say()
  assert.equal(said.at(-1), said[0])
  assert.match(String(said[0]), /redis \d\.0/)
  kept.destroy()
})

test('a service outside of the mesh is asked by its name over verified TLS, or by the host of a rule', async (t) => {
  const { cert, key } = makeCertificate(t, ['localhost'])
  const server = createHttpsServer({ cert, key }, ({ headers, url }, response) => {
    response.end(`${headers.host} ${url}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const [port, inbound] = await findFreePorts(2)
  const at = (server.address() as AddressInfo).port
  const external = (ca: string): Promise<readonly string[]> =>
    applyText(`type: ExternalService
name: shop
tags: {kuma.io/service: shop, kuma.io/protocol: http}
networking: {address: "localhost:${at}", tls: {enabled: true, caCert: {inlineString: ${JSON.stringify(ca)}}}}
---
type: Dataplane
name: visitor
networking:
  address: 127.0.0.1
  inbound: [{port: ${inbound}, serviceAddress: 127.0.0.2, tags: {kuma.io/service: visitor}}]
  outbound: [{port: ${port}, tags: {kuma.io/service: shop}}]
---
type: TrafficRoute
name: shop
sources: [{match: {kuma.io/service: visitor}}]
destinations: [{match: {kuma.io/service: shop}}]
conf:
  http:
    - match: {path: {prefix: /own}}
      modify: {host: {value: own.test}, path: {rewritePrefix: /other}}
      destination: {kuma.io/service: shop}
  destination: {kuma.io/service: shop}`)
  const visit = async (path: string): Promise<string> => {
    const { status, text } = await callHttp({ port: port as number, method: 'GET', path })
    return status === 200 ? text : String(status)
  }
  await external(cert)
  await waitFor('the outbound', () => isOpen(port as number))
  assert.equal(await visit('/a?b=c'), 'localhost /a?b=c')
  assert.equal(await visit('/own/x'), 'own.test /other/x')
  // of another authority
  await external(makeCertificate(t, ['localhost']).cert)
  assert.equal(await visit('/a'), '503')
})

test('an instance that cannot be reached costs nothing while its leg has another one', async () => {
  const [dead] = await findFreePorts(1)
  const external = (name: string, port: number | undefined, service: string, protocol: string): string =>
    `type: ExternalService
name: ${name}
tags: {kuma.io/service: ${service}, kuma.io/protocol: ${protocol}}
networking: {address: "127.0.0.1:${port}"}
---
`
  const instances = [
    external('dead-store', dead, 'store', 'tcp') + external('store', portOf(31005), 'store', 'tcp'),
    external('dead-site', dead, 'site', 'http') + external('site', portOf(31006), 'site', 'http'),
  ]
  await applyText(`${instances.join('')}${leadTo('l4-reroute', 'store')}\n---\n${leadTo('random', 'site')}`)
  assert.deepEqual(await count(6, askRedis), { 'another-redis': 6 })
  assert.deepEqual(await count(6, () => ask('/')), { offers: 6 })
})

test('instances that say http2 are spoken to in HTTP/2, all the way to the application', async (t) => {
  const server = createHttp2Server((request, response) =>
    response.end(`v${request.httpVersion}: ${request.url}`),
  )
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => sessions.add(session))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  const [port] = await findFreePorts(1)
  await applyText(`type: Dataplane
name: modern-1
networking:
  address: 127.0.0.1
  inbound: [{port: ${port}, servicePort: ${(server.address() as AddressInfo).port}, tags: {kuma.io/service: modern, kuma.io/protocol: http2}}]
---
${leadTo('random', 'modern')}`)
  await waitFor('the inbound', () => isOpen(port as number))
  assert.equal((await get('/a')).text, 'v2.0: /a')
})

test('real servers of redis behind the same proxies', { skip: skipWithout('redis-server') }, async (t) => {
  const servers: ChildProcess[] = []
  t.after(async () => {
    for (const server of servers) {
      server.kill('SIGKILL')
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
    }
  })
  const [one, two] = (await findFreePorts(2)) as [number, number]
  for (const [port, version] of [
    [one, 'real 1.0'],
    [two, 'real 2.0'],
  ] as const) {
    const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    servers.push(spawn(findTool('redis-server') as string, flags, { stdio: 'ignore', cwd: '/tmp' }))
    await waitFor('redis', () => isOpen(port))
    const socket = connect(port, '127.0.0.1')
    socket.end(`SET version "${version}"\r\n`)
    for await (const part of socket) assert.equal(String(part), '+OK\r\n')
  }
  const text = textOf('mesh')
  await applyText(
    text
      .replace(`servicePort: ${portOf(31003)}`, `servicePort: ${one}`)
      .replace(`servicePort: ${portOf(31004)}`, `servicePort: ${two}`),
  )
  await apply('l4-split')
  const counts = await count(100, askRedis)
  assert.deepEqual(counts, { 'real 1.0': 90, 'real 2.0': 10 })
})

test('every file of the mesh is tried', () => {
  assert.deepEqual([...tried].sort(), readdirSync(FOLDER).sort())
})
