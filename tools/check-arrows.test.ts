import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findFaults, findImpureCalls, partOf } from './check-arrows.ts'
import { findCycles, type ImportUse, parseImports } from './import-graph.ts'

const use = (from: string, to: string | null, specifier = './x.ts'): ImportUse => ({
  from,
  to,
  specifier,
  line: 1,
  isTypeOnly: false,
})
const specifiers = (source: string) => parseImports(source).map((found) => found.specifier)

test('finds imports of every form, type-only ones too', () => {
  assert.deepEqual(
    specifiers(`import a from './a.ts'
import type { B, C } from './b.ts'
import {
  d,
  type E,
} from "./d.ts"
import './side-effect.ts'
export * from './f.ts'
export type { G } from './g.ts'
const h = await import('./h.ts')
type I = import('./i.ts').I
`),
    ['./a.ts', './b.ts', './d.ts', './side-effect.ts', './f.ts', './g.ts', './h.ts', './i.ts'],
  )
})

test('is not misled by comments, texts, patterns and templates', () => {
  assert.deepEqual(
    specifiers(`// import a from './a.ts'
/* import b from './b.ts' */
const c = "import c from './c.ts'"
const d = \`import d from './d.ts' \${f("import './e.ts'")} it's\`
const pattern = /import '[/'].ts'/
import real from './real.ts' // it's real
export const x = 'y'
`),
    ['./real.ts'],
  )
})

test('gives the line of each import', () => {
  assert.deepEqual(parseImports("/* a\nb */\nimport './x.ts'\n"), [
    { specifier: './x.ts', line: 3, isTypeOnly: false },
  ])
})

test('refuses an arrow that the table does not have, and names both ends', () => {
  const [fault] = findFaults([use('src/model/route.ts', 'src/proxy/exchange.ts')])
  assert.match(fault ?? '', /model → proxy/)
  assert.deepEqual(findFaults([use('src/proxy/exchange.ts', 'src/model/route.ts')]), [])
})

test('keeps dialects apart from each other and known by name only to their index', () => {
  assert.equal(partOf('src/dialects/apisix/rest.ts'), 'dialects/apisix')
  assert.equal(findFaults([use('src/dialects/kuma/a.ts', 'src/dialects/apisix/b.ts')]).length, 1)
  assert.equal(findFaults([use('src/gateway/a.ts', 'src/dialects/apisix/b.ts')]).length, 1)
  assert.deepEqual(
    findFaults([
      use('src/gateway/a.ts', 'src/dialects/index.ts'),
      use('src/dialects/index.ts', 'src/dialects/apisix/index.ts'),
      use('src/dialects/apisix/index.ts', 'src/dialects/dialect.ts'),
    ]),
    [],
  )
})

test('lets tests import anything, and nothing import tests', () => {
  assert.deepEqual(findFaults([use('src/model/route.test.ts', 'src/proxy/exchange.ts')]), [])
  assert.equal(findFaults([use('src/model/route.ts', 'src/model/route.test.ts')]).length, 1)
})

test('keeps sockets, files and timers out of the pure parts', () => {
  assert.equal(findFaults([use('src/routing/a.ts', null, 'node:net')]).length, 1)
  assert.deepEqual(findFaults([use('src/proxy/a.ts', null, 'node:net')]), [])
  assert.equal(findImpureCalls('src/routing/a.ts', 'setTimeout(f, 1)').length, 1)
  assert.equal(findImpureCalls('src/routing/a.ts', '// setTimeout(f, 1)').length, 0)
})

test('shows the chain of an import cycle', () => {
  const uses = [
    use('src/a/x.ts', 'src/a/y.ts'),
    use('src/a/y.ts', 'src/a/z.ts'),
    use('src/a/z.ts', 'src/a/x.ts'),
    use('src/a/z.ts', 'src/a/w.ts'),
  ]
  assert.deepEqual(findCycles(uses), [['src/a/x.ts', 'src/a/y.ts', 'src/a/z.ts', 'src/a/x.ts']])
  const back = uses.map((one) => (one.from === 'src/a/z.ts' ? { ...one, isTypeOnly: true } : one))
  assert.deepEqual(findCycles(back), [])
})

test('counts types for arrows though not for cycles, and knows which imports vanish at run time', () => {
  assert.equal(findFaults([{ ...use('src/model/a.ts', 'src/proxy/b.ts'), isTypeOnly: true }]).length, 1)
  const typeOnly = (source: string) => parseImports(source).map((found) => found.isTypeOnly)
  assert.deepEqual(
    typeOnly(
      "import type { A } from './a.ts'\nexport type { B } from './b.ts'\nimport { type C } from './c.ts'\n",
    ),
    [true, true, false],
  )
})
