import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { compileLike } from './like.ts'

test('a text is like a pattern exactly where the regular expression with .* for % takes it', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '.'), maxLength: 12 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '%', 'B'), maxLength: 8 })
  fc.assert(
    fc.property(text, pattern, fc.boolean(), (subject, form, ignoresCase) => {
      const source = form.replaceAll('.', '\\.').replaceAll('%', '[^]*')
      const expected = new RegExp(`^${source}$`, ignoresCase ? 'i' : '').test(subject)
      assert.equal(compileLike(form, ignoresCase)(subject), expected, `${subject} like ${form}`)
    }),
    { numRuns: 3000 },
  )
})

test('pieces are not found twice, and bytes of other characters keep their case', () => {
  assert.equal(compileLike('aa%aa', false)('aaa'), false)
  assert.equal(compileLike('%aba%a', false)('aba'), false)
  assert.equal(compileLike('\xc3\xa9%', true)('\xe3\xa9x'), false)
  assert.equal(compileLike('É%'.toLowerCase(), true)('É'.toLowerCase()), true)
})
