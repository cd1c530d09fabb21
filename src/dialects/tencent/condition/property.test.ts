import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { compilePredicate } from '../../../expression/compile.ts'
import { sampleView } from '../../../expression/sample-view.ts'
import { toByteString } from '../../../model/byte-string.ts'
import type { CompareOperator, Condition, Literal, Operand, Reference, Sign } from './condition.ts'
import { parseCondition, toPredicate } from './parse-condition.ts'

// ---- conditions ----

const SIGN: Sign = { text: '', line: 1, column: 1 }
const NAMES = ['a', 'B', 'a-b', 'x.y', 'none'] as const
const TEXTS = [
  '',
  'a',
  'b',
  '1',
  '01',
  '1.0',
  'true',
  'False',
  '/a',
  '/b',
  'ş',
  '\u{ffff}',
  '😀',
  'a b',
  '10.1.2.3',
  '::1',
  '0.5',
  '-2',
  'https',
] as const

const reference: fc.Arbitrary<Reference> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Reference>({ kind: 'path' }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('parameter' as const),
      location: fc.constantFrom('header', 'query', 'param'),
      name: fc.constantFrom(...NAMES),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('parameter' as const),
      location: fc.constant('sysparam'),
      name: fc.constantFrom('clientIp', 'CLIENTUA', 'httpScheme', 'other'),
    }),
  },
)
/** A text that can be written: none ends with a backslash. */
const anyText = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc
    .string({ unit: fc.constantFrom("'", '"', '\\', 'a', '\n', '%', ')', 'ş'), maxLength: 6 })
    .map((text) => text.replace(/\\+$/, '')),
)
const literal: fc.Arbitrary<Literal> = fc.oneof(
  anyText.map((value): Literal => ({ kind: 'text', value })),
  fc
    .constantFrom('0', '1', '-2', '1.50', '0.5', '2', '12345678901234567890', '-0.0')
    .map((digits): Literal => ({ kind: 'number', digits })),
  fc.boolean().map((value): Literal => ({ kind: 'boolean', value })),
)
const call: fc.Arbitrary<Extract<Condition, { kind: 'regex' | 'exists' }>> = fc.oneof(
  reference.map((one) => ({ kind: 'exists' as const, reference: one })),
  fc.record({
    kind: fc.constant('regex' as const),
    reference,
    pattern: fc.constantFrom('a', '^/a$', '^\\d+$', '^$', '[\'"]', 'T'),
  }),
)
const operand: fc.Arbitrary<Operand> = fc.oneof(
  { weight: 5, arbitrary: reference },
  { weight: 4, arbitrary: literal },
  { weight: 1, arbitrary: call },
  { weight: 1, arbitrary: fc.constant<Operand>({ kind: 'random' }) },
)

const isPathText = (a: Operand, b: Operand): boolean =>
  a.kind === 'path' && b.kind === 'text' && !b.value.startsWith('/')

const predicate: fc.Arbitrary<Condition> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        kind: fc.constant('compare' as const),
        operator: fc.constantFrom<CompareOperator>('=', '!=', '<', '>', '<=', '>='),
        left: operand,
        right: operand,
        sign: fc.constant(SIGN),
      })
      .filter(({ left, right }) => !isPathText(left, right) && !isPathText(right, left)),
  },
  { weight: 2, arbitrary: call },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('like' as const),
      isNegated: fc.boolean(),
      operand,
      pattern: fc.constantFrom('a%', '%', '%1%', '/a', '', 'H%s', '%ş'),
      sign: fc.constant(SIGN),
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        kind: fc.constant('in' as const),
        isNegated: fc.boolean(),
        operand,
        literals: fc.array(literal, { minLength: 1, maxLength: 9 }),
        sign: fc.constant(SIGN),
      })
      .filter((one) => !one.literals.some((item) => isPathText(one.operand, item))),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('inCidr' as const),
      isNegated: fc.boolean(),
      operand,
      networks: fc.subarray(['10.0.0.0/8', '::/64', '47.47.74.77'], { minLength: 1 }),
      sign: fc.constant(SIGN),
    }),
  },
)

const { condition } = fc.letrec<{ condition: Condition; junction: Condition }>((tie) => ({
  condition: fc.oneof({ maxDepth: 3, depthSize: 'small' }, predicate, tie('junction')),
  junction: fc.record({
    kind: fc.constantFrom('and' as const, 'or' as const),
    parts: fc.array(tie('condition'), { minLength: 2, maxLength: 3 }),
  }),
}))

// ---- as text ----

