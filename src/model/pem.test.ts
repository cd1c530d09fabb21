import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeCertificate } from '../../test/support/certificates.ts'
import { skipWithout } from '../../test/support/tools.ts'
import { checkKeyPair, describeValidity, expiryOf } from './pem.ts'

const skip = skipWithout('openssl')
const DAY_MS = 86_400_000

test('says why clients will not take a certificate at a time', { skip }, (t) => {
  const { cert } = makeCertificate(t, ['a.test'], { days: 10 })
  const end = expiryOf(cert) as number
  assert.equal(describeValidity(cert, end - DAY_MS), null)
  assert.equal(
    describeValidity(cert, end),
    `expired on ${new Date(end).toISOString()}; it is served all the same`,
  )
  const begin = new Date(end - 10 * DAY_MS).toISOString()
  assert.equal(describeValidity(cert, end - 11 * DAY_MS), `holds from ${begin} on; it is served all the same`)
  assert.equal(describeValidity('nothing', 0), null)
})

test('a pair fits, of whatever kind of key, and the first certificate of a chain is the one that counts', {
  skip,
}, (t) => {
  const [ec, rsa] = [makeCertificate(t, ['a']), makeCertificate(t, ['b'], { algorithm: 'rsa' })]
  for (const { cert, key } of [ec, rsa]) assert.equal(checkKeyPair(cert, key), null)
  assert.equal(checkKeyPair(ec.cert + rsa.cert, ec.key), null)
  assert.equal(checkKeyPair(rsa.cert + ec.cert, ec.key), 'the private key does not belong to the certificate')
})
