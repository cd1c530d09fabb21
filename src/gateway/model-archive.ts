import {
  isSmall,
  type ModelObject,
  type ObjectSearch,
  type ObjectSource,
  type SmallKind,
} from '../model/model.ts'
import type { Route } from '../model/route.ts'
import type { Upstream } from '../model/upstream.ts'
import type { PackedObjects } from './messages.ts'
import { findIn, hashOf, indexOf } from './text-index.ts'

/**
 * The model in force as text, in memory that all workers share: a hundred thousand routes as objects would cost every thread a gigabyte and the
 * collector seconds; as text they are there once for all. An object is read from it when somebody needs it.
 */

/** Text gathered in one piece of memory. Small, since a piece is kept as long as a worker has one object of it that it has not compiled. */
const SEGMENT_BYTES = 256 * 1024
/** A segment with less than this share in use is cleared: what is left moves. */
const LEAST_USED = 0.5
/** Different tails of upstreams that are shared. */
const MAX_TAILS = 256

interface Segment {
  readonly bytes: Buffer
  readonly memory: SharedArrayBuffer
  length: number
  /** Bytes of objects in force. */
  used: number
  /** Also those that are gone, until the segment is cleared. */
  readonly objects: StoredObject[]
}

/**
 * The JSON of an object, in two pieces: the head lacks its closing brace, the tail its opening one. The head of a route is what an index of
 * routes needs; the tail of an upstream is what most upstreams have in common.
 */
export interface ObjectText {
  readonly head: string
  readonly tail: string
}

/** Two objects have the same text if they are the same, unless their keys stand in another order. */
export function textOf(object: ModelObject): ObjectText {
  if (object.kind === 'upstream') {
    const { kind, id, name, origin, endpoints, ...rest } = object
    return joinable({ kind, id, name, origin, endpoints }, rest)
  }
  if (object.kind !== 'route') return { head: JSON.stringify(object).slice(0, -1), tail: '}' }
  const { kind, id, section, entries, predicate, ...rest } = object
  return joinable({ section, entries, predicate }, { kind, id, ...rest })
}

function joinable(head: object, tail: object): ObjectText {
  const rest = JSON.stringify(tail)
  return { head: JSON.stringify(head).slice(0, -1), tail: rest === '{}' ? '}' : `,${rest.slice(1)}` }
}

/** An object of the model in force. */
export class StoredObject implements ObjectSource<ModelObject> {
  readonly kind: ModelObject['kind']
  readonly id: string
  /** Name of the document that it comes from. */
  owner: string
  /** null: it is not in force any more. */
  segment: Segment | null = null
  /** In the segment stand the id, the head and the tail. */
  start = 0
  textStart = 0
  headEnd = 0
  end = 0
  /** A tail that is shared, and is not in the segment; '' where there is none. */
  tail = ''

  constructor(kind: ModelObject['kind'], id: string, owner: string) {
    this.kind = kind
    this.id = id
    this.owner = owner
  }

  /** Throws for one that is gone. */
  get text(): string {
    if (this.segment === null) throw new Error(`${this.kind} ${this.id} is gone`)
    return this.segment.bytes.toString('utf8', this.textStart, this.end) + this.tail
  }

  read(): ModelObject {
    return JSON.parse(this.text)
  }
}

