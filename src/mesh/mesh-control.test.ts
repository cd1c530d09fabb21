import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { waitFor } from '../../test/support/tools.ts'
import type { StoredDocument } from '../model/document.ts'
import type { JsonObject } from '../model/json.ts'
import type { ProxyReport } from '../model/proxy-link.ts'
import type { TokenClaims } from './dataplane-tokens.ts'
import { MeshControl } from './mesh-control.ts'
import { FakeDocuments, FakeSink, kuma, MESH, proxyDocument, proxyValue, SETTINGS } from './testing.ts'

const PROBE = { serviceProbe: { interval: '1s', tcp: {} } }
const SITE = { mesh: 'default', name: 'site-1', peer: '127.0.0.1' }

function setUp(
  t: TestContext,
  documents: readonly StoredDocument[] = [MESH],
  deregisterMs = 60_000,
  gatheringMs = 0,
) {
  const store = new FakeDocuments(documents)
  const warnings: string[] = []
  const control = new MeshControl({
    dialect: kuma,
    settings: SETTINGS,
    documents: store,
    stored: documents,
    log: (level, fields, message) => {
      if (level !== 'info') warnings.push(`${message}: ${JSON.stringify(fields)}`)
    },
    deregisterMs,
    gatheringMs,
  })
  t.after(() => control.close())
  t.after(() => assert.deepEqual(warnings, []))
  const connect = async (
    name: string,
    dataplane: JsonObject | null,
    instance = `${name}-a`,
    claims: TokenClaims | null = null,
    inbounds: ProxyReport['inbounds'] = [],
    { sink = new FakeSink(), hasModel = false } = {},
  ) => {
    const hello = { instance, version: '1', dataplane, hasModel, inbounds }
    await control.connect({ mesh: 'default', name, peer: '127.0.0.1' }, hello, claims, sink.asResponse())
    return sink
  }
  const report = (name: string, more: Partial<ProxyReport>, instance = `${name}-a`): void =>
    control.report(
      { mesh: 'default', name },
      { instance, revision: 1, faults: [], inbounds: [], closed: [], isDraining: false, ...more },
    )
  return { store, control, connect, report, warnings }
}

/** waitFor with a plain answer. */
const until = (what: string, holds: () => boolean) => waitFor(what, () => holds() || undefined)

const refusal = (status: number, text: RegExp) => (error: Error & { status?: number }) =>
  error.status === status && text.test(`${error.message} ${JSON.stringify(error)}`)

test('stores the document that a proxy brings, and sends it its model', async (t) => {
  const { store, control, connect, report } = setUp(t)
  const sink = await connect('site-1', proxyValue('site-1', 'site'))
  assert.equal(store.valueOf('default:site-1')?.name, 'site-1')
  const model = sink.lines.find((line) => line.type === 'model')
  assert.ok(model?.type === 'model' && model.upserts.some(({ kind }) => kind === 'listener'))
  report('site-1', { revision: model.revision })
  const view = control.views().get('default:site-1')
  // the instance is what the proxy proves by who it is
  assert.match(view?.id ?? '', /^[0-9a-f-]{36}$/)
  assert.deepEqual(
    { ...view, id: '', connectedAtMs: 0 },
    { id: '', connectedAtMs: 0, disconnectedAtMs: null, sent: 1, acknowledged: 1, version: '1' },
  )
})

test('refuses documents of another proxy, bad ones, those of no mesh, and proxies of which nobody knows a document', async (t) => {
  const { store, connect } = setUp(t)
  await assert.rejects(connect('site-1', proxyValue('site-2', 'site')), refusal(400, /default:site-2/))
  const bad = { ...proxyValue('site-1', 'site'), networking: { address: '0.0.0.0' } }
  await assert.rejects(connect('site-1', bad), refusal(400, /networking\.address/))
  const stray = { ...proxyValue('site-1', 'site'), mesh: 'other' }
  await assert.rejects(connect('site-1', stray), refusal(400, /other:site-1/))
  await assert.rejects(connect('site-1', null), refusal(404, /--dataplane-file/))
  assert.equal(store.valueOf('default:site-1'), undefined)
  store.readOnly = 'documents come from mesh.yaml: change that'
  await assert.rejects(connect('site-1', proxyValue('site-1', 'site')), refusal(405, /mesh\.yaml/))
})

