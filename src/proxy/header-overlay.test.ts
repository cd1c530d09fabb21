import assert from 'node:assert/strict'
import test from 'node:test'
import { HeaderOverlay } from './header-overlay.ts'
import { scanFields, startFields } from './http1/field-scanner.ts'
import { headBytes } from './http1/head-bytes.ts'
import { HeadFields } from './http1/head-fields.ts'

function scan(...lines: readonly string[]): HeadFields {
  const text = `${lines.map((line) => `${line}\r\n`).join('')}\r\n`
  const fields = new HeadFields(20)
  startFields(fields, 0)
  fields.text = text
  scanFields(fields, headBytes(text, 0, text.length), text.length, 20)
  return fields
}

test('the first line of a field is that of the client, unless an edit took it away', () => {
  const fields = scan('X-A: 1', 'x-a: 2')
  const overlay = new HeaderOverlay()
  overlay.apply(new Set(), [['X-A', '3']])
  assert.equal(overlay.first('X-A', 'x-a', fields), '1')
  assert.equal(overlay.first('x-a', 'x-a', fields), '2')
  assert.equal(overlay.first(null, 'x-a', fields), '1')
  overlay.apply(new Set(['x-a']), [['x-A', '4']])
  assert.equal(overlay.first('X-A', 'x-a', fields), undefined)
  assert.equal(overlay.first('x-A', 'x-a', fields), '4')
  assert.equal(overlay.first(null, 'x-a', fields), '4')
})
