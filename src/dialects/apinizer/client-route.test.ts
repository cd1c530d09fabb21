import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { JsonObject } from '../../model/json.ts'
import { RoutingTable } from '../../routing/routing-table.ts'
import type { CompiledRoute } from '../../routing/table.ts'
import { makeEnvironment, makeSection, makeView } from '../../routing/test-fixtures.ts'
import { proxyOf, translateFile } from './testing.ts'
import { validate } from './validate.ts'

/** Which proxy takes a request, asked of the table that serves. */
function tableOf(proxies: readonly JsonObject[], settings = DEFAULT_SETTINGS) {
  const table = new RoutingTable([makeSection('apinizer')], makeEnvironment())
  const edit = table.begin()
  for (const object of translateFile({ apinizer: { proxies } }, settings).objects)
    if (object.kind === 'route') edit.upsert(object)
  edit.commit(1)
  return (path: string, parts: Parameters<typeof makeView>[0] = {}): string | null => {
    const found = table.find(makeView({ path, host: 'other.test', ...parts }), null)
    return found === null ? null : (found as CompiledRoute).model.name
  }
}

test('of all 81 combinations of absent, matched and failed only those without a failed criterion are taken', () => {
  const states = ['absent', 'matched', 'failed'] as const
  let taken = 0
  for (const path of states)
    for (const host of states)
      for (const method of states)
        for (const header of states) {
          const all = [path, host, method, header]
          if (all.every((state) => state === 'absent')) continue
          const clientRoute: Record<string, JsonObject[string]> = {}
          if (path !== 'absent') clientRoute.relativePathList = [path === 'matched' ? '/a' : '/b']
          if (host !== 'absent') clientRoute.hostList = [host === 'matched' ? 'Shop.test' : 'no.test']
          if (method !== 'absent') clientRoute.methodList = [method === 'matched' ? 'get' : 'POST']
          if (header !== 'absent')
            clientRoute.headerList = [{ name: 'X-Mode', value: header === 'matched' ? 'Test' : 'test' }]
          const find = tableOf([proxyOf('one', clientRoute)])
          const found = find('/a/x', { host: 'shop.test', headers: { 'x-mode': 'Test' } })
          const isTaken = !all.includes('failed')
          assert.equal(found, isTaken ? 'one' : null, all.join(' '))
          if (isTaken) taken++
        }
  assert.equal(taken, 15)
})

test("the vendor's worked example", () => {
  const headers = (...pairs: [string, string][]) => pairs.map(([name, value]) => ({ name, value }))
  const find = tableOf([
    proxyOf('1', {
      relativePathList: ['/jokes'],
      headerList: headers(['testmode', 'true'], ['test', 'true']),
    }),
    proxyOf('2', { relativePathList: ['/jokes'], hostList: ['hostname_x.com', 'hostname_y.com'] }),
    proxyOf('3', { relativePathList: ['/jokes1/endpoint_x'] }),
    proxyOf('4', { relativePathList: ['/jokes1'] }),
    proxyOf('5', { relativePathList: ['/jokes'] }),
  ])
  const both = { testmode: 'true', test: 'true' }
  assert.equal(find('/jokes'), '5')
  assert.equal(find('/jokes', { host: 'hostname_x.com' }), '2')
  assert.equal(find('/jokes', { host: 'hostname_y.com' }), '2')
  assert.equal(find('/jokes', { headers: { testmode: 'true' } }), '5')
  assert.equal(find('/jokes', { headers: both }), '1')
  assert.equal(find('/jokes', { host: 'hostname_x.com', headers: both }), '2')
  assert.equal(find('/jokes1', { host: 'hostname_x.com', headers: both }), '4')
  assert.equal(find('/jokes1/endpoint_x/endpoint_y'), '3')
  assert.equal(find('/jokes1/endpoint_y'), '4')
  assert.equal(find('/jokesters'), null)
  assert.equal(find('/jokes/'), '5')
  assert.equal(find('/Jokes'), null)
})

test('a deeper path whose host fails gives way to its parent; hosts by exactness, then length', () => {
  const find = tableOf([
    proxyOf('parent', { relativePathList: ['/a'] }),
    proxyOf('deep', { relativePathList: ['/a/b'], hostList: ['x.test'] }),
    proxyOf('left', { relativePathList: ['/h'], hostList: ['*.example.com'] }),
    proxyOf('longer', { relativePathList: ['/h'], hostList: ['*.a.example.com'] }),
    proxyOf('right', { relativePathList: ['/h'], hostList: ['example.*'] }),
    proxyOf('exact', { relativePathList: ['/h'], hostList: ['b.a.example.com'] }),
    proxyOf('methods', { methodList: ['GET'] }),
  ])
  assert.equal(find('/a/b'), 'parent')
  assert.equal(find('/a/b', { host: 'x.test' }), 'deep')
  assert.equal(find('/h', { host: 'x.y.example.com' }), 'left')
  assert.equal(find('/h', { host: 'c.a.example.com' }), 'longer')
  assert.equal(find('/h', { host: 'b.a.example.com' }), 'exact')
  assert.equal(find('/h', { host: 'example.org' }), 'right')
  assert.equal(find('/h', { host: 'example.co.uk' }), 'right')
  assert.equal(find('/h', { host: 'www.example.org' }), 'methods')
  assert.equal(find('/h', { host: 'example.com' }), 'right')
  assert.equal(find('/z'), 'methods')
  assert.equal(find('/z', { method: 'POST' }), null)
})

