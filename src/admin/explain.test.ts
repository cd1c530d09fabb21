import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExplainError } from '../gateway/explain-request.ts'
import { buildAdminApp } from './server.ts'
import { fakeOptions, VIEWER_KEY } from './testing.ts'

async function open() {
  const options = fakeOptions()
  const { app } = await buildAdminApp(options)
  const ask = async (method: 'GET' | 'POST', path: string, payload?: string) => {
    const answer = await app.inject({
      method,
      url: `/headgate/v1/explain${path}`,
      headers: { 'x-api-key': VIEWER_KEY },
      ...(payload === undefined ? {} : { payload }),
    })
    return { status: answer.statusCode, json: answer.json() }
  }
  return { options, ask }
}

test('a viewer may ask, although a question is posted; it is no write and is not audited', async () => {
  const { options, ask } = await open()
  const answer = await ask(
    'POST',
    '',
    '{"url":"shop.example/x?a=1","headers":{"X-A":"1"},"clientIp":"192.0.2.1"}',
  )
  assert.deepEqual([answer.status, answer.json.revision], [200, 7])
  assert.deepEqual(options.control.explained, [
    {
      method: 'GET',
      target: '/x?a=1',
      host: 'shop.example',
      headers: [['X-A', '1']],
      clientAddress: '192.0.2.1',
      listener: null,
      body: null,
    },
  ])
  assert.deepEqual(options.lines, [])
})

test('a stream is asked for by its listener, name and client, by a viewer too', async () => {
  const { options, ask } = await open()
  const answer = await ask('POST', '/stream', '{"listener":":9100","serverName":"DB.example"}')
  assert.deepEqual([answer.status, answer.json.revision], [200, 7])
  assert.deepEqual(options.control.explainedStreams, [
    { transport: 'tcp', listener: ':9100', serverName: 'db.example', clientAddress: '127.0.0.1' },
  ])
  assert.deepEqual(options.lines, [])
  const odd = await ask('POST', '/stream', '{"url":"/x"}')
  assert.deepEqual([odd.status, odd.json.code], [400, 'BAD_EXPLAIN'])
  assert.match(odd.json.detail, /url: not known; there are transport/)
  options.control.explainError = new ExplainError('noListener', 'because')
  const nowhere = await ask('POST', '/stream', '{}')
  assert.deepEqual([nowhere.status, nowhere.json.code], [400, 'NO_SUCH_LISTENER'])
})

test('what comes in at a listener of a document is asked for by a viewer too', async () => {
  const { options, ask } = await open()
  const answer = await ask('POST', '/entrance', '{"id":"site-1","entrance":"10001","url":"/x"}')
  assert.deepEqual([answer.status, answer.json.isLive], [200, true])
  assert.equal(options.control.explainedEntrances[0]?.entrance, '10001')
  assert.deepEqual(options.lines, [])
  const odd = await ask('POST', '/entrance', '{"entrance":"10001"}')
  assert.deepEqual([odd.status, odd.json.code], [400, 'BAD_EXPLAIN'])
})

test('each reason why there is no explanation has a status and a code of its own', async () => {
  const { options, ask } = await open()
  const told = async (reason: ExplainError['reason'], path = '', payload?: string) => {
    options.control.explainError = new ExplainError(reason, 'because')
    const { status, json } = await ask(payload === undefined ? 'GET' : 'POST', path, payload)
    return [status, json.code, json.detail]
  }
  const question = '{"url":"/x"}'
  assert.deepEqual(await told('badRequest', '', question), [400, 'BAD_EXPLAIN', 'because'])
  assert.deepEqual(await told('noListener', '', question), [400, 'NO_SUCH_LISTENER', 'because'])
  assert.deepEqual(await told('noAnswer', '', question), [503, 'EXPLAIN_UNAVAILABLE', 'because'])
  assert.deepEqual(await told('noDocument', '/route?dialect=apisix&id=1'), [
    404,
    'DOCUMENT_NOT_FOUND',
    'because',
  ])
  assert.deepEqual(await told('noAnswer', '', '{'), [400, 'BAD_EXPLAIN', 'the body is no JSON'])
})

test('a route is asked for by dialect, kind (route unless said) and id', async () => {
  const { ask } = await open()
  assert.equal((await ask('GET', '/route?dialect=apisix&id=1')).status, 200)
  for (const [query, detail] of [
    ['id=1', /dialect must be one of native, apisix/],
    ['dialect=apisix&kind=rout&id=1', /kind must be one of ssls, consumers, upstreams/],
    ['dialect=apisix', /id is missing/],
  ] as const) {
    const { status, json } = await ask('GET', `/route?${query}`)
    assert.equal(status, 400)
    assert.match(json.detail, detail)
  }
})
