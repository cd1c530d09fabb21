const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Characters of a text that may be a duration. */
const MAX_LENGTH = 100

// each text has one way to fit: a long one of digits costs no more than its length
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g
const WHOLE = /^[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/

/**
 * Milliseconds of a duration as Go and the JSON of protobuf write it: `5s`, `250ms`, `1m30s`, `0`. Negative ones are read too; whoever asks sees to the range.
 * NaN: the text is none, or has more than 100 characters.
 */
export function parseDuration(text: string): number {
  if (text.length > MAX_LENGTH || !WHOLE.test(text)) return Number.NaN
  let total = 0
  for (const [, amount, unit] of text.matchAll(PART)) total += Number(amount) * (UNITS_MS[unit ?? ''] ?? 0)
  // to the microsecond: sums of fractions are not exact
  const ms = Math.round(total * 1000) / 1000
  return text.startsWith('-') ? -ms : ms
}

/** The same length always in the same text: seconds, as protobuf writes them. */
export function formatDuration(ms: number): string {
  return `${Math.round(ms * 1000) / 1_000_000}s`
}
