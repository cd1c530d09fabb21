import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelObject } from '../../model/model.ts'
import { ModelArchive } from '../model-archive.ts'
import { References } from './references.ts'

/** A route to upstreams, with what is looked at of it. */
function routeTo(kind: 'route' | 'streamRoute', id: string, ...upstreamIds: string[]): ModelObject {
  const targets = upstreamIds.map((upstreamId) => ({ kind: 'upstream', upstreamId, requestFilters: [] }))
  return { kind, id, requestFilters: [], rules: [{ split: { targets } }] } as unknown as ModelObject
}

async function watch(objects: readonly ModelObject[], ...upstreamIds: string[]): Promise<References> {
  const archive = new ModelArchive()
  for (const object of objects)
    archive.put(object.kind, object.id, { head: JSON.stringify(object), tail: '' }, '')
  const { promise, resolve } = Promise.withResolvers<readonly string[]>()
  const references = new References(() => archive.everyRoute(), resolve)
  for (const id of upstreamIds) references.watch(id)
  await promise
  return references
}

for (const kind of ['route', 'streamRoute'] as const) {
  test(`an upstream that a ${kind} in force names is found`, async () => {
    const references = await watch([routeTo(kind, 'r', 'a', 'a')], 'a')
    assert.equal(references.has('a'), true)
    assert.deepEqual(references.change([routeTo(kind, 'r', 'a', 'a')], []), ['a'])
    assert.equal(references.has('a'), false)
  })

  test(`a ${kind} that comes and goes turns the upstreams it names, and no others`, async () => {
    const references = await watch([], 'a')
    assert.deepEqual(references.change([], [routeTo(kind, 'r', 'a', 'b')]), ['a'])
    assert.deepEqual(references.change([routeTo(kind, 'r', 'a', 'b')], [routeTo(kind, 'r', 'b')]), ['a'])
    assert.equal(references.has('a'), false)
  })
}

test('an upstream is named until neither a route nor a stream route names it', async () => {
  const both = [routeTo('route', 'r', 'a'), routeTo('streamRoute', 's', 'a')]
  const references = await watch(both, 'a')
  assert.deepEqual(references.change(both.slice(0, 1), []), [])
  assert.deepEqual(references.change(both.slice(1), []), ['a'])
})

test('an upstream that only gets copies is named by the filter of the route or of a target', async () => {
  const mirror = { kind: 'mirror', upstreamIds: ['m"1]', 'm2'] }
  const targets = [{ kind: 'respond', requestFilters: [{ ...mirror, upstreamIds: ['m3'] }] }]
  const route = {
    kind: 'route',
    id: 'r',
    requestFilters: [mirror, { kind: 'rewriteRequest' }],
    rules: [{ split: { targets } }],
  } as unknown as ModelObject
  const references = await watch([route], 'm"1]', 'm2', 'm3', 'm4')
  assert.deepEqual(
    ['m"1]', 'm2', 'm3', 'm4'].map((id) => references.has(id)),
    [true, true, true, false],
  )
  assert.deepEqual(references.change([route], []), ['m"1]', 'm2', 'm3'])
})
