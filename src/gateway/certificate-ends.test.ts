import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeCertificate } from '../../test/support/certificates.ts'
import { skipWithout } from '../../test/support/tools.ts'
import type { Certificate } from '../model/certificate.ts'
import { expiryOf } from '../model/pem.ts'
import { CertificateEnds } from './certificate-ends.ts'

const DAY_MS = 86_400_000

test('a certificate is told of once 30, 7 and 1 days before its end and when it is over, and anew when it was changed', {
  skip: skipWithout('openssl'),
}, (t) => {
  const [near, far, other] = [40, 400, 50].map((days) => makeCertificate(t, ['a.test'], { days }).cert) as [
    string,
    string,
    string,
  ]
  const make = (pem: string): Certificate => ({
    kind: 'certificate',
    id: 'apisix/ssls/1',
    name: 'a.test',
    origin: { dialect: 'apisix', kind: 'ssl', id: '1', path: '' },
    serverNames: ['a.test'],
    pairs: [far, pem].map((certificate) => ({ certificate, key: '' })),
    client: null,
    versions: null,
    key: [],
  })
  let revision = 1
  let certificate = make(near)
  const told: string[] = []
  const ends = new CertificateEnds({
    revision: () => revision,
    certificates: () => [{ id: certificate.id, read: () => certificate }],
    fallback: () => far,
    log: (level, fields, message) =>
      void told.push(`${level} ${(fields as { certificate: string }).certificate} ${message}`),
  })
  const endMs = expiryOf(near) as number
  assert.deepEqual(ends.list(), [
    { certificate: 'settings', serverName: '', endMs: expiryOf(far) },
    { certificate: 'apisix/ssls/1', serverName: 'a.test', endMs },
  ])
  for (const days of [31, 29.5, 20, 6.5, 6, 0.5, -1, -2]) ends.warn(endMs - days * DAY_MS)
  assert.deepEqual(told, [
    'warn apisix/ssls/1 a certificate ends in 30 days',
    'warn apisix/ssls/1 a certificate ends in 7 days',
    'warn apisix/ssls/1 a certificate ends in 1 day',
    'warn apisix/ssls/1 a certificate has expired; it is served all the same',
  ])
  certificate = make(other)
  revision++
  ends.warn((expiryOf(other) as number) - 9.5 * DAY_MS)
  assert.equal(told.at(-1), 'warn apisix/ssls/1 a certificate ends in 10 days')
})
