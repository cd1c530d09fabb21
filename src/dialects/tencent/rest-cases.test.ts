import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { RestResponse } from '../dialect.ts'
import { FakeClient } from './rest/testing.ts'

/**
 * Golden cases: `cases-rest/*.case`. The first line, behind `#`, is the title; `settings {json}` changes settings of the dialect. Each step begins
 * with `> Action`, or with `> METHOD /path` where the form of the call matters; header lines and a body may follow. Behind the divider stands the
 * answer: X-Headgate-Warning, and the body without its envelope and RequestId. The clock begins at 2026-11-27T06:00:01Z and moves by one second per
 * step; ids are numbered. With HEADGATE_UPDATE_CASES=1 the answers are written anew, to be read before they are kept.
 */
const FOLDER = new URL('./cases-rest/', import.meta.url)
const DIVIDER = '----------'

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.case'))) {
  const text = readFileSync(new URL(file, FOLDER), 'utf8')
  const title = /^# (.*)$/m.exec(text)?.[1] ?? file
  test(`${title} (${file})`, async () => {
    const [head = '', ...steps] = text.split(/^> /m)
    const client = new FakeClient(readSettings(head))
    let written = head
    for (const step of steps) {
      const [sent = '', expected = ''] = step.split(`\n${DIVIDER}\n`)
      const input = sent.trimEnd()
      const actual = describe(await send(client, input))
      written += `> ${input}\n${DIVIDER}\n${actual}\n\n`
      if (process.env.HEADGATE_UPDATE_CASES !== '1') {
        assert.equal(actual, expected.trim(), input.split('\n')[0] ?? '')
      }
    }
    if (process.env.HEADGATE_UPDATE_CASES === '1') {
      writeFileSync(new URL(file, FOLDER), `${written.trimEnd()}\n`)
    }
  })
}

function readSettings(head: string) {
  const changes = /^settings (.*)$/m.exec(head)?.[1]
  if (changes === undefined) return DEFAULT_SETTINGS
  return { ...DEFAULT_SETTINGS, tencent: { ...DEFAULT_SETTINGS.tencent, ...(JSON.parse(changes) as object) } }
}

async function send(client: FakeClient, input: string): Promise<RestResponse> {
  const lines = input.split('\n')
  const first = lines.shift() ?? ''
  const headers: Record<string, string> = {}
  while (/^[A-Za-z-]+: /.test(lines[0] ?? '')) {
    const line = lines.shift() ?? ''
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 2)
  }
  const body = lines.join('\n').trim()
  if (first.includes(' ')) return client.send(first, body, headers)
  return client.send('POST /tencent', body === '' ? '{}' : body, { 'x-tc-action': first, ...headers })
}

function describe({ status, headers, body }: RestResponse): string {
  const lines: string[] = status === 200 ? [] : [String(status)]
  for (const value of [headers['X-Headgate-Warning'] ?? []].flat()) lines.push(`X-Headgate-Warning: ${value}`)
  const { RequestId: _, ...rest } = (JSON.parse(body) as { Response: Record<string, unknown> }).Response
  return [...lines, JSON.stringify(rest)].join('\n')
}
