import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import { apisix } from './index.ts'
import { settingsWith } from './testing/translate.ts'

test('the surface is that of the reference unless settings say otherwise', () => {
  const surface = apisix.surface(DEFAULT_SETTINGS)
  assert.equal(surface.serverField, 'APISIX/3.18.0')
  assert.equal(surface.upstreamStatusField, 'onError')
  assert.deepEqual(surface.realIpFrom, ['127.0.0.1'])
  assert.equal(surface.errorForm, 'page')
  assert.equal(surface.bodies.ROUTE_NOT_FOUND?.body, '{"error_msg":"404 Route Not Found"}\n')
  assert.match(surface.bodies.ROUTE_NOT_FOUND?.contentType ?? '', /^text\/plain/)
})

test('settings hide the version, show the upstream status and move the trust in X-Real-IP', () => {
  const surface = apisix.surface(
    settingsWith({ serverTokens: false, showUpstreamStatus: true, realIpFrom: ['10.0.0.0/8'] }),
  )
  assert.equal(surface.serverField, 'APISIX')
  assert.equal(surface.upstreamStatusField, 'always')
  assert.deepEqual(surface.realIpFrom, ['10.0.0.0/8'])
})
