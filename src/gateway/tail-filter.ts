import { checkNetwork, compileNetworks } from '../expression/network.ts'
import type { AccessRecord } from '../model/access-record.ts'
import { toByteString } from '../model/byte-string.ts'
import { ERROR_CODES } from '../model/error-codes.ts'
import { isInRanges, parseStatusRange, type StatusRange } from '../model/status-range.ts'
import { suggest } from '../model/suggest.ts'
import { createNameTest, isInSample, isSuccess } from '../observe/access-filter.ts'

/** Which requests a live tail shows, as data that travels to the workers. Empty lists and nulls: all. */
export interface TailFilter {
  /** Ids or names of routes; `*` at the end stands for any rest. */
  readonly routes: readonly string[]
  readonly variants: readonly string[]
  readonly statuses: readonly StatusRange[]
  /** Upper case. */
  readonly methods: readonly string[]
  /** Paths; `*` at the end stands for any rest. */
  readonly paths: readonly string[]
  readonly hosts: readonly string[]
  /** Addresses and CIDR blocks of clients. */
  readonly clients: readonly string[]
  /** Error codes; `*`: any error. */
  readonly errors: readonly string[]
  readonly minDurationMs: number
  /** Share of the successes that are shown, 0-1. */
  readonly sampleRatio: number
}

export const EVERYTHING: TailFilter = {
  routes: [],
  variants: [],
  statuses: [],
  methods: [],
  paths: [],
  hosts: [],
  clients: [],
  errors: [],
  minDurationMs: 0,
  sampleRatio: 1,
}

/** Most values of one name in a query. */
const MAX_VALUES = 50

/** The filter that a query asks for (values separated by commas), or what is wrong with it. Other names in the query are not looked at. */
export function readTailFilter(query: ReadonlyMap<string, string>): TailFilter | string {
  const lists = new Map<string, readonly string[]>()
  for (const name of ['route', 'variant', 'status', 'method', 'path', 'host', 'client', 'error']) {
    const values = (query.get(name) ?? '').split(',').filter((value) => value !== '')
    if (values.length > MAX_VALUES) return `${name}: at most ${MAX_VALUES} values`
    lists.set(name, values)
  }
  const list = (name: string): readonly string[] => lists.get(name) ?? []
  const statuses: StatusRange[] = []
  for (const text of list('status')) {
    const range = parseStatusRange(text)
    if (range === null) return `status: ${JSON.stringify(text)} is none; write 404, 5xx or 500-503`
    statuses.push(range)
  }
  for (const path of list('path')) if (!path.startsWith('/')) return `path: ${path} does not begin with /`
  for (const client of list('client')) {
    if (checkNetwork(client) !== null) return `client: ${client} is no address or CIDR block`
  }
  const errors = list('error').map((code) => (code === 'any' ? '*' : code.toUpperCase()))
  for (const code of errors) {
    if (code === '*' || Object.hasOwn(ERROR_CODES, code)) continue
    const near = suggest(code, Object.keys(ERROR_CODES))
    return `error: ${code} is no error code${near === null ? '' : `; did you mean ${near}?`} (any: all of them)`
  }
  const minDurationMs = readDecimal(query.get('min_duration_ms'), 0, 86_400_000)
  if (minDurationMs === null) return 'min_duration_ms must be milliseconds, 0 or more'
  const sampleRatio = readDecimal(query.get('sample'), 1, 1)
  if (sampleRatio === null) return 'sample must be a share from 0 to 1'
  return {
    routes: list('route'),
    variants: list('variant'),
    statuses,
    methods: list('method').map((method) => method.toUpperCase()),
    paths: list('path'),
    hosts: list('host').map((host) => host.toLowerCase()),
    clients: list('client'),
    errors,
    minDurationMs,
    sampleRatio,
  }
}

function readDecimal(text: string | undefined, otherwise: number, most: number): number | null {
  if (text === undefined || text === '') return otherwise
  const value = /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN
  return value <= most ? value : null
}

/** The filter as one test. What costs least comes first. */
export function compileTailFilter(filter: TailFilter): (record: AccessRecord) => boolean {
  const tests: ((record: AccessRecord) => boolean)[] = []
  const { statuses, minDurationMs, sampleRatio } = filter
  if (statuses.length > 0) tests.push((record) => isInRanges(record.status, statuses))
  if (minDurationMs > 0) tests.push((record) => record.durationMs >= minDurationMs)
  if (filter.errors.includes('*')) tests.push((record) => record.errorCode !== '')
  else if (filter.errors.length > 0) tests.push(isOneOf(filter.errors, (record) => record.errorCode))
  if (filter.methods.length > 0) tests.push(isOneOf(filter.methods, (record) => record.method))
  if (filter.hosts.length > 0) tests.push(isOneOf(filter.hosts, (record) => record.host))
  if (filter.variants.length > 0) tests.push(isOneOf(filter.variants, (record) => record.variant))
  if (filter.routes.length > 0) {
    const matches = createNameTest(filter.routes)
    tests.push(
      ({ routeId, routeName }) =>
        (routeId !== '' && matches(routeId)) || (routeName !== '' && matches(routeName)),
    )
  }
  if (filter.paths.length > 0) {
    const matches = createNameTest(filter.paths.map(toByteString))
    tests.push((record) => matches(record.path))
  }
  if (filter.clients.length > 0) {
    const matches = compileNetworks(filter.clients)
    tests.push((record) => matches(record.clientAddress))
  }
  if (sampleRatio < 1) tests.push((record) => !isSuccess(record) || isInSample(record.requestId, sampleRatio))
  return (record) => {
    for (const test of tests) if (!test(record)) return false
    return true
  }
}

function isOneOf(
  values: readonly string[],
  read: (record: AccessRecord) => string,
): (record: AccessRecord) => boolean {
  const set = new Set(values)
  return (record) => set.has(read(record))
}
