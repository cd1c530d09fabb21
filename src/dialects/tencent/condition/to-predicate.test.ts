import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compilePredicate } from '../../../expression/compile.ts'
import { type SampleRequest, sampleView } from '../../../expression/sample-view.ts'
import { predicateText } from '../../../model/predicate-text.ts'
import { type ConditionOptions, ConditionRefused, parseCondition, toPredicate } from './parse-condition.ts'

const PLAIN: ConditionOptions = {
  basePath: '',
  declared: new Map(),
  ignoresHeaderCase: false,
  isStrict: false,
}

function predicateOf(condition: string, options: Partial<ConditionOptions> = {}) {
  const parsed = parseCondition(condition)
  if ('fault' in parsed) throw new Error(`${condition}: ${parsed.fault.message}`)
  return toPredicate(parsed.ast, { ...PLAIN, ...options })
}

function holds(condition: string, request: SampleRequest, options: Partial<ConditionOptions> = {}): boolean {
  return compilePredicate(predicateOf(condition, options)).test(sampleView(request), null)
}

type Row = readonly [condition: string, expected: boolean]

function check(request: SampleRequest, rows: readonly Row[], options: Partial<ConditionOptions> = {}): void {
  for (const [condition, expected] of rows) {
    assert.equal(holds(condition, request, options), expected, condition)
  }
}

/** Query `v=…` for each value, and whether the condition holds. */
function checkValues(condition: string, values: Readonly<Record<string, boolean>>): void {
  for (const [value, expected] of Object.entries(values)) {
    const query = `v=${encodeURIComponent(value)}`
    assert.equal(holds(condition, { query }), expected, `${condition} with ${JSON.stringify(value)}`)
  }
}

describe('an absent parameter', () => {
  it('makes its comparison false, whatever the operator', () => {
    const operators = [
      "= 'a'",
      "!= 'a'",
      "<> ''",
      '= 1',
      '!= 1',
      '< 1',
      '> 1',
      '<= 1',
      '>= 1',
      '= true',
      '!= true',
      "< 'a'",
      "like '%'",
      "!like 'a'",
      'in (1, true)',
      "!in ('a', 2)",
      "in_cidr '0.0.0.0/0'",
      "!in_cidr '10.0.0.0/8'",
      '= header.there',
      '!= header.there',
      '= Random()',
      '!= Random()',
    ]
    for (const parameter of ['header.x', 'query.x', 'param.x', 'sysparam.x', 'sysparam.clientUa', 'path.x']) {
      for (const operator of operators) {
        check({ lines: [['there', 'x']], query: 'y=1' }, [[`${parameter} ${operator}`, false]])
      }
      check({ lines: [['there', 'x']] }, [
        [`header.there != ${parameter}`, false],
        [`Random() != ${parameter}`, false],
        [`'a' != ${parameter}`, false],
        [`regex(${parameter}, '.*')`, false],
        [`regex(${parameter}, '.*') = false`, false],
        [`regex(${parameter}, 'a') != true`, false],
        [`regex(${parameter}, 'a') != 'x'`, false],
        [`exists(${parameter})`, false],
        [`exists(${parameter}) = false`, true],
        [`exists(${parameter}) != true`, true],
        [`exists(header.there) = ${parameter}`, false],
        [`exists(header.there) != ${parameter}`, false],
      ])
    }
  })

  it('says nothing about the other comparisons', () => {
    check({ query: 'a=1' }, [
      ["header.none = 1 or query.a = '1'", true],
      ["header.none != 1 and query.a = '1'", false],
    ])
  })

  it('is not an empty one', () => {
    check({ query: 'flag=&bare', lines: [['empty', '']] }, [
      ['exists(query.flag)', true],
      ['exists(query.bare)', true],
      ["query.flag = ''", true],
      ["query.bare = ''", true],
      ["query.flag != 'x'", true],
      ["header.empty = ''", true],
      ["regex(query.flag, '^$')", true],
      ['exists(query.none)', false],
    ])
  })
})

