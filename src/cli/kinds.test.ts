import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dialects, findDialect } from '../dialects/index.ts'
import { findKinds, readKindAndId, singular } from './kinds.ts'

const apisix = dialects.filter(({ name }) => name === 'apisix')
/** A second dialect that shares words with the first. */
const both = [
  ...apisix,
  { ...(findDialect('apisix') as (typeof dialects)[number]), name: 'other', kinds: ['routes'] },
]

function names(word: string, among = apisix): string[] {
  return findKinds(word, among).map(({ dialect, kind }) => `${dialect.name}/${kind}`)
}

test('a kind may be singular or plural, in any case, with - or _, and with its dialect', () => {
  for (const word of ['route', 'routes', 'Routes', 'apisix/route', 'apisix/routes'])
    assert.deepEqual(names(word), ['apisix/routes'])
  for (const word of ['plugin-config', 'plugin_configs', 'pluginconfig'])
    assert.deepEqual(names(word), ['apisix/plugin_configs'])
})

test('the singular of a kind is its word, also where the plural has es', () => {
  assert.deepEqual(['routes', 'services', 'proxies', 'meshes', 'ssls', 'releases'].map(singular), [
    'route',
    'service',
    'proxy',
    'mesh',
    'ssl',
    'release',
  ])
})

test('a word that dialects share means all of them, unless one is named', () => {
  assert.deepEqual(names('route', both), ['apisix/routes', 'other/routes'])
  assert.deepEqual(names('other/route', both), ['other/routes'])
})

test('an unknown word is an error of usage that says what was meant', () => {
  for (const [word, text] of [
    ['rotes', /there is no kind rotes; did you mean routes\?/],
    ['secret', /there is no kind secret; there are: ssls, consumers, upstreams, services/],
    ['apisx/route', /no dialect is called apisx; did you mean apisix\?/],
    ['apisix/servics', /apisix has no kind servics; did you mean services\?/],
  ] as const) {
    assert.throws(
      () => findKinds(word, apisix),
      (error: Error & { exitCode?: number }) => {
        assert.equal(error.exitCode, 2)
        assert.match(error.message, text)
        return true
      },
    )
  }
})

test('an id may stand behind the kind, with a slash too, and may hold slashes itself', () => {
  for (const [first, second, id] of [
    ['route', '1', '1'],
    ['route/1', undefined, '1'],
    ['apisix/route/1', undefined, '1'],
    ['route/a/b', undefined, 'a/b'],
    ['apisix/route/a/b', undefined, 'a/b'],
  ] as const) {
    const read = readKindAndId(first, second, apisix)
    assert.equal(read.id, id)
    assert.equal(read.choices[0]?.kind, 'routes')
  }
  assert.throws(() => readKindAndId('route', undefined, apisix), /say KIND ID or KIND\/ID/)
})

test('words in the singular', () => {
  assert.deepEqual(['routes', 'services', 'policies', 'mesh', 'class'].map(singular), [
    'route',
    'service',
    'policy',
    'mesh',
    'class',
  ])
})
