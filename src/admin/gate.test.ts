import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { AdminSettings } from '../model/settings.ts'
import { AdminKeys } from './admin-keys.ts'
import { AdminGate, type GateRequest, isWrite } from './gate.ts'
import { compileAllowList, plainAddress } from './peers.ts'
import { ADMIN_KEY, VIEWER_KEY } from './testing.ts'
import { WrongKeys } from './wrong-keys.ts'

const REQUEST: GateRequest = {
  method: 'GET',
  peer: '127.0.0.1',
  localAddress: '127.0.0.1',
  headers: { host: 'localhost' },
  query: new Map(),
  isDialect: true,
  acceptsBearer: false,
  mayChange: false,
  isOpen: false,
  isSigned: false,
}

function judge(request: Partial<GateRequest>, settings: Partial<AdminSettings> = {}): string {
  const gate = new AdminGate(
    { ...DEFAULT_SETTINGS.admin, ...settings },
    { key: ADMIN_KEY, viewerKey: VIEWER_KEY },
    () => 0,
  )
  const headers = { host: 'localhost', ...request.headers }
  const verdict = gate.judge({
    ...REQUEST,
    mayChange: isWrite(request.method ?? REQUEST.method),
    ...request,
    headers,
  })
  if (verdict.kind === 'signed') return 'signed'
  return verdict.kind === 'pass' ? `pass ${verdict.owner?.role}` : verdict.why.kind
}

test('takes the key from a header, in both spellings', () => {
  assert.equal(judge({ headers: { 'x-api-key': ADMIN_KEY } }), 'pass admin')
  assert.equal(judge({ headers: { x_api_key: VIEWER_KEY } }), 'pass viewer')
  assert.equal(judge({ headers: { 'x-api-key': `${ADMIN_KEY}, ${ADMIN_KEY}` } }), 'wrongKey')
  assert.equal(judge({}), 'missingKey')
  assert.equal(judge({ headers: { authorization: `Bearer ${ADMIN_KEY}` } }), 'missingKey')
  assert.equal(
    judge({ acceptsBearer: true, headers: { authorization: `Bearer ${ADMIN_KEY}` } }),
    'pass admin',
  )
})

test('a signature is for who has no key, and no more looked at than a key once there were too many wrong ones', () => {
  assert.equal(judge({ isSigned: true }), 'signed')
  assert.equal(judge({ isSigned: true, headers: { 'x-api-key': VIEWER_KEY } }), 'pass viewer')
  assert.equal(judge({ isSigned: true, headers: { 'x-api-key': 'x' } }), 'wrongKey')
  assert.equal(judge({ isSigned: true, peer: '10.0.0.1' }), 'addressNotAllowed')
  const gate = new AdminGate(DEFAULT_SETTINGS.admin, { key: ADMIN_KEY, viewerKey: null }, () => 0)
  const signed = { ...REQUEST, isSigned: true }
  for (let i = 0; i < 10; i++) {
    assert.equal(gate.judge(signed).kind, 'signed')
    gate.countWrongKey(signed.peer)
  }
  const verdict = gate.judge(signed)
  assert.equal(verdict.kind === 'refuse' && verdict.why.kind, 'tooManyWrongKeys')
})

test('takes the key from query and cookie only where a setting says so, and never on our own API', () => {
  const query = new Map([['api_key', ADMIN_KEY]])
  const cookie = { cookie: `a=b; x_api_key=${ADMIN_KEY}` }
  const keySources = ['header', 'query', 'cookie'] as const
  assert.equal(judge({ query }), 'missingKey')
  assert.equal(judge({ headers: cookie }), 'missingKey')
  assert.equal(judge({ query }, { keySources }), 'pass admin')
  assert.equal(judge({ headers: cookie }, { keySources }), 'pass admin')
  assert.equal(judge({ query, isDialect: false }, { keySources }), 'missingKey')
  assert.equal(judge({ headers: cookie, isDialect: false }, { keySources }), 'missingKey')
})

