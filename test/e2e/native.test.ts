// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of the document are what is tested
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { callHttp, type GatewayProcess, type HttpAnswer, ROOT, startGateway } from '../support/gateway.ts'
import { runTool, waitFor } from '../support/tools.ts'

/** Native documents, from files, from a module and through the documents API, with traffic. */

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-native-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function startBackends(t: TestContext, count: number): Promise<Backend[]> {
  const backends = await Promise.all(Array.from({ length: count }, (_, i) => startBackend(`${i}`)))
  t.after(() => Promise.all(backends.map((backend) => backend.close())))
  return backends
}

async function serve(t: TestContext, config: string, flags: readonly string[] = []): Promise<GatewayProcess> {
  const gateway = await startGateway(['--config', config, '--workers', '1', ...flags])
  t.after(() => gateway.stop('SIGKILL'))
  return gateway
}

async function serveText(t: TestContext, text: string): Promise<GatewayProcess> {
  const config = join(folder(t), 'native.yaml')
  writeFileSync(config, text)
  return serve(t, config)
}

function ask(
  gateway: GatewayProcess,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<HttpAnswer> {
  return callHttp({ port: gateway.port, method, path, headers })
}

test('hosts, path parameters, conditions, splits and filters do what the document says', async (t) => {
  const [stable, canary] = (await startBackends(t, 2)) as [Backend, Backend]
  const gateway = await serveText(
    t,
    `
headgate: 1
upstreams:
  - { id: stable, endpoints: ["${stable.node}"] }
  - { id: canary, endpoints: ["${canary.node}"], host: canary.internal }
routes:
  - id: shop
    hosts: [shop.example.com, "*.shop.example.com"]
    paths: [/api/*, /cart/:id]
    methods: [GET]
    filters:
      - request:
          path: { replacePrefix: /api }
          headers: { set: { X-Cart: "\${param.id ?? none}" }, remove: [Cookie] }
      - response: { headers: { set: { X-Served: "\${status}" } } }
    rules:
      - when: { header: x-env, equals: test }
        split: [{ upstream: canary, weight: 3 }, { upstream: stable, weight: 2 }]
      - when: [{ query: n, greater: 5 }, { request: client, inNetwork: [127.0.0.0/8] }]
        respond: { status: 418, body: "short\\n", headers: { X-A: b } }
    upstream: stable
  - { id: closed, paths: [/closed], respond: 403 }
  - { id: moved, paths: [/old/*], redirect: { match: "^/old/(.*)$", replace: "https://new.example.com/\${1}", status: 301 } }
  - { id: missing, paths: [/missing], upstream: gone }
`,
  )
  const host = 'shop.example.com'
  const got: string[] = []
  for (let i = 0; i < 10; i++) got.push((await ask(gateway, '/api/x', { host, 'x-env': 'test' })).text)
  assert.deepEqual([got.filter((one) => one === '1').length, got.filter((one) => one === '0').length], [6, 4])
  assert.equal(canary.requests[0]?.target, '/x')
  assert.equal(canary.requests[0]?.field('host'), 'canary.internal')

  const cart = await ask(gateway, '/cart/7?n=3', { host: 'de.shop.example.com', cookie: 'a=b' })
  assert.deepEqual([cart.status, cart.text, cart.headers['x-served']], [200, '0', '200'])
  assert.equal(stable.requests.at(-1)?.target, '/cart/7?n=3')
  assert.equal(stable.requests.at(-1)?.field('x-cart'), '7')
  assert.equal(stable.requests.at(-1)?.field('cookie'), undefined)

  const short = await ask(gateway, '/cart/7?n=6', { host })
  assert.deepEqual([short.status, short.text, short.headers['x-a']], [418, 'short\n', 'b'])
  assert.equal((await ask(gateway, '/cart/7', { host }, 'POST')).status, 404)
  assert.equal((await ask(gateway, '/cart/7', { host: 'example.com' })).status, 404)

  const moved = await ask(gateway, '/old/a/b')
  assert.deepEqual([moved.status, moved.headers.location], [301, 'https://new.example.com/a/b'])

  const closed = await ask(gateway, '/closed')
  assert.equal(closed.status, 403)
  assert.equal((closed.json as { error: { message: string } }).error.message, 'Forbidden')
  const missing = await ask(gateway, '/missing')
  assert.deepEqual([missing.status, missing.headers['x-headgate-error']], [502, 'UPSTREAM_NOT_FOUND'])
  assert.equal((missing.json as { error: { code: string } }).error.code, 'UPSTREAM_NOT_FOUND')
})

test('where native routes serve, a miss is told as JSON with code and request id', async (t) => {
  const gateway = await serveText(t, 'headgate: 1\nroutes: [{ id: a, paths: [/a], respond: 204 }]\n')
  assert.equal((await ask(gateway, '/a')).status, 204)
  const miss = await ask(gateway, '/b')
  assert.equal(miss.status, 404)
  assert.equal(miss.headers['content-type'], 'application/json')
  const { error } = miss.json as { error: Record<string, unknown> }
  assert.deepEqual(
    { ...error, request_id: typeof error.request_id },
    {
      code: 'ROUTE_NOT_FOUND',
      status: 404,
      message: 'no route matches the request',
      request_id: 'string',
    },
  )
})

test('files of both languages serve beside each other, APISIX first', async (t) => {
  const [one, two] = (await startBackends(t, 2)) as [Backend, Backend]
  const config = folder(t)
  writeFileSync(
    join(config, 'a.yaml'),
    `routes:\n  - { id: r, uri: /shared, upstream: { type: roundrobin, nodes: { "${one.node}": 1 } } }\n`,
  )
  const gateway = await serve(t, config)
  const apisixMiss = await ask(gateway, '/none')
  assert.equal(apisixMiss.text, '{"error_msg":"404 Route Not Found"}\n')

  writeFileSync(
    join(config, 'b.yaml'),
    `headgate: 1\nroutes:\n  - { id: r, paths: [/shared, /own], upstream: { endpoints: ["${two.node}"] } }\n`,
  )
  await waitFor('the native route to serve', async () => {
    const answer = await ask(gateway, '/own')
    return answer.status === 200 ? answer : undefined
  })
  assert.equal((await ask(gateway, '/shared')).text, '0')
  assert.equal((await ask(gateway, '/own')).text, '1')
  assert.match((await ask(gateway, '/none')).text, /"code":"ROUTE_NOT_FOUND"/)
})

test('native routes behind an APISIX route that takes everything are told of, at the start and in a check', async (t) => {
  const config = folder(t)
  writeFileSync(
    join(config, 'a.yaml'),
    'routes: [{ id: all, uri: "/*", upstream: { type: roundrobin, nodes: {} } }]\n',
  )
  writeFileSync(
    join(config, 'b.yaml'),
    'headgate: 1\nroutes:\n  - { id: own, paths: [/own], respond: 200 }\n',
  )
  const gateway = await serve(t, config)
  assert.match(
    gateway.stderr(),
    /route apisix\/routes\/all takes every request, so the native routes are never reached/,
  )
  const { code, stdout } = await runTool(process.execPath, [
    resolve(ROOT, 'bin/headgate.js'),
    'validate',
    '-f',
    config,
  ])
  assert.equal(code, 0)
  assert.match(stdout, /b\.yaml:3:5: warning: routes\[0\]: is never reached: route apisix\/routes\/all/)
  const settings = join(folder(t), 'settings.yaml')
  writeFileSync(settings, 'sections: [native, apisix]\n')
  const swapped = await serve(t, config, ['--settings', settings])
  assert.equal((await ask(swapped, '/own')).status, 200)
})

test('documents of a dialect that no listener searches are refused with the setting that would serve them', async (t) => {
  const settings = join(folder(t), 'settings.yaml')
  writeFileSync(settings, 'sections: [apisix]\n')
  const gateway = await startGateway(['--workers', '1', '--settings', settings])
  t.after(() => gateway.stop('SIGKILL'))
  const refused = await gateway.admin('PUT', '/headgate/v1/documents/native/routes/a', { respond: 200 })
  assert.equal(refused.status, 400)
  assert.match(
    refused.text,
    /native documents are not served by this gateway: add native to the setting sections/,
  )
})

test('a configuration module is code: it is run at start and with every change, and a bad one changes nothing', async (t) => {
  const [one, two] = (await startBackends(t, 2)) as [Backend, Backend]
  const config = join(folder(t), 'headgate.config.ts')
  const write = (backend: Backend): void =>
    writeFileSync(
      config,
      `import { defineConfig, type Upstream } from 'headgate'
const upstreams: Upstream[] = [{ id: 'app', endpoints: ['${backend.node}'] }]
export default defineConfig({ upstreams, routes: [{ id: 'all', upstream: 'app' }] })
`,
    )
  write(one)
  const gateway = await serve(t, config)
  assert.equal((await ask(gateway, '/')).text, '0')

  writeFileSync(config, 'export default {')
  await waitFor('the fault to be told', () =>
    gateway.stderr().includes('headgate.config.ts:1:1') ? true : undefined,
  )
  assert.equal((await ask(gateway, '/')).text, '0')

  write(two)
  await waitFor('the new module to serve', async () =>
    (await ask(gateway, '/')).text === '1' ? true : undefined,
  )
})

test('native documents go through the documents API, and their schema is served', async (t) => {
  const backend = await startBackend((request) => answerText(`asked ${request.target}`))
  t.after(() => backend.close())
  const gateway = await startGateway(['--workers', '1'])
  t.after(() => gateway.stop('SIGKILL'))
  const put = (path: string, value: unknown): Promise<HttpAnswer> =>
    gateway.admin('PUT', `/headgate/v1/documents/native/${path}`, value)
  assert.equal((await put('upstreams/app', { endpoints: [backend.node] })).status, 201)
  const bad = await put('routes/shop', { paths: ['x'], upstrem: 'app' })
  assert.equal(bad.status, 400)
  assert.match(bad.text, /paths begin with a slash/)
  assert.match(bad.text, /did you mean upstream\?/)
  assert.equal((await put('routes/shop', { paths: ['/shop/*'], upstream: 'app' })).status, 201)
  assert.equal((await ask(gateway, '/shop/1')).text, 'asked /shop/1')
  const schema = await gateway.admin('GET', '/headgate/v1/schema/native')
  assert.equal((schema.json as { $id: string }).$id, 'urn:headgate:schema:native:1')
})
