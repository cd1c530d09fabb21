/**
 * How long a search takes with 10, 10 000 and 100 000 routes of four shapes, against the bar: one of 10 000 in at most 0.5 µs and 1.2 times
 * that of ten. `node bench/micro/find-route.bench.ts [--json]`; judges only in words, `npm run bench -- --only search` with the exit status.
 *
 * The tables stand side by side and are searched in turn, so that a slow spell of the machine meets all of them. Each is asked for ten of its
 * routes, spread over it, and for a thousand: the first shows what the search itself does, the second also what it costs that a thousand routes and
 * what leads to them fit in no near cache of the processor, which is so with any way to search.
 */
import { parseArgs } from 'node:util'
import type { RequestView } from '../../src/expression/request-view.ts'
import { RoutingTable } from '../../src/routing/routing-table.ts'
import { NEEDS_BODY } from '../../src/routing/table.ts'
import { makeEnvironment, makeSection } from '../../src/routing/test-fixtures.ts'
import { judge } from '../report/bar.ts'
import { FEW, type SearchTimes, searchBars } from '../report/search-bars.ts'
import { ROUTE_SHAPES, type ShapeCase } from './route-shapes.ts'

const SIZES = [10, 10_000, 100_000]
/** Different requests that a table is asked by, in turn. */
const REQUESTS = [FEW, 1_000]
const SEARCHES = 50_000
const ROUNDS = 21
/** Compiled code needs so many rounds to settle. */
const WARM_UP_ROUNDS = 3

interface Built {
  readonly table: RoutingTable
  readonly routes: number
  readonly about: string
  readonly asked: readonly {
    readonly requests: number
    readonly views: readonly RequestView[]
    readonly ns: number[]
  }[]
}

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const all: SearchTimes[] = []
for (const [shape, make] of Object.entries(ROUTE_SHAPES)) {
  const tables = SIZES.map((size) => build(make, size))
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const { table, asked } of tables) {
      for (const { views, ns } of asked) {
        const took = timeSearches(table, views)
        if (round >= 0) ns.push(took)
      }
    }
  }
  for (const { routes, asked, about } of tables) {
    for (const { requests, ns } of asked) all.push({ shape, routes, requests, ns })
    const best = asked.map(({ requests, ns }) => `${Math.min(...ns).toFixed(0)} ns (${requests} requests)`)
    if (!values.json)
      console.log(
        `${shape.padEnd(34)} ${String(routes).padStart(7)} routes  at best ${best.join(', ')}   ${about}`,
      )
  }
}
if (values.json) console.log(JSON.stringify(all))
else
  for (const bar of searchBars(all))
    console.log(
      `${bar.what}: ${bar.figure?.median.toFixed(3)} ${bar.unit} (${bar.bound} ${bar.limit}): ${judge(bar)}`,
    )

function build(make: (i: number) => ShapeCase, routes: number): Built {
  const table = new RoutingTable([makeSection('main')], makeEnvironment())
  const edit = table.begin()
  const began = performance.now()
  for (let i = 0; i < routes; i++) edit.upsert(make(i).route)
  let slice = performance.now()
  let longest = 0
  while (!edit.work(() => performance.now() - slice >= 2)) {
    longest = Math.max(longest, performance.now() - slice)
    slice = performance.now()
  }
  edit.commit(1)
  const builtMs = performance.now() - began
  const change = table.begin()
  change.upsert(make(routes >> 1).route)
  const editStart = performance.now()
  change.commit(2)
  const editMs = performance.now() - editStart
  return {
    table,
    routes,
    asked: REQUESTS.map((requests) => ({
      requests,
      views: Array.from({ length: requests }, (_, i) => make(Math.floor((i * routes) / requests)).view),
      ns: [],
    })),
    about: `built in ${builtMs.toFixed(0)} ms, longest slice ${longest.toFixed(1)} ms, edit of one ${editMs.toFixed(2)} ms`,
  }
}

function timeSearches(table: RoutingTable, views: readonly RequestView[]): number {
  let missed = 0
  const start = process.hrtime.bigint()
  for (let i = 0; i < SEARCHES; i++) {
    const found = table.find(views[i % views.length] as RequestView, null)
    if (found === null || found === NEEDS_BODY) missed++
  }
  const ns = Number(process.hrtime.bigint() - start) / SEARCHES
  if (missed > 0) throw new Error(`${missed} searches found nothing`)
  return ns
}
