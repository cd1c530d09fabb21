import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { JsonValue } from '../model/json.ts'
import { resolveSettings } from './settings.ts'
import { checkSettings } from './settings-schema.ts'

function makeFile(t: TestContext, name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-settings-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

function faultsOf(work: () => unknown): string[] {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof GatewayError)
    assert.equal(error.code, 'BAD_SETTING')
    return error.message.split('\n')
  }
  return []
}

test('without any source the defaults hold, and they are good by their own schema', () => {
  assert.deepEqual(resolveSettings({}, {}), DEFAULT_SETTINGS)
  assert.deepEqual(checkSettings(JSON.parse(JSON.stringify(DEFAULT_SETTINGS))), [])
})

test('a flag wins over the environment, that over the settings file, that over the config file, that over the default', (t) => {
  const file = makeFile(
    t,
    's.yaml',
    'workers: 3\nlogLevel: warn\nstatus: 127.0.0.1:1\nlimits: { maxFields: 7 }\n',
  )
  const config = makeFile(
    t,
    'c.yaml',
    'gateway:\n  workers: 2\n  errorField: false\n  limits: { maxFields: 8, maxHeadBytes: 999 }\nroutes: []\n',
  )
  const env = { HEADGATE_WORKERS: '4', HEADGATE_LOG_LEVEL: 'error', HEADGATE_STATUS: '' }
  const settings = resolveSettings({ settings: file, config, workers: '5' }, env)
  assert.equal(settings.workers, 5)
  assert.equal(settings.logLevel, 'error')
  assert.equal(settings.status, '127.0.0.1:1') // a variable that is empty counts as not set
  assert.equal(settings.errorField, false)
  assert.equal(settings.limits.maxFields, 7)
  assert.equal(settings.limits.maxHeadBytes, 999)
  assert.equal(settings.limits.maxTargetBytes, DEFAULT_SETTINGS.limits.maxTargetBytes)
  assert.equal(settings.config, config)
})

test('every flag has an environment variable of the same meaning', () => {
  const flags = resolveSettings(
    {
      listen: ['127.0.0.1:1', ':2'],
      admin: 'off',
      adminKey: 'k',
      insecureAdminKey: true,
      status: '9091',
      store: 'memory',
      workers: '1',
      accessLog: 'off',
      logLevel: 'debug',
    },
    {},
  )
  const env = resolveSettings(
    {},
    {
      HEADGATE_LISTEN: '127.0.0.1:1, :2',
      HEADGATE_ADMIN: 'off',
      HEADGATE_ADMIN_KEY: 'k',
      HEADGATE_INSECURE_ADMIN_KEY: '1',
      HEADGATE_STATUS: '9091',
      HEADGATE_STORE: 'memory',
      HEADGATE_WORKERS: '1',
      HEADGATE_ACCESS_LOG: 'off',
      HEADGATE_LOG_LEVEL: 'debug',
    },
  )
  assert.deepEqual(flags, env)
  assert.deepEqual(flags.listen, ['127.0.0.1:1', '0.0.0.0:2'])
  assert.deepEqual([flags.admin.listen, flags.status, flags.accessLog.path], [null, '127.0.0.1:9091', null])
})

test('all faults are told at once, each with its flag, variable or place in the file', (t) => {
  const config = makeFile(t, 'c.yaml', 'gateway:\n  limits:\n    maxFeilds: 1\n')
  const faults = faultsOf(() =>
    resolveSettings({ config, workers: 'many', logLevel: 'loud' }, { HEADGATE_STATUS: 'nowhere' }),
  )
  assert.equal(faults.length, 4)
  assert.match(
    faults[0] ?? '',
    /c\.yaml:3:\d+: gateway\.limits\.maxFeilds: unknown setting: did you mean maxFields\?/,
  )
  assert.match(faults[1] ?? '', /^HEADGATE_STATUS: must be host:port or null/)
  assert.match(faults[2] ?? '', /^--workers: must be an integer from 0 to 256, got "many"/)
  assert.match(faults[3] ?? '', /^--log-level: must be trace or debug/)
})

test('a settings file that is not there or no YAML is one clear line', (t) => {
  assert.match(faultsOf(() => resolveSettings({ settings: '/nowhere/s.yaml' }, {}))[0] ?? '', /ENOENT/)
  const file = makeFile(t, 's.yaml', 'a: [\n')
  assert.match(faultsOf(() => resolveSettings({ settings: file }, {}))[0] ?? '', /s\.yaml/)
})

test('no message holds a key', () => {
  const [fault] = checkSettings({ admin: { key: ['hidden'] } })
  assert.ok(fault !== undefined && !fault.message.includes('hidden'))
})