/** `vary` gives another spelling of the same thing where there is one. */
function print(one: Condition | Operand, vary: () => number): string {
  const pick = (...ways: readonly string[]): string => ways[vary() % ways.length] as string
  const blank = (): string => pick(' ', '', '\n', ' \t')
  const text = (value: string): string => {
    const quote = pick("'", '"')
    return `${quote}${value.replaceAll(quote, `\\${quote}`)}${quote}`
  }
  const list = (items: readonly string[]): string => `(${blank()}${items.join(`${blank()},${blank()}`)})`
  switch (one.kind) {
    case 'and':
    case 'or': {
      const word = pick(one.kind, one.kind.toUpperCase())
      const parts = one.parts.map((part) => {
        const inner = print(part, vary)
        const isBare = part.kind !== 'and' && part.kind !== 'or'
        if (isBare || (part.kind === 'and' && one.kind === 'or'))
          return isBare && vary() % 4 === 0 ? `(${inner})` : inner
        return `(${blank()}${inner}${blank()})`
      })
      return parts.join(` ${word} `)
    }
    case 'compare': {
      const sign =
        one.operator === '=' ? pick('=', '==') : one.operator === '!=' ? pick('!=', '<>') : one.operator
      return `${print(one.left, vary)}${blank()}${sign}${blank()}${print(one.right, vary)}`
    }
    case 'like':
      return `${print(one.operand, vary)} ${one.isNegated ? '!' : ''}${pick('like', 'LIKE')}${blank()}${text(one.pattern)}`
    case 'in':
      return `${print(one.operand, vary)} ${one.isNegated ? '!' : ''}in${blank()}${list(one.literals.map((item) => print(item, vary)))}`
    case 'inCidr': {
      const [network = '', ...more] = one.networks.map(text)
      const sign = `${one.isNegated ? '!' : ''}in_cidr`
      return `${print(one.operand, vary)} ${sign}${blank()}${more.length === 0 ? network : list([network, ...more])}`
    }
    case 'regex':
      return `${pick('regex', 'Regex')}${blank()}(${print(one.reference, vary)}${blank()},${blank()}${text(one.pattern)})`
    case 'exists':
      return `exists(${blank()}${print(one.reference, vary)}${blank()})`
    case 'random':
      return `${pick('Random', 'random')}${blank()}(${blank()})`
    case 'path':
      return pick('path', 'PATH')
    case 'parameter':
      return `${pick(one.location, one.location.toUpperCase())}.${one.name}`
    case 'text':
      return text(one.value)
    case 'number':
      return one.digits
    case 'boolean':
      return pick(String(one.value), String(one.value).toUpperCase())
  }
}

const withoutSigns = (ast: Condition): unknown =>
  JSON.parse(JSON.stringify(ast, (key, value) => (key === 'sign' ? undefined : value)))

function makeVary(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state >>> 8
  }
}

test('a condition that is printed and parsed again is the same', () => {
  fc.assert(
    fc.property(condition, fc.nat(), (ast, seed) => {
      const text = print(ast, makeVary(seed))
      const parsed = parseCondition(text)
      if ('fault' in parsed) {
        // only the limits may be in the way
        assert.match(parsed.fault.expected, /at most/, `${text}\n${parsed.fault.message}`)
        return
      }
      assert.deepEqual(withoutSigns(parsed.ast), withoutSigns(ast), text)
    }),
    { numRuns: 2000 },
  )
})

test('any text is parsed or refused at a place that it has', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'header.a',
      'query.',
      'path',
      '(',
      ')',
      ',',
      '=',
      '!',
      '!=',
      '<',
      '&&',
      "'",
      '"',
      '\\',
      'and',
      'or',
      'in',
      'regex',
      'exists',
      '1',
      '-',
      '.',
      ' ',
      '\r\n',
      '\n',
      '😀',
    ),
    fc.string({ maxLength: 3 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const text = pieces.join('')
      const parsed = parseCondition(text)
      if (!('fault' in parsed)) return
      const { line, column } = parsed.fault
      const lines = text.split(/\r\n|\r|\n/)
      assert.ok(line >= 1 && line <= lines.length, `${JSON.stringify(text)} ${parsed.fault.message}`)
      const width = [...(lines[line - 1] as string)].length
      assert.ok(column >= 1 && column <= width + 1, `${JSON.stringify(text)} ${parsed.fault.message}`)
    }),
    { numRuns: 3000 },
  )
})

// ---- a plain reference: spec/tencent.md 3.3 and 3.4, value by value, knowing nothing of the model ----

interface PlainRequest {
  readonly path: string
  readonly query: readonly (readonly [string, string])[]
  readonly headers: readonly (readonly [string, string])[]
  readonly clientIp: string
  readonly scheme: 'http' | 'https'
  readonly isHttp2: boolean
  readonly draw: number
}

