/** Requests whose point is a field: syntax, Host, Connection, Expect, Upgrade; and what is no HTTP at all, and the limits. */
import { collectRequests, get, post, show, target } from './request-case.ts'

const { cases, add } = collectRequests()

// ---- fields ----
add('folded field', get('X: a', ' b'), 400, 'close')
add('folded field with TAB', get('X: a', '\tb'), 400, 'close')
add('first field folded', 'GET /a HTTP/1.1\r\n Host: a.example\r\n\r\n', 400, 'close')
add('fold of blanks alone', get('X: a', ' '), 400, 'close')
for (const field of [
  'X : a',
  'X\t: a',
  'X',
  'X a',
  ': a',
  ':',
  'X\0: a',
  'X\x01: a',
  'X\x7f: a',
  'X\x80: a',
  '\xe4: a',
  'X(: a',
  'X/Y: a',
  'X@: a',
  'X,Y: a',
  'X[]: a',
  '"X": a',
  'X{: a',
  'X=Y: a',
  'X;Y: a',
  'X?: a',
  'X\\: a',
]) {
  add(`field line ${show(field)}`, get(field), 400, 'close')
}
for (const byte of ['\0', '\x01', '\b', '\v', '\f', '\x0e', '\x1b', '\x1f', '\x7f']) {
  add(`value with ${show(byte)}`, get(`X: a${byte}b`), 400, 'close')
}
add('value that begins with NUL', get('X:\0'), 400, 'close')
add('value with CR', get('X: a\rb'), 400, 'close')
add('value with LF', get('X: a\nb: c'), 400, 'close')
add('value with bytes from 0x80', get('X: \x80\xff\xc3\xa4'), 'pass', 'keep', {
  fields: { x: '\x80\xff\xc3\xa4' },
})
add('value with TAB inside', get('X: a\tb'), 'pass', 'keep', { fields: { x: 'a\tb' } })
add('value without a blank', get('X:a'), 'pass', 'keep', { fields: { x: 'a' } })
add('empty value', get('X:'), 'pass', 'keep', { fields: { x: '' } })
add('value of blanks', get('X: \t '), 'pass', 'keep', { fields: { x: '' } })
add('names of object members', get('__proto__: 1', 'constructor: 2', 'toString: 3'), 'pass', 'keep', {
  fields: { constructor: '2', tostring: '3' },
})
add('repeated fields stay apart and in order', get('X: 1', 'Y: 2', 'X: 3'), 'pass', 'keep', {
  fields: { x: '1, 3', y: '2' },
})
add('name with underscore', get('my_field: 1'), 'pass', 'keep', { fields: { my_field: '1' } })
for (const name of [
  'Content_Length',
  'transfer_encoding',
  'X_Real_IP',
  'x_forwarded_for',
  'X-Forwarded_Proto',
  'X_FORWARDED_HOST',
  'Keep_Alive',
  'Proxy_Connection',
  'Proxy_Authorization',
  'HTTP2_Settings',
]) {
  add(`look-alike ${name}`, get(`${name}: 7`), 'pass', 'keep', { without: [name.toLowerCase()] })
}

// ---- Host ----
add('no Host', 'GET /a HTTP/1.1\r\n\r\n', 400, 'close')
add('no Host with an absolute target', 'GET http://a.example/ HTTP/1.1\r\n\r\n', 400, 'close')
add('two Host lines', get('Host: b.example'), 400, 'close')
add('two equal Host lines', get('Host: a.example'), 400, 'close')
add('two Host lines in other cases', get('hOST: a.example'), 400, 'close')
for (const host of [
  '',
  'a b',
  'a,b',
  'a, b',
  'a/b',
  'a?b',
  'a#b',
  'a@b',
  'u:p@a',
  'a\\b',
  'a\x80',
  'a:',
  'a:x',
  'a:65536',
  'a:-1',
  'a:0',
  'a:1:2',
  '[::1',
  '::1',
  '[::1]x',
  '[]',
  '[::g]',
  'a..b',
  '.',
  'http://a',
  'a%20b',
  'a\tb',
  'a;b',
]) {
  add(`Host ${show(host)}`, get().replace('Host: a.example', `Host: ${host}`), 400, 'close')
}
add('Host with NUL', get().replace('Host: a.example', 'Host: a\0b'), 400, 'close')
for (const host of [
  'A.EXAMPLE',
  'a.example:80',
  'a.example.',
  '127.0.0.1:8080',
  '[::1]',
  '[::1]:8080',
  'my_host',
  'a-b.c',
  'xn--4ca.example',
]) {
  add(`good Host ${host}`, get().replace('Host: a.example', `Host:  ${host} `), 'pass', 'keep', { host })
}
add('HTTP/1.0 without Host', 'GET /a HTTP/1.0\r\n\r\n', 'pass', 'close')
add('HTTP/1.0 with Host', 'GET /a HTTP/1.0\r\nHost: a.example\r\n\r\n', 'pass', 'close', {
  host: 'a.example',
})
add(
  'HTTP/1.0 kept alive',
  'GET /a HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n',
  'pass',
  'keep',
)
add(
  'HTTP/1.0 kept alive and closed',
  'GET /a HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n',
  'pass',
  'close',
)

