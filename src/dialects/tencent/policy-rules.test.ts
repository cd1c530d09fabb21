import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePredicate } from '../../expression/compile.ts'
import { type SampleRequest, sampleView } from '../../expression/sample-view.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Rule } from '../../model/rule.ts'
import { toYaml } from '../../model/yaml-text.ts'
import { readText, routesOf, settingsWith, translateAll } from './testing/translate.ts'

/** Policies of a bound plugin as rules of the API's route (spec/tencent.md 2.2, 3, 4.3). */

const mock = { backend_type: 'MOCK', backend_config: { ServiceType: 'MOCK', ServiceMockReturnMessage: 'x' } }

/** The rules of an API with these fields and policies, under its default host name. */
function rulesOf(policies: readonly JsonObject[], api: JsonObject = {}, own = {}): readonly Rule[] {
  const place = { ServiceId: 'service-aaaaaaaa', EnvironmentName: 'release' }
  const root = {
    services: [{ ServiceId: 'service-aaaaaaaa', ServiceName: 'shop', Protocol: 'http&https' }],
    apis: [
      {
        ApiId: 'api-aaaaaaaa',
        ServiceId: 'service-aaaaaaaa',
        Protocol: 'HTTP',
        RequestConfig: { Path: '/svc', Method: 'ANY' },
        ServiceType: 'HTTP',
        ServiceTimeout: 15,
        ServiceConfig: { Url: 'http://a.example.com', Path: '/api', Method: 'ANY' },
        ...api,
      },
    ],
    plugins: [
      {
        PluginId: 'plugin-aaaaaaaa',
        PluginName: 'routing',
        PluginType: 'Routing',
        PluginData: policies.map((policy, i) => ({ strategy_name: `p${i}`, ...mock, ...policy })),
      },
    ],
    attachments: [{ ...place, ApiId: 'api-aaaaaaaa', PluginId: 'plugin-aaaaaaaa' }],
    releases: [place],
  }
  const settings = settingsWith(own)
  const { documents, faults } = readText(toYaml({ tencent: root }), settings)
  assert.deepEqual(faults, [])
  const [route] = routesOf(translateAll(documents, settings).objects)
  assert.ok(route !== undefined)
  return route.rules
}

/** Whether the condition of the only policy holds. */
function holds(condition: string, api: JsonObject, request: SampleRequest, own = {}): boolean {
  const [rule] = rulesOf([{ condition }], api, own)
  assert.ok(rule?.predicate)
  return compilePredicate(rule.predicate).test(sampleView(request), null)
}

test('a parameter that the API declares by the name of a sysparam gives its value', () => {
  const request: SampleRequest = {
    clientAddress: '10.0.0.9',
    lines: [['clientIp', 'mine']],
    query: 'clientUa=theirs',
  }
  const declares = (Name: string, Position: string): JsonObject => ({
    RequestParameters: [{ Name, Position, Type: 'string', Required: false }],
  })
  assert.equal(holds("sysparam.clientIp = '10.0.0.9'", {}, request), true)
  assert.equal(holds("sysparam.clientIp = 'mine'", declares('clientIp', 'HEADER'), request), true)
  assert.equal(holds("sysparam.clientIp = '10.0.0.9'", declares('clientIp', 'header'), request), false)
  assert.equal(holds("sysparam.clientUA = 'theirs'", declares('clientUa', 'QUERY'), request), true)
  assert.equal(holds("sysparam.clientIp = '10.0.0.9'", declares('other', 'HEADER'), request), true)
})

test('names of header fields are taken as they are sent, or in any case where the setting says so', () => {
  const request: SampleRequest = { lines: [['username', 'admin']] }
  const condition = "header.UserName = 'admin'"
  assert.equal(holds(condition, {}, request), false)
  assert.equal(holds(condition, {}, request, { ignore_header_case: true }), true)
})

test("a policy's Path takes the place of the API's and is combined as that would be", () => {
  const to = (Path: string): JsonObject => ({
    condition: "path = '/svc/a'",
    backend_type: 'HTTP',
    backend_config: { ServiceType: 'HTTP', ServiceConfig: { Url: 'http://b.example.com', Path } },
  })
  const rewrites = rulesOf([to('/gray'), to('/'), to('')]).map(({ split }) => {
    const [target] = split.targets
    assert.ok(target?.kind === 'upstream')
    const [filter] = target.requestFilters
    return filter?.kind === 'rewriteRequest' && filter.path?.kind === 'prefix'
      ? [filter.path.cut, filter.path.replacement]
      : null
  })
  const cut = '/release/svc'.length
  // the later of equal weight goes first; the default backend goes last
  assert.deepEqual(rewrites, [
    [cut, ['/']],
    [cut, ['/']],
    [cut, ['/gray']],
    [cut, ['/api']],
  ])
})
