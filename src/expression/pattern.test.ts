import assert from 'node:assert/strict'
import test from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { RE2JS } from 're2js'
import { toByteString } from '../model/byte-string.ts'
import { GatewayError } from '../model/gateway-error.ts'
import { checkPattern, compilePattern, replaceEvery } from './pattern.ts'
import { enableLinearEngine, isLinear, isLinearEngineOn } from './pattern-engine.ts'
import { rewritePattern } from './pattern-syntax.ts'

enableLinearEngine()

const plain = { ignoreCase: false }
const folded = { ignoreCase: true }

test('the linear engine is on, here and in threads that start later', async () => {
  assert.equal(isLinearEngineOn(), true)
  const code = `import { isLinearEngineOn } from ${JSON.stringify(new URL('./pattern-engine.ts', import.meta.url).href)}
    import { parentPort } from 'node:worker_threads'
    parentPort.postMessage(isLinearEngineOn())`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
  const answer = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  await worker.terminate()
  assert.equal(answer, true)
})

test('patterns are searched anywhere and give place and groups in bytes', () => {
  const hit = compilePattern('^/(v[12])/(x)?(.*)$', plain).exec('/v1/abc')
  assert.deepEqual(hit, { index: 0, end: 7, captures: ['/v1/abc', 'v1', undefined, 'abc'] })
  const umlaut = compilePattern('ü+', plain).exec(toByteString('xüüy'))
  assert.deepEqual(umlaut, { index: 1, end: 5, captures: [toByteString('üü')] })
  assert.equal(compilePattern('b', plain).exec('aaa'), null)
})

/** Suspects of libraries.md: the same text means something else to JavaScript. Pattern, subject, what RE2 says. */
const SUSPECTS: readonly (readonly [string, string, boolean])[] = [
  ['\\Aab\\z', 'ab', true],
  ['\\Aab\\z', 'Aabz', false],
  ['^[[:alpha:]]+$', 'abc', true],
  ['^[[:alpha:]]+$', 'a:', false],
  ['^[[:^alpha:]]$', '1', true],
  ['^\\pL$', 'a', true],
  ['^\\pL$', 'pL', false],
  ['^\\pL$', toByteString('ş'), true],
  ['\\Qa.b\\E', 'a.b', true],
  ['\\Qa.b\\E', 'axb', false],
  ['^.$', '\r', true],
  ['^.$', '\n', false],
  ['^\\s$', '\u00a0', false],
  ['^\\s$', '\v', false],
  ['a$', 'a\n', false],
  ['^a{,2}$', 'aa', false],
  ['^a{,2}$', 'a{,2}', true],
  ['^[^]a]$', 'b', true],
  ['^[]a]$', ']', true],
  ['(?i)beta', 'BETA', true],
  ['(?i:b)eta', 'BETA', false],
  ['(?s)^.$', '\n', true],
  ['(?P<x>a)b', 'ab', true],
  ['(?m)^b$', 'a\nb\nc', true],
  ['^\\x{41}\\x42$', 'AB', true],
  ['^\\a\\v\\07$', '\x07\v\x07', true],
  ['^[\\d\\-x]+$', '1-x', true],
  ['^\\_$', '_', true],
  ['(?U)^a+$', 'aa', true],
  ['^(?:|a)+$', 'aaa', true],
  ['^[a-b-c]+$', 'a-c', true],
  ['\\x{e9}', toByteString('é'), true],
  ['[éè]', toByteString('è'), true],
  ['^[^é]$', toByteString('è'), true],
  ['^\\W$', '\xe9', true],
]

for (const [source, subject, expected] of SUSPECTS) {
  test(`${source} ${expected ? 'hits' : 'does not hit'} ${JSON.stringify(subject)}, as in RE2`, () => {
    assert.equal(compilePattern(source, plain).test(subject), expected)
    assert.equal(compilePattern(source, plain).exec(subject) !== null, expected)
  })
}

