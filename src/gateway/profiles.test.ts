import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { waitFor } from '../../test/support/tools.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import { CpuProfiler } from './cpu-profiler.ts'
import type { ToWorker } from './messages.ts'
import { Profiles } from './profiles.ts'

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-profile-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function start(directory: string, seconds: number) {
  const sent: ToWorker[] = []
  const told: string[] = []
  const worker = { index: 3, send: (message: ToWorker) => void sent.push(message) }
  const profiles = new Profiles({
    settings: { ...DEFAULT_SETTINGS, profile: { seconds, directory } },
    workers: () => [worker],
    log: (_level, _fields, message) => told.push(message),
    emit: () => {},
    now: () => Date.UTC(2026, 10, 26, 8, 0, 1),
  })
  return { profiles, sent, told }
}

test('profiles main and every worker until it is asked again, a private file for each', async (t) => {
  const folder = temporary(t)
  const { profiles, sent, told } = start(folder, 600)
  t.after(() => profiles.close())
  profiles.toggle()
  assert.deepEqual([profiles.state, sent], ['running', [{ type: 'profile', intervalUs: 6000 }]])
  profiles.toggle()
  const name = (thread: string) =>
    join(folder, `headgate-${process.pid}-${thread}-20261126T080001Z.cpuprofile`)
  assert.deepEqual([profiles.state, sent[1]], ['writing', { type: 'profileEnd', file: name('3') }])
  profiles.toggle()
  assert.equal(told.at(-1), 'CPU profiles are being written: wait for them before asking again')
  profiles.report(name('3'), null)
  await waitFor('the profile of main', () => (profiles.state === 'idle' ? true : undefined))
  assert.equal(statSync(name('main')).mode & 0o777, 0o600)
  const { nodes, samples } = JSON.parse(readFileSync(name('main'), 'utf8'))
  assert.ok(nodes.length > 0 && Array.isArray(samples))
  assert.equal(told.filter((line) => line === 'a CPU profile was written').length, 2)
})

test('ends by itself after the time that is set', async (t) => {
  const { profiles, sent } = start(temporary(t), 0.05)
  t.after(() => profiles.close())
  profiles.toggle()
  await waitFor('the end of the profiles', () => (profiles.state === 'writing' ? true : undefined))
  assert.equal(sent[1]?.type, 'profileEnd')
})

test('says why there is no file, and can be asked again', async (t) => {
  const { profiles, sent, told } = start('/nonexistent/folder', 600)
  t.after(() => profiles.close())
  profiles.toggle()
  profiles.toggle()
  profiles.report((sent[1] as { file: string }).file, 'ENOSPC')
  await waitFor('both reports', () => (profiles.state === 'idle' ? true : undefined))
  assert.equal(told.filter((line) => line === 'a CPU profile could not be made').length, 2)
  profiles.toggle()
  assert.equal(profiles.state, 'running')
  profiles.toggle()
})

test('never writes over a file, not even through a link', async (t) => {
  const file = join(temporary(t), 'taken')
  writeFileSync(file, 'precious')
  const profiler = new CpuProfiler()
  await profiler.start(1000)
  await assert.rejects(profiler.finish(file), /EEXIST/)
  assert.equal(readFileSync(file, 'utf8'), 'precious')
  await assert.rejects(profiler.finish(join(file, 'x')), /no profile was running/)
  assert.ok(!existsSync(join(file, 'x')))
})
