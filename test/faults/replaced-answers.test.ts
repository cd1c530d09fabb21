import assert from 'node:assert/strict'
import http2, { type IncomingHttpHeaders } from 'node:http2'
import { after, before, test } from 'node:test'
import type { ResponseFilter } from '../../src/model/filter.ts'
import { makeRespondTarget, makeUpstreamTarget, ORIGIN } from '../../src/routing/test-fixtures.ts'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { makeTestUpstream, routeTo, startPlane, type TestPlane } from '../support/data-plane.ts'
import { connectRaw, requestOnce } from '../support/raw-client.ts'
import { findFreePorts } from '../support/tools.ts'

/** A filter that replaces answers of endpoints by their status leaves those alone that the gateway makes. */

const BODY = 'é replaced'
const REPLACE: ResponseFilter = {
  kind: 'rewriteResponse',
  origin: ORIGIN,
  when: { kind: 'test', variable: 'upstream_status', operator: 'greaterOrEqual', value: 400 },
  status: 418,
  bodyBase64: Buffer.from(BODY).toString('base64'),
  headers: { add: [], set: [{ name: 'Content-Type', value: ['text/x-own'] }], remove: [] },
}

let plane: TestPlane
let backend: Backend

before(async () => {
  backend = await startBackend((request) => {
    const status = request.target.slice(1)
    if (request.method === 'HEAD') return 'HTTP/1.1 404 Not Found\r\nContent-Length: 9999\r\n\r\n'
    if (status === 'chunked')
      return 'HTTP/1.1 500 Bad\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n4\r\nlong\r\n0\r\nX-T: 1\r\n\r\n'
    return answerText('theirs', { status: `${status} Status`, headers: ['ETag: "x"', 'Content-Type: a/b'] })
  })
  plane = await startPlane({ routes: [], upstreams: [] })
  useNode(backend.node)
})
after(async () => {
  await plane.close()
  await backend.close()
})

function useNode(node: string, more: readonly ResponseFilter[] = []): void {
  plane.apply(
    [routeTo([makeUpstreamTarget('u', 1)], { responseFilters: [REPLACE, ...more] })],
    [makeTestUpstream('u', [node])],
  )
}

const LENGTH = String(Buffer.byteLength(BODY))

test('an answer of the endpoint with such a status is replaced, and the connections go on', async () => {
  useNode(backend.node)
  const client = await connectRaw(plane.port)
  for (const target of ['/404', '/500', '/chunked', '/404']) {
    const answer = await client.exchange(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
    assert.equal(answer.status, 418)
    assert.equal(Buffer.from(answer.body, 'latin1').toString(), BODY)
    assert.equal(answer.field('content-length'), LENGTH)
    assert.equal(answer.field('content-type'), 'text/x-own')
    assert.equal(answer.field('etag'), undefined)
    assert.equal(answer.field('transfer-encoding'), undefined)
  }
  const other = await client.exchange('GET /204 HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(other.status, 204)
  client.close()
  assert.equal(backend.connections.accepted, 1)
})

test('one with another status goes out as it came', async () => {
  useNode(backend.node)
  const answer = await requestOnce(plane.port, '/302')
  assert.equal(answer.status, 302)
  assert.equal(answer.body, 'theirs')
})

test('HEAD gets the length of the body that GET gets', async () => {
  useNode(backend.node)
  const client = await connectRaw(plane.port)
  for (let i = 0; i < 2; i++) {
    const answer = await client.exchange('HEAD /404 HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(answer.status, 418)
    assert.equal(answer.field('content-length'), LENGTH)
  }
  client.close()
})

test('over HTTP/2 it is the same, for GET and HEAD', async () => {
  useNode(backend.node)
  const session = http2.connect(`http://127.0.0.1:${plane.port}`)
  const ask = (method: string, path: string) =>
    new Promise<{ headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
      const stream = session.request({ ':method': method, ':path': path })
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
    })
  try {
    for (const path of ['/404', '/chunked']) {
      const got = await ask('GET', path)
      assert.equal(got.headers[':status'], 418)
      assert.equal(got.headers['content-length'], LENGTH)
      assert.equal(got.body, BODY)
    }
    const head = await ask('HEAD', '/404')
    assert.equal(head.headers[':status'], 418)
    assert.equal(head.headers['content-length'], LENGTH)
    assert.equal(head.body, '')
    assert.equal((await ask('GET', '/302')).body, 'theirs')
  } finally {
    session.close()
  }
})

test('what the gateway makes is left alone: an endpoint that is not there, a fixed answer, a rewrite that fails', async () => {
  useNode(`127.0.0.1:${(await findFreePorts(1))[0]}`)
  const dead = await requestOnce(plane.port, '/404')
  assert.equal(dead.status, 502)
  assert.equal(dead.field('x-headgate-error'), 'UPSTREAM_CONNECT_FAILED')
  const fixed = { ...makeRespondTarget(404, 1), page: false, body: 'fixed' }
  plane.apply([routeTo([fixed], { responseFilters: [REPLACE] })], [])
  const answer = await requestOnce(plane.port, '/404')
  assert.equal(answer.status, 404)
  assert.equal(answer.body, 'fixed')
  const fails: ResponseFilter = {
    ...REPLACE,
    // not true of the answer that is made because of it
    when: { kind: 'test', variable: 'status', operator: 'equal', value: 404 },
    status: null,
    bodyBase64: null,
    headers: { add: [{ name: 'X-Bad', value: ['a\r\nb'] }], set: [], remove: [] },
  }
  useNode(backend.node, [fails])
  const bad = await requestOnce(plane.port, '/404')
  assert.equal(bad.status, 500)
  assert.equal(bad.field('x-headgate-error'), 'BAD_REWRITE')
})
