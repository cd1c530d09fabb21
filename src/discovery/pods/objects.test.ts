import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serviceObject, sliceObject } from '../../../test/support/kubernetes-server.ts'
import { podServiceName, readPodServiceName } from '../../model/pod-service.ts'
import { type KubeObject, podsOf } from './objects.ts'

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
    reason: 'there is no such Service',
  })
  assert.equal(of([], null, 9), 'the Service has no port 9')
  assert.deepEqual(of([]), [])
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
