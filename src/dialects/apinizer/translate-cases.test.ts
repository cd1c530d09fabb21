import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { JsonValue } from '../../model/json.ts'
import { apinizer } from './index.ts'
import { translateFile } from './testing.ts'

/**
 * Golden cases: `cases/*.case`. A file in YAML, whose first comment is the title; a line of dashes; what is expected: `{objects, warnings}` as JSON,
 * or faults, one a line. A new case is a new file. With HEADGATE_UPDATE_CASES=1 the expected part is written anew, to be read before it is kept.
 */
const FOLDER = new URL('./cases/', import.meta.url)
const DIVIDER = '----------'

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.case'))) {
  const text = readFileSync(new URL(file, FOLDER), 'utf8')
  const title = /^# (.*)$/m.exec(text)?.[1] ?? file
  test(`${title} (${file})`, () => {
    const [input = '', expected = ''] = text.split(`\n${DIVIDER}\n`)
    const actual = run(parse(input) as JsonValue)
    if (process.env.HEADGATE_UPDATE_CASES === '1') {
      const shown = typeof actual === 'string' ? actual : JSON.stringify(actual, null, 2)
      writeFileSync(new URL(file, FOLDER), `${input}\n${DIVIDER}\n${shown}\n`)
      return
    }
    assert.deepEqual(actual, typeof actual === 'string' ? expected.trim() : JSON.parse(expected))
  })
}

function run(root: JsonValue): unknown {
  const found = apinizer.readFile(root, DEFAULT_SETTINGS)
  assert.ok(found !== null, 'the text is no file of Apinizer')
  const faults = [
    ...found.faults,
    ...found.documents.flatMap(({ kind, value, path }) =>
      apinizer
        .validate(kind, value, DEFAULT_SETTINGS)
        .map((fault) => ({ ...fault, path: [path, fault.path].filter((part) => part !== '').join('.') })),
    ),
  ]
  if (faults.length === 0) return JSON.parse(JSON.stringify(translateFile(root), shortenRuns))
  return faults
    .map(({ path, message, hint }) => `${path}: ${message}${hint === null ? '' : ` (${hint})`}`)
    .join('\n')
}

/** Lists of statuses are long: numbers that follow each other are written `400 to 599`. */
function shortenRuns(_: string, value: unknown): unknown {
  if (!Array.isArray(value) || value.length < 20) return value
  const [first] = value as readonly unknown[]
  const isRun = typeof first === 'number' && value.every((entry, i) => entry === first + i)
  return isRun ? `${first} to ${first + value.length - 1}` : value
}
