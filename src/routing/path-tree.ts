import type { RequestView } from '../expression/request-view.ts'
import type { PathPattern, PatternPiece } from '../model/route.ts'
import type { IndexEntry } from './entry.ts'
import { EntryList, type ListSink } from './entry-list.ts'

/**
 * A trie over the segments of paths. A node stands for a path up to, and without, a slash. It proposes entries; their own test decides, so an
 * entry may hang anywhere above what it matches.
 */
export class PathTree<Entry extends IndexEntry> {
  readonly #root: PathNode<Entry> = new PathNode()
  /** Entries whose text does not begin with a slash: the prefix `''`, patterns that begin with a wildcard, paths that no request has. */
  #loose: EntryList<Entry> | null = null

  get isEmpty(): boolean {
    return this.#loose === null && this.#root.isEmpty
  }

  insert(entry: Entry): void {
    this.#listFor(entry).insert(entry)
  }

  /** One of many: gives the list it went into, which still has to be settled. */
  append(entry: Entry): EntryList<Entry> {
    const list = this.#listFor(entry)
    list.append(entry)
    return list
  }

  #listFor(entry: Entry): EntryList<Entry> {
    const place = placeOf(entry.path)
    if (place === null) {
      this.#loose ??= new EntryList()
      return this.#loose
    }
    let node = this.#root
    for (const step of place.steps) node = node.makeChild(step)
    return node.makeList(place.kind, place.text)
  }

  /** Takes the entry out, and with it whatever held nothing else. */
  remove(entry: Entry): void {
    const place = placeOf(entry.path)
    if (place === null) {
      this.#loose?.remove(entry)
      if (this.#loose?.entries.length === 0) this.#loose = null
      return
    }
    const way: PathNode<Entry>[] = [this.#root]
    for (const step of place.steps) {
      const child = way[way.length - 1]?.childAt(step)
      if (child === undefined || child === null) return
      way.push(child)
    }
    way[way.length - 1]?.removeFromList(place.kind, place.text, entry)
    for (let depth = way.length - 1; depth > 0 && way[depth]?.isEmpty === true; depth--) {
      way[depth - 1]?.dropChild(place.steps[depth - 1] as Step)
    }
  }

  collect(view: RequestView, isTraced: boolean, into: ListSink<Entry>): void {
    if (this.#loose !== null) this.#loose.collect(view, isTraced, into)
    const { path } = view
    if (path.charCodeAt(0) === SLASH) descend(this.#root, path, 0, view, isTraced, into)
  }
}

/** `start` is the place of the slash behind what the node stands for, or the end of the path. */
function descend<Entry extends IndexEntry>(
  from: PathNode<Entry>,
  path: string,
  start: number,
  view: RequestView,
  isTraced: boolean,
  into: ListSink<Entry>,
): void {
  let node = from
  let at = start
  for (;;) {
    if (at >= path.length) {
      if (node.ends !== null) node.ends.collect(view, isTraced, into)
      return
    }
    if (node.below !== null) node.below.collect(view, isTraced, into)
    const slash = path.indexOf('/', at + 1)
    const end = slash === -1 ? path.length : slash
    if (node.partials !== null) node.partials.collect(path, at + 1, end, view, isTraced, into)
    const literal = node.findLiteral(path, at + 1, end)
    const { segment } = node
    if (segment !== null && end > at + 1) {
      if (literal === null) {
        node = segment
        at = end
        continue
      }
      descend(segment, path, end, view, isTraced, into)
    }
    if (literal === null) return
    node = literal
    at = end
  }
}

const SLASH = 0x2f

/** A whole segment: its text, or null for any. */
type Step = string | null

/** Where an entry hangs: at a node's end, below its slash, or at the beginning `text` of the segment behind it. */
interface Place {
  readonly steps: readonly Step[]
  readonly kind: 'end' | 'below' | 'partial'
  readonly text: string
}

class PathNode<Entry extends IndexEntry> {
  /** The first literal child stands here, further ones in the map: most nodes have one at most, and a map costs much more. */
  #text = ''
  #child: PathNode<Entry> | null = null
  #children: Map<string, PathNode<Entry>> | null = null
  /** Any one segment that is not empty. */
  segment: PathNode<Entry> | null = null
  ends: EntryList<Entry> | null = null
  below: EntryList<Entry> | null = null
  partials: PartialSegments<Entry> | null = null

  get isEmpty(): boolean {
    return (
      this.#child === null &&
      this.#children === null &&
      this.segment === null &&
      this.ends === null &&
      this.below === null &&
      this.partials === null
    )
  }

  findLiteral(path: string, start: number, end: number): PathNode<Entry> | null {
    if (this.#child !== null && this.#text.length === end - start && path.startsWith(this.#text, start)) {
      return this.#child
    }
    return this.#children === null ? null : (this.#children.get(path.slice(start, end)) ?? null)
  }

  childAt(step: Step): PathNode<Entry> | null {
    return step === null ? this.segment : this.findLiteral(step, 0, step.length)
  }

  makeChild(step: Step): PathNode<Entry> {
    const known = this.childAt(step)
    if (known !== null) return known
    const child = new PathNode<Entry>()
    if (step === null) {
      this.segment = child
    } else if (this.#child === null) {
      this.#text = step
      this.#child = child
    } else {
      this.#children ??= new Map()
      this.#children.set(step, child)
    }
    return child
  }

  dropChild(step: Step): void {
    if (step === null) {
      this.segment = null
    } else if (this.#child !== null && this.#text === step) {
      this.#text = ''
      this.#child = null
    } else {
      this.#children?.delete(step)
      if (this.#children?.size === 0) this.#children = null
    }
  }

  makeList(kind: Place['kind'], text: string): EntryList<Entry> {
    switch (kind) {
      case 'end':
        this.ends ??= new EntryList()
        return this.ends
      case 'below':
        this.below ??= new EntryList()
        return this.below
      case 'partial':
        this.partials ??= new PartialSegments()
        return this.partials.makeList(text)
    }
  }

  removeFromList(kind: Place['kind'], text: string, entry: Entry): void {
    switch (kind) {
      case 'end':
        this.ends?.remove(entry)
        if (this.ends?.entries.length === 0) this.ends = null
        return
      case 'below':
        this.below?.remove(entry)
        if (this.below?.entries.length === 0) this.below = null
        return
      case 'partial':
        this.partials?.remove(text, entry)
        if (this.partials?.isEmpty === true) this.partials = null
    }
  }
}

/** Prefixes that end inside a segment (`/a*` takes `/ab` too), by text, looked up once for each length there is. */
class PartialSegments<Entry extends IndexEntry> {
  readonly #lists = new Map<string, EntryList<Entry>>()
  /** Ascending lengths, and how many lists have each. */
  readonly #lengths: number[] = []
  readonly #counts: number[] = []

  get isEmpty(): boolean {
    return this.#lists.size === 0
  }

  makeList(text: string): EntryList<Entry> {
    let list = this.#lists.get(text)
    if (list !== undefined) return list
    list = new EntryList()
    this.#lists.set(text, list)
    const place = this.#lengths.findIndex((length) => length >= text.length)
    if (place === -1) {
      this.#lengths.push(text.length)
      this.#counts.push(1)
    } else if (this.#lengths[place] === text.length) {
      this.#counts[place] = (this.#counts[place] ?? 0) + 1
    } else {
      this.#lengths.splice(place, 0, text.length)
      this.#counts.splice(place, 0, 1)
    }
    return list
  }

  remove(text: string, entry: Entry): void {
    const list = this.#lists.get(text)
    if (list === undefined) return
    list.remove(entry)
    if (list.entries.length > 0) return
    this.#lists.delete(text)
    const place = this.#lengths.indexOf(text.length)
    const count = (this.#counts[place] ?? 1) - 1
    if (count > 0) {
      this.#counts[place] = count
      return
    }
    this.#lengths.splice(place, 1)
    this.#counts.splice(place, 1)
  }

  collect(
    path: string,
    start: number,
    end: number,
    view: RequestView,
    isTraced: boolean,
    into: ListSink<Entry>,
  ): void {
    for (let i = 0; i < this.#lengths.length; i++) {
      const length = this.#lengths[i] as number
      if (start + length > end) return
      const list = this.#lists.get(path.slice(start, start + length))
      if (list !== undefined) list.collect(view, isTraced, into)
    }
  }
}

/** null: the text does not begin with a slash. */
function placeOf(path: PathPattern): Place | null {
  if (path.kind !== 'pattern') return placeOfText(path.text, path.kind === 'exact')
  return placeOfPattern(path.pieces)
}

function placeOfText(text: string, isExact: boolean): Place | null {
  if (text.charCodeAt(0) !== SLASH) return null
  const steps = text.split('/').slice(1)
  if (isExact) return { steps, kind: 'end', text: '' }
  const last = steps.pop() as string
  return last === '' ? { steps, kind: 'below', text: '' } : { steps, kind: 'partial', text: last }
}

/** Follows the pattern as long as its pieces are whole segments; what comes then hangs at the text before the first piece that is none. */
function placeOfPattern(pieces: readonly PatternPiece[]): Place | null {
  if (typeof pieces[0] !== 'string' || pieces[0].charCodeAt(0) !== SLASH) return null
  const steps: Step[] = []
  /** Text of the segment at hand; null: none was begun, a slash comes next. */
  let open: string | null = null
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i] as PatternPiece
    if (typeof piece === 'string') {
      const segments = piece.split('/')
      if (open === null) segments.shift()
      else segments[0] = open + (segments[0] ?? '')
      open = segments.pop() ?? ''
      steps.push(...segments)
      continue
    }
    const next = pieces[i + 1]
    const isWhole: boolean =
      piece.kind === 'segment' &&
      open === '' &&
      (next === undefined || (typeof next === 'string' && next.charCodeAt(0) === SLASH))
    if (!isWhole) {
      if (open === null || open === '') return { steps, kind: 'below', text: '' }
      return { steps, kind: 'partial', text: open }
    }
    steps.push(null)
    open = null
  }
  if (open !== null) steps.push(open)
  return { steps, kind: 'end', text: '' }
}
