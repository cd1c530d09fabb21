import { type Check, fail, ok, warn } from './check.ts'

/** What a running gateway told; the shapes are those of `/headgate/v1/status`, as far as they are looked at. */
export interface GatewayFacts {
  readonly server: string
  readonly ownVersion: string
  /** Wall clocks when the answer came: ours, and the server's (its Date field, whole seconds). */
  readonly nowMs: number
  readonly serverNowMs: number | null
  readonly status: StatusFacts
  /** Sums of the metrics by name. */
  readonly metrics: ReadonlyMap<string, number>
  /** Why there are none; null: there are. */
  readonly metricsFault: string | null
}

export interface StatusFacts {
  readonly version: string
  readonly readiness: { readonly isReady: boolean; readonly reasons: readonly string[] }
  readonly revision: number
  readonly store: {
    readonly name: string
    readonly readOnly: string | null
    readonly faults: readonly { readonly place: string; readonly message: string }[]
  }
  readonly lastChange: { readonly isGood: boolean; readonly revision: number } | null
  readonly workers: readonly { readonly index: number; readonly state: string; readonly revision: number }[]
  readonly workerRestarts: number
  readonly documents: {
    readonly total: number
    readonly rejected: number
    readonly degraded: number
    readonly items: readonly DocumentFacts[]
  }
}

interface DocumentFacts {
  readonly key: { readonly dialect: string; readonly kind: string; readonly id: string }
  readonly state: string
  readonly reasons: readonly Told[]
  readonly warnings: readonly Told[]
}

interface Told {
  readonly message: string
}

/** So far two clocks may be apart; Date has whole seconds. */
const LARGEST_SKEW_MS = 3_000
/** Documents that are named; the others are counted. */
const NAMED_DOCUMENTS = 3

export function judgeGateway(facts: GatewayFacts): readonly Check[] {
  return [
    judgeReadiness(facts),
    judgeVersion(facts),
    judgeWorkers(facts.status),
    judgeRestarts(facts.status),
    judgeStore(facts),
    judgeLastChange(facts.status),
    judgeDocuments(facts.status),
    ...(facts.metricsFault === null
      ? [judgeDropped(facts.metrics), judgeServerFiles(facts.metrics)]
      : [fail('metrics', facts.metricsFault, 'look at the log of the gateway')]),
    judgeSkew(facts),
  ]
}

export function judgeReadiness({ server, status }: Pick<GatewayFacts, 'server' | 'status'>): Check {
  const name = 'gateway'
  if (status.readiness.isReady) return ok(name, `${server} is ready`)
  return fail(name, `${server} is not ready: ${status.readiness.reasons.join('; ')}`, 'look at its log')
}

export function judgeVersion({ ownVersion, status }: Pick<GatewayFacts, 'ownVersion' | 'status'>): Check {
  const name = 'gateway-version'
  if (status.version === ownVersion) return ok(name, status.version)
  return warn(name, `${status.version}, this command is ${ownVersion}`, 'use the same version on both sides')
}

export function judgeWorkers({ workers, revision }: StatusFacts): Check {
  const name = 'workers'
  const serving = workers.filter(({ state }) => state === 'serving')
  if (serving.length === 0) return fail(name, 'none serves', 'look at the log of the gateway')
  const late = serving.filter((worker) => worker.revision < revision)
  if (serving.length < workers.length) {
    const others = workers.filter(({ state }) => state !== 'serving')
    const names = others.map(({ index, state }) => `${index} ${state}`).join(', ')
    return warn(
      name,
      `${serving.length} of ${workers.length} serve (${names})`,
      'look at the log of the gateway',
    )
  }
  if (late.length > 0) {
    const names = late.map((worker) => `${worker.index} at ${worker.revision}`).join(', ')
    return warn(name, `behind revision ${revision}: ${names}`, 'ask again; a laggard is replaced after 2 s')
  }
  return ok(name, `${serving.length} serve revision ${revision}`)
}

