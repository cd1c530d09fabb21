import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Check } from './check.ts'
import { judgeDirectory, judgeDisk, judgeKeyFile, judgePort } from './judge-files.ts'

const GIB = 1_073_741_824

/** Level and a word of the advice. */
function expect(check: Check, level: Check['level'], advice: RegExp | null = null): void {
  assert.equal(check.level, level, JSON.stringify(check))
  if (level === 'ok') assert.equal(check.advice, null)
  else assert.match(check.advice ?? '', advice ?? /./)
}

test('a port is free, ours, another program’s, or not to be had', () => {
  expect(judgePort('admin', '127.0.0.1:9180', { kind: 'free' }, 'unknown'), 'ok')
  expect(judgePort('admin', '127.0.0.1:9180', { kind: 'taken' }, 'gateway'), 'ok')
  expect(
    judgePort('admin', '127.0.0.1:9180', { kind: 'taken' }, 'unknown'),
    'fail',
    /ss -ltnp 'sport = :9180'/,
  )
  expect(judgePort('admin', '127.0.0.1:9180', { kind: 'taken' }, 'unsure'), 'warn', /ss -ltnp/)
  const refused = judgePort(
    'traffic',
    '0.0.0.0:80',
    { kind: 'refused', reason: 'permission denied' },
    'unknown',
  )
  expect(refused, 'fail', /permission denied/)
})

test('the data directory must be there or be made, be ours, and be closed to others', () => {
  const directory = { kind: 'directory', mode: 0o700, owner: 1000, isWritable: true } as const
  expect(judgeDirectory('d', directory, 1000), 'ok')
  expect(judgeDirectory('d', { kind: 'missing', isParentWritable: true }, 1000), 'ok')
  expect(judgeDirectory('d', { kind: 'missing', isParentWritable: false }, 1000), 'fail', /mkdir/)
  expect(judgeDirectory('d', { kind: 'unreadable', reason: 'EACCES' }, 1000), 'fail')
  expect(judgeDirectory('d', { ...directory, kind: 'file' }, 1000), 'fail', /--store/)
  expect(judgeDirectory('d', { ...directory, isWritable: false }, 1000), 'fail', /chown/)
  expect(judgeDirectory('d', { ...directory, mode: 0o755 }, 1000), 'warn', /chmod 700/)
  expect(judgeDirectory('d', directory, 1001), 'warn', /that user/)
  expect(judgeDirectory('d', directory, 0), 'ok')
})

test('a key that others can read fails', () => {
  const file = { kind: 'file', mode: 0o600, owner: 1000, isWritable: true } as const
  expect(judgeKeyFile('k', file, 1000), 'ok')
  expect(judgeKeyFile('k', { kind: 'missing', isParentWritable: true }, 1000), 'ok')
  expect(judgeKeyFile('k', { ...file, mode: 0o640 }, 1000), 'fail', /chmod 600/)
  expect(judgeKeyFile('k', { ...file, kind: 'directory' }, 1000), 'fail')
  expect(judgeKeyFile('k', { kind: 'unreadable', reason: 'EACCES' }, 1000), 'fail')
  expect(judgeKeyFile('k', file, 1001), 'warn')
})

test('a disk that is nearly full is warned of, a full one fails', () => {
  expect(judgeDisk('d', { freeBytes: 20 * GIB, totalBytes: 100 * GIB }), 'ok')
  expect(judgeDisk('d', { freeBytes: GIB / 2, totalBytes: 100 * GIB }), 'warn')
  expect(judgeDisk('d', { freeBytes: 1024, totalBytes: 100 * GIB }), 'fail')
  expect(judgeDisk('d', null), 'warn')
})
