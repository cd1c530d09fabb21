import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ChunkedDecoder, type TrailerLimits } from './chunked-decoder.ts'
import { FIELD, type HeadFields } from './head-fields.ts'

const LIMITS: TrailerLimits = { maxTrailerBytes: 8192, maxTrailerFields: 32 }

interface Outcome {
  body: string
  trailers: string | null
  kept: string[]
  /** Bytes taken; -1 if the body goes on. */
  taken: number
  error: string | null
}

/** Decodes the text in pieces that end at the given places. */
function decode(text: string, cuts: readonly number[] = [], limits = LIMITS): Outcome {
  const decoder = new ChunkedDecoder()
  decoder.reset(limits)
  const outcome: Outcome = { body: '', trailers: null, kept: [], taken: -1, error: null }
  const sink = {
    onData(input: Buffer, from: number, to: number): void {
      assert.ok(to > from)
      outcome.body += input.toString('latin1', from, to)
    },
    onTrailers(section: string, fields: HeadFields): void {
      assert.equal(outcome.trailers, null)
      outcome.trailers = section
      for (let i = 0; i < fields.count; i++) {
        if (fields.kind[i] !== FIELD.NOT_IN_TRAILER && fields.kind[i] !== FIELD.SHADOW)
          outcome.kept.push(fields.name(i))
      }
    },
  }
  let from = 0
  for (const to of [...cuts, text.length]) {
    // A piece stands in the middle of a larger buffer, as it does in a socket's.
    const input = Buffer.from(`??${text.slice(from, to)}??`, 'latin1')
    const end = decoder.decode(input, 2, 2 + to - from, sink)
    if (decoder.failed) {
      outcome.error = decoder.error
      return outcome
    }
    if (decoder.done) {
      outcome.taken = from + end - 2
      return outcome
    }
    assert.equal(end, 2 + to - from)
    from = to
  }
  return outcome
}

