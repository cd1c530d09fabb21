import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { NameView } from '../discovery/discovery.ts'
import { LastPods, MAX_AGE_MS } from './last-pods.ts'

const SERVICE = 'cls-1/shop/orders:8000'

function fileOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-pods-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'pods.json')
}

function viewOf(rest: Partial<NameView> = {}, name = SERVICE, kind: 'pods' | 'addresses' = 'pods'): NameView {
  return {
    question: { kind, name },
    state: 'good',
    hosts: [
      { host: '10.0.0.1', port: 80, rank: 0, weight: 1, addresses: ['10.0.0.1'] },
      { host: 'fd00::1', port: 80, rank: 0, weight: 1, addresses: ['fd00::1'] },
    ],
    answeredAtMs: 500,
    nextAskMs: null,
    isAnswered: true,
    asked: 1,
    failures: 0,
    reason: '',
    ...rest,
  }
}

function runOf(file: string | null, views: readonly NameView[], nowMs: number) {
  const warnings: string[] = []
  const log = (_level: string, _fields: object, message: string): void => void warnings.push(message)
  return { warnings, pods: new LastPods({ file, views: () => views, log: log as never, now: () => nowMs }) }
}

test('the next run has the pods of this one, for an hour after they were known to be current', async (t) => {
  const file = fileOf(t)
  const first = runOf(file, [viewOf(), viewOf({}, 'shop.test', 'addresses')], 1000)
  assert.deepEqual(first.pods.find(SERVICE), [])
  await first.pods.close()
  assert.deepEqual(Object.keys(JSON.parse(readFileSync(file, 'utf8')).services), [SERVICE])
  const next = runOf(file, [], 1000 + MAX_AGE_MS)
  assert.deepEqual(next.pods.find(SERVICE), viewOf().hosts)
  assert.deepEqual(next.pods.find('cls-1/shop/other:8000'), [])
  const late = runOf(file, [], 1001 + MAX_AGE_MS)
  assert.deepEqual(late.pods.find(SERVICE), [])
})

test('while the cluster is away runs that follow make what is known no newer', async (t) => {
  const file = fileOf(t)
  await runOf(file, [viewOf()], 1000).pods.close()
  // never answered in this run, and answered once at 600
  await runOf(file, [viewOf({ isAnswered: false, answeredAtMs: null })], 2000).pods.close()
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).services[SERVICE].atMs, 1000)
  await runOf(file, [viewOf({ isAnswered: false, answeredAtMs: 600 })], 3000).pods.close()
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).services[SERVICE].atMs, 600)
})

test('a gateway without clusters writes nothing, and one without a folder neither', async (t) => {
  const file = fileOf(t)
  await runOf(file, [viewOf({}, 'shop.test', 'addresses')], 1000).pods.close()
  assert.equal(existsSync(file), false)
  const nowhere = runOf(null, [viewOf()], 1000)
  nowhere.pods.note()
  await nowhere.pods.close()
  assert.deepEqual(nowhere.warnings, [])
})

test('a file of any content is as good as none', (t) => {
  const file = fileOf(t)
  const pods = [['10.0.0.1', 80]]
  for (const content of [
    '',
    '{',
    'null',
    '[]',
    '{"format":2,"services":{}}',
    '{"format":1,"services":[null]}',
    JSON.stringify({ format: 1, services: { [SERVICE]: null } }),
    JSON.stringify({ format: 1, services: { [SERVICE]: { atMs: 'now', pods } } }),
    JSON.stringify({ format: 1, services: { [SERVICE]: { atMs: 1000, pods: 'x' } } }),
    JSON.stringify({ format: 1, services: { [SERVICE]: { atMs: 1000, pods: [['pod.test', 80]] } } }),
    JSON.stringify({ format: 1, services: { [SERVICE]: { atMs: 1000, pods: [['10.0.0.1', 0]] } } }),
  ]) {
    writeFileSync(file, content)
    assert.deepEqual(runOf(file, [], 1000).pods.find(SERVICE), [], content)
  }
})

test('a folder that cannot be written is told once', async (t) => {
  const file = join(fileOf(t), 'none', 'pods.json')
  const { pods, warnings } = runOf(file, [viewOf()], 1000)
  await pods.close()
  await pods.close()
  assert.deepEqual(warnings, ['nodes of clusters could not be kept for the next start'])
})
