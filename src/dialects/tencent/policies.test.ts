import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseRule, compileRules } from '../../routing/rules.ts'
import { NEEDS_BODY } from '../../routing/table.ts'
import { makeEnvironment, makeView } from '../../routing/test-fixtures.ts'
import { inOrder, type Policy } from './policies.ts'
import { apisFile, readText, routesOf, showFault, translateAll } from './testing/translate.ts'

const OLD = '2026-11-27T06:00:00.000Z'
const NEW = '2026-11-27T06:00:00.001Z'

function policy(name: string, weight: number, createdAt: string, index: number): Policy {
  return { index, name, weight, condition: '', body: {}, createdAt }
}

test('greater weight first; of the same weight the newest, of the same time the later place', () => {
  const policies = [
    policy('a', 0, NEW, 0),
    policy('b', 0, OLD, 1),
    policy('c', 0, NEW, 2),
    policy('d', 100, OLD, 3),
    policy('e', 1, OLD, 4),
    policy('f', 1, '', 5),
  ]
  const order = (list: readonly Policy[]) =>
    inOrder(list)
      .map(({ name }) => name)
      .join('')
  assert.equal(order(policies), 'defcab')
  assert.equal(order([...policies].reverse()), 'defcab', 'however they are handed over')
})

/** The rules of an API with these policies, each `[condition, weight]`; a MOCK answers with its place. */
function rulesOf(policies: readonly (readonly [condition: string, weight?: number])[]) {
  const PluginData = JSON.stringify(
    policies.map(([condition, strategy_weight], i) => ({
      strategy_name: `p${i}`,
      condition,
      ...(strategy_weight === undefined ? {} : { strategy_weight }),
      backend_type: 'MOCK',
      backend_config: { ServiceType: 'MOCK', ServiceMockReturnMessage: `policy ${i}` },
    })),
  )
  const more = `  plugins:
    - ${JSON.stringify({ PluginId: 'plugin-aaaaaaaa', PluginName: 'routing', PluginType: 'Routing', PluginData })}
  attachments:
    - { ServiceId: service-aaaaaaaa, EnvironmentName: release, ApiId: api-00000000, PluginId: plugin-aaaaaaaa }
`
  const { documents, faults } = readText(apisFile(['ANY /'], more))
  assert.deepEqual(faults.map(showFault), [])
  const [route] = routesOf(translateAll(documents).objects)
  return compileRules(route?.rules ?? [], makeEnvironment(), false)
}

/** What a request gets: the text of the MOCK, `0` from the API's own. */
function ask(rules: ReturnType<typeof rulesOf>, parts: Parameters<typeof makeView>[0] = {}): string {
  const rule = chooseRule(rules, makeView({ path: '/release/a', ...parts }), null)
  assert.ok(rule !== null && rule !== NEEDS_BODY)
  const target = rule.model.split.targets[0]
  assert.ok(target?.kind === 'respond')
  return target.body
}

test('the first policy that holds decides, an absent weight is 0, and none that holds leaves the default backend', () => {
  const rules = rulesOf([['exists(query.a)', 0], ['exists(query.b)', 1], ['exists(query.c)']])
  assert.equal(ask(rules, { query: 'a=&b=&c=' }), 'policy 1')
  assert.equal(ask(rules, { query: 'a=&c=' }), 'policy 2', 'of one weight the later one is newer')
  assert.equal(ask(rules, { query: 'a=' }), 'policy 0')
  assert.equal(ask(rules, { query: 'd=' }), '0')
})

test('policies behind the one that decides are not evaluated', () => {
  const rules = rulesOf([
    ['Random() < 2', 0],
    ['exists(query.a)', 5],
    ['Random() < 2', 9],
  ])
  let draws = 0
  const random = () => {
    draws++
    return 0.5
  }
  assert.equal(ask(rules, { query: 'a=', random }), 'policy 2')
  assert.equal(draws, 1)
})

test('two policies that both say Random() < 0.5 split 50 / 25 / 25: each draws for itself', () => {
  const rules = rulesOf([
    ['Random() < 0.5', 1],
    ['Random() < 0.5', 0],
  ])
  const draw = (...values: number[]) => ask(rules, { random: () => values.shift() ?? Number.NaN })
  assert.deepEqual(
    [draw(0.4), draw(0.6, 0.4), draw(0.6, 0.6), draw(0.5, 0.5)],
    ['policy 0', 'policy 1', '0', '0'],
  )
})
