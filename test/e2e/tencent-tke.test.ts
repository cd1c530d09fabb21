import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { toYaml } from '../../src/model/yaml-text.ts'
import { answerText, type Backend, startBackend } from '../support/backends.ts'
import { makeCertificate } from '../support/certificates.ts'
import { callHttp, type GatewayProcess, startGateway } from '../support/gateway.ts'
import {
  KubernetesServer,
  SERVICES,
  SLICES,
  serviceObject,
  sliceObject,
} from '../support/kubernetes-server.ts'
import { startNameServer } from '../support/name-server.ts'
import { skipWithout, waitFor } from '../support/tools.ts'

/** Seed 000: two TKE upstreams, and a plugin that chooses between them; the cluster is a server that speaks list and watch. */

type Value = Record<string, unknown>

const VPC = 'vpc-s0g8gpo5'
const SERVICE = 'service-aaaaaaaa'
const HOST = `${SERVICE}.apigw.localhost`

interface Site {
  readonly gateway: GatewayProcess
  readonly cluster: KubernetesServer
  /** Pods of the default upstream, and those of the other one. */
  readonly stable: readonly Backend[]
  readonly canary: readonly Backend[]
  /** Ids of the default upstream, and of the other one. */
  readonly upstreams: readonly [string, string]
  call(action: string, params: Value): Promise<Value>
  ask(headers?: Readonly<Record<string, string>>, localAddress?: string, port?: number): Promise<string>
  /** Ends the gateway, and starts one with the same flags. */
  restart(): Promise<GatewayProcess>
}

interface SiteOptions {
  readonly flags?: (folder: string) => readonly string[]
  readonly cluster?: KubernetesServer
  /** The setting `tencent.clusters`; without it `cls-1` is the cluster, over plain HTTP. */
  readonly clusters?: (url: string, folder: string) => Value
  /** Other settings. */
  readonly settings?: Value
}

