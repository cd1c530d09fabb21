import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JsonValue } from '../model/json.ts'
import {
  readToken,
  readTokenKey,
  readTokenWish,
  refuseBearer,
  signToken,
  TOKEN_KEY_FILE,
  type TokenClaims,
} from './dataplane-tokens.ts'

const KEY = Buffer.alloc(32, 7)
const NOW = Date.UTC(2026, 0, 1)
const HOUR = 3_600_000
const CLAIMS: TokenClaims = { mesh: 'default', name: 'site-1', tags: { 'kuma.io/service': ['site', 'cart'] } }

const bearer = (name: string, mesh: string, ...tagSets: Record<string, string>[]) => ({ name, mesh, tagSets })

/** A token with a header and claims of the test's own, signed well. */
function forge(header: object, claims: object, key = KEY): string {
  const text = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
}

test('reads from a token what it was signed for', () => {
  assert.deepEqual(readToken(KEY, signToken(KEY, CLAIMS, HOUR, NOW), NOW), CLAIMS)
  const open: TokenClaims = { mesh: null, name: null, tags: {} }
  assert.deepEqual(readToken(KEY, `${signToken(KEY, open, HOUR, NOW)}\n`, NOW), open)
})

test('takes a token until it is over, and a minute more for clocks that differ', () => {
  const token = signToken(KEY, CLAIMS, HOUR, NOW)
  assert.deepEqual(readToken(KEY, token, NOW + HOUR + 59_000), CLAIMS)
  assert.match(String(readToken(KEY, token, NOW + HOUR + 61_000)), /over since 2026-01-01T01:00:00/)
  assert.deepEqual(readToken(KEY, token, NOW - 100_000), CLAIMS)
  assert.match(String(readToken(KEY, token, NOW - 121_000)), /not good yet/)
})

test('refuses tokens of another key, changed ones, those without an end, and other algorithms', () => {
  const token = signToken(KEY, CLAIMS, HOUR, NOW)
  const exp = NOW / 1000 + 3600
  const refusals: [string, RegExp][] = [
    [signToken(Buffer.alloc(32, 8), CLAIMS, HOUR, NOW), /not signed by this control plane/],
    [
      token.replace(/\.[^.]*\./, `.${Buffer.from('{"exp":9999999999}').toString('base64url')}.`),
      /not signed/,
    ],
    [`${token.slice(0, -2)}`, /not signed/],
    [forge({ alg: 'none' }, { exp }), /signed with "none", not with HS256/],
    [forge({ alg: 'HS512' }, { exp }), /HS512/],
    [forge({ alg: 'HS256' }, { Name: 'a' }), /no end/],
    [forge({ alg: 'HS256' }, { exp: String(exp) }), /no end/],
    [forge({ alg: 'HS256' }, { exp, Type: 'ingress' }), /for a ingress/],
    ['abc', /no JSON Web Token/],
    ['a.b.c', /no JSON Web Token/],
    ['', /no JSON Web Token/],
  ]
  for (const [text, reason] of refusals) assert.match(String(readToken(KEY, text, NOW)), reason)
})

test('is good for the mesh, name and tags that it names, in every set of tags', () => {
  const site = { 'kuma.io/service': 'site' }
  assert.equal(refuseBearer(CLAIMS, bearer('site-1', 'default', site, { 'kuma.io/service': 'cart' })), null)
  assert.match(
    String(refuseBearer(CLAIMS, bearer('site-2', 'default', site))),
    /proxy site-1, not for site-2/,
  )
  assert.match(String(refuseBearer(CLAIMS, bearer('site-1', 'other', site))), /mesh default, not for other/)
  const second = { 'kuma.io/service': 'offers' }
  assert.match(String(refuseBearer(CLAIMS, bearer('site-1', 'default', site, second))), /has offers/)
  assert.match(String(refuseBearer(CLAIMS, bearer('site-1', 'default', site, {}))), /lacks/)
  assert.equal(refuseBearer({ mesh: null, name: null, tags: {} }, bearer('any', 'where', second)), null)
})

test('reads wishes as Kuma takes them, and names every fault', () => {
  const good = { name: 'site-1', mesh: 'default', tags: { a: ['b'] }, type: 'dataplane', validFor: '1h30m' }
  assert.deepEqual(readTokenWish(good), {
    claims: { name: 'site-1', mesh: 'default', tags: { a: ['b'] } },
    validForMs: 5_400_000,
  })
  assert.deepEqual(readTokenWish({ validFor: '1s' }), {
    claims: { name: null, mesh: null, tags: {} },
    validForMs: 1000,
  })
  const fields = (body: JsonValue) => {
    const faults = readTokenWish(body)
    return 'claims' in faults ? [] : faults.map(({ field }) => field)
  }
  assert.deepEqual(fields({}), ['validFor'])
  for (const validFor of ['0s', '-1h', '24', '24d']) assert.deepEqual(fields({ validFor }), ['validFor'])
  assert.deepEqual(fields({ validFor: '99999999h' }), ['validFor'])
  assert.deepEqual(fields({ validFor: '1h', type: 'ingress', name: 7 }), ['name', 'type'])
  assert.deepEqual(fields({ validFor: '1h', tags: { a: 'b', c: [] } }), ['tags["a"]', 'tags["c"]'])
  assert.deepEqual(fields([]), [''])
})

test('makes the key once, for its owner alone, and refuses a file that holds none', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-tokens-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'data', TOKEN_KEY_FILE)
  const key = readTokenKey(join(folder, 'data'))
  assert.equal(key.length, 32)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(readFileSync(file, 'utf8').trim(), key.toString('hex'))
  assert.deepEqual(readTokenKey(join(folder, 'data')), key)
  assert.notDeepEqual(readTokenKey(null), readTokenKey(null))
  writeFileSync(file, 'short\n')
  assert.throws(() => readTokenKey(join(folder, 'data')), /holds no key of 32 bytes/)
})
