import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredDocument } from '../../model/document.ts'
import type { JsonObject } from '../../model/json.ts'
import { concealDeployedSecret, concealSecret, prepareValue } from './own-form.ts'

const SECRET = 'secret-of-this-test-0001'

const proxy = (stickySession: JsonObject): JsonObject => ({
  apiProxyName: 'p',
  routingInfo: { routingAddressList: [{ address: 'http://h:80' }], stickySession },
})
const cookie: JsonObject = { type: 'COOKIE_ONLY', cookieName: 'node' }
const stored = (kind: string, value: JsonObject): StoredDocument =>
  ({ key: { dialect: 'apinizer', kind, id: 'default/p' }, value }) as unknown as StoredDocument

test('the secret of sticky cookies is not shown, and stays when what was shown is written back', () => {
  const whole = proxy({ ...cookie, hashSecret: SECRET })
  const shown = concealSecret(whole)
  assert.deepEqual(shown, proxy(cookie))
  const written = prepareValue('proxies', 'default/p', shown, stored('proxies', whole))
  assert.deepEqual(written.routingInfo, whole.routingInfo)
})

test('the same of the proxy in a deployment', () => {
  const whole = { environmentName: 'production', Proxy: proxy({ ...cookie, hashSecret: SECRET }) }
  const shown = concealDeployedSecret(whole)
  assert.deepEqual(shown, { environmentName: 'production', Proxy: proxy(cookie) })
  const written = prepareValue('deployments', 'default/p/production', shown, stored('deployments', whole))
  assert.deepEqual(written.Proxy, whole.Proxy)
})

test('a secret that is written goes before the one that is stored, and none is made up', () => {
  const before = stored('proxies', proxy({ ...cookie, hashSecret: SECRET }))
  const other = proxy({ ...cookie, hashSecret: 'secret-of-this-test-0002' })
  assert.deepEqual(prepareValue('proxies', 'default/p', other, before).routingInfo, other.routingInfo)
  const first = proxy(cookie)
  assert.deepEqual(prepareValue('proxies', 'default/p', first, undefined).routingInfo, first.routingInfo)
})

test('the password for a forward proxy is not shown, and what comes back without it keeps it', () => {
  const proxyServer = { proxyEnabled: true, proxyUsername: 'u', proxyPassword: 'p' }
  const whole: JsonObject = { apiProxyName: 'a', proxyServer }
  const shown = concealSecret(whole)
  assert.deepEqual(shown, { apiProxyName: 'a', proxyServer: { proxyEnabled: true, proxyUsername: 'u' } })
  const previous = { value: whole } as StoredDocument
  assert.deepEqual(prepareValue('proxies', 'default.a', shown, previous), whole)
  const other = { ...shown, proxyServer: { ...proxyServer, proxyPassword: 'q' } }
  assert.deepEqual(prepareValue('proxies', 'default.a', other, previous), other)
  // nothing is put back where there is no proxy any more
  assert.deepEqual(prepareValue('proxies', 'default.a', { apiProxyName: 'a' }, previous), {
    apiProxyName: 'a',
  })
})
