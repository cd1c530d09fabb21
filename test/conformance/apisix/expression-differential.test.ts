import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connectRaw } from '../../support/raw-client.ts'
import { openStage, type Stage } from './stage.ts'

/**
 * spec/apisix.md 7 against a plain reading of it: random expressions, nested and inverted, over arguments and fields that are there, empty or
 * absent. HEADGATE_DIFFERENTIAL_ROUNDS (150 expressions) and HEADGATE_FUZZ_SEED lengthen or repeat it.
 */

const ROUNDS = Number(process.env.HEADGATE_DIFFERENTIAL_ROUNDS ?? 150)
const SEED = Number(process.env.HEADGATE_FUZZ_SEED ?? Date.now() % 1_000_000)

type Value = string | number | boolean | null | readonly (string | number)[]
type Expression = readonly unknown[]
/** Undefined: absent; true: an argument without a sign. */
type Variables = Readonly<Record<string, string | true | undefined>>

let stage: Stage
before(async () => {
  stage = await openStage()
})
after(() => stage.close())

const TEXTS = [
  'a',
  'A',
  'b',
  '',
  '7',
  '7.0',
  ' 7 ',
  '0x7',
  '7a',
  '-5',
  '1e1',
  '10',
  '18',
  '10.0.0.1',
  '::1',
  'true',
  'v1',
]
const NUMBERS = [0, 7, -5, 10, 9.5, 18]
const PATTERNS = ['^v[12]$', 'a', '[a-z]+', '^$', '7', '^-?[0-9]+$', 'A|B']
const NETWORKS: readonly Value[] = ['10.0.0.0/8', ['10.0.0.0/8', '::1'], ['::/0'], '10.0.0.1']
const NAMES = ['arg_x', 'arg_y', 'http_x_h']

/** The number that a text is, or null. */
function numberOf(value: string | number | boolean | null | undefined): number | null {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return null
  const text = value.trim()
  if (/^[+-]?0x[0-9a-f]+$/i.test(text)) {
    return text.startsWith('-') ? -Number(text.slice(1)) : Number(text.replace('+', ''))
  }
  return /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(text) ? Number(text) : null
}

function isInNetwork(address: string, networks: readonly string[]): boolean {
  return networks.some((network) => {
    if (network === '::/0') return address.includes(':')
    if (network === '10.0.0.0/8') return /^10\.[0-9]+\.[0-9]+\.[0-9]+$/.test(address)
    return network === address
  })
}

function compare(variable: string | true | undefined, operator: string, value: Value): boolean {
  const present = variable !== undefined
  switch (operator.toLowerCase()) {
    case '==':
      if (value === null) return !present
      return typeof value === 'number' ? numberOf(variable) === value : variable === value
    case '~=':
      if (value === null) return present
      return typeof value === 'number' ? numberOf(variable) !== value : variable !== value
    case '>':
    case '>=':
    case '<':
    case '<=': {
      const left = numberOf(variable)
      const right = numberOf(value as string | number)
      if (left === null || right === null) return false
      if (operator === '>') return left > right
      if (operator === '>=') return left >= right
      return operator === '<' ? left < right : left <= right
    }
    case '~~':
      return typeof variable === 'string' && new RegExp(value as string).test(variable)
    case '~*':
      return typeof variable === 'string' && new RegExp(value as string, 'i').test(variable)
    case 'in':
      return Array.isArray(value) && present && value.includes(variable)
    case 'has':
      return false // none of these variables is a list
    case 'ipmatch':
      return typeof variable === 'string' && isInNetwork(variable, [value].flat() as string[])
    default:
      throw new Error(operator)
  }
}

