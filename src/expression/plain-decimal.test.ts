import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { comparePlainDecimal, parsePlainDecimal, plainNumber } from './plain-decimal.ts'

const compare = (text: string, bound: string): number => {
  const parsed = parsePlainDecimal(bound)
  assert.ok(parsed !== null, bound)
  const order = comparePlainDecimal(text, parsed)
  return order === 0 ? 0 : Math.sign(order)
}

const NO_NUMBERS = [
  '',
  '-',
  '.',
  '+1',
  '1.',
  '.5',
  '-.5',
  '1..2',
  '1.2.3',
  '1e3',
  '0x1',
  ' 1',
  '1 ',
  '--1',
  '1-',
  'a',
  '١',
  'NaN',
  'Infinity',
  '1,5',
]

test('takes digits, a minus before and a fraction behind them, and nothing else', () => {
  for (const text of NO_NUMBERS) {
    assert.equal(parsePlainDecimal(text), null, text)
    assert.ok(Number.isNaN(plainNumber(text)), text)
    assert.ok(Number.isNaN(compare(text, '1')), text)
    assert.ok(Number.isNaN(compare(text, '123456789012345678901')), text)
  }
  assert.equal(plainNumber('-01.50'), -1.5)
})

test('zeros before and behind mean nothing, and zero has no sign', () => {
  for (const [a, b] of [
    ['01001', '1001'],
    ['1001.0', '1001'],
    ['-0', '0'],
    ['0.0', '-0.00'],
    ['000', '0'],
    ['-01.50', '-1.5'],
  ] as const) {
    assert.equal(compare(a, b), 0, `${a} ${b}`)
  }
})

test('numbers that no double tells apart are told apart', () => {
  assert.equal(compare('9007199254740993', '9007199254740992'), 1)
  assert.equal(compare('9007199254740992', '9007199254740993'), -1)
  assert.equal(compare('-9007199254740993', '-9007199254740992'), -1)
  assert.equal(compare('1.00000000000000000001', '1'), 1)
  assert.equal(compare('0.99999999999999999999', '1'), -1)
  assert.equal(compare('9'.repeat(400), '9'.repeat(399)), 1)
})

test('compares as whole numbers over a power of ten do', () => {
  const digits = fc.string({ unit: fc.constantFrom('0', '1', '9', '5'), minLength: 1, maxLength: 20 })
  const decimal = fc.tuple(fc.boolean(), digits, fc.option(digits, { nil: null }))
  const write = ([isNegative, whole, fraction]: readonly [boolean, string, string | null]): string =>
    `${isNegative ? '-' : ''}${whole}${fraction === null ? '' : `.${fraction}`}`
  const units = ([isNegative, whole, fraction]: readonly [boolean, string, string | null]): bigint =>
    BigInt(whole + (fraction ?? '').padEnd(20, '0')) * (isNegative ? -1n : 1n)
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      const [x, y] = [units(a), units(b)]
      assert.equal(compare(write(a), write(b)), x < y ? -1 : x > y ? 1 : 0, `${write(a)} ${write(b)}`)
    }),
    { numRuns: 3000 },
  )
})

test('a long text of zeros is compared in no time', () => {
  const text = `1.${'0'.repeat(1_000_000)}1`
  const start = performance.now()
  assert.equal(compare(text, '1'), 1)
  assert.ok(performance.now() - start < 1000)
})
