import { flatten } from '../http1/flat.ts'
import { STATIC_TABLE } from './static-table.ts'

/** A field as an encoder wants it. Never changed. */
export interface FieldLine {
  /** Lower case. */
  readonly name: string
  readonly value: string
  /** `name: value`. */
  readonly text: string
  /** Place of the whole field in the static table, and of its name; 0: there is none. */
  readonly staticAt: number
  readonly staticNameAt: number
  /** `keep`: the other side may put it into its table. `pass`: it would only drive out others. `never`: nobody on the way may keep it (RFC 7541 section 7.1.3). */
  readonly indexing: 'keep' | 'pass' | 'never'
  /** One of OF_CONNECTION: it is left out. */
  readonly isOfConnection: boolean
}

/** Fields that mean something to a connection of HTTP/1.1, and are malformed in HTTP/2 (RFC 9113 section 8.2.2). */
export const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])
/** Values that hardly come again. */
const PASSING: ReadonlySet<string> = new Set([
  ':path',
  'content-length',
  'content-range',
  'etag',
  'expires',
  'if-modified-since',
  'if-none-match',
  'last-modified',
  'location',
  'referer',
  'set-cookie',
  'traceparent',
  'x-request-id',
  'grpc-timeout',
])
const SECRET: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization'])

const staticNames = new Map<string, number>()
const staticFields = new Map<string, number>()
for (const [i, [name, value]] of STATIC_TABLE.entries()) {
  if (!staticNames.has(name)) staticNames.set(name, i + 1)
  if (value !== '') staticFields.set(`${name}: ${value}`, i + 1)
}

export function makeFieldLine(name: string, value: string, text = `${name}: ${value}`): FieldLine {
  return {
    name,
    value,
    text,
    staticAt: staticFields.get(text) ?? 0,
    staticNameAt: staticNames.get(name) ?? 0,
    indexing: SECRET.has(name) ? 'never' : PASSING.has(name) ? 'pass' : 'keep',
    isOfConnection: OF_CONNECTION.has(name),
  }
}

/** Lines that come with nearly every message are read once, by their text as it stands in heads. What comes once fills it up, and it begins anew. */
const known = new Map<string, FieldLine>()
const MAX_KNOWN = 2048
const MAX_KNOWN_CHARS = 256

/** Reads `Name: value`, without its CRLF. The name may be of any case. */
export function readFieldLine(line: string): FieldLine {
  const found = known.get(line)
  if (found !== undefined) return found
  const colon = line.indexOf(':')
  const read = makeFieldLine(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  if (read.indexing !== 'keep' || line.length > MAX_KNOWN_CHARS) return read
  if (known.size >= MAX_KNOWN) known.clear()
  // a slice would hold the whole head
  known.set(flatten(line), flattened(read))
  return read
}

/** A pseudo-field; values that come again and again are read once. */
export function pseudoField(
  name: ':status' | ':method' | ':scheme' | ':authority',
  value: string,
): FieldLine {
  const ofName = pseudos[name]
  const found = ofName.get(value)
  if (found !== undefined) return found
  const made = makeFieldLine(name, value)
  if (value.length > MAX_KNOWN_CHARS) return made
  if (ofName.size >= MAX_KNOWN) ofName.clear()
  const kept = flattened(made)
  ofName.set(kept.value, kept)
  return kept
}

function flattened({ name, value, text }: FieldLine): FieldLine {
  return makeFieldLine(flatten(name), flatten(value), flatten(text))
}

const pseudos = {
  ':status': new Map<string, FieldLine>(),
  ':method': new Map<string, FieldLine>(),
  ':scheme': new Map<string, FieldLine>(),
  ':authority': new Map<string, FieldLine>(),
}
