import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fillVariables, readAddress, resolveAddress } from './address.ts'

const text = (address: string): string => {
  const read = readAddress(address)
  if ('error' in read) return read.error
  const { scheme, host, port, path, isWebSocket } = read
  return `${scheme} ${host} ${port} ${path === '' ? '-' : path}${isWebSocket ? ' WebSocket' : ''}`
}

test('an address is protocol, host, port and path, in each of its forms', () => {
  const rows = {
    'http://h': 'http h 80 -',
    'https://h/': 'https h 443 -',
    'HTTP://h:8080/a/b/': 'http h 8080 /a/b',
    'http://[::1]:81/a': 'http ::1 81 /a',
    'h:50051': 'grpc h 50051 -',
    'grpc://h:50051': 'grpc h 50051 -',
    'grpcs://h:50051/': 'grpcs h 50051 -',
    'ws://h/chat': 'http h 80 /chat WebSocket',
    'wss://h:9443': 'https h 9443 - WebSocket',
  }
  for (const [address, expected] of Object.entries(rows)) assert.equal(text(address), expected)
})

test('what is no address is told, with what would be one', () => {
  const rows = {
    '': /is no address: write http:\/\/host:port\/path/,
    h: /names no protocol: write http:\/\/h, or host:port for gRPC/,
    'h:1/a': /names no protocol/,
    'http://': /is no address/,
    'http://h?a=1': /is no address/,
    'http://u:p@h': /is no address/,
    'ftp://h': /the protocol must be one of http, https, ws, wss, grpc, grpcs/,
    'http://h:0': /ports are 1 to 65535/,
    'http://h:65536': /ports are 1 to 65535/,
    'grpc://h': /an address of gRPC needs a port/,
    'grpc://h:1/a': /an address of gRPC has no path/,
  }
  for (const [address, fault] of Object.entries(rows)) assert.match(text(address), fault, address)
})

test('variables are filled in anywhere, and the first that is missing is named', () => {
  const variables = { HOST: 'h', PORT: '81' }
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: variables are written so
  assert.deepEqual(fillVariables('http://${HOST}:${PORT}/${HOST}', variables), { text: 'http://h:81/h' })
  assert.deepEqual(fillVariables('http://${HOST}:${NO}/${NONE}', variables), { missing: 'NO' })
  assert.deepEqual(fillVariables('http://${toString}', variables), { missing: 'toString' })
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: variables are written so
})

test('an address of a list has its variables filled in, or says which the environment lacks or why it is none', () => {
  const variables = { HOST: 'a.test', WORD: 'no host' }
  const resolve = (address: string) => resolveAddress({ address }, variables)
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: variables are written so
  const { target, text } = resolve('http://${HOST}/v1') as { target: { host: string }; text: string }
  assert.deepEqual([text, target.host], ['http://a.test/v1', 'a.test'])
  assert.deepEqual(resolve('http://${PORT}'), { missing: 'PORT' })
  const broken = resolve('http://${WORD}') as { text: string; error: string }
  assert.equal(broken.text, 'http://no host')
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: variables are written so
  assert.match(broken.error, /is no address/)
})