test('more headers, a list of methods, then what was made first; the root context stands in front', () => {
  const settings = {
    ...DEFAULT_SETTINGS,
    apinizer: { ...DEFAULT_SETTINGS.apinizer, root_context: '/apigateway' },
  }
  const header = (name: string) => ({ name, value: '1' })
  const find = tableOf(
    [
      proxyOf('plain', { relativePathList: ['/p/*'] }),
      proxyOf('later', { relativePathList: ['/p'] }),
      proxyOf('get', { relativePathList: ['/p'], methodList: ['GET'] }),
      proxyOf('one', { relativePathList: ['/p'], headerList: [header('a')] }),
      proxyOf('two', { relativePathList: ['/p'], headerList: [header('a'), header('b')] }),
    ],
    settings,
  )
  assert.equal(find('/p'), null)
  assert.equal(find('/apigateway/p'), 'get')
  assert.equal(find('/apigateway/p', { method: 'POST' }), 'plain')
  assert.equal(find('/apigateway/p', { headers: { a: '1' } }), 'one')
  assert.equal(find('/apigateway/p', { headers: { a: '1', b: '1' } }), 'two')
})

test('a star at the end, a slash at the end, a port of a host and ALL say nothing', () => {
  const find = tableOf([
    proxyOf('star', { relativePathList: ['/s*'] }),
    proxyOf('slash', { relativePathList: ['/t/'] }),
    proxyOf('port', { hostList: ['Shop.test:8080'] }),
    proxyOf('all', { relativePathList: ['/all'], methodList: ['GET', 'ALL'] }),
  ])
  assert.deepEqual([find('/s'), find('/s/a'), find('/sa')], ['star', 'star', null])
  assert.deepEqual([find('/t'), find('/t/'), find('/t/a'), find('/ta')], ['slash', 'slash', 'slash', null])
  assert.equal(find('/x', { host: 'shop.test' }), 'port')
  assert.equal(find('/all', { method: 'PATCH' }), 'all')
})

