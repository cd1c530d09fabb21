import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EVENT_TYPES, Events, type GatewayEvent, MAX_EVENTS, readEventTypes } from './events.ts'

test('keeps the last events, in order, under ids that tell what comes after', () => {
  const events = new Events(() => 1000)
  for (let i = 1; i <= MAX_EVENTS + 5; i++) events.emit('revision', `revision ${i}`, { i })
  const last = events.last(2)
  assert.deepEqual(
    last.map(({ text }) => text),
    [`revision ${MAX_EVENTS + 4}`, `revision ${MAX_EVENTS + 5}`],
  )
  assert.equal(events.last(10_000).length, MAX_EVENTS)
  assert.deepEqual(events.last(0), [])
  const after = events.after(last[0]?.id ?? '')
  assert.deepEqual(after, { events: [last[1]], missed: 0 })
  assert.deepEqual(events.after(last[1]?.id ?? ''), { events: [], missed: 0 })
})

test('says how many events were missed, or that nobody knows', () => {
  const events = new Events(() => 1000)
  events.emit('drain', 'first')
  const first = events.last(1)[0]?.id ?? ''
  for (let i = 0; i < MAX_EVENTS + 3; i++) events.emit('revision', '')
  const after = events.after(first)
  assert.deepEqual([after.events.length, after.missed], [MAX_EVENTS, 3])
  for (const id of ['', 'x', 'other-1', `${first}0000000`, 'rs-x'])
    assert.equal(events.after(id).missed, null, id)
})

test('tells whoever subscribed, until they leave', () => {
  const events = new Events()
  const heard: GatewayEvent[] = []
  const leave = events.subscribe((event) => heard.push(event))
  events.emit('readiness', 'ready', { isReady: true })
  leave()
  events.emit('drain', 'unheard')
  assert.deepEqual(
    heard.map(({ type, text, data }) => ({ type, text, data })),
    [{ type: 'readiness', text: 'ready', data: { isReady: true } }],
  )
})

test('reads lists of types and names the near miss', () => {
  assert.deepEqual(readEventTypes(''), new Set(EVENT_TYPES))
  assert.deepEqual(readEventTypes('drain,store'), new Set(['drain', 'store']))
  assert.match(readEventTypes('workers-failed') as string, /did you mean worker-failed\?/)
})
