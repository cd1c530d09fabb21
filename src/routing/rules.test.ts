import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Predicate } from '../model/predicate.ts'
import type { RedirectTarget } from '../model/split.ts'
import { ChoiceTrace } from './explain.ts'
import { chooseRule, compileRules, RuleEntry } from './rules.ts'
import { NEEDS_BODY } from './table.ts'
import {
  makeEnvironment,
  makeRespondTarget,
  makeRule,
  makeSplit,
  makeUpstreamTarget,
  makeView,
  ORIGIN,
} from './test-fixtures.ts'

const argument = (value: string): Predicate => ({
  kind: 'test',
  variable: 'arg_x',
  operator: 'equal',
  value,
})
const split = makeSplit('s', [makeUpstreamTarget('u', 1)])

function compile(...predicates: readonly (Predicate | null)[]): readonly RuleEntry[] {
  const rules = predicates.map((predicate) => makeRule(split, { predicate }))
  return compileRules(rules, makeEnvironment(), false)
}

describe('rules', () => {
  it('let the first that holds decide, also when a later one holds too', () => {
    const rules = compile(argument('1'), argument('1'), null)
    assert.equal(chooseRule(rules, makeView({ query: 'x=1' }), null), rules[0])
    assert.equal(chooseRule(rules, makeView({ query: 'x=2' }), null), rules[2])
  })

  it('decide nothing when none holds, or there is none', () => {
    assert.equal(chooseRule(compile(argument('1')), makeView({}), null), null)
    assert.equal(chooseRule([], makeView({}), null), null)
  })

  it('ask for the body only when a rule that reads it is reached', () => {
    const body: Predicate = { kind: 'test', variable: 'post_arg_a', operator: 'equal', value: '1' }
    const rules = compile(argument('1'), body, null)
    assert.equal(chooseRule(rules, makeView({ query: 'x=1' }), null), rules[0])
    assert.equal(chooseRule(rules, makeView({}), null), NEEDS_BODY)
    assert.equal(chooseRule(rules, makeView({ body: null }), null), rules[2])
  })

  it('read what several of them ask for once a choice, and anew for the next one', () => {
    const rules = compile(argument('1'), argument('2'), argument('3'))
    let reads = 0
    const ask = (query: string) => {
      const view = makeView({})
      Object.defineProperty(view, 'query', {
        get: () => {
          reads++
          return query
        },
      })
      reads = 0
      const rule = chooseRule(rules, view, null)
      return [rule === null || rule === NEEDS_BODY ? rule : rule.index, reads]
    }
    const [, once] = ask('x=1')
    assert.deepEqual(ask('x=3'), [2, once])
    assert.deepEqual(ask('x=4'), [null, once])
    assert.deepEqual(ask('y=1'), [null, once])
    assert.deepEqual(ask('x=2'), [1, once])
  })

  it('keep nothing of a request whose choice ended in an error', () => {
    const rules = compile(argument('1'), argument('2'))
    const trace = new ChoiceTrace()
    trace.rule = () => {
      throw new Error('an error of the trace')
    }
    assert.throws(() => chooseRule(rules, makeView({ query: 'x=1' }), trace))
    assert.equal(chooseRule(rules, makeView({ query: 'x=2' }), null), rules[1])
  })

  it('tell a trace what was compared and which held, and decide the same with it', () => {
    const rules = compile(argument('1'), null)
    const trace = new ChoiceTrace()
    assert.equal(chooseRule(rules, makeView({ query: 'x=2' }), trace), rules[1])
    assert.deepEqual(
      trace.rules.map(({ index, held, comparisons }) => [index, held, comparisons.map((one) => one.actual)]),
      [
        [0, false, ['2']],
        [1, true, []],
      ],
    )
  })

  it('compile every kind of target, with a counter slot of its own', () => {
    const redirect: RedirectTarget = {
      ...makeUpstreamTarget('', 1),
      kind: 'redirect',
      status: 302,
      location: { kind: 'https', port: null },
    }
    const respond = { ...makeRespondTarget(404, 1), body: 'é' }
    const env = makeEnvironment()
    const rule = new RuleEntry(
      makeRule(makeSplit('t', [makeUpstreamTarget('u1', 1), respond, redirect])),
      0,
      env,
    )
    const [first, second, third] = rule.split.targets
    assert.ok(first?.kind === 'upstream' && first.upstream.id === 'u1')
    assert.ok(second?.kind === 'respond' && second.body === '\xc3\xa9')
    assert.ok(third?.kind === 'redirect' && third.status(makeView({})) === 302)
    assert.equal(third.model.origin, ORIGIN)
    assert.equal(new Set([first.slot, second.slot, third.slot]).size, 3)
  })
})
