import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBackend } from '../support/backends.ts'
import { startGateway } from '../support/gateway.ts'
import { requestOnce } from '../support/raw-client.ts'

for (const [mode, status, seen] of [
  ['pass', 200, 'v'],
  ['drop', 200, undefined],
  ['reject', 400, undefined],
] as const) {
  test(`fieldsWithUnderscore ${mode}: ${status}, the endpoint gets ${seen}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'headgate-underscores-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'settings.yaml')
    writeFileSync(file, `fieldsWithUnderscore: ${mode}\n`)
    const backend = await startBackend()
    t.after(() => backend.close())
    const gateway = await startGateway(['--workers', '1', '--settings', file])
    t.after(() => gateway.stop())
    await gateway.admin('PUT', '/apisix/admin/routes/1', {
      uri: '/*',
      upstream: { nodes: { [backend.node]: 1 } },
    })
    const answer = await requestOnce(gateway.port, '/', { headers: ['Host: a', 'x_a: v', 'x-b: w'] })
    assert.equal(answer.status, status)
    assert.equal(backend.requests.length, status === 200 ? 1 : 0)
    assert.equal(backend.requests[0]?.field('x_a'), seen)
    if (status === 200) assert.equal(backend.requests[0]?.field('x-b'), 'w')
  })
}
