import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startBackend } from '../support/backends.ts'
import { callHttp, ROOT, startGateway } from '../support/gateway.ts'
import { findFreePorts, runTool } from '../support/tools.ts'

/** The control plane's API of a mesh on its own listener, with proxies in the same process, and the verbs of the command line on mesh documents. One gateway for all. */

async function setUp(t: TestContext) {
  const [api = 0, outbound = 0, firstIn = 0, secondIn = 0] = await findFreePorts(4)
  const [first, second] = await Promise.all([startBackend(), startBackend()])
  t.after(() => Promise.all([first.close(), second.close()]))
  const gateway = await startGateway(['--workers', '1', '--kuma', `127.0.0.1:${api}`, '--dataplane', 'all'])
  t.after(() => gateway.stop('SIGKILL'))
  const call = (method: string, path: string, body?: object) =>
    callHttp({ port: api, method, path, ...(body === undefined ? {} : { body }) })
  const proxy = (
    name: string,
    port: number,
    node: string,
    version: string,
    outbounds: readonly object[] = [],
  ) => ({
    type: 'Dataplane',
    mesh: 'default',
    name,
    networking: {
      address: '127.0.0.1',
      inbound: [
        {
          port,
          servicePort: Number(node.split(':')[1]),
          tags: { 'kuma.io/service': 'cart', 'kuma.io/protocol': 'http', version },
        },
      ],
      outbound: outbounds,
    },
  })
  return { api, outbound, firstIn, secondIn, first, second, gateway, call, proxy }
}

