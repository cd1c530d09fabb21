import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startBackend } from '../support/backends.ts'
import { callHttp, ROOT, startGateway } from '../support/gateway.ts'
import { runTool } from '../support/tools.ts'

/** The verbs of the command line on Apinizer's documents. */

const proxyText = (node: string, percentage: number): string => `apinizer:
  proxies:
    - apiProxyName: orders
      apiProxyCreationType: REVERSE_PROXY
      clientRoute: { relativePathList: [/orders] }
      routingInfo:
        routingAddressList:
          - { address: "http://${node}/one", condition: { firstValue: { source: HEADER, name: X-Tenant }, operator: EQ, secondValue: acme } }
          - { address: "http://${node}/two" }
          - { address: "http://${node}/new", addressType: CANARY }
        canary: { percentage: ${percentage} }
`

async function setUp(t: TestContext) {
  const backend = await startBackend()
  t.after(() => backend.close())
  const gateway = await startGateway(['--workers', '1'])
  t.after(() => gateway.stop('SIGKILL'))
  const folder = mkdtempSync(join(tmpdir(), 'headgate-apinizer-verbs-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'orders.yaml')
  const write = (text: string): void => writeFileSync(file, text)
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
  return { backend, gateway, file, write, run, says }
}

test('apply, diff, get, describe, explain and delete know API proxies and their deployments', async (t) => {
  const { backend, gateway, file, write, run, says } = await setUp(t)
  write(proxyText(backend.node, 0))
  assert.match(await says('validate', '-f', file), /: valid \(\d+ documents?\)\n$/)
  assert.match(await says('apply', '-f', file), /orders/)
  const sent = await callHttp({ port: gateway.port, method: 'GET', path: '/orders/7' })
  assert.equal(sent.status, 200)
  assert.equal(backend.requests.at(-1)?.target, '/two/7')

  const { code: same } = await run('diff', '-f', file)
  assert.equal(same, 0)
  write(proxyText(backend.node, 25))
  const other = await run('diff', '-f', file)
  assert.equal(other.code, 2)
  assert.match(other.stdout, /percentage/)
  await says('apply', '-f', file)
  assert.equal((await run('diff', '-f', file)).code, 0)

  const listed = JSON.parse(await says('get', 'deployments', '-o', 'json')) as unknown
  assert.match(JSON.stringify(listed), /"percentage":25/)
  const [id] = /\S*orders\.\S+/.exec(await says('get', 'deployments')) ?? []
  assert.ok(id !== undefined)
  assert.match(await says('describe', `deployments/${id}`), /orders/)

  const told = await says('explain', '/orders/7', '-H', 'X-Tenant: acme')
  assert.match(told, /apinizer \(here\)/)
  assert.match(told, /field:x-tenant == "acme" {2}\(is "acme"\)/)
  assert.match(told, /\/one\/7|\/new\/7/)

  await says('delete', `deployments/${id}`)
  assert.equal((await callHttp({ port: gateway.port, method: 'GET', path: '/orders/7' })).status, 404)
})

test('a document that the dialect refuses changes nothing, and is told with its place', async (t) => {
  const { backend, file, write, run, says } = await setUp(t)
  write(proxyText(backend.node, 101))
  const { code, stdout, stderr } = await run('apply', '-f', file)
  assert.notEqual(code, 0)
  assert.match(stdout + stderr, /orders\.yaml:\d+:\d+.*percentage/)
  assert.doesNotMatch(await says('get', 'deployments'), /orders/)
})
