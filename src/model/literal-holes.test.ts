import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { interpolate } from '../store/files/interpolate.ts'
import type { JsonValue } from './json.ts'
import { escapeHoles } from './literal-holes.ts'

function fill(text: string): unknown {
  const filled = interpolate(text, { X: 'filled', A: '1' })
  if (filled.kind === 'missing') return filled
  return filled.kind === 'same' ? text : filled.value
}

test('a text that looks like a hole reads back as it is, whatever stands in it', () => {
  const piece = fc.constantFrom(
    `\${{`,
    '}}',
    'X',
    'A',
    ':=',
    ' ',
    '$',
    '{',
    '}',
    'true',
    '1',
    `\${{X}}`,
    `\${{A:=2}}`,
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const text = pieces.join('')
      assert.equal(fill(escapeHoles(text)), text)
    }),
    { numRuns: 5_000 },
  )
})

test('texts deep inside and keys are escaped, all else stays the same object', () => {
  const plain: JsonValue = { a: [{ b: 'x' }, 1, null], c: `\${X}` }
  assert.equal(escapeHoles(plain), plain)
  const hole = `\${{X}}`
  const odd = escapeHoles({ [hole]: [hole], same: plain } as JsonValue) as Record<string, JsonValue>
  assert.equal(odd.same, plain)
  const [key = ''] = Object.keys(odd)
  assert.equal(fill(key), hole)
})
