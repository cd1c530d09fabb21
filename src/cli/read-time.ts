import { GatewayError } from '../model/gateway-error.ts'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A time of a flag: `30s`, `1h30m`, or seconds. Milliseconds. Throws BAD_SETTING. */
export function readTime(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  if (!/^(?:\d{1,9}(?:ms|s|m|h))+$/.test(text))
    throw new GatewayError('BAD_SETTING', `${flag} ${text}: a time such as 30s, 5m or 24h is expected`)
  let total = 0
  for (const [, number, unit] of text.matchAll(/(\d+)(ms|s|m|h)/g))
    total += Number(number) * (UNITS[unit ?? ''] ?? 0)
  return total
}
