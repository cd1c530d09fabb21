import { isDeepEqual } from '../gateway/deep-equal.ts'
import type { Log } from '../gateway/worker-pool.ts'
import type { ProxyReport } from '../model/proxy-link.ts'

/** Of one kind, that one line of the log names. */
const MAX_SHOWN = 10

/** Logs what a proxy cannot do of what it was told to, such as open a listener whose port is in use; once for each change. `before`: null: its first report. */
export function logTroubles(
  log: Log,
  place: { readonly mesh: string; readonly name: string },
  before: ProxyReport | null,
  { closed, faults }: ProxyReport,
): void {
  if (!isDeepEqual(closed, before?.closed ?? [])) {
    const listeners = closed
      .slice(0, MAX_SHOWN)
      .map(({ name, address, reason }) => `${name} (${address}): ${reason}`)
    if (closed.length === 0) log('info', { ...place }, 'all listeners of a proxy are open again')
    else log('warn', { ...place, count: closed.length, listeners }, 'listeners of a proxy are not open')
  }
  if (!isDeepEqual(faults, before?.faults ?? [])) {
    const shown = faults.slice(0, MAX_SHOWN)
    if (faults.length === 0) log('info', { ...place }, 'a proxy takes all objects of its model again')
    else
      log(
        'warn',
        { ...place, count: faults.length, faults: shown },
        'a proxy could not take objects of its model',
      )
  }
}
