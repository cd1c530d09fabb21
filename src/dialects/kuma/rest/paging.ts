import type { JsonValue } from '../../../model/json.ts'
import type { Call } from './call.ts'
import { badParameter } from './call-error.ts'

/** Entries of a page where no size is asked for, and at most. */
const DEFAULT_SIZE = 100
const MAX_SIZE = 1000

interface Page<T> {
  readonly total: number
  readonly items: readonly T[]
  /** null: this is the last one. Absolute, with the other parameters of the query. */
  readonly next: string | null
}

/** The page that the query asks for. Offsets are places in the list, though clients need not know. Throws 400. */
export function pageOf<T>(all: readonly T[], call: Call, title: string): Page<T> {
  const offset = readCount(call, 'offset')
  if (Number.isNaN(offset))
    throw badParameter(title, 'Invalid offset', 'offset', 'must be one that `next` of another page has')
  const size = readCount(call, 'size') ?? DEFAULT_SIZE
  if (!(size >= 1 && size <= MAX_SIZE))
    throw badParameter(title, 'Invalid page size', 'size', `must be from 1 to ${MAX_SIZE}`)
  const start = offset ?? 0
  const end = start + size
  return {
    total: all.length,
    items: all.slice(start, end),
    next: end < all.length ? nextLink(call, end, size) : null,
  }
}

/** undefined: it is not in the query; NaN: it is no count. */
function readCount(call: Call, name: string): number | undefined {
  const text = call.query.get(name)
  if (text === null || text === '') return undefined
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
}

function nextLink(call: Call, offset: number, size: number): string {
  const { request } = call.options
  const query = new URLSearchParams(call.query)
  query.set('offset', String(offset))
  query.set('size', String(size))
  // the address as the client knows it; the gate has seen to it that it names this server
  const host = request.headers.host ?? 'localhost'
  return `http://${host}${encodeURI(request.path)}?${query}`
}

/** A page as it is answered. */
export function pageAnswer(page: Page<JsonValue>): {
  total: number
  items: JsonValue[]
  next: string | null
} {
  return { total: page.total, items: [...page.items], next: page.next }
}
