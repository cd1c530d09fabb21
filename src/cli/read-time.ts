import { parseDuration } from '../model/duration.ts'
import { GatewayError } from '../model/gateway-error.ts'

/** A timer can wait no longer. Milliseconds, 24 days. */
const MAX_MS = 2 ** 31 - 1

/** A time of a flag: `30s`, `1h30m`, or seconds; at most 24 days. Milliseconds. Throws BAD_SETTING. */
export function readTime(flag: string, text: string): number {
  const ms = parseDuration(/^\d+$/.test(text) ? `${text}s` : text)
  if (ms >= 0 && ms <= MAX_MS) return ms
  throw new GatewayError(
    'BAD_SETTING',
    `${flag} ${text}: a time such as 30s, 5m or 24h is expected, at most 24 days`,
  )
}
