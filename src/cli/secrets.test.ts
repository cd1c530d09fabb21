import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hideSecrets } from './secrets.ts'

test('hides values of variables that are named like secrets and that the files use, quoted forms too', () => {
  const environment = {
    API_TOKEN: 'a"b/secret',
    DB_PASSWORD: 'hunter22',
    OTHER_KEY: 'not used',
    PORT: '1980',
    PIN_KEY: '12',
  }
  const hide = hideSecrets(
    [`token: \${{API_TOKEN}}`, `\${{ DB_PASSWORD:=x }} \${{PORT}} \${{PIN_KEY}}`],
    environment,
  )
  assert.equal(hide('+ a: "a\\"b/secret" 1980 12'), '+ a: "***" 1980 12')
  assert.equal(hide('a"b/secret hunter22 not used'), '*** *** not used')
  assert.equal(hideSecrets(['plain'], environment)('hunter22'), 'hunter22')
})
