import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ERROR_CODES, type ErrorRow } from './error-codes.ts'

const page = readFileSync(fileURLToPath(new URL('../../docs/errors.md', import.meta.url)), 'utf8')
const table: Readonly<Record<string, ErrorRow>> = ERROR_CODES

/** The page's word for each source. */
const FAULT: Readonly<Record<ErrorRow['source'], string>> = {
  downstream: 'client',
  upstream: 'upstream',
  gateway: 'gateway',
  config: 'configuration',
}

/** Rows of seven cells whose first is a code in backquotes. */
function readRows(): Map<string, readonly string[]> {
  const rows = new Map<string, readonly string[]>()
  for (const line of page.split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim())
    const code = /^`([A-Z_]+)`$/.exec(cells[1] ?? '')?.[1]
    if (code === undefined || cells.length !== 9) continue
    assert.ok(!rows.has(code), `${code} stands twice in docs/errors.md`)
    rows.set(code, cells.slice(2, 8))
  }
  return rows
}

test('docs/errors.md has every code of the table, in its order, and no other', () => {
  assert.deepEqual([...readRows().keys()], Object.keys(table))
})

test('docs/errors.md says of every code what the table says, and what to do', () => {
  for (const [code, [status, fault, retry, flag, meaning, remedy]] of readRows()) {
    const row = table[code] as ErrorRow
    assert.deepEqual(
      { code, status, fault, retry, flag, meaning },
      {
        code,
        status: String(row.status),
        fault: FAULT[row.source],
        retry: row.retry,
        flag: `\`${row.flag}\``,
        meaning: row.message,
      },
    )
    assert.match(remedy ?? '', /\w+.*[.?]$/, `${code}: what to do`)
  }
})

test('docs/errors.md explains every flag, and no other', () => {
  const flags = new Set<string>()
  const section = page.slice(page.indexOf('## Flags'))
  for (const line of section.split('\n')) {
    if (!line.startsWith('| `')) continue
    for (const [, flag] of (line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)) flags.add(flag as string)
  }
  assert.deepEqual([...flags].sort(), [...new Set(Object.values(table).map((row) => row.flag))].sort())
})
