import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fillVariables, readDataplaneFile, readVariables } from './read-dataplane.ts'

test('fills in what variables give, and names one that is not given', () => {
  const variables = readVariables(['name=site-1', 'port=9000', 'empty=', 'expr=a=b'])
  const fill = (text: string) => fillVariables(text, variables, 'dp.yaml')
  assert.equal(fill('name: {{name}}-{{ port }}{{ empty }} {{ expr }}'), 'name: site-1-9000 a=b')
  assert.equal(fill('{ name }} {{}}'), '{ name }} {{}}')
  assert.throws(() => fill('{{ zone }}'), /dp\.yaml: \{\{ zone \}\} is not given: add --dataplane-var zone=/)
  assert.throws(() => readVariables(['name']), /say name=value/)
  assert.throws(() => readVariables(['=x']), /say name=value/)
})

test('reads which proxy a file is of', () => {
  const value = { type: 'Dataplane', name: 'site-1', networking: { admin: { port: 9902 } } }
  assert.deepEqual(readDataplaneFile(value, 'dp.yaml'), {
    mesh: 'default',
    name: 'site-1',
    adminPort: 9902,
    value,
  })
  const other = { type: 'Dataplane', mesh: 'm', name: 'a', networking: {} }
  assert.equal(readDataplaneFile(other, 'dp.yaml').mesh, 'm')
  assert.equal(readDataplaneFile(other, 'dp.yaml').adminPort, null)
  assert.throws(
    () => readDataplaneFile({ type: 'Mesh', name: 'a' }, 'dp.yaml'),
    /type must be Dataplane, not "Mesh"/,
  )
  assert.throws(() => readDataplaneFile({ type: 'Dataplane' }, 'dp.yaml'), /name is missing/)
  assert.throws(() => readDataplaneFile(null, 'dp.yaml'), /a Dataplane is expected/)
})
