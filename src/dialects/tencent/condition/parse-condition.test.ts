import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CONDITION_LIMITS, type ConditionFault, parseCondition } from './parse-condition.ts'

function faultOf(text: string, isStrict = false): ConditionFault {
  const parsed = parseCondition(text, { isStrict })
  assert.ok('fault' in parsed, `${text} is taken`)
  return parsed.fault
}

type Row = readonly [condition: string, at: string, found: string, expected: RegExp]

function refuses(rows: readonly Row[], isStrict = false): void {
  for (const [condition, at, found, expected] of rows) {
    const fault = faultOf(condition, isStrict)
    const place = `${fault.line}:${fault.column}`
    assert.deepEqual([condition, place, fault.found], [condition, at, found], fault.message)
    assert.match(fault.expected, expected, condition)
    assert.ok(fault.message.startsWith(`line ${fault.line}, column ${fault.column}: found `), fault.message)
    assert.ok(fault.message.includes(fault.found) && fault.message.endsWith(fault.expected), fault.message)
    assert.ok(!fault.message.includes('\n'), fault.message)
  }
}

describe('a condition that is none', () => {
  it('is named with its place, what was found and what was expected', () => {
    assert.deepEqual(faultOf('regex(header.UserName, ^adm)'), {
      line: 1,
      column: 24,
      found: '^adm',
      expected: 'a pattern in quotes',
      message: 'line 1, column 24: found `^adm`, expected a pattern in quotes',
    })
  })

  it('is empty', () => {
    refuses([
      ['', '1:1', 'nothing', /^a condition such as/],
      [' \t', '1:3', 'nothing', /^a condition such as/],
      ['\n\r\n  ', '3:3', 'nothing', /^a condition such as/],
    ])
  })

  it('has a pattern without quotes', () => {
    refuses([
      ['regex(header.a, ^adm)', '1:17', '^adm', /a pattern in quotes/],
      ['regex(header.a, adm)', '1:17', 'adm', /a pattern in quotes/],
      ['regex(header.a, adm.*)', '1:17', 'adm.*', /a pattern in quotes/],
      ['regex(header.a, 12)', '1:17', '12', /a pattern in quotes/],
      ['regex(header.a, !)', '1:17', '!', /a pattern in quotes/],
      ['regex(header.a, header.b)', '1:17', 'header.b', /a pattern in quotes/],
      ['header.a like adm%', '1:15', 'adm%', /a pattern in quotes/],
    ])
  })

  it('has a word that means nothing', () => {
    refuses([
      ["UserName = 'admin'", '1:1', 'UserName', /as in header\.UserName$/],
      ["header = 'admin'", '1:1', 'header', /a parameter has its place before it/],
      ["header .a = 'x'", '1:1', 'header', /a parameter/],
      ['header.a = admin', '1:12', 'admin', /a text in quotes/],
      ['header.a = and', '1:12', 'and', /a text in quotes/],
      ['or header.a = 1', '1:1', 'or', /^a condition/],
      ["header. a = 'x'", '1:1', 'header.', /a name right behind the dot/],
      ["_x.a = 'x'", '1:1', '_x.a', /^a condition/],
      ['size(header.a) = 1', '1:1', 'size', /^a condition/],
    ])
  })

  it('is written in another language', () => {
    refuses([
      ["header.a = 'x' && header.b = 'y'", '1:16', '&&', /^the word and$/],
      ["header.a = 'x' & header.b = 'y'", '1:16', '&', /^the word and$/],
      ["header.a = 'x' || header.b = 'y'", '1:16', '||', /^the word or$/],
      ["header.a = 'x' | header.b = 'y'", '1:16', '|', /^the word or$/],
      ['!exists(header.a)', '1:1', '!', /exists\(…\) = false/],
      ["! header.a = 'x'", '1:1', '!', /!=/],
      ["not header.a = 'x'", '1:1', 'not', /!=/],
      ['NOT (header.a = 1)', '1:1', 'NOT', /!=/],
      ['header.a not in (1)', '1:10', 'not', /!in/],
      ["header.a === 'x'", '1:10', '===', /^= or ==$/],
      ["header.a !== 'x'", '1:10', '!==', /!=/],
      ["header.a ~ 'x'", '1:10', '~', /^an operator behind header\.a/],
      ["header.a => 'x'", '1:11', '>', /a text in quotes/],
      ['header.a = 1; header.b = 2', '1:13', ';', /and, or or the end/],
    ])
  })

  it('lacks an operator or a side', () => {
    refuses([
      ['header.a', '1:9', 'the end of the condition', /^an operator behind header\.a/],
      ["'x'", '1:4', 'the end of the condition', /^an operator/],
      ['true', '1:5', 'the end of the condition', /^an operator/],
      ['Random()', '1:9', 'the end of the condition', /^an operator/],
      ['header.a and header.b = 1', '1:10', 'and', /^an operator/],
      ['header.a equals 1', '1:10', 'equals', /^an operator/],
      ['header.a =', '1:11', 'the end of the condition', /a text in quotes/],
      ['header.a = and header.b = 1', '1:12', 'and', /a text in quotes/],
      ["= 'x'", '1:1', '=', /^a condition/],
      ['header.a = )', '1:12', ')', /a text in quotes/],
      ['header.a = 1 and', '1:17', 'the end of the condition', /^a condition/],
      ['header.a = 1 or or header.b = 2', '1:17', 'or', /^a condition/],
      ['header.a = 1 = 2', '1:14', '=', /and, or or the end/],
      ['(header.a) = 1', '1:10', ')', /^an operator/],
    ])
  })

  it('lacks an argument', () => {
    refuses([
      ['regex(header.a)', '1:15', ')', /a comma and a pattern/],
      ['regex(header.a, )', '1:17', ')', /a pattern in quotes/],
      ['regex(header.a', '1:15', 'the end of the condition', /a comma/],
      ["regex(header.a, 'x'", '1:20', 'the end of the condition', /the \) that ends regex\(\)/],
      ["regex('a', 'x')", '1:7', "'a'", /^a parameter such as/],
      ["regex header.a, 'x'", '1:7', 'header.a', /^\( behind regex$/],
      ['exists()', '1:8', ')', /^a parameter such as/],
      ['exists(header)', '1:8', 'header', /^a parameter such as/],
      ['exists(header.a, 1)', '1:16', ',', /the \) that ends exists\(\)/],
      ['Random < 0.5', '1:8', '<', /^\( behind Random$/],
      ['Random(1) < 0.5', '1:8', '1', /takes nothing/],
      ['header.a in 1', '1:13', '1', /a list in parentheses/],
      ['header.a in ()', '1:14', ')', /a number, true, false/],
      ['header.a in (1,)', '1:16', ')', /a number, true, false/],
      ['header.a in (1 2)', '1:16', '2', /a comma or the \)/],
      ['header.a in (header.b)', '1:14', 'header.b', /a number, true, false/],
      ['header.a like 1', '1:15', '1', /a pattern in quotes/],
      ['header.a in_cidr', '1:17', 'the end of the condition', /a network in quotes/],
      ['header.a in_cidr ()', '1:19', ')', /a network in quotes/],
    ])
  })

  it('is not balanced', () => {
    refuses([
      ['(header.id = 1098', '1:18', 'the end of the condition', /the \) for the \( in line 1, column 1$/],
      ['header.a = 1 and\n ((header.b = 2)', '2:17', 'the end of the condition', /\( in line 2, column 2$/],
      ['header.a = 1)', '1:13', ')', /and, or or the end/],
      ['()', '1:2', ')', /^a condition/],
      ["header.a = 'x", '1:12', "'x", /a ' that closes the text/],
      ['header.a = "x\' and header.b = 2', '1:12', '"x\' and header.b = 2', /a " that closes the text/],
      ["header.a = 'x\\'", '1:12', "'x\\'", /a ' that closes/],
      ["regex(header.a, 'x)", '1:17', "'x)", /a ' that closes/],
      ['header.a = "', '1:12', '"', /a " that closes/],
    ])
  })

  it('has two comparisons without a word between them', () => {
    refuses([
      ['header.a = 1 header.b = 2', '1:14', 'header.b', /^and, or or the end/],
      ['(header.a = 1) (header.b = 2)', '1:16', '(', /^and, or or the end/],
      ['(header.a = 1 header.b = 2)', '1:15', 'header.b', /and, or or the \)/],
      ['exists(header.a) exists(header.b)', '1:18', 'exists', /^and, or/],
    ])
  })

  it('has a number that is none', () => {
    refuses([
      ['query.a < 1e3', '1:11', '1e3', /a plain number/],
      ['query.a < 1.', '1:11', '1.', /a plain number/],
      ['query.a < 1.2.3', '1:11', '1.2.3', /a plain number/],
      ['query.a < 12abc', '1:11', '12abc', /a plain number/],
      ['query.a < .5', '1:11', '.5', /a number/],
      ['query.a < +5', '1:11', '+5', /a number/],
      ['query.a < - 5', '1:11', '-', /a number/],
      ['query.a < 0x10', '1:11', '0x10', /a plain number/],
    ])
  })

  it('has a pattern that does not compile', () => {
    refuses([
      ["regex(header.a, '(')", '1:17', "'('", /^a regular expression: /],
      ["regex(header.a, '(?=a)')", '1:17', "'(?=a)'", /^a regular expression: /],
      ["regex(header.a, '(a)\\1')", '1:17', "'(a)\\1'", /^a regular expression: /],
    ])
  })

  it('has a network that is none', () => {
    refuses([
      ["header.a in_cidr '10.0.0.0/33'", '1:18', "'10.0.0.0/33'", /an address or a network/],
      ["header.a !in_cidr ('10.0.0.1', '')", '1:32', "''", /an address or a network/],
      ["header.a in_cidr 'host'", '1:18', "'host'", /an address or a network/],
    ])
  })

  it('compares path with a text that is no path', () => {
    refuses([
      ["path = 'orders'", '1:8', "'orders'", /begins with \//],
      ["path != ''", '1:9', "''", /begins with \//],
      ["'orders' == path", '1:1', "'orders'", /begins with \//],
      ["path in ('/a', 'b')", '1:16', "'b'", /begins with \//],
    ])
  })

  it('is too long or too deep', () => {
    const { characters, nesting, predicates, patternCharacters } = CONDITION_LIMITS
    const long = `header.a = '${'x'.repeat(characters - 13)}'`
    assert.ok('ast' in parseCondition(long))
    const wide = `header.a = '${'😀'.repeat(characters - 13)}'`
    assert.ok('ast' in parseCondition(wide), 'characters are counted, not their halves')
    const deep = (depth: number): string => `${'('.repeat(depth)}header.a=1${')'.repeat(depth)}`
    const many = (count: number): string => Array.from({ length: count }, () => 'header.a=1').join(' or ')
    const pattern = (length: number): string => `regex(header.a, '${'x'.repeat(length)}')`
    for (const taken of [deep(nesting), many(predicates), pattern(patternCharacters)]) {
      assert.ok('ast' in parseCondition(taken), taken)
    }
    refuses([
      [`${long} `, `1:${characters + 1}`, `a condition of ${characters + 1} characters`, /at most 2048/],
      [`${wide} `, `1:${characters + 1}`, `a condition of ${characters + 1} characters`, /at most 2048/],
      [deep(nesting + 1), `1:${nesting + 1}`, '(', /at most 32 parentheses/],
      [many(predicates + 1), `1:${predicates * 14 + 1}`, 'header.a', /at most 64 comparisons/],
      [pattern(patternCharacters + 1), '1:17', `'${'x'.repeat(39)}…`, /at most 256 characters/],
    ])
  })

  it('is placed by its lines and characters', () => {
    refuses([
      ["header.a = 1\nand header.b = '😀' x", '2:20', 'x', /and, or or the end/],
      ['header.a = 1\r\nand header.b ? 1', '2:14', '?', /an operator/],
      ['header.a = 1\rand header.b ? 1', '2:14', '?', /an operator/],
      ['header.a\u00a0= 1', '1:9', '\\u{a0}', /an operator/],
      ['header.a = \u0000', '1:12', '\\u{0}', /a text in quotes/],
    ])
  })
})

describe('strict mode', () => {
  it('refuses the operators that are ours, by name and place', () => {
    refuses(
      [
        ["header.a != 'x'", '1:10', '!=', /documented operators/],
        ["header.a = 'x' and\nheader.b <> 'x'", '2:10', '<>', /documented operators/],
        ['header.a <= 1', '1:10', '<=', /documented operators/],
        ['header.a >= 1', '1:10', '>=', /documented operators/],
        ["header.a like 'x%'", '1:10', 'like', /documented operators/],
        ["header.a !LIKE 'x%'", '1:10', '!LIKE', /documented operators/],
        ['header.a in (1)', '1:10', 'in', /documented operators/],
        ['header.a !in (1)', '1:10', '!in', /documented operators/],
        ["header.a in_cidr '::1'", '1:10', 'in_cidr', /documented operators/],
        ["header.a !in_cidr '::1'", '1:10', '!in_cidr', /documented operators/],
      ],
      true,
    )
  })

  it('takes what is documented', () => {
    const text = "(header.a = 'x' or query.b == 1) and query.c < 2 and Random() > 0.5 and exists(query.d)"
    assert.ok('ast' in parseCondition(text, { isStrict: true }))
    assert.ok('ast' in parseCondition("regex(path, '^/a')", { isStrict: true }))
  })

  it('names no operator of ours as what it expected', () => {
    assert.doesNotMatch(faultOf('header.a', true).expected, /!|like|in_cidr|<=/)
    assert.doesNotMatch(faultOf("not header.a = 'x'", true).expected, /!|like|in_cidr/)
  })
})

describe('a condition', () => {
  const ast = (text: string) => {
    const parsed = parseCondition(text)
    assert.ok('ast' in parsed, 'fault' in parsed ? parsed.fault.message : '')
    return JSON.parse(JSON.stringify(parsed.ast, (key, value) => (key === 'sign' ? undefined : value)))
  }

  it('binds and tighter than or, and parentheses tighter than both', () => {
    const [a, b, c] = ['header.a=1', 'header.b=1', 'header.c=1'].map((text) => ast(text))
    assert.deepEqual(ast('header.a=1 or header.b=1 and header.c=1'), {
      kind: 'or',
      parts: [a, { kind: 'and', parts: [b, c] }],
    })
    assert.deepEqual(ast('header.a=1 AND header.b=1 Or header.c=1'), {
      kind: 'or',
      parts: [{ kind: 'and', parts: [a, b] }, c],
    })
    assert.deepEqual(ast('((header.a=1) or header.b=1)and(header.c=1)'), {
      kind: 'and',
      parts: [{ kind: 'or', parts: [a, b] }, c],
    })
  })

  it('needs no blanks around signs, parentheses and texts', () => {
    assert.deepEqual(ast('query.age<30'), ast(' query.age \t<\r\n30 '))
    assert.deepEqual(
      ast("path='/test'and query.a=1and query.b in(1,2)or true=true"),
      ast("path = '/test' and query.a = 1 and query.b in (1, 2) or true = true"),
    )
    assert.deepEqual(ast('regex (header.a , "x")'), ast('REGEX(header.a,"x")'))
    assert.deepEqual(ast('random ( ) < 1'), ast('Random()<1'))
  })

  it('reads texts: a backslash is ordinary but before the quote that began the text', () => {
    const text = (literal: string) => ast(`header.a = ${literal}`).right.value
    assert.equal(text(`"^\\d+$"`), '^\\d+$')
    assert.equal(text(`'it\\'s'`), "it's")
    assert.equal(text(`"it\\'s"`), "it\\'s")
    assert.equal(text(`'say "x"'`), 'say "x"')
    assert.equal(text(`"a\\\\"b"`), 'a\\"b')
    assert.equal(text(`''`), '')
    assert.equal(text(`'ş\n\\n'`), 'ş\n\\n')
  })

  it('reads names with dashes, dots, digits and underscores, in their own case', () => {
    assert.deepEqual(ast('HEADER.X-User.Name_1 = 1').left, {
      kind: 'parameter',
      location: 'header',
      name: 'X-User.Name_1',
    })
    assert.deepEqual(ast('query.1a=1').left, { kind: 'parameter', location: 'query', name: '1a' })
    assert.deepEqual(ast('and.or = 1').left, { kind: 'parameter', location: 'and', name: 'or' })
    assert.deepEqual(ast("PATH = '/a'").left, { kind: 'path' })
    assert.deepEqual(ast('path.x = 1').left, { kind: 'parameter', location: 'path', name: 'x' })
  })

  it('reads numbers as they are written', () => {
    for (const digits of ['0', '-4', '01.50', '123456789012345678901234567890', '-0.0']) {
      assert.deepEqual(ast(`query.a = ${digits}`).right, { kind: 'number', digits })
    }
  })
})
