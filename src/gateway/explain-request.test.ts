import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ExplainError,
  findListener,
  readExplainRequest,
  readExplainUrl,
  readHeaderLine,
} from './explain-request.ts'

test('a URL is taken apart as it is written: nothing in its path is resolved', () => {
  const cases: readonly [string, ReturnType<typeof readExplainUrl>][] = [
    ['/a/../b?x=1#y', { scheme: null, host: null, port: null, target: '/a/../b?x=1' }],
    ['shop.example', { scheme: null, host: 'shop.example', port: null, target: '/' }],
    ['shop.example?x', { scheme: null, host: 'shop.example', port: null, target: '/?x' }],
    ['localhost:9080/a', { scheme: null, host: 'localhost:9080', port: 9080, target: '/a' }],
    ['HTTP://Shop.example:80//a%2f', { scheme: 'http', host: 'Shop.example:80', port: 80, target: '//a%2f' }],
    ['http://[::1]:9080/', { scheme: 'http', host: '[::1]:9080', port: 9080, target: '/' }],
    ['http://[::1]/', { scheme: 'http', host: '[::1]', port: null, target: '/' }],
    ['/straße a', { scheme: null, host: null, port: null, target: '/stra%C3%9Fe%20a' }],
    ['*', { scheme: null, host: null, port: null, target: '*' }],
  ]
  for (const [text, expected] of cases) assert.deepEqual(readExplainUrl(text), expected, text)
  for (const text of ['', 'http:///x', 'ftp://a/', 'a:b/', 'a:123456/', 'a\r\nX-A: 1/', 'a b/'])
    assert.throws(() => readExplainUrl(text), ExplainError, text)
})

test('a header line has a name and a value on one line', () => {
  assert.deepEqual(readHeaderLine('X-Env:  dev '), ['X-Env', 'dev'])
  assert.deepEqual(readHeaderLine('x:'), ['x', ''])
  for (const line of ['foo', ': x', 'a b: c', 'a: b\r\nc: d'])
    assert.throws(() => readHeaderLine(line), ExplainError)
})

test('a Host header stands for the host of the URL, and a port names the listener', () => {
  const request = readExplainRequest({
    url: 'localhost:9080/x',
    headers: { Host: 'shop.example', 'X-A': '1' },
    body: 'k=1',
  })
  assert.deepEqual(request, {
    method: 'GET',
    target: '/x',
    host: 'shop.example',
    headers: [['X-A', '1']],
    clientAddress: '127.0.0.1',
    listener: '9080',
    body: 'k=1',
  })
  assert.equal(
    readExplainRequest({ url: 'localhost:9080/x', listener: '127.0.0.1:1' }).listener,
    '127.0.0.1:1',
  )
})

test('a listener is found by its address or its port, and the first one without either', () => {
  const addresses = ['127.0.0.1:9080', '[::1]:9081']
  assert.equal(findListener(null, addresses), '127.0.0.1:9080')
  assert.equal(findListener('9081', addresses), '[::1]:9081')
  assert.equal(findListener('127.0.0.1:9080', addresses), '127.0.0.1:9080')
  assert.throws(
    () => findListener('80', addresses),
    /at port 80 \(there are 127\.0\.0\.1:9080, \[::1\]:9081\)/,
  )
  assert.throws(() => findListener(null, []), /no listener/)
})
