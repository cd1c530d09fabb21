import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { after, test } from 'node:test'
import { plain } from '../../bench/load/plain.ts'
import type { Table } from '../../bench/load/scenario.ts'
import { endEverything } from '../../bench/support/program.ts'
import { skipWithout } from '../support/tools.ts'

after(endEverything)

const skip =
  availableParallelism() < 2
    ? 'needs two processors'
    : skipWithout('nginx', 'haproxy', 'wrk', 'h2load', 'taskset')

test('the benchmark measures the plain proxy of every peer', { skip, timeout: 120_000 }, async () => {
  const notes: string[] = []
  const plan = { pairs: 1, seconds: 0.5, warmUpRequests: 1, rateShare: 0.02 }
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

function columnOf(table: Table, name: string): string[] {
  const place = table.columns.indexOf(name)
  assert.ok(place > 0, `a column ${name} in ${table.caption}`)
  return table.rows.map((row) => row[place] as string)
}
