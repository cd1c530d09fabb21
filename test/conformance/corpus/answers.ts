/** Raw answers of a backend and what must come of them: the rules "To a client" of the reliability bar. Texts are byte strings. */
export interface AnswerCase {
  readonly name: string
  readonly input: string
  /** Method of the request it answers. Default GET. */
  readonly method?: string
  /**
   * `pass`: relayed whole; `cut`: the head is relayed, then the client sees an abort; `refused`: 502, nothing of it is relayed.
   * A body that ends by closing is `pass` when the bytes end.
   */
  readonly outcome: 'pass' | 'cut' | 'refused'
  /** Whether the connection may carry another answer. Bytes behind the answer forbid it. */
  readonly reuse?: boolean
  readonly status?: number
  readonly body?: string
}

const cases: AnswerCase[] = []
const names = new Set<string>()

function add(
  name: string,
  input: string,
  outcome: AnswerCase['outcome'],
  more: Partial<AnswerCase> = {},
): void {
  if (names.has(name)) throw new Error(`two cases are called ${name}`)
  names.add(name)
  cases.push({ name, input, outcome, ...more })
}

const show = (text: string): string => JSON.stringify(text).slice(1, -1)
const answer = (body: string, ...fields: readonly string[]): string =>
  `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n${body}`
const plain = answer('hello', 'Content-Length: 5')
const chunked = (body: string): string => answer(body, 'Transfer-Encoding: chunked')

add('plain', plain, 'pass', { reuse: true, status: 200, body: 'hello' })
add('empty', answer('', 'Content-Length: 0'), 'pass', { reuse: true, body: '' })
add('chunked', chunked('5\r\nhello\r\n0\r\n\r\n'), 'pass', { reuse: true, body: 'hello' })
add('chunked with trailers', chunked('5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'), 'pass', {
  reuse: true,
  body: 'hello',
})
add('until the end', answer('hello'), 'pass', { reuse: false, body: 'hello' })
add('HTTP/1.0', plain.replace('1.1', '1.0'), 'pass', { reuse: false, body: 'hello' })
add(
  'HTTP/1.0 kept alive',
  answer('hello', 'Content-Length: 5', 'Connection: Keep-Alive').replace('1.1', '1.0'),
  'pass',
  { reuse: true },
)
add('Connection: close', answer('hello', 'Content-Length: 5', 'Connection: close'), 'pass', { reuse: false })
add('no reason', plain.replace(' OK', ' '), 'pass', { reuse: true })
add('no blank behind the status', plain.replace(' OK', ''), 'pass', { reuse: true })
add('reason with bytes from 0x80', plain.replace('OK', '\xc3\xa4'), 'pass', { reuse: true })
add('value with bytes from 0x80', answer('hello', 'Content-Length: 5', 'X: \x80\xff'), 'pass', {
  reuse: true,
})
add('two equal lengths', answer('hello', 'Content-Length: 5', 'Content-Length: 5'), 'pass', {
  reuse: true,
  body: 'hello',
})
add('HEAD with a length', answer('', 'Content-Length: 5'), 'pass', { method: 'HEAD', reuse: true, body: '' })
add('HEAD, chunked', answer('', 'Transfer-Encoding: chunked'), 'pass', {
  method: 'HEAD',
  reuse: true,
  body: '',
})
add('204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', 'pass', {
  reuse: true,
  status: 204,
  body: '',
})
add('304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 'pass', {
  reuse: true,
  status: 304,
  body: '',
})
add('100, then 200', `HTTP/1.1 100 Continue\r\n\r\n${plain}`, 'pass', { reuse: true, status: 200 })
add('103, then 200', `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${plain}`, 'pass', {
  reuse: true,
  status: 200,
})
add('status 599', plain.replace('200', '599'), 'pass', { reuse: true, status: 599 })

// bytes too many: relayed, but never on this connection again
add('bytes behind the length', `${plain}x`, 'pass', { reuse: false, body: 'hello' })
add('a second answer', plain + plain, 'pass', { reuse: false, body: 'hello' })
add('bytes behind the last chunk', `${chunked('0\r\n\r\n')}x`, 'pass', { reuse: false, body: '' })
add('a body behind 204', 'HTTP/1.1 204 No Content\r\n\r\nhello', 'pass', {
  reuse: false,
  status: 204,
  body: '',
})
add('a body behind HEAD', plain, 'pass', { method: 'HEAD', reuse: false, body: '' })
add('chunks behind 304', 'HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'pass', {
  reuse: false,
  status: 304,
  body: '',
})

