import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NameOutcome, NameQuestion, NameSource } from './discovery.ts'
import { Names } from './names.ts'

const QUESTION: NameQuestion = { kind: 'addresses', name: 'shop.test' }

function found(addresses: readonly string[], ttlSeconds = 10): NameOutcome {
  return {
    kind: 'found',
    ttlSeconds,
    hosts: [{ host: 'shop.test', port: null, rank: 0, weight: 1, addresses }],
  }
}

/** Answers by hand, and timers that the test moves. */
class FakeSource implements NameSource {
  answer: NameOutcome = found(['10.0.0.1'])
  readonly asked: NameQuestion[] = []
  /** Answers wait for this. */
  gate: Promise<void> = Promise.resolve()
  stale: () => void = () => {}
  async ask(question: NameQuestion): Promise<NameOutcome> {
    this.asked.push(question)
    await this.gate
    return this.answer
  }
  onStale(listener: () => void): void {
    this.stale = listener
  }
  close(): void {}
}

function makeNames(source: FakeSource) {
  const changes: string[] = []
  const turns: boolean[] = []
  const names = new Names({
    source,
    settings: { minTtlSeconds: 1, maxTtlSeconds: 60, graceSeconds: 30 },
    onChange: () => changes.push(JSON.stringify(names.find(QUESTION)?.[0]?.addresses ?? [])),
    onTurn: (_view, isGood) => turns.push(isGood),
    random: () => 0,
  })
  return { names, changes, turns }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

test('a name is asked again before its TTL is over, within the bounds', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const source = new FakeSource()
  const { names, changes } = makeNames(source)
  assert.equal(names.find(QUESTION), null)
  names.use(QUESTION)
  await settle()
  assert.deepEqual(changes, ['["10.0.0.1"]'])
  source.answer = found(['10.0.0.2'], 100_000)
  t.mock.timers.tick(8_999)
  await settle()
  assert.equal(source.asked.length, 1)
  t.mock.timers.tick(1)
  await settle()
  assert.deepEqual(changes, ['["10.0.0.1"]', '["10.0.0.2"]'])
  t.mock.timers.tick(54_000)
  await settle()
  assert.equal(source.asked.length, 3, 'a TTL of a day counts as the ceiling of a minute')
  assert.equal(changes.length, 2, 'the same answer is no change')
  names.close()
})

test('a last good answer outlives failures, and is asked for with growing pauses', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const source = new FakeSource()
  const { names, changes, turns } = makeNames(source)
  names.use(QUESTION)
  await settle()
  source.answer = { kind: 'failed', reason: 'ESERVFAIL' }
  for (const ms of [9000, 900, 1800, 3600, 7200, 14_400, 27_000, 27_000, 27_000]) {
    t.mock.timers.tick(ms)
    await settle()
  }
  assert.equal(source.asked.length, 10)
  assert.equal(changes.length, 1)
  assert.equal(names.views()[0]?.state, 'kept')
  source.answer = found(['10.0.0.1'])
  t.mock.timers.tick(27_000)
  await settle()
  assert.equal(names.views()[0]?.state, 'good')
  assert.deepEqual(turns, [false, true])
  assert.equal(changes.length, 1)
  names.close()
})

test('a name that is gone keeps its addresses for the time of grace, then has none', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const source = new FakeSource()
  const { names, changes } = makeNames(source)
  names.use(QUESTION)
  await settle()
  source.answer = { kind: 'none', reason: 'there is no shop.test' }
  t.mock.timers.tick(9000)
  await settle()
  assert.equal(names.views()[0]?.state, 'kept')
  for (let ms = 0; ms < 29_000; ms += 500) {
    t.mock.timers.tick(500)
    await settle()
  }
  assert.deepEqual(changes, ['["10.0.0.1"]'])
  for (let ms = 0; ms < 2_000; ms += 100) {
    t.mock.timers.tick(100)
    await settle()
  }
  assert.deepEqual(changes, ['["10.0.0.1"]', '[]'])
  assert.equal(names.views()[0]?.state, 'none')
  names.close()
})

