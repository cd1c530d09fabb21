import type { RequestView } from '../../src/expression/request-view.ts'
import type { Route } from '../../src/model/route.ts'
import { makeRoute, makeView } from '../../src/routing/test-fixtures.ts'

/** Route number `i` of a shape, and a request that it takes and no other route does. */
export interface ShapeCase {
  readonly route: Route
  readonly view: RequestView
}

/** Always as many digits, so that tables of all sizes are asked for texts of one length: short ones are cheaper to cut out and to look up. */
const digits = (i: number): string => String(i).padStart(6, '0')

/** The shapes that the bar on searches names. */
export const ROUTE_SHAPES: Readonly<Record<string, (i: number) => ShapeCase>> = {
  'a path each': (i) => ({
    route: makeRoute(`r${i}`, [
      { host: { kind: 'any' }, path: { kind: 'exact', text: `/api/v1/item${digits(i)}/view` }, key: [0] },
    ]),
    view: makeView({ path: `/api/v1/item${digits(i)}/view` }),
  }),
  'a host each on one path': (i) => ({
    route: makeRoute(`r${i}`, [
      {
        host: { kind: 'exact', text: `h${digits(i)}.example.com` },
        path: { kind: 'prefix', text: '/' },
        key: [0],
      },
    ]),
    view: makeView({ path: '/orders/1', host: `h${digits(i)}.example.com` }),
  }),
  'a parameter in the path': (i) => ({
    route: makeRoute(`r${i}`, [
      {
        host: { kind: 'any' },
        path: { kind: 'pattern', pieces: [`/u${digits(i)}/`, { kind: 'segment', name: 'id' }, '/edit'] },
        key: [0],
      },
    ]),
    view: makeView({ path: `/u${digits(i)}/42/edit` }),
  }),
  'one path, told apart by a header': (i) => ({
    route: makeRoute(`r${i}`, [{ host: { kind: 'any' }, path: { kind: 'prefix', text: '/' }, key: [0] }], {
      predicate: { kind: 'test', variable: 'http_x_tenant', operator: 'equal', value: `t${digits(i)}` },
    }),
    view: makeView({ path: '/orders/1', headers: { 'x-tenant': `t${digits(i)}` } }),
  }),
}
