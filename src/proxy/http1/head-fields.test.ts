import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { scanFields, startFields } from './field-scanner.ts'
import { headBytes } from './head-bytes.ts'
import { FIELD, HeadFields } from './head-fields.ts'
import { appendFields, skipKinds } from './write-fields.ts'

function scanText(fields: HeadFields, text: string): number {
  fields.text = text
  return scanFields(fields, headBytes(text, 0, text.length), text.length, 100)
}

function scan(text: string): HeadFields {
  const fields = new HeadFields(100)
  startFields(fields, 0)
  assert.equal(scanText(fields, text), text.length, JSON.stringify(text))
  return fields
}

const lines = (...each: string[]): string => `${each.map((line) => `${line}\r\n`).join('')}\r\n`

describe('HeadFields', () => {
  it('finds a field in any case and gives its value without the blanks around it', () => {
    const fields = scan(lines('A: 1', 'X-Thing: \t two words\t ', 'Empty:', 'Blank: \t '))
    assert.equal(fields.find('x-thing'), 1)
    assert.equal(fields.find('x-thin'), -1)
    assert.equal(fields.get('x-thing'), 'two words')
    assert.equal(fields.get('empty'), '')
    assert.equal(fields.get('blank'), '')
    assert.equal(fields.get('none'), undefined)
    assert.equal(fields.name(1), 'X-Thing')
    assert.equal(fields.value(0), '1')
  })

  it('finds a field by its name as written', () => {
    const fields = scan(lines('x-thing: 1', 'X-Thing: 2', 'X-Thing: 3', 'X-Thin: 4'))
    assert.equal(fields.findExact('X-Thing'), 1)
    assert.equal(fields.findExact('x-thing'), 0)
    assert.equal(fields.findExact('X-THING'), -1)
    assert.equal(fields.findExact('Thing'), -1)
  })

  it('joins the lines of one name in their order', () => {
    const fields = scan(lines('a: 1', 'b: x', 'A: 2', 'a:', 'cookie: k=v', 'Cookie: l=w'))
    assert.equal(fields.get('a'), '1, 2, ')
    assert.equal(fields.join('cookie', '; '), 'k=v; l=w')
  })

  it('treats names of object members as ordinary names', () => {
    const fields = scan(lines('__proto__: 1', 'constructor: 2', 'toString: 3'))
    assert.equal(fields.get('__proto__'), '1')
    assert.equal(fields.get('constructor'), '2')
    assert.equal(fields.get('tostring'), '3')
    assert.equal(fields.get('hasownproperty'), undefined)
  })

  it('does not confuse characters that differ in the case bit alone', () => {
    const fields = scan(lines('a^b: 1', 'c|d: 2'))
    assert.equal(fields.get('a~b'), undefined)
    assert.equal(fields.get('a^b'), '1')
    assert.equal(fields.get('c|d'), '2')
  })

  it('reads the field with underscores only if the one with dashes is absent', () => {
    assert.equal(scan(lines('a_b: 1', 'A-B: 2')).getLoose('a-b'), '2')
    assert.equal(scan(lines('a_b: 1', 'c: 3', 'A_b: 2')).getLoose('a-b'), '1, 2')
    assert.equal(scan(lines('a_b: 1')).get('a-b'), undefined)
  })

  it('hides look-alikes, and on demand every name with an underscore', () => {
    const fields = scan(lines('X_Real_IP: 1', 'my_name: 2'))
    assert.equal(fields.get('x_real_ip'), undefined)
    assert.equal(fields.getLoose('x-real-ip'), undefined)
    assert.equal(fields.getLoose('my-name'), '2')
    fields.shadowUnderscored()
    assert.equal(fields.get('my_name'), undefined)
    assert.equal(fields.getLoose('my-name'), undefined)
  })

  it('classifies every kind by its name in any case', () => {
    for (const [key, kind] of Object.entries(FIELD)) {
      if (kind === FIELD.OTHER || kind >= FIELD.NOMINATED) continue
      const name = key.toLowerCase().replaceAll('_', '-')
      const fields = scan(
        lines(`${name}: x`, `${name.toUpperCase()}: x`, `${name}x: x`, `y${name.slice(1)}: x`),
      )
      assert.deepEqual([...fields.kind.slice(0, 4)], [kind, kind, FIELD.OTHER, FIELD.OTHER], name)
    }
  })
})

describe('appendFields', () => {
  it('writes kept lines as they came and leaves out the kinds to skip', () => {
    const text = lines('Host: h', 'A:  1 ', 'b: 2', 'Connection: x', 'X: 3', 'a: 4', 'Via: v')
    const fields = scan(text)
    const skip = skipKinds(FIELD.HOST, FIELD.CONNECTION, FIELD.VIA)
    assert.equal(appendFields(fields, skip), 'A:  1 \r\nb: 2\r\nX: 3\r\na: 4\r\n')
    assert.equal(appendFields(fields, skipKinds()), text.slice(0, -2))
    assert.equal(appendFields(scan(lines('Host: h')), skip), '')
    assert.equal(appendFields(scan(lines()), skip), '')
  })

  it('does not see lines of an earlier head', () => {
    const fields = new HeadFields(10)
    startFields(fields, 0)
    const first = lines('A: 1', 'B: 2')
    scanText(fields, first)
    fields.reset()
    startFields(fields, 0)
    const second = lines('C: 3')
    scanText(fields, second)
    assert.equal(appendFields(fields, skipKinds()), 'C: 3\r\n')
    assert.equal(fields.get('b'), undefined)
  })
})