describe('what a value is read as', () => {
  it('is a number beside a number: plain decimals alone', () => {
    checkValues('query.v = 1001', {
      '1001': true,
      '01001': true,
      '1001.0': true,
      '1001.': false,
      '+1001': false,
      ' 1001': false,
      '1e3': false,
      '0x3e9': false,
      '': false,
      abc: false,
    })
    checkValues('query.v != 1001', { '1001': false, '1001.00': false, '1002': true, '': true, abc: true })
    checkValues('query.v < 30', { '29': true, '30': false, '29.999': true, '-5': true, '': false, a: false })
    checkValues('query.v <= 30', { '30': true, '30.0': true, '30.01': false, '': false })
    checkValues('query.v > -1.5', { '-1': true, '-1.5': false, '-2': false, '0': true, '--1': false })
    checkValues('query.v >= -1.5', { '-1.50': true, '-01.5': true, '-1.51': false })
    checkValues('query.v = 0', { '0': true, '-0': true, '0.00': true, '': false })
  })

  it('is a number of any length', () => {
    checkValues('query.v = 9007199254740993', { '9007199254740993': true, '9007199254740992': false })
    checkValues('query.v > 123456789012345678', { '123456789012345679': true, '123456789012345678': false })
    checkValues('query.v = 5', { '5.00000000000000000000001': false, '5.00000000000000000000000': true })
    checkValues('query.v = 0.0000001', { '0.0000001': true, '0.00000010': true, '1e-7': false })
    checkValues('query.v in (9007199254740993, 2)', {
      '9007199254740993': true,
      '9007199254740992': false,
      '2.0': true,
    })
  })

  it('is true or false beside a boolean, in any case', () => {
    checkValues('query.v = true', { true: true, TRUE: true, True: true, '1': false, yes: false, '': false })
    checkValues('query.v = false', { false: true, False: true, '0': false, no: false, '': false })
    checkValues('query.v != false', { false: false, true: true, '0': true, '': true })
    for (const operator of ['<', '>', '<=', '>='])
      checkValues(`query.v ${operator} true`, { true: false, false: false })
  })

  it('is text beside a text, in the order of code points', () => {
    checkValues("query.v = 'admin'", { admin: true, Admin: false, 'admin ': false })
    checkValues("query.v = '30'", { '30': true, '030': false, '30.0': false })
    checkValues("query.v < 'b'", { a: true, b: false, B: true, '': true, aş: true })
    checkValues("query.v > '\u{ffff}'", { '\u{10000}': true, '\u{fffe}': false })
    checkValues("query.v >= 'ş'", { ş: true, s: false, '😀': true })
    checkValues("query.v = 'ş'", { ş: true, s: false })
  })

  it('is text beside another parameter, and a number beside Random()', () => {
    const request: SampleRequest = { query: 'a=1.0&b=1&c=0.25&d=x', lines: [['h', '1']], random: () => 0.25 }
    check(request, [
      ['query.a = query.b', false],
      ['query.b = header.h', true],
      ['query.a > query.b', true],
      ['query.a <= query.a', true],
      ['query.a != query.d', true],
      ['query.c = Random()', true],
      ['Random() = query.c', true],
      ['Random() < query.b', true],
      ['query.b < Random()', false],
      ['query.d = Random()', false],
      ['query.d != Random()', true],
      ['query.d < Random()', false],
      ['Random() = Random()', true],
      ["Random() = '0.25'", false],
      ["Random() != '0.25'", true],
      ["Random() < '1'", false],
      ['Random() = true', false],
      ['Random() in (0.25)', true],
      ['Random() !in (0.5)', true],
      ["Random() like '%'", false],
      ["Random() !like '%'", true],
      ["Random() in_cidr '0.0.0.0/0'", false],
    ])
  })

  it('is the literal itself, where two stand beside each other', () => {
    check({}, [
      ["'a' = 'a'", true],
      ["'a' < 'b'", true],
      ["'\u{ffff}' < '\u{10000}'", true],
      ['1 = 1.0', true],
      ['01 = 1', true],
      ['-1 < 0.5', true],
      ['2 >= 2', true],
      ['true = TRUE', true],
      ['true != false', true],
      ['true >= true', false],
      ["1 = '1'", false],
      ["1 != '1'", true],
      ["1 < '2'", false],
      ["'true' = true", false],
      ['1 in (2, 1.0)', true],
      ["'a' !in ('b', 1)", true],
      ["'abc' like 'a%'", true],
      ["1 !like '%'", true],
      ["'10.1.2.3' in_cidr '10.0.0.0/8'", true],
      ["1 in_cidr '0.0.0.0/0'", false],
    ])
  })

  it('is a boolean, where a function gives it', () => {
    check({ query: 'a=abc&t=TRUE&f=false&x=1' }, [
      ["regex(query.a, 'b')", true],
      ["regex(query.a, 'B')", false],
      ["regex(query.a, '^b')", false],
      ["regex(query.a, 'c$')", true],
      ["regex(query.a, 'b') = true", true],
      ["regex(query.a, 'z') = false", true],
      ["regex(query.a, 'z') != true", true],
      ["true = regex(query.a, 'b')", true],
      ['exists(query.a) = exists(query.t)', true],
      ['exists(query.a) != exists(query.none)', true],
      ['exists(query.a) = query.t', true],
      ['query.f = exists(query.none)', true],
      ['exists(query.a) = query.x', false],
      ['exists(query.a) != query.x', true],
      ["exists(query.a) = 'true'", false],
      ["exists(query.a) != 'true'", true],
      ['exists(query.a) > false', false],
      ['exists(query.a) >= true', false],
      ['exists(query.a) = Random()', false],
      ['Random() != exists(query.a)', true],
      ['exists(query.a) in (1, true)', true],
      ['exists(query.a) in (false)', false],
      ['exists(query.none) !in (true)', true],
      ["exists(query.none) !in ('x')", true],
      ["regex(query.none, 'x') !in (true)", false],
      ["exists(query.a) like 'true'", false],
      ["exists(query.a) !like 'true'", true],
      ["exists(query.a) !in_cidr '0.0.0.0/0'", true],
    ])
  })
})

