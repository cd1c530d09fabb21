import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import type { JsonValue } from '../../model/json.ts'
import type { FileDocument } from '../dialect.ts'
import { tencent } from './index.ts'
import { apisFile, settingsWith } from './testing/translate.ts'

function read(text: string): FileDocument[] {
  const found = tencent.readFile(parse(text) as JsonValue, settingsWith())
  assert.deepEqual(found?.faults, [])
  return (found?.documents ?? []).map(({ kind, id, value }) => ({ kind, id, value }))
}

const ids = (documents: readonly FileDocument[], kind: string): string[] =>
  documents.filter((one) => one.kind === kind).map(({ id }) => id)

test('a release in a file releases the APIs as they stand in it, and is written as nothing more', () => {
  const documents = read(apisFile(['ANY /a', 'GET /b']))
  assert.deepEqual(ids(documents, 'released_apis'), [
    'service-aaaaaaaa.release.api-00000000',
    'service-aaaaaaaa.release.api-00000001',
  ])
  const text = tencent.writeFile(documents)
  assert.doesNotMatch(text, /released_apis/)
  assert.deepEqual(read(text), documents)
})

test('what is served otherwise than the releases say is written, and read back', () => {
  const documents = read(apisFile(['ANY /a', 'GET /b']))
  const gone = documents.filter(({ id }) => id !== 'service-aaaaaaaa.release.api-00000001')
  assert.deepEqual(ids(read(tencent.writeFile(gone)), 'released_apis'), [
    'service-aaaaaaaa.release.api-00000000',
  ])
  const none = documents.filter(({ kind }) => kind !== 'released_apis')
  assert.match(tencent.writeFile(none), /released_apis: \[\]/)
  assert.deepEqual(ids(read(tencent.writeFile(none)), 'released_apis'), [])
})

test('faults of a file name the place and what is known', () => {
  const faults = (text: string): string[] =>
    (tencent.readFile(parse(text) as JsonValue, settingsWith())?.faults ?? []).map(
      ({ path, message, hint }) => `${path}: ${message} (${hint})`,
    )
  assert.equal(tencent.readFile(parse('routes: []') as JsonValue, settingsWith()), null)
  assert.match(faults('tencent: 1')[0] ?? '', /^tencent: tencent must be an object/)
  assert.match(faults('{tencent: {}, routes: []}')[0] ?? '', /^routes: routes may not stand beside tencent/)
  assert.match(faults('tencent: {upstream: []}')[0] ?? '', /did you mean upstreams\?/)
  assert.match(faults('tencent: {apis: {}}')[0] ?? '', /^tencent.apis: apis must be a list/)
  assert.match(faults('tencent: {apis: [1, {}]}').join('\n'), /must be an object[\s\S]*needs ApiId/)
  const twice =
    'tencent: {releases: [{ServiceId: s, EnvironmentName: test}, {ServiceId: s, EnvironmentName: test}]}'
  assert.match(faults(twice)[0] ?? '', /s\.test stands in tencent\.releases\[0\] already/)
})

test('two APIs of one service may not have one name, those of two services may', () => {
  const named = (text: string): string =>
    text.replaceAll('      Protocol: HTTP\n', '      ApiName: orders\n      Protocol: HTTP\n')
  const file = named(apisFile(['ANY /a', 'ANY /b']))
  const faultsOf = (text: string) =>
    (tencent.readFile(parse(text) as JsonValue, settingsWith())?.faults ?? []).map(
      ({ path, message }) => `${path}: ${message}`,
    )
  assert.deepEqual(faultsOf(file), [
    'tencent.apis[1].ApiName: tencent.apis[0] of this service is called orders already',
  ])
  const other = file.replace(/(api-00000001\n {6}ServiceId: )service-aaaaaaaa/, '$1service-bbbbbbbb')
  assert.deepEqual(faultsOf(other), [])
})
