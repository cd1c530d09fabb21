import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerCertificate } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { EndpointPool } from './pool.ts'
import { checkExactName, compileTls, tlsTarget } from './tls.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

test('what no upstream says any more is not kept, its key neither', async () => {
  const size = 1_048_576
  const heapAfter = async (): Promise<number> => {
    for (let i = 0; i < 4; i++) {
      collect()
      await new Promise((resolve) => setImmediate(resolve))
    }
    return process.memoryUsage().heapUsed
  }
  const before = await heapAfter()
  for (let i = 0; i < 40; i++) {
    // as after a rotation: another text each time
    compileTls({ verifies: true, ca: null, certificate: null, key: `${i}`.padEnd(size), serverName: null })
  }
  const grown = (await heapAfter()) - before
  assert.ok(grown < 10 * size, `${Math.round(grown / size)} MiB are kept`)
})

const VERIFIED = { verifies: true, ca: null, certificate: null, key: null, serverName: null } as const

test('an exact name is that of the certificate itself: no wildcard stands for it, and an address is none', () => {
  const check = (host: string, names: string | undefined, common = 'c.test') =>
    checkExactName(host, { subject: { CN: common }, subjectaltname: names } as unknown as PeerCertificate)
  for (const host of ['a.test', 'A.Test', 'b.test', 'a.test.'])
    assert.equal(check(host, 'DNS:a.test, DNS:B.test, IP Address:127.0.0.1'), undefined, host)
  for (const [host, names] of [
    ['x.a.test', 'DNS:*.a.test'],
    ['127.0.0.1', 'DNS:a.test, IP Address:127.0.0.1'],
    ['127.0.0.1', 'DNS:127.0.0.1'],
    ['::1', 'DNS:a.test, IP Address:::1'],
    // the subject counts only where no other field names hosts
    ['c.test', 'DNS:a.test'],
  ] as const) {
    const error = check(host, names) as NodeJS.ErrnoException
    assert.match(error.message, /^the certificate must name /)
    assert.equal(error.code, 'ERR_TLS_CERT_ALTNAME_INVALID')
  }
  assert.equal(check('c.test', undefined), undefined)
})

test('the name is looked at as the upstream says: not at all, as usual, or exactly', () => {
  const checkOf = (own: Partial<Parameters<typeof compileTls>[0]>) => {
    const tls = compileTls({ ...VERIFIED, ...own })
    const pool = { identity: { tls, port: 443, serverName: 'a.test' }, session: undefined } as EndpointPool
    return tlsTarget(pool, '127.0.0.1', DEFAULT_SETTINGS.limits, []).checkServerIdentity
  }
  assert.equal(checkOf({}), undefined)
  assert.equal(checkOf({ exactName: true }), checkExactName)
  assert.equal(checkOf({ verifiesName: false, exactName: true })?.('a', {} as PeerCertificate), undefined)
  assert.equal(checkOf({ verifies: false, exactName: true }), undefined)
  assert.notEqual(compileTls({ ...VERIFIED, exactName: true }), compileTls(VERIFIED))
})