describe('operators of ours', () => {
  it('like takes the whole text, and % any run of it', () => {
    checkValues("query.v like 'pre%'", { pre: true, prefix: true, 'a pre': false, PRE: false })
    checkValues("query.v like '%a%b'", { ab: true, xaxb: true, ba: false, abc: false, aab: true })
    checkValues("query.v like 'a_c.'", { 'a_c.': true, 'abc.': false, a_cx: false })
    checkValues("query.v like 'aa%aa'", { aaa: false, aaaa: true })
    checkValues("query.v !like 'a%'", { b: true, ab: false })
    checkValues("query.v like '%'", { '': true, x: true })
  })

  it('in is equality with any element, each read by its own type', () => {
    checkValues("query.v in (1, 'x', true)", {
      '1.0': true,
      x: true,
      TRUE: true,
      X: false,
      '2': false,
      '': false,
    })
    checkValues("query.v !in (1, 'x')", { '01': false, y: true })
    const many = Array.from({ length: 20 }, (_, i) => `'k${i}'`).join(', ')
    checkValues(`query.v in (${many}, 7)`, { k0: true, k19: true, k20: false, '7.0': true })
    checkValues("query.v in ('1')", { '1': true, '1.0': false })
  })

  it('in_cidr holds addresses against networks', () => {
    checkValues("query.v in_cidr ('10.0.0.0/8', '::1', '192.0.2.1')", {
      '10.255.0.1': true,
      '::1': true,
      '192.0.2.1': true,
      '192.0.2.2': false,
      'no address': false,
      '': false,
    })
    checkValues("query.v !in_cidr '10.0.0.0/8'", { '10.0.0.1': false, '11.0.0.1': true, x: true })
  })

  it('are refused in strict mode, also of a condition that was parsed without it', () => {
    assert.throws(
      () => predicateOf("header.a = 'x' or header.b != 'y'", { isStrict: true }),
      (error) => error instanceof ConditionRefused && error.fault.column === 28 && error.fault.found === '!=',
    )
  })
})

