import type { RequestView } from '../expression/request-view.ts'
import { compileVariable, type Variable } from '../expression/variables.ts'
import { compareEntries, type IndexEntry } from './entry.ts'

/** A list longer than this is sub-indexed by the variable that most of its routes pin to texts. */
const SUB_INDEX_ABOVE = 16

/** Entries looked at to find that variable. */
const SAMPLE = 1024

/** Entries sorted or merged between two steps: some 0.3 ms. */
const RUN = 512

/** Of lists that are new. Nothing is ever put into it. */
const NONE: never[] = []

/** Entries of one node of the index, in order. */
export class EntryList<Entry extends IndexEntry> {
  /** Replaced by the first insert: an array that begins empty takes room for seventeen, and most lists have one entry. */
  entries: Entry[] = NONE
  #subIndex: SubIndex<Entry> | null = null
  /** Length at which the choice of variable was made last: it is made anew when the list has doubled or halved. */
  #chosenAt = SUB_INDEX_ABOVE / 2

  insert(entry: Entry): void {
    if (this.entries === NONE) this.entries = [entry]
    else insertSorted(this.entries, entry)
    this.#subIndex?.insert(entry)
    if (this.#isOutgrown) this.#settle()
  }

  /** One of many: it stands at the end, and the list must not be searched or changed otherwise until `settleInSteps` has put it in order. */
  append(entry: Entry): void {
    if (this.entries === NONE) this.entries = [entry]
    else this.entries.push(entry)
  }

  /** Whether it was there. */
  remove(entry: Entry): boolean {
    if (!removeSorted(this.entries, entry)) return false
    this.#subIndex?.remove(entry)
    if (this.#subIndex !== null && this.entries.length < this.#chosenAt / 2) this.#settle()
    return true
  }

  /** Puts what was appended in its place and builds the sub-index anew, giving way after small steps. */
  *settleInSteps(): Generator<void, void> {
    if (this.entries.length < 2) return
    this.entries = yield* sortInSteps(this.entries)
    yield* this.#rebuild()
  }

  get #isOutgrown(): boolean {
    return this.entries.length > 2 * this.#chosenAt
  }

  #settle(): void {
    for (const _ of this.#rebuild()) {
      // All in one go.
    }
  }

  *#rebuild(): Generator<void, void> {
    this.#subIndex = null
    this.#chosenAt = Math.max(this.entries.length, SUB_INDEX_ABOVE / 2)
    if (this.entries.length <= SUB_INDEX_ABOVE) return
    const variable = commonestVariable(this.entries)
    if (variable === null) return
    const subIndex = new SubIndex<Entry>(variable)
    for (const entry of this.entries) {
      subIndex.insert(entry)
      yield
    }
    this.#subIndex = subIndex
  }

  /** Adds the sorted lists in which a request's entries stand. With a trace the whole list, so that explain sees what the sub-index skips. */
  collect(view: RequestView, isTraced: boolean, into: ListSink<Entry>): void {
    if (this.#subIndex === null || isTraced) into.add(this.entries)
    else this.#subIndex.collect(view, into)
  }
}

export interface ListSink<Entry> {
  add(list: readonly Entry[]): void
}

class SubIndex<Entry extends IndexEntry> {
  readonly #name: string
  readonly #variable: Variable
  readonly #byText = new Map<string, Entry[]>()
  /** Entries that do not pin the variable. */
  readonly #others: Entry[] = []

  constructor(variable: string) {
    this.#name = variable
    this.#variable = compileVariable(variable)
  }

  insert(entry: Entry): void {
    const texts = this.#textsOf(entry)
    if (texts === null) {
      insertSorted(this.#others, entry)
      return
    }
    for (const text of texts) {
      const list = this.#byText.get(text)
      if (list === undefined) this.#byText.set(text, [entry])
      else insertSorted(list, entry)
    }
  }

  remove(entry: Entry): void {
    const texts = this.#textsOf(entry)
    if (texts === null) {
      removeSorted(this.#others, entry)
      return
    }
    for (const text of texts) {
      const list = this.#byText.get(text)
      if (list === undefined) continue
      removeSorted(list, entry)
      if (list.length === 0) this.#byText.delete(text)
    }
  }

  collect(view: RequestView, into: ListSink<Entry>): void {
    if (this.#others.length > 0) into.add(this.#others)
    const value = this.#variable.read(view)
    if (typeof value !== 'string') return
    const list = this.#byText.get(value)
    if (list !== undefined) into.add(list)
  }

  /** null: the entry does not pin the variable. */
  #textsOf(entry: Entry): readonly string[] | null {
    for (const key of entry.route.equalityKeys) {
      if (key.variable === this.#name) return key.values.length > 1 ? [...new Set(key.values)] : key.values
    }
    return null
  }
}

/** null if no variable is pinned by a quarter of the entries, which would not pay for reading it. */
function commonestVariable(entries: readonly IndexEntry[]): string | null {
  const counts = new Map<string, number>()
  const step = Math.max(1, Math.floor(entries.length / SAMPLE))
  let sampled = 0
  for (let i = 0; i < entries.length; i += step) {
    sampled++
    for (const { variable } of (entries[i] as IndexEntry).route.equalityKeys) {
      counts.set(variable, (counts.get(variable) ?? 0) + 1)
    }
  }
  let best: string | null = null
  let most = sampled / 4
  for (const [variable, count] of counts) {
    if (count <= most) continue
    best = variable
    most = count
  }
  return best
}

/** Merge sort that gives way after each run. */
function* sortInSteps<Entry extends IndexEntry>(entries: Entry[]): Generator<void, Entry[]> {
  if (entries.length <= RUN) return entries.sort(compareEntries)
  let runs: Entry[][] = []
  for (let start = 0; start < entries.length; start += RUN) {
    runs.push(entries.slice(start, start + RUN).sort(compareEntries))
    yield
  }
  while (runs.length > 1) {
    const merged: Entry[][] = []
    for (let i = 0; i < runs.length; i += 2) {
      const [one, two] = [runs[i] as Entry[], runs[i + 1]]
      merged.push(two === undefined ? one : yield* mergeInSteps(one, two))
    }
    runs = merged
  }
  return runs[0] ?? []
}

function* mergeInSteps<Entry extends IndexEntry>(
  one: readonly Entry[],
  two: readonly Entry[],
): Generator<void, Entry[]> {
  const merged: Entry[] = []
  let i = 0
  let j = 0
  while (i < one.length || j < two.length) {
    const a = one[i]
    const b = two[j]
    if (b === undefined || (a !== undefined && compareEntries(a, b) <= 0)) {
      merged.push(a as Entry)
      i++
    } else {
      merged.push(b)
      j++
    }
    if (merged.length % RUN === 0) yield
  }
  return merged
}

function insertSorted<Entry extends IndexEntry>(list: Entry[], entry: Entry): void {
  const last = list[list.length - 1]
  if (last === undefined || compareEntries(last, entry) < 0) list.push(entry)
  else list.splice(findPlace(list, entry), 0, entry)
}

function removeSorted<Entry extends IndexEntry>(list: Entry[], entry: Entry): boolean {
  const place = findPlace(list, entry)
  if (list[place] !== entry) return false
  list.splice(place, 1)
  return true
}

/** Where the first entry stands that is not before this one. */
function findPlace(list: readonly IndexEntry[], entry: IndexEntry): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareEntries(list[middle] as IndexEntry, entry) < 0) low = middle + 1
    else high = middle
  }
  return low
}