test('the first source present decides: query, then header, then cookie', () => {
  const keySources = ['cookie', 'header', 'query'] as const
  const query = new Map([['api_key', 'wrong']])
  assert.equal(judge({ query, headers: { 'x-api-key': ADMIN_KEY } }, { keySources }), 'wrongKey')
  const headers = { 'x-api-key': 'wrong', cookie: `x_api_key=${ADMIN_KEY}` }
  assert.equal(judge({ headers }, { keySources }), 'wrongKey')
})

test('a key in a cookie never writes, so that no page can make a browser do it', () => {
  const headers = { cookie: `x_api_key=${ADMIN_KEY}` }
  for (const method of ['PUT', 'POST', 'DELETE', 'PATCH', 'HEAD']) {
    assert.equal(judge({ method, headers }, { keySources: ['header', 'cookie'] }), 'missingKey')
  }
})

test('lets the address of the connection stand in Host, whichever it is', () => {
  const headers = { 'x-api-key': ADMIN_KEY }
  const ask = (host: string, localAddress: string) => judge({ headers: { ...headers, host }, localAddress })
  assert.equal(ask('127.0.0.5:9180', '127.0.0.5'), 'pass admin')
  assert.equal(ask('[fd00::1]:9180', 'fd00::1'), 'pass admin')
  assert.equal(ask('127.0.0.6:9180', '127.0.0.5'), 'badHost')
  assert.equal(judge({ headers }, { hosts: ['LocalHost'] }), 'pass admin')
})

test('refuses malformed allow lists by name', () => {
  for (const entry of ['10.0.0.0/33', 'fd00::/129', 'localhost', '10.0.0.0/8/8', '10.0.0.0/', '']) {
    assert.throws(
      () => compileAllowList([entry]),
      (error) =>
        error instanceof GatewayError && error.code === 'BAD_SETTING' && error.message.includes(`"${entry}"`),
    )
  }
  assert.equal(compileAllowList([])('127.0.0.1'), false)
  assert.equal(compileAllowList(['127.0.0.0/24'])('127.0.1.1'), false)
  assert.equal(plainAddress('::ffff:127.0.0.1'), '127.0.0.1')
})

test('remembers a bounded number of peers, and the newest of them', () => {
  let now = 0
  const wrongKeys = new WrongKeys(() => now)
  const lockOut = (peer: string) => {
    for (let i = 0; i < 10; i++) wrongKeys.count(peer)
  }
  lockOut('first')
  assert.equal(wrongKeys.waitSeconds('first'), 60)
  for (let i = 0; i < 10_000; i++) wrongKeys.count(`peer ${i}`)
  assert.equal(wrongKeys.waitSeconds('first'), 0)
  lockOut('last')
  now = 30_500
  assert.equal(wrongKeys.waitSeconds('last'), 30)
  now = 60_000
  assert.equal(wrongKeys.waitSeconds('last'), 0)
})

test('how long a comparison takes says nothing about the key', () => {
  const keys = new AdminKeys({ key: ADMIN_KEY, viewerKey: VIEWER_KEY })
  const near = `${ADMIN_KEY.slice(0, -1)}x`
  const far = 'x'.repeat(ADMIN_KEY.length)
  const samples: [number[], number[]] = [[], []]
  for (let i = 0; i < 20_000; i++) {
    const which = i & 1
    const begin = process.hrtime.bigint()
    const owner = keys.find(which === 0 ? near : far)
    samples[which as 0 | 1].push(Number(process.hrtime.bigint() - begin))
    assert.equal(owner, null)
  }
  // Printed, not judged: other work on the machine would decide. The slowest tenth is interrupts.
  const [a, b] = samples.map((list) => list.sort((x, y) => x - y).slice(0, list.length * 0.9)) as [
    number[],
    number[],
  ]
  const mean = (list: number[]) => list.reduce((sum, x) => sum + x, 0) / list.length
  const spread = (list: number[], m: number) =>
    list.reduce((sum, x) => sum + (x - m) ** 2, 0) / (list.length - 1) / list.length
  const [meanA, meanB] = [mean(a), mean(b)]
  const t = (meanA - meanB) / Math.sqrt(spread(a, meanA) + spread(b, meanB))
  console.log(`key comparison: 20000 tries, Welch t ${t.toFixed(2)}`)
})
