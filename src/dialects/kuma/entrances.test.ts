import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredDocument } from '../../model/document.ts'
import { EXPLAIN_LIMITS, type ExplainedEntrance } from '../../model/explanation.ts'
import type { JsonObject } from '../../model/json.ts'
import { DocumentSet } from '../dialect.ts'
import { listEntrances } from './entrances.ts'
import { idOf } from './envelope.ts'
import { kuma } from './index.ts'
import { yaml } from './testing.ts'

const SITE = `
type: Dataplane
mesh: default
name: site-1
networking:
  address: 127.0.0.1
  inbound: [{port: 9000, servicePort: 8080, tags: {kuma.io/service: site, dc: eu}}]
  outbound: [{port: 10001, tags: {kuma.io/service: cart}}]`
const MESH = '{type: Mesh, name: default}'

function stored(kind: string, value: JsonObject): StoredDocument {
  const key = { dialect: 'kuma', kind, id: idOf(kind, value) ?? '' }
  return { key, value, createdRevision: 1, modifiedRevision: 1, expiresAtMs: null }
}

function route(name: string, source: string, destination: string, more: JsonObject = {}): StoredDocument {
  return stored('traffic-routes', {
    ...yaml(`
      type: TrafficRoute
      mesh: default
      name: ${name}
      sources: [{match: ${source}}]
      destinations: [{match: {kuma.io/service: ${destination}}}]
      conf: {destination: {kuma.io/service: cart}}`),
    ...more,
  })
}

function cart(name: string, tags: string): StoredDocument {
  return stored(
    'dataplanes',
    yaml(
      `{type: Dataplane, mesh: default, name: ${name}, networking: {address: 10.0.0.1, inbound: [{port: 80, servicePort: 81, tags: {kuma.io/service: cart${tags}}}]}}`,
    ),
  )
}

function entranceWith(...documents: readonly StoredDocument[]): ExplainedEntrance {
  const site = stored('dataplanes', yaml(SITE))
  const { lookup, search } = new DocumentSet(kuma, [site, ...documents])
  const [entrance] = listEntrances(site, lookup, search)
  assert.ok(entrance !== undefined)
  return entrance
}

const mesh = stored('meshes', yaml(MESH))
const EVERY = '{kuma.io/service: "*"}'

test('the chosen route stands first, and each other one says why it is not', () => {
  const { choices } = entranceWith(
    mesh,
    route('all', EVERY, '"*"'),
    route('eu', '{kuma.io/service: "*", dc: eu}', '"*"'),
    route('exact', '{kuma.io/service: site}', 'cart'),
    route('later', EVERY, 'cart', { creationTime: '2026-11-27T00:00:00Z' }),
    route('a-bank', EVERY, 'bank'),
    route('b-shop', '{kuma.io/service: shop}', 'cart'),
  )
  assert.deepEqual(
    choices.map(({ name, outcome, reason }) => [name, outcome, reason]),
    [
      ['eu', 'chosen', '3 tags fit, 1 exact and 2 *'],
      ['a-bank', 'unfit', 'none of its destinations is cart'],
      ['all', 'outranked', '2 tags fit, all *: eu has more tags'],
      [
        'b-shop',
        'unfit',
        'none of its sources (kuma.io/service=shop) selects the tags of the proxy (kuma.io/service=site,dc=eu)',
      ],
      ['exact', 'outranked', '2 tags fit, all exact: eu has more tags'],
      ['later', 'outranked', '2 tags fit, 1 exact and 1 *: eu has more tags'],
    ],
  )
  assert.deepEqual(choices[0]?.origin, {
    dialect: 'kuma',
    kind: 'traffic-route',
    id: 'default:eu',
    path: '',
  })
})

test('of one rank the exact one, the later one, and the first name is chosen, and that is said', () => {
  const reasonOf = (...routes: readonly StoredDocument[]): string =>
    entranceWith(mesh, ...routes).choices[1]?.reason ?? ''
  assert.match(
    reasonOf(route('a', EVERY, 'cart'), route('b', '{kuma.io/service: site}', 'cart')),
    /^2 tags fit, 1 exact and 1 \*: b has as many tags, and more exact ones$/,
  )
  const at = (day: number): JsonObject => ({ creationTime: `2026-11-0${day}T00:00:00Z` })
  assert.match(
    reasonOf(route('a', EVERY, 'cart', at(1)), route('b', EVERY, 'cart', at(2))),
    /: b has the same rank and was made later \(2026-11-02T00:00:00\.000Z, this one 2026-11-01T00:00:00\.000Z\)$/,
  )
  assert.match(
    reasonOf(route('a', EVERY, 'cart', at(1)), route('b', EVERY, 'cart', at(1))),
    /: a has the same rank and time, and its name comes first$/,
  )
})

test('requests are looked at only where every instance speaks HTTP, else the one that does not is named', () => {
  const all = route('all', EVERY, '"*"')
  const rules = route('all', EVERY, '"*"', {
    conf: yaml(
      '{http: [{match: {path: {prefix: /}}, destination: {kuma.io/service: cart}}], destination: {kuma.io/service: cart}}',
    ),
  })
  const carried = (...documents: readonly StoredDocument[]) => {
    const { protocol, reason } = entranceWith(mesh, ...documents)
    return `${protocol}: ${reason}`
  }
  const web = cart('cart-1', ', kuma.io/protocol: http')
  assert.equal(carried(all, web), 'http: every instance of cart speaks http')
  assert.equal(carried(all, web, cart('cart-2', '')), 'tcp: cart-2 has no kuma.io/protocol')
  assert.equal(
    carried(rules, web, cart('cart-2', ', kuma.io/protocol: tcp')),
    'tcp: cart-2 says kuma.io/protocol: tcp; the http rule of its route does not act',
  )
  assert.equal(carried(all), 'tcp: cart has no healthy instance')
  assert.equal(carried(web), 'tcp: no traffic route of the mesh applies: what comes in is closed')
})

test('without its mesh a proxy serves nothing, whatever routes there are', () => {
  const { choices, reason } = entranceWith(route('all', EVERY, '"*"'))
  assert.match(reason, /there is no mesh default/)
  assert.ok(choices.every(({ outcome }) => outcome !== 'chosen'))
})

test('more routes than are listed are counted, and the chosen one is among those that are', () => {
  const count = EXPLAIN_LIMITS.candidates + 3
  const routes = Array.from({ length: count }, (_, i) => route(`r-${i}`, EVERY, i === 7 ? 'cart' : '"*"'))
  const { choices, omitted } = entranceWith(mesh, ...routes)
  assert.equal(choices[0]?.name, 'r-7')
  assert.equal(omitted, 3)
})

test('the choice that is explained is the one that is translated', () => {
  const documents = [mesh, cart('cart-1', ''), route('a', EVERY, 'cart'), route('b', EVERY, 'cart')]
  const site = stored('dataplanes', yaml(SITE))
  const { lookup, search } = new DocumentSet(kuma, [site, ...documents])
  const settings = { kuma: { dataplanes: ['all'], listen: null, strict: false } } as never
  const { objects } = kuma.translate(site, lookup, settings, search)
  const stream = objects.find((object) => object.kind === 'streamRoute' && object.id.includes('outbound'))
  assert.equal((stream as { name: string }).name, entranceWith(...documents).choices[0]?.name)
})
