import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { AdminSettings, Settings } from '../model/settings.ts'
import { needsAdminKeys, resolveAdminKeys } from './admin-key.ts'

const PAGE_KEY = 'edd1c9f034335f136f87ad84b625c8f1'
const GOOD_KEY = 'a-key-of-more-than-24-characters'

function makeSettings(admin: Partial<AdminSettings>, store = 'memory'): Settings {
  return { ...DEFAULT_SETTINGS, store, admin: { ...DEFAULT_SETTINGS.admin, ...admin } }
}

function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-key-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('well-known and short keys are refused, and the message does not repeat them', () => {
  for (const key of [PAGE_KEY, 'admin', 'x'.repeat(23), '4054f7cf07e344346cd3f287985e76a2']) {
    for (const admin of [
      { key },
      { key, insecureKey: true, listen: '0.0.0.0:9180' },
      { key: GOOD_KEY, viewerKey: key },
    ]) {
      assert.throws(
        () => resolveAdminKeys(makeSettings(admin)),
        (error: Error & { code?: string }) =>
          error.code === 'BAD_SETTING' && (key === 'admin' || !error.message.includes(key)),
        JSON.stringify(admin),
      )
    }
  }
})

test('a well-known key is taken with the flag on loopback, with a warning', () => {
  for (const listen of ['127.0.0.1:9180', '[::1]:9180', 'localhost:9180', '127.8.8.8:1']) {
    const keys = resolveAdminKeys(makeSettings({ key: PAGE_KEY, insecureKey: true, listen }))
    assert.equal(keys.key, PAGE_KEY)
    assert.equal(keys.warnings.length, 1)
  }
})

test('an admin address that other machines reach is refused, or taken with a warning where that is said', () => {
  for (const listen of ['0.0.0.0:9180', '[::]:9180', '192.0.2.1:9180', 'admin.example:9180']) {
    assert.throws(() => resolveAdminKeys(makeSettings({ key: GOOD_KEY, listen })), /--admin-remote/)
    const keys = resolveAdminKeys(makeSettings({ key: GOOD_KEY, listen, allowRemote: true }))
    assert.match(keys.warnings.join(), /unencrypted/)
  }
})

test('a mesh control plane beyond loopback needs the key too, a good one, and says that it travels unencrypted', () => {
  const withMesh = (listen: string | null, admin: Partial<AdminSettings>): Settings => ({
    ...makeSettings(admin),
    kuma: { ...DEFAULT_SETTINGS.kuma, listen },
  })
  const off = { listen: null, key: GOOD_KEY }
  assert.equal(needsAdminKeys(withMesh(null, off)), false)
  assert.equal(needsAdminKeys(withMesh('127.0.0.1:5681', off)), false)
  assert.equal(needsAdminKeys(withMesh('127.0.0.1:5681', {})), true)
  const remote = withMesh('0.0.0.0:5681', off)
  assert.equal(needsAdminKeys(remote), true)
  assert.match(resolveAdminKeys(remote).warnings.join(), /mesh at 0\.0\.0\.0:5681.*unencrypted/)
  assert.deepEqual(resolveAdminKeys(withMesh('127.0.0.1:5681', { key: GOOD_KEY })).warnings, [])
  // the flag is for keys that nobody else can use
  for (const listen of [null, '127.0.0.1:9180'])
    assert.throws(
      () => resolveAdminKeys(withMesh('0.0.0.0:5681', { listen, key: 'admin', insecureKey: true })),
      /every listener that asks for it is on loopback/,
    )
})

test('a good key on loopback is taken without a word', () => {
  const keys = resolveAdminKeys(makeSettings({ key: GOOD_KEY, listen: '127.0.0.1:9180' }))
  assert.deepEqual(keys, { key: GOOD_KEY, viewerKey: null, file: null, isTemporary: false, warnings: [] })
})

test('the viewer key must differ from the admin key', () => {
  assert.throws(() => resolveAdminKeys(makeSettings({ key: GOOD_KEY, viewerKey: GOOD_KEY })), /viewer key/)
})

test('without a key one is made once and kept for the owner alone in the data directory', (t) => {
  const store = join(makeFolder(t), 'data')
  const first = resolveAdminKeys(makeSettings({}, store))
  assert.equal(first.file, join(store, 'admin.key'))
  assert.match(first.key, /^[0-9a-f]{64}$/)
  assert.equal(statSync(first.file ?? '').mode & 0o777, 0o600)
  assert.equal(readFileSync(first.file ?? '', 'utf8').trim(), first.key)
  assert.equal(resolveAdminKeys(makeSettings({}, store)).key, first.key)
})

test('with nothing kept the key goes to a private temporary folder', (t) => {
  const { file, isTemporary } = resolveAdminKeys(makeSettings({}))
  assert.equal(isTemporary, true)
  assert.ok(file !== null)
  t.after(() => rmSync(dirname(file), { recursive: true }))
  assert.equal(statSync(dirname(file)).mode & 0o777, 0o700)
  assert.equal(statSync(file).mode & 0o777, 0o600)
})

test('a key file that holds no key is refused', (t) => {
  const store = makeFolder(t)
  writeFileSync(join(store, 'admin.key'), '\n')
  assert.throws(() => resolveAdminKeys(makeSettings({}, store)), /admin\.key holds no key/)
})
