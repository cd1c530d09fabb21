import type { RequestView } from '../expression/request-view.ts'
import type { HostPattern } from '../model/route.ts'
import type { IndexEntry } from './entry.ts'
import type { EntryList, ListSink } from './entry-list.ts'
import { PathTree } from './path-tree.ts'

/**
 * The index of one section: a path tree per host pattern. A request asks the tree of its very host, those of the suffixes and prefixes that fit,
 * and the one for any host.
 */
export class HostIndex<Entry extends IndexEntry> {
  readonly #exact = new Map<string, PathTree<Entry>>()
  readonly #suffixes = new AffixMap<Entry>('suffix')
  readonly #prefixes = new AffixMap<Entry>('prefix')
  readonly #any = new PathTree<Entry>()

  get isEmpty(): boolean {
    return (
      this.#any.isEmpty && this.#exact.size === 0 && this.#suffixes.size === 0 && this.#prefixes.size === 0
    )
  }

  insert(entry: Entry): void {
    this.#makeTree(entry.host).insert(entry)
  }

  /** One of many: gives the list it went into, which still has to be settled. */
  append(entry: Entry): EntryList<Entry> {
    return this.#makeTree(entry.host).append(entry)
  }

  remove(entry: Entry): void {
    const { host } = entry
    if (host.kind === 'any') {
      this.#any.remove(entry)
      return
    }
    const bucket = this.#bucketOf(host.kind)
    const tree = bucket.get(host.text)
    if (tree === undefined) return
    tree.remove(entry)
    if (tree.isEmpty) bucket.delete(host.text)
  }

  collect(view: RequestView, isTraced: boolean, into: ListSink<Entry>): void {
    const { host } = view
    if (this.#exact.size > 0) {
      const tree = this.#exact.get(host)
      if (tree !== undefined) tree.collect(view, isTraced, into)
    }
    if (this.#suffixes.size > 0) this.#suffixes.collect(host, view, isTraced, into)
    if (this.#prefixes.size > 0) this.#prefixes.collect(host, view, isTraced, into)
    this.#any.collect(view, isTraced, into)
  }

  #makeTree(host: HostPattern): PathTree<Entry> {
    if (host.kind === 'any') return this.#any
    const bucket = this.#bucketOf(host.kind)
    let tree = bucket.get(host.text)
    if (tree === undefined) {
      tree = new PathTree()
      bucket.set(host.text, tree)
    }
    return tree
  }

  #bucketOf(kind: 'exact' | 'suffix' | 'prefix'): Bucket<Entry> {
    if (kind === 'exact') return this.#exact
    return kind === 'suffix' ? this.#suffixes : this.#prefixes
  }
}

interface Bucket<Entry extends IndexEntry> {
  get(text: string): PathTree<Entry> | undefined
  set(text: string, tree: PathTree<Entry>): unknown
  delete(text: string): unknown
}

const DOT = 0x2e

/**
 * Trees by the beginning or the end of the host. Most such texts have a dot on their inner side (`.foo.com`, `x.`), so they are asked for at
 * the host's dots; the others at each length that one of them has.
 */
class AffixMap<Entry extends IndexEntry> {
  readonly #isSuffix: boolean
  readonly #trees = new Map<string, PathTree<Entry>>()
  /** How many texts without that dot have a length. */
  readonly #otherLengths = new Map<number, number>()
  #dotted = 0

  constructor(side: 'suffix' | 'prefix') {
    this.#isSuffix = side === 'suffix'
  }

  get size(): number {
    return this.#trees.size
  }

  get(text: string): PathTree<Entry> | undefined {
    return this.#trees.get(text)
  }

  set(text: string, tree: PathTree<Entry>): void {
    this.#trees.set(text, tree)
    if (this.#hasDot(text)) this.#dotted++
    else this.#otherLengths.set(text.length, (this.#otherLengths.get(text.length) ?? 0) + 1)
  }

  delete(text: string): void {
    if (!this.#trees.delete(text)) return
    if (this.#hasDot(text)) {
      this.#dotted--
      return
    }
    const left = (this.#otherLengths.get(text.length) ?? 1) - 1
    if (left === 0) this.#otherLengths.delete(text.length)
    else this.#otherLengths.set(text.length, left)
  }

  collect(host: string, view: RequestView, isTraced: boolean, into: ListSink<Entry>): void {
    if (this.#dotted > 0) {
      for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
        const tree = this.#trees.get(this.#isSuffix ? host.slice(dot) : host.slice(0, dot + 1))
        if (tree !== undefined) tree.collect(view, isTraced, into)
      }
    }
    if (this.#otherLengths.size === 0) return
    for (const length of this.#otherLengths.keys()) {
      if (length > host.length) continue
      const text = this.#isSuffix ? host.slice(host.length - length) : host.slice(0, length)
      // A text with the dot was asked for above.
      if (this.#hasDot(text)) continue
      const tree = this.#trees.get(text)
      if (tree !== undefined) tree.collect(view, isTraced, into)
    }
  }

  #hasDot(text: string): boolean {
    return text.charCodeAt(this.#isSuffix ? 0 : text.length - 1) === DOT
  }
}