test('each method of the list by itself', () => {
  const methods = ['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'TRACE']
  const find = tableOf(methods.map((method) => proxyOf(method, { methodList: [method.toLowerCase()] })))
  for (const method of methods) assert.equal(find('/x', { method }), method)
  assert.equal(find('/x', { method: 'LINK' }), null)
})

test('names of headers in any case, with each character as it is written', () => {
  const find = tableOf([proxyOf('one', { headerList: [{ name: 'X-Mode', value: 'Test' }] })])
  assert.equal(find('/x', { headers: { 'x-mode': 'Test' } }), 'one')
  for (const headers of [{ 'x-mode': 'TEST' }, { 'x-mode': 'Test2' }, { x_mode: 'Test' }, {}])
    assert.equal(find('/x', { headers }), null)
})

test('of several paths of one route the longest that matches counts, and each may be another route’s parent', () => {
  const find = tableOf([
    proxyOf('both', { relativePathList: ['/a', '/a/b/c'] }),
    proxyOf('middle', { relativePathList: ['/a/b'] }),
  ])
  assert.deepEqual([find('/a/x'), find('/a/b'), find('/a/b/c/d')], ['both', 'middle', 'both'])
})

test('protocol and port', () => {
  const find = tableOf([
    proxyOf('secure', { relativePathList: ['/p'], protocol: 'https' }),
    proxyOf('socket', { relativePathList: ['/s'], protocol: 'ws' }),
    proxyOf('call', { relativePathList: ['/c'], protocol: 'grpc' }),
    proxyOf('port', { relativePathList: ['/q'], port: 9443 }),
  ])
  assert.equal(find('/p'), null)
  assert.equal(find('/p', { scheme: 'https' }), 'secure')
  assert.equal(find('/s'), null)
  assert.equal(find('/s', { headers: { upgrade: 'WebSocket' } }), 'socket')
  assert.equal(find('/c', { headers: { 'content-type': 'application/grpc+proto' } }), 'call')
  assert.equal(find('/q'), null)
  assert.equal(find('/q', { localPort: 9443 }), 'port')
})

test('endpoints: those without parameters first, and what none takes is the proxy’s own miss', () => {
  const find = tableOf([
    proxyOf('all', { relativePathList: ['/books/deeper'] }),
    {
      ...proxyOf('books', { relativePathList: ['/books'] }),
      apiProxyCreationType: 'EMPTY_API',
      endpoints: [
        { name: '/{id}', httpMethod: 'GET', backendResourceUrl: '/b/{id}' },
        { name: '/all', httpMethod: 'GET', backendResourceUrl: '/b' },
      ],
    },
    proxyOf('rest', { methodList: ['GET'] }),
  ])
  for (const path of ['/books/all', '/books/7', '/books/7/', '/books/7/8', '/books'])
    assert.equal(find(path), 'books')
  assert.equal(find('/books/deeper/x'), 'all')
})

test('refused: no criterion, a bare slash, asterisks elsewhere, headers without a value, methods nobody knows', () => {
  const faultsOf = (clientRoute: JsonObject): string =>
    validate('proxies', proxyOf('one', clientRoute), DEFAULT_SETTINGS)
      .map(({ path, message }) => `${path}: ${message}`)
      .join('\n')
  const cases: readonly (readonly [JsonObject, RegExp])[] = [
    [{}, /^clientRoute: a client route needs one of relativePathList/],
    [{ relativePathList: [] }, /needs one of/],
    [{ relativePathList: ['/'] }, /relativePathList\[0\]: \/ must have 2 characters/],
    [{ relativePathList: ['a'] }, /2 characters|begin with/],
    [{ relativePathList: ['/a*b'] }, /a star may stand at the end only/],
    [{ relativePathList: ['/{a}/{a}'] }, /two parameters of one name/],
    [{ relativePathList: ['/{rest}'] }, /the name rest is taken/],
    [{ hostList: ['a.*.com'] }, /hostList\[0\]: a\.\*\.com: one \* may stand/],
    [{ hostList: ['a*.example.com'] }, /one \* may stand/],
    [{ hostList: ['*.example.*'] }, /one \* may stand/],
    [{ hostList: ['*'] }, /one \* may stand/],
    [{ headerList: [{ value: 'a' }] }, /headerList\[0\]\.name: name is required/],
    [{ headerList: [{ name: 'a' }] }, /headerList\[0\]\.value: value is required/],
    [{ methodList: ['FETCH'] }, /methodList\[0\]: FETCH must be GET/],
    [{ relativePathList: ['/a'], port: 0 }, /port must be an integer from 1 to 65535/],
    [{ relativePathList: ['/a'], protocol: 'tcp' }, /protocol must be http/],
    [{ relativePathLst: ['/a'], methodList: ['GET'] }, /a client route has no field relativePathLst/],
  ]
  for (const [clientRoute, fault] of cases) assert.match(faultsOf(clientRoute), fault)
  assert.equal(
    faultsOf({ relativePathList: ['/*'], hostList: ['*.example.com', 'example.*', 'a.b:8080'] }),
    '',
  )
})

test('whether bodies are buffered is a flag; where it says no a warning tells that it is so anyway', () => {
  const warningsOf = (more: JsonObject) =>
    translateFile({ apinizer: { proxies: [proxyOf('one', { relativePathList: ['/q'], ...more })] } }).warnings
  assert.deepEqual(warningsOf({ bufferRequest: true, bufferResponse: true }), [])
  assert.deepEqual(
    warningsOf({ bufferRequest: false, bufferResponse: false }),
    ['bufferRequest', 'bufferResponse'].map(
      (name) => `Proxy.clientRoute.${name}: bodies are passed on as they come in any case`,
    ),
  )
  const faults = validate(
    'proxies',
    proxyOf('one', { relativePathList: ['/q'], bufferRequest: 'no' }),
    DEFAULT_SETTINGS,
  )
  assert.match(faults[0]?.message ?? '', /bufferRequest must be true or false/)
})

test('a port that no listener has is warned of', () => {
  const warningsWith = (listen: readonly string[], listenTls: readonly string[]) =>
    translateFile(
      { apinizer: { proxies: [proxyOf('port', { relativePathList: ['/q'], port: 9443 })] } },
      { ...DEFAULT_SETTINGS, listen, listenTls },
    ).warnings
  assert.deepEqual(warningsWith(['127.0.0.1:9080'], []), [
    'Proxy.clientRoute.port: no listener has port 9443 (listen, listenTls): the proxy takes no request',
  ])
  assert.deepEqual(warningsWith(['127.0.0.1:9080'], ['[::]:9443']), [])
  assert.deepEqual(warningsWith(['127.0.0.1:0'], []), [])
})