test('lets in whom a token is for, also in the place of one that was there', async (t) => {
  const { connect } = setUp(t, [MESH, proxyDocument('site-1', 'site')])
  const claims: TokenClaims = { mesh: 'default', name: null, tags: { 'kuma.io/service': ['cart'] } }
  await assert.rejects(connect('cart-1', proxyValue('cart-1', 'site'), 'a', claims), refusal(403, /has site/))
  await connect('cart-1', proxyValue('cart-1', 'cart'), 'a', claims)
  // its own tags would do, but it would take the place of a proxy that this token is not for
  await assert.rejects(
    connect('site-1', proxyValue('site-1', 'cart'), 'a', claims),
    refusal(403, /which you may not replace/),
  )
  await assert.rejects(connect('site-1', null, 'a', claims), refusal(403, /has site/))
})

test('deletes what a proxy brought when it says goodbye, or is gone for long; what others wrote stays', async (t) => {
  const { store, control, connect } = setUp(t, [MESH, proxyDocument('cart-1', 'cart')], 30)
  await connect('site-1', proxyValue('site-1', 'site'))
  await control.leave(SITE, 'site-1-a')
  assert.equal(store.valueOf('default:site-1'), undefined)
  await assert.rejects(control.leave(SITE, 'site-1-a'), refusal(404, /connected/))

  const sink = await connect('site-1', proxyValue('site-1', 'site'))
  sink.destroy()
  assert.notEqual(store.valueOf('default:site-1'), undefined)
  assert.notEqual(control.views().get('default:site-1')?.disconnectedAtMs, null)
  await until('the document is deleted', () => store.valueOf('default:site-1') === undefined)

  const other = await connect('cart-1', null)
  other.destroy()
  const later = await connect('later-1', proxyValue('later-1', 'site'))
  later.destroy()
  await until('one that went later is deleted', () => store.valueOf('default:later-1') === undefined)
  assert.notEqual(store.valueOf('default:cart-1'), undefined)
})

test('keeps the document of a proxy that comes back in time', async (t) => {
  const { store, connect } = setUp(t, [MESH], 100)
  const sink = await connect('site-1', proxyValue('site-1', 'site'))
  sink.destroy()
  await connect('site-1', proxyValue('site-1', 'site'))
  const later = await connect('later-1', proxyValue('later-1', 'site'))
  later.destroy()
  await until('one that went later is deleted', () => store.valueOf('default:later-1') === undefined)
  assert.notEqual(store.valueOf('default:site-1'), undefined)
})

test('keeps the document of a proxy that is back in time but waits for its model longer than that', async (t) => {
  const { store, connect } = setUp(t, [MESH], 20, 300)
  const deleted: string[] = []
  store.subscribe((edits) => {
    for (const { key, document } of edits) if (document === undefined) deleted.push(key.id)
  })
  const value = proxyValue('site-1', 'site')
  const sink = await connect('site-1', value)
  sink.destroy()
  await connect('site-1', value, 'site-1-a', null, [], { hasModel: true })
  assert.deepEqual(deleted, [])
  assert.notEqual(store.valueOf('default:site-1'), undefined)
})

test('deletes the document of a proxy that is gone for long, though it came back in vain or never got its model', async (t) => {
  const { store, connect } = setUp(t, [MESH], 30)
  const value = proxyValue('site-1', 'site')
  const sink = await connect('site-1', value)
  sink.destroy()
  await assert.rejects(connect('site-1', proxyValue('site-2', 'site')), refusal(400, /site-2/))
  await until('the document is deleted', () => store.valueOf('default:site-1') === undefined)

  const early = new FakeSink()
  early.destroy()
  await connect('site-1', value, 'site-1-b', null, [], { sink: early })
  assert.notEqual(store.valueOf('default:site-1'), undefined)
  await until('the document is deleted', () => store.valueOf('default:site-1') === undefined)
})

test('tries again to delete the document of a proxy that is gone', async (t) => {
  const { store, connect, warnings } = setUp(t, [MESH], 20)
  const sink = await connect('site-1', proxyValue('site-1', 'site'))
  const write = store.write.bind(store)
  store.write = (...change) => {
    store.write = write
    return Promise.reject(new Error(`the disk is full: ${change.length}`))
  }
  sink.destroy()
  await until('the document is deleted', () => store.valueOf('default:site-1') === undefined)
  assert.match(warnings.splice(0).join(), /stays for now: .*the disk is full/)
})

