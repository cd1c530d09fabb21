/**
 * Weighted rotation as a pure function of a position: a tree of two-way cuts. At each node, of the `total` positions that reach it, those go
 * left at which `floor((2·p·left + total) / 2·total)` steps up, so both sides are spread as evenly as whole numbers allow, and the count of
 * earlier steps is the position inside the chosen side. No table, exact over any `total` consecutive positions; 3:2 gives A B A B A.
 *
 * It lives in the model because routing (targets of a split) and balancing (endpoints of an upstream) both rotate and may not import each other.
 */
export interface Rotation {
  /** Length of the cycle: the sum of the weights divided by their greatest common divisor, 1 to MAX_CYCLE. 0: no weight is positive. */
  readonly cycle: number
  /** What shared positions wrap at: the largest multiple of the cycle below 2^30. */
  readonly limit: number
  /** The only index with a positive weight (then no position is needed), else -1. */
  readonly only: number
  /** Per node: positions that reach it, positions that go left, and both sides (a node, or `~index` of a weight). Node 0 is the root. */
  readonly total: Float64Array
  readonly left: Float64Array
  readonly sides: Int32Array
}

/** Above this cycle weights are scaled down. 2^25 keeps every product in a cut below 2^53. */
export const MAX_CYCLE = 2 ** 25

/** Shared positions stay below this, so that they fit a small integer. */
const POSITION_BOUND = 2 ** 30

/** Up to so many weights the tree with the smallest error is searched for; beyond, the lightest two are joined. */
const MAX_SEARCHED = 16

/**
 * Weights as they take part in the rotation: divided by their greatest common divisor and, should their sum still exceed MAX_CYCLE, scaled
 * to fit (`scaled`: shares are then approximate, and the dialect warns). A positive weight never becomes 0.
 */
export function scaleWeights(weights: readonly number[]): {
  readonly weights: number[]
  readonly scaled: boolean
} {
  let divisor = 0
  let sum = 0
  for (const weight of weights) {
    divisor = greatestCommonDivisor(divisor, weight)
    sum += weight
  }
  if (divisor === 0) return { weights: weights.map(() => 0), scaled: false }
  if (sum / divisor <= MAX_CYCLE) return { weights: weights.map((weight) => weight / divisor), scaled: false }
  const factor = (MAX_CYCLE - weights.length) / sum
  return {
    weights: weights.map((weight) => (weight === 0 ? 0 : Math.max(1, Math.floor(weight * factor)))),
    scaled: true,
  }
}

/** Weights are integers >= 0; those that are 0 never get a position. */
export function compileRotation(weights: readonly number[]): Rotation {
  const scaled = scaleWeights(weights).weights
  const leaves: Branch[] = []
  let cycle = 0
  for (let index = 0; index < scaled.length; index++) {
    const weight = scaled[index] ?? 0
    if (weight <= 0) continue
    cycle += weight
    leaves.push({ weight, index, left: null, right: null, errors: [{ weight, sum: 0 }] })
  }
  const nodes = Math.max(0, leaves.length - 1)
  const total = nodes === 0 ? NO_NUMBERS : new Float64Array(nodes)
  const left = nodes === 0 ? NO_NUMBERS : new Float64Array(nodes)
  const sides = nodes === 0 ? NO_SIDES : new Int32Array(nodes * 2)
  const first = leaves[0]
  if (first !== undefined && nodes > 0) layOut(plantTree(leaves), total, left, sides)
  return {
    cycle,
    limit: cycle === 0 ? 0 : Math.floor((POSITION_BOUND - 1) / cycle) * cycle,
    only: first !== undefined && nodes === 0 ? first.index : -1,
    total,
    left,
    sides,
  }
}

/** Of all rotations with one choice, which are most of them. */
const NO_NUMBERS = new Float64Array(0)
const NO_SIDES = new Int32Array(0)

/** The index that a position belongs to; -1 if no weight is positive. Positions count modulo the cycle. Allocates nothing. */
export function rotate(rotation: Rotation, position: number): number {
  const { total, left, sides } = rotation
  if (total.length === 0) return rotation.only
  let at = position % rotation.cycle
  let node = 0
  for (;;) {
    const all = total[node] as number
    const share = left[node] as number
    const twice = 2 * all
    const before = Math.floor((2 * at * share + all) / twice)
    const after = Math.floor((2 * (at + 1) * share + all) / twice)
    let side: number
    if (after > before) {
      side = sides[2 * node] as number
      at = before
    } else {
      side = sides[2 * node + 1] as number
      at -= before
    }
    if (side < 0) return ~side
    node = side
  }
}

/** One choice without a compiled rotation, for tests and one-off questions. */
export function splitAt(weights: readonly number[], position: number): number {
  return rotate(compileRotation(weights), position)
}

