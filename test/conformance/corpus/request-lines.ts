/** Requests whose point is the request line: line ends, method, target, version. */
import { collectRequests, get, post, show, target } from './request-case.ts'

const { cases, add } = collectRequests()

// ---- plain requests ----
add('plain GET', get(), 'pass', 'keep', { method: 'GET', target: '/a', host: 'a.example', body: '' })
add('GET with a query', target('/a/b?c=d&e=%zz?f'), 'pass', 'keep', { target: '/a/b?c=d&e=%zz?f' })
add('POST with a length', post('hello', 'Content-Length: 5'), 'pass', 'keep', {
  method: 'POST',
  body: 'hello',
})
add('POST with length 0', post('', 'Content-Length: 0'), 'pass', 'keep', { body: '' })
add('POST without length and coding', post(''), 'pass', 'keep', { body: '' })
add('GET with a body', post('abc', 'Content-Length: 3').replace('POST', 'GET'), 'pass', 'keep', {
  body: 'abc',
})
add('DELETE with a body', post('abc', 'Content-Length: 3').replace('POST', 'DELETE'), 'pass', 'keep', {
  body: 'abc',
})
add('HEAD', get().replace('GET', 'HEAD'), 'pass', 'keep', { method: 'HEAD' })
add('a body that looks like a request', post(get(), `Content-Length: ${get().length}`), 'pass', 'keep', {
  body: get(),
})

// ---- line ends ----
for (const [name, text] of [
  ['request line', 'GET /a HTTP/1.1\nHost: a.example\r\n\r\n'],
  ['field', 'GET /a HTTP/1.1\r\nHost: a.example\nX: y\r\n\r\n'],
  ['last field', 'GET /a HTTP/1.1\r\nHost: a.example\n\r\n'],
  ['blank line', 'GET /a HTTP/1.1\r\nHost: a.example\r\n\n'],
  ['whole head', 'GET /a HTTP/1.1\nHost: a.example\n\n'],
] as const) {
  add(`bare LF ends the ${name}`, text, 400, 'close')
  add(`CR without LF in the ${name}`, text.replace(/(?<!\r)\n/, '\rx'), 400, 'close')
}
add('CR CR LF behind a field', 'GET /a HTTP/1.1\r\nHost: a.example\r\r\n\r\n', 400, 'close')
add('CR CR LF as blank line', 'GET /a HTTP/1.1\r\nHost: a.example\r\n\r\r\n', 400, 'close')
add('one empty line first', `\r\n${get()}`, 'pass', 'keep')
add('two empty lines first', `\r\n\r\n${get()}`, 400, 'close')
add('nine empty lines first', `${'\r\n'.repeat(9)}${get()}`, 400, 'close')
add('an LF first', `\n${get()}`, 400, 'close')
add('a CR first', `\r${get()}`, 400, 'close')

// ---- request line ----
for (const byte of [' ', '\t', '\0', '\v', '\x7f', '\x80', ':', '"', '(']) {
  add(`${show(byte)} before the method`, byte + get(), 400, 'close')
}
for (const byte of ['\t', '\v', '\f', '\0', '\xa0']) {
  add(`${show(byte)} between method and target`, get().replace('GET ', `GET${byte}`), 400, 'close')
  add(`${show(byte)} between target and version`, get().replace(' HTTP', `${byte}HTTP`), 400, 'close')
}
add('two SP behind the method', get().replace('GET ', 'GET  '), 400, 'close')
add('two SP before the version', get().replace(' HTTP', '  HTTP'), 400, 'close')
add('SP behind the version', get().replace('1.1\r', '1.1 \r'), 400, 'close')
add('TAB behind the version', get().replace('1.1\r', '1.1\t\r'), 400, 'close')
add('method in lower case', get().replace('GET', 'get'), 'pass', 'keep', { method: 'get' })
add('unknown method', get().replace('GET', 'FROB'), 'pass', 'keep', { method: 'FROB' })
add('method of odd token characters', get().replace('GET', "!#$%&'*+-.^_`|~9"), 'pass', 'keep')
add('method of 32 bytes', get().replace('GET', 'M'.repeat(32)), 'pass', 'keep')
add('method of 33 bytes', get().replace('GET', 'M'.repeat(33)), 501, 'close')
for (const method of ['G(T', 'G"T', 'G/T', 'G\x80T', 'G=T', 'G,T', '']) {
  add(`method ${show(method)}`, get().replace('GET', method), 400, 'close')
}
add('CONNECT with an authority', 'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n', 501, 'either')
add('CONNECT with a path', 'CONNECT / HTTP/1.1\r\nHost: a.example\r\n\r\n', 501, 'either')
add(
  'connect in lower case with an authority',
  'connect a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n',
  400,
  'close',
)
add('TRACE', get().replace('GET', 'TRACE'), 'pass', 'either', { method: 'TRACE' })
for (const version of ['HTTP/0.9', 'HTTP/2.0', 'HTTP/1.2', 'HTTP/1.9', 'HTTP/3.0', 'HTTP/0.0']) {
  add(`version ${version}`, get().replace('HTTP/1.1', version), 505, 'close')
}
for (const version of [
  'HTTP/1.10',
  'HTTP/01.1',
  'HTTP/1',
  'HTTP/1.',
  'HTTP/.1',
  'HTTP/a.1',
  'http/1.1',
  'Http/1.1',
  'ICE/1.0',
  'RTSP/1.0',
  'HTTPS/1.1',
  'HTTP 1.1',
  'HTTP/1.1x',
]) {
  add(`version ${version}`, get().replace('HTTP/1.1', version), 400, 'close')
}
add('no version', 'GET /a\r\n\r\n', 400, 'close')
add('method alone', 'GET\r\n\r\n', 400, 'close')

