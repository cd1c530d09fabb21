import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FoundHost } from '../discovery/discovery.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { Discovery, Upstream } from '../model/upstream.ts'
import { expandNames, questionsOf } from './expand-names.ts'

function endpoint(host: string, weight: number, priority = 0): Endpoint {
  return { host, port: 80, weight, priority, address: null, zone: null, failoverOnly: false, state: 'ready' }
}

function upstream(endpoints: readonly Endpoint[], discovery: Discovery | null = null): Upstream {
  return { endpoints, discovery } as unknown as Upstream
}

function answers(book: Record<string, readonly string[]>) {
  return (_kind: string, name: string): readonly FoundHost[] | null => {
    const addresses = book[name]
    return addresses === undefined ? null : [{ host: name, port: null, rank: 0, weight: 1, addresses }]
  }
}

const shown = (list: readonly Endpoint[]) =>
  list.map(({ host, port, address, weight, priority }) => `${host}:${port} ${address} ${weight} ${priority}`)

test('a node keeps its share however many addresses its name has', () => {
  const list = expandNames(
    upstream([endpoint('a.test', 1), endpoint('10.0.0.9', 1), endpoint('b.test', 2)]),
    answers({ 'a.test': ['10.0.0.1', '10.0.0.2', '10.0.0.3'], 'b.test': ['10.0.1.1', '10.0.1.2'] }),
  )
  assert.deepEqual(shown(list), [
    'a.test:80 10.0.0.1 2 0',
    'a.test:80 10.0.0.2 2 0',
    'a.test:80 10.0.0.3 2 0',
    '10.0.0.9:80 null 6 0',
    'b.test:80 10.0.1.1 6 0',
    'b.test:80 10.0.1.2 6 0',
  ])
})

test('weights of other priorities stay, and weight 0 stays 0', () => {
  const list = expandNames(
    upstream([endpoint('a.test', 1), endpoint('a.test', 0), endpoint('10.0.0.9', 5, -1)]),
    answers({ 'a.test': ['10.0.0.1', '10.0.0.2'] }),
  )
  assert.deepEqual(shown(list), [
    'a.test:80 10.0.0.1 1 0',
    'a.test:80 10.0.0.2 1 0',
    'a.test:80 10.0.0.1 0 0',
    'a.test:80 10.0.0.2 0 0',
    '10.0.0.9:80 null 5 -1',
  ])
})

test('a name without an answer is one endpoint without an address', () => {
  const list = expandNames(
    upstream([endpoint('a.test', 3), endpoint('b.test', 3)]),
    answers({ 'b.test': [] }),
  )
  assert.deepEqual(shown(list), ['a.test:80 null 3 0', 'b.test:80 null 3 0'])
})

test('weights never grow past their bound: the share is rounded then', () => {
  const list = expandNames(
    upstream([endpoint('a.test', 2 ** 24), endpoint('10.0.0.9', 2 ** 24)]),
    answers({ 'a.test': ['10.0.0.1', '10.0.0.2', '10.0.0.3'] }),
  )
  assert.equal(list.at(-1)?.weight, 2 ** 24)
  const own = list.slice(0, 3).reduce((sum, { weight }) => sum + weight, 0)
  assert.ok(Math.abs(own - 2 ** 24) <= 3)
})

test('services give endpoints with their own ports, and lower SRV priorities come first', () => {
  const discovery: Discovery = {
    kind: 'dns',
    name: '_http._tcp.shop.test',
    port: null,
    weight: 2,
    priority: 10,
  }
  const hosts: FoundHost[] = [
    { host: 'a.test', port: 8080, rank: 0, weight: 3, addresses: ['10.0.0.1', '10.0.0.2'] },
    { host: 'b.test', port: 8081, rank: 0, weight: 1, addresses: ['10.0.0.3'] },
    { host: 'c.test', port: 8082, rank: 5, weight: 1, addresses: [] },
  ]
  const list = expandNames(upstream([], discovery), () => hosts)
  assert.deepEqual(shown(list), [
    'a.test:8080 10.0.0.1 6 10',
    'a.test:8080 10.0.0.2 6 10',
    'b.test:8081 10.0.0.3 4 10',
    'c.test:8082 null 2 5',
  ])
  assert.deepEqual(shown(expandNames(upstream([], discovery), () => null)), [
    '_http._tcp.shop.test:0 null 2 10',
  ])
})

test('what an upstream asks for: each name once, and no addresses', () => {
  const list = [endpoint('a.test', 1), endpoint('a.test', 1), endpoint('10.0.0.1', 1), endpoint('::1', 1)]
  assert.deepEqual(questionsOf(upstream(list)), [{ kind: 'addresses', name: 'a.test' }])
  const discovery: Discovery = { kind: 'dns', name: 'a.test', port: 80, weight: 1, priority: 0 }
  assert.deepEqual(questionsOf(upstream(list, discovery)), [{ kind: 'addresses', name: 'a.test' }])
  assert.deepEqual(questionsOf(upstream([], { ...discovery, port: null })), [
    { kind: 'services', name: 'a.test' },
  ])
  assert.deepEqual(questionsOf(upstream([endpoint('127.1', 1)])), [{ kind: 'addresses', name: '127.1' }])
})

test('each pod has the weight of its Service; of two that give the same place the first counts', () => {
  const place = { cluster: 'cls-1', namespace: 'shop', port: 8000, labels: [] }
  const discovery: Discovery = {
    kind: 'pods',
    services: [
      { service: { ...place, service: 'a' }, weight: 10 },
      { service: { ...place, service: 'b' }, weight: 1 },
      { service: { ...place, service: 'silent' }, weight: 1 },
    ],
  }
  const pods: Record<string, readonly string[]> = {
    'cls-1/shop/a:8000': ['10.0.0.1', '10.0.0.2', 'fd00::1'],
    'cls-1/shop/b:8000': ['10.0.0.2', '10.0.0.3'],
  }
  const list = expandNames(
    upstream([], discovery),
    (kind, name) =>
      (kind === 'pods' ? pods[name] : undefined)?.map((host) => ({
        host,
        port: 80,
        rank: 0,
        weight: 1,
        addresses: [host],
      })) ?? null,
  )
  assert.deepEqual(shown(list), [
    '10.0.0.1:80 null 10 0',
    '10.0.0.2:80 null 10 0',
    'fd00::1:80 null 10 0',
    '10.0.0.3:80 null 1 0',
  ])
  assert.deepEqual(
    list.map(({ service }) => service),
    ['cls-1/shop/a:8000', 'cls-1/shop/a:8000', 'cls-1/shop/a:8000', 'cls-1/shop/b:8000'],
  )
  assert.deepEqual(questionsOf(upstream([], discovery)), [
    { kind: 'pods', name: 'cls-1/shop/a:8000' },
    { kind: 'pods', name: 'cls-1/shop/b:8000' },
    { kind: 'pods', name: 'cls-1/shop/silent:8000' },
  ])
})
