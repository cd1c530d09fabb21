import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { type Backend, startBackend } from '../support/backends.ts'
import { type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { findFreePorts, runTool } from '../support/tools.ts'

/** Promises S1, S2 and L3, with the whole gateway: what was acknowledged is there again, and one bad thing never takes the rest along. */

const ROUNDS = Number(process.env.HEADGATE_KILL_ROUNDS ?? '10')
const WRITERS = 4

function dataFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-durable-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function start(data: string, flags: readonly string[] = []): Promise<GatewayProcess> {
  return startGateway(['--store', data, '--workers', '1', '--log-level', 'warn', ...flags])
}

const route = (uri: string, backend: Backend, name = 'none') => ({
  uri,
  name,
  upstream: { nodes: { [backend.node]: 1 } },
})

/** Name of each stored route by its id. */
async function storedNames(gateway: GatewayProcess): Promise<Map<string, string>> {
  const { status, json, text } = await gateway.admin('GET', '/apisix/admin/routes')
  assert.equal(status, 200, text)
  const { list } = json as { list: { value: { id: string; name: string } }[] }
  return new Map(list.map(({ value }) => [value.id, value.name]))
}

/** What one writer knows of one of its routes: the name that was acknowledged, null for none, and the write that was not answered. */
interface Known {
  acknowledged: string | null
  unanswered: string | null | undefined
}

/** Writes one route after the other until the gateway is gone; calls `onAck` after each answer. */
async function writeUntilKilled(
  gateway: GatewayProcess,
  backend: Backend,
  known: Map<string, Known>,
  writer: number,
  round: number,
  onAck: () => void,
): Promise<void> {
  for (let n = 0; ; n++) {
    const id = `w${writer}-${n % 6}`
    const before = known.get(id) ?? { acknowledged: null, unanswered: undefined }
    const isDelete = before.acknowledged !== null && n % 5 === 4
    const name = isDelete ? null : `round-${round}-${n}`
    const entry: Known = { ...before, unanswered: name }
    known.set(id, entry)
    try {
      const answer = isDelete
        ? await gateway.admin('DELETE', `/apisix/admin/routes/${id}`)
        : await gateway.admin(
            'PUT',
            `/apisix/admin/routes/${id}`,
            route(`/${id}`, backend, name ?? undefined),
          )
      assert.ok(answer.status < 300, answer.text)
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
      return // killed
    }
    entry.acknowledged = name
    entry.unanswered = undefined
    onAck()
  }
}

function checkIntegrity(data: string, copy: string): string {
  rmSync(copy, { recursive: true, force: true })
  cpSync(data, copy, { recursive: true })
  const db = new DatabaseSync(join(copy, 'headgate.db'))
  try {
    return String(db.prepare('PRAGMA integrity_check').get()?.integrity_check)
  } finally {
    db.close()
  }
}

test('every write that was acknowledged survives kill -9, and is served again', async (t) => {
  const data = dataFolder(t)
  const copy = dataFolder(t)
  const backend = await startBackend('served')
  t.after(() => backend.close())
  const known = new Map<string, Known>()
  let lost = 0
  let acknowledged = 0
  let gateway = await start(data)
  t.after(() => gateway.stop('SIGKILL'))
  for (let round = 0; round < ROUNDS; round++) {
    // early and late in a burst, while the others' writes are on their way
    const cut = acknowledged + 1 + ((round * 37) % 60)
    const writers = Array.from({ length: WRITERS }, (_, writer) =>
      writeUntilKilled(gateway, backend, known, writer, round, () => {
        if (++acknowledged === cut) gateway.child.kill('SIGKILL')
      }),
    )
    await Promise.all(writers)
    await gateway.stop('SIGKILL')
    assert.equal(checkIntegrity(data, copy), 'ok')
    gateway = await start(data)
    const stored = await storedNames(gateway)
    for (const [id, entry] of known) {
      const name = stored.get(id) ?? null
      const isKept =
        name === entry.acknowledged || (entry.unanswered !== undefined && name === entry.unanswered)
      if (!isKept) lost++
      known.set(id, { acknowledged: name, unanswered: undefined })
    }
    for (const id of [...stored.keys()].slice(0, 3)) {
      const answer = await requestOnce(gateway.port, `/${id}`).catch((error: unknown) => {
        throw new Error(`round ${round}: ${error}; the gateway said: ${gateway.stderr()}`, { cause: error })
      })
      assert.equal(answer.body, 'served')
    }
  }
  console.log(`kill -9 x ${ROUNDS}: ${lost} acknowledged writes lost, integrity ok`)
  assert.equal(lost, 0)
  assert.ok(acknowledged >= ROUNDS)
  assert.equal(await gateway.stop(), 0)
})

test('one broken row in the store is set aside, the others serve, and writing it again mends it', async (t) => {
  const data = dataFolder(t)
  const backend = await startBackend('served')
  t.after(() => backend.close())
  const count = 20
  let gateway = await start(data)
  t.after(() => gateway.stop('SIGKILL'))
  for (let i = 0; i < count; i++) {
    const answer = await gateway.admin('PUT', `/apisix/admin/routes/${i}`, route(`/r${i}`, backend))
    assert.equal(answer.status, 201)
  }
  const refused = await gateway.admin('PUT', '/apisix/admin/routes/bad', { uri: 5 })
  assert.equal(refused.status, 400)
  assert.equal((await gateway.admin('GET', '/apisix/admin/routes/bad')).status, 404)
  assert.equal(await gateway.stop(), 0)

  for (const [why, edit] of [
    ['no document that validates', `SET value = '{"uri":5}', crc = NULL`],
    ['no JSON', `SET value = 'uri: /r7', crc = NULL`],
    ['not what was written', `SET value = replace(value, '/r7', '/r8')`],
  ] as const) {
    const db = new DatabaseSync(join(data, 'headgate.db'))
    db.exec(`UPDATE documents ${edit} WHERE dialect = 'apisix' AND kind = 'routes' AND id = '7'`)
    db.close()
    gateway = await start(data)
    let served = 0
    for (let i = 0; i < count; i++) {
      const answer = await requestOnce(gateway.port, `/r${i}`)
      if (answer.status === 200 && answer.body === 'served') served++
      else assert.deepEqual([i, answer.status], [7, 404], why)
    }
    const { json } = await gateway.admin('GET', '/headgate/v1/status')
    const status = json as { documents: { rejected: number }; store: { faults: object[] } }
    const quarantined = status.documents.rejected + status.store.faults.length
    console.log(`bad object: ${quarantined} quarantined, ${served} of ${count} served`)
    assert.deepEqual([quarantined, served], [1, count - 1], why)
    assert.match(gateway.stderr(), /set aside/, why)
    // the same object, written anew
    const mended = await gateway.admin('PUT', '/apisix/admin/routes/7', route('/r7', backend))
    assert.ok(mended.status < 300, mended.text)
    assert.equal((await requestOnce(gateway.port, '/r7')).body, 'served')
    assert.equal(await gateway.stop(), 0)
  }
  gateway = await start(data)
  assert.equal((await requestOnce(gateway.port, '/r7')).body, 'served')
  assert.doesNotMatch(gateway.stderr(), /set aside/)
})

function mountSmallDisk(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-full-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', folder], { stdio: 'ignore' })
    return folder
  } catch {
    rmdirSync(folder)
    return null
  }
}

