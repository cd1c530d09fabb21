import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { JsonObject } from '../../model/json.ts'
import { shownValue } from '../dialect.ts'
import { readApisixFile, writeApisixFile } from './file.ts'
import { apisix } from './index.ts'
import { CERT_A, CERT_B, KEY_A, KEY_B } from './testing/certificates.ts'
import { document, translateAll } from './testing/translate.ts'

const SERVER: JsonObject = {
  sni: 'a.test',
  cert: CERT_A,
  key: KEY_A,
  certs: [CERT_B],
  keys: [KEY_B],
}

function faultsOf(value: JsonObject): readonly string[] {
  return apisix.validate('ssls', value, DEFAULT_SETTINGS).map(({ path, message }) => `${path}: ${message}`)
}

test('all faults of a certificate are told at once, each at its place', () => {
  assert.deepEqual(faultsOf(SERVER), [])
  assert.deepEqual(
    faultsOf({ ...SERVER, key: KEY_B, certs: [KEY_B], client: { ca: KEY_A }, status: 2 }).map(
      (text) => text.split(' (')[0],
    ),
    [
      'status: matches none of the enum values',
      'key: failed to parse key: the private key does not belong to the certificate',
      'certs[0]: failed to handle cert-key pair[1]: failed to parse cert: there is no certificate in it',
      'client.ca: failed to validate client_cert: failed to parse cert: there is no certificate in it',
    ],
  )
  assert.deepEqual(faultsOf({ type: 'client', cert: CERT_A }), [': else clause did not match'])
  assert.deepEqual(faultsOf({ cert: CERT_A, key: KEY_A }), [': then clause did not match'])
})

test('no text of a fault holds a private key', () => {
  for (const value of [
    { ...SERVER, key: KEY_B },
    { ...SERVER, key: [KEY_A] },
    { ...SERVER, keys: KEY_A },
    { ...SERVER, keys: [KEY_B, KEY_B] },
    { ...SERVER, key: `x${KEY_A}` },
    { ...SERVER, cert: KEY_A },
    { ...SERVER, sni: KEY_A },
  ] as JsonObject[]) {
    const [fault] = faultsOf(value)
    assert.ok(fault !== undefined)
    if (value.sni !== KEY_A) assert.doesNotMatch(fault, /PRIVATE/)
  }
})

test('what is shown holds no keys, and written again it is what was stored', () => {
  const stored = document('ssls/1', apisix.prepare('ssls', '1', SERVER, undefined, 5_000))
  const shown = shownValue(apisix, 'ssls', stored.value)
  assert.deepEqual(shown, { sni: 'a.test', cert: CERT_A, certs: [CERT_B], id: '1' })
  assert.deepEqual(apisix.prepare('ssls', '1', shown, stored, 9_000), { ...stored.value, update_time: 9 })
  // without further certificates there is nothing that further keys could belong to
  const fewer = apisix.prepare('ssls', '1', { sni: 'a.test', cert: CERT_A }, stored, 9_000)
  assert.deepEqual([fewer.key, fewer.keys], [KEY_A, undefined])
  // another pair replaces, and another certificate alone is refused
  const other = apisix.prepare('ssls', '1', { ...shown, cert: CERT_B, key: KEY_B }, stored, 9_000)
  assert.equal(other.key, KEY_B)
  assert.equal(faultsOf(apisix.prepare('ssls', '1', { ...shown, cert: CERT_B }, stored, 9_000)).length, 1)
  // a new document has nothing to take a key from
  assert.ok(faultsOf(apisix.prepare('ssls', '2', shown, undefined, 9_000)).length > 0)
})

test('names are taken in lower case and without the dot of the root', () => {
  const value = { snis: ['A.Test.', '*B.test'], cert: CERT_A, key: KEY_A }
  const { objects } = translateAll([document('ssls/1', value)])
  assert.deepEqual(
    objects.map((object) => object.kind === 'certificate' && object.serverNames),
    [['a.test', '*b.test']],
  )
})

test('files hold certificates in front of the upstreams that name them', () => {
  const text = writeApisixFile([
    { kind: 'upstreams', id: 'u', value: { nodes: {}, tls: { client_cert_id: 'c' } } },
    { kind: 'ssls', id: 'c', value: { type: 'client', cert: CERT_A, key: KEY_A } },
  ])
  assert.match(text, /^ssls:[\s\S]+\nupstreams:/)
  const read = readApisixFile({ ssls: [{ id: 'c', type: 'client', cert: CERT_A, key: KEY_A }] })
  assert.deepEqual(read?.faults, [])
  assert.deepEqual(
    read?.documents.map(({ kind, id }) => `${kind}/${id}`),
    ['ssls/c'],
  )
})

test('a switched-off plugin holds its certificate in place and need not find it', () => {
  const config = (meta: JsonObject): JsonObject => ({
    uri: '/',
    plugins: {
      'traffic-split': {
        ...meta,
        rules: [{ weighted_upstreams: [{ upstream: { nodes: {}, tls: { client_cert_id: 7 } } }] }],
      },
    },
  })
  const path = 'plugins.traffic-split.rules[0].weighted_upstreams[0].upstream.tls.client_cert_id'
  for (const [meta, mustExist] of [
    [{}, true],
    [{ _meta: { disable: true } }, false],
  ] as const) {
    const [reference, ...rest] = apisix.references('routes', config(meta))
    assert.deepEqual(rest, [])
    assert.ok(reference !== undefined)
    const { refuse, ...plain } = reference
    assert.deepEqual(plain, { path, kind: 'ssls', id: '7', mustExist })
    assert.equal(refuse?.({ type: 'client' }), null)
    assert.equal(refuse?.({}), 'wrong ssl type')
  }
})