test('first answers are waited for, but not longer than the deadline', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const source = new FakeSource()
  const gate = Promise.withResolvers<void>()
  source.gate = gate.promise
  const { names } = makeNames(source)
  assert.equal(names.firstAnswers(2000), null)
  names.use(QUESTION)
  let isOver = false
  void names.firstAnswers(2000)?.then(() => {
    isOver = true
  })
  t.mock.timers.tick(1999)
  await settle()
  assert.equal(isOver, false)
  t.mock.timers.tick(1)
  await settle()
  assert.equal(isOver, true)
  const second = names.firstAnswers(2000)
  gate.resolve()
  await second
  assert.equal(names.firstAnswers(2000), null)
  names.close()
})

test('at most 64 questions are under way, and names that nobody needs are not asked', async () => {
  const source = new FakeSource()
  const gate = Promise.withResolvers<void>()
  source.gate = gate.promise
  const { names } = makeNames(source)
  for (let i = 0; i < 100; i++) names.use({ kind: 'addresses', name: `n${i}.test` })
  assert.equal(source.asked.length, 64)
  for (let i = 90; i < 100; i++) names.drop({ kind: 'addresses', name: `n${i}.test` })
  gate.resolve()
  await names.firstAnswers(2000)
  assert.equal(source.asked.length, 90)
  names.close()
})

test('what answers depend on changed: all names are asked again', async () => {
  const source = new FakeSource()
  const { names, changes } = makeNames(source)
  names.use(QUESTION)
  await settle()
  source.answer = found(['10.0.0.9'])
  source.stale()
  await settle()
  assert.deepEqual(changes, ['["10.0.0.1"]', '["10.0.0.9"]'])
  names.close()
})

test('nothing behind a name, said by whoever decides, counts at once; of pods the first bad answer is told too', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const source = new FakeSource()
  const { names, changes, turns } = makeNames(source)
  const pods: NameQuestion = { kind: 'pods', name: 'cls-1/default/a:8000' }
  source.answer = { kind: 'failed', reason: 'the API server answers 401' }
  names.use(pods)
  await settle()
  assert.deepEqual(turns, [false])
  assert.equal(names.views()[0]?.isAnswered, false)
  source.answer = found(['10.0.0.1'])
  source.stale()
  await settle()
  assert.deepEqual(turns, [false, true])
  source.answer = { kind: 'failed', reason: 'away' }
  source.stale()
  await settle()
  source.answer = { kind: 'empty', reason: 'the Service has no pods', ttlSeconds: 10 }
  source.stale()
  await settle()
  const [view] = names.views()
  assert.deepEqual([view?.state, view?.hosts, view?.reason], ['none', [], 'the Service has no pods'])
  assert.equal(view?.isAnswered, true)
  assert.deepEqual(turns, [false, true, false, false], 'kept, and then nothing')
  assert.equal(changes.length, 2)
  names.close()
})

test('what was known before the start counts until the first answer, and while there is none', async () => {
  const source = new FakeSource()
  const { names, changes } = makeNames(source)
  const last = [{ host: '10.0.0.9', port: 80, rank: 0, weight: 1, addresses: ['10.0.0.9'] }]
  const pods: NameQuestion = { kind: 'pods', name: 'cls-1/default/a:8000' }
  source.answer = { kind: 'failed', reason: 'away' }
  names.use(pods, last)
  assert.deepEqual(names.find(pods), last)
  await settle()
  assert.deepEqual(names.find(pods), last)
  assert.deepEqual([names.views()[0]?.state, names.views()[0]?.answeredAtMs], ['kept', null])
  assert.equal(changes.length, 0)
  source.answer = { kind: 'empty', reason: 'the Service has no pods', ttlSeconds: 10 }
  source.stale()
  await settle()
  assert.deepEqual(names.find(pods), [])
  assert.equal(changes.length, 1)
  names.close()
})
