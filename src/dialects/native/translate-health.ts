import type { ActiveCheck, HealthPolicy, OutlierDetection, PassiveCheck } from '../../model/health.ts'
import type { SlowStart, UpstreamScheme } from '../../model/upstream.ts'
import { defaultOf } from './defaults.ts'
import { parseDuration, parsePercent } from './duration.ts'
import { joinPath, type Sink } from './sink.ts'
import type * as Native from './types.ts'

/** `health` and `slowStart` of an upstream. */

const LOWEST_STATUS = 200
const HIGHEST_STATUS = 599
const UP_STATUSES = statusesFrom(200, 399)
/** What says that an endpoint, and not the request, is at fault. */
const PASSIVE_DOWN_STATUSES = [500, 502, 503, 504]

/** Probes more often than this would be load of their own. */
const MIN_INTERVAL_MS = 100
const MIN_WINDOW_MS = 1000

export function readHealth(
  value: Native.Health | undefined,
  scheme: UpstreamScheme,
  path: string,
  sink: Sink,
): HealthPolicy | null {
  if (value === undefined) return null
  const { active, passive, outlier } = value
  if (active === undefined && passive === undefined && outlier === undefined) return null
  return {
    active: active === undefined ? null : readActive(active, scheme, joinPath(path, 'active'), sink),
    passive: passive === undefined ? null : readPassive(passive, joinPath(path, 'passive'), sink),
    outlier: outlier === undefined ? null : readOutlier(outlier, joinPath(path, 'outlier'), sink),
  }
}

/** How endpoints are asked where the document does not say. gRPC's own question is put in plain text only. */
const DEFAULT_KINDS: Readonly<Record<string, ActiveCheck['kind']>> = {
  http: 'http',
  https: 'https',
  grpc: 'grpc',
  grpcs: 'tcp',
  tcp: 'tcp',
  tls: 'tcp',
  udp: 'tcp',
}

/** Keys that only some kinds of probes have. */
const KEYS_OF_KINDS: Readonly<Record<string, readonly ActiveCheck['kind'][]>> = {
  path: ['http', 'https'],
  method: ['http', 'https'],
  headers: ['http', 'https'],
  body: ['http', 'https'],
  upStatuses: ['http', 'https'],
  downStatuses: ['http', 'https'],
  service: ['grpc'],
}

function readActive(
  value: Native.ActiveCheck,
  scheme: UpstreamScheme,
  path: string,
  sink: Sink,
): ActiveCheck {
  const kind = value.kind ?? (DEFAULT_KINDS[scheme] as ActiveCheck['kind'])
  for (const [key, kinds] of Object.entries(KEYS_OF_KINDS)) {
    if (Object.hasOwn(value, key) && !kinds.includes(kind)) {
      sink.refuse(joinPath(path, key), `means nothing for a probe of kind ${kind}`, `of ${kinds.join(', ')}`)
    }
  }
  const intervalMs = atLeast(
    value.interval ?? defaultOf('activeCheck', 'interval'),
    MIN_INTERVAL_MS,
    joinPath(path, 'interval'),
    sink,
  )
  const { up, down } = readStatuses(value, null, path, sink)
  return {
    kind,
    timeoutMs: atLeast(
      value.timeout ?? defaultOf('activeCheck', 'timeout'),
      1,
      joinPath(path, 'timeout'),
      sink,
    ),
    concurrency: value.concurrency ?? defaultOf('activeCheck', 'concurrency'),
    host: value.host ?? null,
    port: value.port ?? null,
    method: value.method ?? 'GET',
    path: kind === 'grpc' ? (value.service ?? '') : (value.path ?? '/'),
    headers: Object.entries(value.headers ?? {}).map(([name, text]) => ({ name, value: text })),
    body: value.body ?? '',
    verifiesCertificate: value.verify ?? defaultOf('activeCheck', 'verify'),
    leastOutMs: 0,
    healthy: { intervalMs, statuses: up, successes: value.up ?? defaultOf('activeCheck', 'up') },
    unhealthy: {
      intervalMs:
        value.downInterval === undefined
          ? intervalMs
          : atLeast(value.downInterval, MIN_INTERVAL_MS, joinPath(path, 'downInterval'), sink),
      statuses: down,
      ...readFailures(value.down ?? defaultOf('activeCheck', 'down'), joinPath(path, 'down'), sink),
    },
  }
}

function readPassive(value: Native.PassiveCheck, path: string, sink: Sink): PassiveCheck {
  const { up, down } = readStatuses(value, PASSIVE_DOWN_STATUSES, path, sink)
  return {
    returnsAfterMs: null,
    healthy: { statuses: up, successes: value.up ?? defaultOf('passiveCheck', 'up') },
    unhealthy: {
      statuses: down,
      ...readFailures(value.down ?? defaultOf('passiveCheck', 'down'), joinPath(path, 'down'), sink),
    },
  }
}