type Value =
  | { readonly is: 'text'; readonly text: string; readonly isScheme?: boolean }
  | { readonly is: 'literal'; readonly literal: Literal }
  | { readonly is: 'draw'; readonly number: number }
  | { readonly is: 'result'; readonly result: boolean }
  | { readonly is: 'missing' }

const MISSING: Value = { is: 'missing' }

function look(ref: Reference, request: PlainRequest): Value {
  if (ref.kind === 'path') return { is: 'text', text: request.path }
  const first = (list: PlainRequest['query'], same: (name: string) => boolean): Value => {
    const hit = list.find(([name]) => same(name))
    return hit === undefined ? MISSING : { is: 'text', text: hit[1] }
  }
  if (ref.location === 'query') return first(request.query, (name) => name === ref.name)
  if (ref.location === 'header') {
    return first(request.headers, (name) =>
      request.isHttp2 ? name.toLowerCase() === ref.name.toLowerCase() : name === ref.name,
    )
  }
  if (ref.location !== 'sysparam') return MISSING
  switch (ref.name.toLowerCase()) {
    case 'clientip':
      return { is: 'text', text: request.clientIp }
    case 'httpscheme':
      return { is: 'text', text: request.scheme, isScheme: true }
    case 'clientua':
      return first(request.headers, (name) => name.toLowerCase() === 'user-agent')
    default:
      return MISSING
  }
}

/** A missing argument of regex has no result. */
function readOperand(one: Operand, request: PlainRequest): Value {
  switch (one.kind) {
    case 'random':
      return { is: 'draw', number: request.draw }
    case 'exists':
      return { is: 'result', result: look(one.reference, request).is !== 'missing' }
    case 'regex': {
      const value = look(one.reference, request)
      if (value.is !== 'text') return MISSING
      return { is: 'result', result: new RegExp(one.pattern, value.isScheme ? 'i' : '').test(value.text) }
    }
    case 'path':
    case 'parameter':
      return look(one, request)
    default:
      return { is: 'literal', literal: one }
  }
}

/** Numerator over a power of ten, or null. */
function decimal(text: string): { readonly units: bigint; readonly scale: number } | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)
  if (match === null) return null
  const fraction = match[3] ?? ''
  const units = BigInt(`${match[2]}${fraction}`)
  return { units: match[1] === '-' ? -units : units, scale: fraction.length }
}

function orderNumbers(a: string, b: string): number {
  const [x, y] = [decimal(a), decimal(b)]
  if (x === null || y === null) return Number.NaN
  const difference = x.units * 10n ** BigInt(y.scale) - y.units * 10n ** BigInt(x.scale)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

function orderTexts(a: string, b: string): number {
  const [x, y] = [[...a], [...b]].map((chars) => chars.map((char) => char.codePointAt(0) as number)) as [
    number[],
    number[],
  ]
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] !== y[i]) return (x[i] as number) - (y[i] as number)
  }
  return x.length - y.length
}

/** NaN: no order. A boolean has none either: `equal` and `unequal` are all that can be said. */
function order(a: Value, b: Value): number | 'equal' | 'unequal' {
  const fold = (a.is === 'text' && a.isScheme === true) || (b.is === 'text' && b.isScheme === true)
  const lower = (text: string): string => (fold ? text.toLowerCase() : text)
  const asBoolean = (value: Value): boolean | null => {
    if (value.is === 'result') return value.result
    if (value.is === 'literal') return value.literal.kind === 'boolean' ? value.literal.value : null
    if (value.is === 'text' && /^true$/i.test(value.text)) return true
    return value.is === 'text' && /^false$/i.test(value.text) ? false : null
  }
  const isBoolean = (value: Value): boolean =>
    value.is === 'result' || (value.is === 'literal' && value.literal.kind === 'boolean')
  if (isBoolean(a) || isBoolean(b)) {
    const [x, y] = [asBoolean(a), asBoolean(b)]
    return x !== null && x === y ? 'equal' : 'unequal'
  }
  const asNumber = (value: Value): string | null => {
    if (value.is === 'draw') return String(value.number)
    if (value.is === 'text') return value.text
    return value.is === 'literal' && value.literal.kind === 'number' ? value.literal.digits : null
  }
  const isNumber = (value: Value): boolean =>
    value.is === 'draw' || (value.is === 'literal' && value.literal.kind === 'number')
  if (isNumber(a) || isNumber(b)) {
    const [x, y] = [asNumber(a), asNumber(b)]
    return x === null || y === null ? Number.NaN : orderNumbers(x, y)
  }
  const asText = (value: Value): string => {
    if (value.is === 'text') return value.text
    return value.is === 'literal' && value.literal.kind === 'text' ? value.literal.value : assert.fail()
  }
  return orderTexts(lower(asText(a)), lower(asText(b)))
}

