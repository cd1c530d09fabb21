import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { answerText, startBackend } from '../support/backends.ts'
import { startGateway } from '../support/gateway.ts'
import { requestOnce } from '../support/raw-client.ts'
import { waitFor } from '../support/tools.ts'

/** Request ids and W3C trace context, as the client and the endpoint see them. */

const ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const PARENT = `traceparent: 00-${ID}-${SPAN}-01`
/** The tests come from 127.0.0.1. */
const TRUSTING = { trustedPeers: ['127.0.0.0/8'] }

async function start(t: TestContext, settings: object) {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-trace-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'settings.yaml')
  const log = join(directory, 'access.log')
  writeFileSync(file, JSON.stringify({ accessLog: { path: log, flushMs: 10 }, ...settings }))
  const backend = await startBackend(() => answerText('yes', { headers: ['X-Request-Id: of-the-endpoint'] }))
  t.after(() => backend.close())
  const gateway = await startGateway(['--workers', '1', '--settings', file])
  t.after(() => gateway.stop('SIGKILL'))
  const put = (id: string, route: object) => gateway.admin('PUT', `/apisix/admin/routes/${id}`, route)
  const upstream = { type: 'roundrobin', nodes: { [backend.node]: 1 } }
  assert.equal((await put('1', { uri: '/*', upstream })).status, 201)
  let sent = 0
  /** Sends a request; what the endpoint got (values by lower-case name, joined), what the client got, what was logged. */
  const send = async (path: string, ...headers: string[]) => {
    const answer = await requestOnce(gateway.port, path, { headers })
    const logged = await waitFor('the line', () => {
      const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1)
      return lines.length > sent ? JSON.parse(lines[sent] ?? '') : undefined
    })
    sent++
    const { fields = [] } = backend.requests.at(-1) ?? {}
    const got = (name: string): string | undefined => {
      const values = fields.filter(([key]) => key.toLowerCase() === name)
      return values.length === 0 ? undefined : values.map(([, value]) => value).join(' | ')
    }
    return { answer, logged, got }
  }
  return { gateway, backend, put, send, upstream }
}

test('as it comes, an id of the client passes, is not believed, and answers stay as they are', async (t) => {
  const { send } = await start(t, {})
  const { answer, logged, got } = await send('/', 'X-Request-Id: mine')
  assert.equal(got('x-request-id'), 'mine')
  assert.equal(answer.field('x-request-id'), 'of-the-endpoint')
  assert.notEqual(logged.request_id, 'mine')
})

test('one id reaches endpoint, client and log, whatever an untrusted client sent', async (t) => {
  const { send, put, upstream } = await start(t, { requestId: { toUpstream: true, toClient: true } })
  const first = await send('/', 'X-Request-ID: forged')
  const second = await send('/')
  const ids = [first, second].map(({ answer, logged, got }) => {
    assert.match(logged.request_id, /^[0-9a-f]{16}-[0-9a-z]+$/)
    assert.deepEqual(
      [got('x-request-id'), answer.field('x-request-id')],
      [logged.request_id, logged.request_id],
    )
    return logged.request_id
  })
  assert.notEqual(ids[0], ids[1])
  await put('2', {
    uri: '/echo',
    upstream,
    plugins: { 'proxy-rewrite': { headers: { set: { 'X-Seen': '$request_id', 'X-Request-Id': 'edited' } } } },
  })
  const edited = await send('/echo')
  assert.deepEqual(
    [edited.got('x-seen'), edited.got('x-request-id')],
    [edited.logged.request_id, 'edited'],
    'an edit of the field by a document wins',
  )
})

test('a trusted peer names the request, if it does so properly', async (t) => {
  const { send } = await start(t, {
    ...TRUSTING,
    requestId: { field: 'X-Correlation-Id', toUpstream: true, toClient: true },
  })
  const good = await send('/', 'x-correlation-id: abc-1.2:3')
  assert.equal(good.logged.request_id, 'abc-1.2:3')
  assert.equal(good.got('x-correlation-id'), 'abc-1.2:3')
  assert.equal(good.answer.field('x-correlation-id'), 'abc-1.2:3')
  assert.equal(good.answer.field('x-request-id'), 'of-the-endpoint')
  for (const lines of [
    ['X-Correlation-Id: with blank'],
    [`X-Correlation-Id: ${'x'.repeat(129)}`],
    ['X-Correlation-Id: a', 'X-Correlation-Id: b'],
    ['X-Correlation-Id: "><script>'],
  ]) {
    const { logged, got } = await send('/', ...lines)
    assert.match(logged.request_id, /^[0-9a-f]{16}-/)
    assert.equal(got('x-correlation-id'), logged.request_id)
  }
})

