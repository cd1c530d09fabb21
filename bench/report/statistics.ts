/** A measured quantity: the median of its rounds (or another quantile of single measurements), and its 95 % bootstrap interval. */
export interface Figure {
  readonly median: number
  readonly low: number
  readonly high: number
  /** Rounds it was taken from. */
  readonly count: number
}

const RESAMPLES = 2_000
/** Any number does: what matters is that the same rounds always give the same interval. */
const SEED = 0x68_67_61_74

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  )
}

/** The value below which `share` (0 to 1) of the ascending `sorted` lie, interpolated between neighbours. NaN of nothing. */
export function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return Number.NaN
  const place = (sorted.length - 1) * share
  const below = Math.floor(place)
  const low = sorted[below] as number
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number
  return low + (high - low) * (place - below)
}

/** The same numbers from 0 up to 1 for the same seed (mulberry32): an interval does not change when a report is made again. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The median with its 95 % interval. Throws on no values. */
export function summarize(values: readonly number[]): Figure {
  return bootstrap(values, median)
}

/** A quantile of single measurements with its 95 % interval. Throws on no values. */
export function summarizeQuantile(values: readonly number[], share: number): Figure {
  return bootstrap(values, (draw) =>
    quantile(
      [...draw].sort((a, b) => a - b),
      share,
    ),
  )
}

/**
 * A statistic with its 95 % percentile bootstrap interval: values are drawn with replacement, and where the middle 95 % of the statistics
 * of such draws lie is the interval. Of fewer than three values it is simply their span.
 */
function bootstrap(values: readonly number[], statistic: (values: readonly number[]) => number): Figure {
  if (values.length === 0) throw new Error('no round to take a figure from')
  const middle = statistic(values)
  const count = values.length
  if (count < 3) return { median: middle, low: Math.min(...values), high: Math.max(...values), count }
  const random = seededRandom(SEED)
  const draw = new Array<number>(count)
  const statistics = Array.from({ length: RESAMPLES }, () => {
    for (let i = 0; i < count; i++) draw[i] = values[Math.floor(random() * count)] as number
    return statistic(draw)
  }).sort((a, b) => a - b)
  return { median: middle, low: quantile(statistics, 0.025), high: quantile(statistics, 0.975), count }
}

/** A figure that was measured once. */
export function single(value: number): Figure {
  return { median: value, low: value, high: value, count: 1 }
}

/** The figure of the quotients, round by round: both lists are of the same rounds in the same order. */
export function ratioOf(values: readonly number[], base: readonly number[]): Figure {
  if (values.length !== base.length)
    throw new Error(`${values.length} rounds beside ${base.length}: they are no pairs`)
  return summarize(values.map((value, i) => value / (base[i] as number)))
}
