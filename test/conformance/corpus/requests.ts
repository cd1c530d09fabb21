/**
 * Raw requests and what must come of them: every row of the request table of the reliability bar that a parser alone can show. Texts are
 * byte strings. Where the bar leaves a choice, the outcome here is the one this gateway took.
 */
export interface RequestCase {
  readonly name: string
  readonly input: string
  /**
   * `pass`: goes to a backend; `own`: answered by the gateway itself without an error (OPTIONS *); `cut`: ends before it is complete, so
   * no complete request reaches a backend; a number: refused with this status.
   */
  readonly outcome: 'pass' | 'own' | 'cut' | number
  /** Whether another request behind this one is served. `either`: the bar does not say. */
  readonly connection: 'keep' | 'close' | 'either'
  /** What a backend sees, where the case is about that. */
  readonly seen?: {
    readonly method?: string
    readonly target?: string
    readonly host?: string
    readonly body?: string
    /** Lower-case names of fields that must not arrive. */
    readonly without?: readonly string[]
    /** Fields that must arrive, by lower-case name. */
    readonly fields?: Readonly<Record<string, string>>
  }
}

type Seen = NonNullable<RequestCase['seen']>

const cases: RequestCase[] = []
const names = new Set<string>()

function add(
  name: string,
  input: string,
  outcome: RequestCase['outcome'],
  connection: RequestCase['connection'],
  seen?: Seen,
): void {
  if (names.has(name)) throw new Error(`two cases are called ${name}`)
  names.add(name)
  cases.push(
    seen === undefined ? { name, input, outcome, connection } : { name, input, outcome, connection, seen },
  )
}

const lines = (...each: readonly string[]): string => each.map((line) => `${line}\r\n`).join('')
const get = (...fields: readonly string[]): string =>
  `${lines('GET /a HTTP/1.1', 'Host: a.example', ...fields)}\r\n`
const post = (body: string, ...fields: readonly string[]): string =>
  `${lines('POST /a HTTP/1.1', 'Host: a.example', ...fields)}\r\n${body}`
const target = (text: string): string => `${lines(`GET ${text} HTTP/1.1`, 'Host: a.example')}\r\n`
const chunked = (body: string): string => post(body, 'Transfer-Encoding: chunked')
const show = (text: string): string => JSON.stringify(text).slice(1, -1)

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

