/**
 * The Huffman code of HPACK (RFC 7541 appendix B), for reading. It is canonical, so the length of each symbol's code says all: codes of one length
 * follow each other in the order of the symbols, shorter ones first.
 */
const LENGTHS: readonly number[] = (
  '13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28 ' +
  '6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10 ' +
  '13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6 ' +
  '15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28 ' +
  '20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24 ' +
  '22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23 ' +
  '26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27 ' +
  '20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26 ' +
  '30'
)
  .split(' ')
  .map(Number)

const END = 256
/** States are the inner nodes of the code's tree; each has sixteen steps, one for each half of a byte. */
const STEPS = 16
/** Next state, or REFUSED. */
const next = new Uint16Array(256 * STEPS)
/** Symbol that the step completes, or -1. A step completes at most one, since no code is shorter than five bits. */
const symbols = new Int16Array(256 * STEPS).fill(-1)
/** Whether a text may end in the state: what was read since the last symbol is fewer than eight bits, all ones. */
const mayEnd = new Uint8Array(256)
const REFUSED = 0xffff

type Node = { zero: Node | number | null; one: Node | number | null; state: number }

function build(): void {
  const makeNode = (): Node => ({ zero: null, one: null, state: 0 })
  const root = makeNode()
  let code = 0
  let last = 5
  const order = LENGTHS.map((length, symbol) => ({ length, symbol })).sort(
    (a, b) => a.length - b.length || a.symbol - b.symbol,
  )
  for (const { length, symbol } of order) {
    code *= 2 ** (length - last)
    last = length
    let node = root
    for (let bit = length - 1; bit >= 0; bit--) {
      const side = Math.floor(code / 2 ** bit) % 2 === 1 ? 'one' : 'zero'
      if (bit === 0) node[side] = symbol
      else {
        let below = node[side]
        if (below === null) {
          below = makeNode()
          node[side] = below
        }
        node = below as Node
      }
    }
    code++
  }
  const nodes: Node[] = []
  const number = (node: Node): void => {
    node.state = nodes.length
    nodes.push(node)
    for (const below of [node.zero, node.one]) if (typeof below === 'object' && below !== null) number(below)
  }
  number(root)
  let ones: Node | number | null = root
  for (let depth = 0; depth < 8 && typeof ones === 'object' && ones !== null; depth++) {
    mayEnd[ones.state] = 1
    ones = ones.one
  }
  for (const node of nodes) {
    for (let half = 0; half < STEPS; half++) {
      const at = node.state * STEPS + half
      let here: Node = node
      let isRefused = false
      for (let bit = 3; bit >= 0; bit--) {
        const below: Node | number | null = (half >> bit) & 1 ? here.one : here.zero
        if (typeof below === 'number') {
          if (below === END) isRefused = true
          else symbols[at] = below
          here = root
        } else if (below !== null) here = below
      }
      next[at] = isRefused ? REFUSED : here.state
    }
  }
}
build()

/** Decodes `bytes[from, to)` into `into`; gives the number of bytes there, or -1 for what is no code or does not fit. */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number, into: Uint8Array): number {
  let state = 0
  let length = 0
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number
    for (let shift = 4; shift >= 0; shift -= 4) {
      const at = state * STEPS + ((byte >> shift) & 15)
      const symbol = symbols[at] as number
      state = next[at] as number
      if (state === REFUSED) return -1
      if (symbol >= 0) {
        if (length === into.length) return -1
        into[length++] = symbol
      }
    }
  }
  return mayEnd[state] === 1 ? length : -1
}