export function judgeRestarts({ workerRestarts }: StatusFacts): Check {
  const name = 'worker-restarts'
  if (workerRestarts === 0) return ok(name, 'none')
  return warn(name, String(workerRestarts), 'the log says why, with the last route of each')
}

export function judgeStore({ status: { store }, metrics }: Pick<GatewayFacts, 'status' | 'metrics'>): Check {
  const name = 'store'
  if (store.faults.length > 0) {
    const [first] = store.faults
    const more = store.faults.length > 1 ? ` (and ${store.faults.length - 1} more)` : ''
    return fail(
      name,
      `${store.name}: ${first?.place}: ${first?.message}${more}`,
      'put it right; what was good goes on serving',
    )
  }
  if (metrics.get('headgate_store_reachable') === 0) {
    return fail(name, `${store.name} took no write`, 'look at the disk and the log; traffic goes on')
  }
  return ok(name, store.readOnly === null ? store.name : `${store.name}, read-only`)
}

export function judgeLastChange({ lastChange }: StatusFacts): Check {
  const name = 'last-change'
  if (lastChange === null) return ok(name, 'none since the start')
  if (lastChange.isGood) return ok(name, `revision ${lastChange.revision} is in force`)
  return warn(name, 'did not take effect', 'the log says why; send or write it again, corrected')
}

export function judgeDocuments({ documents }: StatusFacts): Check {
  const name = 'documents'
  const { total, rejected, degraded, items } = documents
  const listed = (state: string, count: number): string => {
    const found = items.filter((item) => item.state === state)
    const names = found.slice(0, NAMED_DOCUMENTS).map(({ key, reasons, warnings }) => {
      const reason = (reasons[0] ?? warnings[0])?.message
      return `${key.kind}/${key.id}${reason === undefined ? '' : ` (${reason})`}`
    })
    const more = count - names.length
    return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  }
  if (rejected > 0) {
    const value = `${rejected} of ${total} are set aside: ${listed('rejected', rejected)}`
    return warn(name, value, 'correct or delete them: headgate get KIND ID shows each')
  }
  if (degraded > 0) {
    const value = `${degraded} of ${total} have warnings: ${listed('degraded', degraded)}`
    return warn(name, value, 'GET /headgate/v1/status shows them all')
  }
  return ok(name, `${total} accepted`)
}

/** Lines that a log lost: `…_dropped_total`. */
export function judgeDropped(metrics: GatewayFacts['metrics']): Check {
  const name = 'dropped-log-lines'
  let lost = 0
  for (const [metric, value] of metrics) if (/_log_\w*dropped_total$/.test(metric)) lost += value
  if (lost === 0) return ok(name, 'none')
  return warn(name, String(lost), 'give the access log a faster place, or log less')
}

export function judgeServerFiles(metrics: GatewayFacts['metrics']): Check {
  const name = 'open-files-in-use'
  const used = metrics.get('process_open_fds')
  const most = metrics.get('process_max_fds')
  if (used === undefined || most === undefined) return ok(name, 'not told')
  const value = `${used} of ${most}`
  if (used > 0.95 * most)
    return fail(name, value, 'raise LimitNOFILE= and restart: connections are refused soon')
  if (used > 0.8 * most) return warn(name, value, 'raise LimitNOFILE= before the next peak')
  return ok(name, value)
}

export function judgeSkew({ nowMs, serverNowMs }: Pick<GatewayFacts, 'nowMs' | 'serverNowMs'>): Check {
  const name = 'gateway-clock'
  if (serverNowMs === null) return ok(name, 'not told')
  const skew = nowMs - serverNowMs
  if (Math.abs(skew) <= LARGEST_SKEW_MS) return ok(name, 'agrees with ours')
  return warn(
    name,
    `${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? 'behind' : 'ahead of'} ours`,
    'set both by a time service',
  )
}
