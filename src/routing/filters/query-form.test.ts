import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileQueryForm } from './query-form.ts'

test('form encodes every special character, rfc3986 leaves some, spaces none', () => {
  const query = "path=/a/b&mail=a@b.c&t=1:2&e=a=b&q=it's*&plus=a+b&tilde=~&done=%2f%20"
  assert.equal(
    compileQueryForm('form')(query),
    'path=%2Fa%2Fb&mail=a%40b.c&t=1%3A2&e=a%3Db&q=it%27s*&plus=a+b&tilde=%7E&done=%2f%20',
  )
  assert.equal(
    compileQueryForm('rfc3986')(query),
    'path=/a/b&mail=a@b.c&t=1:2&e=a=b&q=it%27s%2A&plus=a+b&tilde=~&done=%2f%20',
  )
  assert.equal(compileQueryForm('spaces')(query), query)
})

test('arguments keep number, order and meaning, and a second time changes nothing', () => {
  let seed = 7
  const random = (most: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % most
  }
  const pieces = ['a', '=', '&', '%', '%41', '%2F', '+', '/', '~', "'", '\xe9', '?', '', '%zz', ':']
  for (let n = 0; n < 2000; n++) {
    const query = Array.from({ length: random(12) }, () => pieces[random(pieces.length)]).join('')
    for (const form of ['form', 'rfc3986'] as const) {
      const write = compileQueryForm(form)
      const written = write(query)
      assert.equal(written.split('&').length, query.split('&').length)
      assert.deepEqual(read(written), read(query), `${form} ${query}`)
      assert.equal(write(written), written)
      assert.match(written, /^[!-~]*$/)
    }
  }
})

/** Names and values as bytes; a `%` that begins no escape is one. */
function read(query: string): string[][] {
  const decode = (text: string): string =>
    text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return query.split('&').map((pair) => {
    const at = pair.indexOf('=')
    return at < 0 ? [decode(pair)] : [decode(pair.slice(0, at)), decode(pair.slice(at + 1))]
  })
}
