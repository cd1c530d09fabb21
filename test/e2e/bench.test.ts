import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { after, test } from 'node:test'
import { grpc } from '../../bench/load/grpc.ts'
import { http2 } from '../../bench/load/http2.ts'
import { meshPath } from '../../bench/load/mesh-path.ts'
import { plain } from '../../bench/load/plain.ts'
import type { Result, Scenario, Table } from '../../bench/load/scenario.ts'
import { tcp } from '../../bench/load/tcp.ts'
import { tls } from '../../bench/load/tls.ts'
import { webSocket } from '../../bench/load/web-socket.ts'
import { endEverything } from '../../bench/support/program.ts'
import { skipWithout } from '../support/tools.ts'

after(endEverything)

const skip =
  availableParallelism() < 2
    ? 'needs two processors'
    : skipWithout('nginx', 'haproxy', 'wrk', 'h2load', 'taskset', 'openssl')

/** As little as can be measured: what is held here is that every side is measured, not what comes of it. */
const PLAN = { pairs: 1, seconds: 0.5, warmUpRequests: 0, settleMs: 0, rateShare: 1 }

test('the benchmark measures the plain proxy of every peer', { skip, timeout: 120_000 }, async () => {
  const notes: string[] = []
  const plan = { ...PLAN, warmUpRequests: 1, rateShare: 0.02 }
  const { tables } = await plain.run({ plan, note: (text) => notes.push(text) })
  assert.deepEqual(
    tables.map(({ rows }) => rows.map((row) => row[0])),
    [
      ['nginx', 'Headgate'],
      ['nginx', 'HAProxy', 'Headgate'],
      ['nginx', 'Headgate', 'HAProxy', 'http-proxy', '@fastify/http-proxy'],
    ],
  )
  // every side has spent some time on every request, and took up some memory
  for (const table of tables) {
    for (const name of ['CPU µs per request', 'RSS MB']) {
      for (const cell of columnOf(table, name))
        assert.ok(Number(cell.replaceAll(' ', '')) > 1, `${name}: ${cell}`)
    }
  }
  assert.equal(notes.filter((note) => note.startsWith('round 1/1: nginx ')).length, 3)
})

test('the benchmark measures HTTPS, handshakes and resumption of every peer', {
  skip,
  timeout: 120_000,
}, async () => {
  const { tables, bars } = await runOnce(tls, 0.01)
  expectSides(tables, ['nginx', 'HAProxy', 'Headgate'])
  assert.deepEqual(tables.map(unitOf), ['request', 'request', 'handshake'])
  assert.ok((bars[2]?.figure?.median ?? 0) >= 99, JSON.stringify(bars[2]))
})

test('the benchmark measures HTTP/2 of every peer', { skip, timeout: 120_000 }, async () => {
  const { tables, notes } = await runOnce(http2, 0.02)
  const hasNghttpx = !notes.some((note) => note.startsWith('nghttpx was not measured'))
  expectSides(tables, ['nginx', 'HAProxy', ...(hasNghttpx ? ['nghttpx'] : []), 'Headgate'])
})

test('the benchmark measures gRPC of every peer, with answers that are whole', {
  skip,
  timeout: 120_000,
}, async () => {
  const { tables } = await runOnce(grpc, 0.02)
  expectSides(tables, ['nginx', 'HAProxy', 'Headgate'])
  assert.deepEqual(tables.map(unitOf), ['call', 'call'])
})

test('the benchmark measures WebSockets, busy and idle', { skip, timeout: 120_000 }, async () => {
  const { tables, bars } = await runOnce(webSocket, 1)
  expectSides(tables.slice(0, 1), ['nginx', 'HAProxy', 'Headgate'])
  const idle = bars[0]
  assert.ok(idle !== undefined)
  if (idle.figure === null) assert.match(idle.reason ?? '', /^not measured: .* descriptors may be open/)
  else assert.ok(idle.figure.median > 20, `${idle.figure.median} MB`)
})

test('the benchmark measures TCP of every peer', { skip, timeout: 120_000 }, async () => {
  const { tables, notes } = await runOnce(tcp, 1)
  const hasNginx = !notes.some((note) => note.startsWith('nginx was not measured'))
  expectSides(tables, ['HAProxy', ...(hasNginx ? ['nginx'] : []), 'Headgate'])
  assert.deepEqual(tables.map(unitOf), ['MiB', 'connection'])
})

test('the benchmark measures the outbound of a mesh proxy beside a route of the gateway', {
  skip,
  timeout: 120_000,
}, async () => {
  const { tables, bars } = await runOnce(meshPath, 0.02)
  expectSides(tables, ['nginx', 'gateway', 'mesh proxy'])
  assert.ok((bars[0]?.figure?.median ?? 0) > 0, JSON.stringify(bars[0]))
})

function runOnce(scenario: Scenario, rateShare: number): Promise<Result> {
  return scenario.run({ plan: { ...PLAN, rateShare }, note: () => {} })
}

/** Every table has these sides, and each has spent time and taken up memory. */
function expectSides(tables: readonly Table[], names: readonly string[]): void {
  for (const table of tables) {
    assert.deepEqual(
      table.rows.map((row) => row[0]),
      names,
    )
    for (const name of [`CPU µs per ${unitOf(table)}`, 'RSS MB']) {
      for (const cell of columnOf(table, name))
        assert.ok(Number(cell.replaceAll(' ', '')) > 1, `${name}: ${cell}`)
    }
  }
}

/** What a table counts. */
function unitOf(table: Table): string {
  const column = table.columns.find((each) => each.startsWith('CPU µs per ')) ?? ''
  return column.slice('CPU µs per '.length)
}

function columnOf(table: Table, name: string): string[] {
  const place = table.columns.indexOf(name)
  assert.ok(place > 0, `a column ${name} in ${table.caption}`)
  return table.rows.map((row) => row[place] as string)
}
