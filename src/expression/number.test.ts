import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { toNumber } from './number.ts'

const CONVERTS: readonly (readonly [string, number])[] = [
  ['7', 7],
  ['007', 7],
  ['7.0', 7],
  [' 7 ', 7],
  ['\t7\r\n', 7],
  ['0x7', 7],
  ['0X1f', 31],
  ['-0x10', -16],
  ['+5', 5],
  ['-5', -5],
  ['.5', 0.5],
  ['5.', 5],
  ['1e3', 1000],
  ['1E-2', 0.01],
  ['-1.5e+2', -150],
  ['123456789012345678', 123456789012345680],
  ['0', 0],
]

const DOES_NOT = [
  '',
  ' ',
  '+',
  '-',
  '.',
  'e5',
  '1e',
  '1e+',
  '7a',
  '18a',
  'a7',
  '1 2',
  '0x',
  '0xg',
  '-0x',
  '0b1',
  '0o7',
  '1_0',
  'Infinity',
  '-Infinity',
  'NaN',
  'nan',
  'inf',
  '--1',
  '+-1',
  '1..2',
  '1.2.3',
  '\u00a07',
  '１',
]

for (const [text, number] of CONVERTS) {
  test(`${JSON.stringify(text)} is the number ${number}`, () => assert.equal(toNumber(text), number))
}
for (const text of DOES_NOT) {
  test(`${JSON.stringify(text)} is no number`, () => assert.equal(toNumber(text), undefined))
}

test('whatever converts, converts as JavaScript reads it, and nothing else does', () => {
  const characters = [...'0123456789+-.eExXabf \t_n']
  const text = fc.string({ unit: fc.constantFrom(...characters), maxLength: 12 })
  const grammar =
    /^[ \t]*[+-]?(?:0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[ \t]*$/
  fc.assert(
    fc.property(text, (sample) => {
      const actual = toNumber(sample)
      if (!grammar.test(sample)) return assert.equal(actual, undefined)
      const bare = sample.trim().replace(/^[+-]/, '')
      const expected = Number(bare) * (sample.trim().startsWith('-') ? -1 : 1)
      assert.equal((actual ?? Number.NaN) + 0, expected + 0)
    }),
    { numRuns: 2000 },
  )
})

test('numbers written by JavaScript come back the same', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      assert.equal((toNumber(String(number)) ?? Number.NaN) + 0, number + 0)
    }),
  )
})