describe('parameters', () => {
  it('header names are compared as written over HTTP/1.1, and in any case over HTTP/2', () => {
    const lines = [['UserName', 'admin']] as const
    check({ lines }, [
      ["header.UserName = 'admin'", true],
      ["header.username = 'admin'", false],
      ['exists(header.USERNAME)', false],
    ])
    const lower = [['username', 'admin']] as const
    check({ lines: lower }, [
      ["header.UserName = 'admin'", false],
      ["header.username = 'admin'", true],
    ])
    check({ lines: lower, protocol: 'HTTP/2.0' }, [
      ["header.UserName = 'admin'", true],
      ["header.username = 'admin'", true],
    ])
  })

  it('header names are taken in any case where that is asked for, and values are not', () => {
    const lines = [
      ['USERNAME', 'admin'],
      ['UserName', 'other'],
      ['hOST', 'a.example'],
    ] as const
    const options = { ignoresHeaderCase: true }
    check(
      { lines },
      [
        ["header.UserName = 'admin'", true],
        ["header.username = 'admin'", true],
        ["header.username = 'Admin'", false],
        ["header.username = 'other'", false],
        ["header.HOST = 'a.example'", true],
        ['exists(header.user_name)', false],
      ],
      options,
    )
    const declared: ConditionOptions['declared'] = new Map([
      ['clientip', { position: 'header', name: 'clientIp' }],
    ])
    check({ lines: [['CLIENTIP', 'mine']] }, [["sysparam.clientIp = 'mine'", true]], {
      ...options,
      declared,
    })
  })

  it('dashes and underscores are different', () => {
    check({ lines: [['X_Env', 'dev']] }, [
      ['exists(header.X-Env)', false],
      ["header.X_Env = 'dev'", true],
    ])
  })

  it('header.Host is the Host field', () => {
    check({ headers: { host: 'a.example:81' } }, [["header.Host = 'a.example:81'", true]])
    check({ lines: [['HOST', 'a']], protocol: 'HTTP/2.0' }, [["header.host = 'a'", true]])
  })

  it('repeated ones give their first value', () => {
    check(
      {
        query: 'a=1&a=2',
        lines: [
          ['h', 'x'],
          ['H', 'z'],
          ['h', 'y'],
        ],
      },
      [
        ['query.a = 1', true],
        ['query.a = 2', false],
        ["header.h = 'x'", true],
        ["header.H = 'z'", true],
      ],
    )
  })

  it('values and names of the query are decoded', () => {
    check({ query: 'a=x+y%26z&%62=%C5%9F' }, [
      ["query.a = 'x y&z'", true],
      ["query.b = 'ş'", true],
      ['exists(query.B)', false],
    ])
  })

  it('path is the whole path without query and without what stands before it', () => {
    check({ path: '/test', query: 'a=1' }, [
      ["path = '/test'", true],
      ["PATH == '/test'", true],
      ["path = '/tes'", false],
      ["path like '/te%'", true],
      ['path = 1', false],
    ])
    check(
      { path: '/release/orders/ş' },
      [
        ["path like '/orders/%'", true],
        ["path = '/release/orders'", false],
        ["regex(path, '^/orders')", true],
        ["regex(path, 'release')", false],
      ],
      { basePath: '/release' },
    )
    check({ path: '/release' }, [["path = '/'", true]], { basePath: '/release' })
    check({ path: '/b\xc5\x9f/x' }, [["path = '/x'", true]], { basePath: '/bş/' })
  })

  it('of the system need no declaration and ignore case', () => {
    const request: SampleRequest = {
      clientAddress: '10.0.0.9',
      scheme: 'https',
      headers: { 'user-agent': 'Curl/8' },
    }
    check(request, [
      ["sysparam.clientIp = '10.0.0.9'", true],
      ["SysParam.CLIENTIP in_cidr '10.0.0.0/8'", true],
      ["sysparam.httpScheme = 'HTTPS'", true],
      ["sysparam.httpscheme != 'Https'", false],
      ["sysparam.httpScheme in ('HTTP', 'HTTPS')", true],
      ["sysparam.httpScheme like 'HTTP%'", true],
      ["regex(sysparam.httpScheme, '^HTTPS$')", true],
      ["sysparam.httpScheme > 'HTTP'", true],
      ["sysparam.clientUa = 'Curl/8'", true],
      ["sysparam.clientUa = 'curl/8'", false],
      ['exists(sysparam.requestId)', false],
    ])
    check({ scheme: 'https', query: 's=HTTPS' }, [
      ['query.s = sysparam.httpScheme', true],
      ['sysparam.httpScheme != query.s', false],
    ])
  })

  it('of the system give way to declared ones of the same name', () => {
    const declared: ConditionOptions['declared'] = new Map([
      ['clientip', { position: 'header', name: 'clientIp' }],
      ['httpscheme', { position: 'query', name: 'httpScheme' }],
      ['clientua', { position: 'path', name: 'clientUa' }],
    ])
    const request: SampleRequest = {
      lines: [['clientIp', 'mine']],
      query: 'httpScheme=Gopher',
      pathParams: new Map([['clientUa', 'me']]),
    }
    check(
      request,
      [
        ["sysparam.ClientIP = 'mine'", true],
        ["sysparam.httpScheme = 'Gopher'", true],
        ["sysparam.httpScheme = 'gopher'", false],
        ["sysparam.clientUa = 'me'", true],
      ],
      { declared },
    )
    check({ clientAddress: '10.0.0.9' }, [["sysparam.clientIp = '10.0.0.9'", false]], { declared })
  })

  it('at unknown places are missing, whatever other variables are called', () => {
    check(
      { path: '/a', body: 'a=1', headers: { x: '1', 'content-type': 'application/x-www-form-urlencoded' } },
      [
        ['http_x.y = 1', false],
        ['post_arg.a = 1', false],
        ['exists(uri.x)', false],
        ['exists(unknown.x)', false],
      ],
    )
  })
})