test('a mesh is run by the calls of its control plane, and seen by every verb of the command line', async (t) => {
  const { outbound, firstIn, secondIn, first, second, gateway, call, proxy } = await setUp(t)

  // what a control plane starts with
  const { tagline } = (await call('GET', '/')).json as { tagline: string }
  assert.equal(tagline, 'Kuma')
  const initial = (await call('GET', '/meshes/default/traffic-routes')).json as { items: { name: string }[] }
  assert.deepEqual(
    initial.items.map(({ name }) => name),
    ['route-all-default'],
  )

  // two versions of a service, and a proxy that calls it
  const out = [{ port: outbound, tags: { 'kuma.io/service': 'cart' } }]
  const path = '/meshes/default/dataplanes'
  assert.equal((await call('PUT', `${path}/v1`, proxy('v1', firstIn, first.node, 'v1', out))).status, 201)
  assert.equal((await call('PUT', `${path}/v2`, proxy('v2', secondIn, second.node, 'v2'))).status, 201)
  const ask = (target: string) => callHttp({ port: outbound, method: 'GET', path: target })
  for (let i = 0; i < 4; i++) assert.equal((await ask('/api')).status, 200)
  assert.deepEqual([first.requests.length, second.requests.length], [2, 2])

  // a route that takes one of them, with a warning of what means nothing
  const route = {
    type: 'TrafficRoute',
    mesh: 'default',
    name: 'to-v2',
    sources: [{ match: { 'kuma.io/service': '*' } }],
    destinations: [{ match: { 'kuma.io/service': 'cart' } }],
    conf: {
      http: [
        {
          match: { path: { prefix: '/api' } },
          modify: { requestHeader: {} },
          split: [
            { weight: 0, destination: { 'kuma.io/service': 'cart', version: 'v1' } },
            { weight: 1, destination: { 'kuma.io/service': 'cart', version: 'v2' } },
          ],
        },
      ],
      destination: { 'kuma.io/service': 'cart', version: 'v1' },
    },
  }
  const made = await call('PUT', '/meshes/default/traffic-routes/to-v2', route)
  assert.equal(made.status, 201)
  assert.match(String(made.headers['x-headgate-warning']), /conf\.http\[0\]\.modify\.requestHeader/)
  for (let i = 0; i < 3; i++) assert.equal((await ask('/api/x')).status, 200)
  assert.equal((await ask('/other')).status, 200)
  assert.deepEqual([first.requests.length, second.requests.length], [3, 5])
  const overview = (await call('GET', `${path}/v1/_overview`)).json as { status: string }
  assert.equal(overview.status, 'Online')
  const refused = (await call('DELETE', '/meshes/default')).json as { causes: { field: string }[] }
  assert.equal(refused.causes[0]?.field, 'mesh')

  // the same documents by the Admin API
  const folder = mkdtempSync(join(tmpdir(), 'headgate-mesh-api-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const env = {
    ...process.env,
    HEADGATE_SERVER: `127.0.0.1:${gateway.adminPort}`,
    HEADGATE_ADMIN_KEY: gateway.key,
  }
  const run = (...args: string[]) =>
    runTool(process.execPath, [join(ROOT, 'bin/headgate.js'), ...args], { env, cwd: folder })
  const says = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(...args)
    assert.equal(code, 0, `headgate ${args.join(' ')}: ${stderr}${stdout}`)
    return stdout
  }
  const told = await says('explain', '--dataplane', 'v1', '--outbound', 'cart', '/api/x')
  assert.match(told, /chosen +to-v2 {2}2 tags fit, 1 exact and 1 \*/)
  assert.match(told, /route-all-default .*to-v2 has as many tags, and more exact ones/)
  assert.match(told, /requests are looked at: every instance of cart speaks http/)
  assert.ok(!told.includes('no proxy of this process'))
  assert.match(told, new RegExp(`sent to http://127\\.0\\.0\\.1:${secondIn}: GET /api/x`))

  assert.match(await says('get', 'traffic-routes'), /to-v2/)
  assert.match(await says('get', 'mesh', 'default', '-o', 'yaml'), /type: Mesh/)
  assert.match(await says('describe', 'dataplane/default:v1'), /cart/)
  await says('split', 'set', 'traffic-route/default:to-v2', 'cart{version=v1}=1', 'cart{version=v2}=0')
  assert.equal((await ask('/api/x')).status, 200)
  assert.deepEqual([first.requests.length, second.requests.length], [4, 5])

  const file = join(folder, 'route.yaml')
  const text = await says('get', 'traffic-route', 'default:to-v2', '-o', 'yaml')
  writeFileSync(file, text)
  assert.match(await says('validate', '-f', file), /valid/)
  assert.equal((await run('diff', '-f', file)).code, 0)
  writeFileSync(file, text.replace('prefix: /api', 'prefix: /v9'))
  const diff = await run('diff', '-f', file)
  assert.equal(diff.code, 2)
  assert.match(diff.stdout, /\/v9/)
  await says('apply', '-f', file)
  const changed = (await call('GET', '/meshes/default/traffic-routes/to-v2')).text
  assert.match(changed, /"prefix":"\/v9"/)
  await says('delete', 'traffic-route/default:to-v2')
  assert.equal((await call('GET', '/meshes/default/traffic-routes/to-v2')).status, 404)

  // what goes with its mesh
  for (const name of ['v1', 'v2']) assert.equal((await call('DELETE', `${path}/${name}`)).status, 200)
  assert.equal((await call('DELETE', '/meshes/default')).status, 200)
  assert.equal(((await call('GET', '/traffic-routes')).json as { total: number }).total, 0)
})

test('where documents come from files the API reads, and refuses to write with 405', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-mesh-files-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'mesh.yaml')
  writeFileSync(file, 'type: Mesh\nname: shop\n')
  const [api = 0] = await findFreePorts(1)
  const gateway = await startGateway(['--workers', '1', '--config', file, '--kuma', `127.0.0.1:${api}`])
  t.after(() => gateway.stop('SIGKILL'))
  const call = (method: string, path: string) => callHttp({ port: api, method, path })
  const { items } = (await call('GET', '/traffic-routes')).json as { items: { name: string }[] }
  assert.deepEqual(
    items.map(({ name }) => name),
    ['route-all-shop'],
  )
  const refused = await call('DELETE', '/meshes/shop')
  assert.equal(refused.status, 405)
  assert.match(refused.text, /"title":"Method not Allowed".*mesh\.yaml/)
  const { policies } = (await call('GET', '/policies')).json as { policies: { readOnly: boolean }[] }
  assert.equal(policies[0]?.readOnly, true)
})