test('ignoring case folds ASCII letters, never bytes of other characters', () => {
  assert.equal(compilePattern('^beta[x-z]$', folded).test('BeTaY'), true)
  assert.equal(compilePattern('^[^a]$', folded).test('A'), false)
  assert.equal(compilePattern('^[[:upper:]]$', folded).test('a'), true)
  assert.equal(compilePattern('(?-i)beta', folded).test('BETA'), false)
  // é is C3 A9; E3 is what C3 becomes if bytes are taken for Latin letters
  assert.equal(compilePattern('^é$', folded).test('\xe3\xa9'), false)
  assert.equal(compilePattern('^É$', folded).test(toByteString('é')), true)
})

test('groups inside repeats keep what RE2 says, also where JavaScript forgets them', () => {
  assert.deepEqual(compilePattern('(?:(a)|b)*', plain).exec('ab')?.captures, ['ab', 'a'])
  assert.deepEqual(
    compilePattern('(|a)*', plain).exec('aa')?.captures[0],
    RE2JS.compile('(|a)*').exec('aa')?.[0],
  )
  assert.deepEqual(compilePattern('(a*)*', plain).exec('b')?.captures.length, 2)
})

/** What APISIX users bring from PCRE, and the words that must stand in the refusal. */
const FOREIGN: readonly (readonly [string, string])[] = [
  ['^(?=.*a)', 'lookahead (?=…)'],
  ['^(?!admin)', 'negative lookahead (?!…)'],
  ['(?<=a)b', 'lookbehind (?<=…)'],
  ['(?<!a)b', 'negative lookbehind (?<!…)'],
  ['(a)\\1', 'back-reference \\1'],
  ['(?<n>a)\\k<n>', 'back-reference \\k'],
  ['a++', 'possessive repeat ++'],
  ['[a]*+', 'possessive repeat *+'],
  ['a{2,3}+', 'possessive repeat {…}+'],
  ['(?>a)', 'atomic group (?>…)'],
  ['(?|a|b)', 'branch reset (?|…)'],
  ['a(?#note)', 'comment (?#…)'],
  ['(a)?(?(1)b|c)', 'conditional (?(…)…)'],
  ['a(?R)?', 'recursion (?R)'],
  ['(?x) a', 'flag x'],
  ['a\\Z', '\\Z'],
  ['\\h+', '\\h'],
  ['\\u0041', '\\u'],
]

for (const [source, words] of FOREIGN) {
  test(`${source} is refused by name`, () => {
    const reason = checkPattern(source)
    assert.match(reason ?? '', /is not supported: patterns follow RE2 syntax$/)
    assert.equal(reason?.includes(words), true, reason ?? '')
    assert.throws(
      () => compilePattern(source, plain),
      (error) => error instanceof GatewayError && error.code === 'INVALID_DOCUMENT',
    )
  })
}

test('other faults and limits are told too', () => {
  assert.match(checkPattern('(') ?? '', /missing closing \)/)
  assert.match(checkPattern('[a') ?? '', /missing closing \]/)
  assert.match(checkPattern('a{1001}') ?? '', /invalid repeat count/)
  assert.match(checkPattern('(a{30}){40}') ?? '', /repeat/)
  assert.match(checkPattern('(?:a|aa|aaa|aaaa){1,500}') ?? '', /too large/)
  assert.match(checkPattern('aaaa', 3) ?? '', /maxPatternLength/)
  assert.match(checkPattern('a'.repeat(1025)) ?? '', /at most 1024/)
  assert.match(checkPattern('\ud800') ?? '', /well-formed/)
  for (const fine of ['', 'a', '[(?=]', '\\(?=', '\\Q(?=\\E', 'a{1000}', '[\\]+]+'])
    assert.equal(checkPattern(fine), null)
})

