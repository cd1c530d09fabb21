import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { DialectSettings, RestResponse } from '../dialect.ts'

/** A call as a case writes it. */
export interface CaseCall {
  /** The line behind `> `. */
  readonly first: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

type RestDialect = 'apisix' | 'tencent' | 'apinizer' | 'kuma'

const DIVIDER = '----------'

/**
 * Golden cases of a dialect's REST, one test for each file. The first line, behind `#`, is the title; `settings {json}` changes settings of the dialect. Each step
 * begins with `> `; header lines and a body may follow, and behind the divider stands the answer. `start` makes a client for a file. With HEADGATE_UPDATE_CASES=1 the
 * answers are written anew, to be read before they are kept.
 */
export function testRestCases(
  folder: URL,
  dialect: RestDialect,
  {
    isCase = (name) => name.endsWith('.case'),
    start,
    describe,
  }: {
    readonly isCase?: (name: string) => boolean
    readonly start: (settings: DialectSettings) => (call: CaseCall) => Promise<RestResponse>
    readonly describe: (answer: RestResponse) => string
  },
): void {
  for (const file of readdirSync(folder).filter(isCase)) {
    const text = readFileSync(new URL(file, folder), 'utf8')
    const title = /^# (.*)$/m.exec(text)?.[1] ?? file
    test(`${title} (${file})`, async () => {
      const [head = '', ...steps] = text.split(/^> /m)
      const send = start(readSettings(head, dialect))
      let written = head
      for (const step of steps) {
        const [sent = '', expected = ''] = step.split(`\n${DIVIDER}\n`)
        const input = sent.trimEnd()
        const actual = describe(await send(readCall(input)))
        written += `> ${input}\n${DIVIDER}\n${actual}\n\n`
        if (process.env.HEADGATE_UPDATE_CASES !== '1')
          assert.equal(actual, expected.trim(), input.split('\n')[0] ?? '')
      }
      if (process.env.HEADGATE_UPDATE_CASES === '1')
        writeFileSync(new URL(file, folder), `${written.trimEnd()}\n`)
    })
  }
}

function readSettings(head: string, dialect: RestDialect): DialectSettings {
  const changes = /^settings (.*)$/m.exec(head)?.[1]
  if (changes === undefined) return DEFAULT_SETTINGS
  return {
    ...DEFAULT_SETTINGS,
    [dialect]: { ...DEFAULT_SETTINGS[dialect], ...(JSON.parse(changes) as object) },
  }
}

function readCall(input: string): CaseCall {
  const lines = input.split('\n')
  const first = lines.shift() ?? ''
  const headers: Record<string, string> = {}
  while (/^[A-Za-z-]+: /.test(lines[0] ?? '')) {
    const line = lines.shift() ?? ''
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 2)
  }
  return { first, headers, body: lines.join('\n').trim() }
}
