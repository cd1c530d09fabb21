import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ID_FIELDS, isId, makeId } from './kinds.ts'

test('ids are a word, a dash and eight of a-z and 0-9, and those of the vendor with capitals are taken', () => {
  for (const { prefix } of Object.values(ID_FIELDS)) {
    const made = Array.from({ length: 50 }, () => makeId(prefix))
    for (const id of made) {
      assert.match(id, new RegExp(`^${prefix}-[a-z0-9]{8}$`))
      assert.ok(isId(prefix, id), id)
    }
    assert.ok(new Set(made).size > 40, 'they differ')
    assert.ok(isId(prefix, `${prefix}-Ab3dEf7h`))
    for (const wrong of ['abc1234', 'abc123456', 'abc-1234', '', 'abc1234ä']) {
      assert.ok(!isId(prefix, `${prefix}-${wrong}`), wrong)
    }
    assert.ok(!isId(prefix, 'other-abcd1234'))
  }
  assert.equal(
    makeId('api', () => 0),
    'api-aaaaaaaa',
  )
  assert.equal(
    makeId('api', () => 0.999_999),
    'api-99999999',
  )
})
