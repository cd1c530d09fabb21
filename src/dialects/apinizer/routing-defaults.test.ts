import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../model/json.ts'
import type { ModelObject } from '../../model/model.ts'
import type { Route } from '../../model/route.ts'
import type { Upstream } from '../../model/upstream.ts'
import { proxyOf, translateFile } from './testing.ts'

/** The defaults that the vendor documents for `routingInfo` of the call that makes a proxy (spec/apinizer.md 10). */

const ADDRESSES = [{ address: 'http://a.test' }, { address: 'http://b.test' }]

function translate(routing: JsonObject): readonly ModelObject[] {
  const routingInfo = { routingAddressList: ADDRESSES, ...routing }
  return translateFile({
    apinizer: { proxies: [proxyOf('orders', { relativePathList: ['/orders'] }, { routingInfo })] },
  }).objects
}

const retryOf = (routing: JsonObject) =>
  (translate(routing).find(({ kind }) => kind === 'upstream') as Upstream).retry

const targetOf = (routing: JsonObject) =>
  (translate(routing).find(({ kind }) => kind === 'route') as Route).rules.at(-1)?.split.targets[0]

test('each default, written out, is what holds where nothing is written', () => {
  const bare = translate({})
  for (const written of [
    { loadBalanceAlgorithm: 'ROUND_ROBIN' },
    { loadBalancingType: 'SIMPLE' },
    { retryCount: 0 },
    { ignoreRoutingError: false },
    { routingEnabled: true },
    { mirrorEnabled: false },
    { connectTimeout: 30, readTimeout: 30 },
  ] satisfies readonly JsonObject[])
    assert.deepEqual(translate(written), bare, JSON.stringify(written))
})

test('a failoverRetryCount of 0 that is written is the strict reading; absent the other addresses stand in', () => {
  assert.equal(retryOf({}).count, 1)
  assert.equal(retryOf({ failoverRetryCount: 0 }).count, 0)
  assert.equal(retryOf({ failoverOnlyEnabled: false }).count, 0)
})

test('mirrorEnabled of the call that makes a proxy is echoEnabled', () => {
  const off = { routingEnabled: false }
  assert.equal(targetOf({ ...off, mirrorEnabled: true })?.kind, 'echo')
  assert.equal(targetOf({ ...off, echoEnabled: true })?.kind, 'echo')
  assert.equal(targetOf(off)?.kind, 'respond')
  assert.equal(targetOf({ mirrorEnabled: true })?.kind, 'upstream')
})
