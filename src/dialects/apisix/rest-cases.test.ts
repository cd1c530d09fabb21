import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { RestResponse } from '../dialect.ts'
import { fillCertificates, nameCertificates } from './testing/certificates.ts'
import { FakeClient } from './testing.ts'

/**
 * Golden cases: `cases/rest-*.case`. The first line, behind `#`, is the title; `settings {json}` changes settings of the dialect. Each step
 * begins with `> METHOD /path` below the Admin API's prefix, header lines and a body may follow; behind the divider stands the answer: the
 * status, the header fields ETag, X-Headgate-Warning and Content-Type where it is not JSON, and the body, byte for byte. The clock begins
 * at 1700000001 and moves by one second per step. `@CERT_A@` and the like are the texts of testing/certificates.ts. With HEADGATE_UPDATE_CASES=1 the answers are written anew, to be read before they are kept.
 */
const FOLDER = new URL('./cases/', import.meta.url)
const DIVIDER = '----------'

for (const file of readdirSync(FOLDER).filter((name) => /^rest-.*\.case$/.test(name))) {
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
  return { ...DEFAULT_SETTINGS, apisix: { ...DEFAULT_SETTINGS.apisix, ...(JSON.parse(changes) as object) } }
}

async function send(client: FakeClient, input: string): Promise<RestResponse> {
  const lines = input.split('\n')
  const [method = '', path = ''] = (lines.shift() ?? '').split(' ')
  const headers: Record<string, string> = {}
  while (/^[A-Za-z-]+: /.test(lines[0] ?? '')) {
    const line = lines.shift() ?? ''
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 2)
  }
  return client.send(`${method} /apisix/admin${path}`, fillCertificates(lines.join('\n').trim()), headers)
}

function describe({ status, headers, body }: RestResponse): string {
  const lines = [String(status)]
  for (const name of ['ETag', 'X-Headgate-Warning', 'Content-Type']) {
    for (const value of [headers[name] ?? []].flat()) {
      if (value !== 'application/json') lines.push(`${name}: ${value}`)
    }
  }
  return nameCertificates([...lines, body.trim()].join('\n').trim())
}
