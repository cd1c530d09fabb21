import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { dialects } from '../src/dialects/index.ts'
import { fileReaders } from '../src/gateway/open-store.ts'
import { DEFAULT_SETTINGS } from '../src/model/defaults.ts'
import { readFile, readText } from '../src/store/files/read-files.ts'

const root = resolve(fileURLToPath(import.meta.url), '../..')
const page = readFileSync(resolve(root, 'docs/native.md'), 'utf8')
const readers = fileReaders(dialects, DEFAULT_SETTINGS)

function blocks(language: string): readonly string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, text = '']) => text,
  )
}

test('every file that docs/native.md shows is a good one', () => {
  const files = blocks('yaml')
  assert.ok(files.length >= 6)
  for (const text of files) {
    const { documents, faults } = readText('native.yaml', text, readers, {}, false)
    assert.deepEqual(faults, [], text)
    assert.ok(documents.length > 0, text)
  }
})

test('the module that docs/native.md shows makes a good configuration', (t) => {
  const [text = ''] = blocks('ts')
  const folder = mkdtempSync(join(tmpdir(), 'headgate-docs-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'headgate.config.ts')
  writeFileSync(file, text)
  const { documents, faults } = readFile(file, readers, process.env, false)
  assert.deepEqual(faults, [])
  assert.deepEqual(
    documents.map(({ key }) => `${key.dialect}/${key.kind}/${key.id}`),
    ['native/upstreams/blue', 'native/upstreams/green', 'native/routes/blue', 'native/routes/green'],
  )
})

test('the fault that docs/native.md shows is told as it says', () => {
  const [first = ''] = blocks('yaml')
  const { faults } = readText('native.yaml', first.replace('endpoints:', 'endpoint:'), readers, {}, false)
  const told = faults.map(
    ({ place, path, message, hint }) =>
      `${place.file}:${place.line}:${place.column}: ${path}: ${message} (${hint})`,
  )
  const shown = /^native\.yaml:.*$/m.exec(page)?.[0] ?? ''
  assert.ok(told.includes(shown), `${shown}\nis none of\n${told.join('\n')}`)
})
