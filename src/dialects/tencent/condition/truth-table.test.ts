import assert from 'node:assert/strict'
import test from 'node:test'
import { compilePredicate } from '../../../expression/compile.ts'
import { type SampleRequest, sampleView } from '../../../expression/sample-view.ts'
import { type ConditionOptions, parseCondition, toPredicate } from './parse-condition.ts'

const REQUEST: SampleRequest = {
  path: '/orders',
  query: 'age=29&level=4&need_verify=false&tag=',
  lines: [
    ['UserName', 'admin'],
    ['id', '1098'],
  ],
  clientAddress: '47.47.74.77',
  scheme: 'https',
}
const OPTIONS: ConditionOptions = {
  basePath: '',
  declared: new Map(),
  ignoresHeaderCase: false,
  isStrict: false,
}

/** spec/tencent.md 3.5, row by row. */
const ROWS: readonly (readonly [condition: string, result: boolean | 'error'])[] = [
  ['Header.UserName == "admin"', true],
  ["header.username = 'admin'", false],
  ["header.UserName = 'Admin'", false],
  ["path = '/orders'", true],
  ["path = '/order'", false],
  ['query.age<30 and query.need_verify=false or query.level>9', true],
  ['query.tag < 30', false],
  ["query.none != 'x'", false],
  ['param.unknown = 1', false],
  ['exists(query.tag)', true],
  ["sysparam.HTTPSCHEME = 'https' and (header.id = 1001 or header.id = 1098)", true],
  ["sysparam.clientIp in_cidr '47.47.0.0/16'", true],
  ['regex(header.UserName, ^adm)', 'error'],
  ['(header.id = 1098', 'error'],
]

for (const [condition, expected] of ROWS) {
  test(`${condition} is ${expected === 'error' ? 'refused' : expected}`, () => {
    const parsed = parseCondition(condition)
    if ('fault' in parsed) return assert.equal(expected, 'error', parsed.fault.message)
    const { test: holds } = compilePredicate(toPredicate(parsed.ast, OPTIONS))
    assert.equal(holds(sampleView(REQUEST), null), expected)
  })
}