/**
 * How far a count over the first n positions may be from its exact share n · weight / cycle, at worst. Each cut is off by at most a half,
 * and passes on to a leaf its part of the error of every node above. Up to four weights this is never above 1.
 */
export function errorBound(rotation: Rotation): number {
  let worst = rotation.total.length === 0 ? 0 : 0.5
  const descend = (node: number, weight: number, above: readonly number[]): void => {
    if (node < 0) {
      let sum = 1
      for (const total of above) sum += weight / total
      worst = Math.max(worst, sum / 2)
      return
    }
    const all = rotation.total[node] ?? 0
    const share = rotation.left[node] ?? 0
    const path = node === 0 ? above : [...above, all]
    descend(rotation.sides[2 * node] ?? -1, share, path)
    descend(rotation.sides[2 * node + 1] ?? -1, all - share, path)
  }
  if (rotation.total.length > 0) descend(0, rotation.cycle, [])
  return worst
}

interface Branch {
  readonly weight: number
  /** Of a leaf. */
  readonly index: number
  readonly left: Branch | null
  readonly right: Branch | null
  /** Per leaf below: its weight, and the sum of weight / total over the nodes above it in this branch. */
  readonly errors: readonly { readonly weight: number; readonly sum: number }[]
}

function plantTree(leaves: readonly Branch[]): Branch {
  if (leaves.length <= 4) return joinPairs(leaves)
  return leaves.length <= MAX_SEARCHED ? joinByError(leaves) : joinLightest(leaves)
}

/** Two levels at most, in document order: no leaf has more than one node between it and the root, so no count is ever off by more than 1. */
function joinPairs(leaves: readonly Branch[]): Branch {
  const pairs: Branch[] = []
  for (let i = 0; i < leaves.length; i += 2) {
    const one = leaves[i] as Branch
    const two = leaves[i + 1]
    pairs.push(two === undefined ? one : join(one, two))
  }
  const one = pairs[0] as Branch
  const two = pairs[1]
  return two === undefined ? one : join(one, two)
}

/** Joins again and again the two branches whose union has the smallest error. */
function joinByError(leaves: readonly Branch[]): Branch {
  const rest = [...leaves]
  while (rest.length > 1) {
    let best = { error: Number.POSITIVE_INFINITY, weight: 0, one: 0, two: 1 }
    for (let one = 0; one < rest.length; one++) {
      for (let two = one + 1; two < rest.length; two++) {
        const a = rest[one] as Branch
        const b = rest[two] as Branch
        const weight = a.weight + b.weight
        const error = Math.max(worstError(a, weight), worstError(b, weight))
        if (error < best.error || (error === best.error && weight < best.weight))
          best = { error, weight, one, two }
      }
    }
    const b = rest.splice(best.two, 1)[0] as Branch
    rest[best.one] = join(rest[best.one] as Branch, b)
  }
  return rest[0] as Branch
}

function worstError(branch: Branch, total: number): number {
  let worst = 0
  for (const leaf of branch.errors) worst = Math.max(worst, leaf.sum + leaf.weight / total)
  return worst
}

/** Huffman's order with two queues: heavy leaves come to lie near the root, in n log n. */
function joinLightest(leaves: readonly Branch[]): Branch {
  const singles = [...leaves].sort((a, b) => a.weight - b.weight || a.index - b.index)
  const joined: Branch[] = []
  let single = 0
  let double = 0
  const takeLightest = (): Branch => {
    const one = singles[single]
    const two = joined[double]
    if (one !== undefined && (two === undefined || one.weight <= two.weight)) {
      single++
      return one
    }
    double++
    return two as Branch
  }
  for (let i = 1; i < leaves.length; i++) {
    const one = takeLightest()
    const two = takeLightest()
    joined.push({ weight: one.weight + two.weight, index: -1, left: one, right: two, errors: [] })
  }
  return joined[joined.length - 1] as Branch
}

function join(left: Branch, right: Branch): Branch {
  const weight = left.weight + right.weight
  const errors = [...left.errors, ...right.errors].map((leaf) => ({
    weight: leaf.weight,
    sum: leaf.sum + leaf.weight / weight,
  }))
  return { weight, index: -1, left, right, errors }
}

function layOut(root: Branch, total: Float64Array, left: Float64Array, sides: Int32Array): void {
  const queue: Branch[] = [root]
  for (let node = 0; node < queue.length; node++) {
    const branch = queue[node] as Branch
    total[node] = branch.weight
    left[node] = branch.left?.weight ?? 0
    for (const [side, child] of [branch.left, branch.right].entries()) {
      if (child === null) continue
      sides[2 * node + side] = child.left === null ? ~child.index : queue.push(child) - 1
    }
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}
