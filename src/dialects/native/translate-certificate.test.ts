import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeCertificate } from '../../../test/support/certificates.ts'
import { skipWithout } from '../../../test/support/tools.ts'
import type { Certificate } from '../../model/certificate.ts'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { JsonObject } from '../../model/json.ts'
import { native } from './index.ts'
import { document } from './testing/translate.ts'

const needsOpenssl = { skip: skipWithout('openssl') }

const faultsOf = (value: JsonObject): readonly string[] =>
  native.validate('certificates', value, DEFAULT_SETTINGS).map(({ path, message }) => `${path}: ${message}`)

test('a certificate is for its names, in lower case and once, with all its pairs', needsOpenssl, (t) => {
  const [ec, rsa] = [makeCertificate(t, ['a.test']), makeCertificate(t, ['a.test'], { algorithm: 'rsa' })]
  const value = {
    id: 'shop',
    serverNames: ['A.test', 'a.test', '*.b.test'],
    certificate: ec.cert,
    key: ec.key,
    alternatives: [{ certificate: rsa.cert, key: rsa.key }],
    versions: ['TLSv1.3'],
    client: { authorities: ec.cert },
  }
  assert.deepEqual(faultsOf(value), [])
  const { objects, warnings } = native.translate(
    document('certificates', 'shop', value),
    () => undefined,
    DEFAULT_SETTINGS,
    () => [],
  )
  const expected: Certificate = {
    kind: 'certificate',
    id: 'native/certificates/shop',
    name: 'a.test',
    origin: { dialect: 'native', kind: 'certificate', id: 'shop', path: '' },
    serverNames: ['a.test', '*.b.test'],
    pairs: [
      { certificate: ec.cert, key: ec.key },
      { certificate: rsa.cert, key: rsa.key },
    ],
    client: { authorities: ec.cert, depth: 1, exceptPaths: [] },
    versions: ['TLSv1.3'],
    key: [1],
  }
  assert.deepEqual(objects, [expected])
  assert.deepEqual(warnings, [])
})

test('what is no certificate, no pair or no name is refused at its place', needsOpenssl, (t) => {
  const [one, two] = [makeCertificate(t, ['a.test']), makeCertificate(t, ['a.test'])]
  const good = { id: '1', serverNames: ['a.test'], certificate: one.cert, key: one.key }
  assert.deepEqual(faultsOf({ ...good, key: two.key }), [
    'key: the private key does not belong to the certificate',
  ])
  assert.deepEqual(faultsOf({ ...good, key: 'x' }), [
    'key: the private key cannot be read (PEM, not encrypted)',
  ])
  assert.match(
    faultsOf({ ...good, certificate: 'x' })[0] ?? '',
    /^certificate: there is no certificate in it/,
  )
  assert.match(
    faultsOf({ ...good, alternatives: [{ certificate: two.cert, key: one.key }] })[0] ?? '',
    /^alternatives\[0\]\.key: /,
  )
  assert.match(
    faultsOf({ id: '1', serverNames: ['a.test'], certificate: one.cert })[0] ?? '',
    /^key: is needed/,
  )
  for (const name of ['*', 'a.*.test', 'a b', '*.', ''])
    assert.match(faultsOf({ ...good, serverNames: [name] })[0] ?? '', /^serverNames\[0\]: /, name)
  assert.match(faultsOf({ ...good, serverNames: [] })[0] ?? '', /^serverNames: /)
  assert.match(
    faultsOf({ ...good, client: { authorities: one.cert, exceptPaths: ['('] } })[0] ?? '',
    /^client\.exceptPaths\[0\]: /,
  )
})

test('keys are not shown, and stay where a document that was shown is written again', needsOpenssl, (t) => {
  const [one, two] = [makeCertificate(t, ['a.test']), makeCertificate(t, ['a.test'])]
  const fresh = makeCertificate(t, ['a.test'])
  const stored = {
    id: '1',
    serverNames: ['a.test'],
    certificate: one.cert,
    key: one.key,
    alternatives: [{ certificate: two.cert, key: two.key }],
  }
  const shown = native.conceal?.certificates?.(stored) as JsonObject
  assert.ok(!JSON.stringify(shown).includes('PRIVATE'))
  const previous = document('certificates', '1', stored)
  assert.deepEqual(native.prepare('certificates', '1', shown, previous, 0), stored)
  const other = native.prepare('certificates', '1', { ...shown, certificate: fresh.cert }, previous, 0)
  assert.match(faultsOf(other)[0] ?? '', /^key: is needed/, 'the key of another certificate is no good')
})
