import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { dialects } from '../dialects/index.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { DocumentChange } from '../model/document.ts'
import type { Settings } from '../model/settings.ts'
import { openEmbeddedStore } from '../store/embedded/embedded-store.ts'
import { PART_ENTRIES } from './messages.ts'
import { type Gateway, startGateway } from './start.ts'

/** A start with what a former run kept, held against one without. */

const folders: string[] = []
const running = new Set<Gateway>()
after(async () => {
  for (const gateway of running) await gateway.close()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** More than go into one part of a patch. */
const ROUTES = PART_ENTRIES + 100

function put(kind: string, id: string, value: object): DocumentChange {
  const key = { dialect: 'apisix', kind, id }
  return { op: 'put', key, value: { ...value, id } as never, expiresAtMs: null, expectedRevision: null }
}

function route(i: number): DocumentChange {
  const upstream = { nodes: { '127.0.0.1:1': 1, '127.0.0.1:2': 2 } }
  const split = { rules: [{ weighted_upstreams: [{ upstream_id: 'shared', weight: 3 }, { weight: 2 }] }] }
  return put('routes', `r${i}`, {
    uri: `/r${i}`,
    upstream,
    ...(i % 3 === 0 ? { plugins: { 'traffic-split': split } } : {}),
  })
}

async function makeStore(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-cache-'))
  folders.push(folder)
  const store = await openEmbeddedStore(folder)
  const note = { author: 'test', message: null }
  const shared = put('upstreams', 'shared', { nodes: { '127.0.0.1:3': 1 }, checks: { active: {} } })
  // with a warning, which is kept as well
  const weightless = put('upstreams', 'idle', { nodes: { '127.0.0.1:4': 0 } })
  // validated by nobody
  const bad = put('routes', 'bad', { uri: 5 })
  await store.commit(
    [shared, weightless, bad, ...Array.from({ length: ROUTES }, (_, i) => route(i))],
    note,
    1,
  )
  await store.close()
  return folder
}

interface Run {
  readonly gateway: Gateway
  readonly logged: readonly string[]
}

async function start(store: string, settings: Partial<Settings> = {}): Promise<Run> {
  const logged: string[] = []
  const gateway = await startGateway(
    { ...DEFAULT_SETTINGS, listen: ['127.0.0.1:0'], store, workers: 1, sections: ['apisix'], ...settings },
    { dialects, log: (_level, _fields, message) => logged.push(message), env: {} },
  )
  running.add(gateway)
  return { gateway, logged }
}

function portOf({ addresses }: Gateway): string {
  return addresses.listen[0]?.split(':')[1] ?? ''
}

async function stop({ gateway }: Run): Promise<void> {
  running.delete(gateway)
  await gateway.close()
}

/** What a user can see of the model. */
async function seen({ gateway }: Run): Promise<unknown> {
  const request = {
    method: 'GET',
    url: 'http://a/r3',
    headers: [],
    clientAddress: null,
    body: null,
    listener: null,
  }
  const explained = await gateway
    .explain({ ...request, target: '/r3', host: 'a', fields: [] } as never)
    .catch(String)
  const statuses = gateway
    .status()
    .documents.map(({ key, state, reasons, warnings }) => ({ key, state, reasons, warnings }))
  return {
    objects: gateway.status().objects,
    statuses: statuses.sort((a, b) => (JSON.stringify(a.key) < JSON.stringify(b.key) ? -1 : 1)),
    explained: JSON.stringify(explained).replaceAll(portOf(gateway), 'PORT'),
    value: (await gateway.documents.get({ dialect: 'apisix', kind: 'routes', id: 'r3' }))?.value,
  }
}

const UNUSED = /the model that was kept is not/

describe('the model that is kept', () => {
  it('gives the next start what the documents would give', async () => {
    const folder = await makeStore()
    const first = await start(folder)
    const before = await seen(first)
    await stop(first)
    const { size, mode } = statSync(join(folder, 'model.cache'))
    assert.ok(size > 100_000)
    assert.equal(mode & 0o777, 0o600)
    const second = await start(folder)
    assert.deepEqual(await seen(second), before)
    assert.ok(!second.logged.some((line) => UNUSED.test(line)))
    // the dependencies are there as well: another upstream makes the routes anew that name it
    const removed = [
      {
        op: 'delete' as const,
        key: { dialect: 'apisix', kind: 'upstreams', id: 'shared' },
        expectedRevision: null,
      },
    ]
    await second.gateway.documents.write(removed as never, { author: 'test', message: null })
    const status = second.gateway.documentStatus({ dialect: 'apisix', kind: 'routes', id: 'r3' })
    assert.match(status?.warnings[0]?.message ?? '', /upstream shared does not exist/)
    await stop(second)
    const third = await start(folder)
    assert.equal(
      third.gateway.documentStatus({ dialect: 'apisix', kind: 'routes', id: 'r3' })?.state,
      'degraded',
    )
    assert.ok(!third.logged.some((line) => UNUSED.test(line)))
    // they are known to one as well that only passed them on
    const back = put('upstreams', 'shared', { nodes: { '127.0.0.1:3': 1 } })
    await third.gateway.documents.write([back], { author: 'test', message: null })
    assert.equal(
      third.gateway.documentStatus({ dialect: 'apisix', kind: 'routes', id: 'r3' })?.state,
      'accepted',
    )
    await stop(third)
  })

  it('says of a document that is set aside what it said before, in the log as well', async () => {
    const folder = await makeStore()
    const first = await start(folder)
    const key = { dialect: 'apisix', kind: 'routes', id: 'bad' }
    const { state, reasons } = first.gateway.documentStatus(key) ?? {}
    assert.equal(state, 'rejected')
    await stop(first)
    const second = await start(folder)
    assert.ok(!second.logged.some((line) => UNUSED.test(line)))
    assert.ok(second.logged.includes('a stored document does not validate and is set aside'))
    assert.deepEqual(second.gateway.documentStatus(key)?.reasons, reasons)
    await stop(second)
  })

  it('is not used under other settings, nor by other code', async () => {
    const folder = await makeStore()
    const first = await start(folder)
    const before = await seen(first)
    await stop(first)
    const file = join(folder, 'model.cache')
    const good = readFileSync(file)
    const other = await start(folder, { limits: { ...DEFAULT_SETTINGS.limits, maxObjects: 5000 } })
    assert.deepEqual(await seen(other), before)
    assert.ok(other.logged.some((line) => UNUSED.test(line)))
    await stop(other)
    const end = good.indexOf('\n')
    const head = good
      .toString('utf8', 0, end)
      .replace(/"fingerprint":"[0-9a-f]{8}/, '"fingerprint":"00000000')
    writeFileSync(file, Buffer.concat([Buffer.from(head), good.subarray(end)]))
    const run = await start(folder)
    assert.deepEqual(await seen(run), before)
    assert.ok(run.logged.some((line) => UNUSED.test(line)))
    await stop(run)
    // and what it left instead is used
    const next = await start(folder)
    assert.ok(!next.logged.some((line) => UNUSED.test(line)))
    await stop(next)
  })

  it('is not used where a byte of it changed, or where it is of other documents', async () => {
    const folder = await makeStore()
    const first = await start(folder)
    const before = await seen(first)
    await stop(first)
    const file = join(folder, 'model.cache')
    const good = readFileSync(file)
    const places = [5, good.indexOf('\n') + 100, good.length - 20_000]
    for (const place of places) {
      const bad = Buffer.from(good)
      bad[place] = (bad[place] as number) ^ 1
      writeFileSync(file, bad)
      const run = await start(folder)
      assert.deepEqual(await seen(run), before, `byte ${place}`)
      assert.ok(
        run.logged.some((line) => UNUSED.test(line)),
        `byte ${place}`,
      )
      await stop(run)
    }
    writeFileSync(file, good.subarray(0, good.length - 1))
    const cut = await start(folder)
    assert.deepEqual(await seen(cut), before)
    await stop(cut)
    // a row that a hand put there, at the same revision
    writeFileSync(file, good)
    const { DatabaseSync } = await import('node:sqlite')
    const db = new DatabaseSync(join(folder, 'headgate.db'))
    db.exec("UPDATE documents SET value = json_set(value, '$.uri', '/by-hand'), crc = NULL WHERE id = 'r7'")
    db.close()
    const changed = await start(folder)
    const value = (await changed.gateway.documents.get({ dialect: 'apisix', kind: 'routes', id: 'r7' }))
      ?.value
    assert.equal((value as { uri?: string } | undefined)?.uri, '/by-hand')
    assert.ok(changed.logged.some((line) => UNUSED.test(line)))
    await stop(changed)
  })
})
