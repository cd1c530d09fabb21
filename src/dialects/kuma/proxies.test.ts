import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { JsonObject } from '../../model/json.ts'
import { PROXIES } from './proxies.ts'
import { validate } from './validate.ts'

const value = (...inbound: JsonObject[]): JsonObject => ({
  type: 'Dataplane',
  mesh: 'default',
  name: 'site-1',
  networking: { address: '10.0.0.1', inbound },
})
const PROBED = {
  port: 9000,
  servicePort: 8000,
  serviceAddress: '127.0.0.1',
  serviceProbe: { interval: '250ms', timeout: '1s', healthyThreshold: 2, unhealthyThreshold: 3, tcp: {} },
  tags: { 'kuma.io/service': 'site' },
}
const PLAIN = {
  port: 9001,
  servicePort: 8001,
  serviceAddress: '127.0.0.1',
  tags: { 'kuma.io/service': 'api' },
}

test('gives the probes of inbounds that have one, with what holds where nothing is written', () => {
  assert.deepEqual(PROXIES.probes(value(PROBED, PLAIN)), [
    {
      inbound: '10.0.0.1:9000',
      host: '127.0.0.1',
      port: 8000,
      intervalMs: 250,
      timeoutMs: 1000,
      healthyThreshold: 2,
      unhealthyThreshold: 3,
    },
  ])
})

test('writes the health of probed inbounds, and leaves alone what nobody probes', () => {
  const ready = PROXIES.withReadiness(value(PROBED, PLAIN), new Map([['10.0.0.1:9000', true]]))
  assert.deepEqual(ready, value({ ...PROBED, health: { ready: true } }, PLAIN))
  assert.equal(PROXIES.withReadiness(ready, new Map([['10.0.0.1:9000', true]])), ready)
  const unknown = PROXIES.withReadiness(ready, new Map())
  assert.deepEqual(unknown, value({ ...PROBED, health: { ready: false } }, PLAIN))
  assert.deepEqual(validate('dataplanes', unknown, DEFAULT_SETTINGS), [])
  const draining = { health: { ready: false } }
  assert.deepEqual(PROXIES.draining(ready), value({ ...PROBED, ...draining }, { ...PLAIN, ...draining }))
})

test('gives one set of tags for each inbound, or those of a gateway', () => {
  assert.deepEqual(PROXIES.tagSets(value(PROBED, PLAIN)), [PROBED.tags, PLAIN.tags])
  const gateway = {
    type: 'Dataplane',
    mesh: 'default',
    name: 'edge',
    networking: { address: '10.0.0.1', gateway: { tags: { 'kuma.io/service': 'edge' } } },
  }
  assert.deepEqual(PROXIES.tagSets(gateway), [{ 'kuma.io/service': 'edge' }])
})