function compares(operator: CompareOperator, a: Value, b: Value): boolean {
  if (a.is === 'missing' || b.is === 'missing') return false
  const found = order(a, b)
  if (found === 'equal') return operator === '='
  if (found === 'unequal') return operator === '!='
  switch (operator) {
    case '=':
      return found === 0
    case '!=':
      return found !== 0
    case '<':
      return found < 0
    case '>':
      return found > 0
    case '<=':
      return found <= 0
    case '>=':
      return found >= 0
  }
}

function textOf(value: Value): string | null {
  if (value.is === 'text') return value.text
  return value.is === 'literal' && value.literal.kind === 'text' ? value.literal.value : null
}

function isLike(text: string, pattern: string, fold: boolean): boolean {
  const source = pattern.split('%').map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
  return new RegExp(`^${source.join('[^]*')}$`, fold ? 'iu' : 'u').test(text)
}

/** Enough for the networks and the texts above. */
function isInNetwork(text: string, network: string): boolean {
  if (network === '10.0.0.0/8') return text.startsWith('10.')
  return network === '::/64' ? text === '::1' : text === network
}

function evaluate(one: Condition, request: PlainRequest): boolean {
  switch (one.kind) {
    case 'and':
      return one.parts.every((part) => evaluate(part, request))
    case 'or':
      return one.parts.some((part) => evaluate(part, request))
    case 'exists':
    case 'regex': {
      const value = readOperand(one, request)
      return value.is === 'result' && value.result
    }
    case 'compare':
      return compares(one.operator, readOperand(one.left, request), readOperand(one.right, request))
    case 'like': {
      const value = readOperand(one.operand, request)
      if (value.is === 'missing') return false
      const text = textOf(value)
      return (
        (text !== null && isLike(text, one.pattern, value.is === 'text' && value.isScheme === true)) !==
        one.isNegated
      )
    }
    case 'in': {
      const value = readOperand(one.operand, request)
      if (value.is === 'missing') return false
      return (
        one.literals.some((item) => compares('=', value, { is: 'literal', literal: item })) !== one.isNegated
      )
    }
    case 'inCidr': {
      const value = readOperand(one.operand, request)
      if (value.is === 'missing') return false
      const text = textOf(value)
      return (text !== null && one.networks.some((network) => isInNetwork(text, network))) !== one.isNegated
    }
  }
}

const request: fc.Arbitrary<PlainRequest> = fc.record({
  path: fc.constantFrom('/', '/a', '/b', '/a/b', '/ş'),
  query: fc.array(fc.tuple(fc.constantFrom(...NAMES.slice(0, 4)), fc.constantFrom(...TEXTS)), {
    maxLength: 4,
  }),
  headers: fc.array(
    fc.tuple(fc.constantFrom('a', 'A', 'b', 'B', 'a-b', 'x.y', 'User-Agent'), fc.constantFrom(...TEXTS)),
    { maxLength: 5 },
  ),
  clientIp: fc.constantFrom('10.1.2.3', '47.47.74.77', '::1'),
  scheme: fc.constantFrom('http' as const, 'https' as const),
  isHttp2: fc.boolean(),
  draw: fc.constantFrom(0, 0.25, 0.5, 0.75),
})

test('a condition holds exactly where a plain reading of the specification holds', () => {
  const seen = { true: 0, false: 0 }
  fc.assert(
    fc.property(
      condition,
      request,
      fc.constantFrom('', '/release'),
      fc.nat(),
      (ast, plain, basePath, seed) => {
        // repeated user agents are joined, which no browser sends
        const agents = plain.headers.filter(([name]) => name === 'User-Agent').length
        fc.pre(agents < 2)
        const parsed = parseCondition(print(ast, makeVary(seed)))
        if ('fault' in parsed) return
        const { test: holds } = compilePredicate(
          toPredicate(parsed.ast, {
            basePath,
            declared: new Map(),
            ignoresHeaderCase: false,
            isStrict: false,
          }),
        )
        const view = sampleView({
          path: toByteString(basePath + plain.path),
          query:
            plain.query.length === 0
              ? null
              : plain.query.map((pair) => pair.map(encodeURIComponent).join('=')).join('&'),
          lines: plain.headers.map(([name, value]) => [name, toByteString(value)] as const),
          clientAddress: plain.clientIp,
          scheme: plain.scheme,
          protocol: plain.isHttp2 ? 'HTTP/2.0' : 'HTTP/1.1',
          random: () => plain.draw,
        })
        const expected = evaluate(ast, plain)
        seen[`${expected}`]++
        assert.equal(
          holds(view, null),
          expected,
          print(ast, () => 0),
        )
      },
    ),
    { numRuns: 5000 },
  )
  assert.ok(seen.true > 200 && seen.false > 200, JSON.stringify(seen))
})