// ---- length and coding ----
for (const value of [
  '',
  '+5',
  '-5',
  '-0',
  '0x5',
  '5a',
  'a5',
  '5_0',
  '5.0',
  '5e0',
  '5 5',
  '5\t5',
  '5,5',
  '5, 5',
  '5,6',
  '5;',
  '"5"',
  "'5'",
  '05',
  '00',
  '\xb2',
  '5\xa0',
  'NaN',
  '$5',
]) {
  add(`Content-Length ${show(value)}`, post('hello', `Content-Length: ${value}`), 400, 'close')
}
add('Content-Length with blanks around', post('hello', 'Content-Length: \t5 '), 'pass', 'keep', {
  body: 'hello',
})
add('two equal Content-Length lines', post('hello', 'Content-Length: 5', 'Content-Length: 5'), 400, 'close')
add(
  'two different Content-Length lines',
  post('hello', 'Content-Length: 5', 'Content-Length: 6'),
  400,
  'close',
)
for (const value of [
  '9007199254740992',
  '9223372036854775807',
  '9223372036854775808',
  '18446744073709551616',
  '18446744073709551621',
  '9'.repeat(100),
]) {
  add(`Content-Length ${value}`, post('hello', `Content-Length: ${value}`), 413, 'close')
}
for (const [name, fields] of [
  ['length first', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
  ['coding first', ['Transfer-Encoding: chunked', 'Content-Length: 5']],
  ['length 0', ['Transfer-Encoding: chunked', 'Content-Length: 0']],
  ['empty coding', ['Transfer-Encoding:', 'Content-Length: 5']],
  ['identity', ['Transfer-Encoding: identity', 'Content-Length: 5']],
  ['bad length', ['Transfer-Encoding: chunked', 'Content-Length: x']],
  [
    'named in Connection',
    ['Connection: transfer-encoding', 'Transfer-Encoding: chunked', 'Content-Length: 5'],
  ],
] as const) {
  add(`length and coding: ${name}`, post('0\r\n\r\n', ...fields), 400, 'close')
}
for (const value of [
  '',
  'gzip',
  'identity',
  'deflate',
  'xchunked',
  'chunkedx',
  'chunke',
  'gzip, deflate',
  'cow',
  '\x80',
  'chun\xe2ed',
]) {
  add(`Transfer-Encoding ${show(value)}`, post('0\r\n\r\n', `Transfer-Encoding: ${value}`), 501, 'close')
}
for (const value of [
  'gzip, chunked',
  'chunked, gzip',
  'chunked, chunked',
  'chunked,',
  ',chunked',
  ' , chunked',
  'chunked;q=1',
  'chunked; x',
  '"chunked"',
  'chunked, identity',
  'identity, chunked',
  'chunked\xa0',
  'chunked chunked',
]) {
  add(`Transfer-Encoding ${show(value)}`, post('0\r\n\r\n', `Transfer-Encoding: ${value}`), 400, 'close')
}
add('Transfer-Encoding with a vertical tab', post('0\r\n\r\n', 'Transfer-Encoding: \vchunked'), 400, 'close')
add(
  'two Transfer-Encoding lines, both chunked',
  post('0\r\n\r\n', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
  400,
  'close',
)
add(
  'two Transfer-Encoding lines, one chunked',
  post('0\r\n\r\n', 'Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'),
  400,
  'close',
)
add(
  'two Transfer-Encoding lines, none chunked',
  post('', 'Transfer-Encoding: gzip', 'Transfer-Encoding: br'),
  501,
  'close',
)
add('Transfer-Encoding in HTTP/1.0', chunked('0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0'), 400, 'close')
add(
  'blank before the colon of Transfer-Encoding',
  post('0\r\n\r\n', 'Transfer-Encoding : chunked'),
  400,
  'close',
)
add('CHUNKED in upper case', post('0\r\n\r\n', 'Transfer-Encoding: CHUNKED'), 'pass', 'keep', { body: '' })
add(
  'HTTP/1.0 body without length',
  'POST /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nhello',
  'pass',
  'close',
  { body: '' },
)
add(
  'HTTP/1.0 body with length',
  'POST /a HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello',
  'pass',
  'keep',
  { body: 'hello' },
)

// ---- chunks ----
add('chunked', chunked('5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n'), 'pass', 'keep', { body: 'hello world' })
add('chunked, empty', chunked('0\r\n\r\n'), 'pass', 'keep', { body: '' })
add('chunk size in both cases', chunked('a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n'), 'pass', 'keep', {
  body: '01234567890123456789',
})
add('chunk size with leading zeros', chunked('0000000000000005\r\nhello\r\n000\r\n\r\n'), 'pass', 'keep', {
  body: 'hello',
})
add('chunk data with line ends', chunked('4\r\n\r\n\r\n\r\n0\r\n\r\n'), 'pass', 'keep', { body: '\r\n\r\n' })
for (const size of [
  '0x5',
  '+5',
  '-5',
  '5_0',
  '5 ',
  ' 5',
  '5\t',
  '\t5',
  '',
  'g',
  '5g',
  '5,',
  '5.0',
  '00000000000000005',
  '5 ;a',
  '\x005',
  '5\0',
  '\xb5',
]) {
  add(`chunk size ${show(size)}`, chunked(`${size}\r\nhello\r\n0\r\n\r\n`), 400, 'close')
}
add('chunk size of 2^53', chunked('20000000000000\r\nhello'), 413, 'close')
add('chunk size of 16 digits', chunked('ffffffffffffffff\r\nhello'), 413, 'close')
add('chunk size of 17 digits', chunked('10000000000000005\r\nhello\r\n0\r\n\r\n'), 413, 'close')
for (const extension of [
  ';a',
  ';a=b',
  ';a="b"',
  ';a="b\\"c"',
  ';a;b=c',
  '; a = "b" ; c',
  ';chunk-signature=0123abcd',
]) {
  add(
    `chunk extension ${extension}`,
    chunked(`5${extension}\r\nhello\r\n0${extension}\r\n\r\n`),
    'pass',
    'keep',
    { body: 'hello' },
  )
}
for (const extension of [
  ';',
  ';;a',
  ';=b',
  ';a=',
  ';a="b',
  ';a="\r\n"',
  ';a\0',
  ';a="\0"',
  ';a\nb',
  ';a\rb',
  'x',
  ' x',
  ';a b',
  ';a="b"c',
  ';a=b,c',
]) {
  add(`bad chunk extension ${show(extension)}`, chunked(`5${extension}\r\nhello\r\n0\r\n\r\n`), 400, 'close')
}
add('chunk extension of 4096 bytes', chunked(`5;${'a'.repeat(4094)}\r\nhello\r\n0\r\n\r\n`), 'pass', 'keep', {
  body: 'hello',
})
add('chunk extension of 5000 bytes', chunked(`5;${'a'.repeat(4999)}\r\nhello\r\n0\r\n\r\n`), 400, 'close')
add(
  'chunk extensions of 70 000 bytes in one message',
  chunked(`${`1;${'a'.repeat(3499)}\r\nx\r\n`.repeat(20)}0\r\n\r\n`),
  400,
  'close',
)
for (const [name, body] of [
  ['bare LF behind the size', '5\nhello\r\n0\r\n\r\n'],
  ['bare LF behind data', '5\r\nhello\n0\r\n\r\n'],
  ['bare CR behind the size', '5\rhello\r\n0\r\n\r\n'],
  ['bare CR behind data', '5\r\nhello\r0\r\n\r\n'],
  ['data longer than the size', '4\r\nhello\r\n0\r\n\r\n'],
  ['data shorter than the size', '6\r\nhello\r\n0\r\n\r\n'],
  ['no line end behind data', '5\r\nhello0\r\n\r\n'],
  ['last chunk ended by LF', '0\n\r\n'],
  ['blank line ended by LF', '0\r\n\n'],
  ['final CRLF replaced by a request', '0\r\nGET /x HTTP/1.1\r\n\r\n'],
] as const) {
  add(`chunked: ${name}`, chunked(body), 400, 'close')
}

// ---- trailers ----
add('trailers, not announced', chunked('0\r\nX-Sum: 1\r\n\r\n'), 'pass', 'keep', { without: ['x-sum'] })
add(
  'trailers with framing and routing fields',
  chunked('0\r\nContent-Length: 5\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n'),
  'pass',
  'keep',
  { host: 'a.example' },
)
for (const field of [
  'X : a',
  ' X: a',
  'X',
  ': a',
  'X: \0',
  'X: a\nY: b',
  'X: a\rb',
  'X\x80: a',
  'X: a\r\n b',
]) {
  add(`trailer ${show(field)}`, chunked(`0\r\n${field}\r\n\r\n`), 400, 'close')
}
add('32 trailer fields', chunked(`0\r\n${'X: a\r\n'.repeat(32)}\r\n`), 'pass', 'keep')
add('33 trailer fields', chunked(`0\r\n${'X: a\r\n'.repeat(33)}\r\n`), 400, 'close')
add('trailers of 9000 bytes', chunked(`0\r\nX: ${'a'.repeat(9000)}\r\n\r\n`), 400, 'close')

// ---- cut ----
add('cut in the head', get().slice(0, -3), 'cut', 'close')
add('cut in a body with length', post('hell', 'Content-Length: 5'), 'cut', 'close')
add('cut in chunk data', chunked('5\r\nhel'), 'cut', 'close')
add('cut before the last chunk', chunked('5\r\nhello\r\n'), 'cut', 'close')
add('cut before the final CRLF', chunked('5\r\nhello\r\n0\r\n'), 'cut', 'close')
add('cut in trailers', chunked('0\r\nX: a\r\n'), 'cut', 'close')

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
add('the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'close')
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

export const REQUESTS: readonly RequestCase[] = cases