describe('Random()', () => {
  /** mulberry32 */
  function seeded(seed: number): () => number {
    let state = seed
    return () => {
      state = (state + 0x6d2b79f5) | 0
      let t = Math.imul(state ^ (state >>> 15), 1 | state)
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296
    }
  }
  const DRAWS = 20_000
  const share = (count: number): number => count / DRAWS

  it('is drawn for each occurrence: two policies with one half each leave a quarter', () => {
    const view = sampleView({ random: seeded(1) })
    const policy = compilePredicate(predicateOf('Random() < 0.5'))
    const counts = [0, 0, 0]
    for (let i = 0; i < DRAWS; i++) {
      const taken = policy.test(view, null) ? 0 : policy.test(view, null) ? 1 : 2
      counts[taken] = (counts[taken] ?? 0) + 1
    }
    const [first = 0, second = 0, rest = 0] = counts
    assert.ok(Math.abs(share(first) - 0.5) < 0.02, `${first}`)
    assert.ok(Math.abs(share(second) - 0.25) < 0.02, `${second}`)
    assert.ok(Math.abs(share(rest) - 0.25) < 0.02, `${rest}`)
  })

  it('gives decimals below their literal as often as it says', () => {
    const view = sampleView({ random: seeded(7) })
    const policy = compilePredicate(predicateOf('Random() < 0.1'))
    let taken = 0
    for (let i = 0; i < DRAWS; i++) if (policy.test(view, null)) taken++
    assert.ok(Math.abs(share(taken) - 0.1) < 0.01, `${taken}`)
  })

  it('is at least 0 and less than 1 with every view', () => {
    const view = sampleView()
    for (let i = 0; i < 1000; i++) {
      const draw = view.random()
      assert.ok(draw >= 0 && draw < 1)
    }
  })
})

describe('words for explain', () => {
  it('read like the condition', () => {
    const text = (condition: string, options: Partial<ConditionOptions> = {}) =>
      predicateText(predicateOf(condition, options))
    assert.equal(
      text("header.UserName = 'admin' and query.age < 30"),
      'header:UserName == "admin" and query:age < 30',
    )
    assert.equal(text('Random() < 0.5 or query.a = query.b'), 'random() < 0.5 or query:a == query:b')
    assert.equal(text("path = '/a'", { basePath: '/release' }), 'path:8 == "/a"')
    assert.equal(
      text('query.a !in (1, 12345678901234567890)'),
      'query:a is there and not (query:a in [1, 12345678901234567890])',
    )
    assert.equal(text("sysparam.httpScheme = 'HTTP'"), 'scheme == "HTTP" ignoring case')
    assert.equal(text('param.x = 1'), 'unknown:param.x == 1')
    assert.equal(text("query.a like 'x%'"), 'query:a like "x%"')
    assert.equal(text('exists(query.a) = false'), 'query:a is absent')
    assert.equal(text('1 = 2 or 1 = 1'), 'never or always')
  })

  it('come with the values of every comparison that was made', () => {
    const traced: unknown[] = []
    const trace = {
      comparison: (predicate: { variable: string }, actual: unknown, held: boolean, other?: unknown) =>
        traced.push([predicate.variable, actual, held, other]),
    }
    const { test } = compilePredicate(
      predicateOf(
        "query.age < 30 and header.h = query.age and Random() < 0.5 or header.none != 'x' or path = '/never'",
      ),
    )
    assert.equal(
      test(sampleView({ query: 'age=29', lines: [['h', '29']], random: () => 0.75, path: '/p' }), trace),
      false,
    )
    assert.deepEqual(traced, [
      ['query:age', '29', true, undefined],
      ['header:h', '29', true, '29'],
      ['random()', 0.75, false, undefined],
      ['header:none', undefined, false, undefined],
      ['uri', '/p', false, undefined],
    ])
  })
})
