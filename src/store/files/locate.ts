import type { Document, Node, Pair } from 'yaml'
import { readQuotedKey } from './quoted-key.ts'
import { yaml } from './yaml.ts'

/**
 * Offset in the text of what `path` (as in Origin: `routes[0].plugins.traffic-split`) names in a parsed document. Keys may hold dots and
 * brackets themselves: at every map the longest key that fits is taken; one in quotes (`match["a.b"]`) is itself alone. Where the path leads on to nothing, the deepest part that is
 * there is named. A map or list is shown at its key, a plain value at itself.
 */
export function offsetOf(document: Document, path: string): number {
  const { isAlias, isMap, isScalar, isSeq } = yaml()
  let node: unknown = document.contents
  let offset = startOf(node, 0)
  let rest = path
  while (rest !== '') {
    if (isAlias(node)) node = node.resolve(document)
    if (isSeq(node)) {
      const index = /^\[(\d+)\]\.?/.exec(rest)
      if (index === null) break
      const item = node.items[Number(index[1])]
      if (item === undefined) break
      node = item
      offset = startOf(node, offset)
      rest = rest.slice(index[0].length)
      continue
    }
    if (!isMap(node)) break
    const found = longestKey(node.items, rest)
    if (found === null) break
    const { pair, length } = found
    node = pair.value
    rest = rest.slice(length)
    const isPlain = isScalar(node) && node.range != null && node.range[1] > node.range[0]
    offset = isPlain ? startOf(node, offset) : startOf(pair.key, offset)
  }
  return offset
}

function longestKey(pairs: readonly Pair[], rest: string): { pair: Pair; length: number } | null {
  let best: { pair: Pair; length: number } | null = null
  const quoted = readQuotedKey(rest)
  for (const pair of pairs) {
    const key = yaml().isScalar(pair.key) ? String(pair.key.value) : null
    if (key !== null && key === quoted?.key) return { pair, length: quoted.length }
    if (key === null || !rest.startsWith(key)) continue
    const next = rest[key.length]
    if (next !== undefined && next !== '.' && next !== '[') continue
    const length = next === '.' ? key.length + 1 : key.length
    if (best === null || length > best.length) best = { pair, length }
  }
  return best
}

function startOf(node: unknown, otherwise: number): number {
  const range = typeof node === 'object' && node !== null ? (node as Node).range : null
  return range == null ? otherwise : range[0]
}