test('passes valid trace fields as they came and logs their ids', async (t) => {
  const { send } = await start(t, {})
  const { logged, got } = await send('/', PARENT, 'tracestate: a=1', 'tracestate: b=2', 'X-B3-TraceId: 1')
  assert.equal(got('traceparent'), `00-${ID}-${SPAN}-01`)
  assert.equal(got('tracestate'), 'a=1 | b=2')
  assert.equal(got('x-b3-traceid'), '1')
  assert.deepEqual([logged.trace_id, logged.span_id], [ID, SPAN])
  const future = `cc-${ID}-${SPAN}-01-more`
  assert.equal((await send('/', `traceparent: ${future}`)).got('traceparent'), future)
})

test('drops trace fields that are not valid', async (t) => {
  const { send } = await start(t, {})
  for (const lines of [
    ['traceparent: zz', 'tracestate: a=1'],
    [PARENT, PARENT, 'tracestate: a=1'],
    ['tracestate: a=1'],
  ]) {
    const { logged, got } = await send('/', ...lines)
    assert.deepEqual([got('traceparent'), got('tracestate')], [undefined, undefined])
    assert.deepEqual([logged.trace_id, logged.span_id], [null, null])
  }
  const bad = await send('/', PARENT, 'tracestate: a=1,a=2')
  assert.deepEqual([bad.got('traceparent') !== undefined, bad.got('tracestate')], [true, undefined])
})

test('begins traces, continues those that came, with a span id of its own for each attempt', async (t) => {
  const { send, put, backend } = await start(t, { tracing: { mode: 'start' } })
  const begun = await send('/')
  assert.equal(begun.got('traceparent'), `00-${begun.logged.trace_id}-${begun.logged.span_id}-01`)
  assert.match(begun.logged.trace_id, /^[0-9a-f]{32}$/)

  const continued = await send('/', `traceparent: 00-${ID}-${SPAN}-00`, 'tracestate: a=1')
  assert.equal(continued.logged.trace_id, ID)
  assert.notEqual(continued.logged.span_id, SPAN)
  assert.equal(continued.got('traceparent'), `00-${ID}-${continued.logged.span_id}-00`)
  assert.equal(continued.got('tracestate'), 'a=1')

  // an endpoint that breaks the connection before it answers: the request is safe to repeat, at the other one
  const breaker = await startBackend((_request, socket) => {
    socket.destroy()
    return null
  })
  t.after(() => breaker.close())
  const nodes = [breaker, backend].map(({ port }, i) => ({
    host: '127.0.0.1',
    port,
    weight: 1,
    priority: -i,
  }))
  await put('2', { uri: '/retry', upstream: { type: 'roundrobin', retries: 1, nodes } })
  const retried = await send('/retry')
  const parents = [breaker, backend].map(
    ({ requests }) => requests.at(-1)?.fields.find(([name]) => name === 'traceparent')?.[1] ?? '',
  )
  assert.equal(parents[1], `00-${retried.logged.trace_id}-${retried.logged.span_id}-01`)
  assert.ok(
    parents[0]?.startsWith(`00-${retried.logged.trace_id}-`) && parents[0] !== parents[1],
    parents.join(),
  )
})

test('at the edge, trace fields of strangers count for nothing, those of trusted peers do', async (t) => {
  const stranger = await start(t, { tracing: { mode: 'start', trustIncoming: false } })
  const { logged, got } = await stranger.send('/', PARENT, 'tracestate: a=1')
  assert.notEqual(logged.trace_id, ID)
  assert.deepEqual([got('traceparent')?.includes(logged.trace_id), got('tracestate')], [true, undefined])
  const trusted = await start(t, { ...TRUSTING, tracing: { mode: 'start', trustIncoming: false } })
  assert.equal((await trusted.send('/', PARENT)).logged.trace_id, ID)
})

test('switched off, trace fields are like any other', async (t) => {
  const { send } = await start(t, { tracing: { mode: 'off' } })
  const { logged, got } = await send('/', 'traceparent: zz', 'tracestate: a=1')
  assert.deepEqual([got('traceparent'), got('tracestate'), logged.trace_id], ['zz', 'a=1', null])
})
