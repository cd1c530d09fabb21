import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { listFiles } from './list-files.ts'
import { loadModule } from './load-module.ts'
import { readFile } from './read-files.ts'

function folder(t: TestContext, files: Readonly<Record<string, string>>): (name: string) => string {
  const path = mkdtempSync(join(tmpdir(), 'headgate-module-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return (name) => join(path, name)
}

const load = (file: string, timeoutMs?: number): ReturnType<typeof loadModule> =>
  loadModule(file, process.env, timeoutMs)

test('a TypeScript module gives what it exports by default, and finds headgate where nothing is installed', (t) => {
  const at = folder(t, {
    'headgate.config.ts': `
import { defineConfig, type Route } from 'headgate'
import { ids } from './ids.ts'
const routes: Route[] = ids.map((id) => ({ id, respond: 200 }))
console.log('noise on standard output does no harm')
export default defineConfig({ routes })`,
    'ids.ts': `export const ids: string[] = ['a', process.env.HEADGATE_TEST_ID as string]`,
  })
  const loaded = loadModule(at('headgate.config.ts'), { ...process.env, HEADGATE_TEST_ID: 'b' })
  assert.ok('text' in loaded, JSON.stringify(loaded))
  assert.deepEqual(JSON.parse(loaded.text), {
    headgate: 1,
    routes: [
      { id: 'a', respond: 200 },
      { id: 'b', respond: 200 },
    ],
  })
})

test('it is an ES module whatever the package around it says', (t) => {
  const at = folder(t, {
    'package.json': '{"type": "commonjs"}',
    'headgate.config.ts': `import { a } from './a.ts'\nimport b from './b.js'\nexport default { a, b }`,
    'a.ts': 'export const a: number = 1',
    'b.js': 'module.exports = 2',
    'headgate.config.js': `import { a } from './a.ts'\nexport default { a }`,
  })
  assert.deepEqual(load(at('headgate.config.ts')), { text: '{"a":1,"b":2}' })
  assert.deepEqual(load(at('headgate.config.js')), { text: '{"a":1}' })
})

test('a promise is waited for, and what is imported is seen anew with every load', (t) => {
  const at = folder(t, {
    'a.mjs': `export default import('./b.mjs').then(({ value }) => ({ value }))`,
    'b.mjs': 'export const value = 1',
  })
  assert.deepEqual(load(at('a.mjs')), { text: '{"value":1}' })
  writeFileSync(at('b.mjs'), 'export const value = 2')
  assert.deepEqual(load(at('a.mjs')), { text: '{"value":2}' })
})

test('whatever goes wrong in a module is a fault with its place, and nothing else', (t) => {
  const at = folder(t, {
    'throws.ts': 'const x: null = null\nexport default (x as never as { y: { z: 1 } }).y.z\n',
    'throws-text.mjs': `throw 'no'`,
    'syntax.mjs': 'export default {',
    'loop.mjs': 'for (;;);',
    'exit.mjs': 'process.exit(3)',
    'crash.mjs': `process.kill(process.pid, 'SIGKILL'); await new Promise((done) => setTimeout(done, 60_000))`,
    'nothing.mjs': 'export const x = 1',
    'number.mjs': 'export default 5',
    'nulled.mjs': 'export default null',
    'cycle.mjs': 'const a = {}; a.a = a; export default a',
    'lost.mjs': `import './gone.mjs'; export default {}`,
  })
  const expected: Record<string, RegExp> = {
    'throws.ts': /^2:\d+ Cannot read properties of null/,
    'throws-text.mjs': /^1:1 no$/,
    'syntax.mjs': /^1:1 Unexpected end of input/,
    'loop.mjs': /did not finish within 1 s/,
    'exit.mjs': /ended \(status 3\) before it had exported anything/,
    'crash.mjs': /was ended by SIGKILL/,
    'nothing.mjs': /exports nothing by default/,
    'number.mjs': /must export an object by default, not a number/,
    'nulled.mjs': /must export an object by default, not null/,
    'cycle.mjs': /circular/,
    'lost.mjs': /Cannot find module/,
  }
  for (const [name, pattern] of Object.entries(expected)) {
    const loaded = load(at(name), name === 'loop.mjs' ? 1000 : undefined)
    assert.ok('message' in loaded, name)
    const { place, message } = loaded
    assert.equal(place.file, at(name))
    assert.match(`${place.line}:${place.column} ${message}`, pattern, name)
  }
})

test('faults in what a module exports name the file and the path', (t) => {
  const at = folder(t, { 'c.mjs': 'export default { things: [{ id: "a" }, { id: "b" }] }' })
  const reader = {
    dialect: 'test',
    kinds: ['things'],
    read: () => ({
      documents: [{ kind: 'things', id: 'a', value: { id: 'a' }, path: 'things[0]' }],
      faults: [],
    }),
    validate: () => [{ path: 'size', message: 'is missing', hint: null }],
  }
  const { faults } = readFile(at('c.mjs'), [reader], process.env, false)
  const place = { file: at('c.mjs'), line: 1, column: 1 }
  assert.deepEqual(faults, [{ path: 'things[0].size', message: 'is missing', hint: null, place }])
})

test('in a directory only headgate.config is taken for a configuration, other code is left alone', (t) => {
  const at = folder(t, {
    'headgate.config.mts': '',
    'a.yaml': '',
    'helper.ts': '',
    'x.js': '',
    'my.headgate.config.ts': '',
  })
  mkdirSync(at('headgate.config.js'))
  assert.deepEqual(listFiles(at('.')).files, [at('a.yaml'), at('headgate.config.mts')])
})