test('patterns whose loops V8 does not count go to re2js', () => {
  for (const source of ['^v[12]$', '^/api/(.*)$', '^a+b', 'Chrome/[0-9]+', '(?:^a|^b)c*d', 'a{1,16}b']) {
    assert.equal(rewritePattern(source, false)?.isSafeInV8, true, source)
  }
  for (const source of [
    '\\s+$',
    'a*b',
    '^.*a.*b',
    '^(a+)+$',
    '(?:^a|b)c*d',
    '^(?:a*b){2}',
    'a*\\Qb\\E',
    '(a*|c)b',
  ]) {
    assert.equal(rewritePattern(source, false)?.isSafeInV8, false, source)
  }
})

test('usual patterns run on V8, those beyond its linear engine on re2js', () => {
  for (const source of ['^v[12]$', 'a{1,16}', '(a+)+$', '\\bfoo\\b', 'şehir', '(?i)x']) {
    assert.equal(isLinear(rewritePattern(source, false)?.source ?? '('), true, source)
  }
  assert.equal(isLinear(rewritePattern('a{17}', false)?.source ?? '('), false)
  for (const source of ['\\pL', '[é]', '(?m)a', '(?U)a', '[\\D\\d]'.replace('[', '[^')]) {
    assert.equal(rewritePattern(source, false), null, source)
  }
})

// A differential test: the rewritten form on V8, the same on re2js, and the source itself on re2js must agree.

const atom = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'A',
    ' ',
    '_',
    '-',
    '1',
    '\n',
    '.',
    '^',
    '$',
    '\\b',
    '\\B',
    '\\A',
    '\\z',
    '\\d',
    '\\D',
    '\\s',
  ),
  fc.constantFrom(
    '\\S',
    '\\w',
    '\\W',
    '\\.',
    '\\x41',
    '\\x{62}',
    '\\n',
    '\\t',
    '\\r',
    '\\_',
    '\\011',
    '\\a',
    '{',
    ']',
    '}',
  ),
  fc.constantFrom(
    '[ab]',
    '[^ab]',
    '[^]a]',
    '[a-]',
    '[[:alpha:]b]',
    '[^[:space:]]',
    '[[:^word:]]',
    '[\\d_-]',
    '[^\\W]',
    '[\\x00-\\x20]',
  ),
  fc.constantFrom(
    '[A-z]',
    '[\\]\\[]',
    '[a^]',
    '\\Qa.\\E',
    '(?i)',
    '(?s)',
    '(?-i)',
    '[[:punct:]]',
    '(?-s)',
    '{,2}',
    '[\\t\\r]',
  ),
)
const { pattern: anyPattern } = fc.letrec<{ pattern: string; piece: string }>((tie) => ({
  piece: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atom,
    fc
      .tuple(tie('pattern'), fc.constantFrom('(', '(?:', '(?i:', '(?s:', '(?P<n>', '(?-i:', '(?is)('))
      .map(([inside, opening]) => `${opening}${inside})`),
    fc
      .tuple(
        fc.oneof(
          atom,
          tie('pattern').map((inside) => `(${inside})`),
        ),
        fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{2,}', '{0}', '{0,1}'),
        fc.constantFrom('', '?'),
      )
      .map((parts) => parts.join('')),
  ),
  pattern: fc
    .array(
      fc.array(tie('piece'), { maxLength: 3 }).map((pieces) => pieces.join('')),
      { minLength: 1, maxLength: 3 },
    )
    .map((branches) => branches.join('|')),
}))
const subjectUnit = fc.constantFrom(
  ...'aAbB1 _-.^]{},',
  '\n',
  '\r',
  '\t',
  '\v',
  '\x00',
  '\x07',
  '\xa0',
  '\xc3',
  '\xff',
)
const subjects = fc.array(fc.string({ unit: subjectUnit, maxLength: 10 }), { minLength: 1, maxLength: 8 })

