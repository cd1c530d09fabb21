import { parseDuration } from '../model/duration.ts'
import { GatewayError } from '../model/gateway-error.ts'

/** The longest that a flag takes. */
interface TimeLimit {
  readonly ms: number
  /** As people say it. */
  readonly text: string
}

/** A timer can wait no longer. */
const TIMER: TimeLimit = { ms: 2 ** 31 - 1, text: '24 days' }

/** A time of a flag: `30s`, `1h30m`, or seconds. Milliseconds. Throws BAD_SETTING. */
export function readTime(flag: string, text: string, limit: TimeLimit = TIMER): number {
  const ms = parseDuration(/^\d+$/.test(text) ? `${text}s` : text)
  if (ms >= 0 && ms <= limit.ms) return ms
  throw new GatewayError(
    'BAD_SETTING',
    `${flag} ${text}: a time such as 30s, 5m or 24h is expected, at most ${limit.text}`,
  )
}
