import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { type GatewayProcess, startGateway } from '../support/gateway.ts'
import { connectRaw, type RawAnswer, requestOnce } from '../support/raw-client.ts'
import { waitFor } from '../support/tools.ts'

/**
 * Promise L2. Edition n of the configuration says its number in three places: the route has a field put into the request, the upstream
 * (another object of the model) leads to the backend of n's parity, and the route has a field put into the answer. Whoever sees two numbers in
 * one answer was served by half a change.
 */

const FLIPS = 300
const FILE_FLIPS = 40

const editionPlugins = (edition: number) => ({
  'proxy-rewrite': { headers: { set: { 'X-Edition': `${edition}` } } },
  'response-rewrite': { headers: { set: { 'X-Edition': `${edition}` } } },
})

async function startBackends(t: TestContext): Promise<readonly [Backend, Backend]> {
  const backends = await Promise.all(
    [0, 1].map((parity) => startBackend((request) => answerText(`${parity} ${request.field('x-edition')}`))),
  )
  t.after(() => Promise.all(backends.map((backend) => backend.close())))
  return backends as [Backend, Backend]
}

interface Seen {
  answers: number
  mixed: number
  stale: number
  failed: number
}

/** Clients that ask without a pause, half of them with a connection for each request, until the returned function is called. */
function watchEditions(gateway: GatewayProcess, oldest: () => number): () => Promise<Seen> {
  const seen: Seen = { answers: 0, mixed: 0, stale: 0, failed: 0 }
  let isDone = false
  const note = (answer: RawAnswer, least: number): void => {
    seen.answers++
    if (answer.status !== 200) {
      seen.failed++
      return
    }
    const [parity, asked] = answer.body.split(' ').map(Number) as [number, number]
    const answered = Number(answer.field('x-edition'))
    if (asked !== answered || asked % 2 !== parity) seen.mixed++
    if (!(asked >= least)) seen.stale++
  }
  const clients = Array.from({ length: 8 }, async (_, i) => {
    if (i % 2 === 0) {
      while (!isDone) {
        const least = oldest()
        note(await requestOnce(gateway.port, '/edition'), least)
      }
      return
    }
    const client = await connectRaw(gateway.port)
    while (!isDone) {
      const least = oldest()
      note(await client.exchange('GET /edition HTTP/1.1\r\nHost: h\r\n\r\n'), least)
    }
    client.close()
  })
  return async () => {
    isDone = true
    await Promise.all(clients)
    return seen
  }
}

test('a write that changes several objects is seen whole or not at all, and by everybody once it is answered', async (t) => {
  const backends = await startBackends(t)
  const gateway = await startGateway(['--workers', '2'])
  t.after(() => gateway.stop('SIGKILL'))
  const write = async (edition: number): Promise<void> => {
    const answer = await gateway.admin('PUT', '/apisix/admin/routes/1', {
      uri: '/edition',
      plugins: editionPlugins(edition),
      upstream: { nodes: { [backends[(edition % 2) as 0 | 1].node]: 1 } },
    })
    assert.ok(answer.status < 300, answer.text)
  }
  let acknowledged = 0
  await write(0)
  const stop = watchEditions(gateway, () => acknowledged)
  for (let edition = 1; edition <= FLIPS; edition++) {
    await write(edition)
    acknowledged = edition
    // one that surely begins after the answer, on a connection of its own
    const answer = await requestOnce(gateway.port, '/edition')
    assert.equal(answer.body, `${edition % 2} ${edition}`)
  }
  const seen = await stop()
  console.log(`atomic: ${seen.mixed} mixed, ${seen.stale} stale after ack of ${seen.answers}`)
  assert.deepEqual([seen.mixed, seen.stale, seen.failed], [0, 0, 0])
  assert.ok(seen.answers > FLIPS)
})

test('documents that change together in one file are switched together', async (t) => {
  const backends = await startBackends(t)
  const folder = mkdtempSync(join(tmpdir(), 'headgate-atomic-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'edition.json')
  const write = (edition: number): void => {
    const text = JSON.stringify({
      routes: [{ id: 'r', uri: '/edition', plugins: editionPlugins(edition), upstream_id: 'u' }],
      upstreams: [{ id: 'u', nodes: { [backends[(edition % 2) as 0 | 1].node]: 1 } }],
    })
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
  }
  write(0)
  const gateway = await startGateway(['--config', file, '--workers', '2'])
  t.after(() => gateway.stop('SIGKILL'))
  const stop = watchEditions(gateway, () => 0)
  for (let edition = 1; edition <= FILE_FLIPS; edition++) {
    write(edition)
    await waitFor(`edition ${edition}`, async () =>
      (await requestOnce(gateway.port, '/edition')).body === `${edition % 2} ${edition}` ? true : undefined,
    )
  }
  const seen = await stop()
  console.log(`atomic: ${seen.mixed} mixed of ${seen.answers} (two documents in a file)`)
  assert.deepEqual([seen.mixed, seen.failed], [0, 0])
})