function readFailures(
  value: Native.Failures,
  path: string,
  sink: Sink,
): { readonly httpFailures: number; readonly tcpFailures: number; readonly timeouts: number } {
  const each = typeof value === 'number' ? { statuses: value, connections: value, timeouts: value } : value
  const found = {
    httpFailures: each.statuses ?? defaultOf('failures', 'statuses'),
    tcpFailures: each.connections ?? defaultOf('failures', 'connections'),
    timeouts: each.timeouts ?? defaultOf('failures', 'timeouts'),
  }
  if (found.httpFailures + found.tcpFailures + found.timeouts === 0) {
    sink.refuse(path, 'with 0 for every kind of failure nothing ever goes out', 'leave the check out instead')
  }
  return found
}

/** `otherwise`: failures where none are written; null: all that is no success. */
function readStatuses(
  { upStatuses, downStatuses }: Pick<Native.PassiveCheck, 'upStatuses' | 'downStatuses'>,
  otherwise: readonly number[] | null,
  path: string,
  sink: Sink,
): { readonly up: readonly number[]; readonly down: readonly number[] } {
  if (upStatuses !== undefined && downStatuses !== undefined) {
    const both = upStatuses.find((status) => downStatuses.includes(status))
    if (both !== undefined)
      sink.refuse(joinPath(path, 'downStatuses'), `${both} stands in upStatuses too: it cannot be both`)
  }
  // what is written takes a status away from what is not
  const up = upStatuses ?? UP_STATUSES.filter((status) => !(downStatuses?.includes(status) ?? false))
  const rest = otherwise ?? statusesFrom(LOWEST_STATUS, HIGHEST_STATUS)
  return { up, down: downStatuses ?? rest.filter((status) => !up.includes(status)) }
}

function readOutlier(value: Native.Outlier, path: string, sink: Sink): OutlierDetection {
  const { errors, latency } = value
  const consecutiveFailures = value.failures ?? defaultOf('outlier', 'failures')
  if (consecutiveFailures === 0 && errors === undefined && latency === undefined) {
    sink.refuse(path, 'nothing in it ejects an endpoint', 'give it failures, errors or latency')
  }
  const baseEjectionMs = atLeast(
    value.ejection ?? defaultOf('outlier', 'ejection'),
    MIN_INTERVAL_MS,
    joinPath(path, 'ejection'),
    sink,
  )
  const maxEjectionMs = parseDuration(value.maxEjection ?? defaultOf('outlier', 'maxEjection'))
  if (maxEjectionMs < baseEjectionMs) {
    sink.refuse(joinPath(path, 'maxEjection'), 'is shorter than ejection')
  }
  return {
    consecutiveFailures,
    errors: errors === undefined ? null : readErrors(errors, joinPath(path, 'errors'), sink),
    latency:
      latency === undefined
        ? null
        : {
            windowMs: atLeast(
              latency.window ?? defaultOf('latencyWindow', 'window'),
              MIN_WINDOW_MS,
              joinPath(path, 'latency.window'),
              sink,
            ),
            minRequests: latency.minRequests ?? defaultOf('latencyWindow', 'minRequests'),
            factor: latency.factor,
          },
    baseEjectionMs,
    maxEjectionMs,
    maxEjectionPercent: parsePercent(value.maxEjected ?? defaultOf('outlier', 'maxEjected')),
    trial: value.trial ?? defaultOf('outlier', 'trial'),
  }
}

function readErrors(value: Native.ErrorWindow, path: string, sink: Sink): OutlierDetection['errors'] {
  const isCount = value.count !== undefined
  const ratio = value.ratio === undefined ? 0 : parsePercent(value.ratio) / 100
  if (value.ratio !== undefined && ratio === 0) {
    sink.refuse(joinPath(path, 'ratio'), 'at 0% every endpoint would be ejected')
  }
  return {
    windowMs: atLeast(
      value.window ?? defaultOf('errorWindow', 'window'),
      MIN_WINDOW_MS,
      joinPath(path, 'window'),
      sink,
    ),
    // a plain number of errors needs no volume beside it
    minRequests: isCount ? 0 : (value.minRequests ?? defaultOf('errorWindow', 'minRequests')),
    threshold: isCount ? { kind: 'count', value: value.count ?? 0 } : { kind: 'ratio', value: ratio },
    countsServerErrors: value.serverErrors ?? defaultOf('errorWindow', 'serverErrors'),
  }
}

export function readSlowStart(
  value: Native.SlowStart | undefined,
  path: string,
  sink: Sink,
): SlowStart | null {
  if (value === undefined) return null
  const given = typeof value === 'string' ? { window: value } : value
  return {
    windowMs: atLeast(given.window, 1, typeof value === 'string' ? path : joinPath(path, 'window'), sink),
    minPercent: parsePercent(given.min ?? defaultOf('slowStart', 'min')),
    aggression: given.aggression ?? defaultOf('slowStart', 'aggression'),
    intervalMs: atLeast(
      given.interval ?? defaultOf('slowStart', 'interval'),
      MIN_INTERVAL_MS,
      joinPath(path, 'interval'),
      sink,
    ),
    graceMs: parseDuration(given.grace ?? defaultOf('slowStart', 'grace')),
  }
}

function atLeast(text: string, leastMs: number, path: string, sink: Sink): number {
  const ms = parseDuration(text)
  if (ms < leastMs) sink.refuse(path, `must be at least ${leastMs}ms, got ${text}`)
  return ms
}

function statusesFrom(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