/** A gateway with both upstreams, the API and the plugin, made by the vendor's calls. */
async function setUp(
  t: TestContext,
  condition: string,
  {
    flags = () => [],
    cluster = new KubernetesServer(),
    clusters = plainCluster,
    settings = {},
  }: SiteOptions = {},
): Promise<Site> {
  await cluster.start()
  t.after(() => cluster.stop())
  const backends = await Promise.all(['stable 1', 'stable 2', 'canary'].map((name) => startBackend(name)))
  t.after(() => Promise.all(backends.map((backend) => backend.close())))
  const [one, two, other] = backends as [Backend, Backend, Backend]
  cluster.put(SERVICES, serviceObject('stable'))
  cluster.put(SERVICES, serviceObject('canary'))
  cluster.put(SLICES, sliceObject('stable', one.port, [{ address: '127.0.0.1' }], 'stable-1'))
  cluster.put(SLICES, sliceObject('canary', other.port, [{ address: '127.0.0.1' }]))
  const folder = mkdtempSync(join(tmpdir(), 'headgate-tke-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'settings.yaml')
  const tencent = { clusters: clusters(cluster.url, folder) }
  writeFileSync(file, toYaml({ ...settings, tencent } as never))
  const all = ['--workers', '2', '--settings', file, ...flags(folder)]
  const gateway = await startGateway(all)
  t.after(() => gateway.stop('SIGKILL'))
  const call = async (action: string, params: Value): Promise<Value> => {
    const answer = await gateway.admin('POST', '/tencent', params, {
      'x-tc-action': action,
      'x-tc-version': '2018-08-08',
    })
    const { Response } = answer.json as { Response: Value }
    assert.equal(Response.Error, undefined, JSON.stringify(Response))
    return Response
  }
  const upstream = async (service: string): Promise<string> => {
    const made = await call('CreateUpstream', {
      Scheme: 'HTTP',
      Algorithm: 'ROUND-ROBIN',
      UniqVpcId: VPC,
      UpstreamType: 'K8S',
      K8sService: [
        { ClusterId: 'cls-1', Namespace: 'default', ServiceName: service, Port: 8000, Weight: 10 },
      ],
    })
    return made.UpstreamId as string
  }
  const [main, second] = [await upstream('stable'), await upstream('canary')]
  const config = (UpstreamId: string) => ({
    Url: '',
    Path: '/',
    Method: 'ANY',
    Product: 'upstream',
    UniqVpcId: VPC,
    UpstreamId,
  })
  const write = async (kind: string, id: string, value: Value): Promise<void> => {
    const answer = await gateway.admin('PUT', `/headgate/v1/documents/tencent/${kind}/${id}`, value)
    assert.ok(answer.status < 300, answer.text)
  }
  const api = {
    ApiId: 'api-aaaaaaaa',
    ServiceId: SERVICE,
    Protocol: 'HTTP',
    RequestConfig: { Path: '/', Method: 'ANY' },
    ServiceType: 'HTTP',
    ServiceTimeout: 10,
    ServiceConfig: config(main),
  }
  const release = { ServiceId: SERVICE, EnvironmentName: 'release' }
  await write('services', SERVICE, {
    ServiceId: SERVICE,
    ServiceName: 'shop',
    Protocol: 'http&https',
    InstanceId: 'instance-1',
  })
  await write('apis', 'api-aaaaaaaa', api)
  await write('plugins', 'plugin-aaaaaaaa', {
    PluginId: 'plugin-aaaaaaaa',
    PluginName: 'routing',
    PluginType: 'Routing',
    PluginData: JSON.stringify([
      {
        strategy_name: 'other',
        condition,
        backend_type: 'UPSTREAM',
        backend_config: { ServiceType: 'HTTP', ServiceConfig: config(second) },
      },
    ]),
  })
  await write('attachments', `${SERVICE}.release.api-aaaaaaaa.routing`, {
    ...release,
    ApiId: 'api-aaaaaaaa',
    PluginId: 'plugin-aaaaaaaa',
  })
  await write('releases', `${SERVICE}.release`, release)
  await write('released_apis', `${SERVICE}.release.api-aaaaaaaa`, {
    ...release,
    ApiId: 'api-aaaaaaaa',
    Api: api,
  })
  const ask: Site['ask'] = async (headers = {}, localAddress, port = gateway.port) => {
    const at = localAddress === undefined ? {} : { localAddress }
    const answer = await callHttp({
      port,
      method: 'GET',
      path: '/release/',
      headers: { host: HOST, ...headers },
      ...at,
    })
    return answer.status === 200 ? answer.text : `status ${answer.status}`
  }
  const restart = async (): Promise<GatewayProcess> => {
    await gateway.stop()
    const next = await startGateway(all)
    t.after(() => next.stop('SIGKILL'))
    return next
  }
  return {
    gateway,
    cluster,
    stable: [one, two],
    canary: [other],
    upstreams: [main, second],
    call,
    ask,
    restart,
  }
}

function plainCluster(server: string): Value {
  return { 'cls-1': { server } }
}

test('UserName: admin goes to one upstream, all else to the default; changes of the cluster are followed within a second', async (t) => {
  const { cluster, stable, ask, call } = await setUp(t, "header.UserName = 'admin'")
  const [one, two] = stable as [Backend, Backend]
  assert.equal(await ask({ UserName: 'admin' }), 'canary')
  assert.equal(await ask({ UserName: 'other' }), 'stable 1')
  assert.equal(await ask(), 'stable 1')
  // load that goes on through all that follows
  const seen: string[] = []
  let isOver = false
  const load = (async () => {
    while (!isOver) seen.push(await ask())
  })()
  const follows = async (expected: RegExp, since: number): Promise<void> => {
    await waitFor(
      `answers of ${expected}`,
      async () => (expected.test(seen.at(-1) ?? '') ? true : undefined),
      1000 + since - Date.now(),
    )
  }
  cluster.put(SLICES, sliceObject('stable', two.port, [{ address: '127.0.0.1' }], 'stable-2'))
  await follows(/stable 2/, Date.now())
  const shown = (await call('DescribeUpstreams', { Limit: 20, Offset: 0 })).Result as { UpstreamSet: Value[] }
  const nodes = shown.UpstreamSet.flatMap(({ Nodes }) => Nodes as Value[])
  assert.deepEqual(
    nodes.map(({ Host, Weight, Source, ClusterId, NameSpace, ServiceName }) =>
      [Host, Weight, Source, ClusterId, NameSpace, ServiceName].join(' '),
    ),
    ['stable', 'stable', 'canary'].map((service) => `127.0.0.1 10 K8S cls-1 default ${service}`),
  )
  // the first pod is about to end: it gets nothing new
  cluster.put(
    SLICES,
    sliceObject('stable', one.port, [{ address: '127.0.0.1', ready: false, terminating: true }], 'stable-1'),
  )
  await waitFor('the ending pod to get nothing', async () => {
    const before = one.requests.length
    for (let i = 0; i < 4; i++) await ask()
    return one.requests.length === before ? true : undefined
  })
  isOver = true
  await load
  assert.deepEqual(
    seen.filter((text) => !text.startsWith('stable')),
    [],
  )
  // no pod at all, and the cluster says so itself
  cluster.remove(SLICES, 'stable-1')
  cluster.remove(SLICES, 'stable-2')
  await waitFor('nobody to be left', async () => ((await ask()) === 'status 502' ? true : undefined))
})

test('the last good nodes serve while the API server is away or has forgotten versions', async (t) => {
  const { cluster, stable, ask, gateway } = await setUp(t, "header.UserName = 'admin'")
  const [, two] = stable as [Backend, Backend]
  await cluster.stop()
  await waitFor('the log to say so', async () =>
    /the nodes of a Service may be old: what was known last serves on: 1 pod/.test(gateway.stderr()) &&
    gateway.stderr().includes('cls-1/default/stable:8000')
      ? true
      : undefined,
  )
  for (let i = 0; i < 10; i++) assert.equal(await ask(), 'stable 1')
  assert.equal(await ask({ UserName: 'admin' }), 'canary')
  const ready = await gateway.status('/readyz?verbose')
  assert.equal(ready.status, 200)
  assert.match(
    ready.text,
    /- cls-1\/default\/stable:8000 may be old: its last 1 nodes serve \(.*ECONNREFUSED/,
  )
  const up = async (): Promise<string[]> =>
    (await gateway.status('/metrics')).text
      .split('\n')
      .filter((line) => /^headgate_service_source_(up|nodes)\{.*stable/.test(line))
  assert.deepEqual(await up(), [
    'headgate_service_source_up{service="cls-1/default/stable:8000"} 0',
    'headgate_service_source_nodes{service="cls-1/default/stable:8000"} 1',
  ])
  cluster.forgetVersions()
  cluster.put(SLICES, sliceObject('stable', two.port, [{ address: '127.0.0.1' }], 'stable-1'))
  await cluster.start()
  await waitFor('the new pod', async () => ((await ask()) === 'stable 2' ? true : undefined))
  await waitFor('all to be current', async () =>
    (await gateway.status('/readyz?verbose')).text === 'ok\n' ? true : undefined,
  )
  assert.match((await up())[0] ?? '', / 1$/)
})

test('a gateway that starts while the API server is away has the nodes of its last run', async (t) => {
  const { cluster, stable, ask, restart } = await setUp(t, "header.UserName = 'admin'", {
    flags: (folder) => ['--store', join(folder, 'store')],
  })
  assert.equal(await ask(), 'stable 1')
  await cluster.stop()
  const { port, stderr } = await restart()
  assert.equal(await ask({}, undefined, port), 'stable 1')
  assert.equal(await ask({ UserName: 'admin' }, undefined, port), 'canary')
  assert.match(stderr(), /the nodes of a Service may be old: what was known last serves on: 1 pod/)
  const [, two] = stable as [Backend, Backend]
  cluster.put(SLICES, sliceObject('stable', two.port, [{ address: '127.0.0.1' }], 'stable-1'))
  await cluster.start()
  await waitFor('the new pod', async () =>
    (await ask({}, undefined, port)) === 'stable 2' ? true : undefined,
  )
})

test('a rollout takes pod after pod away and no request of many at once fails, POST neither', async (t) => {
  const { cluster, stable, gateway } = await setUp(t, "header.UserName = 'admin'")
  const [one] = stable as [Backend, Backend]
  const fresh = await startBackend('stable 3')
  t.after(() => fresh.close())
  const bad: string[] = []
  const seen = new Map<string, number>()
  let isOver = false
  const load = Array.from({ length: 8 }, async (_, n) => {
    while (!isOver) {
      const answer = await callHttp({
        port: gateway.port,
        method: n % 2 === 0 ? 'GET' : 'POST',
        path: '/release/',
        headers: { host: HOST },
        ...(n % 2 === 0 ? {} : { body: 'order' }),
      })
      seen.set(answer.text, (seen.get(answer.text) ?? 0) + 1)
      if (answer.status !== 200) bad.push(`${answer.status} ${answer.text}`)
    }
  })
  const has = (text: string, least = 1) =>
    waitFor(`${least} answers of ${text}`, async () => ((seen.get(text) ?? 0) >= least ? true : undefined))
  await has('stable 1')
  // as a rollout does: the new pod is there, gets ready, the old one is about to end, its server stops, it is gone
  const pod = { address: '127.0.0.1' }
  cluster.put(SLICES, sliceObject('stable', fresh.port, [{ ...pod, ready: false }], 'stable-3'))
  const before = seen.get('stable 1') ?? 0
  await has('stable 1', before + 50)
  assert.equal(seen.get('stable 3'), undefined)
  cluster.put(SLICES, sliceObject('stable', fresh.port, [pod], 'stable-3'))
  await has('stable 3')
  const ending = { ...pod, ready: false, terminating: true }
  cluster.put(SLICES, sliceObject('stable', one.port, [ending], 'stable-1'))
  // a pod gets a second to end, in which nothing new comes
  await waitFor('the old pod to be out', async () => {
    const count = seen.get('stable 1')
    const other = seen.get('stable 3') ?? 0
    await has('stable 3', other + 50)
    return seen.get('stable 1') === count ? true : undefined
  })
  await one.close()
  cluster.remove(SLICES, 'stable-1')
  await has('stable 3', (seen.get('stable 3') ?? 0) + 100)
  isOver = true
  await Promise.all(load)
  assert.deepEqual(bad, [])
})

test('clusters over TLS and by DNS; health checks on pods', async (t) => {
  const skip = skipWithout('openssl', 'dnsmasq')
  if (skip !== false) return t.skip(skip)
  const names = await startNameServer({})
  t.after(() => names.close())
  const authority = makeCertificate(t, ['authority.test'], { isAuthority: true })
  const stranger = makeCertificate(t, ['stranger.test'], { isAuthority: true })
  const cluster = new KubernetesServer(makeCertificate(t, ['localhost'], { issuer: authority }))
  cluster.token = 'secret'
  const site = await setUp(t, "header.UserName = 'admin'", {
    cluster,
    settings: { dns: { servers: [names.address] } },
    clusters: (server, folder) => {
      const kubeconfig = (name: string, ca: string): Value => {
        const file = join(folder, name)
        writeFileSync(
          file,
          toYaml({
            'current-context': 'main',
            contexts: [{ name: 'main', context: { cluster: 'shop', user: 'headgate' } }],
            clusters: [
              {
                name: 'shop',
                cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
              },
            ],
            users: [{ name: 'headgate', user: { token: 'secret' } }],
          }),
        )
        return { kubeconfig: file }
      }
      return {
        'cls-1': kubeconfig('config', authority.cert),
        'cls-2': kubeconfig('config-2', stranger.cert),
        'cls-3': { dns: '{service}.{namespace}.svc.test' },
        'cls-4': { dns: '_http._tcp.{service}.{namespace}.svc.test' },
      }
    },
  })
  const { ask, call, gateway, stable, upstreams } = site
  const [one, two] = stable as [Backend, Backend]
  const [id] = upstreams

  await t.test('a server is known by the authority of its kubeconfig, and by no other', async () => {
    assert.equal(await ask(), 'stable 1')
    await call('CreateUpstream', {
      Scheme: 'HTTP',
      Algorithm: 'ROUND-ROBIN',
      UniqVpcId: VPC,
      UpstreamType: 'K8S',
      K8sService: [
        { ClusterId: 'cls-2', Namespace: 'default', ServiceName: 'stable', Port: 8000, Weight: 1 },
      ],
    })
    const ready = await waitFor('the Service to be told', async () => {
      const { text } = await gateway.status('/readyz?verbose')
      return text.includes('cls-2') ? text : undefined
    })
    assert.match(ready, /cls-2\/default\/stable:8000 has no nodes.*certificate/)
  })

  const service = (ClusterId: string, ServiceName: string, Port: number): Value => ({
    UpstreamId: id,
    K8sService: [{ ClusterId, Namespace: 'default', ServiceName, Port, Weight: 1 }],
  })

  const nodes = async (): Promise<Value[]> => {
    const filter = { Name: 'UpstreamId', Values: [id] }
    const { Result } = await call('DescribeUpstreams', { Limit: 1, Offset: 0, Filters: [filter] })
    const [info] = (Result as { UpstreamSet: { Nodes: Value[] }[] }).UpstreamSet
    return info?.Nodes ?? []
  }

  await t.test(
    'a headless Service in DNS: its addresses, or its SRV records, as long as they say',
    async () => {
      const zone = (port: number) => ({
        hosts: { 'orders.default.svc.test': ['127.0.0.1'], 'pod-1.test': ['127.0.0.1'] },
        lines: [`srv-host=_http._tcp.orders.default.svc.test,pod-1.test,${port}`],
      })
      const answers = (expected: string) =>
        waitFor(expected, async () => ((await ask()) === expected ? true : undefined))
      await names.change(zone(one.port))
      await call('ModifyUpstream', service('cls-3', 'orders', two.port))
      await answers('stable 2')
      await call('ModifyUpstream', service('cls-4', 'orders', 8000))
      await answers('stable 1')
      await names.change(zone(two.port))
      await answers('stable 2')
      // one upstream over two clusters, 3:1 for each pod
      const [first] = service('cls-1', 'stable', 8000).K8sService as Value[]
      const [second] = service('cls-4', 'orders', 8000).K8sService as Value[]
      await call('ModifyUpstream', { UpstreamId: id, K8sService: [{ ...first, Weight: 3 }, second] })
      await waitFor('both clusters', async () => ((await nodes()).length === 2 ? true : undefined))
      const shares: Record<string, number> = { 'stable 1': 0, 'stable 2': 0 }
      for (let i = 0; i < 8; i++) {
        const answer = await ask()
        shares[answer] = (shares[answer] ?? 0) + 1
      }
      assert.deepEqual(shares, { 'stable 1': 6, 'stable 2': 2 })
      await call('ModifyUpstream', service('cls-4', 'orders', 8000))
      await names.change({})
      await answers('status 502')
      await call('ModifyUpstream', service('cls-1', 'stable', 8000))
      await answers('stable 1')
    },
  )

  const checker = {
    EnableActiveCheck: true,
    EnablePassiveCheck: false,
    HealthyHttpStatus: '200',
    UnhealthyHttpStatus: '500,503',
    TcpFailureThreshold: 1,
    TimeoutThreshold: 1,
    HttpFailureThreshold: 1,
    ActiveCheckHttpPath: '/healthz',
    ActiveCheckInterval: 1,
    ActiveCheckTimeout: 5,
    UnhealthyTimeout: 3600,
  }
  const healthy = async (): Promise<Value> =>
    Object.fromEntries((await nodes()).map(({ Port, Healthy }) => [Port, Healthy]))
  const becomes = (expected: Value) =>
    waitFor(`nodes to be ${JSON.stringify(expected)}`, async () =>
      JSON.stringify(await healthy()) === JSON.stringify(expected) ? true : undefined,
    )
  const asked = async (count: number): Promise<string[]> => {
    const seen = new Set<string>()
    for (let i = 0; i < count; i++) seen.add(await ask())
    return [...seen].toSorted()
  }

  await t.test('probes take a pod out and bring it back; it stays out while other pods come', async (t) => {
    site.cluster.put(SLICES, sliceObject('stable', two.port, [{ address: '127.0.0.1' }], 'stable-2'))
    one.answer = ({ target }) =>
      target === '/healthz' ? answerText('down', { status: '500 Down' }) : answerText('stable 1')
    await call('ModifyUpstream', { UpstreamId: id, HealthChecker: checker })
    await becomes({ [one.port]: 'UNHEALTHY', [two.port]: 'HEALTHY' })
    assert.deepEqual(await asked(6), ['stable 2'])
    const third = await startBackend('stable 3')
    t.after(() => third.close())
    site.cluster.put(SLICES, sliceObject('stable', third.port, [{ address: '127.0.0.1' }], 'stable-3'))
    await becomes({ [one.port]: 'UNHEALTHY', [two.port]: 'HEALTHY', [third.port]: 'HEALTHY' })
    assert.deepEqual(await asked(6), ['stable 2', 'stable 3'])
    site.cluster.remove(SLICES, 'stable-3')
    one.answer = () => answerText('stable 1')
    await becomes({ [one.port]: 'HEALTHY', [two.port]: 'HEALTHY' })
    assert.deepEqual(await asked(6), ['stable 1', 'stable 2'])
  })

  await t.test('traffic alone takes pods out as well; when all are out nobody is guessed at', async () => {
    const HealthChecker = { ...checker, EnableActiveCheck: false, EnablePassiveCheck: true }
    await call('ModifyUpstream', { UpstreamId: id, HealthChecker })
    for (const pod of [one, two]) pod.answer = () => answerText('down', { status: '503 Down' })
    // an answer is no failed attempt: it goes to the client, and counts against the pod
    assert.deepEqual([await ask(), await ask()], ['status 503', 'status 503'])
    await waitFor('nobody to be left', async () => ((await ask()) === 'status 502' ? true : undefined))
    assert.deepEqual(await healthy(), { [one.port]: 'UNHEALTHY', [two.port]: 'UNHEALTHY' })
  })
})

test('a Service that is not there is told in the log, with the reason', async (t) => {
  const { call, gateway } = await setUp(t, "header.UserName = 'admin'")
  await call('CreateUpstream', {
    Scheme: 'HTTP',
    Algorithm: 'ROUND-ROBIN',
    UniqVpcId: VPC,
    UpstreamType: 'K8S',
    K8sService: [{ ClusterId: 'cls-1', Namespace: 'default', ServiceName: 'stable', Port: 9, Weight: 1 }],
  })
  await waitFor('the log to say so', async () =>
    gateway.stderr().includes('the Service has no TCP port 9: it has 8000') ? true : undefined,
  )
  assert.match((await gateway.status('/readyz?verbose')).text, /cls-1\/default\/stable:9 has no nodes/)
})

test('the same by client address, by Host, and for a share of the requests', async (t) => {
  const address = await setUp(t, "sysparam.clientIp = '127.0.0.2'")
  assert.equal(await address.ask({}, '127.0.0.2'), 'canary')
  assert.equal(await address.ask({}, '127.0.0.1'), 'stable 1')
  const host = await setUp(t, `header.Host = '${HOST}'`)
  assert.equal(await host.ask(), 'canary')
  const share = await setUp(t, 'Random() < 0.5')
  const answers = new Set<string>()
  await waitFor('both', async () => {
    answers.add(await share.ask())
    return answers.size === 2 ? true : undefined
  })
  assert.deepEqual([...answers].toSorted(), ['canary', 'stable 1'])
})
