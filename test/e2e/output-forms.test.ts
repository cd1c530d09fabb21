import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { ROOT, startGateway } from '../support/gateway.ts'
import { runTool } from '../support/tools.ts'

const FILE = `upstreams:
  - {id: v1, nodes: {"127.0.0.1:1": 1}}
  - {id: v2, nodes: {"127.0.0.1:2": 1}}
routes:
  - id: r
    uri: /r
    upstream_id: v1
    plugins:
      traffic-split:
        rules: [{weighted_upstreams: [{upstream_id: v2, weight: 1}, {weight: 4}]}]
`

test('verbs give JSON and nothing else with -o json, and are silent with --quiet', {
  timeout: 120_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-forms-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'routes.yaml')
  writeFileSync(file, FILE)
  const gateway = await startGateway()
  t.after(() => gateway.stop())
  const env = {
    ...process.env,
    HEADGATE_SERVER: `http://127.0.0.1:${gateway.adminPort}`,
    HEADGATE_ADMIN_KEY: gateway.key,
  }
  const run = (...args: string[]) =>
    runTool(process.execPath, [resolve(ROOT, 'bin/headgate.js'), ...args], { env, cwd: folder })
  const json = async (...args: string[]): Promise<unknown> => {
    const { stdout, stderr } = await run(...args)
    assert.equal(stderr, '', args.join(' '))
    return JSON.parse(stdout)
  }
  const quiet = async (...args: string[]): Promise<void> => {
    const { code, stdout, stderr } = await run(...args)
    assert.deepEqual([code, stdout, stderr], [0, '', ''], args.join(' '))
  }

  await quiet('validate', '-q', '-f', file)
  await quiet('apply', '--quiet', '-f', file)
  await quiet('diff', '-f', file)
  const calls: readonly (readonly string[])[] = [
    ['version'],
    ['validate', '-f', file],
    ['apply', '-f', file],
    ['diff', '-f', file],
    ['get', 'routes'],
    ['get', 'route', 'r'],
    ['describe', 'route', 'r'],
    ['split', 'get', 'route/r'],
    ['split', 'set', 'route/r', 'v2=2'],
    ['history'],
    ['history', '1'],
    ['rollback', '1', '--dry-run'],
    ['rollback', '1', '--yes'],
    ['top', 'splits'],
    ['events'],
    ['doctor'],
    ['delete', 'route', 'r', '--dry-run'],
    ['delete', 'route', 'r', '--yes'],
  ]
  for (const call of calls) {
    const value = await json(...call, '-o', 'json')
    assert.ok(typeof value === 'object' && value !== null, call.join(' '))
  }
  const gone = (await json('get', 'routes', '-o', 'json')) as { readonly list?: readonly unknown[] }
  assert.doesNotMatch(JSON.stringify(gone), /"\/r"/)
})
