import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { ClusterSettings } from '../../model/settings.ts'
import type { Upstream } from '../../model/upstream.ts'
import { toYaml } from '../../model/yaml-text.ts'
import { document, faultsOf, settingsWith, translateAll } from './testing/translate.ts'

/** Fields of upstreams with their bounds and defaults (spec/tencent.md 5.1). */

const NODE = { Host: '10.0.0.1', Port: 80, Weight: 1 }
const SERVICE = { ClusterId: 'cls-1', Namespace: 'shop', ServiceName: 'orders', Port: 8000, Weight: 1 }
const CHECKER = {
  EnableActiveCheck: true,
  EnablePassiveCheck: true,
  HealthyHttpStatus: '200',
  UnhealthyHttpStatus: '500',
  TcpFailureThreshold: 1,
  TimeoutThreshold: 2,
  HttpFailureThreshold: 3,
}

function upstreamWith(fields: JsonObject): JsonObject {
  const required = { Scheme: 'HTTP', Algorithm: 'ROUND-ROBIN', UniqVpcId: 'vpc-aaaa1111' }
  const members = fields.UpstreamType === 'K8S' ? { K8sService: [SERVICE] } : { Nodes: [NODE] }
  return { UpstreamId: 'upstream-aaaaaaaa', ...required, ...members, ...fields }
}

const faults = (fields: JsonObject): readonly string[] => faultsOf('upstreams', toYaml(upstreamWith(fields)))

function without(fields: JsonObject, name: string): JsonObject {
  const { [name]: _, ...rest } = fields
  return rest
}

function translated(fields: JsonObject): { upstream: Upstream; warnings: readonly string[] } {
  const { objects, warnings } = translateAll([
    document('upstreams', 'upstream-aaaaaaaa', upstreamWith(fields)),
  ])
  const [upstream] = objects
  assert.ok(upstream?.kind === 'upstream')
  return { upstream, warnings }
}

/** The first value of each pair is taken, the others are refused with the place and the code. */
function checkBounds(
  place: (value: JsonValue) => JsonObject,
  path: string,
  { taken, refused, code }: { taken: readonly JsonValue[]; refused: readonly JsonValue[]; code: string },
): void {
  for (const value of taken) assert.deepEqual(faults(place(value)), [], `${path} ${value}`)
  for (const value of refused) {
    const found = faults(place(value))
    assert.equal(found.length, 1, `${path} ${value}: ${found.join()}`)
    assert.ok(found[0]?.startsWith(`${path}: [${code}] `), found[0])
  }
}

const RANGE = 'InvalidParameterValue.RangeExceeded'

test('Scheme, Algorithm and UniqVpcId are required; the four schemes and both spellings are taken', () => {
  const whole = upstreamWith({})
  for (const name of ['Scheme', 'Algorithm', 'UniqVpcId'])
    assert.deepEqual(faultsOf('upstreams', toYaml(without(whole, name))), [
      `${name}: [MissingParameter] ${name} is required`,
    ])
  const schemes = { HTTP: 'http', HTTPS: 'https', gRPC: 'grpc', gRPCs: 'grpcs' }
  for (const [Scheme, scheme] of Object.entries(schemes)) {
    assert.deepEqual(faults({ Scheme }), [])
    assert.equal(translated({ Scheme }).upstream.scheme, scheme)
  }
  for (const Algorithm of ['ROUND-ROBIN', 'ROUND_ROBIN']) assert.deepEqual(faults({ Algorithm }), [])
  assert.match(faults({ Algorithm: 'HASH' })[0] ?? '', /^Algorithm: \[InvalidParameterValue\.NotInOptions\]/)
  assert.match(
    faults({ UpstreamType: 'DNS' })[0] ?? '',
    /^UpstreamType: \[InvalidParameterValue\.NotInOptions\]/,
  )
})

