import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeTestUpstream } from '../../test/support/data-plane.ts'
import type { NameQuestion, NameView } from '../discovery/discovery.ts'
import type { PatchPart } from '../gateway/messages.ts'
import { SharedState } from '../gateway/shared-state.ts'
import type { Upstream } from '../model/upstream.ts'
import { ProxyModel } from './proxy-model.ts'

const endpoint = (host: string) => ({
  host,
  port: 80,
  weight: 1,
  priority: 0,
  address: null,
  zone: null,
  failoverOnly: false,
  state: 'ready' as const,
})
const upstream = (id: string, ...hosts: string[]): Upstream => ({
  ...makeTestUpstream(`kuma/dataplanes/${id}`, []),
  endpoints: hosts.map(endpoint),
})

function setUp() {
  const parts: PatchPart[] = []
  const answers = new Map<string, readonly string[]>()
  const used: string[] = []
  const shared = new SharedState({
    positions: 64,
    counters: 2048,
    routes: 50,
    targets: 50,
    endpoints: 50,
    health: 64,
  })
  const model = new ProxyModel({
    shared,
    names: {
      find: ({ name }: NameQuestion) => {
        const addresses = answers.get(name)
        return addresses === undefined ? null : ([{ addresses }] as unknown as NameView['hosts'])
      },
      use: ({ name }) => used.push(name),
      drop: ({ name }) => used.splice(used.indexOf(name), 1),
      firstAnswers: () => null,
    },
    send: (part) => parts.push(part),
    onChange: () => {},
  })
  const take = (owner: string, isWhole: boolean, upserts: Upstream[], removals: string[] = []) =>
    model.take(
      owner,
      { revision: 1, upserts, removals: removals.map((id) => ({ kind: 'upstream', id })) },
      isWhole,
    )
  /** What the last patches put in force. */
  const sent = () =>
    parts.splice(0).map(({ upserts, removals }) => ({
      upserts: upserts.map(({ id }) => id.replace('kuma/dataplanes/', '')),
      removals: removals.map(({ id }) => id.replace('kuma/dataplanes/', '')),
    }))
  return { model, take, sent, parts, answers, used, shared }
}

test('puts of a whole model that comes again only in force what is other than before', async () => {
  const { take, sent } = setUp()
  await take('default/a', true, [upstream('a#1', '10.0.0.1'), upstream('a#2', '10.0.0.2')])
  assert.deepEqual(sent(), [{ upserts: ['a#1', 'a#2'], removals: [] }])
  await take('default/a', true, [upstream('a#1', '10.0.0.1'), upstream('a#2', '10.0.0.2')])
  assert.deepEqual(sent(), [])
  await take('default/a', true, [upstream('a#2', '10.0.0.9'), upstream('a#3', '10.0.0.3')])
  assert.deepEqual(sent(), [{ upserts: ['a#2', 'a#3'], removals: ['a#1'] }])
})

test('a whole model of one proxy leaves those of others alone', async () => {
  const { take, sent } = setUp()
  await take('default/a', true, [upstream('a#1', '10.0.0.1')])
  await take('default/b', true, [upstream('b#1', '10.0.0.1')])
  await take('default/a', true, [])
  assert.deepEqual(sent().at(-1), { upserts: [], removals: ['a#1'] })
})

test('puts patches in force, and gives back the slots of what goes', async () => {
  const { take, sent, shared, parts } = setUp()
  await take('default/a', true, [upstream('a#1', '10.0.0.1')])
  await take(
    'default/a',
    false,
    [upstream('a#2', '10.0.0.2')],
    ['kuma/dataplanes/a#1', 'kuma/dataplanes/never'],
  )
  const [, second] = parts
  assert.equal(second?.freed.length, 1)
  assert.deepEqual(sent().at(-1), { upserts: ['a#2'], removals: ['a#1'] })
  shared.release(2)
  assert.equal(shared.retired, 0)
})

test('an empty first model is put in force too: the proxy serves what there is', async () => {
  const { take, sent } = setUp()
  await take('default/a', true, [])
  assert.deepEqual(sent(), [{ upserts: [], removals: [] }])
})

test('looks names up here, and puts new answers in force', async () => {
  const { take, sent, parts, model, answers, used } = setUp()
  answers.set('app.test', ['10.0.0.1'])
  await take('default/a', true, [upstream('a#1', 'app.test')])
  const addresses = () =>
    (parts.at(-1)?.upserts[0] as Upstream | undefined)?.endpoints.map(({ address }) => address)
  assert.deepEqual(addresses(), ['10.0.0.1'])
  answers.set('app.test', ['10.0.0.1', '10.0.0.2'])
  model.refresh(model.usersOf({ kind: 'addresses', name: 'app.test' }))
  assert.deepEqual(addresses(), ['10.0.0.1', '10.0.0.2'])
  sent()
  model.refresh(['kuma/dataplanes/a#1'])
  assert.deepEqual(sent(), [])
  await take('default/a', true, [upstream('a#1', 'app.test')])
  assert.deepEqual(sent(), [])
  await take('default/a', true, [])
  assert.deepEqual(used, [])
})