function holds(expression: Expression, variables: Variables): boolean {
  const [first] = expression
  if (expression.length === 0) return true
  const word = typeof first === 'string' ? first.toUpperCase() : ''
  if (['AND', 'OR', '!AND', '!OR'].includes(word)) {
    const results = expression.slice(1).map((node) => holds(node as Expression, variables))
    const joined = word.endsWith('AND') ? results.every(Boolean) : results.some(Boolean)
    return word.startsWith('!') ? !joined : joined
  }
  if (typeof first !== 'string') return expression.every((node) => holds(node as Expression, variables))
  const variable = variables[first]
  if (expression.length === 4) return !compare(variable, expression[2] as string, expression[3] as Value)
  return compare(variable, expression[1] as string, expression[2] as Value)
}

test('random expressions hold for the requests for which a plain reading says so', {
  timeout: 100_000,
}, async () => {
  let state = SEED >>> 0
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T

  const makeCondition = (): Expression => {
    const operator = pick(['==', '~=', '>', '>=', '<', '<=', '~~', '~*', 'in', 'IN', 'has', 'ipmatch', '=='])
    const value = ((): Value => {
      switch (operator) {
        case '~~':
        case '~*':
          return pick(PATTERNS)
        case 'in':
        case 'IN':
          return pick<Value>([[pick(TEXTS), pick(TEXTS)], [7, pick(TEXTS)], ['a', 'b', '7'], []])
        case 'has':
          return pick(TEXTS)
        case 'ipmatch':
          return pick(NETWORKS)
        case '==':
        case '~=':
          return pick<Value>([pick(TEXTS), pick(TEXTS), pick(NUMBERS), pick(NUMBERS), null, true])
        default:
          return pick<Value>([pick(NUMBERS), pick(NUMBERS), String(pick(NUMBERS))])
      }
    })()
    return random(4) === 0 ? [pick(NAMES), '!', operator, value] : [pick(NAMES), operator, value]
  }
  const makeNode = (depth: number): Expression => {
    if (depth === 0 || random(3) > 0) return makeCondition()
    const nodes = Array.from({ length: 2 + random(2) }, () => makeNode(depth - 1))
    return random(3) === 0 ? nodes : [pick(['AND', 'OR', '!AND', '!OR', 'and', 'or']), ...nodes]
  }

  let asked = 0
  let held = 0
  for (let round = 0; round < ROUNDS; round++) {
    const vars =
      random(3) === 0 ? [pick(['OR', '!OR', 'AND', '!AND']), makeNode(2), makeNode(2)] : [makeNode(3)]
    await stage.put('/routes/1', { uri: '/*', vars, plugins: { redirect: { uri: '/hit' } } })
    const client = await connectRaw(stage.gateway.port)
    for (let i = 0; i < 12; i++) {
      const variables: Variables = {
        arg_x: pick<string | true | undefined>([undefined, true, ...TEXTS]),
        arg_y: pick<string | true | undefined>([undefined, ...TEXTS]),
        // blanks around a field's value do not reach the variable
        http_x_h: pick<string | undefined>([undefined, ...TEXTS.filter((text) => text.trim() === text)]),
      }
      const query = (['arg_x', 'arg_y'] as const)
        .filter((name) => variables[name] !== undefined)
        .map((name) => {
          const value = variables[name]
          return value === true ? name.slice(4) : `${name.slice(4)}=${encodeURIComponent(value as string)}`
        })
      const field = variables.http_x_h === undefined ? '' : `X-H: ${variables.http_x_h}\r\n`
      const answer = await client.exchange(`GET /?${query.join('&')} HTTP/1.1\r\nHost: t\r\n${field}\r\n`)
      const wanted = holds(vars, variables)
      assert.equal(
        answer.status,
        wanted ? 302 : 404,
        `seed ${SEED}, expression ${round}: ${JSON.stringify(vars)} with ${JSON.stringify(variables)}`,
      )
      asked++
      if (wanted) held++
    }
    client.close()
  }
  assert.ok(held > asked / 10 && held < (asked * 9) / 10, `${held} of ${asked} hold`)
  console.log(
    `expression differential: 0 differences of ${asked} requests over ${ROUNDS} expressions (seed ${SEED})`,
  )
})
