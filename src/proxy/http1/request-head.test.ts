import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ErrorCode } from '../../model/error-codes.ts'
import { FIELD } from './head-fields.ts'
import { parseRequestHead, RequestHead, type RequestLimits } from './request-head.ts'

const LIMITS: RequestLimits = { maxTargetBytes: 8192, maxHeadBytes: 32_768, maxFields: 100 }

function parse(text: string, limits = LIMITS): RequestHead {
  const head = new RequestHead(limits.maxFields)
  const end = parseRequestHead(head, text, 0, limits)
  assert.ok(end > 0, `refused with ${head.error}: ${JSON.stringify(text.slice(0, 80))}`)
  return head
}

function refusal(text: string, limits = LIMITS): ErrorCode {
  const head = new RequestHead(limits.maxFields)
  const end = parseRequestHead(head, text, 0, limits)
  assert.equal(end, -1, `gave ${end}: ${JSON.stringify(text.slice(0, 80))}`)
  return head.error
}

const get = (...lines: string[]): string =>
  `GET / HTTP/1.1\r\nHost: a.example\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`

describe('parseRequestHead', () => {
  it('reads method, target, version, host and the place behind the blank line', () => {
    const text = 'xxPURGE /a?b=c HTTP/1.1\r\nHost: A.Example:8080\r\nAccept: */*\r\n\r\nbody'
    const head = new RequestHead(10)
    assert.equal(parseRequestHead(head, text, 2, LIMITS), text.length - 4)
    assert.equal(head.end, text.length - 4)
    assert.equal(head.method, 'PURGE')
    assert.equal(head.target, '/a?b=c')
    assert.equal(head.minorVersion, 1)
    assert.equal(head.host, 'a.example')
    assert.equal(head.hostField, 'A.Example:8080')
    assert.equal(head.contentLength, -1)
    assert.equal(head.chunked, false)
    assert.equal(head.keepAlive, true)
    assert.equal(head.fields.count, 2)
    assert.equal(head.fields.get('accept'), '*/*')
  })

  it('does not map an unknown method to a known one', () => {
    for (const method of ['get', 'GETS', 'GE', 'POSTS', 'PU', 'HEADS', 'M-SEARCH', 'X'.repeat(32)]) {
      assert.equal(parse(`${method} / HTTP/1.1\r\nHost: h\r\n\r\n`).method, method)
    }
    for (const method of ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'TRACE']) {
      assert.equal(parse(`${method} / HTTP/1.1\r\nHost: h\r\n\r\n`).method, method)
    }
  })

  it('refuses CONNECT in any form and methods longer than 32 bytes', () => {
    assert.equal(refusal('CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n'), 'METHOD_NOT_IMPLEMENTED')
    assert.equal(refusal('CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n'), 'METHOD_NOT_IMPLEMENTED')
    assert.equal(refusal(`${'X'.repeat(33)} / HTTP/1.1\r\nHost: h\r\n\r\n`), 'METHOD_NOT_IMPLEMENTED')
  })

  it('shows a fault with the first byte of an incomplete head that has it', () => {
    for (const start of [
      '\x16\x03\x01',
      ' ',
      '\t',
      '\0',
      '\n',
      '\r\r',
      '\r\n\r',
      'GET\t',
      'GET  ',
      'GET /\n',
      'GET / HTTP/1.1\n',
      'GET / HTTP/1.1 ',
      'GET / HTTX',
      'GET / HTTP/1.1\r\n ',
      'GET / HTTP/1.1\r\n:',
      'GET / HTTP/1.1\r\n\n',
      'GET / HTTP/1.1\r\na: b\n',
      'GET / HTTP/1.1\r\na: b\rx',
      'GET / HTTP/1.1\r\na: b\r\n\t',
      'GET / HTTP/1.1\r\na: \0',
      'GET / HTTP/1.1\r\na ',
      'GET / HTTP/1.1\r\na\r',
    ]) {
      const head = new RequestHead(10)
      assert.equal(parseRequestHead(head, start.slice(0, -1), 0, LIMITS) <= 0, true)
      head.reset()
      assert.equal(parseRequestHead(head, start, 0, LIMITS), -1, JSON.stringify(start))
      assert.match(head.error, /^BAD_(REQUEST|TARGET)$/)
    }
  })

  it('gives the same head for a text that comes in one piece or byte by byte', () => {
    const text = `\r\nPOST /a/b?c HTTP/1.1\r\nHost: h\r\nContent-Length:  12 \r\nX_Y: z\r\nConnection: close\r\n\r\n`
    const whole = parse(text)
    const head = new RequestHead(LIMITS.maxFields)
    for (let i = 0; i < text.length; i++) {
      assert.equal(parseRequestHead(head, text.slice(0, i), 0, LIMITS), 0)
    }
    assert.equal(parseRequestHead(head, text, 0, LIMITS), text.length)
    head.fields.scanAt = whole.fields.scanAt
    head.fields.scanStep = whole.fields.scanStep
    head.fields.scanMark = whole.fields.scanMark
    head.at = whole.at
    assert.deepEqual(head, whole)
  })

  it('looks at every byte once, however slowly a head comes', () => {
    const text = `GET /${'a'.repeat(8000)} HTTP/1.1\r\nHost: h\r\nX: ${'b'.repeat(20_000)}\r\n\r\n`
    const head = new RequestHead(LIMITS.maxFields)
    let before = 0
    for (let i = 0; i < text.length; i++) {
      parseRequestHead(head, text.slice(0, i), 0, LIMITS)
      const place = head.fields.scanAt || head.at
      assert.ok(place >= before && i - place <= 10, `at ${i} the place is ${place}`)
      before = place
    }
  })

  it('reads the same from bytes that the caller has', () => {
    const text = get('Content-Length: 3', 'X_Real-IP: 1', 'X: \xff')
    const own = new RequestHead(10)
    assert.equal(parseRequestHead(own, text, 0, LIMITS), text.length)
    const given = new RequestHead(10)
    const bytes = Buffer.from(text, 'latin1')
    assert.equal(parseRequestHead(given, text.slice(0, 20), 0, LIMITS, bytes.subarray(0, 20)), 0)
    assert.equal(parseRequestHead(given, text, 0, LIMITS, bytes), text.length)
    given.at = own.at
    given.fields.scanAt = own.fields.scanAt
    given.fields.scanStep = own.fields.scanStep
    given.fields.scanMark = own.fields.scanMark
    assert.deepEqual(given, own)
  })

  it('is ready for another request after reset', () => {
    const head = new RequestHead(10)
    const first = 'POST http://x/ HTTP/1.0\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n'
    assert.equal(parseRequestHead(head, first, 0, LIMITS), first.length)
    head.reset()
    const second = 'GET /b HTTP/1.1\r\nHost: h\r\n\r\n'
    assert.equal(parseRequestHead(head, second, 0, LIMITS), second.length)
    assert.deepEqual(
      [
        head.method,
        head.target,
        head.contentLength,
        head.hasAbsoluteTarget,
        head.hostField,
        head.minorVersion,
      ],
      ['GET', '/b', -1, false, 'h', 1],
    )
  })

  it('takes one empty line before the request line and refuses two', () => {
    assert.equal(parse('\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n').method, 'GET')
    assert.equal(refusal('\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n'), 'BAD_REQUEST')
  })

  it('tells other versions of the form HTTP/d.d from no version at all', () => {
    for (const version of ['HTTP/2.0', 'HTTP/0.9', 'HTTP/1.2', 'HTTP/1.9', 'HTTP/3.1']) {
      assert.equal(refusal(`GET / ${version}\r\nHost: h\r\n\r\n`), 'VERSION_NOT_SUPPORTED', version)
    }
    for (const version of [
      'HTTP/1.10',
      'HTTP/11',
      'http/1.1',
      'ICE/1.0',
      'HTTP/1,1',
      'HTTP/1.',
      'HTTP/ 1.1',
      '',
    ]) {
      assert.equal(refusal(`GET / ${version}\r\nHost: h\r\n\r\n`), 'BAD_REQUEST', version)
    }
  })

  it('takes the absolute form apart and lets its authority replace Host', () => {
    const head = parse('GET HTTP://B.example:81/p?q HTTP/1.1\r\nHost: a.example\r\n\r\n')
    assert.deepEqual(
      [head.target, head.host, head.hostField, head.hasAbsoluteTarget],
      ['/p?q', 'b.example', 'B.example:81', true],
    )
    assert.equal(parse('GET http://b HTTP/1.1\r\nHost: a\r\n\r\n').target, '/')
    assert.equal(parse('GET http://b?x=1 HTTP/1.1\r\nHost: a\r\n\r\n').target, '/?x=1')
    assert.equal(parse('OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n').isAsterisk, true)
  })

  it('refuses targets in any other form', () => {
    for (const target of [
      'https://h/',
      'ftp://h/',
      'http:///',
      'http://',
      'http://u@h/',
      'http://u:p@h/',
      'http://h:65536/',
      'http://h:/',
      'http://h#f',
      'h:80',
      'a/b',
      '*',
      '**',
      '?a',
      '#',
      '/a#b',
      '/\x7f',
      '/\x80',
      '/\x01',
    ]) {
      assert.equal(refusal(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`), 'BAD_TARGET', target)
    }
    assert.equal(parse('OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n').isAsterisk, true)
  })

  it('asks for exactly one good Host, in HTTP/1.1 also with an absolute target', () => {
    assert.equal(refusal('GET / HTTP/1.1\r\n\r\n'), 'BAD_HOST')
    assert.equal(refusal('GET http://h/ HTTP/1.1\r\n\r\n'), 'BAD_HOST')
    assert.equal(refusal('GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n'), 'BAD_HOST')
    assert.equal(refusal('GET / HTTP/1.0\r\nHost: h\r\nhost: h\r\n\r\n'), 'BAD_HOST')
    assert.equal(refusal('GET / HTTP/1.1\r\nHost: a b\r\n\r\n'), 'BAD_HOST')
    const head = parse('GET / HTTP/1.0\r\n\r\n')
    assert.deepEqual([head.host, head.hostField, head.keepAlive], ['', '', false])
  })

  it('reads one plain Content-Length and refuses everything else', () => {
    assert.equal(parse(get('Content-Length: 0')).contentLength, 0)
    assert.equal(parse(get('content-length:\t42 ')).contentLength, 42)
    assert.equal(parse(get('Content-Length: 9007199254740991')).contentLength, 2 ** 53 - 1)
    for (const value of [
      '',
      '+1',
      '-1',
      '0x1',
      '1_0',
      '1.0',
      '1e3',
      '1 2',
      '1, 1',
      '1,2',
      '"1"',
      '00',
      '01',
      '١',
    ]) {
      assert.equal(
        refusal(get(`Content-Length: ${Buffer.from(value).toString('latin1')}`)),
        'BAD_LENGTH',
        value,
      )
    }
    assert.equal(refusal(get('Content-Length: 1', 'Content-Length: 1')), 'BAD_LENGTH')
    for (const value of ['9007199254740992', '9223372036854775807', '9223372036854775808', '9'.repeat(400)]) {
      assert.equal(refusal(get(`Content-Length: ${value}`)), 'BODY_TOO_LARGE', value)
    }
  })

  it('accepts chunked alone and names the fault of other codings', () => {
    assert.equal(parse(get('Transfer-Encoding: chunked')).chunked, true)
    assert.equal(parse(get('transfer-encoding:  CHUNKED\t')).chunked, true)
    for (const value of ['gzip', 'identity', '', 'chunkedd', 'xchunked', 'cow']) {
      assert.equal(refusal(get(`Transfer-Encoding: ${value}`)), 'CODING_NOT_IMPLEMENTED', value)
    }
    for (const value of [
      'gzip, chunked',
      'chunked, chunked',
      ', chunked',
      'chunked;q=1',
      '"chunked"',
      'chunked\x80',
    ]) {
      assert.equal(refusal(get(`Transfer-Encoding: ${value}`)), 'BAD_LENGTH', value)
    }
    assert.equal(refusal(get('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')), 'BAD_LENGTH')
    assert.equal(refusal(get('Transfer-Encoding: gzip', 'Transfer-Encoding: br')), 'CODING_NOT_IMPLEMENTED')
    assert.equal(refusal(get('Transfer-Encoding: chunked', 'Content-Length: 3')), 'BAD_LENGTH')
    assert.equal(refusal(get('Content-Length: 3', 'Transfer-Encoding:')), 'BAD_LENGTH')
    assert.equal(refusal('POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n'), 'BAD_LENGTH')
  })

  it('knows when the connection ends with this request', () => {
    assert.equal(parse(get('Connection: close')).keepAlive, false)
    assert.equal(parse(get('Connection: keep-alive , CLOSE')).keepAlive, false)
    assert.equal(parse(get('Connection: x', 'connection: Close')).keepAlive, false)
    assert.equal(parse(get('Connection: closed')).keepAlive, true)
    assert.equal(parse(get('Connection:')).keepAlive, true)
    assert.equal(parse('GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n').keepAlive, true)
    assert.equal(parse('GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n').keepAlive, false)
    assert.equal(parse('POST / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n').keepAlive, false)
    assert.equal(
      parse('POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n').keepAlive,
      true,
    )
  })

  it('marks what Connection names, but never Host, framing or X-Forwarded-*', () => {
    const { fields } = parse(
      get(
        'Connection: x-a, HOST, content-length, x-forwarded-for, X-Forwarded-Prefix, cookie',
        'X-A: 1',
        'x-a: 2',
        'X-Ab: 3',
        'Content-Length: 4',
        'X-Forwarded-For: 5',
        'X-Forwarded-Prefix: 6',
        'Cookie: 7',
      ),
    )
    const kinds = [...fields.kind.slice(0, fields.count)]
    assert.deepEqual(kinds, [
      FIELD.HOST,
      FIELD.CONNECTION,
      FIELD.NOMINATED,
      FIELD.NOMINATED,
      FIELD.OTHER,
      FIELD.CONTENT_LENGTH,
      FIELD.X_FORWARDED_FOR,
      FIELD.OTHER,
      FIELD.NOMINATED,
    ])
  })

  it('refuses a Connection list that is longer than any client sends', () => {
    assert.equal(parse(get(`Connection: ${'a,'.repeat(100)}`)).keepAlive, true)
    assert.equal(refusal(get(`Connection: ${'a,'.repeat(101)}`)), 'HEAD_TOO_LARGE')
  })

  it('marks look-alikes with underscores', () => {
    const { fields } = parse(
      get(
        'Content_Length: 5',
        'X_Real_IP: 6',
        'x_forwarded-proto: 7',
        'X_Forwarded_Foo: 8',
        'my_field: 9',
        '_: 1',
      ),
    )
    assert.deepEqual(
      [...fields.kind.slice(1, fields.count)],
      [FIELD.SHADOW, FIELD.SHADOW, FIELD.SHADOW, FIELD.SHADOW, FIELD.OTHER, FIELD.OTHER],
    )
    assert.equal(fields.underscored, 2)
  })

  it('understands Expect, and never waits with a 1.0 client or without a body', () => {
    assert.equal(parse(get('Expect: 100-Continue', 'Content-Length: 1')).expectsContinue, true)
    assert.equal(parse(get('Expect: 100-continue', 'Transfer-Encoding: chunked')).expectsContinue, true)
    assert.equal(parse(get('Expect: 100-continue')).expectsContinue, false)
    const old = 'POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n'
    assert.equal(parse(old).expectsContinue, false)
    assert.equal(refusal(get('Expect: 200-ok')), 'EXPECTATION_FAILED')
    assert.equal(refusal(get('Expect:')), 'EXPECTATION_FAILED')
    assert.equal(refusal(get('Expect: 100-continue', 'Expect: 100-continue')), 'EXPECTATION_FAILED')
  })

  it('reads Upgrade only where Connection names it, in HTTP/1.1, with one protocol', () => {
    assert.equal(parse(get('Connection: keep-alive, Upgrade', 'Upgrade: WebSocket')).upgrade, 'websocket')
    assert.equal(parse(get('Connection: upgrade', 'Upgrade: TLS/1.0')).upgrade, 'tls/1.0')
    assert.equal(parse(get('Upgrade: websocket')).upgrade, null)
    assert.equal(parse(get('Connection: upgrade', 'Upgrade: websocket, h2c')).upgrade, null)
    assert.equal(parse(get('Connection: upgrade', 'Upgrade: websocket', 'Upgrade: h2c')).upgrade, null)
    assert.equal(parse(get('Connection: upgrade')).upgrade, null)
    const old = 'GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'
    assert.equal(parse(old).upgrade, null)
  })

  it('reads TE: trailers and Trailer', () => {
    assert.equal(parse(get('TE: deflate;q=0.5, Trailers')).teTrailers, true)
    assert.equal(parse(get('TE: trailers;q=1')).teTrailers, true)
    assert.equal(parse(get('TE: gzip')).teTrailers, false)
    assert.equal(parse(get('Trailer: X', 'Transfer-Encoding: chunked')).trailerAllowed, true)
    assert.equal(parse(get('Trailer:', 'Transfer-Encoding: chunked')).trailerAllowed, false)
    assert.equal(parse(get('Trailer: X')).trailerAllowed, false)
  })

  it('names the limit: exactly at it passes, one more is refused', () => {
    const limits: RequestLimits = { maxTargetBytes: 10, maxHeadBytes: 60, maxFields: 3 }
    assert.equal(parse(`GET /${'a'.repeat(9)} HTTP/1.1\r\nHost: h\r\n\r\n`, limits).target.length, 10)
    assert.equal(refusal(`GET /${'a'.repeat(10)} HTTP/1.1\r\nHost: h\r\n\r\n`, limits), 'TARGET_TOO_LONG')
    assert.equal(refusal(`GET /${'a'.repeat(10)}`, limits), 'TARGET_TOO_LONG')
    const head = 'GET / HTTP/1.1\r\nHost: h\r\nX: '
    const fits = `${head}${'a'.repeat(60 - head.length - 4)}\r\n\r\n`
    assert.equal(fits.length, 60)
    assert.equal(parse(`${fits}more`, limits).end, 60)
    assert.equal(refusal(`${head}${'a'.repeat(60 - head.length - 3)}\r\n\r\n`, limits), 'HEAD_TOO_LARGE')
    assert.equal(refusal(`${head}${'a'.repeat(60 - head.length)}`, limits), 'HEAD_TOO_LARGE')
    const line = 'GET / HTTP/1.1\r\nHost: h\r\n'
    assert.equal(parse(`${line}a:\r\nb:\r\n\r\n`, limits).fields.count, 3)
    assert.equal(refusal(`${line}a:\r\nb:\r\nc`, limits), 'HEAD_TOO_LARGE')
  })

  it('keeps its answer when it is asked again without reset', () => {
    const head = new RequestHead(10)
    assert.equal(parseRequestHead(head, '\0', 0, LIMITS), -1)
    assert.equal(parseRequestHead(head, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n', 0, LIMITS), -1)
    head.reset()
    const text = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'
    assert.equal(parseRequestHead(head, text, 0, LIMITS), text.length)
    assert.equal(parseRequestHead(head, `${text}GET`, 0, LIMITS), text.length)
  })
})
