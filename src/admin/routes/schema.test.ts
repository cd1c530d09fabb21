import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dialects } from '../../dialects/index.ts'
import { schemaEndpoints } from './schema.ts'

const [endpoint] = schemaEndpoints({ dialects })

function ask(dialect: string): { status: number; headers: Readonly<Record<string, string>>; body: string } {
  const call = { query: new Map(), params: { dialect }, headers: {}, body: '', owner: null }
  return endpoint?.handle(call) as { status: number; headers: Record<string, string>; body: string }
}

test('the schema of native files is served as JSON Schema', () => {
  const { status, headers, body } = ask('native')
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'application/schema+json')
  const schema = JSON.parse(body)
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema')
  assert.deepEqual(Object.keys(schema.properties).slice(1), [
    'headgate',
    'gateway',
    'routes',
    'upstreams',
    'streams',
    'certificates',
  ])
})

test('a dialect without a schema, or a name that is none, is not found and told what there is', () => {
  assert.deepEqual(
    ['apisix', 'nativ'].map((name) => [ask(name).status, JSON.parse(ask(name).body).detail]),
    [
      [404, 'there is no schema of apisix (known: native)'],
      [404, 'there is no schema of nativ (did you mean native?)'],
    ],
  )
})
