import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import type { ModelObject } from '../../model/model.ts'
import { readText, translateAll } from './testing/translate.ts'

/**
 * Golden cases: `cases/*.case`. A file in YAML, whose first comment is the title; a line of dashes; what is expected: `{objects, warnings}` as JSON,
 * or faults, one a line. A new case is a new file. With HEADGATE_UPDATE_CASES=1 the expected part is written anew, to be read before it is
 * kept. Of a case whose title ends with `(outbounds)` what inbounds become is left out.
 */
const FOLDER = new URL('./cases/', import.meta.url)
const DIVIDER = '----------'

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.case'))) {
  const text = readFileSync(new URL(file, FOLDER), 'utf8')
  const title = /^# (.*)$/m.exec(text)?.[1] ?? file
  test(`${title} (${file})`, () => {
    const [input = '', expected = ''] = text.split(`\n${DIVIDER}\n`)
    const actual = run(input, title.endsWith('(outbounds)'))
    if (process.env.HEADGATE_UPDATE_CASES === '1') {
      const shown = typeof actual === 'string' ? actual : JSON.stringify(actual, null, 2)
      writeFileSync(new URL(file, FOLDER), `${input}\n${DIVIDER}\n${shown}\n`)
      return
    }
    assert.deepEqual(actual, typeof actual === 'string' ? expected.trim() : JSON.parse(expected))
  })
}

function run(input: string, isOutboundsOnly: boolean): unknown {
  const { documents, faults } = readText(input)
  if (faults.length > 0) return faults.map(({ path, message }) => `${path}: ${message}`).join('\n')
  const { objects, warnings } = translateAll(documents)
  const isInbound = ({ id }: ModelObject): boolean => id.includes('#inbound ')
  return { objects: isOutboundsOnly ? objects.filter((one) => !isInbound(one)) : objects, warnings }
}
