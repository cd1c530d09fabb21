const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** What a duration may be at most: a day. */
export const MAX_DURATION_MS = 86_400_000

/** `1m30s` in milliseconds, rounded; NaN if the text is no duration. */
export function parseDuration(text: string): number {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) return Number.NaN
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (UNITS[unit as string] as number)
  }
  return Math.round(total)
}

/** `50%` as 50. */
export function parsePercent(text: string): number {
  return Number(text.slice(0, -1))
}