/** All objects in force. Of main alone: workers only read what they are told of. */
export class ModelArchive {
  readonly #routes = new Map<string, StoredObject>()
  readonly #upstreams = new Map<string, StoredObject>()
  readonly #small: Readonly<Record<SmallKind, Map<string, StoredObject>>> = {
    consumer: new Map(),
    certificate: new Map(),
    streamRoute: new Map(),
    listener: new Map(),
  }
  #last: Segment = makeSegment(SEGMENT_BYTES)
  /** Tails that are kept once for all upstreams that have them. */
  readonly #tails = new Map<string, string>()

  get size(): number {
    let size = this.#routes.size + this.#upstreams.size
    for (const map of Object.values(this.#small)) size += map.size
    return size
  }

  find(kind: ModelObject['kind'], id: string): StoredObject | undefined {
    return this.#of(kind).get(id)
  }

  /** All objects, in no particular order. */
  *all(): IterableIterator<StoredObject> {
    yield* this.#upstreams.values()
    yield* this.#routes.values()
    for (const map of Object.values(this.#small)) yield* map.values()
  }

  routes(): IterableIterator<StoredObject> {
    return this.#routes.values()
  }

  certificates(): IterableIterator<StoredObject> {
    return this.#small.certificate.values()
  }

  streamRoutes(): IterableIterator<StoredObject> {
    return this.#small.streamRoute.values()
  }

  listeners(): IterableIterator<StoredObject> {
    return this.#small.listener.values()
  }

  /** Those of streams and of requests; the former first, since they are few and whoever reads may stop at some number. */
  *everyRoute(): IterableIterator<StoredObject> {
    yield* this.#small.streamRoute.values()
    yield* this.#routes.values()
  }

  upstreams(): IterableIterator<StoredObject> {
    return this.#upstreams.values()
  }

  /** Puts an object in force, in place of the one with its kind and id. */
  put(kind: ModelObject['kind'], id: string, text: ObjectText, owner: string): StoredObject {
    const map = this.#of(kind)
    const before = map.get(id)
    const object = new StoredObject(kind, id, owner)
    this.#append(object, kind === 'upstream' ? this.#shareTail(object, text) : text)
    map.set(id, object)
    if (before !== undefined) this.#release(before)
    return object
  }

  remove(kind: ModelObject['kind'], id: string): void {
    const object = this.find(kind, id)
    if (object === undefined) return
    this.#of(kind).delete(id)
    this.#release(object)
  }

  /** As if it were new. */
  clear(): void {
    this.#routes.clear()
    this.#upstreams.clear()
    for (const map of Object.values(this.#small)) map.clear()
    this.#tails.clear()
    this.#last = makeSegment(SEGMENT_BYTES)
  }

  /** Makes the tables in pieces; whoever asks sees to it that nothing changes meanwhile. */
  *export(): Generator<undefined, ArchiveTables> {
    const segments = new Map<Segment, number>()
    const tails = new Map<string, number>([['', 0]])
    const owners = new Map<string, number>([['', 0]])
    const objects = new Uint32Array(TABLE_COLUMNS * this.size)
    let at = 0
    for (const object of this.all()) {
      const { segment, id, kind, tail, owner } = object
      if (segment === null) continue
      const name = ownerById(id) === owner ? '' : owner
      objects.set(
        [
          placeIn(segments, segment),
          KINDS.indexOf(kind),
          object.start,
          object.textStart,
          object.headEnd,
          object.end,
          placeIn(tails, tail),
          placeIn(owners, name),
        ],
        at,
      )
      at += TABLE_COLUMNS
      yield
    }
    return {
      objects,
      tails: [...tails.keys()],
      owners: [...owners.keys()],
      segments: [...segments.keys()].map(({ bytes, length }) => bytes.subarray(0, length)),
    }
  }

  /** Into an empty archive. `segments` lie in shared memory and are the archive's from now on. */
  import(
    { objects, tails, owners }: Omit<ArchiveTables, 'segments'>,
    memories: readonly SharedArrayBuffer[],
  ): void {
    const segments = memories.map((memory): Segment => {
      const bytes = Buffer.from(memory)
      return { bytes, memory, length: bytes.length, used: 0, objects: [] }
    })
    for (const tail of tails) if (tail !== '') this.#tails.set(tail, tail)
    for (let at = 0; at < objects.length; at += TABLE_COLUMNS) {
      const segment = segments[objects[at] as number]
      const tail = tails[objects[at + 6] as number]
      const owner = owners[objects[at + 7] as number]
      const kind = KINDS[objects[at + 1] as number]
      if (segment === undefined || kind === undefined || tail === undefined || owner === undefined)
        throw new Error('a table does not fit')
      const start = objects[at + 2] as number
      const textStart = objects[at + 3] as number
      const end = objects[at + 5] as number
      if (end > segment.length) throw new Error('an object lies outside its segment')
      const id = segment.bytes.toString('utf8', start, textStart)
      const object = new StoredObject(kind, id, owner === '' ? ownerById(id) : owner)
      object.segment = segment
      object.start = start
      object.textStart = textStart
      object.headEnd = objects[at + 4] as number
      object.end = end
      object.tail = tail
      segment.used += end - start
      segment.objects.push(object)
      this.#of(kind).set(id, object)
    }
  }

  #of(kind: ModelObject['kind']): Map<string, StoredObject> {
    if (isSmall(kind)) return this.#small[kind]
    return kind === 'route' ? this.#routes : this.#upstreams
  }

  #shareTail(object: StoredObject, text: ObjectText): ObjectText {
    const known = this.#tails.get(text.tail)
    if (known === undefined && this.#tails.size >= MAX_TAILS) return text
    if (known === undefined) this.#tails.set(text.tail, text.tail)
    object.tail = known ?? text.tail
    return { head: text.head, tail: '' }
  }

  #append(object: StoredObject, { head, tail }: ObjectText): void {
    // at most three bytes for a UTF-16 unit
    const most = 3 * (object.id.length + head.length + tail.length)
    let segment = this.#last
    if (segment.bytes.length - segment.length < most) {
      const exact = Buffer.byteLength(object.id) + Buffer.byteLength(head) + Buffer.byteLength(tail)
      if (segment.bytes.length - segment.length < exact) {
        segment = makeSegment(Math.max(exact, SEGMENT_BYTES))
        this.#last = segment
      }
    }
    const { bytes } = segment
    object.segment = segment
    object.start = segment.length
    object.textStart = object.start + bytes.write(object.id, object.start)
    object.headEnd = object.textStart + bytes.write(head, object.textStart)
    object.end = object.headEnd + bytes.write(tail, object.headEnd)
    segment.length = object.end
    segment.used += object.end - object.start
    segment.objects.push(object)
  }

  #release(object: StoredObject): void {
    const { segment } = object
    if (segment === null) return
    object.segment = null
    segment.used -= object.end - object.start
    if (segment !== this.#last && segment.used < LEAST_USED * segment.length) this.#clear(segment)
  }

  #clear(segment: Segment): void {
    const { bytes, objects } = segment
    for (const object of objects) {
      if (object.segment !== segment) continue
      const { textStart, headEnd, end } = object
      const head = bytes.toString('utf8', textStart, headEnd)
      this.#append(object, { head, tail: bytes.toString('utf8', headEnd, end) })
    }
    objects.length = 0
    segment.used = 0
  }
}

function placeIn<T>(places: Map<T, number>, thing: T): number {
  let place = places.get(thing)
  if (place === undefined) {
    place = places.size
    places.set(thing, place)
  }
  return place
}

function makeSegment(bytes: number): Segment {
  const memory = new SharedArrayBuffer(bytes)
  return { bytes: Buffer.from(memory), memory, length: 0, used: 0, objects: [] }
}

/** An archive as it is kept in a file (model-cache.ts): what lies in segments is their bytes, the rest tables. */
export interface ArchiveTables {
  /** For each object: segment, kind (its place in KINDS), start, textStart, headEnd, end, tail, owner. Places in `tails` and `owners`, 0 for none. */
  readonly objects: Uint32Array
  readonly tails: readonly string[]
  /** Names of documents, where an object's id does not begin with it. */
  readonly owners: readonly string[]
  /** Bytes of each segment. */
  readonly segments: readonly Buffer[]
}

const TABLE_COLUMNS = 8
const KINDS: readonly ModelObject['kind'][] = [
  'route',
  'upstream',
  'consumer',
  'certificate',
  'streamRoute',
  'listener',
]

/** The name of the document that an object comes from by its id: `dialect/kind/id`, behind which `#` begins a place in it. */
function ownerById(id: string): string {
  const mark = id.indexOf('#')
  return mark < 0 ? id : id.slice(0, mark)
}

/** Numbers for an object in PackedObjects. */
const BOUNDS = 4

interface PackLists {
  readonly routes: number[]
  readonly upstreams: number[]
  readonly hashes: number[]
  readonly tails: Map<string, number>
}

/** The objects as they are sent to workers: what lies in one segment goes together. */
export function* packObjects(objects: Iterable<StoredObject>): Generator<PackedObjects> {
  const bySegment = new Map<Segment, PackLists>()
  for (const { segment, kind, id, start, textStart, headEnd, end, tail } of objects) {
    if (segment === null) continue
    let lists = bySegment.get(segment)
    if (lists === undefined) {
      lists = { routes: [], upstreams: [], hashes: [], tails: new Map([['', 0]]) }
      bySegment.set(segment, lists)
    }
    if (kind === 'route') lists.routes.push(start, textStart, headEnd, end)
    else {
      let place = lists.tails.get(tail)
      if (place === undefined) {
        place = lists.tails.size
        lists.tails.set(tail, place)
      }
      lists.upstreams.push(start, textStart, end, place)
      lists.hashes.push(hashOf(id))
    }
  }
  for (const [{ memory }, { routes, upstreams, hashes, tails }] of bySegment) {
    yield {
      memory,
      routes: Uint32Array.from(routes),
      upstreams: Uint32Array.from(upstreams),
      upstreamIndex: indexOf(hashes),
      tails: [...tails.keys()],
    }
  }
}

/** The upstreams of one piece of memory by their ids: a worker makes nothing of one that no request has asked for. */
export class PackedSearch implements ObjectSearch<Upstream> {
  readonly #packed: PackedObjects
  readonly #bytes: Buffer

  constructor(packed: PackedObjects) {
    this.#packed = packed
    this.#bytes = Buffer.from(packed.memory)
  }

  find(id: string): ObjectSource<Upstream> | undefined {
    const { upstreams, upstreamIndex, tails } = this.#packed
    const found = findIn(
      upstreamIndex,
      hashOf(id),
      (number) =>
        this.#bytes.toString('utf8', upstreams[number * BOUNDS], upstreams[number * BOUNDS + 1]) === id,
    )
    if (found < 0) return undefined
    const at = found * BOUNDS
    const tail = tails[upstreams[at + 3] as number] as string
    const start = upstreams[at + 1] as number
    return new PackedUpstream(id, this.#bytes, { start, end: upstreams[at + 2] as number, tail })
  }
}

/** A route in shared memory, as a worker has it. */
class PackedRoute implements RouteSource {
  readonly id: string
  readonly #bytes: Buffer
  readonly #start: number
  readonly #headEnd: number
  readonly #end: number

  constructor(id: string, bytes: Buffer, start: number, headEnd: number, end: number) {
    this.id = id
    this.#bytes = bytes
    this.#start = start
    this.#headEnd = headEnd
    this.#end = end
  }

  read(): Route {
    return JSON.parse(this.#bytes.toString('utf8', this.#start, this.#end))
  }

  readHead(): Pick<Route, 'section' | 'entries' | 'predicate'> {
    return JSON.parse(`${this.#bytes.toString('utf8', this.#start, this.#headEnd)}}`)
  }
}

/** A route not read yet, and what an index of routes needs of it. */
export interface RouteSource extends ObjectSource<Route> {
  readHead(): Pick<Route, 'section' | 'entries' | 'predicate'>
}

class PackedUpstream implements ObjectSource<Upstream> {
  readonly id: string
  readonly #bytes: Buffer
  readonly #start: number
  readonly #end: number
  readonly #tail: string

  constructor(
    id: string,
    bytes: Buffer,
    { start, end, tail }: { readonly start: number; readonly end: number; readonly tail: string },
  ) {
    this.id = id
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    this.#tail = tail
  }

  read(): Upstream {
    return JSON.parse(this.#bytes.toString('utf8', this.#start, this.#end) + this.#tail)
  }
}

export function* unpackRoutes({ memory, routes }: PackedObjects): Generator<RouteSource> {
  const bytes = Buffer.from(memory)
  for (let i = 0; i < routes.length; i += BOUNDS) {
    const start = routes[i + 1] as number
    const id = bytes.toString('utf8', routes[i] as number, start)
    yield new PackedRoute(id, bytes, start, routes[i + 2] as number, routes[i + 3] as number)
  }
}

export function* unpackUpstreams(packed: PackedObjects): Generator<ObjectSource<Upstream>> {
  const { upstreams, tails } = packed
  const bytes = Buffer.from(packed.memory)
  for (let i = 0; i < upstreams.length; i += BOUNDS) {
    const start = upstreams[i + 1] as number
    const id = bytes.toString('utf8', upstreams[i] as number, start)
    const tail = tails[upstreams[i + 3] as number] as string
    yield new PackedUpstream(id, bytes, { start, end: upstreams[i + 2] as number, tail })
  }
}
