import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseResponseHead, ResponseHead, type ResponseLimits } from './response-head.ts'

const LIMITS: ResponseLimits = { maxResponseHeadBytes: 65_536, maxResponseFields: 100 }

function parse(text: string, limits = LIMITS): ResponseHead {
  const head = new ResponseHead(limits.maxResponseFields)
  assert.ok(parseResponseHead(head, text, 0, limits) > 0, `refused: ${JSON.stringify(text)}`)
  return head
}

function isRefused(text: string, limits = LIMITS): boolean {
  const head = new ResponseHead(limits.maxResponseFields)
  return parseResponseHead(head, text, 0, limits) === -1 && head.error === 'UPSTREAM_BAD_ANSWER'
}

const ok = (...lines: string[]): string =>
  `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`

describe('parseResponseHead', () => {
  it('reads status, reason, version and framing', () => {
    const text =
      'HTTP/1.0 404 Not \xfcberall\r\nContent-Length: 3\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nabc'
    const head = parse(text)
    assert.deepEqual(
      [head.status, head.reason, head.minorVersion, head.contentLength, head.keepAlive, head.end],
      [404, 'Not \xfcberall', 0, 3, false, text.length - 3],
    )
    assert.equal(head.fields.get('set-cookie'), 'a, b')
  })

  it('takes an empty reason with and without the blank before it', () => {
    assert.equal(parse('HTTP/1.1 200 \r\n\r\n').reason, '')
    assert.equal(parse('HTTP/1.1 200\r\n\r\n').reason, '')
  })

  it('refuses status lines that are not HTTP/1.0 or 1.1 with a status of 100-599', () => {
    for (const line of [
      'HTTP/1.1 099 x',
      'HTTP/1.1 600 x',
      'HTTP/1.1 20 x',
      'HTTP/1.1 2000 x',
      'HTTP/1.1 2x0 x',
      'HTTP/1.1  200 x',
      'HTTP/1.2 200 x',
      'HTTP/2.0 200 x',
      'http/1.1 200 x',
      'ICY 200 OK',
      'HTTP/1.1\t200 x',
      'HTTP/1.1 200\tx',
      'HTTP/1.1 200 \0',
      'HTTP/1.1 200 \x7f',
      ' HTTP/1.1 200 x',
      '',
    ]) {
      assert.ok(isRefused(`${line}\r\n\r\n`), line)
    }
    assert.ok(isRefused('HTTP/1.1 200 OK\n\n'))
    assert.ok(isRefused('HTTP/1.1 200 OK\r\r\n\r\n'))
    assert.ok(isRefused('\r\nHTTP/1.1 200 OK\r\n\r\n'))
  })

  it('holds answers to the field grammar of requests', () => {
    for (const field of [
      'a b: c',
      'a : c',
      ' a: b',
      ': b',
      'a',
      'a: \0',
      'a: b\rc',
      'a: b\nc',
      'a: b\r\n c',
      '\xe4: b',
    ]) {
      assert.ok(isRefused(ok(field)), JSON.stringify(field))
    }
    assert.equal(parse(ok('X: \xe4\x80 y')).fields.get('x'), '\xe4\x80 y')
  })

  it('collapses equal lengths and refuses what leaves the end of the body open to debate', () => {
    assert.equal(parse(ok('Content-Length: 5', 'content-length: 5')).contentLength, 5)
    for (const lines of [
      ['Content-Length: 5', 'Content-Length: 6'],
      ['Content-Length: five'],
      ['Content-Length: -1'],
      ['Content-Length: 5, 5'],
      ['Content-Length:'],
      ['Content-Length: 9007199254740992'],
      ['Transfer-Encoding: gzip'],
      ['Transfer-Encoding: gzip, chunked'],
      ['Transfer-Encoding: identity'],
      ['Transfer-Encoding:'],
      ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
      ['Transfer-Encoding: chunked', 'Content-Length: 5'],
    ]) {
      assert.ok(isRefused(ok(...lines)), lines.join(' | '))
    }
    assert.ok(isRefused('HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'))
  })

  it('knows how each body ends', () => {
    assert.equal(parse(ok('Transfer-Encoding: chunked')).bodyKind('GET'), 'chunked')
    assert.equal(parse(ok('Transfer-Encoding: chunked')).bodyKind('HEAD'), 'none')
    assert.equal(parse(ok('Content-Length: 0')).bodyKind('GET'), 'length')
    assert.equal(parse(ok()).bodyKind('POST'), 'untilClose')
    for (const status of [100, 101, 103, 204, 304]) {
      const head = parse(`HTTP/1.1 ${status} x\r\nContent-Length: 5\r\n\r\n`)
      assert.equal(head.bodyKind('GET'), 'none', String(status))
    }
  })

  it('knows whether the endpoint keeps the connection', () => {
    assert.equal(parse(ok()).keepAlive, true)
    assert.equal(parse(ok('Connection: x, close')).keepAlive, false)
    assert.equal(parse('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n').keepAlive, true)
    assert.equal(parse('HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n\r\n').keepAlive, false)
  })

  it('reads the protocol of a 101', () => {
    const head = parse('HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n')
    assert.equal(head.upgrade, 'websocket')
    assert.equal(parse('HTTP/1.1 101 x\r\nUpgrade: WebSocket\r\n\r\n').upgrade, null)
  })

  it('gives the same head for a text that comes byte by byte', () => {
    const text = ok('Content-Length: 5', 'X: y', 'Connection: keep-alive')
    const head = new ResponseHead(LIMITS.maxResponseFields)
    for (let i = 0; i < text.length; i++)
      assert.equal(parseResponseHead(head, text.slice(0, i), 0, LIMITS), 0)
    assert.equal(parseResponseHead(head, text, 0, LIMITS), text.length)
    assert.deepEqual(
      [head.status, head.reason, head.contentLength, head.fields.get('x')],
      [200, 'OK', 5, 'y'],
    )
  })

  it('holds to its limits', () => {
    const limits: ResponseLimits = { maxResponseHeadBytes: 40, maxResponseFields: 2 }
    assert.equal(parse('HTTP/1.1 200 OK\r\na:\r\nb:\r\n\r\n', limits).fields.count, 2)
    assert.ok(isRefused('HTTP/1.1 200 OK\r\na:\r\nb:\r\nc:\r\n\r\n', limits))
    assert.ok(isRefused(`HTTP/1.1 200 OK\r\na: ${'x'.repeat(40)}`, limits))
    assert.ok(isRefused(`HTTP/1.1 200 ${'x'.repeat(40)}`, limits))
  })
})
