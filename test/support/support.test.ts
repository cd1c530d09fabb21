import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerText, startBackend, startNginx, startRawBackend } from './backends.ts'
import { connectRaw, requestOnce } from './raw-client.ts'
import { skipWithout } from './tools.ts'

test('the raw client reads pipelined answers one by one and reuses its connection', async (t) => {
  const backend = await startBackend((request) => answerText(request.target))
  t.after(() => backend.close())
  const client = await connectRaw(backend.port)
  t.after(() => client.close())
  await client.write('GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n')
  assert.equal((await client.readAnswer()).body, '/a')
  assert.equal((await client.readAnswer()).body, '/b')
  await client.writeSplit('POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi', 1)
  assert.equal((await client.readAnswer()).body, '/c')
  assert.equal(backend.connections.accepted, 1)
  assert.deepEqual(
    backend.requests.map((request) => [request.connection, request.index, request.body]),
    [
      [0, 0, ''],
      [0, 1, ''],
      [0, 2, 'hi'],
    ],
  )
})

test('the raw client undoes chunks, keeps trailers and reports interim answers', async (t) => {
  const raw =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\nX-Sum: 4\r\n\r\n'
  const backend = await startBackend(() => `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${raw}`)
  t.after(() => backend.close())
  const answer = await requestOnce(backend.port, '/')
  assert.equal(answer.body, 'abcd')
  assert.deepEqual(answer.trailers, [['X-Sum', '4']])
  assert.equal(answer.interim.length, 1)
  assert.equal(answer.raw, raw)
})

test('the raw client refuses answers with unclear framing or a cut body', async (t) => {
  const answers = [
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab',
    'HTTP/1.1 2OO OK\r\n\r\n',
  ]
  const backend = await startRawBackend((socket, index) => {
    socket.end(answers[index] ?? '', 'latin1')
  })
  t.after(() => backend.close())
  for (const _ of answers) await assert.rejects(requestOnce(backend.port, '/'))
})

test('the backend resets a connection that sends a request with two framings', async (t) => {
  const backend = await startBackend()
  t.after(() => backend.close())
  const client = await connectRaw(backend.port)
  t.after(() => client.close())
  await client.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n')
  assert.equal(await client.readToEnd(), '')
  assert.equal(backend.requests.length, 0)
  assert.equal(backend.received.length, 1)
})

test('nginx answers like the sample backends and leaves nothing behind', {
  skip: skipWithout('nginx'),
}, async () => {
  const nginx = await startNginx([{}, { body: 'world' }])
  const [first, second] = nginx.ports as [number, number]
  try {
    assert.equal((await requestOnce(first, '/index.html')).body, `hello ${first}\n`)
    assert.equal((await requestOnce(second, '/x')).body, 'world\n')
    assert.equal((await requestOnce(second, '/hello')).body, `${second}\n`)
  } finally {
    await nginx.close()
  }
  await assert.rejects(requestOnce(first, '/'))
})
