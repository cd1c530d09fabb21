/** Requests whose point is the body: length, coding, chunks, trailers, a client that stops. */
import { chunked, collectRequests, get, post, show } from './request-case.ts'

const { cases, add } = collectRequests()

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
add('chunk size of 17 digits', chunked('10000000000000005\r\nhello\r\n0\r\n\r\n'), 400, 'close')
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

export const REQUEST_BODIES = cases
