import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import type { TencentSettings } from '../../model/settings.ts'
import { readText, settingsWith, showFault, translateAll } from './testing/translate.ts'

/**
 * Golden cases: `cases/*.case`. A file in YAML, whose first comment is the title; a line of dashes; what is expected: `{objects, warnings}` as JSON,
 * or faults, one a line. A comment `# settings: {…}` says in JSON what `tencent` has in the settings. A new case is a new file. With HEADGATE_UPDATE_CASES=1 the expected part is written anew, to be read before it is
 * kept. Cases that begin with `rest-` are those of the API.
 */
const FOLDER = new URL('./cases/', import.meta.url)
const DIVIDER = '----------'

for (const file of readdirSync(FOLDER).filter(
  (name) => name.endsWith('.case') && !name.startsWith('rest-'),
)) {
  const text = readFileSync(new URL(file, FOLDER), 'utf8')
  const title = /^# (.*)$/m.exec(text)?.[1] ?? file
  test(`${title} (${file})`, () => {
    const [input = '', expected = ''] = text.split(`\n${DIVIDER}\n`)
    const actual = run(input)
    if (process.env.HEADGATE_UPDATE_CASES === '1') {
      const shown = typeof actual === 'string' ? actual : JSON.stringify(actual, null, 2)
      writeFileSync(new URL(file, FOLDER), `${input}\n${DIVIDER}\n${shown}\n`)
      return
    }
    assert.deepEqual(actual, typeof actual === 'string' ? expected.trim() : JSON.parse(expected))
  })
}

function run(input: string): unknown {
  const own = /^# settings: (.*)$/m.exec(input)?.[1]
  const settings = settingsWith(own === undefined ? {} : (JSON.parse(own) as Partial<TencentSettings>))
  const { documents, faults } = readText(input, settings)
  return faults.length > 0 ? faults.map(showFault).join('\n') : translateAll(documents, settings)
}