test('Retries, names and nodes at their bounds', () => {
  checkBounds((Retries) => ({ Retries }), 'Retries', { taken: [1, 100], refused: [0, 101], code: RANGE })
  checkBounds((UpstreamName) => ({ UpstreamName }), 'UpstreamName', {
    taken: ['a', 'A_9'.padEnd(50, 'x')],
    refused: ['x'.repeat(51)],
    code: 'InvalidParameterValue.LengthExceeded',
  })
  const node = (fields: JsonObject): JsonObject => ({ Nodes: [{ ...NODE, ...fields }] })
  checkBounds((Port) => node({ Port }), 'Nodes[0].Port', {
    taken: [0, 65_535],
    refused: [-1, 65_536],
    code: 'InvalidParameterValue.InvalidPort',
  })
  checkBounds((Weight) => node({ Weight }), 'Nodes[0].Weight', {
    taken: [0, 100],
    refused: [-1, 101],
    code: RANGE,
  })
  for (const name of Object.keys(NODE))
    assert.deepEqual(faults({ Nodes: [without(NODE, name)] }), [
      `Nodes[0].${name}: [MissingParameter] ${name} is required`,
    ])
  for (const Host of ['10.0.0.1', 'fd00::1', 'node-1.example.net'])
    assert.deepEqual(faults(node({ Host })), [])
  assert.deepEqual(faults(node({ VmInstanceId: 'ins-1', Tags: ['blue'] })), [])
  assert.deepEqual(faults({ UpstreamDescription: 'all of them', Tags: [{ Key: 'team', Value: 'a' }] }), [])
  assert.deepEqual(faults({ Tags: [{ Value: 'a' }] }), ['Tags[0].Key: [MissingParameter] Key is required'])
  for (const UpstreamHost of ['a.example', 'a.example:8080']) assert.deepEqual(faults({ UpstreamHost }), [])
  assert.match(faults({ UpstreamHost: 'http://a.example' })[0] ?? '', /^UpstreamHost: .* host or host:port$/)
})

test('twenty Services at most and one at least, each with its five required fields', () => {
  const services = (count: number) => ({
    UpstreamType: 'K8S',
    K8sService: Array.from({ length: count }, (_, i) => ({ ...SERVICE, ServiceName: `orders-${i}` })),
  })
  assert.deepEqual(faults(services(20)), [])
  assert.deepEqual(faults(services(21)), [
    'K8sService: [InvalidParameterValue.ParameterValueLimitExceeded] K8sService has 21 entries, at most 20 are allowed',
  ])
  assert.deepEqual(faults(services(0)), [
    'K8sService: [MissingParameter] K8sService needs one Service at least',
  ])
  const service = (fields: JsonObject): JsonObject => ({ UpstreamType: 'K8S', K8sService: [fields] })
  for (const name of Object.keys(SERVICE))
    assert.deepEqual(faults(service(without(SERVICE, name))), [
      `K8sService[0].${name}: [MissingParameter] ${name} is required`,
    ])
  checkBounds((Weight) => service({ ...SERVICE, Weight }), 'K8sService[0].Weight', {
    taken: [0, 100],
    refused: [-1, 101],
    code: RANGE,
  })
  checkBounds((Port) => service({ ...SERVICE, Port }), 'K8sService[0].Port', {
    taken: [1, 65_535],
    refused: [0, 65_536],
    code: 'InvalidParameterValue.InvalidPort',
  })
  const labels = [{ Key: 'app', Value: 'shop' }]
  assert.deepEqual(faults(service({ ...SERVICE, ExtraLabels: labels, Name: 'orders' })), [])
})

test('ExtraLabels are refused where the cluster is read by DNS, which knows no labels', () => {
  const K8sService = [{ ...SERVICE, ExtraLabels: [{ Key: 'app', Value: 'shop' }] }]
  const text = toYaml(upstreamWith({ UpstreamType: 'K8S', K8sService }))
  const clusters = (cluster: ClusterSettings) => settingsWith({ clusters: { 'cls-1': cluster } })
  assert.deepEqual(faultsOf('upstreams', text, clusters({ directory: '/a' })), [])
  assert.deepEqual(faultsOf('upstreams', text, clusters({ dns: '{service}.test' })), [
    'K8sService[0].ExtraLabels: [UnsupportedOperation] cls-1 is read by DNS (tencent.clusters), which knows no labels of pods (make a headless Service that selects them, or let the cluster be read by its API server)',
  ])
  const plain = toYaml(upstreamWith({ UpstreamType: 'K8S' }))
  assert.deepEqual(faultsOf('upstreams', plain, clusters({ dns: '{service}.test' })), [])
})

