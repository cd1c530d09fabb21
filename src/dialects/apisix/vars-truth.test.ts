import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePredicate } from '../../expression/compile.ts'
import { sampleView } from '../../expression/sample-view.ts'
import type { JsonValue } from '../../model/json.ts'
import { parseVars } from './vars.ts'

/**
 * spec/apisix.md 7.5 from the written expression to its truth. `x` and `y` stand for fields of a JSON body, which can be absent, text, number,
 * boolean or a list.
 */
const ABSENT = undefined
type Value = string | number | boolean | readonly string[] | undefined
type Row = readonly [expression: string, holds: readonly Value[], fails: readonly Value[]]

const ROWS: readonly Row[] = [
  ['[["x","==","a"]]', ['a'], ['A', ABSENT]],
  ['[["x","==",7]]', ['7', '7.0', ' 7 ', '0x7'], ['7a', '', ABSENT]],
  ['[["x","==","7"]]', ['7'], ['7.0', 7]],
  ['[["x","~=",7]]', ['8', 'abc', ABSENT], ['7']],
  ['[["x","~=","a"]]', ['b', ABSENT], ['a']],
  ['[["x",">","9"]]', ['10'], ['9', 'abc', ABSENT]],
  ['[["x","<=",3]]', ['3', '-5'], ['3.01']],
  ['[["x","!",">",3]]', ['3', 'abc', ABSENT], ['4']],
  ['[["x","in",["a","b"]]]', ['b'], ['c', ABSENT]],
  ['[["x","in",[1]]]', [1], ['1']],
  ['[["x","in","abc"]]', [], ['a', 'abc']],
  ['[["x","!","in",["a"]]]', ['b', ABSENT], ['a']],
  ['[["x","has","a"]]', [['a', 'b']], [[], 'a', ABSENT]],
  ['[["x","!","has","a"]]', [['b'], ABSENT], [['a']]],
  ['[["x","~~","^v[12]$"]]', ['v1'], ['V1', 'v12', ABSENT]],
  ['[["x","~~","v1"]]', ['xv10'], ['x']],
  ['[["x","~*","beta"]]', ['BETA-2'], [ABSENT]],
  ['[["x","!","~~","a"]]', ['b', ABSENT], ['a']],
  ['[["x","==",null]]', [ABSENT], ['', 'a']],
  ['[["x","~=",null]]', [''], [ABSENT]],
  ['[["x","=="]]', [ABSENT], ['', 'a']],
  ['[["x","==",true]]', [true], ['true']],
  ['[["x","ipmatch",["10.0.0.0/8","::1"]]]', ['10.9.9.9', '::1'], ['11.0.0.1', 'text', ABSENT]],
  ['[["x",">",1],["x","<",5]]', ['3'], ['5']],
  ['["OR",["x","==","a"],["x","==","b"]]', ['a', 'b'], ['c']],
  ['["!OR",["x","==","a"],["x","==","b"]]', ['c', ABSENT], ['a']],
  ['[]', ['a', ABSENT], []],
  // 7.3: absence and coercion
  ['[["x","!","<",18]]', [ABSENT, '20'], ['17']],
  ['[["x",">=",18]]', ['18'], [ABSENT]],
  ['[["x","in",[1,2]]]', [2], ['1', '2']],
  ['[["x","==","18"]]', ['18'], [18, '18.0']],
  ['[["x","IOS"]]', ['ios'], ['IOS']],
]

test('every row of the truth table holds from the written expression on', () => {
  for (const [expression, holding, failing] of ROWS) {
    for (const value of holding) assert.equal(judge(expression, { x: value }), true, `${expression} ${value}`)
    for (const value of failing)
      assert.equal(judge(expression, { x: value }), false, `${expression} ${value}`)
  }
})

test('nested expressions over two variables hold as the table says', () => {
  const both = '["!AND",["x","==","a"],["y","==","b"]]'
  assert.equal(judge(both, { x: 'a', y: 'b' }), false)
  assert.equal(judge(both, { x: 'a' }), true)
  assert.equal(judge(both, {}), true)
  const nested = '["AND",["x","==","a"],["OR",["y","==","1"],["y","==","2"]]]'
  assert.equal(judge(nested, { x: 'a', y: '2' }), true)
  assert.equal(judge(nested, { x: 'a' }), false)
})

function judge(expression: string, fields: Readonly<Record<string, Value>>): boolean {
  const written = JSON.parse(expression.replace(/"([xy])"/g, '"post_arg.$1"')) as JsonValue
  const parsed = parseVars(written)
  assert.ok(!('error' in parsed), expression)
  const view = sampleView({ headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) })
  return compilePredicate(parsed.predicate).test(view, null)
}
