import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type { StoredDocument } from '../../model/document.ts'
import type { JsonObject } from '../../model/json.ts'
import type { DialectSettings } from '../dialect.ts'
import { apisix } from './index.ts'
import { fillCertificates, nameCertificates } from './testing/certificates.ts'
import { translateAll } from './testing/translate.ts'

/**
 * Golden cases: `cases/translate-*.case`. Lines with `#` in front are comments; `settings {json}` changes settings of the dialect;
 * `== kind/id` begins a document; a line of dashes divides documents from what is expected: `{objects, warnings}` as JSON, or
 * `error kind/id: text` for a document that is refused. A new case is a new file. With HEADGATE_UPDATE_CASES=1 the expected part is written
 * anew, to be read before it is kept.
 */
const FOLDER = new URL('./cases/', import.meta.url)
const DIVIDER = '----------'

for (const file of readdirSync(FOLDER).filter((name) => /^translate-.*\.case$/.test(name))) {
  const text = readFileSync(new URL(file, FOLDER), 'utf8')
  const title = /^# (.*)$/m.exec(text)?.[1] ?? file
  test(`${title} (${file})`, () => {
    const [input = '', expected = ''] = text.split(`\n${DIVIDER}\n`)
    const { documents, settings } = parseInput(input)
    const actual = run(documents, settings)
    if (process.env.HEADGATE_UPDATE_CASES === '1') {
      const shown = typeof actual === 'string' ? actual : nameCertificates(JSON.stringify(actual, null, 2))
      writeFileSync(new URL(file, FOLDER), `${input}\n${DIVIDER}\n${shown}\n`)
      return
    }
    assert.deepEqual(
      actual,
      typeof actual === 'string' ? expected.trim() : JSON.parse(fillCertificates(expected)),
    )
  })
}

function run(documents: readonly StoredDocument[], settings: DialectSettings): unknown {
  for (const { key, value } of documents) {
    const [fault] = apisix.validate(key.kind, value, settings)
    if (fault !== undefined) return `error ${key.kind}/${key.id}: ${fault.message}`
  }
  return translateAll(documents, settings)
}

function parseInput(text: string): { documents: StoredDocument[]; settings: DialectSettings } {
  let apisixSettings = DEFAULT_SETTINGS.apisix
  const documents: StoredDocument[] = []
  const [head = '', ...sections] = text.split(/^== /m)
  for (const line of head.split('\n')) {
    if (line.startsWith('settings ')) {
      apisixSettings = { ...apisixSettings, ...(JSON.parse(line.slice('settings '.length)) as object) }
    }
  }
  for (const [index, section] of sections.entries()) {
    const [, kind = '', id = '', body = ''] = /^([a-z_]+)\/(\S+)\n([\s\S]*)$/.exec(section) ?? []
    const revision = index + 1
    documents.push({
      key: { dialect: 'apisix', kind, id },
      value: JSON.parse(fillCertificates(body)) as JsonObject,
      createdRevision: revision,
      modifiedRevision: revision,
      expiresAtMs: null,
    })
  }
  return { documents, settings: { ...DEFAULT_SETTINGS, apisix: apisixSettings } }
}
