import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toByteString } from '../model/byte-string.ts'
import { checkDateFormat, compileDateFormat } from './date-format.ts'

function read(format: string, text: string): number {
  return compileDateFormat(format)(toByteString(text))
}

const rows: readonly (readonly [format: string, text: string, iso: string])[] = [
  ['yyyy-MM-dd', '2024-02-29', '2024-02-29T00:00:00Z'],
  ['uuuuMMdd', '20240131', '2024-01-31T00:00:00Z'],
  ['dd/MM/yy', '05/11/99', '2099-11-05T00:00:00Z'],
  ['d.M.yyyy', '5.11.1999', '1999-11-05T00:00:00Z'],
  ['d.M.yyyy', '15.1.1999', '1999-01-15T00:00:00Z'],
  ["yyyy-MM-dd'T'HH:mm:ssXXX", '2024-01-31T10:20:30+02:00', '2024-01-31T08:20:30Z'],
  ["yyyy-MM-dd'T'HH:mm:ssXXX", '2024-01-31T10:20:30Z', '2024-01-31T10:20:30Z'],
  ["yyyy-MM-dd'T'HH:mm:ss.SSSXX", '2024-01-31T10:20:30.250-0130', '2024-01-31T11:50:30.250Z'],
  ['yyyy-MM-dd HH:mm:ss Z', '2024-01-31 10:20:30 +0100', '2024-01-31T09:20:30Z'],
  ['yyyy-MM-dd HX', '2024-01-31 9-03', '2024-01-31T12:00:00Z'],
  ['EEE, d MMM yyyy HH:mm:ss', 'Wed, 31 jan 2024 10:20:30', '2024-01-31T10:20:30Z'],
  ['EEEE d MMMM yyyy', 'Monday 1 May 2023', '2023-05-01T00:00:00Z'],
  ['hh:mm a', '12:05 AM', '1970-01-01T00:05:00Z'],
  ['h:mm a', '1:05 pm', '1970-01-01T13:05:00Z'],
  ["yyyy 'year''s' MM", "2024 year's 02", '2024-02-01T00:00:00Z'],
  ["HH''mm", "10'20", '1970-01-01T10:20:00Z'],
  ['yyyy年MM月', '2024年05月', '2024-05-01T00:00:00Z'],
  ['yyyy', '0099', '0099-01-01T00:00:00Z'],
  ['ss.SSSSSS', '01.000500', '1970-01-01T00:00:01.000Z'],
]

test('a text that follows the format is its moment in UTC', () => {
  for (const [format, text, iso] of rows)
    assert.equal(Math.floor(read(format, text)), Date.parse(iso), `${format} ${text}`)
  assert.equal(read('ss.SSSSSS', '01.000500'), 1000.5)
})

test('a text that does not follow it, or is no day, is none', () => {
  for (const [format, text] of [
    ['yyyy-MM-dd', '2023-02-29'],
    ['yyyy-MM-dd', '2024-13-01'],
    ['yyyy-MM-dd', '2024-00-01'],
    ['yyyy-MM-dd', '2024-1-01'],
    ['yyyy-MM-dd', '2024-04-31'],
    ['yyyy-MM-dd', '2024-01-31 '],
    ['yyyy-MM-dd', ' 2024-01-31'],
    ['yyyy-MM-dd', '24-01-31'],
    ['yyyy-MM-dd', ''],
    ['HH:mm', '24:00'],
    ['HH:mm', '10:60'],
    ['hh a', '13 PM'],
    ['hh a', '10 XM'],
    ['XXX', '+0100'],
    ['XXX', '+19:00'],
    ['XX', '+01'],
    ['MMM', 'Foo'],
    ['SSS', '12'],
  ] as const)
    assert.ok(Number.isNaN(read(format, text)), `${format} ${text}`)
})

test('a format with letters that are not known is refused by their name', () => {
  for (const [format, reason] of [
    ['', /empty/],
    ['yyyy-DD', /^DD in the format/],
    ['yyyyy', /^yyyyy in the format/],
    ['VV', /^VV in the format/],
    ["yyyy'T", /not closed/],
    ['yyyy[-MM]', /^\[ in the format/],
    ['SSSSSSSSSS', /^SSSSSSSSSS in/],
  ] as const) {
    assert.match(checkDateFormat(format) ?? '', reason, format)
    assert.throws(() => compileDateFormat(format))
  }
  for (const [format] of rows) assert.equal(checkDateFormat(format), null, format)
})

test('every moment that is written in a format is read from it', () => {
  const two = (value: number) => String(value).padStart(2, '0')
  const moment = fc.integer({ min: Date.UTC(1000, 0), max: Date.UTC(9999, 0) })
  fc.assert(
    fc.property(moment, fc.integer({ min: -1080, max: 1080 }), (ms, offset) => {
      const there = new Date(ms + offset * 60_000)
      const sign = offset < 0 ? '-' : '+'
      const zone = `${sign}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`
      const text = `${there.toISOString().slice(0, 23)}${zone}`
      assert.equal(read("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", text), ms)
    }),
  )
})

test('no text makes it throw, and what it reads is a number within the years that it knows', () => {
  const piece = fc.constantFrom('2024', '01', '-', 'T', '9', '+01:00', 'Z', 'Jan', '', '31')
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 8 }).map((parts) => parts.join('')),
  )
  const reader = compileDateFormat("yyyy-MM-dd'T'HHXXX")
  fc.assert(
    fc.property(text, (given) => {
      const ms = reader(toByteString(given))
      assert.ok(Number.isNaN(ms) || Math.abs(ms) <= 8.64e15)
    }),
  )
})
