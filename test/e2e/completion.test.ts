import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { test } from 'node:test'
import { ROOT, startGateway } from '../support/gateway.ts'
import { skipWithout } from '../support/tools.ts'

test('bash completes the names that a running gateway has, and none in silence when it is gone', {
  timeout: 60_000,
  skip: skipWithout('bash'),
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-completion-e2e-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const command = join(folder, 'headgate')
  writeFileSync(command, `#!/bin/sh\nexec ${process.execPath} ${resolve(ROOT, 'bin/headgate.js')} "$@"\n`)
  chmodSync(command, 0o755)
  const gateway = await startGateway()
  t.after(() => gateway.stop())
  const documents: Readonly<Record<string, object>> = {
    'upstreams/blue': { nodes: { '127.0.0.1:1': 1 } },
    'upstreams/green': { nodes: { '127.0.0.1:2': 1 } },
    'routes/shop-1': {
      uri: '/1',
      upstream_id: 'blue',
      plugins: {
        'traffic-split': {
          rules: [{ weighted_upstreams: [{ upstream_id: 'green', weight: 1 }, { weight: 1 }] }],
        },
      },
    },
    'routes/shop-2': { uri: '/2', upstream_id: 'blue' },
  }
  for (const [key, value] of Object.entries(documents)) {
    assert.equal((await gateway.admin('PUT', `/apisix/admin/${key}`, value)).status, 201)
  }
  const env = {
    ...process.env,
    PATH: `${folder}${delimiter}${process.env.PATH}`,
    HEADGATE_SERVER: `http://127.0.0.1:${gateway.adminPort}`,
    HEADGATE_ADMIN_KEY: gateway.key,
  }
  const complete = (...words: string[]): string[] => {
    const script = `
      source <(headgate completion bash)
      COMP_LINE="$*" COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      COMP_POINT=\${#COMP_LINE}
      _headgate
      printf '%s\\n' "\${COMPREPLY[@]}"`
    const done = spawnSync('bash', ['--norc', '-c', script, 'bash', 'headgate', ...words], {
      env,
      encoding: 'utf8',
      timeout: 20_000,
    })
    assert.equal(done.stderr, '')
    return done.stdout.split('\n').filter((line) => line !== '')
  }
  assert.deepEqual(complete('get', 'route', 'shop-'), ['shop-1', 'shop-2'])
  assert.deepEqual(complete('delete', 'upstreams', 'g'), ['green'])
  assert.deepEqual(complete('split', 'set', 'route/shop-'), ['route/shop-1', 'route/shop-2'])
  assert.deepEqual(complete('split', 'set', 'route/shop-1', ''), ['green=', 'blue='])
  await gateway.stop()
  assert.deepEqual(complete('get', 'route', 'shop-'), [])
  assert.deepEqual(complete('get', 'rou'), ['routes'])
})
