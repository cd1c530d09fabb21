import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UpstreamLimits } from '../../model/upstream.ts'
import type { Deadlines, Timed } from '../deadlines.ts'
import { UpstreamGate, type Waiter } from './gate.ts'
import type { EndpointPool } from './pool.ts'

const LIMITS: UpstreamLimits = {
  maxConnections: 0,
  maxConnectionsPerEndpoint: 1,
  maxRequests: 0,
  maxRequestsPerEndpoint: 0,
  maxPending: 3,
  pendingMs: 1000,
  maxRetries: 0,
}

/** A gate before one endpoint whose connections are counted by hand. */
function setUp(limits: Partial<UpstreamLimits> = {}) {
  const pool = { open: 1, gates: new Set() } as unknown as EndpointPool
  const dues = new Map<Timed, number>()
  const deadlines = {
    set: (timed: Timed, dueMs: number) => dues.set(timed, dueMs),
    forget: (timed: Timed) => dues.delete(timed),
  } as unknown as Deadlines
  const gate = new UpstreamGate({ ...LIMITS, ...limits }, { share: 1, deadlines, pools: [pool] })
  const went: string[] = []
  /** One that goes when there is room, and else waits again. */
  const make = (name: string): Waiter => {
    const waiter: Waiter = {
      onGate: () => {
        if (gate.checkConnect(pool) === null) {
          pool.open++
          went.push(name)
        } else assert.equal(gate.wait(waiter, 500), null)
      },
      onGateTimeout: () => went.push(`${name} late`),
    }
    return waiter
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return { gate, pool, dues, went, make, turn }
}

test('who waits goes in order; one that still finds no place keeps its turn and its deadline', async () => {
  const { gate, pool, dues, went, make, turn } = setUp()
  for (const [i, name] of ['a', 'b', 'c'].entries()) assert.equal(gate.wait(make(name), i * 10), null)
  assert.equal(gate.wait(make('d'), 0), 'maxPending')
  gate.wakeSoon()
  await turn()
  assert.deepEqual(went, [])
  assert.deepEqual([...dues.values()].sort(), [1000, 1010, 1020])
  pool.open = 0
  gate.wakeSoon()
  await turn()
  assert.deepEqual(went, ['a'])
  assert.equal(gate.pending, 2)
})

test('where more became free than was told of, the next ones go too', async () => {
  const { gate, pool, went, make, turn } = setUp({ maxConnectionsPerEndpoint: 2 })
  pool.open = 2
  for (const name of ['a', 'b', 'c']) gate.wait(make(name), 0)
  pool.open = 0
  gate.wakeSoon()
  await turn()
  await turn()
  await turn()
  assert.deepEqual(went, ['a', 'b'])
  assert.equal(gate.pending, 1)
})

test('a client that leaves is passed over, one that waits too long is told', async () => {
  const { gate, pool, dues, went, make, turn } = setUp()
  const gone = make('a')
  gate.wait(gone, 0)
  gate.wait(make('b'), 0)
  gate.wait(make('c'), 5)
  gate.forget(gone)
  pool.open = 0
  gate.wakeSoon()
  await turn()
  assert.deepEqual(went, ['b'])
  ;([...dues.keys()][0] as unknown as { expire(): void }).expire()
  assert.deepEqual(went, ['b', 'c late'])
  assert.equal(gate.pending, 0)
})

test('when the upstream is no longer in force everybody goes on', () => {
  const { gate, went, make } = setUp()
  for (const name of ['a', 'b']) gate.wait(make(name), 0)
  gate.close()
  assert.deepEqual(went, ['a', 'b'])
})