test('texts of a settings file take values from the environment', (t) => {
  const file = makeFile(
    t,
    's.yaml',
    `tencent: { domain: "\${{DOMAIN}}", credentials: { a: { SecretKey: "\${{SECRET}}" } } }\nworkers: "\${{COUNT:=3}}"\n`,
  )
  const SECRET = 'secret-key-of-the-tests-00000001'
  const settings = resolveSettings({ settings: file }, { DOMAIN: 'api.test', SECRET })
  assert.equal(settings.tencent.domain, 'api.test')
  assert.equal(settings.tencent.credentials.a?.SecretKey, SECRET)
  assert.equal(settings.workers, 3)
  const [missing, ...more] = faultsOf(() => resolveSettings({ settings: file }, { SECRET }))
  assert.match(missing ?? '', /s\.yaml: tencent\.domain: the environment variable DOMAIN is not set$/)
  assert.deepEqual(more, [])
})

test('credentials of callers are long enough, and never shown', () => {
  const faultsOf = (credential: JsonValue, id = 'AKID1'): readonly string[] =>
    checkSettings({ tencent: { credentials: { [id]: credential } } }).map(
      ({ path, message }) => `${path}: ${message}`,
    )
  const good = { SecretKey: 'secret-key-of-the-tests-00000001', role: 'viewer' }
  assert.deepEqual(faultsOf(good), [])
  const place = 'tencent.credentials.AKID1'
  assert.deepEqual(faultsOf({ role: 'viewer' }), [`${place}: must have a SecretKey`])
  assert.deepEqual(faultsOf({ SecretKey: 'hidden' }), [
    `${place}.SecretKey: must be 24 to 256 visible characters of ASCII, got ***`,
  ])
  assert.match(faultsOf({ ...good, role: 'owner' })[0] ?? '', /role: must be admin or viewer/)
  assert.match(faultsOf(good, 'a b')[0] ?? '', /a SecretId has up to 128/)
})

test('a function may have a path, a namespace a code', () => {
  const check = (tencent: JsonValue) => checkSettings({ tencent }).map(({ path }) => path)
  const name = 'default/resize/$LATEST'
  assert.deepEqual(check({ functions: { [name]: 'http://127.0.0.1:9000/2015-03-31/invoke' } }), [])
  for (const bad of ['http://a.test/b c', 'http://a.test?x', 'a.test/b'])
    assert.deepEqual(check({ functions: { [name]: bad } }), [`tencent.functions.${name}`], bad)
  assert.deepEqual(check({ namespace_codes: { 'namespace-1': 'prod' } }), [])
  assert.deepEqual(check({ namespace_codes: { 'namespace-1': 'a/b' } }), [
    'tencent.namespace_codes.namespace-1',
  ])
})

test('a cluster is reached in one way, with what belongs to it', () => {
  const faultsOf = (cluster: JsonValue): readonly string[] =>
    checkSettings({ tencent: { clusters: { 'cls-1': cluster } } }).map(({ path, message }) => {
      assert.ok(path.startsWith('tencent.clusters.cls-1'), path)
      return message
    })
  for (const good of [
    { directory: '/a' },
    { dns: '{service}.{namespace}.svc.cluster.local' },
    { dns: '_http._tcp.{service}.{namespace}.svc.cluster.local.' },
    { dns: '{service}' },
    { kubeconfig: '/a', context: 'b' },
    { inCluster: true },
    { server: 'https://k8s.test:6443', tokenFile: '/t', caFile: '/c' },
    { server: 'http://127.0.0.1:8001', tokenFile: '/t' },
    { server: 'http://[::1]:8001', tokenFile: '/t' },
    { server: 'http://proxy.test:8001/k8s' },
  ])
    assert.deepEqual(faultsOf(good), [], JSON.stringify(good))
  const one = 'must have one of directory, dns, kubeconfig, server and inCluster: true, has'
  assert.deepEqual(faultsOf({}), [`${one} none`])
  assert.deepEqual(faultsOf({ inCluster: false }), [`${one} none`])
  assert.deepEqual(faultsOf({ directory: '/a', inCluster: true }), [`${one} directory and inCluster`])
  assert.deepEqual(faultsOf({ directory: '/a', context: 'b' }), ['context stands with kubeconfig only'])
  assert.deepEqual(faultsOf({ dns: '{service}', directory: '/a' }), [`${one} directory and dns`])
  for (const dns of ['{service}..test', '{name}.{service}.test', '{service} .test', '_http._tcp.', ''])
    assert.match(faultsOf({ dns })[0] ?? '', /must be a name in DNS|must be \{service\}/, dns)
  assert.deepEqual(faultsOf({ dns: 'orders.shop.svc.cluster.local' }), [
    'must hold {service}, or all Services would have the same pods',
  ])
  assert.deepEqual(faultsOf({ inCluster: true, caFile: '/c' }), ['caFile stands with server only'])
  assert.deepEqual(faultsOf({ server: 'http://k8s.test', tokenFile: '/t' }), [
    'a token is sent over https only, or within the machine',
  ])
  assert.deepEqual(faultsOf({ server: 'http://k8s.test', caFile: '/c' }), [
    'caFile stands with a server of https only',
  ])
  assert.deepEqual(faultsOf({ server: 'k8s.test' }), ['must be https://host[:port]'])
  assert.deepEqual(faultsOf({ server: 'https://u:p@k8s.test' }), [
    'must not hold credentials: they stand in tokenFile',
  ])
})
