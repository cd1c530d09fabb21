import type { ModelObject } from '../../model/model.ts'
import type { StoredObject } from '../model-archive.ts'

/** Routes looked at in one piece of a search. */
const SLICE = 1000
/** The id of an upstream in the text of a route, and those of a mirror: nothing else has keys of these names. */
const TARGET = /"upstreamId":("(?:[^"\\]|\\.)*")/g
const MIRROR = /"upstreamIds":(\[(?:"(?:[^"\\]|\\.)*",?)*\])/g

/**
 * Which upstreams routes name, those of streams too, counted only for those that somebody asks about. A new one is looked up in the routes in force, in small pieces; from then on
 * changes keep the count.
 */
export class References {
  readonly #routes: () => Iterable<StoredObject>
  readonly #counts = new Map<string, number>()
  /** Those that are looked up with the next search. */
  #asked = new Set<string>()
  #isSearching = false
  /** Grows with every change of routes: a search that it outran begins anew. */
  #changes = 0
  readonly #onFound: (upstreamIds: readonly string[]) => void

  constructor(routes: () => Iterable<StoredObject>, onFound: (upstreamIds: readonly string[]) => void) {
    this.#routes = routes
    this.#onFound = onFound
  }

  /** Whether a route names it; false while it is looked up. */
  has(upstreamId: string): boolean {
    return (this.#counts.get(upstreamId) ?? 0) > 0
  }

  watch(upstreamId: string): void {
    if (this.#counts.has(upstreamId) || this.#asked.has(upstreamId)) return
    this.#asked.add(upstreamId)
    if (!this.#isSearching) void this.#search()
  }

  unwatch(upstreamId: string): void {
    this.#counts.delete(upstreamId)
    this.#asked.delete(upstreamId)
  }

  /** Routes came and went. Gives the watched upstreams that are now named and were not, or the other way round. */
  change(gone: readonly ModelObject[], come: readonly ModelObject[]): readonly string[] {
    this.#changes++
    const before = new Map<string, boolean>()
    for (const [objects, by] of [
      [gone, -1],
      [come, 1],
    ] as const) {
      for (const id of objects.flatMap(namesIn)) {
        const count = this.#counts.get(id)
        if (count === undefined) continue
        if (!before.has(id)) before.set(id, count > 0)
        this.#counts.set(id, count + by)
      }
    }
    return [...before].flatMap(([id, was]) => (was === this.has(id) ? [] : [id]))
  }

  async #search(): Promise<void> {
    this.#isSearching = true
    while (this.#asked.size > 0) {
      const asked = this.#asked
      this.#asked = new Set()
      const counts = await this.#count(asked)
      for (const [id, count] of counts) this.#counts.set(id, count)
      this.#onFound([...counts.keys()])
    }
    this.#isSearching = false
  }

  async #count(asked: ReadonlySet<string>): Promise<Map<string, number>> {
    for (;;) {
      const counts = new Map([...asked].map((id) => [id, 0]))
      const began = this.#changes
      let looked = 0
      for (const route of this.#routes()) {
        if (route.segment !== null) {
          for (const id of namesInText(route.text))
            if (counts.has(id)) counts.set(id, (counts.get(id) ?? 0) + 1)
        }
        if (++looked % SLICE === 0) {
          await new Promise((resolve) => setImmediate(resolve))
          if (this.#changes !== began) break
        }
      }
      if (this.#changes === began) return counts
    }
  }
}

/** Each once. */
function namesIn(object: ModelObject): readonly string[] {
  if (object.kind !== 'route' && object.kind !== 'streamRoute') return []
  const names = new Set<string>()
  const filters = object.kind === 'route' ? [...object.requestFilters] : []
  for (const rule of object.rules) {
    for (const target of rule.split.targets) {
      if (target.kind === 'upstream') names.add(target.upstreamId)
      filters.push(...target.requestFilters)
    }
  }
  for (const filter of filters)
    if (filter.kind === 'mirror') for (const id of filter.upstreamIds) names.add(id)
  return [...names]
}

function namesInText(text: string): Set<string> {
  const names = new Set<string>()
  for (const [, quoted] of text.matchAll(TARGET)) names.add(JSON.parse(quoted as string))
  if (!text.includes('"upstreamIds"')) return names
  for (const [, list] of text.matchAll(MIRROR))
    for (const id of JSON.parse(list as string) as string[]) names.add(id)
  return names
}
