import assert from 'node:assert/strict'
import http2, { type IncomingHttpHeaders } from 'node:http2'
import { after, before, test } from 'node:test'
import type { EchoTarget } from '../../src/model/split.ts'
import { ORIGIN } from '../../src/routing/test-fixtures.ts'
import { routeTo, startPlane, type TestPlane } from '../support/data-plane.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'

/** The target that gives the request back (model/split.ts EchoTarget). */

const LIMIT = 20_000
let plane: TestPlane

const ECHO: EchoTarget = {
  kind: 'echo',
  weight: 1,
  variant: 'echo',
  origin: ORIGIN,
  requestFilters: [
    {
      kind: 'rewriteRequest',
      origin: ORIGIN,
      when: null,
      path: null,
      method: null,
      host: null,
      headers: { add: [], set: [{ name: 'X-Edited', value: ['by a filter'] }], remove: ['x-gone'] },
    },
  ],
  responseFilters: [
    {
      kind: 'rewriteResponse',
      origin: ORIGIN,
      when: null,
      status: 202,
      bodyBase64: null,
      headers: { add: [], set: [{ name: 'X-Answered', value: ['yes'] }], remove: [] },
    },
  ],
}

before(async () => {
  const plain = { ...ECHO, requestFilters: [], responseFilters: [] }
  const edited = routeTo([ECHO])
  plane = await startPlane({
    routes: [
      routeTo([plain]),
      {
        ...edited,
        id: 'edited',
        entries: [{ host: { kind: 'any' }, path: { kind: 'exact', text: '/edited' }, key: [-1] }],
        rules: edited.rules.map((rule) => ({ ...rule, split: { ...rule.split, id: 'edited#0' } })),
      },
    ],
    upstreams: [],
    limits: { maxInspectedBodyBytes: LIMIT },
  })
})
after(() => plane.close())

const FIELDS = [
  'X-Twice: 1',
  'X-Twice: 2',
  'Content-Type: text/x-test',
  'Accept: */*',
  'Authorization: Bearer secret',
  'Proxy-Authorization: Basic secret',
  'Cookie: session=secret',
  'X-Forwarded-For: 10.1.1.1',
  'X-Forwarded-Proto: https',
  'X-Real-IP: 10.1.1.1',
  'Forwarded: for=10.1.1.1',
  'Via: 1.1 before',
  'Connection: keep-alive, X-Hop',
  'Keep-Alive: timeout=5',
  'X-Hop: 1',
  'TE: gzip',
].join('\r\n')

test('body and fields come back, but for those of the hop, of the way, and credentials', async () => {
  const client = await connectRaw(plane.port)
  const answer = await client.exchange(
    `POST /a?b HTTP/1.1\r\nHost: a.test\r\n${FIELDS}\r\nContent-Length: 4\r\n\r\nbody`,
  )
  assert.equal(answer.status, 200)
  assert.equal(answer.body, 'body')
  const { date, ...others } = Object.fromEntries(
    answer.fields.map(([name, value]) => [name.toLowerCase(), value]),
  )
  assert.ok(date !== undefined)
  assert.deepEqual(others, {
    'x-twice': '2',
    'content-type': 'text/x-test',
    accept: '*/*',
    'content-length': '4',
  })
  assert.deepEqual(answer.all('x-twice'), ['1', '2'])
  client.close()
})

test('a chunked body and none come back with their length, and the connection goes on', async () => {
  const client = await connectRaw(plane.port)
  const chunked = await client.exchange(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n',
  )
  assert.equal(chunked.body, 'abcde')
  assert.equal(chunked.field('content-length'), '5')
  assert.equal(chunked.field('transfer-encoding'), undefined)
  const none = await client.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(none.status, 200)
  assert.equal(none.body, '')
  assert.equal(none.field('content-length'), '0')
  await client.write('HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /last HTTP/1.1\r\nHost: a\r\nX-Last: 1\r\n\r\n')
  assert.equal((await client.readAnswer({ method: 'HEAD' })).status, 200)
  const last = await client.readAnswer()
  assert.equal(last.field('x-last'), '1')
  client.close()
})

test('a body that comes in many reads is given back byte for byte', async () => {
  const body = Array.from({ length: LIMIT }, (_, i) => String.fromCharCode(i % 256)).join('')
  const client = await connectRaw(plane.port)
  await client.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`)
  await client.writeSplit(body, 1500)
  const answer = await client.readAnswer()
  assert.equal(answer.status, 200)
  assert.ok(answer.body === body)
  client.close()
})

test('a body over the limit is refused, however it is framed', async () => {
  const over = 'x'.repeat(LIMIT + 1)
  const plain = await requestOnce(plane.port, '/', { method: 'POST', body: over })
  assert.equal(plain.status, 413)
  assert.equal(plain.field('x-headgate-error'), 'BODY_TOO_LARGE')
  const client = await connectRaw(plane.port)
  const chunked = await client.exchange(
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${over.length.toString(16)}\r\n${over}\r\n0\r\n\r\n`,
  )
  assert.equal(chunked.status, 413)
  client.close()
})

test('a client that waits for 100 is told to go on', async () => {
  const client = await connectRaw(plane.port)
  await client.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
  const go = 'HTTP/1.1 100 Continue\r\n\r\n'
  assert.equal(await client.readBytes(go.length), go)
  await client.write('abc')
  const answer = await client.readAnswer()
  assert.equal(answer.body, 'abc')
  assert.equal(answer.field('expect'), undefined)
  client.close()
})

test('filters of the request work on what comes back, and filters of the answer on the answer', async () => {
  const answer = await requestOnce(plane.port, '/edited', { headers: ['X-Gone: 1', 'X-Edited: no'] })
  assert.equal(answer.status, 202)
  assert.equal(answer.field('x-edited'), 'by a filter')
  assert.equal(answer.field('x-gone'), undefined)
  assert.equal(answer.field('x-answered'), 'yes')
})

test('over HTTP/2 the same comes back', async () => {
  const session = http2.connect(`http://127.0.0.1:${plane.port}`)
  try {
    const answer = await new Promise<{ headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/a',
        'x-mine': '1',
        cookie: 'session=secret',
        authorization: 'secret',
      })
      let headers: IncomingHttpHeaders = {}
      let body = ''
      stream.setEncoding('utf8')
      stream.on('response', (fields) => {
        headers = fields
      })
      stream.on('data', (text: string) => {
        body += text
      })
      stream.on('end', () => resolve({ headers, body }))
      stream.on('error', reject)
      stream.end('over two')
    })
    assert.equal(answer.headers[':status'], 200)
    assert.equal(answer.headers['content-length'], '8')
    assert.equal(answer.headers['x-mine'], '1')
    assert.equal(answer.headers.cookie, undefined)
    assert.equal(answer.headers.authorization, undefined)
    assert.equal(answer.body, 'over two')
  } finally {
    session.close()
  }
})

test('explain says that the request itself is the answer', () => {
  const question = {
    method: 'POST',
    target: '/a',
    host: null,
    headers: [],
    clientAddress: '127.0.0.1',
    listener: null,
    body: 'text',
  }
  const place = { address: '127.0.0.1', port: plane.port, scheme: 'http' } as const
  const explained = plane.plane.explain(question, place)
  assert.deepEqual(explained.outcome, { kind: 'echo', status: 200, location: null, errorCode: null })
  assert.equal(explained.split?.targets[0]?.kind, 'echo')
  const over = plane.plane.explain({ ...question, body: 'x'.repeat(LIMIT + 1) }, place)
  assert.equal(over.outcome.kind === 'error' && over.outcome.errorCode, 'BODY_TOO_LARGE')
})
