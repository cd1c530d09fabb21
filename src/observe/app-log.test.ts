import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type AppLogOptions, createAppLog, prettify } from './app-log.ts'

function collect(options: Omit<AppLogOptions, 'stream'>): {
  log: ReturnType<typeof createAppLog>
  text: () => string
} {
  let text = ''
  const stream = {
    write: (part: string) => {
      text += part
    },
  }
  return { log: createAppLog({ ...options, stream }), text: () => text }
}

test('writes JSON lines with the level as a word and the time in UTC', () => {
  const { log, text } = collect({ level: 'info' })
  log.info({ revision: 3 }, 'applied')
  const entry = JSON.parse(text())
  assert.match(entry.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.deepEqual({ ...entry, time: '' }, { level: 'info', time: '', revision: 3, msg: 'applied' })
})

test('keeps quiet below its level, which can be changed while it runs', () => {
  const { log, text } = collect({ level: 'warn' })
  log.info({}, 'unseen')
  assert.equal(text(), '')
  log.level = 'info'
  log.log('info', {}, 'seen')
  assert.match(text(), /"msg":"seen"/)
  log.level = 'silent'
  const before = text()
  log.error({}, 'unseen')
  assert.equal(text(), before)
})

test('masks keys, passwords and credentials wherever they are likely to stand', () => {
  const { log, text } = collect({ level: 'info' })
  const secret = 'planted-secret'
  log.info(
    {
      key: secret,
      'x-api-key': secret,
      headers: { authorization: secret, cookie: secret },
      request: { headers: { 'x-api-key': secret } },
      admin: { key: secret, viewerKey: secret },
    },
    'started',
  )
  assert.ok(!text().includes(secret))
  assert.match(text(), /\*\*\*/)
})

test('shows one line a message to people, without letting fields act on the terminal', () => {
  const { log, text } = collect({ level: 'info', isPretty: true, hasColours: false })
  log.warn({ path: '/a b', peer: '127.0.0.1', evil: '\u001b[31m\r\nERROR fake' }, 'odd\nrequest')
  assert.match(
    text(),
    /^\d\d:\d\d:\d\d\.\d{3} WARN {2}odd\\u000arequest path="\/a b" peer=127\.0\.0\.1 evil=/,
  )
  assert.match(text(), /^[^\u0000-\u001f]*\n$/)
})

test('colours only the frame of a line', () => {
  const line = prettify('{"level":"error","time":"2026-11-25T22:50:25.123Z","msg":"m","a":1}\n', true)
  assert.ok(line.includes('\u001b[31mERROR\u001b[39m'))
  assert.equal(prettify('no json\n', true), 'no json\n')
})

test('goes on in a new file after a rotation', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-log-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'app.log')
  const log = createAppLog({ level: 'info', path })
  log.info({}, 'first')
  renameSync(path, `${path}.1`)
  log.reopen()
  log.info({}, 'second')
  assert.match(readFileSync(`${path}.1`, 'utf8'), /first/)
  assert.match(readFileSync(path, 'utf8'), /second/)
})
