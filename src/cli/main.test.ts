import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const BIN = resolve(fileURLToPath(import.meta.url), '../../../bin/headgate.js')

interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  out(): string
  err(): string
  /** Resolves when the text has appeared on either stream; rejects when the process ends first. */
  says(text: string): Promise<void>
}

function run(t: TestContext, args: readonly string[], cwd?: string, descriptor?: number): Run {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(HEADGATE|NODE)_/.test(name)),
  )
  if (descriptor !== undefined) env.LISTEN_FDS = '1'
  const stdio = ['ignore', 'pipe', 'pipe', ...(descriptor === undefined ? [] : [descriptor])] as (
    | 'ignore'
    | 'pipe'
    | number
  )[]
  const child = spawn(process.execPath, [BIN, ...args], { cwd, env, stdio })
  t.after(() => child.kill('SIGKILL'))
  let out = ''
  let err = ''
  const waiting = new Set<() => void>()
  const notify = (): void => {
    for (const check of waiting) check()
  }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
    notify()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
    notify()
  })
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)))
  return {
    child,
    ended,
    out: () => out,
    err: () => err,
    says: (text) =>
      new Promise((done, reject) => {
        const check = (): void => {
          if (!`${out}${err}`.includes(text)) return
          waiting.delete(check)
          done()
        }
        waiting.add(check)
        check()
        void ended.then((code) => reject(new Error(`ended with ${code} without "${text}": ${out}${err}`)))
      }),
  }
}

function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const PRIVATE = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--status', 'off', '--workers', '1']

test('a verb or flag that does not exist is one clear line with the one that was meant, exit 2', async (t) => {
  for (const [args, meant] of [
    [['strat'], 'start'],
    [['start', '--wrokers', '2'], '--workers'],
    [['validate'], '--file'],
  ] as const) {
    const { ended, err } = run(t, args)
    assert.equal(await ended, 2)
    assert.match(err(), new RegExp(`^headgate: .*[\\s\\S]*${meant}`))
  }
})

test('bad settings are told all at once, one line each, exit 2', async (t) => {
  const { ended, err } = run(t, ['start', '--workers', 'x', '--log-level', 'loud'])
  assert.equal(await ended, 2)
  assert.equal(err().trim().split('\n').length, 2)
  assert.match(err(), /^headgate: --workers: .*\nheadgate: --log-level: /)
})

test('a weak admin key is refused', async (t) => {
  const { ended, err } = run(t, ['start', '--store', 'memory', '--admin-key', 'short'])
  assert.equal(await ended, 2)
  assert.match(err(), /shorter than 24/)
})

test('a port in use is one clear line, exit 1', async (t) => {
  const blocker = createServer()
  await new Promise<void>((done) => blocker.listen(0, '127.0.0.1', done))
  t.after(() => blocker.close())
  const address = blocker.address()
  const port = typeof address === 'object' ? address?.port : 0
  for (const flag of ['--listen', '--admin', '--status']) {
    const flags = [...PRIVATE, flag, `127.0.0.1:${port}`]
    if (flag === '--listen') flags.splice(0, 2)
    const { ended, err } = run(t, ['start', '--store', 'memory', ...flags])
    assert.equal(await ended, 1, flag)
    assert.match(err(), new RegExp(`^headgate: 127\\.0\\.0\\.1:${port} is in use: .*\\n$`))
  }
})

test('start keeps its key in the data directory, never shows it, lives through HUP and USR1, and TERM ends it with 0', async (t) => {
  const folder = makeFolder(t)
  const gateway = run(t, ['start', ...PRIVATE], folder)
  await gateway.says('is ready')
  const key = readFileSync(join(folder, 'data/admin.key'), 'utf8').trim()
  assert.match(gateway.out(), /admin key +data\/admin\.key/)
  gateway.child.kill('SIGUSR1')
  gateway.child.kill('SIGHUP')
  await gateway.says('reading files again')
  gateway.child.kill('SIGTERM')
  assert.equal(await gateway.ended, 0)
  const told = `${gateway.out()}${gateway.err()}`
  assert.ok(!told.includes(key))
  assert.ok(!told.includes('Debugger'), 'SIGUSR1 must not open the inspector')
  assert.ok(existsSync(join(folder, 'data/headgate.db')))
})

test('version and help go to standard output, exit 0', async (t) => {
  const version = run(t, ['version'])
  assert.equal(await version.ended, 0)
  assert.match(version.out(), /^headgate \d+\.\d+\.\d+ \(node v\d+/)
  const json = run(t, ['version', '-o', 'json'])
  assert.equal(await json.ended, 0)
  assert.deepEqual(Object.keys(JSON.parse(json.out())), ['version', 'node', 'platform'])
  const help = run(t, ['start', '--help'])
  assert.equal(await help.ended, 0)
  for (const flag of [
    '--config',
    '--listen',
    '--admin',
    '--admin-key',
    '--insecure-admin-key',
    '--status',
    '--store',
    '--workers',
    '--access-log',
    '--log-level',
  ]) {
    assert.ok(help.out().includes(`${flag} `), flag)
  }
})

test('a listening socket handed in by the process manager serves', async (t) => {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle
  const flags = ['--listen', `127.0.0.1:${port}`, '--admin', 'off', '--status', 'off', '--store', 'memory']
  const gateway = run(t, ['start', ...flags, '--workers', '1'], undefined, fd)
  await gateway.says('is ready')
  await new Promise<void>((done) => server.close(() => done())) // from now on only the gateway has it
  const answer = await fetch(`http://127.0.0.1:${port}/`)
  assert.equal(answer.status, 404)
  gateway.child.kill('SIGTERM')
  assert.equal(await gateway.ended, 0)
})

test('a reader that goes away, as head does, is no error', async (t) => {
  const version = run(t, ['version'])
  version.child.stdout?.destroy()
  assert.equal(await version.ended, 0)
  assert.equal(version.err(), '')
})
