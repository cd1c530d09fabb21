import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBackend } from '../support/backends.ts'
import { callHttp, ROOT } from '../support/gateway.ts'
import { requestOnce } from '../support/raw-client.ts'
import { findFreePorts, runTool, waitFor } from '../support/tools.ts'

/** The package as users install it: packed, installed somewhere else without scripts, started, asked. */

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await runTool(command, args, { cwd })
  assert.equal(code, 0, `${command} ${args.join(' ')}: ${stderr}${stdout}`)
  return stdout
}

test('the packed package starts where it was installed, and routes', { timeout: 240_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-package-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const home = join(folder, 'elsewhere')
  mkdirSync(home)
  await run('npm', ['pack', '--silent', '--pack-destination', folder], ROOT)
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  assert.ok(tarball)
  await run('npm', ['init', '--yes', '--silent'], home)
  await run(
    'npm',
    [
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--omit=dev',
      '--silent',
      join(folder, tarball),
    ],
    home,
  )
  const program = join(home, 'node_modules', 'headgate', 'bin', 'headgate.js')
  assert.match(await run(process.execPath, [program, 'version'], home), /^headgate \d+\.\d+\.\d+/)

  const config = join(home, 'headgate.config.ts')
  writeFileSync(
    config,
    `import { defineConfig } from 'headgate'\nexport default defineConfig({ routes: [{ id: 'a', respond: 200 }] })\n`,
  )
  assert.match(await run(process.execPath, [program, 'validate', '-f', config], home), /valid \(1 document\)/)
  for (const file of ['schema/headgate.schema.json', 'config/index.d.ts']) {
    assert.ok(existsSync(join(home, 'node_modules', 'headgate', file)), file)
  }

  const [port, adminPort] = (await findFreePorts(2)) as [number, number]
  const key = 'key-of-the-installed-package-test-01'
  const child = spawn(
    process.execPath,
    [
      program,
      'start',
      '--listen',
      `127.0.0.1:${port}`,
      '--admin',
      `127.0.0.1:${adminPort}`,
      '--status',
      'off',
    ],
    { cwd: home, env: { ...process.env, HEADGATE_ADMIN_KEY: key }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  t.after(() => child.kill('SIGKILL'))
  await waitFor(
    'the installed gateway to be ready',
    () => {
      assert.equal(child.exitCode, null, output)
      return output.includes('is ready') ? true : undefined
    },
    60_000,
  )
  const backend = await startBackend('from the package')
  t.after(() => backend.close())
  const put = await callHttp({
    port: adminPort,
    method: 'PUT',
    path: '/apisix/admin/routes/1',
    headers: { 'x-api-key': key },
    body: { uri: '/*', upstream: { nodes: { [backend.node]: 1 } } },
  })
  assert.equal(put.status, 201, put.text)
  assert.equal((await requestOnce(port, '/')).body, 'from the package')
  assert.ok(readdirSync(join(home, 'data')).includes('headgate.db'), 'the embedded store is in ./data')
  child.kill('SIGTERM')
  assert.equal(await ended, 0, output)
})

test('an old Node is told in one line what to do', async () => {
  // the first lines decide by process.versions alone, so a made-up version shows what an old Node prints
  const fake = `Object.defineProperty(process.versions, 'node', { value: '20.1.0' }); await import('${join(ROOT, 'bin/headgate.js')}')`
  const { code, stdout, stderr } = await runTool(process.execPath, ['--input-type=module', '-e', fake], {})
  assert.equal(code, 1)
  assert.equal(stdout, '')
  assert.match(stderr, /^headgate needs Node 22\.18 or newer, this is .*\n$/)
})