describe('ChunkedDecoder', () => {
  it('gives the data of the chunks and stops behind the last one', () => {
    const outcome = decode('5\r\nhello\r\n00A\r\n0123456789\r\n0\r\n\r\nGET /')
    assert.equal(outcome.body, 'hello0123456789')
    assert.equal(outcome.taken, 32)
    assert.equal(outcome.trailers, null)
  })

  it('takes both cases of digits and a last chunk of several zeros', () => {
    assert.equal(decode('a\r\n0123456789\r\n000\r\n\r\n').body, '0123456789')
    assert.equal(decode('A\r\n0123456789\r\n0000000000000000\r\n\r\n').taken, 35)
  })

  it('refuses sizes that are not 1 to 16 hexadecimal digits', () => {
    for (const size of [
      '',
      ' 5',
      '5 ',
      '\t5',
      '5\t',
      '0x5',
      '+5',
      '-5',
      '5_0',
      'g',
      '5 ;a',
      '5a?',
      '00000000000000005',
      '5,',
    ]) {
      assert.equal(decode(`${size}\r\nhello\r\n0\r\n\r\n`).error, 'BAD_CHUNK', size)
    }
    assert.equal(decode('ffffffffffffffff\r\n').error, 'BODY_TOO_LARGE')
    assert.equal(decode('20000000000000\r\n').error, 'BODY_TOO_LARGE')
    assert.equal(decode('1fffffffffffff\r\n').error, null)
  })

  it('refuses line ends other than CRLF and data that does not fit the size', () => {
    for (const text of [
      '5\nhello\r\n0\r\n\r\n',
      '5\rhello',
      '5\r\nhello\n',
      '5\r\nhell\r\n',
      '5\r\nhellooo\r\n',
      '5\r\nhello\r0',
      '5\r\nhello0\r\n',
    ]) {
      assert.equal(decode(`${text}0\r\n\r\n`).error, 'BAD_CHUNK', JSON.stringify(text))
    }
    assert.equal(decode('0\n\n').error, 'BAD_CHUNK')
    assert.equal(decode('0\r\n\n').error, 'BAD_TRAILER')
    assert.equal(decode('0\r\n\rX').error, 'BAD_TRAILER')
  })

  it('skips well-formed extensions', () => {
    for (const extension of [
      ';a',
      ';a=b',
      ';a="b c"',
      ';a="\\"\\\\"',
      ';a=b;c;d="e"',
      '; a = b ; c',
      ';a="\xe4\t"',
      ';a ;b',
      ';a="x" ;b',
    ]) {
      assert.equal(decode(`5${extension}\r\nhello\r\n0${extension}\r\n\r\n`).body, 'hello', extension)
    }
  })

  it('refuses malformed extensions', () => {
    for (const extension of [
      ';',
      ';;',
      ';a;',
      ';=b',
      ';a=',
      ';a="b',
      ';a="b\0"',
      ';a="\n"',
      ';a b',
      ';a=b c',
      ';a="b"c',
      ' a',
      ';a\n',
      ';a\r',
      ';a=\x00',
      ';a ',
      ';a=b ',
      ';a="b" ',
      ';\x80',
      ';a="\\\r"',
    ]) {
      assert.equal(
        decode(`5${extension}\r\nhello\r\n0\r\n\r\n`).error,
        'BAD_CHUNK',
        JSON.stringify(extension),
      )
    }
  })

  it('bounds extensions per line and per message', () => {
    const line = `1;${'a'.repeat(4094)}\r\nx\r\n`
    assert.equal(decode(`${line}0\r\n\r\n`).body, 'x')
    assert.equal(decode(`1;${'a'.repeat(4096)}\r\nx\r\n0\r\n\r\n`).error, 'BAD_CHUNK')
    assert.equal(decode(line.repeat(17)).error, 'BAD_CHUNK')
    assert.equal(decode(line.repeat(15)).error, null)
  })

  it('collects trailers and marks those that may not be forwarded', () => {
    const names =
      'X-Sum Content-Length Transfer-Encoding Host Authorization X-Forwarded-For X_Real_IP Connection Cookie Set-Cookie grpc-status Forwarded TE X-Forwarded-Foo'
    const section = `${names
      .split(' ')
      .map((name) => `${name}: 1\r\n`)
      .join('')}\r\n`
    const outcome = decode(`0\r\n${section}rest`)
    assert.equal(outcome.trailers, section)
    assert.deepEqual(outcome.kept, ['X-Sum', 'grpc-status'])
    assert.equal(outcome.taken, 3 + section.length)
  })

  it('refuses malformed trailers and those over a limit', () => {
    for (const section of [
      'a\r\n\r\n',
      ' a: b\r\n\r\n',
      'a: b\n\n',
      'a : b\r\n\r\n',
      ': b\r\n\r\n',
      'a: b\r\n c\r\n\r\n',
      'a: \0\r\n\r\n',
      'a: b\r\n\n',
    ]) {
      assert.equal(decode(`0\r\n${section}`).error, 'BAD_TRAILER', JSON.stringify(section))
    }
    const limits: TrailerLimits = { maxTrailerBytes: 20, maxTrailerFields: 2 }
    const fits = `a: ${'x'.repeat(13)}\r\n\r\n`
    assert.equal(decode(`0\r\n${fits}`, [], limits).taken, 23)
    assert.equal(decode(`0\r\n${fits}`, [5, 9], limits).taken, 23)
    assert.equal(decode(`0\r\na: ${'x'.repeat(14)}\r\n\r\n`, [], limits).error, 'BAD_TRAILER')
    assert.equal(decode(`0\r\na: ${'x'.repeat(40)}`, [], limits).error, 'BAD_TRAILER')
    assert.equal(decode('0\r\na:\r\nb:\r\n\r\n', [], limits).error, null)
    assert.equal(decode('0\r\na:\r\nb:\r\nc:\r\n\r\n', [], limits).error, 'BAD_TRAILER')
  })

  it('is ready for another message after reset, also after a failure', () => {
    const decoder = new ChunkedDecoder()
    const sink = { onData: () => {}, onTrailers: () => {} }
    decoder.reset(LIMITS)
    decoder.decode(Buffer.from('0\r\nbad'), 0, 6, sink)
    decoder.decode(Buffer.from('\n'), 0, 1, sink)
    assert.equal(decoder.failed, true)
    decoder.reset(LIMITS)
    assert.equal(decoder.failed, false)
    assert.equal(decoder.decode(Buffer.from('0\r\n\r\nX'), 0, 6, sink), 5)
    assert.equal(decoder.done, true)
  })

  it('gives the same result however the bytes are cut', () => {
    const message = fc
      .array(
        fc.constantFrom(
          '3\r\nabc\r\n',
          'A;x="y;\\"z"\r\n0123456789\r\n',
          '1;q\r\n\r\r\n',
          '5\r\n0\r\n\r\n\r\n',
          '2\r\n\xff\xfe\r\n',
          '4\r\nbad\r\n',
          '0',
        ),
      )
      .map((chunks) => chunks.join(''))
    const ending = fc.constantFrom('0\r\n\r\n', '0\r\nA: b\r\nC: d\r\n\r\n', '0\r\nA: b\n\r\n', '')
    fc.assert(
      fc.property(message, ending, fc.array(fc.nat(80)), (chunks, end, places) => {
        const text = `${chunks}${end}tail`
        const whole = decode(text)
        const cuts = [...new Set(places)]
          .filter((place) => place > 0 && place < text.length)
          .sort((a, b) => a - b)
        assert.deepEqual(decode(text, cuts), whole)
        assert.deepEqual(
          decode(
            text,
            Array.from({ length: text.length - 1 }, (_, i) => i + 1),
          ),
          whole,
        )
      }),
    )
  })
})
