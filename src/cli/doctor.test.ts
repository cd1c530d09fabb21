import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startGateway } from '../../test/support/gateway.ts'
import { findFreePorts } from '../../test/support/tools.ts'
import { type DoctorOptions, runDoctor } from './doctor.ts'
import type { CliIo } from './output.ts'

interface Report {
  readonly fail: number
  readonly checks: readonly { readonly name: string; readonly level: string; readonly value: string }[]
}

async function run(options: Partial<DoctorOptions>, environment: NodeJS.ProcessEnv = {}) {
  let out = ''
  const io: CliIo = {
    write: (text) => {
      out += text
    },
    writeError: () => assert.fail('nothing is told on standard error'),
    readInput: () => assert.fail('no input is read'),
    environment,
    hasColor: false,
    isInteractive: false,
    columns: null,
  }
  const code = await runDoctor({ output: 'text', ...options }, io)
  return { code, out, report: (): Report => JSON.parse(out) as Report }
}

test('a running gateway is checked beside its machine', { timeout: 30_000 }, async (t) => {
  const gateway = await startGateway()
  t.after(() => gateway.stop())
  const environment = {
    HEADGATE_LISTEN: `127.0.0.1:${gateway.port}`,
    HEADGATE_ADMIN: `127.0.0.1:${gateway.adminPort}`,
    HEADGATE_STATUS: `127.0.0.1:${gateway.statusPort}`,
    HEADGATE_STORE: 'memory',
    HEADGATE_ADMIN_KEY: gateway.key,
  }
  const { code, report } = await run({ output: 'json' }, environment)
  const levels = Object.fromEntries(report().checks.map(({ name, level }) => [name, level]))
  for (const name of [
    'gateway',
    'workers',
    'store',
    'documents',
    'port-traffic',
    'port-admin',
    'port-status',
  ]) {
    assert.equal(levels[name], 'ok', `${name}: ${JSON.stringify(report().checks)}`)
  }
  assert.equal(code, report().fail > 0 ? 1 : 0)

  const wrong = await run({ output: 'json' }, { ...environment, HEADGATE_ADMIN_KEY: `${gateway.key}x` })
  assert.equal(wrong.code, 1)
  const told = wrong.report().checks.find(({ name }) => name === 'gateway')
  assert.match(told?.value ?? '', /401/)
})

test('a server that is named must be there, one that is not need not', { timeout: 30_000 }, async () => {
  const [admin, traffic] = (await findFreePorts(2)) as [number, number]
  const environment = {
    HEADGATE_ADMIN: `127.0.0.1:${admin}`,
    HEADGATE_LISTEN: `127.0.0.1:${traffic}`,
    HEADGATE_STATUS: 'off',
    HEADGATE_STORE: 'memory',
  }
  const unnamed = await run({ output: 'json' }, environment)
  const named = await run({ output: 'json', server: `http://127.0.0.1:${admin}` }, environment)
  const levelOf = ({ report }: typeof named) => report().checks.find(({ name }) => name === 'gateway')?.level
  assert.equal(levelOf(unnamed), 'warn')
  assert.equal(levelOf(named), 'fail')
  assert.equal(named.code, 1)
})

test('a taken port and a key that others can read fail, each with what to do', {
  timeout: 30_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-doctor-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'admin.key'), 'not a secret here, it is read by nobody\n', { mode: 0o644 })
  chmodSync(join(folder, 'admin.key'), 0o644)
  const blocker = createServer()
  await new Promise<void>((done) => blocker.listen(0, '127.0.0.1', done))
  t.after(() => blocker.close())
  const address = blocker.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const { code, out } = await run(
    { store: folder, listen: [`127.0.0.1:${port}`], quiet: true },
    { HEADGATE_ADMIN: 'off', HEADGATE_STATUS: 'off' },
  )
  assert.equal(code, 1)
  assert.match(out, new RegExp(`^fail {2}port-traffic .*:${port} is taken by another program {2}→ ss `, 'm'))
  assert.match(out, /^fail {2}key-file .*, 0644 {2}→ chmod 600 /m)
  assert.doesNotMatch(out, /^ok/m, 'quiet shows what is not ok')
  assert.match(out, /\d+ ok, \d+ warn, 2 fail\n$/)
})

test('settings that are not valid are the command line’s fault', async () => {
  await assert.rejects(run({ workers: 'x' }), /--workers/)
  await assert.rejects(run({ settings: '/nowhere/settings.yaml' }), /--settings/)
})
