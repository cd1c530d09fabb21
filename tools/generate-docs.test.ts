import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { GENERATED, listSettings } from './generate-docs.ts'
import { SETTING_DESCRIPTIONS, SETTING_UNITS } from './setting-descriptions.ts'

const root = resolve(fileURLToPath(import.meta.url), '../..')

for (const [file, render] of Object.entries(GENERATED)) {
  test(`${file} says what the code says (node tools/generate-docs.ts writes it anew)`, () => {
    assert.equal(readFileSync(resolve(root, file), 'utf8'), render())
  })
}

test('every setting has a description, and every description a setting', () => {
  const paths = listSettings().map((row) => row.path)
  assert.deepEqual(Object.keys(SETTING_DESCRIPTIONS).sort(), [...paths].sort())
  for (const path of Object.keys(SETTING_UNITS)) assert.ok(paths.includes(path), `no setting ${path}`)
})
