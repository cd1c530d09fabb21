import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  KubernetesServer,
  PODS,
  SERVICES,
  SLICES,
  serviceObject,
  sliceObject,
} from '../../../test/support/kubernetes-server.ts'
import { waitFor } from '../../../test/support/tools.ts'
import { podServiceName } from '../../model/pod-service.ts'
import type { ClusterSettings } from '../../model/settings.ts'
import { toYaml } from '../../model/yaml-text.ts'
import type { NameOutcome, NameQuestion } from '../discovery.ts'
import { PodSource } from '../pod-source.ts'
import { openConnection } from './connection.ts'

/** Where no cluster is read by DNS. */
const NO_NAMES = { ask: () => Promise.reject(new Error('nobody asks for names')) }

/** A source with one cluster, and what it answers for a Service: addresses, or why there are none. */
function sourceOf(t: TestContext, settings: ClusterSettings) {
  const source = new PodSource({ clusters: { 'cls-1': settings }, names: NO_NAMES })
  t.after(() => source.close())
  let changes = 0
  source.onStale(() => changes++)
  const ask = async (service: string, labels: readonly { name: string; value: string }[] = []) => {
    const name = podServiceName({ cluster: 'cls-1', namespace: 'default', service, port: 8000, labels })
    const outcome = await source.ask({ kind: 'pods', name })
    if (outcome.kind === 'empty') return `empty: ${outcome.reason}`
    return outcome.kind === 'found' ? outcome.hosts.map(({ host }) => host) : outcome.reason
  }
  const becomes = (service: string, expected: readonly string[] | RegExp) =>
    waitFor(`${service} to be ${expected}`, async () => {
      const is = await ask(service)
      const fits =
        expected instanceof RegExp
          ? expected.test(String(is))
          : JSON.stringify(is) === JSON.stringify(expected)
      return fits ? true : undefined
    })
  return { source, ask, becomes, changes: () => changes }
}

async function serverOf(t: TestContext): Promise<KubernetesServer> {
  const server = await new KubernetesServer().start()
  t.after(() => server.stop())
  server.put(SERVICES, serviceObject('a'))
  server.put(SLICES, sliceObject('a', 80, [{ address: '10.0.0.1' }]))
  return server
}