test('HealthChecker: seven required fields, thresholds from 0 to 254, statuses between commas', () => {
  const checker = (fields: JsonObject): JsonObject => ({ HealthChecker: { ...CHECKER, ...fields } })
  for (const name of Object.keys(CHECKER))
    assert.deepEqual(faults({ HealthChecker: without(CHECKER, name) }), [
      `HealthChecker.${name}: [MissingParameter] ${name} is required`,
    ])
  for (const name of ['TcpFailureThreshold', 'TimeoutThreshold', 'HttpFailureThreshold'])
    checkBounds((value) => checker({ [name]: value }), `HealthChecker.${name}`, {
      taken: [0, 254],
      refused: [-1, 255],
      code: RANGE,
    })
  for (const name of ['HealthyHttpStatus', 'UnhealthyHttpStatus'])
    checkBounds((value) => checker({ [name]: value }), `HealthChecker.${name}`, {
      taken: ['200', '200,302', ' 500 , 599 '],
      refused: ['199', '600', '2xx', '200,', '200;201', '200-299'],
      code: 'InvalidParameterValue',
    })
  for (const name of ['ActiveCheckTimeout', 'ActiveCheckInterval'])
    checkBounds((value) => checker({ [name]: value }), `HealthChecker.${name}`, {
      taken: [1, 3600],
      refused: [0, 3601],
      code: RANGE,
    })
  checkBounds((value) => checker({ ActiveCheckHttpPath: value }), 'HealthChecker.ActiveCheckHttpPath', {
    taken: ['/', '/healthz?deep=1'],
    refused: ['healthz', '/a b'],
    code: 'InvalidParameterValue',
  })
  // it may be 0 where a probe brings nodes back
  checkBounds((value) => checker({ UnhealthyTimeout: value }), 'HealthChecker.UnhealthyTimeout', {
    taken: [0, 86_400],
    refused: [-1, 86_401],
    code: RANGE,
  })
  checkBounds(
    (value) => checker({ EnableActiveCheck: false, UnhealthyTimeout: value }),
    'HealthChecker.UnhealthyTimeout',
    { taken: [1], refused: [0], code: RANGE },
  )
})

test('what a HealthChecker leaves out: the path /, a probe each 5 s with 5 s to answer, 30 s out', () => {
  const { upstream } = translated({ HealthChecker: CHECKER })
  const { active, passive } = upstream.health ?? {}
  assert.deepEqual(
    [active?.path, active?.timeoutMs, active?.healthy.intervalMs, active?.unhealthy.intervalMs],
    ['/', 5000, 5000, 5000],
  )
  assert.equal(passive?.returnsAfterMs, 30_000)
  const { statuses, tcpFailures, timeouts, httpFailures } = passive?.unhealthy ?? {}
  assert.deepEqual([statuses, tcpFailures, timeouts, httpFailures], [[500], 1, 2, 3])
  assert.deepEqual(active?.unhealthy, { intervalMs: 5000, ...passive?.unhealthy })
  assert.equal(active?.healthy.successes, 1, 'there is no success threshold')
  const never = translated({ HealthChecker: { ...CHECKER, UnhealthyTimeout: 0 } }).upstream.health
  assert.equal(never?.passive?.returnsAfterMs, null, 'a probe alone brings it back')
})

test('each kind of check is there only where it is switched on, for pods as for nodes', () => {
  const kinds = (EnableActiveCheck: boolean, EnablePassiveCheck: boolean, fields: JsonObject = {}) => {
    const HealthChecker = { ...CHECKER, EnableActiveCheck, EnablePassiveCheck }
    const { health } = translated({ HealthChecker, ...fields }).upstream
    return health === null ? null : [health.active !== null, health.passive !== null]
  }
  assert.deepEqual(kinds(true, true), [true, true])
  assert.deepEqual(kinds(true, false), [true, false])
  assert.deepEqual(kinds(false, true), [false, true])
  assert.equal(kinds(false, false), null)
  assert.deepEqual(kinds(true, true, { UpstreamType: 'K8S' }), [true, true])
})

test('checks whose every threshold is 0 find nothing, which is told', () => {
  const off = { TcpFailureThreshold: 0, TimeoutThreshold: 0, HttpFailureThreshold: 0 }
  const HealthChecker = { ...CHECKER, ...off }
  assert.deepEqual(faults({ HealthChecker }), [])
  assert.deepEqual(translated({ HealthChecker }).warnings, [
    'upstreams/upstream-aaaaaaaa HealthChecker: all thresholds are 0: the checks never find a node unhealthy',
  ])
  const isOff = { ...HealthChecker, EnableActiveCheck: false, EnablePassiveCheck: false }
  assert.deepEqual(translated({ HealthChecker: isOff }).warnings, [])
})

test('what has no published shape, and probes that nodes of gRPC could not answer, are refused by name', () => {
  assert.deepEqual(faults({ HealthChecker: { ...CHECKER, ActiveRequestHeader: [{ Name: 'a' }] } }), [
    'HealthChecker.ActiveRequestHeader: [UnsupportedOperation] ActiveRequestHeader is not supported, because its shape is not published',
  ])
  assert.deepEqual(faults({ HealthChecker: { ...CHECKER, ActiveRequestHeader: [] } }), [])
  for (const Scheme of ['gRPC', 'gRPCs']) {
    assert.deepEqual(faults({ Scheme, HealthChecker: CHECKER }), [
      'HealthChecker.EnableActiveCheck: [UnsupportedOperation] active checks ask for a path by HTTP, which nodes of gRPC do not answer (use passive checks)',
    ])
    assert.deepEqual(faults({ Scheme, HealthChecker: { ...CHECKER, EnableActiveCheck: false } }), [])
  }
})