test('knows both of two proxies of one name that come at once', async (t) => {
  const { control, store, connect, report } = setUp(t)
  const value = proxyValue('site-1', 'site')
  await Promise.all([connect('site-1', value, 'one'), connect('site-1', value, 'two')])
  report('site-1', {}, 'one')
  report('site-1', {}, 'two')
  await control.leave(SITE, 'one')
  assert.notEqual(store.valueOf('default:site-1'), undefined)
  await control.leave(SITE, 'two')
  assert.equal(store.valueOf('default:site-1'), undefined)
})

test('lets in two proxies of one name: the last document stands until both are gone', async (t) => {
  const { store, control, connect } = setUp(t)
  const first = await connect('site-1', proxyValue('site-1', 'site'), 'one')
  first.take()
  const second = await connect('site-1', proxyValue('site-1', 'site', ['cart']), 'two')
  assert.match(JSON.stringify(store.valueOf('default:site-1')), /"outbound":\[\{"port":10001/)
  await until('the first gets the new model too', () => first.lines.some((line) => line.type === 'patch'))
  await control.leave(SITE, 'two')
  assert.equal(second.isEnded, true)
  assert.equal(first.isEnded, false)
  assert.notEqual(store.valueOf('default:site-1'), undefined)
  await control.leave(SITE, 'one')
  assert.equal(store.valueOf('default:site-1'), undefined)
})

test('writes into an inbound with a probe whether it is ready, first of all that it is not', async (t) => {
  const { store, connect, report } = setUp(t)
  const sink = await connect('site-1', proxyValue('site-1', 'site', [], PROBE))
  const isReady = () =>
    JSON.stringify(store.valueOf('default:site-1')).match(/"health":\{"ready":(\w+)\}/)?.[1]
  assert.equal(isReady(), 'false')
  const probes = sink.lines.find((line) => line.type === 'probes')
  assert.deepEqual(probes?.type === 'probes' && probes.probes, [
    {
      inbound: '127.0.0.1:9000',
      host: '127.0.0.1',
      port: 8000,
      intervalMs: 1000,
      timeoutMs: 2000,
      healthyThreshold: 1,
      unhealthyThreshold: 1,
    },
  ])
  report('site-1', { inbounds: [{ inbound: '127.0.0.1:9000', isReady: true }] })
  await until('the inbound is ready', () => isReady() === 'true')
  report('site-1', { inbounds: [{ inbound: '127.0.0.1:9000', isReady: false }] })
  await until('the inbound is no longer ready', () => isReady() === 'false')
  assert.throws(() => report('site-1', {}, 'stranger'), refusal(404, /connected/))
})

test('a proxy that comes with what it has probed is ready at once: the control plane may be new', async (t) => {
  const { store, connect } = setUp(t)
  const known = [{ inbound: '127.0.0.1:9000', isReady: true }]
  await connect('site-1', proxyValue('site-1', 'site', [], PROBE), 'one', null, known)
  assert.match(JSON.stringify(store.valueOf('default:site-1')), /"health":\{"ready":true\}/)
})

/** What a proxy site-1 with an outbound to cart needs; whether its last model sends to the inbound of cart-1. */
const SITE_DOCUMENT = proxyDocument('site-1', 'site', ['cart'])
const ROUTE: StoredDocument = {
  ...SITE_DOCUMENT,
  key: { ...SITE_DOCUMENT.key, kind: 'traffic-routes', id: 'default:all' },
  value: {
    type: 'TrafficRoute',
    mesh: 'default',
    name: 'all',
    sources: [{ match: { 'kuma.io/service': '*' } }],
    destinations: [{ match: { 'kuma.io/service': '*' } }],
    conf: { destination: { 'kuma.io/service': '*' } },
  },
}
const hasEndpoint = ({ lines }: FakeSink): boolean => {
  let last = false
  for (const line of lines)
    if (line.type === 'model' || line.type === 'patch')
      for (const object of line.upserts)
        if (object.kind === 'upstream' && !object.name.includes('application'))
          last = object.endpoints.some(({ port }) => port === 9000)
  return last
}

test('learns nothing from a proxy that is not let in', async (t) => {
  const { store, connect } = setUp(t)
  const value = proxyValue('site-1', 'site', [], PROBE)
  const about = (isReady: boolean) => [{ inbound: '127.0.0.1:9000', isReady }]
  const sink = await connect('site-1', value, 'one', null, about(true))
  sink.destroy()
  const claims: TokenClaims = { mesh: 'default', name: null, tags: { 'kuma.io/service': ['cart'] } }
  await assert.rejects(connect('site-1', null, 'stranger', claims, about(false)), refusal(403, /has site/))
  await assert.rejects(connect('site-1', value, 'stranger', claims, about(false)), refusal(403, /has site/))
  await connect('site-1', value, 'one')
  assert.match(JSON.stringify(store.valueOf('default:site-1')), /"health":\{"ready":true\}/)
})

test('takes a proxy that drains, or is not ready and cannot be written, out of the models of others', async (t) => {
  const { store, connect, report } = setUp(t, [
    MESH,
    SITE_DOCUMENT,
    ROUTE,
    proxyDocument('cart-1', 'cart', [], PROBE),
  ])
  store.readOnly = 'documents come from a file'
  const sink = await connect('site-1', null)
  assert.equal(hasEndpoint(sink), true)
  await connect('cart-1', null)
  const about = (isReady: boolean) => ({ inbounds: [{ inbound: '127.0.0.1:9000', isReady }] })
  report('cart-1', about(false))
  await until('nothing is sent to an inbound that is not ready', () => !hasEndpoint(sink))
  report('cart-1', about(true))
  await until('it is sent to again', () => hasEndpoint(sink))
  report('cart-1', { ...about(true), isDraining: true })
  await until('nothing is sent to one that drains', () => !hasEndpoint(sink))
  assert.equal(JSON.stringify(store.valueOf('default:cart-1')).includes('"health"'), false)
})

/** The proxy cart-1 drains as the instance `one`, and site-1 sends nothing to it any more. */
async function setUpDraining(t: TestContext) {
  const mesh = setUp(t, [MESH, SITE_DOCUMENT, ROUTE, proxyDocument('cart-1', 'cart')])
  const site = await mesh.connect('site-1', null)
  const isSentTo = (is: boolean) => until(`sent to: ${is}`, () => hasEndpoint(site) === is)
  await mesh.connect('cart-1', null, 'one')
  mesh.report('cart-1', { isDraining: true }, 'one')
  await isSentTo(false)
  return { ...mesh, isSentTo }
}

test('sends again to a proxy that drained and comes back, whoever wrote its document', async (t) => {
  const { control, connect, report, isSentTo } = await setUpDraining(t)
  await control.leave({ mesh: 'default', name: 'cart-1' }, 'one')
  const sink = await connect('cart-1', proxyValue('cart-1', 'cart'), 'two')
  await isSentTo(true)
  // killed while it drains, and back before its document goes
  report('cart-1', { isDraining: true }, 'two')
  await isSentTo(false)
  sink.destroy()
  await connect('cart-1', proxyValue('cart-1', 'cart'), 'three')
  await isSentTo(true)
})

test('two proxies of one name drain when both do: one that comes or goes turns it', async (t) => {
  const { control, connect, isSentTo } = await setUpDraining(t)
  const second = await connect('cart-1', null, 'two')
  await isSentTo(true)
  await control.leave({ mesh: 'default', name: 'cart-1' }, 'two')
  await isSentTo(false)
  assert.equal(second.isEnded, true)
  const third = await connect('cart-1', null, 'three')
  await isSentTo(true)
  third.destroy()
  await isSentTo(false)
})

test('logs what a proxy reports that it cannot do', async (t) => {
  const { connect, report, warnings } = setUp(t)
  await connect('site-1', proxyValue('site-1', 'site'))
  const closed = [{ name: 'site', address: '127.0.0.1:9000', reason: 'the port is in use' }]
  report('site-1', { closed })
  report('site-1', { closed })
  const [told, ...more] = warnings.splice(0)
  assert.match(told ?? '', /not open: .*site-1.*127\.0\.0\.1:9000.*in use/)
  assert.deepEqual(more, [])
})

test('ends the stream of a proxy whose document somebody deleted, so that it comes again with it', async (t) => {
  const { store, connect } = setUp(t)
  const sink = await connect('site-1', proxyValue('site-1', 'site'))
  sink.take()
  const key = { dialect: 'kuma', kind: 'dataplanes', id: 'default:site-1' }
  await store.write([{ op: 'delete', key, expectedRevision: null }])
  await until('the stream ends', () => sink.isEnded)
  assert.deepEqual(sink.take(), [{ type: 'end', reason: 'its document was deleted', isFinal: false }])
})
