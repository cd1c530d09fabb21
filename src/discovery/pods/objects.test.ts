import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serviceObject, sliceObject } from '../../../test/support/kubernetes-server.ts'
import { podServiceName, readPodServiceName } from '../../model/pod-service.ts'
import { type KubeObject, podsOf, readObject } from './objects.ts'

const of = (
  slices: readonly KubeObject[],
  pods: ReadonlySet<string> | null = null,
  port = 8000,
): string[] | string => {
  const found = podsOf({ service: serviceObject('a'), slices, pods }, { port })
  return 'hosts' in found ? found.hosts.map(({ host, port: at }) => `${host}:${at}`) : found.reason
}

test('the Service’s port leads to that of the pods; ready ones count, also where they do not say', () => {
  const slice = sliceObject('a', 80, [
    { address: '10.0.0.2' },
    { address: '10.0.0.1' },
    { address: '10.0.0.3', ready: false },
    { address: '10.0.0.4', terminating: true },
  ])
  assert.deepEqual(of([slice]), ['10.0.0.1:80', '10.0.0.2:80'])
  const silent = { ...slice, endpoints: [{ addresses: ['10.0.0.9'] }] }
  assert.deepEqual(of([silent]), ['10.0.0.9:80'])
})

test('several slices are one list, each address once; names of hosts are none', () => {
  const one = sliceObject('a', 80, [{ address: '10.0.0.1' }])
  const two = sliceObject('a', 80, [{ address: '10.0.0.1' }, { address: '10.0.0.2' }], 'a-2')
  const names = { ...sliceObject('a', 80, [{ address: 'pod.test' }], 'a-3'), addressType: 'FQDN' }
  assert.deepEqual(of([one, two, names]), ['10.0.0.1:80', '10.0.0.2:80'])
})

test('while none is ready, those that end and still serve get the requests', () => {
  const ending = { ready: false, terminating: true }
  const slice = sliceObject('a', 80, [
    { address: '10.0.0.1', ...ending },
    { address: '10.0.0.2', ...ending, serving: false },
  ])
  assert.deepEqual(of([slice]), ['10.0.0.1:80'])
})

test('labels narrow the pods', () => {
  const slice = sliceObject('a', 80, [
    { address: '10.0.0.1', name: 'p1' },
    { address: '10.0.0.2', name: 'p2' },
    { address: '10.0.0.3' },
  ])
  assert.deepEqual(of([slice], new Set(['p2'])), ['10.0.0.2:80'])
})

test('no Service, no such port', () => {
  assert.deepEqual(podsOf({ service: null, slices: [], pods: null }, { port: 1 }), {
    reason: 'the cluster has no such Service',
  })
  assert.equal(of([], null, 9), 'the Service has no TCP port 9: it has 8000')
})

test('why there are no pods', () => {
  assert.equal(of([]), 'the Service has no pods')
  const slice = sliceObject('a', 80, [
    { address: '10.0.0.1', name: 'p1', ready: false },
    { address: '10.0.0.2', name: 'p2', ready: false },
  ])
  assert.equal(of([slice]), 'none of its 2 pods is ready')
  assert.equal(of([slice], new Set()), 'none of its 2 pods has the labels')
  assert.equal(of([slice], new Set(['p2'])), 'none of its 1 pods is ready')
})

test('of two ports of one number that of TCP counts', () => {
  const service = serviceObject('a')
  const udp = { name: 'http3', port: 8000, protocol: 'UDP' }
  const both = { ...service, spec: { ports: [udp, { name: 'http', port: 8000, protocol: 'TCP' }] } }
  const slice = sliceObject('a', 80, [{ address: '10.0.0.1' }])
  const slices = [
    {
      ...slice,
      ports: [
        { name: 'http3', port: 443 },
        { name: 'http', port: 80 },
      ],
    },
  ]
  const found = podsOf({ service: both, slices, pods: null }, { port: 8000 })
  assert.deepEqual('hosts' in found && found.hosts.map(({ port }) => port), [80])
  const only = { ...service, spec: { ports: [udp] } }
  assert.deepEqual(podsOf({ service: only, slices, pods: null }, { port: 8000 }), {
    reason: 'the Service has no TCP port 8000: it has 8000',
  })
})

test('of an object only what is read is kept', () => {
  const pod = {
    kind: 'Pod',
    metadata: { name: 'p1', labels: { app: 'shop' }, managedFields: [{ manager: 'kubelet' }], uid: 'u' },
    spec: { containers: [{ image: 'shop:1' }] },
    status: { podIP: '10.0.0.1' },
  }
  assert.deepEqual(readObject('Pod', pod), {
    kind: 'Pod',
    metadata: { name: 'p1', labels: { app: 'shop' } },
  })
  const slice = sliceObject('a', 80, [{ address: '10.0.0.1', name: 'p1' }])
  assert.deepEqual(readObject('EndpointSlice', { ...slice, apiVersion: 'discovery.k8s.io/v1' }), slice)
  const silent = { metadata: { name: 'a-1' }, ports: null, endpoints: [{ conditions: { ready: null } }] }
  assert.deepEqual(readObject('EndpointSlice', silent), {
    kind: 'EndpointSlice',
    metadata: { name: 'a-1' },
    ports: [],
    endpoints: [{ addresses: [], conditions: {} }],
  })
})

test('what is of another type is told with its place', () => {
  const fault = (value: object): string => {
    try {
      readObject('EndpointSlice', { metadata: { name: 'a-1' }, ...value })
    } catch (error) {
      return (error as Error).message
    }
    return 'none'
  }
  assert.equal(fault({ endpoints: {} }), 'EndpointSlice a-1: endpoints must be a list')
  assert.equal(fault({ endpoints: ['10.0.0.1'] }), 'EndpointSlice a-1: endpoints[0] must be an object')
  assert.equal(
    fault({ endpoints: [{ addresses: '10.0.0.1' }] }),
    'EndpointSlice a-1: endpoints[0].addresses must be a list',
  )
  assert.equal(
    fault({ endpoints: [{ addresses: ['pod.test'] }] }),
    'EndpointSlice a-1: endpoints[0].addresses[0] must be an address',
  )
  assert.equal(fault({ addressType: 'FQDN', endpoints: [{ addresses: ['pod.test'] }] }), 'none')
  assert.equal(
    fault({ endpoints: [{ conditions: { ready: 'no' } }] }),
    'EndpointSlice a-1: endpoints[0].conditions.ready must be true or false',
  )
  for (const port of [0, 70_000, 1.5, '80'])
    assert.equal(
      fault({ ports: [{ port }] }),
      'EndpointSlice a-1: ports[0].port must be a number from 1 to 65535',
    )
  assert.equal(fault({ metadata: { labels: { a: 1 } } }), 'EndpointSlice: metadata.labels.a must be a text')
  assert.throws(
    () => readObject('Service', null as never) && readObject('Service', 'text'),
    /must be an object/,
  )
})

test('a Service is named by one text, and read back from it', () => {
  const service = {
    cluster: 'cls-1',
    namespace: 'shop',
    service: 'orders',
    port: 8000,
    labels: [{ name: 'app.kubernetes.io/version', value: 'v2&=' }],
  }
  const name = podServiceName(service)
  assert.equal(name, 'cls-1/shop/orders:8000?app.kubernetes.io%2Fversion=v2%26%3D')
  assert.deepEqual(readPodServiceName(name), service)
  assert.deepEqual(readPodServiceName('cls-1/shop/orders:8000')?.labels, [])
  assert.equal(readPodServiceName('orders'), null)
})
