import type { AccessRecord } from '../model/access-record.ts'
import { toByteString } from '../model/byte-string.ts'
import type { AccessLogSettings } from '../model/settings.ts'
import { isInRanges, parseStatusRange } from '../model/status-range.ts'

/** Whether an exchange leaves a line. */
export type AccessFilter = (record: AccessRecord) => boolean

/** The filter that the settings ask for; null: every exchange leaves a line. `settings` were checked. */
export function createAccessFilter(settings: AccessLogSettings): AccessFilter | null {
  const { minDurationMs, sampleRatio } = settings
  const ranges = settings.statuses.map(parseStatusRange).filter((range) => range !== null)
  const tests: AccessFilter[] = []
  if (ranges.length > 0) tests.push((record) => isInRanges(record.status, ranges))
  if (minDurationMs > 0) tests.push((record) => record.durationMs >= minDurationMs)
  if (settings.skipPaths.length > 0) {
    const matches = createNameTest(settings.skipPaths.map(toByteString))
    tests.push((record) => !matches(record.path))
  }
  if (settings.skipRoutes.length > 0) {
    const matches = createNameTest(settings.skipRoutes)
    tests.push(
      (record) =>
        !(
          (record.routeId !== '' && matches(record.routeId)) ||
          (record.routeName !== '' && matches(record.routeName))
        ),
    )
  }
  // last, because it costs most
  if (sampleRatio < 1) tests.push((record) => !isSuccess(record) || isInSample(record.requestId, sampleRatio))
  if (tests.length === 0) return null
  return (record) => {
    for (const test of tests) if (!test(record)) return false
    return true
  }
}

export function isSuccess(record: AccessRecord): boolean {
  return record.status < 400 && record.errorCode === ''
}

/**
 * Whether an id belongs to that share of all ids. The same for the same id, so that gateways in a row, where one hands its ids on, keep the
 * lines of the same requests.
 */
export function isInSample(id: string, ratio: number): boolean {
  // FNV-1a, then the end of MurmurHash3: ids that differ in their last digit alone must spread over the whole range
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32 < ratio
}

/** Names as they are, or with `*` at the end for any rest. */
export function createNameTest(names: readonly string[]): (name: string) => boolean {
  const exact = new Set(names.filter((name) => !name.endsWith('*')))
  const prefixes = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))
  return (name) => {
    if (exact.has(name)) return true
    for (const prefix of prefixes) if (name.startsWith(prefix)) return true
    return false
  }
}
