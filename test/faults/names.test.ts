import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { DnsSource } from '../../src/discovery/dns-source.ts'
import { DEFAULT_SETTINGS } from '../../src/model/defaults.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { type NameServer, startNameServer, type Zone } from '../support/name-server.ts'
import { requestOnce } from '../support/raw-client.ts'
import { findFreePorts, skipWithout, waitFor } from '../support/tools.ts'

const skip = skipWithout('dnsmasq')

async function serveNames(t: TestContext, zone: Zone): Promise<NameServer> {
  const server = await startNameServer(zone)
  t.after(() => server.close())
  return server
}

function makeSource(t: TestContext, server: NameServer, more: object = {}, files: object = {}): DnsSource {
  const settings = { ...DEFAULT_SETTINGS.dns, servers: [server.address], timeoutMs: 300, search: [], ...more }
  const source = new DnsSource({ settings, ...files })
  t.after(() => source.close())
  return source
}

test('DNS gives all IPv4 and IPv6 addresses in a fixed order, with their TTL', { skip }, async (t) => {
  const server = await serveNames(t, {
    hosts: { 'shop.test': ['127.0.0.3', '127.0.0.2', '::1'], 'six.test': ['::1'] },
    ttl: 7,
  })
  const source = makeSource(t, server, { families: 'both' })
  const host = { host: 'shop.test', port: null, rank: 0, weight: 1 }
  assert.deepEqual(await source.ask({ kind: 'addresses', name: 'shop.test' }), {
    kind: 'found',
    ttlSeconds: 7,
    hosts: [{ ...host, addresses: ['127.0.0.2', '127.0.0.3', '::1'] }],
  })
  const four = await makeSource(t, server, { families: 'ipv4' }).ask({ kind: 'addresses', name: 'shop.test' })
  assert.deepEqual(four.kind === 'found' && four.hosts[0]?.addresses, ['127.0.0.2', '127.0.0.3'])
  const none = await makeSource(t, server, { families: 'ipv4' }).ask({ kind: 'addresses', name: 'six.test' })
  assert.equal(none.kind, 'none')
  const auto = await makeSource(t, server).ask({ kind: 'addresses', name: 'six.test' })
  assert.deepEqual(auto.kind === 'found' && auto.hosts[0]?.addresses, ['::1'])
})

test('SRV records give hosts with ports, ranks and weights', { skip }, async (t) => {
  const server = await serveNames(t, {
    hosts: { 'a.test': ['127.0.0.2', '127.0.0.3'], 'b.test': ['127.0.0.4'] },
    lines: [
      'srv-host=_http._tcp.shop.test,a.test,8080,10,3',
      'srv-host=_http._tcp.shop.test,b.test,8081,20,0',
    ],
  })
  const found = await makeSource(t, server).ask({ kind: 'services', name: '_http._tcp.shop.test' })
  assert.deepEqual(found, {
    kind: 'found',
    ttlSeconds: 1,
    hosts: [
      { host: 'a.test', port: 8080, rank: 10, weight: 3, addresses: ['127.0.0.2', '127.0.0.3'] },
      { host: 'b.test', port: 8081, rank: 20, weight: 1, addresses: ['127.0.0.4'] },
    ],
  })
  const none = await makeSource(t, server).ask({ kind: 'services', name: '_x._tcp.shop.test' })
  assert.equal(none.kind, 'none')
})

test('a name that is not there and a server that does not answer are told apart', { skip }, async (t) => {
  const server = await serveNames(t, { hosts: { 'shop.test': ['127.0.0.2'] } })
  const source = makeSource(t, server)
  assert.equal((await source.ask({ kind: 'addresses', name: 'nobody.test' })).kind, 'none')
  server.pause()
  assert.equal((await source.ask({ kind: 'addresses', name: 'shop.test' })).kind, 'failed')
  server.resume()
  assert.equal((await source.ask({ kind: 'addresses', name: 'shop.test' })).kind, 'found')
})

test('the hosts file goes first, is watched, and search domains are tried', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-hosts-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const hostsFile = join(folder, 'hosts')
  const resolvFile = join(folder, 'resolv.conf')
  writeFileSync(hostsFile, '10.0.0.1 shop.test\n')
  writeFileSync(resolvFile, 'search corp.test\nnameserver 127.0.0.1\n')
  const server = await serveNames(t, { hosts: { 'shop.test': ['127.0.0.2'], 'db.corp.test': ['127.0.0.5'] } })
  const source = makeSource(t, server, { search: null }, { hostsFile, resolvFile })
  const ask = async (name: string) => {
    const outcome = await source.ask({ kind: 'addresses', name })
    return outcome.kind === 'found' ? outcome.hosts[0]?.addresses : outcome.kind
  }
  assert.deepEqual(await ask('shop.test'), ['10.0.0.1'])
  assert.deepEqual(await ask('db'), ['127.0.0.5'])
  assert.equal(await ask('db.test.'), 'none')
  const stale = new Promise<void>((resolve) => source.onStale(resolve))
  writeFileSync(hostsFile, '# nothing\n')
  await stale
  assert.deepEqual(await ask('shop.test'), ['127.0.0.2'])
})

