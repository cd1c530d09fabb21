/** How long a search takes with 10, 1 000 and 100 000 routes. Prints nanoseconds a search; judges nothing. */
import type { RequestView } from '../../src/expression/request-view.ts'
import type { Route } from '../../src/model/route.ts'
import { RoutingTable } from '../../src/routing/routing-table.ts'
import { NEEDS_BODY } from '../../src/routing/table.ts'
import { makeEnvironment, makeRoute, makeSection, makeView } from '../../src/routing/test-fixtures.ts'

const SIZES = [10, 1_000, 100_000]
const SEARCHES = 100_000
/** The fastest one counts: the machine may have other work. */
const ROUNDS = 5

const SHAPES: Record<string, (i: number) => { route: Route; path: string; host: string; tenant: string }> = {
  'exact path, no host': (i) => ({
    route: makeRoute(`r${i}`, [
      { host: { kind: 'any' }, path: { kind: 'exact', text: `/api/v1/item${i}/view` }, key: [0] },
    ]),
    path: `/api/v1/item${i}/view`,
    host: 'example.com',
    tenant: '',
  }),
  'prefix path, exact host': (i) => ({
    route: makeRoute(`r${i}`, [
      {
        host: { kind: 'exact', text: `h${i % 1000}.example.com` },
        path: { kind: 'prefix', text: `/s${i}/` },
        key: [0],
      },
    ]),
    path: `/s${i}/a/b`,
    host: `h${i % 1000}.example.com`,
    tenant: '',
  }),
  'parameter in the path, wildcard host': (i) => ({
    route: makeRoute(`r${i}`, [
      {
        host: { kind: 'suffix', text: `.d${i % 1000}.com` },
        path: { kind: 'pattern', pieces: [`/u${i}/`, { kind: 'segment', name: null }, '/edit'] },
        key: [0],
      },
    ]),
    path: `/u${i}/42/edit`,
    host: `www.d${i % 1000}.com`,
    tenant: '',
  }),
  'one path, told apart by a header': (i) => ({
    route: makeRoute(`r${i}`, [{ host: { kind: 'any' }, path: { kind: 'prefix', text: '/' }, key: [0] }], {
      predicate: { kind: 'test', variable: 'http_x_tenant', operator: 'equal', value: `t${i}` },
    }),
    path: '/orders/1',
    host: 'example.com',
    tenant: `t${i}`,
  }),
}

for (const [name, shape] of Object.entries(SHAPES)) {
  for (const size of SIZES) {
    const table = new RoutingTable([makeSection('main')], makeEnvironment())
    const edit = table.begin()
    const views: RequestView[] = []
    const began = performance.now()
    for (let i = 0; i < size; i++) {
      const { route, path, host, tenant } = shape(i)
      edit.upsert(route)
      if (i % Math.ceil(size / 1000) === 0)
        views.push(makeView({ path, host, headers: { 'x-tenant': tenant } }))
    }
    let slice = performance.now()
    let longest = 0
    const yields = () => {
      if (performance.now() - slice < 2) return false
      return true
    }
    while (!edit.work(yields)) {
      longest = Math.max(longest, performance.now() - slice)
      slice = performance.now()
    }
    edit.commit(1)
    const builtMs = performance.now() - began
    const ns = Math.min(...Array.from({ length: ROUNDS }, () => timeSearches(table, views)))
    const change = table.begin()
    change.upsert(shape(size >> 1).route)
    const editStart = performance.now()
    change.commit(2)
    const editMs = performance.now() - editStart
    console.log(
      `${name.padEnd(38)} ${String(size).padStart(7)} routes  ${ns.toFixed(0).padStart(6)} ns a search   built in ${builtMs.toFixed(0)} ms, longest slice ${longest.toFixed(1)} ms, edit of one ${editMs.toFixed(2)} ms`,
    )
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