function fill(path: string): void {
  for (const size of [65_536, 4096, 1]) {
    try {
      while (true) writeFileSync(path, Buffer.alloc(size), { flag: 'a' })
    } catch {
      // that is the aim: no room for another piece of this size
    }
  }
}

test('a full disk refuses writes and never touches traffic, and with room again writes go on', async (t) => {
  const disk = mountSmallDisk()
  if (disk === null) {
    t.skip('mounting a tmpfs is not permitted here')
    return
  }
  const backend = await startBackend('served')
  const gateway = await start(join(disk, 'data'))
  let isDone = false
  t.after(async () => {
    isDone = true
    await gateway.stop('SIGKILL')
    await backend.close()
    execFileSync('umount', ['-l', disk])
    rmdirSync(disk)
  })
  assert.equal((await gateway.admin('PUT', '/apisix/admin/routes/1', route('/*', backend))).status, 201)
  let requests = 0
  let failed = 0
  const traffic = Array.from({ length: 4 }, async () => {
    const client = await connectRaw(gateway.port)
    while (!isDone) {
      const answer = await client.exchange('GET /x HTTP/1.1\r\nHost: a\r\n\r\n').catch(() => null)
      requests++
      if (answer?.status !== 200 || answer.body !== 'served') failed++
      if (answer === null) break
    }
    client.close()
  })

  fill(join(disk, 'filler'))
  const acknowledged = new Set(['1'])
  let refused = 0
  for (let i = 0; i < 30; i++) {
    const id = `full-${i}`
    const padded = { ...route(`/full/${i}`, backend), desc: 'x'.repeat(256), labels: { a: 'y'.repeat(256) } }
    const answer = await gateway.admin('PUT', `/apisix/admin/routes/${id}`, padded)
    if (answer.status === 503) refused++
    else {
      assert.equal(answer.status, 201, answer.text)
      acknowledged.add(id)
    }
  }
  assert.ok(refused > 0, 'the disk was never full')
  assert.deepEqual([...(await storedNames(gateway)).keys()].sort(), [...acknowledged].sort())
  rmSync(join(disk, 'filler'))
  const after = await gateway.admin('PUT', '/apisix/admin/routes/after', route('/after', backend))
  assert.equal(after.status, 201, after.text)
  isDone = true
  await Promise.all(traffic)
  console.log(
    `disk full: write 503, traffic ${failed} failed, recovered without restart (${refused} writes refused, ${requests} requests)`,
  )
  assert.equal(failed, 0)
  assert.ok(requests > 20)
  // each write has its line in the audit log; while that had no room, in the log of the gateway
  const audited = `${readFileSync(join(disk, 'data/audit.log'), 'utf8')}${gateway.stderr()}`
  for (const id of ['1', 'full-0', 'full-29', 'after']) {
    assert.ok(audited.includes(`/apisix/admin/routes/${id}"`), `the audit line of ${id}`)
  }
  const lines = readFileSync(join(disk, 'data/audit.log'), 'utf8').trimEnd().split('\n')
  assert.ok((lines.at(-1) as string).includes('/apisix/admin/routes/after"'), 'it goes to its file again')
  for (const line of lines) JSON.parse(line)
  // what was told as refused is not there after a restart, what was told as done is
  acknowledged.add('after')
  assert.equal(await gateway.stop(), 0)
  const again = await start(join(disk, 'data'))
  t.after(() => again.stop('SIGKILL'))
  assert.deepEqual([...(await storedNames(again)).keys()].sort(), [...acknowledged].sort())
  await again.stop('SIGKILL')
})

