import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExplainRequest, Explanation, StreamQuestion } from '../model/explanation.ts'
import { ExplainDesk } from './explain-desk.ts'
import { ExplainError } from './explain-request.ts'
import type { ToWorker } from './messages.ts'

const REQUEST: ExplainRequest = {
  method: 'GET',
  target: '/',
  host: null,
  headers: [],
  clientAddress: '127.0.0.1',
  listener: null,
  body: null,
}

class FakeWorker {
  state = 'serving'
  readonly key: number
  readonly sent: ToWorker[] = []
  constructor(key: number) {
    this.key = key
  }
  send(message: ToWorker): void {
    this.sent.push(message)
  }
}

const answerOf = (revision: number) => ({ revision }) as Explanation

test('a question goes to one worker that serves, and its answer to whoever asked', async () => {
  const [starting, serving, idle] = [new FakeWorker(1), new FakeWorker(2), new FakeWorker(3)]
  starting.state = 'loading'
  const desk = new ExplainDesk(() => [starting, serving, idle])
  const first = desk.explain(REQUEST, '127.0.0.1:80')
  const second = desk.explain(REQUEST, '127.0.0.1:80')
  assert.deepEqual(
    [starting, serving, idle].map(({ sent }) => sent.length),
    [0, 2, 0],
  )
  desk.receive({ type: 'explained', id: 2, explanation: answerOf(22), error: null })
  desk.receive({ type: 'explained', id: 1, explanation: answerOf(11), error: null })
  assert.deepEqual([(await first).revision, (await second).revision], [11, 22])
})

test('every worker that serves is asked by itself, and one that goes or fails says so', async () => {
  const [one, two, three, loading] = [1, 2, 3, 4].map((key) => new FakeWorker(key)) as [
    FakeWorker,
    FakeWorker,
    FakeWorker,
    FakeWorker,
  ]
  loading.state = 'loading'
  const desk = new ExplainDesk(() => [one, two, three, loading])
  const asked = desk.explainEach(REQUEST, '127.0.0.1:80')
  assert.deepEqual(
    [one, two, three, loading].map(({ sent }) => sent.length),
    [1, 1, 1, 0],
  )
  desk.receive({ type: 'explained', id: 3, explanation: answerOf(33), error: null })
  desk.receive({ type: 'explained', id: 2, explanation: null, error: 'Error: x' })
  desk.forget(1)
  assert.deepEqual(await asked, [
    { worker: 1, explanation: null, error: 'worker 1 has gone' },
    { worker: 2, explanation: null, error: 'a worker could not explain it: Error: x' },
    { worker: 3, explanation: answerOf(33), error: null },
  ])
  assert.deepEqual(
    [one, two, three].map(({ sent }) => sent.length),
    [1, 1, 1],
  )
  const nobody = new ExplainDesk(() => [loading])
  await assert.rejects(
    nobody.explainEach(REQUEST, 'x:1'),
    (error: ExplainError) => error.reason === 'noAnswer',
  )
})

test('a question about a stream goes the same way', async () => {
  const worker = new FakeWorker(1)
  const desk = new ExplainDesk(() => [worker])
  const question: StreamQuestion = {
    transport: 'tcp',
    listener: null,
    serverName: 'a.test',
    clientAddress: '::1',
  }
  const entrance = { transport: 'tls', listener: 'x:1', localAddress: 'x', localPort: 1 } as const
  const explained = desk.explainStream(question, entrance)
  assert.deepEqual(worker.sent, [{ type: 'explainStream', id: 1, question, entrance }])
  desk.receive({ type: 'explained', id: 1, explanation: answerOf(3), error: null })
  assert.equal((await explained).revision, 3)
})

test('another worker is asked when the first one goes, and an answer that comes too late is dropped', async () => {
  const workers = [new FakeWorker(1), new FakeWorker(2)]
  const desk = new ExplainDesk(() => workers)
  const explained = desk.explain(REQUEST, '127.0.0.1:80')
  workers.shift()
  desk.forget(1)
  assert.equal(workers[0]?.sent.length, 1)
  desk.receive({ type: 'explained', id: 1, explanation: answerOf(5), error: null })
  desk.receive({ type: 'explained', id: 1, explanation: answerOf(6), error: null })
  assert.equal((await explained).revision, 5)
})

test('without a worker that answers there is one clear error', async () => {
  const isNoAnswer = (pattern: RegExp) => (error: unknown) =>
    error instanceof ExplainError && error.reason === 'noAnswer' && pattern.test(error.message)
  await assert.rejects(new ExplainDesk(() => []).explain(REQUEST, 'x:1'), isNoAnswer(/no worker serves/))
  const silent = new ExplainDesk(() => [new FakeWorker(1)], 5)
  await assert.rejects(silent.explain(REQUEST, 'x:1'), isNoAnswer(/no worker answered within 0\.005 s/))
  const failing = new ExplainDesk(() => [new FakeWorker(1)])
  const explained = failing.explain(REQUEST, 'x:1')
  failing.receive({ type: 'explained', id: 1, explanation: null, error: 'Error: odd' })
  await assert.rejects(explained, isNoAnswer(/could not explain it: Error: odd/))
})