// status lines
for (const line of [
  'HTTP/1.1 0 OK',
  'HTTP/1.1 99 OK',
  'HTTP/1.1 099 OK',
  'HTTP/1.1 600 OK',
  'HTTP/1.1 999 OK',
  'HTTP/1.1 2000 OK',
  'HTTP/1.1 -200 OK',
  'HTTP/1.1 20a OK',
  'HTTP/1.1  200 OK',
  'HTTP/1.1\t200 OK',
  'HTTP/1.1 200\tOK',
  'HTTP/1.2 200 OK',
  'HTTP/2.0 200 OK',
  'HTTP/0.9 200 OK',
  'HTTP/11 200 OK',
  'http/1.1 200 OK',
  'ICY 200 OK',
  'SSH-2.0-x',
  ' HTTP/1.1 200 OK',
  'HTTP/1.1 200 O\0K',
  'HTTP/1.1 200 O\x7fK',
  'HTTP/1.1 200 O\rK',
  'HTTP/1.1 200 OK\nX: y',
  'hello',
]) {
  add(`status line ${show(line)}`, plain.replace('HTTP/1.1 200 OK', line), 'refused')
}
add('empty line first', `\r\n${plain}`, 'refused')
add('LF line ends', plain.replaceAll('\r\n', '\n'), 'refused')

// fields
for (const field of [
  'X : a',
  'X',
  ': a',
  'X\0: a',
  '\x80: a',
  'X: \0',
  'X: \x01',
  'X: \x7f',
  'X: a\rb',
  'X: a\nY: b',
  ' X: a',
  'X: a\r\n b',
  'X: a\r\n\tb',
  'X Y: a',
]) {
  add(`field line ${show(field)}`, answer('hello', 'Content-Length: 5', field), 'refused')
}
add('101 fields', answer('', ...Array.from({ length: 101 }, (_, i) => `X${i}: a`)), 'refused')
add('a head over 64 KiB', answer('', `X: ${'a'.repeat(65_536)}`), 'refused')

// framing
for (const [name, fields] of [
  ['two different lengths', ['Content-Length: 5', 'Content-Length: 6']],
  ['a list of lengths', ['Content-Length: 5, 5']],
  ['a length in letters', ['Content-Length: five']],
  ['a negative length', ['Content-Length: -5']],
  ['a signed length', ['Content-Length: +5']],
  ['an empty length', ['Content-Length:']],
  ['a length of 2^53', ['Content-Length: 9007199254740992']],
  ['a length of 2^64', ['Content-Length: 18446744073709551621']],
  ['gzip coding', ['Transfer-Encoding: gzip']],
  ['gzip and chunked', ['Transfer-Encoding: gzip, chunked']],
  ['identity', ['Transfer-Encoding: identity']],
  ['empty coding', ['Transfer-Encoding:']],
  ['chunked twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
  ['length and coding', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
  ['coding and length', ['Transfer-Encoding: chunked', 'Content-Length: 5']],
] as const) {
  add(name, answer('5\r\nhello\r\n0\r\n\r\n', ...fields), 'refused')
}
add('chunked in HTTP/1.0', chunked('0\r\n\r\n').replace('1.1', '1.0'), 'refused')

// bodies that break off or break the rules: never a 200 that looks complete
add('short body', answer('hell', 'Content-Length: 5'), 'cut')
add('no last chunk', chunked('5\r\nhello\r\n'), 'cut')
add('cut in a chunk', chunked('5\r\nhel'), 'cut')
add('cut before the final CRLF', chunked('0\r\n'), 'cut')
for (const body of [
  'x\r\n',
  '5\nhello\r\n0\r\n\r\n',
  '4\r\nhello\r\n',
  '0x5\r\nhello\r\n',
  '5 \r\nhello\r\n',
  '-5\r\n',
  '\r\n',
  '5;\r\nhello\r\n',
  '0\r\nX\r\n\r\n',
  'ffffffffffffffff\r\n',
]) {
  add(`bad chunk ${show(body)}`, chunked(body), 'cut')
}

// heads that never come
add('nothing', '', 'refused')
add('cut in the status line', 'HTTP/1.1 20', 'refused')
add('cut in the fields', 'HTTP/1.1 200 OK\r\nX: y\r\n', 'refused')
add('cut behind a 100', 'HTTP/1.1 100 Continue\r\n\r\n', 'refused')

export const ANSWERS: readonly AnswerCase[] = cases