test('a data directory has one gateway: a second one ends with one line that names the first', async (t) => {
  const data = dataFolder(t)
  const gateway = await start(data)
  t.after(() => gateway.stop('SIGKILL'))
  const [port, admin] = await findFreePorts(2)
  const flags = ['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${admin}`, '--status', 'off']
  const second = await runTool(process.execPath, [
    join(ROOT, 'bin/headgate.js'),
    'start',
    '--store',
    data,
    ...flags,
  ])
  assert.equal(second.code, 1)
  const lines = second.stderr.trimEnd().split('\n')
  assert.equal(lines.length, 1, second.stderr)
  assert.match(lines[0] as string, new RegExp(`in use by another headgate process \\(pid ${gateway.pid}\\)`))
  assert.equal((await gateway.status('/readyz')).status, 200)
})

test('a data directory that lost its database does not become an empty gateway', async (t) => {
  const data = dataFolder(t)
  const backend = await startBackend('served')
  t.after(() => backend.close())
  const first = await start(data)
  assert.equal((await first.admin('PUT', '/apisix/admin/routes/1', route('/*', backend))).status, 201)
  assert.equal(await first.stop(), 0)
  for (const name of ['headgate.db', 'headgate.db-wal', 'headgate.db-shm']) {
    if (existsSync(join(data, name))) rmSync(join(data, name))
  }
  const second = await start(data)
  t.after(() => second.stop('SIGKILL'))
  assert.equal((await requestOnce(second.port, '/x')).body, 'served')
  const write = await second.admin('PUT', '/apisix/admin/routes/2', route('/2', backend))
  assert.ok(write.status >= 400, 'it is read-only until somebody looked at it')
  assert.match(second.stderr(), /last.good/)
})