test('the rewritten pattern says the same on V8 and on re2js, and the same as the source', () => {
  let rewrittenCount = 0
  let onV8 = 0
  fc.assert(
    fc.property(anyPattern, subjects, fc.boolean(), (source, texts, ignoreCase) => {
      if (checkPattern(source) !== null) return
      const rewritten = rewritePattern(source, ignoreCase)
      if (rewritten === null) return
      rewrittenCount++
      const original = RE2JS.compile(source, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0)
      const bytewise = RE2JS.compile(rewritten.source, 0)
      assert.equal(rewritten.groups, original.groupCount())
      const native = isLinear(rewritten.source) ? new RegExp(rewritten.source) : null
      if (native !== null) onV8++
      const pattern = compilePattern(source, { ignoreCase })
      for (const text of texts) {
        const expected = bytewise.exec(text)
        const place =
          expected === null
            ? null
            : { index: (expected as unknown as { index: number }).index, captures: [...expected] }
        const hit = pattern.exec(text)
        assert.deepEqual(hit === null ? null : { index: hit.index, captures: hit.captures }, place)
        assert.equal(pattern.test(text), expected !== null)
        assert.equal(hit === null || text.slice(hit.index, hit.end) === hit.captures[0], true)
        if (native !== null) assert.equal(native.test(text), expected !== null)
        // Below U+0080 bytes and characters are the same thing, so the source itself must agree there.
        const ascii = text.replace(/[^\x00-\x7f]/g, '')
        const byOriginal = original.exec(ascii)
        const byRewritten = bytewise.exec(ascii)
        assert.deepEqual(
          byRewritten === null ? null : [...byRewritten],
          byOriginal === null ? null : [...byOriginal],
        )
      }
    }),
    { numRuns: 3000 },
  )
  assert.equal(rewrittenCount > 1000 && onV8 > 500, true, `${rewrittenCount} rewritten, ${onV8} on V8`)
})

test('literal text above ASCII is found as its bytes and repeats as one', () => {
  const unit = fc.constantFrom('a', 'é', 'ş', '€', '😀', 'b')
  const word = fc.string({ unit, maxLength: 6 })
  fc.assert(
    fc.property(word, word, unit, (before, after, repeated) => {
      const bytes = toByteString(before + repeated.repeat(2) + after)
      const hit = compilePattern(`${repeated}{2}`, plain).exec(bytes)
      assert.equal(hit?.captures[0], toByteString(repeated.repeat(2)))
    }),
  )
})

test('bytes that are no UTF-8 never throw', () => {
  const pattern = compilePattern('[é]\\pL*', plain)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const text = Buffer.from(bytes).toString('latin1')
      assert.equal(pattern.test(text), pattern.exec(text) !== null)
    }),
  )
})

/** Pattern, what to repeat, how it ends. Each takes a backtracking engine ages, or at least minutes at 64 KiB. */
const BAD: readonly (readonly [string, string, string])[] = [
  ['^(a+)+$', 'a', '!'],
  ['^(a|a)*$', 'a', '!'],
  ['^(a|aa)+$', 'a', '!'],
  ['^(.*a){12}$', 'a', '!'],
  ['(x+x+)+y', 'x', ''],
  ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a', '!'],
  ['^([a-zA-Z0-9])(([-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}$', 'a', '!'],
  ['(a{1,20}){1,20}$', 'a', '!'],
  ['^(a?){30}a{30}$', 'a', '!'],
  ['\\s+$', ' ', 'x'],
  ['(.*)(.*)(.*)(.*)(.*)[^a]', 'a', ''],
  ['^(?i)(a+)+$', 'aA', '!'],
  ['([^/]*)*/([^/]*)*\\.php$', 'a', '/'],
  ['(?:(?:a*)*)*b', 'a', ''],
  ['^(\\w+\\s?)*$', 'aa ', '!'],
  ['^(\\d+)*(\\d+)*(\\d+)*x', '1', ''],
  ['(?:.{1,20}){1,20}Q$', 'ab', ''],
  ['^(é+)+$', 'é', '!'],
  ['^([\\pL]+)+$', 'ab', '!'],
  ['(?m)^(a|b|ab)*c$', 'ab', ''],
  ['a.{40}b.{40}c', 'ab', ''],
  ['a*a*a*b', 'a', ''],
  ['x.*y$', 'x', ''],
]

