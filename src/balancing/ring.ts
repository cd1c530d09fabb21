/** Points on a circle of 64-bit numbers, each owned by an endpoint (an index). Frozen when made. */
export class Ring {
  readonly #highs: Uint32Array
  readonly #lows: Uint32Array
  readonly #owners: Uint32Array
  /** By the first bits of a hash: where the points with these bits begin. About one point has them, so that a search is short. */
  readonly #starts: Uint32Array
  readonly #shift: number

  /** `highs`, `lows`: the points, unsigned; `owners` by the same place. Sorted here; equal points keep their order. The arrays are the ring's from now on. */
  constructor(highs: Uint32Array, lows: Uint32Array, owners: Uint32Array) {
    const order = sortedOrder(highs, lows)
    this.#highs = highs.map((_, place) => highs[order[place] as number] as number)
    this.#lows = lows.map((_, place) => lows[order[place] as number] as number)
    this.#owners = owners.map((_, place) => owners[order[place] as number] as number)
    const bits = Math.max(1, Math.min(24, Math.ceil(Math.log2(order.length + 1))))
    this.#shift = 32 - bits
    this.#starts = startsOf(this.#highs, bits)
  }

  get size(): number {
    return this.#owners.length
  }

  owner(place: number): number {
    return this.#owners[place] as number
  }

  /** The first place whose point is not below the hash; past the last one it is 0. */
  find(high: number, low: number): number {
    const bucket = high >>> this.#shift
    let from = this.#starts[bucket] as number
    let to = this.#starts[bucket + 1] as number
    while (from < to) {
      const middle = (from + to) >>> 1
      const at = this.#highs[middle] as number
      if (at < high || (at === high && (this.#lows[middle] as number) < low)) from = middle + 1
      else to = middle
    }
    return from === this.#owners.length ? 0 : from
  }

  /** Every point with its owner, in order; for tests and for people who ask. */
  *points(): Generator<readonly [point: bigint, owner: number]> {
    for (let place = 0; place < this.size; place++) {
      const point = (BigInt(this.#highs[place] as number) << 32n) | BigInt(this.#lows[place] as number)
      yield [point, this.owner(place)]
    }
  }
}

/** For each value of the first bits, and one behind the last: the first place whose point has these or more. `highs` in order. */
function startsOf(highs: Uint32Array, bits: number): Uint32Array {
  const starts = new Uint32Array(2 ** bits + 1)
  let place = 0
  for (let bucket = 0; bucket < starts.length; bucket++) {
    while (place < highs.length && (highs[place] as number) >>> (32 - bits) < bucket) place++
    starts[bucket] = place
  }
  return starts
}

const DIGIT = 65_536

/** Places in the order of their points: counting sort over digits of 16 bits, least first (a million points in some 50 ms; comparing takes a second). */
function sortedOrder(highs: Uint32Array, lows: Uint32Array): Uint32Array {
  let order = Uint32Array.from(highs.keys())
  let next = new Uint32Array(order.length)
  const counts = new Uint32Array(DIGIT)
  for (const [words, shift] of [
    [lows, 0],
    [lows, 16],
    [highs, 0],
    [highs, 16],
  ] as const) {
    counts.fill(0)
    for (let i = 0; i < words.length; i++) {
      const digit = ((words[i] as number) >>> shift) & 0xffff
      counts[digit] = (counts[digit] as number) + 1
    }
    let sum = 0
    for (let digit = 0; digit < DIGIT; digit++) {
      const count = counts[digit] as number
      counts[digit] = sum
      sum += count
    }
    for (let i = 0; i < order.length; i++) {
      const place = order[i] as number
      const digit = ((words[place] as number) >>> shift) & 0xffff
      const at = counts[digit] as number
      counts[digit] = at + 1
      next[at] = place
    }
    const swapped = order
    order = next
    next = swapped
  }
  return order
}