// ---- target ----
add('absolute form', target('http://b.example:81/p?q'), 'pass', 'keep', {
  target: '/p?q',
  host: 'b.example:81',
})
add('absolute form, scheme in upper case', target('HTTP://b.example/p'), 'pass', 'keep', {
  target: '/p',
  host: 'b.example',
})
add('absolute form without a path', target('http://b.example'), 'pass', 'keep', { target: '/' })
add('absolute form with a query alone', target('http://b.example?q'), 'pass', 'keep', { target: '/?q' })
add('absolute form, IPv6', target('http://[::1]:8080/p'), 'pass', 'keep', { host: '[::1]:8080' })
for (const text of [
  'ftp://b.example/',
  'https://b.example/',
  'ws://b.example/',
  'http:/b.example/',
  'http:///p',
  'http://',
  'http://:80/',
  'http://u@b.example/',
  'http://u:p@b.example/',
  'http://b.example:65536/',
  'http://b.example:/',
  'http://b.example:8x/',
  'http://b example/',
  'http://[::1/',
  'http://b.example\\p',
]) {
  add(`target ${text}`, target(text), 400, 'either')
}
for (const text of [
  'a.example:80',
  '*',
  'a',
  'a/b',
  '',
  '?q',
  '/a#b',
  '#',
  '/a b',
  '/\x01',
  '/\x7f',
  '/\x80',
  '/\xc3\xa4',
  '/\t',
  '\\a',
  './a',
  '/a?\x00',
]) {
  add(`target ${show(text)}`, target(text), 400, 'close')
}
add('OPTIONS *', get().replace('GET /a', 'OPTIONS *'), 'own', 'keep')
add(
  'OPTIONS with an absolute target without a path',
  get().replace('GET /a', 'OPTIONS http://a.example'),
  'own',
  'keep',
)
for (const text of ['/%', '/%a', '/%zz', '/%g0', '/%0', '/a%00b', '/%00'])
  add(`bad triplet ${text}`, target(text), 400, 'either')
for (const text of [
  '/..',
  '/../a',
  '/a/../..',
  '/a/../../b',
  '/%2e%2e/a',
  '/.%2E/a',
  '/a/%2e%2e/%2E./b',
  '//../a',
  '/./../a',
]) {
  add(`leaves the root: ${text}`, target(text), 400, 'either')
}
for (const text of [
  '/a/..%2fb',
  '/a%2F../b',
  '/a/..\\b',
  '/a\\../b',
  '/a/..%5cb',
  '/a%5c%2e%2e',
  '/a%2f.%2fb',
  '/a/..;/b',
  '/a/%2e%2e;x/b',
]) {
  add(`hidden dot segment: ${text}`, target(text), 400, 'either')
}
for (const text of [
  '/a/./b',
  '/a/b/../c',
  '/a//b',
  '/%61',
  '/a%2fb',
  '/a%5Cb',
  '/a;b=c',
  '/a/%3bb',
  '/a%252fb',
  '/.well-known/x',
  '/...',
  '/a|b',
  '/a"b',
  '/a{b}',
  '/~u',
  '/a%20b',
  '/%C3%A4',
]) {
  add(`resolved for matching, raw upstream: ${text}`, target(text), 'pass', 'keep')
}

export const REQUEST_LINES = cases
