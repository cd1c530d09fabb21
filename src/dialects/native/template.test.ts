// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of the document are what is tested
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isKnownVariable } from '../../expression/variables.ts'
import { parseDuration } from './duration.ts'
import { parseNativeTemplate } from './template.ts'
import { NAMED_PARTS, REQUEST_PARTS, RESPONSE_PARTS } from './words.ts'

const ALL = { hasGroups: true, hasAnswer: true }
const NONE = { hasGroups: false, hasAnswer: false }

const parse = (text: string, rules = ALL): unknown => {
  const parsed = parseNativeTemplate(text, rules)
  return 'template' in parsed ? parsed.template : `${parsed.error} (${parsed.hint})`
}

test('holes are words, other variables, groups; the rest stays as it is written', () => {
  assert.deepEqual(parse(''), [])
  assert.deepEqual(parse('/v2'), ['/v2'])
  assert.deepEqual(parse('/a${path}b'), ['/a', { variable: 'uri', fallback: '' }, 'b'])
  assert.deepEqual(parse('${header.X-Env ?? none }'), [{ variable: 'http_x_env', fallback: 'none' }])
  assert.deepEqual(parse('${query.a.b}'), [{ variable: 'arg_a.b', fallback: '' }])
  assert.deepEqual(parse('${ msec }${1}'), [{ variable: 'msec', fallback: '' }, { group: 1 }])
  assert.deepEqual(parse('$$ $5 $x $${path} $'), ['$ $5 $x ${path} $'])
  assert.deepEqual(parse('{path} }'), ['{path} }'])
})

test('a hole without an end, an unknown word and what is not there yet are refused', () => {
  assert.equal(parse('${path'), 'a ${ has no } behind it (write $$ for a dollar sign)')
  assert.equal(parse('${pth}'), '${pth} is no variable (did you mean ${path}?)')
  assert.match(String(parse('${}')), /is no variable/)
  assert.match(String(parse('${header.}')), /is no variable/)
  assert.match(String(parse('${__proto__}')), /is no variable/)
  assert.match(String(parse('${1}', NONE)), /is a group of a pattern/)
  assert.match(String(parse('${status}', NONE)), /of the answer/)
  assert.match(String(parse('${responseHeader.x}', NONE)), /of the answer/)
})

test('every word leads to a variable that there is', () => {
  for (const { variable } of [...Object.values(REQUEST_PARTS), ...Object.values(RESPONSE_PARTS)]) {
    assert.ok(isKnownVariable(variable), variable)
  }
  for (const toVariable of Object.values(NAMED_PARTS)) assert.ok(isKnownVariable(toVariable('x')))
})

test('durations have units, also several', () => {
  const cases: Record<string, number> = {
    '500ms': 500,
    '30s': 30_000,
    '1m30s': 90_000,
    '1.5s': 1500,
    '24h': 86_400_000,
    '0s': 0,
    '0.4ms': 0,
  }
  for (const [text, ms] of Object.entries(cases)) assert.equal(parseDuration(text), ms, text)
  for (const text of ['', '30', 's', '30 s', '-1s', '1d', '1e3s', '.5s', '30S']) {
    assert.ok(Number.isNaN(parseDuration(text)), text)
  }
})
