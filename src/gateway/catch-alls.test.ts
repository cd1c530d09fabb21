import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from '../model/route.ts'
import { makeRoute } from '../routing/test-fixtures.ts'
import { CatchAlls } from './catch-alls.ts'

const ANY = { host: { kind: 'any' }, path: { kind: 'prefix', text: '/' }, key: [0] } as const
const SOME = { ...ANY, path: { kind: 'prefix', text: '/x' } } as const

const all = (id: string, section: string, parts: Partial<Route> = {}): Route =>
  makeRoute(`${section}/routes/${id}`, [ANY], { section, ...parts })
const some = (id: string, section: string): Route => makeRoute(`${section}/routes/${id}`, [SOME], { section })
const put = (...upserts: Route[]): { upserts: Route[]; removals: [] } => ({ upserts, removals: [] })
const shown = (
  catchAlls: CatchAlls,
  change: Parameters<CatchAlls['look']>[0],
  full: readonly string[] = [],
): string[] =>
  catchAlls
    .look(change, (section) => full.includes(section))
    .map(({ key, message }) => `${key.dialect} ${key.kind} ${key.id}: ${message.split(/[:,] /)[0]}`)

test('a route behind a catch-all of an earlier section is told of, one before it is not', () => {
  const catchAlls = new CatchAlls(['one', 'two'])
  catchAlls.note(put(all('a', 'one')))
  assert.deepEqual(shown(catchAlls, put(some('b', 'two'), some('c', 'one'))), [
    'two routes b: is never reached',
  ])
  catchAlls.note({ upserts: [], removals: [{ kind: 'route', id: 'one/routes/a' }] })
  assert.deepEqual(shown(catchAlls, put(some('b', 'two'))), [])
})

test('a catch-all that comes tells what it hides, once', () => {
  const catchAlls = new CatchAlls(['one', 'two', 'three'])
  const change = put(all('a', 'one'))
  assert.deepEqual(shown(catchAlls, change, ['two']), ['one routes a: takes every request'])
  assert.deepEqual(shown(catchAlls, change, []), [])
  catchAlls.note(change)
  assert.deepEqual(shown(catchAlls, change, ['two']), [])
  assert.match(
    catchAlls.describe(() => true) ?? '',
    /^route one\/routes\/a takes every request, so the two and three routes/,
  )
  assert.equal(
    catchAlls.describe(() => false),
    null,
  )
})

test('the change itself counts: what comes together, and a catch-all that ends with it', () => {
  const catchAlls = new CatchAlls(['one', 'two'])
  assert.equal(shown(catchAlls, put(some('b', 'two'), all('a', 'one'))).length, 1)
  catchAlls.note(put(all('a', 'one')))
  assert.deepEqual(shown(catchAlls, put(some('a', 'one'), some('b', 'two'))), [])
})

test('a route with any condition is no catch-all, nor one of a section that nobody searches', () => {
  const catchAlls = new CatchAlls(['one', 'two'])
  catchAlls.note(
    put(
      all('a', 'one', { methods: ['GET'] }),
      all('b', 'one', { clients: ['10.0.0.0/8'] }),
      all('c', 'other'),
      some('d', 'one'),
    ),
  )
  assert.deepEqual(shown(catchAlls, put(some('b', 'two'))), [])
  assert.deepEqual(shown(catchAlls, put(all('z', 'other')), ['one', 'two']), [])
})

test('a thousand hidden routes are told of in a few lines, and quickly', () => {
  const catchAlls = new CatchAlls(['one', 'two'])
  catchAlls.note(put(all('a', 'one')))
  const many = Array.from({ length: 100_000 }, (_, i) => some(String(i), 'two'))
  const start = performance.now()
  assert.equal(shown(catchAlls, put(...many)).length, 20)
  assert.ok(performance.now() - start < 2000)
})