test('lists in pages, follows changes, and asks for nothing twice', async (t) => {
  const server = await serverOf(t)
  for (const n of [2, 3, 4]) server.put(SLICES, sliceObject('a', 80, [{ address: `10.0.0.${n}` }], `a-${n}`))
  const { ask, becomes, changes } = sourceOf(t, { server: server.url })
  assert.deepEqual(await ask('a'), ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'])
  assert.equal(server.lists.filter((path) => path.includes('continue=')).length, 1)
  const before = changes()
  server.put(SLICES, sliceObject('a', 80, [{ address: '10.0.0.9' }]))
  await becomes('a', ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.9'])
  for (const n of [2, 3, 4]) server.remove(SLICES, `a-${n}`)
  await becomes('a', ['10.0.0.9'])
  assert.ok(changes() > before)
  server.remove(SLICES, 'a-1')
  await becomes('a', /^empty: the Service has no pods$/)
  assert.equal(server.lists.length, 3)
})

test('a watch that ends goes on from its last version; a forgotten one is listed anew', async (t) => {
  const server = await serverOf(t)
  const { ask, becomes } = sourceOf(t, { server: server.url })
  await ask('a')
  await waitFor('two watches', async () => (server.watches.length >= 2 ? true : undefined))
  server.bookmark()
  server.endWatches()
  server.put(SLICES, sliceObject('a', 80, [{ address: '10.0.0.2' }]))
  await becomes('a', ['10.0.0.2'])
  assert.equal(server.lists.length, 2)
  await waitFor('watches again', async () => (server.watches.length >= 4 ? true : undefined))
  server.endWatches()
  server.forgetVersions()
  server.put(SLICES, sliceObject('a', 80, [{ address: '10.0.0.3' }]))
  await becomes('a', ['10.0.0.3'])
  assert.ok(server.lists.length > 2)
})

test('while the server is away what was known is said to be old; after a restart it is current', async (t) => {
  const server = await serverOf(t)
  const { ask, becomes } = sourceOf(t, { server: server.url })
  assert.deepEqual(await ask('a'), ['10.0.0.1'])
  await server.stop()
  await becomes('a', /ECONN|aborted|hang up|terminated/i)
  await server.start()
  server.put(SLICES, sliceObject('a', 80, [{ address: '10.0.0.5' }]))
  await becomes('a', ['10.0.0.5'])
})

test('a connection that breaks is made again before anybody is told', async (t) => {
  const server = await serverOf(t)
  const { source, ask, becomes } = sourceOf(t, { server: server.url })
  await ask('a')
  await waitFor('two watches', async () => (server.watches.length >= 2 ? true : undefined))
  const reasons: (string | readonly string[])[] = []
  source.onStale(() => void ask('a').then((answer) => reasons.push(answer)))
  server.cutConnections()
  await waitFor('watches again', async () => (server.watches.length >= 4 ? true : undefined))
  server.put(SLICES, sliceObject('a', 80, [{ address: '10.0.0.2' }]))
  await becomes('a', ['10.0.0.2'])
  assert.deepEqual([...new Set(reasons.map(String))], ['10.0.0.2'])
  assert.equal(server.lists.length, 2)
})

test('a server that forgets each version at once is asked less and less often', async (t) => {
  const server = await serverOf(t)
  server.isForgetful = true
  const { ask } = sourceOf(t, { server: server.url })
  assert.deepEqual(await ask('a'), ['10.0.0.1'])
  const ofSlices = (): number => server.lists.filter((path) => path.startsWith(SLICES)).length
  // 0, 50 ms, then at least 0.5 s: the third list of a collection cannot come before that
  const startedAt = performance.now()
  await waitFor('a third list', async () => (ofSlices() >= 3 ? true : undefined))
  assert.ok(performance.now() - startedAt > 400, `${performance.now() - startedAt} ms`)
})

test('an object that no server of Kubernetes would send keeps what was known', async (t) => {
  const server = await serverOf(t)
  const { ask, becomes } = sourceOf(t, { server: server.url })
  assert.deepEqual(await ask('a'), ['10.0.0.1'])
  server.put(SLICES, { ...sliceObject('a', 80, []), endpoints: {} } as never)
  server.put(SLICES, sliceObject('a', 80, [{ address: '10.0.0.3' }], 'a-3'))
  server.forgetVersions()
  server.endWatches()
  await becomes('a', /EndpointSlice a-1: endpoints must be a list/)
  server.put(SLICES, sliceObject('a', 80, [{ address: '10.0.0.2' }]))
  await becomes('a', ['10.0.0.2', '10.0.0.3'])
})

test('labels are asked of the pods', async (t) => {
  const server = await serverOf(t)
  const pods = [
    { address: '10.0.0.1', name: 'p1' },
    { address: '10.0.0.2', name: 'p2' },
  ]
  server.put(SLICES, sliceObject('a', 80, pods))
  server.put(PODS, { metadata: { name: 'p1', labels: { version: 'v1' } } })
  server.put(PODS, { metadata: { name: 'p2', labels: { version: 'v2' } } })
  const { ask } = sourceOf(t, { server: server.url })
  assert.deepEqual(await ask('a', [{ name: 'version', value: 'v2' }]), ['10.0.0.2'])
})

test('a token is read from its file each time, and a refusal is told', async (t) => {
  const server = await serverOf(t)
  server.token = 'right'
  const folder = mkdtempSync(join(tmpdir(), 'headgate-token-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const tokenFile = join(folder, 'token')
  writeFileSync(tokenFile, 'wrong')
  const { ask, becomes } = sourceOf(t, { server: server.url, tokenFile })
  assert.match(String(await ask('a')), /answers 401/)
  writeFileSync(tokenFile, 'right\n')
  await becomes('a', ['10.0.0.1'])
})

test('a Service that nobody has, and a cluster that no setting names', async (t) => {
  const server = await serverOf(t)
  const { ask, source } = sourceOf(t, { server: server.url })
  assert.equal(await ask('nobody'), 'empty: the cluster has no such Service')
  const other = await source.ask({ kind: 'pods', name: 'cls-2/default/a:8000' })
  assert.deepEqual(other, { kind: 'failed', reason: 'the setting tencent.clusters has no cls-2' })
})

test('a folder of files says the same, is read again, and a broken file keeps what was known', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-cluster-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const write = (name: string, ...objects: object[]) =>
    writeFileSync(join(folder, name), objects.map((object) => toYaml(object as never)).join('---\n'))
  write('a.yaml', serviceObject('a'), sliceObject('a', 80, [{ address: '10.0.0.1' }]))
  const { ask, becomes } = sourceOf(t, { directory: folder })
  assert.deepEqual(await ask('a'), ['10.0.0.1'])
  const { kind: _, ...slice } = sliceObject('a', 80, [{ address: '10.0.0.2' }], 'a-2')
  write('b.yaml', { kind: 'EndpointSliceList', items: [slice] })
  await becomes('a', ['10.0.0.1', '10.0.0.2'])
  writeFileSync(join(folder, 'b.yaml'), 'kind: [')
  await becomes('a', /b\.yaml/)
  write('b.yaml', sliceObject('a', 80, [{ address: '10.0.0.3' }], 'a-2'))
  await becomes('a', ['10.0.0.1', '10.0.0.3'])
  // good YAML that is no slice, and objects that nobody asks about
  write('b.yaml', { ...sliceObject('a', 80, [], 'a-2'), endpoints: {} })
  await becomes('a', /b\.yaml: EndpointSlice a-2: endpoints must be a list/)
  write('b.yaml', { kind: 'Deployment', metadata: { name: 'a', labels: { odd: 1 } }, spec: { ports: 1 } })
  await becomes('a', ['10.0.0.1'])
  // a folder that is away for a while says nothing, and comes back with the same files
  renameSync(folder, `${folder}-away`)
  await becomes('a', /ENOENT/)
  renameSync(`${folder}-away`, folder)
  await becomes('a', ['10.0.0.1'])
})

test('headless Services in DNS: addresses at the port of the Service, or SRV with ports of their own', async (t) => {
  const asked: NameQuestion[] = []
  let answer: NameOutcome = { kind: 'none', reason: 'there is no such name' }
  const ask = async (question: NameQuestion): Promise<NameOutcome> => {
    asked.push(question)
    return answer
  }
  const source = new PodSource({
    clusters: {
      plain: { dns: '{service}.{namespace}.svc.test' },
      srv: { dns: '_http._tcp.{service}.{namespace}.svc.test' },
    },
    names: { ask },
  })
  t.after(() => source.close())
  const pods = async (cluster: string, labels: readonly { name: string; value: string }[] = []) => {
    const service = { cluster, namespace: 'shop', service: 'orders', port: 8000, labels }
    const outcome = await source.ask({ kind: 'pods', name: podServiceName(service) })
    if (outcome.kind !== 'found') return outcome
    const places = outcome.hosts.map(({ host, port, addresses }) => `${host}:${port} ${addresses.join()}`)
    return [...places, outcome.ttlSeconds]
  }
  const host = { host: 'orders.shop.svc.test', port: null, rank: 0, weight: 1 }
  answer = {
    kind: 'found',
    ttlSeconds: 7,
    hosts: [{ ...host, addresses: ['10.0.0.2', 'fd00::1', '10.0.0.1'] }],
  }
  assert.deepEqual(await pods('plain'), [
    '10.0.0.1:8000 10.0.0.1',
    '10.0.0.2:8000 10.0.0.2',
    'fd00::1:8000 fd00::1',
    7,
  ])
  // weights and priorities of records say nothing; a host without an address is left out
  const hosts = [
    { ...host, host: 'b.test', port: 8081, rank: 5, weight: 9, addresses: ['10.0.0.1'] },
    { ...host, host: 'a.test', port: 8080, addresses: ['10.0.0.1'] },
    { ...host, host: 'c.test', port: 8080, addresses: [] },
  ]
  answer = { kind: 'found', ttlSeconds: 3, hosts }
  assert.deepEqual(await pods('srv'), ['10.0.0.1:8080 10.0.0.1', '10.0.0.1:8081 10.0.0.1', 3])
  assert.deepEqual(asked, [
    { kind: 'addresses', name: 'orders.shop.svc.test' },
    { kind: 'services', name: '_http._tcp.orders.shop.svc.test' },
  ])
  // who decides says that there are none; who cannot be asked says nothing
  answer = { kind: 'none', reason: 'there is no orders.shop.svc.test' }
  assert.deepEqual(await pods('plain'), { ...answer, kind: 'empty', ttlSeconds: 5 })
  answer = { kind: 'found', ttlSeconds: 3, hosts: hosts.slice(2) }
  assert.deepEqual(await pods('srv'), {
    kind: 'empty',
    reason: 'none of its hosts has an address',
    ttlSeconds: 3,
  })
  answer = { kind: 'failed', reason: 'orders.shop.svc.test: ETIMEOUT' }
  assert.deepEqual(await pods('plain'), answer)
  const count = asked.length
  assert.deepEqual(await pods('plain', [{ name: 'version', value: 'v2' }]), {
    kind: 'failed',
    reason: 'its cluster is read by DNS, which knows no labels of pods',
  })
  assert.equal(asked.length, count)
})

test('kubeconfig: contexts, certificates and tokens; programs and unverified servers are refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-kubeconfig-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'config')
  writeFileSync(join(folder, 'ca.pem'), 'CA')
  const config = (cluster: object, user: object) =>
    writeFileSync(
      file,
      JSON.stringify({
        'current-context': 'main',
        contexts: [{ name: 'main', context: { cluster: 'c', user: 'u' } }],
        clusters: [{ name: 'c', cluster: { server: 'https://k8s.test:6443/', ...cluster } }],
        users: [{ name: 'u', user }],
      }),
    )
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  config(
    { 'certificate-authority': 'ca.pem' },
    { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY'), token: 'secret' },
  )
  const { token, ...connection } = await openConnection({ kubeconfig: file })
  assert.deepEqual(connection, { server: 'https://k8s.test:6443', ca: 'CA', certificate: 'CERT', key: 'KEY' })
  assert.equal(token(), 'secret')
  await assert.rejects(openConnection({ kubeconfig: file, context: 'other' }), /has no context other/)
  config({}, { exec: { command: 'aws' } })
  await assert.rejects(openConnection({ kubeconfig: file }), /known to a program only \(exec\)/)
  config({ 'insecure-skip-tls-verify': true }, {})
  await assert.rejects(openConnection({ kubeconfig: file }), /insecure-skip-tls-verify is refused/)
  await assert.rejects(openConnection({ inCluster: true }, {}), /KUBERNETES_SERVICE_HOST is not set/)
  await assert.rejects(openConnection({}), /none of directory, dns, kubeconfig, server and inCluster/)
})
