import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallSettings } from '../../model/upstream.ts'
import { clock } from '../clock.ts'
import { Deadlines } from '../deadlines.ts'
import { KeepAlive, type Pinged } from './keep-alive.ts'

const SETTINGS: CallSettings = {
  maxMessageBytes: 1,
  maxMetadataBytes: 1,
  replayBytes: 0,
  pingMs: 1000,
  pongMs: 300,
  pingsIdle: false,
}

/** A connection over a clock of the test's own: what was done on it, each with the time. */
function connect(parts: Partial<CallSettings> = {}, calls = 1, pool = { pingFactor: 1 }) {
  const begin = performance.now()
  const done: string[] = []
  const deadlines = new Deadlines()
  const streams = new Map(Array.from({ length: calls }, (_, i) => [i, null] as const))
  const note = (what: string): void => void done.push(`${what} ${Math.round((clock.nowMs - begin) / 100)}`)
  const connection: Pinged & { isClosed: boolean; lastReadMs: number } = {
    deadlines,
    isClosed: false,
    lastReadMs: begin,
    streams,
    pool,
    ping: () => note('ping'),
    onSilence: () => {
      note('lost')
      connection.isClosed = true
    },
  }
  const keepAlive = new KeepAlive(connection, { ...SETTINGS, ...parts })
  clock.nowMs = begin
  keepAlive.start(begin)
  let now = begin
  /** Time goes by, in tenths of a second; `reads`: tenths at which bytes come. */
  const pass = (tenths: number, ...reads: readonly number[]): readonly string[] => {
    for (let i = 0; i < tenths; i++) {
      now += 100
      clock.nowMs = now
      if (reads.includes(Math.round((now - begin) / 100))) connection.lastReadMs = now
      deadlines.sweep(now)
    }
    return done.splice(0)
  }
  return { pass, keepAlive, connection, streams }
}

/** Whether `done` is `expected`, each at most three tenths late: a wheel is never early. */
function holds(done: readonly string[], ...expected: readonly (readonly [string, number])[]): void {
  assert.deepEqual(
    done.map((text) => text.split(' ')[0]),
    expected.map(([what]) => what),
    done.join(),
  )
  for (const [i, [what, at]] of expected.entries()) {
    const late = Number((done[i] as string).split(' ')[1]) - at
    assert.ok(late >= 0 && late <= 3, `${what} at ${at}: ${done.join()}`)
  }
}

test('silence is met with a PING, and no byte after it ends the connection', () => {
  const { pass } = connect()
  holds(pass(30), ['ping', 10], ['lost', 13])
})

test('any byte is a sign of life, and the wait begins anew with the last one', () => {
  const { pass } = connect()
  holds(pass(32, 5, 9, 12, 20), ['ping', 30])
})

test('an answer to a PING lets the connection live, and it is asked again', () => {
  const { pass } = connect()
  holds(pass(37, 12, 24), ['ping', 10], ['ping', 22], ['ping', 34])
  // and at its time, however long an answer may take
  holds(connect({ pongMs: 60_000 }).pass(37, 12, 24), ['ping', 10], ['ping', 22], ['ping', 34])
})

test('without a call under way nobody asks, unless the settings say so', () => {
  holds(connect({}, 0).pass(40))
  holds(connect({ pingsIdle: true }, 0).pass(13), ['ping', 10])
})

test('a call that begins on an idle connection is looked after', () => {
  const { pass, streams } = connect({}, 0)
  holds(pass(15))
  streams.set(1, null)
  holds(pass(15), ['ping', 20], ['lost', 23])
})

test('an endpoint that got too many PINGs is asked half as often, and so are its next connections', () => {
  const pool = { pingFactor: 1 }
  const first = connect({}, 1, pool)
  first.keepAlive.slowDown()
  holds(connect({}, 1, pool).pass(23), ['ping', 20])
  for (let i = 0; i < 20; i++) first.keepAlive.slowDown()
  assert.equal(pool.pingFactor, 64)
})

test('a connection that is closed is asked nothing', () => {
  const { pass, connection } = connect()
  connection.isClosed = true
  holds(pass(30))
})