test(`${BAD.length} bad patterns run over 64 KiB to their end`, { timeout: 120_000 }, async () => {
  const module = JSON.stringify(new URL('./pattern.ts', import.meta.url).href)
  const code = `import { compilePattern } from ${module}
    import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ([source, ignoreCase, text]) => {
      const pattern = compilePattern(source, { ignoreCase })
      parentPort.postMessage([pattern.test(text), pattern.exec(text.slice(-8192)) !== null])
    })`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
  worker.setMaxListeners(0)
  try {
    for (const [source, unit, end] of BAD) {
      for (const ignoreCase of [false, true]) {
        const bytes = toByteString(unit)
        const text = bytes.repeat(Math.floor(65_536 / bytes.length) - 1) + end
        // The worker is killed by the test's time limit, which is no measure but a watchdog.
        const answer = await new Promise<unknown>((resolve, reject) => {
          worker.once('message', resolve)
          worker.once('error', reject)
          worker.postMessage([source, ignoreCase, text])
        })
        assert.deepEqual(answer, [false, false], source)
      }
    }
  } finally {
    await worker.terminate()
  }
})

test('every hit is replaced as RE2 does it: hits do not overlap, and an empty one behind another is none', () => {
  const replace = (pattern: string, text: string, put = '-'): string =>
    replaceEvery(compilePattern(pattern, plain), text, () => put)
  assert.equal(replace('b*', 'abbc'), '-a-c-')
  assert.equal(replace('a|', 'baab'), '-b--b-')
  assert.equal(replace('^/a', '/a/a'), '-/a')
  assert.equal(replace('/a', '/a/a/b'), '--/b')
  assert.equal(replace('x', 'abc'), 'abc')
  assert.equal(replace('', ''), '-')
  assert.equal(replace('', toByteString('aé€')), toByteString('-a-é-€-'))
  assert.equal(replace('\\B', toByteString('é')), toByteString('-é-'))
  assert.equal(replace('^', '\x80'), '-\x80', 'what is no UTF-8 begins somewhere as well')
  assert.equal(replace('.*', '/a'), '-')
  assert.equal(
    replaceEvery(compilePattern('/(\\w)(\\w)', plain), '/ab/cd', ({ captures: [, a, b] }) => `${b}${a}`),
    'badc',
  )
})

test('replacing every hit agrees with re2js, with patterns that run on V8 and with others', () => {
  const sources = [
    'a*',
    'a+|b',
    '^a',
    'a$',
    '(a|b)(b|)',
    'a{0,2}',
    '\\ba',
    '(?i)A',
    '[^a]*',
    '$',
    '^',
    '(?m)^a',
    'a*?b?',
    '\\B',
    'é*',
    '[éè]?',
  ]
  fc.assert(
    fc.property(fc.constantFrom(...sources), fc.stringMatching(/^[abé\n/]{0,8}$/), (source, text) => {
      const found = replaceEvery(compilePattern(source, plain), toByteString(text), () => '<>')
      assert.equal(found, toByteString(byRe2(source, text)))
    }),
  )

  /** Every hit that re2js finds, one after the other, without empty ones behind others. */
  function byRe2(source: string, text: string): string {
    const matcher = RE2JS.compile(source).matcher(text)
    let out = ''
    let done = 0
    let isFirst = true
    while (matcher.find()) {
      const start = matcher.start(0)
      const end = matcher.end(0)
      if (start < end || start > done || isFirst || start === 0) {
        out += `${text.slice(done, start)}<>`
        done = end
      }
      isFirst = false
    }
    return out + text.slice(done)
  }
})
