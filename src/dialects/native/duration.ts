import { parseDuration as parseAnyDuration } from '../../model/duration.ts'

/** What a duration may be at most: a day. */
export const MAX_DURATION_MS = 86_400_000

/** What may be written here: no signs, and no units below a millisecond. */
const FORM = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/

/** `1m30s` in milliseconds, rounded; NaN if the text is no duration. */
export function parseDuration(text: string): number {
  return FORM.test(text) ? Math.round(parseAnyDuration(text)) : Number.NaN
}

/** `50%` as 50. */
export function parsePercent(text: string): number {
  return Number(text.slice(0, -1))
}