// ---- Expect, Upgrade, Connection ----
add('Expect: 100-continue', post('hello', 'Expect: 100-continue', 'Content-Length: 5'), 'pass', 'either', {
  body: 'hello',
})
add(
  'Expect: 100-Continue in HTTP/1.0',
  post('hello', 'Expect: 100-Continue', 'Content-Length: 5').replace('HTTP/1.1', 'HTTP/1.0'),
  'pass',
  'close',
)
for (const value of ['', '200-ok', '100-continue, x', '100 continue']) {
  add(`Expect ${show(value)}`, post('', `Expect: ${value}`, 'Content-Length: 0'), 417, 'either')
}
add(
  'Upgrade: h2c',
  get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'),
  'pass',
  'keep',
  { without: ['upgrade', 'http2-settings', 'connection'] },
)
add('Upgrade: TLS/1.0', get('Connection: Upgrade', 'Upgrade: TLS/1.0'), 'pass', 'keep', {
  without: ['upgrade'],
})
add('Upgrade without Connection', get('Upgrade: websocket'), 'pass', 'keep', { without: ['upgrade'] })
add(
  'Upgrade in HTTP/1.0',
  get('Connection: Upgrade', 'Upgrade: websocket').replace('HTTP/1.1', 'HTTP/1.0'),
  'pass',
  'close',
  { without: ['upgrade'] },
)
for (const value of ['close', 'Close', 'keep-alive, close', 'x,close,y', ' close ', 'close\t']) {
  add(`Connection ${show(value)}`, get(`Connection: ${value}`), 'pass', 'close')
}
add(
  'close in the second Connection line',
  get('Connection: keep-alive', 'Connection: close'),
  'pass',
  'close',
)
add('Connection: closed', get('Connection: closed'), 'pass', 'keep')
add(
  'Connection names a field',
  get('Connection: X-Secret, close-not', 'x-secret: 1', 'X-Other: 2'),
  'pass',
  'keep',
  { without: ['x-secret'], fields: { 'x-other': '2' } },
)
add(
  'Connection names Host and framing',
  post('hello', 'Connection: host, content-length', 'Content-Length: 5'),
  'pass',
  'keep',
  { host: 'a.example', body: 'hello' },
)
add(
  'hop-by-hop fields',
  get('Keep-Alive: 5', 'Proxy-Connection: keep-alive', 'Proxy-Authorization: x', 'TE: gzip', 'Trailer: X'),
  'pass',
  'keep',
  {
    without: ['keep-alive', 'proxy-connection', 'proxy-authorization', 'te', 'trailer'],
  },
)

// ---- not HTTP ----
add('a TLS hello', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', 400, 'close')
add('an HTTP/2 preface that is none', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', 400, 'close')
add('an SSH banner', 'SSH-2.0-OpenSSH_9.2\r\n', 400, 'close')
add('zeros', '\0'.repeat(100), 400, 'close')

// ---- limits ----
add('target of 8192 bytes', target(`/${'a'.repeat(8191)}`), 'pass', 'keep')
add('target of 8193 bytes', target(`/${'a'.repeat(8192)}`), 414, 'close')
add('a target without end', `GET /${'a'.repeat(20_000)}`, 414, 'close')
add('head of 32 KiB', get(`X: ${'a'.repeat(32_768 - get('X: ').length)}`), 'pass', 'keep')
add('head of 32 KiB and one byte', get(`X: ${'a'.repeat(32_769 - get('X: ').length)}`), 431, 'close')
add('a field without end', `${get().slice(0, -2)}X: ${'a'.repeat(40_000)}`, 431, 'close')
add('a name without end', `${get().slice(0, -2)}${'X'.repeat(40_000)}`, 431, 'close')
add('100 fields', get(...Array.from({ length: 99 }, (_, i) => `X${i}: a`)), 'pass', 'keep')
add('101 fields', get(...Array.from({ length: 100 }, (_, i) => `X${i}: a`)), 431, 'close')

export const REQUEST_FIELDS = cases
