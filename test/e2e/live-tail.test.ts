import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startBackend } from '../support/backends.ts'
import { type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { runTool, waitFor } from '../support/tools.ts'

/** `headgate logs -f` and `headgate events`, CPU profiles by signal: watching a gateway that serves. */

const PROGRAM = join(ROOT, 'bin/headgate.js')

async function start(t: TestContext, flags: readonly string[] = ['--workers', '2']) {
  const backend = await startBackend()
  t.after(() => backend.close())
  const gateway = await startGateway(flags)
  t.after(() => gateway.stop('SIGKILL'))
  const route = { uri: '/*', name: 'all', upstream: { type: 'roundrobin', nodes: { [backend.node]: 1 } } }
  assert.equal((await gateway.admin('PUT', '/apisix/admin/routes/1', route)).status, 201)
  return { backend, gateway }
}

interface Follower {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
  /** The exit status. */
  readonly ended: Promise<number | null>
}

function follow(t: TestContext, gateway: GatewayProcess, ...args: readonly string[]): Follower {
  const server = ['--server', `127.0.0.1:${gateway.adminPort}`, '--admin-key', gateway.key]
  const child = spawn(process.execPath, [PROGRAM, ...args, ...server], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { child, out: () => out, err: () => err, ended }
}

/** Sends requests until the follower has written something: only then its filter is in the workers. */
async function whenAttached(
  gateway: GatewayProcess,
  { out, err, child }: Follower,
  path = '/warm-up',
): Promise<void> {
  await waitFor('the first line', async () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${err()}`)
    await requestOnce(gateway.port, path)
    return out() === '' ? undefined : true
  })
}

test('follows requests without an access log, filtered, as text or JSON, until Ctrl-C', async (t) => {
  const { gateway } = await start(t)
  const text = follow(t, gateway, 'logs', '-f')
  const json = follow(t, gateway, 'logs', '-f', '-o', 'json', '--path', '/json/*', '--method', 'get')
  await Promise.all([whenAttached(gateway, text), whenAttached(gateway, json, '/json/warm-up')])
  await requestOnce(gateway.port, '/json/a?token=SECRET&x=1', { headers: ['Host: shop.example'] })
  await requestOnce(gateway.port, '/json/b', { method: 'POST', body: 'x' })
  await waitFor('the line', () => (text.out().includes('/json/a') ? true : undefined))
  const shown = text
    .out()
    .split('\n')
    .find((line) => line.includes('/json/a'))
  assert.match(
    shown ?? '',
    /^\d\d:\d\d:\d\d\.\d{3} 200 GET {4}shop\.example\/json\/a\?token=\*\*\*&x=1 → route all 127\.0\.0\.1:\d+ [\d.]+ ms 127\.0\.0\.1$/,
  )
  await waitFor('the JSON line', () => (json.out().includes('"/json/a"') ? true : undefined))
  const records = json
    .out()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const record = records.find(({ path }) => path === '/json/a')
  assert.deepEqual(
    [record.status, record.host, record.query, record.route_name],
    [200, 'shop.example', 'token=***&x=1', 'all'],
  )
  assert.ok(records.every(({ path, method }) => path.startsWith('/json/') && method === 'GET'))
  for (const { child, ended } of [text, json]) {
    child.kill('SIGINT')
    assert.equal(await ended, 0)
  }
})

test('ends by itself behind --limit, and says so when the gateway goes away', async (t) => {
  const { gateway } = await start(t)
  const limited = follow(t, gateway, 'logs', '-f', '-n', '2', '-o', 'json')
  await whenAttached(gateway, limited)
  await requestOnce(gateway.port, '/more')
  await requestOnce(gateway.port, '/more')
  assert.equal(await limited.ended, 0, limited.err())
  assert.equal(limited.out().trim().split('\n').length, 2)
  const left = follow(t, gateway, 'logs', '-f')
  await whenAttached(gateway, left)
  await gateway.stop()
  assert.equal(await left.ended, 1)
  assert.match(left.err(), /^headgate: http:\/\/127\.0\.0\.1:\d+: the connection ended[^\n]*\n$/)
})

test('a worker that takes the place of another one is tailed as well', async (t) => {
  const backend = await startBackend()
  t.after(() => backend.close())
  const { startGateway: startHere } = await import('../../src/gateway/start.ts')
  const { DEFAULT_SETTINGS } = await import('../../src/model/defaults.ts')
  const { EVERYTHING } = await import('../../src/gateway/tail-filter.ts')
  const gateway = await startHere(
    { ...DEFAULT_SETTINGS, listen: ['127.0.0.1:0'], store: 'memory', workers: 1 },
    { obeysFaults: true },
  )
  t.after(() => gateway.close())
  const port = Number(gateway.addresses.listen[0]?.split(':').pop())
  const lines: string[] = []
  const close = gateway.tails.open(EVERYTHING, 100, { line: (line) => lines.push(line), leftOut: () => {} })
  t.after(() => close?.())
  gateway.injectFault(0, 'exit')
  await waitFor('the next worker', () => (gateway.status().workerRestarts === 1 ? true : undefined))
  await waitFor('a line of the next worker', async () => {
    await requestOnce(port, '/').catch(() => {}) // between the two workers nobody accepts
    return lines.length > 0 ? true : undefined
  })
  assert.equal(JSON.parse(lines[0] ?? '').error_code, 'ROUTE_NOT_FOUND')
  const types = gateway.events.last(1000).map(({ type }) => type)
  for (const type of ['worker-started', 'worker-replaced', 'readiness'] as const)
    assert.ok(types.includes(type), `${type} in ${types.join()}`)
})

test('a reader that does not read slows no request and holds little memory', async (t) => {
  const { gateway } = await start(t, ['--workers', '1'])
  const client = await connectRaw(gateway.port)
  t.after(() => client.close())
  const query = 'x'.repeat(2000)
  const run = async (requests: number): Promise<number> => {
    const begin = performance.now()
    for (let i = 0; i < requests; i++)
      await client.exchange(`GET /?${query} HTTP/1.1\r\nHost: h\r\n\r\n`, { method: 'GET' })
    return performance.now() - begin
  }
  await run(2000)
  const alone = await run(3000)
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    const call = request({
      host: '127.0.0.1',
      port: gateway.adminPort,
      path: '/headgate/v1/logs?rate=5000',
      headers: { 'x-api-key': gateway.key },
    })
    call.once('error', reject)
    call.once('response', resolve)
    call.end()
  })
  t.after(() => response.destroy())
  response.on('error', () => {})
  response.pause()
  await run(1000)
  const before = residentBytes(gateway.pid)
  const watched = await run(3000)
  const grown = residentBytes(gateway.pid) - before
  // 6 MB of lines; what may wait is 1 MiB beside the sockets' own buffers
  assert.ok(grown < 40_000_000, `the process grew by ${grown} bytes`)
  assert.ok(watched < 3 * alone + 500, `${watched} ms against ${alone} ms without a reader`)
  response.resume()
  let text = ''
  response.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  await waitFor('the count of what was dropped', async () => {
    await run(1)
    return /^event: (lost|left-out)$/m.test(text) ? true : undefined
  })
})

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

test('tells what happened: events of documents, workers and readiness', async (t) => {
  const { gateway } = await start(t)
  const run = (...args: string[]) =>
    runTool(process.execPath, [
      PROGRAM,
      'events',
      ...args,
      '--server',
      `127.0.0.1:${gateway.adminPort}`,
      '--admin-key',
      gateway.key,
    ])
  const listed = await run()
  assert.equal(listed.code, 0, listed.stderr)
  assert.match(listed.stdout, /^\S+Z worker-started {4}worker 0 serves$/m)
  assert.match(listed.stdout, /^\S+Z readiness {9}the gateway is ready$/m)
  assert.match(listed.stdout, /^\S+Z revision {10}revision 1 by admin: put apisix\/routes\/1$/m)
  const json = JSON.parse((await run('-o', 'json', '--types', 'revision')).stdout)
  assert.deepEqual(json[0].data.changes, [{ op: 'put', document: 'apisix/routes/1' }])
  const wrong = await run('--types', 'revisions')
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /did you mean revision\?/)

  const follower = follow(t, gateway, 'events', '-f', '--types', 'revision,drain', '-n', '0')
  await waitFor('a new event', async () => {
    await gateway.admin('DELETE', '/apisix/admin/routes/1')
    await gateway.admin('PUT', '/apisix/admin/routes/1', {
      uri: '/',
      upstream: { type: 'roundrobin', nodes: {} },
    })
    return follower.out().includes('by admin: delete apisix/routes/1') ? true : undefined
  })
  await gateway.stop()
  assert.equal(await follower.ended, 1)
  assert.match(follower.out(), /drain {13}the gateway is stopping/)
})

test('a file that is not good any more is an event', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-events-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'apisix.yaml')
  writeFileSync(
    file,
    'routes:\n  - id: 1\n    uri: /a\n    upstream: {type: roundrobin, nodes: {"127.0.0.1:1": 1}}\n#END\n',
  )
  const gateway = await startGateway(['--workers', '1', '--config', file])
  t.after(() => gateway.stop('SIGKILL'))
  writeFileSync(file, 'routes:\n  - id: 1\n    uri: [\n#END\n')
  const list = await waitFor('the event', async () => {
    const { json } = await gateway.admin('GET', '/headgate/v1/events?follow=false&types=config-fault')
    const events = (json as { list: { text: string; data: { place: string } }[] }).list
    return events.length > 0 ? events : undefined
  })
  assert.match(list[0]?.data.place ?? '', /apisix\.yaml:\d+:\d+$/)
})

test('SIGUSR2 profiles every thread into private files, a second one ends it early', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-profiles-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const settings = join(directory, 'settings.yaml')
  writeFileSync(settings, JSON.stringify({ profile: { seconds: 600, directory } }))
  const { gateway } = await start(t, ['--workers', '2', '--settings', settings])
  process.kill(gateway.pid, 'SIGUSR2')
  await waitFor('the begin', () => (gateway.stderr().includes('CPU profiles begin') ? true : undefined))
  for (let i = 0; i < 200; i++) await requestOnce(gateway.port, '/')
  process.kill(gateway.pid, 'SIGUSR2')
  const written = await waitFor('three files', () => {
    const told = gateway.stderr().match(/"file":"[^"]+","msg":"a CPU profile was written"/g) ?? []
    return told.length === 3 ? told : undefined
  })
  assert.ok(written.every((line) => line.includes(directory)))
  const files = readdirSync(directory).filter((name) => name.endsWith('.cpuprofile'))
  const threads = files.map(
    (name) => new RegExp(`^headgate-${gateway.pid}-(main|\\d+)-\\d{8}T\\d{6}Z\\.cpuprofile$`).exec(name)?.[1],
  )
  assert.deepEqual(threads.sort(), ['0', '1', 'main'])
  for (const name of files) assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600)
  const functions = files.flatMap((name) =>
    (JSON.parse(readFileSync(join(directory, name), 'utf8')).nodes as { callFrame: { url: string } }[]).map(
      ({ callFrame }) => callFrame.url,
    ),
  )
  assert.ok(
    functions.some((url) => url.includes('/proxy/')),
    'the data plane is in a profile',
  )
  assert.equal((await requestOnce(gateway.port, '/')).status, 200)
})
