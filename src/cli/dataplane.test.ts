import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readToken, readTokenKey } from '../mesh/dataplane-tokens.ts'
import { runDataplane } from './dataplane.ts'
import { runGenerateToken } from './generate.ts'
import { readTime } from './read-time.ts'

test('what is wrong with the flags of a proxy is told before anything starts', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-flags-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'dp.yaml')
  writeFileSync(file, 'type: Dataplane\nname: "{{ name }}"\n')
  const cpAddress = 'http://127.0.0.1:1'
  const refusals: [Parameters<typeof runDataplane>[0], RegExp][] = [
    [{ name: 'a' }, /where is the control plane/],
    [{ name: 'a', cpAddress: '127.0.0.1:5681' }, /an http or https URL/],
    [{ name: 'a', cpAddress: 'http://127.0.0.1:1/kuma' }, /no path and no query: http:\/\/127\.0\.0\.1:1$/],
    [{ name: 'a', cpAddress: 'http://127.0.0.1:1/?a=b' }, /no path and no query/],
    [{ name: 'a', cpAddress: 'http://user:pass@127.0.0.1:1' }, /--cp-address: a user or password/],
    [{ cpAddress }, /which proxy\?/],
    [{ cpAddress, name: 'a', dataplaneFile: [file], dataplaneVar: ['name=a'] }, /--name is for/],
    [{ cpAddress, dataplaneFile: [file] }, /\{\{ name \}\} is not given/],
    [{ cpAddress, dataplaneFile: [file, file], dataplaneVar: ['name=a'] }, /default\/a is given twice/],
    [{ cpAddress, dataplaneFile: [file], dataplaneVar: ['name=a'], mesh: 'b' }, /its mesh is default, not b/],
    [{ cpAddress, dataplaneFile: [join(folder, 'none')] }, /none: cannot be read \(ENOENT\)/],
    [{ cpAddress, dataplane: 'a: [' }, /--dataplane: /],
    [{ cpAddress, name: 'a', adminPort: '70000' }, /--admin-port 70000: a port/],
    [{ cpAddress, name: 'a', drainTime: 'soon' }, /--drain-time soon: a time/],
    [{ cpAddress, name: 'a', dataplaneToken: 'x', dataplaneTokenFile: 'y' }, /not both/],
    [{ cpAddress, name: 'a', dataplaneTokenFile: join(folder, 'token') }, /token: cannot be read/],
    [{ cpAddress, name: 'a', caCertFile: join(folder, 'ca') }, /ca: cannot be read/],
  ]
  for (const [flags, reason] of refusals)
    await assert.rejects(runDataplane({ logLevel: 'silent', ...flags }), reason)
})

test('a token is made with the key beside the store, and says what its flags say', async (t) => {
  const store = mkdtempSync(join(tmpdir(), 'headgate-flags-'))
  t.after(() => rmSync(store, { recursive: true }))
  const tag = ['kuma.io/service=site,cart', 'version=v1', 'version=v2']
  const token = await runGenerateToken({ store, name: 'site-1', tag, validFor: '24h' })
  assert.deepEqual(readToken(readTokenKey(store), token, Date.now()), {
    mesh: 'default',
    name: 'site-1',
    tags: { 'kuma.io/service': ['site', 'cart'], version: ['v1', 'v2'] },
  })
  await assert.rejects(runGenerateToken({ store, validFor: '24' }), /--valid-for: must be a time/)
  await assert.rejects(
    runGenerateToken({ store, validFor: '1h', tag: ['site'] }),
    /--tag site: say name=value/,
  )
  await assert.rejects(runGenerateToken({ store, validFor: '1h', proxyType: 'ingress' }), /--proxy-type/)
  await assert.rejects(runGenerateToken({ store, validFor: '1h', cpAddress: 'http://a' }), /not both/)
})

test('times of flags are read as people write them', () => {
  const day = { ms: 86_400_000, text: '24h' }
  assert.equal(readTime('--drain-time', '30'), 30_000)
  assert.equal(readTime('--drain-time', '1m30s'), 90_000)
  assert.equal(readTime('--drain-time', '0s'), 0)
  assert.throws(() => readTime('--drain-time', '1d'), /--drain-time 1d/)
  assert.throws(() => readTime('--drain-time', '-1s'), /--drain-time -1s/)
  // a timer that is to wait longer than it can does not wait at all
  assert.throws(() => readTime('--drain-time', '600h'), /at most 24 days/)
  assert.equal(readTime('--wait', '24h', day), 86_400_000)
  assert.throws(() => readTime('--wait', '25h', day), /--wait 25h: .*at most 24h/)
})
