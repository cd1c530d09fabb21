import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { headBytes } from './head-bytes.ts'
import { readHost as read } from './host.ts'

function readHost(field: string): string | null {
  const text = `Host: ${field} `
  return read(text, headBytes(text, 0, text.length), 6, text.length - 1)
}

describe('readHost', () => {
  it('gives the name in lower case without port and final dot', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['a.example', 'a.example'],
      ['A.Example:8080', 'a.example'],
      ['a.example.', 'a.example'],
      ['a.example.:1', 'a.example'],
      ['127.0.0.1:65535', '127.0.0.1'],
      ['my_host-1~', 'my_host-1~'],
      ['[::1]', '[::1]'],
      ['[::FFFF:127.0.0.1]:80', '[::ffff:127.0.0.1]'],
    ]
    for (const [field, host] of cases) assert.equal(readHost(field), host, field)
  })

  it('refuses everything that is not host[:port]', () => {
    for (const field of [
      '',
      '.',
      '..',
      'a..b',
      ':80',
      'a:',
      'a:0',
      'a:65536',
      'a:080808',
      'a:8x',
      'a:-1',
      'a:1:2',
      'a b',
      'a,b',
      'a/b',
      'a?b',
      'a#b',
      'a@b',
      'a\\b',
      'a%41',
      '\xe4',
      'a\0',
      '[',
      '[]',
      '[::1',
      '[::1]x',
      '[::1]:',
      '[::1%25eth0]',
      '[1.2.3.4]',
      '[v1.x]',
      '::1',
      'a]',
    ]) {
      assert.equal(readHost(field), null, JSON.stringify(field))
    }
  })
})