/** Servers on several addresses, one port, that say which they are. */
async function startServers(t: TestContext, addresses: readonly string[]): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    const [port] = (await findFreePorts(1)) as [number]
    const servers = addresses.map(() => createServer())
    try {
      for (const [i, server] of servers.entries()) {
        const address = addresses[i] as string
        server.on('request', (_request, response) => response.end(address))
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject)
          server.listen(port, address, resolve)
        })
      }
      t.after(() => {
        for (const server of servers) server.close().closeAllConnections()
      })
      return port
    } catch (error) {
      for (const server of servers) server.close()
      if (attempt > 3) throw error
    }
  }
}

async function startWithNames(
  t: TestContext,
  server: NameServer,
  flags: readonly string[] = [],
): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-names-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'settings.yaml')
  writeFileSync(
    file,
    `dns:\n  servers: ["${server.address}"]\n  timeoutMs: 300\n  search: []\n  families: ipv4\n  graceSeconds: 1\n`,
  )
  const gateway = await startGateway(['--workers', '2', '--settings', file, ...flags])
  t.after(() => gateway.stop('SIGKILL'))
  return gateway
}

async function put(gateway: GatewayProcess, path: string, document: object): Promise<void> {
  const answer = await gateway.admin('PUT', `/apisix/admin/${path}`, document)
  assert.ok(answer.status === 200 || answer.status === 201, answer.text)
}

async function countAnswers(gateway: GatewayProcess, times: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (let i = 0; i < times; i++) {
    const { status, body } = await requestOnce(gateway.port, '/')
    const name = status === 200 ? body : String(status)
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

test('all addresses of a name are balanced, the node keeps its share, and a changed zone is followed', {
  skip,
}, async (t) => {
  const port = await startServers(t, ['127.0.0.2', '127.0.0.3', '127.0.0.4'])
  const server = await serveNames(t, { hosts: { 'shop.test': ['127.0.0.2', '127.0.0.3'] } })
  const gateway = await startWithNames(t, server)
  await put(gateway, 'upstreams/1', {
    type: 'roundrobin',
    nodes: { [`shop.test:${port}`]: 1, [`127.0.0.4:${port}`]: 1 },
  })
  await put(gateway, 'routes/1', { uri: '/*', upstream_id: '1' })
  // the write waited for the first answer: the very first request is served
  assert.deepEqual(await countAnswers(gateway, 40), { '127.0.0.2': 10, '127.0.0.3': 10, '127.0.0.4': 20 })
  await server.change({ hosts: { 'shop.test': ['127.0.0.3'] } })
  await waitFor('the new answer', async () => {
    const counts = await countAnswers(gateway, 10)
    assert.equal(counts['503'], undefined)
    return counts['127.0.0.2'] === undefined ? true : undefined
  })
  assert.deepEqual(await countAnswers(gateway, 40), { '127.0.0.3': 20, '127.0.0.4': 20 })
})

test('the last good answer serves while the name server is away, and a name that is gone ends', {
  skip,
}, async (t) => {
  const port = await startServers(t, ['127.0.0.2'])
  const server = await serveNames(t, { hosts: { 'shop.test': ['127.0.0.2'] } })
  const gateway = await startWithNames(t, server)
  await put(gateway, 'upstreams/1', { type: 'roundrobin', nodes: { [`shop.test:${port}`]: 1 } })
  await put(gateway, 'routes/1', { uri: '/*', upstream_id: '1' })
  server.pause()
  const log = (text: string) => () => (gateway.stderr().includes(text) ? true : undefined)
  await waitFor('the log line', log('a name does not resolve'))
  assert.deepEqual(await countAnswers(gateway, 5), { '127.0.0.2': 5 })
  server.resume()
  await waitFor('the log line', log('a name resolves again'))
  await server.change({ hosts: {} })
  await waitFor('the name to be gone', async () => {
    const counts = await countAnswers(gateway, 1)
    return counts['503'] === 1 ? true : undefined
  })
  const { raw } = await requestOnce(gateway.port, '/')
  assert.ok(raw.includes('UPSTREAM_NAME_UNRESOLVED'), raw)
})

test('a name that resolves to the admin listener is refused', { skip }, async (t) => {
  const server = await serveNames(t, { hosts: { 'evil.test': ['127.0.0.1'] } })
  const gateway = await startWithNames(t, server)
  await put(gateway, 'routes/1', {
    uri: '/*',
    upstream: { type: 'roundrobin', nodes: { [`evil.test:${gateway.adminPort}`]: 1 } },
  })
  const answer = await requestOnce(gateway.port, '/')
  assert.ok(answer.raw.includes('ADMIN_ADDRESS'), answer.raw)
})

test('a gateway starts with its names resolved, and without them when nobody answers in time', {
  skip,
}, async (t) => {
  const port = await startServers(t, ['127.0.0.2'])
  const server = await serveNames(t, { hosts: { 'shop.test': ['127.0.0.2'] } })
  const folder = mkdtempSync(join(tmpdir(), 'headgate-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'routes.yaml')
  writeFileSync(
    file,
    `routes:\n  - id: 1\n    uri: /*\n    upstream:\n      type: roundrobin\n      nodes:\n        "shop.test:${port}": 1\n#END\n`,
  )
  const first = await startWithNames(t, server, ['--config', file])
  assert.deepEqual(await countAnswers(first, 3), { '127.0.0.2': 3 })
  await first.stop()
  server.pause()
  const second = await startWithNames(t, server, ['--config', file])
  assert.deepEqual(await countAnswers(second, 1), { '503': 1 })
  server.resume()
  await waitFor('the name to resolve', async () => {
    const counts = await countAnswers(second, 1)
    return counts['127.0.0.2'] === 1 ? true : undefined
  })
})
