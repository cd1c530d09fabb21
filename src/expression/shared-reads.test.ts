import assert from 'node:assert/strict'
import test from 'node:test'
import type { Comparison, Predicate, PredicateValue } from '../model/predicate.ts'
import { compilePredicate } from './compile.ts'
import type { RequestView } from './request-view.ts'
import { sampleView } from './sample-view.ts'
import { SharedReads } from './shared-reads.ts'

const equal = (variable: string, value: PredicateValue): Comparison => ({
  kind: 'test',
  variable,
  operator: 'equal',
  value,
  rules: 'typed',
})

/** Tests that share their reads, and a view that counts what is read of its fields. */
function prepare(...predicates: readonly Predicate[]) {
  const reads = new SharedReads(predicates)
  const asked: string[] = []
  let draws = 0
  const viewOf = (lines: readonly (readonly [string, string])[]): RequestView => {
    const view = sampleView({ lines })
    return {
      ...view,
      firstField: (name) => {
        asked.push(String(name))
        return lines.find(([other]) => other === name)?.[1]
      },
      random: () => ++draws / 100,
    }
  }
  return { reads, asked, viewOf, tests: predicates.map((one) => compilePredicate(one, reads).test) }
}

test('a variable that stands in several predicates is read once until it is forgotten', () => {
  const { reads, asked, viewOf, tests } = prepare(
    { kind: 'all', of: [equal('header:A', '1'), { kind: 'not', of: equal('header:B', 'x') }] },
    equal('header:A', '2'),
    equal('header:C', { variable: 'header:A' }),
  )
  const ask = (view: RequestView): boolean[] => {
    reads.forget()
    const results = tests.map((one) => one(view, null))
    reads.forget()
    return results
  }
  assert.equal(reads.isUsed, true)
  assert.deepEqual(
    ask(
      viewOf([
        ['A', '1'],
        ['C', '1'],
      ]),
    ),
    [true, false, true],
  )
  assert.deepEqual(asked.splice(0), ['A', 'B', 'C'])
  assert.deepEqual(ask(viewOf([['A', '2']])), [false, true, false])
  assert.deepEqual(asked.splice(0), ['A', 'C'])
  assert.deepEqual(ask(viewOf([])), [false, false, false], 'absence is remembered as well, and forgotten')
  assert.deepEqual(asked, ['A', 'C'])
})

test('draws and bodies are not shared', () => {
  const body: Comparison = { kind: 'test', variable: 'post_arg.x', operator: 'equal', value: 'a' }
  const { reads, viewOf, tests } = prepare(equal('random()', 0.01), equal('random()', 0.02), body, body)
  assert.equal(reads.isUsed, false)
  const view = viewOf([])
  assert.deepEqual(
    tests.slice(0, 2).map((one) => one(view, null)),
    [true, true],
  )
})

test('what stands once is not kept', () => {
  assert.equal(new SharedReads([equal('header:A', '1'), null, equal('header:B', '1')]).isUsed, false)
})
