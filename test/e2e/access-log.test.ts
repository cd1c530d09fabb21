import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { answerText, startBackend } from '../support/backends.ts'
import { type GatewayProcess, ROOT, startGateway } from '../support/gateway.ts'
import { requestOnce } from '../support/raw-client.ts'
import { runTool, waitFor } from '../support/tools.ts'

/** The access log as operators set it up: forms, filters, hidden values. Everything runs as users run it, through real sockets. */

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-access-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A gateway with this `accessLog`, a backend and a route for everything; `lines` waits for as many lines. */
async function start(t: TestContext, accessLog: object, more: object = {}) {
  const directory = folder(t)
  const path = join(directory, 'access.log')
  const settings = join(directory, 'settings.yaml')
  writeFileSync(settings, JSON.stringify({ accessLog: { path, flushMs: 10, ...accessLog }, ...more }))
  const backend = await startBackend(({ target }) =>
    target.startsWith('/missing') ? answerText('no', { status: '404 Not Found' }) : answerText('yes'),
  )
  t.after(() => backend.close())
  const gateway = await startGateway(['--workers', '1', '--settings', settings])
  t.after(() => gateway.stop('SIGKILL'))
  await putRoute(gateway, {
    uri: '/*',
    name: 'all',
    upstream: { type: 'roundrobin', nodes: { [backend.node]: 1 } },
  })
  const lines = (count: number): Promise<string[]> =>
    waitFor(`${count} lines`, () => {
      const found = readFileSync(path, 'utf8').split('\n').slice(0, -1)
      return found.length >= count ? found : undefined
    })
  return { gateway, backend, lines, path }
}

async function putRoute(gateway: GatewayProcess, route: object, id = '1'): Promise<void> {
  const { status, text } = await gateway.admin('PUT', `/apisix/admin/routes/${id}`, route)
  assert.equal(status, 201, text)
}

test('writes the line that APISIX writes', async (t) => {
  const { gateway, backend, lines } = await start(t, { format: 'apisix' })
  await requestOnce(gateway.port, '/a?x=1', {
    headers: ['Host: shop.example', 'User-Agent: tester', 'Referer: http://r/'],
  })
  const [line] = await lines(1)
  assert.match(
    line ?? '',
    new RegExp(
      `^127\\.0\\.0\\.1 - - \\[[^\\]]+ \\+0000\\] shop\\.example "GET /a\\?x=1 HTTP/1\\.1" 200 3 \\d+\\.\\d{3} "http://r/" "tester" ` +
        `127\\.0\\.0\\.1:${backend.port} 200 \\d+\\.\\d{3} "http://shop\\.example/a\\?x=1" "[0-9a-f]{16}-1"$`,
    ),
  )
})

test('writes a template of the operator, and nothing a client sends breaks it', async (t) => {
  const { gateway, lines } = await start(t, {
    format: '$method|$path|$status|$variant|$http_x_tenant|$cookie_theme|$arg_q|$upstream_addr',
    redactHeaders: ['authorization'],
  })
  await requestOnce(gateway.port, '/a?q=1%0a2', {
    headers: ['X-Tenant: a"b\\c\u00ff|', 'Cookie: theme=dark; session=1'],
  })
  const [line] = await lines(1)
  assert.match(line ?? '', /^GET\|\/a\|200\|[^|]+\|a\\x22b\\x5Cc\\xFF\|\|dark\|1%0a2\|127\.0\.0\.1:\d+$/)
})

test('leaves out what filters name, and samples nothing but successes', async (t) => {
  const { gateway, backend, lines } = await start(t, {
    format: '$path $status',
    skipPaths: ['/healthz', '/internal/*'],
    skipRoutes: ['quiet'],
    sampleRatio: 0,
  })
  const upstream = { type: 'roundrobin', nodes: { [backend.node]: 1 } }
  await putRoute(gateway, { uri: '/missing-quiet', upstream }, 'quiet')
  for (const path of ['/ok', '/healthz', '/internal/missing', '/missing-quiet', '/missing/1', '/missing/2'])
    await requestOnce(gateway.port, path)
  assert.deepEqual(await lines(2), ['/missing/1 404', '/missing/2 404'])
})

test('hides secrets, adds fields, and keeps only slow or failed requests if asked to', async (t) => {
  const { gateway, lines } = await start(t, {
    statuses: ['4xx', '5xx'],
    fields: { tenant: '$http_x_tenant', auth: '$http_authorization' },
  })
  await requestOnce(gateway.port, '/ok')
  await requestOnce(gateway.port, '/missing?access_token=SECRET&page=2', {
    headers: ['X-Tenant: blue', 'Authorization: Bearer SECRET', 'Referer: http://r/?password=SECRET'],
  })
  const [line] = await lines(1)
  assert.doesNotMatch(line ?? '', /SECRET/)
  const { path, query, status, tenant, auth, referer } = JSON.parse(line ?? '')
  assert.deepEqual(
    { path, query, status, tenant, auth, referer },
    {
      path: '/missing',
      query: 'access_token=***&page=2',
      status: 404,
      tenant: 'blue',
      auth: '***',
      referer: 'http://r/?password=***',
    },
  )
})

test('tells the endpoints of all attempts', async (t) => {
  const { gateway, backend, lines } = await start(t, {
    format: '$path $upstream_addr $upstream_status $attempts',
  })
  const nodes = [
    { host: '127.0.0.1', port: 1, weight: 1, priority: 1 },
    { host: '127.0.0.1', port: backend.port, weight: 1, priority: 0 },
  ]
  await putRoute(gateway, { uri: '/retry', upstream: { type: 'roundrobin', retries: 1, nodes } }, '2')
  assert.equal((await requestOnce(gateway.port, '/retry')).status, 200)
  assert.deepEqual(await lines(1), [`/retry 127.0.0.1:1, ${backend.node} 502, 200 2`])
})

test('does not start with a format that has a mistake, and says what was meant', async (t) => {
  const settings = join(folder(t), 'settings.yaml')
  const refuse = async (accessLog: object): Promise<string> => {
    writeFileSync(settings, JSON.stringify({ accessLog }))
    const program = join(ROOT, 'bin/headgate.js')
    const { code, stderr } = await runTool(process.execPath, [program, 'start', '--settings', settings])
    assert.equal(code, 2)
    assert.equal(stderr.trim().split('\n').length, 1, stderr)
    return stderr
  }
  assert.match(
    await refuse({ format: '$remote_adr' }),
    /accessLog\.format: unknown variable \$remote_adr: did you mean \$remote_addr\?/,
  )
  assert.match(
    await refuse({ fields: { t: '$stats' } }),
    /accessLog\.fields\.t: unknown variable \$stats: did you mean \$status\?/,
  )
  assert.match(
    await refuse({ fields: { status: '$status' } }),
    /accessLog\.fields\.status: every line has a field of that name/,
  )
  assert.match(await refuse({ statuses: ['6xx'] }), /accessLog\.statuses\[0\]: "6xx" is no status/)
})
