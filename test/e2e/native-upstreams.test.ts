import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { toYaml } from '../../src/model/yaml-text.ts'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { callHttp, type GatewayProcess, startGateway } from '../support/gateway.ts'
import { findTool, runTool, skipWithout, waitFor } from '../support/tools.ts'

/** What native upstreams say of balancing, retries, limits and TLS, from a file, with traffic. */

async function backends(t: TestContext, count: number): Promise<Backend[]> {
  const started = await Promise.all(Array.from({ length: count }, (_, i) => startBackend(`${i}`)))
  t.after(() => Promise.all(started.map((backend) => backend.close())))
  return started
}

/** A gateway with one route; `states`: what an operator said of its endpoints. */
async function serve(t: TestContext, upstream: object, states: object = {}): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-native-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'native.yaml')
  const said = { 'endpoint-states': [{ upstream: 'native/routes/all#upstream', states }] }
  const roots = [{ headgate: 1, routes: [{ id: 'all', upstream }] }, said]
  writeFileSync(file, roots.map((root) => toYaml(root as never)).join('---\n'))
  const gateway = await startGateway(['--config', file, '--workers', '2'])
  t.after(() => gateway.stop('SIGKILL'))
  return gateway
}

const get = (gateway: GatewayProcess, path = '/', headers: Readonly<Record<string, string>> = {}) =>
  callHttp({ port: gateway.port, method: 'GET', path, headers })

/** Ports are random, and so is where keys go: that one of three endpoints gets none of so many happens once in 10^15 runs at most. */
const USERS = 100

for (const balance of ['ringHash', 'maglev', 'consistentHash', 'hashModulo']) {
  test(`${balance}: the same key goes to the same endpoint from every worker, keys are spread`, async (t) => {
    const nodes = await backends(t, 3)
    const gateway = await serve(t, {
      endpoints: nodes.map(({ node }) => node),
      balance,
      hashOn: [{ header: 'x-user', terminal: true }, { query: 'user' }],
    })
    const places = new Map<string, string>()
    for (let user = 0; user < USERS; user++) {
      const { text } = await get(gateway, '/', { 'x-user': `u${user}` })
      places.set(`u${user}`, text)
    }
    assert.equal(new Set(places.values()).size, 3)
    for (const [user, place] of places) {
      assert.equal((await get(gateway, '/?user=other', { 'x-user': user })).text, place)
      assert.equal((await get(gateway, `/?user=${user}`)).text, place, 'the second source gives the same key')
    }
  })
}

test('statuses are retried elsewhere, and endpoints for failover come when all others failed', async (t) => {
  const [first, second, spare] = (await backends(t, 3)) as [Backend, Backend, Backend]
  const gateway = await serve(t, {
    endpoints: [first.node, second.node, { address: spare.node, failoverOnly: true }],
    retries: { count: 1, onStatuses: [503] },
  })
  const down = () => answerText('down', { status: '503 Down' })
  for (let i = 0; i < 4; i++) assert.notEqual((await get(gateway)).text, '2')
  first.answer = down
  for (let i = 0; i < 4; i++) assert.equal((await get(gateway)).text, '1')
  second.answer = down
  assert.deepEqual([(await get(gateway)).text, spare.requests.length], ['2', 1])
})

test('endpoints for failover come as well when an operator took all others out', async (t) => {
  const [first, spare] = (await backends(t, 2)) as [Backend, Backend]
  const gateway = await serve(
    t,
    { endpoints: [first.node, { address: spare.node, failoverOnly: true }], retries: 0 },
    { [first.node]: { state: 'drain' } },
  )
  assert.equal((await get(gateway)).text, '1')
  assert.equal(first.requests.length, 0)
})

test('over a limit of the upstream the answer is 503 at once, which names it', async (t) => {
  const [backend] = (await backends(t, 1)) as [Backend]
  const held = Promise.withResolvers<void>()
  backend.answer = (_request, socket) => {
    void held.promise.then(() => socket.write(answerText('done')))
    return null
  }
  const gateway = await serve(t, { endpoints: [backend.node], limits: { requests: 2 } })
  // of the process, shared out over two workers: each takes one
  const answers: number[] = []
  const texts: string[] = []
  const calls = Array.from({ length: 8 }, async () => {
    const answer = await get(gateway)
    answers.push(answer.status)
    texts.push(answer.text)
  })
  await waitFor('the refused ones', () => (answers.length >= 6 ? true : undefined))
  assert.equal(
    answers.find((status) => status !== 503),
    undefined,
  )
  assert.match(texts[0] ?? '', /POOL_EXHAUSTED/)
  held.resolve()
  await Promise.all(calls)
  assert.ok(answers.filter((status) => status === 200).length <= 2)
})

test('a certificate of https endpoints is verified unless the document says otherwise', {
  skip: skipWithout('openssl'),
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-native-tls-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const flags = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const names = ['-subj', '/CN=app.internal', '-addext', 'subjectAltName=DNS:app.internal']
  const made = await runTool(findTool('openssl') as string, [
    ...flags,
    ...names,
    '-keyout',
    keyFile,
    '-out',
    certificateFile,
  ])
  assert.equal(made.code, 0, made.stderr)
  const cert = readFileSync(certificateFile, 'utf8')
  const server = createServer({ key: readFileSync(keyFile), cert }, (_request, response) => {
    response.end('secure')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close().closeAllConnections())
  const endpoints = [`127.0.0.1:${(server.address() as AddressInfo).port}`]
  const ask = async (tls: object): Promise<readonly [number, string]> => {
    const gateway = await serve(t, { scheme: 'https', endpoints, ...tls })
    const { status, text } = await get(gateway)
    await gateway.stop()
    return [status, status === 200 ? text : 'refused']
  }
  assert.deepEqual(await ask({}), [502, 'refused'])
  assert.deepEqual(await ask({ tls: { verify: false } }), [200, 'secure'])
  assert.deepEqual(await ask({ tls: { ca: cert, serverName: 'app.internal' } }), [200, 'secure'])
  assert.deepEqual(await ask({ tls: { ca: cert, serverName: 'other.internal' } }), [502, 'refused'])
})
