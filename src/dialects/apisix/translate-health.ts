import type { ActiveCheck, HealthPolicy, OutlierDetection, PassiveCheck } from '../../model/health.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { SlowStart } from '../../model/upstream.ts'
import { flagField, listField, numberField, objectField, textField, toMilliseconds } from './fields.ts'

/** `checks`, `warm_up_conf` and the added `headgate.outlier` of an upstream (spec/apisix.md 5.5). Defaults are the reference's. */

const ACTIVE = {
  timeoutSeconds: 1,
  concurrency: 10,
  healthy: { intervalSeconds: 1, statuses: [200, 302], successes: 2 },
  unhealthy: {
    intervalSeconds: 1,
    statuses: [429, 404, 500, 501, 502, 503, 504, 505],
    httpFailures: 5,
    tcpFailures: 2,
    timeouts: 3,
  },
} as const

const PASSIVE = {
  healthy: {
    statuses: [200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 306, 307, 308],
    successes: 5,
  },
  unhealthy: { statuses: [429, 500, 503], httpFailures: 5, tcpFailures: 2, timeouts: 7 },
} as const

/** Where the specification of the reliability bar has no other number (section 6). */
const OUTLIER = {
  consecutiveFailures: 5,
  windowSeconds: 10,
  minRequests: 20,
  baseSeconds: 30,
  maxSeconds: 300,
  maxPercent: 50,
} as const

/** `probeHost`: what a probe is sent as Host where the check names none; null: the node's name. */
export function readHealth(upstream: JsonObject, probeHost: string | null): HealthPolicy | null {
  const checks = objectField(upstream, 'checks')
  const active = checks === null ? null : objectField(checks, 'active')
  const passive = checks === null ? null : objectField(checks, 'passive')
  const added = objectField(upstream, 'headgate')
  const outlier = added === null ? null : objectField(added, 'outlier')
  if (active === null && passive === null && outlier === null) return null
  return {
    active: active === null ? null : readActive(active, probeHost),
    passive: passive === null ? null : readPassive(passive),
    outlier: outlier === null ? null : readOutlier(outlier),
  }
}

function readActive(active: JsonObject, probeHost: string | null): ActiveCheck {
  const healthy = objectField(active, 'healthy') ?? {}
  const unhealthy = objectField(active, 'unhealthy') ?? {}
  const kind = readKind(active)
  const path = kind === 'grpc' ? textField(active, 'grpc_service') : textField(active, 'http_path')
  return {
    kind,
    timeoutMs: seconds(active, 'timeout', ACTIVE.timeoutSeconds),
    concurrency: count(active, 'concurrency', ACTIVE.concurrency),
    host: textField(active, 'host') ?? probeHost,
    port: numberField(active, 'port'),
    method: textField(active, 'http_method') ?? 'GET',
    path: path ?? (kind === 'grpc' ? '' : '/'),
    headers: readHeaders(listField(active, 'req_headers')),
    body: textField(active, 'http_req_body') ?? '',
    verifiesCertificate: flagField(active, 'https_verify_certificate') !== false,
    leastOutMs: 0,
    healthy: {
      intervalMs: seconds(healthy, 'interval', ACTIVE.healthy.intervalSeconds),
      statuses: readStatuses(healthy, ACTIVE.healthy.statuses),
      successes: count(healthy, 'successes', ACTIVE.healthy.successes),
    },
    unhealthy: {
      intervalMs: seconds(unhealthy, 'interval', ACTIVE.unhealthy.intervalSeconds),
      statuses: readStatuses(unhealthy, ACTIVE.unhealthy.statuses),
      httpFailures: count(unhealthy, 'http_failures', ACTIVE.unhealthy.httpFailures),
      tcpFailures: count(unhealthy, 'tcp_failures', ACTIVE.unhealthy.tcpFailures),
      timeouts: count(unhealthy, 'timeouts', ACTIVE.unhealthy.timeouts),
    },
  }
}

function readKind(active: JsonObject): ActiveCheck['kind'] {
  const type = textField(active, 'type')
  return type === 'https' || type === 'tcp' || type === 'grpc' ? type : 'http'
}

function readPassive(passive: JsonObject): PassiveCheck {
  const healthy = objectField(passive, 'healthy') ?? {}
  const unhealthy = objectField(passive, 'unhealthy') ?? {}
  return {
    returnsAfterMs: null,
    healthy: {
      statuses: readStatuses(healthy, PASSIVE.healthy.statuses),
      successes: count(healthy, 'successes', PASSIVE.healthy.successes),
    },
    unhealthy: {
      statuses: readStatuses(unhealthy, PASSIVE.unhealthy.statuses),
      httpFailures: count(unhealthy, 'http_failures', PASSIVE.unhealthy.httpFailures),
      tcpFailures: count(unhealthy, 'tcp_failures', PASSIVE.unhealthy.tcpFailures),
      timeouts: count(unhealthy, 'timeouts', PASSIVE.unhealthy.timeouts),
    },
  }
}

function readOutlier(outlier: JsonObject): OutlierDetection {
  const windowMs = seconds(outlier, 'window', OUTLIER.windowSeconds)
  const minRequests = count(outlier, 'min_requests', OUTLIER.minRequests)
  const ratio = numberField(outlier, 'error_ratio')
  const errors = numberField(outlier, 'error_count')
  const factor = numberField(outlier, 'latency_factor')
  return {
    consecutiveFailures: count(outlier, 'consecutive_failures', OUTLIER.consecutiveFailures),
    errors:
      ratio === null && errors === null
        ? null
        : {
            windowMs,
            // a plain number of errors needs no volume beside it
            minRequests: ratio === null ? 0 : minRequests,
            threshold:
              ratio === null ? { kind: 'count', value: errors ?? 1 } : { kind: 'ratio', value: ratio },
            countsServerErrors: flagField(outlier, 'server_errors') === true,
          },
    latency: factor === null ? null : { windowMs, minRequests, factor },
    baseEjectionMs: seconds(outlier, 'base_ejection', OUTLIER.baseSeconds),
    maxEjectionMs: seconds(outlier, 'max_ejection', OUTLIER.maxSeconds),
    maxEjectionPercent: count(outlier, 'max_ejection_percent', OUTLIER.maxPercent),
    trial: flagField(outlier, 'trial') !== false,
  }
}

/** `warm_up_conf`; null where the upstream has none. The first step counts as a second, so that a node never begins with nothing. */
export function readSlowStart(upstream: JsonObject): SlowStart | null {
  const conf = objectField(upstream, 'warm_up_conf')
  if (conf === null) return null
  return {
    windowMs: seconds(conf, 'slow_start_time_seconds', 1),
    minPercent: count(conf, 'min_weight_percent', 1),
    aggression: numberField(conf, 'aggression') ?? 1,
    intervalMs: seconds(conf, 'interval', 1),
    graceMs: seconds(conf, 'startup_grace_period_seconds', 0),
  }
}

/** Lines `Name: value`; what the schema has let through without a colon was refused by upstream-rules.ts. */
function readHeaders(lines: readonly JsonValue[] | null): ActiveCheck['headers'] {
  const headers: { name: string; value: string }[] = []
  for (const line of lines ?? []) {
    if (typeof line !== 'string') continue
    const colon = line.indexOf(':')
    if (colon > 0) headers.push({ name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() })
  }
  return headers
}

function readStatuses(value: JsonObject, otherwise: readonly number[]): readonly number[] {
  const statuses = listField(value, 'http_statuses')?.filter((status) => typeof status === 'number')
  return statuses === undefined || statuses.length === 0 ? otherwise : statuses
}

function seconds(value: JsonObject, name: string, otherwise: number): number {
  const written = numberField(value, name)
  return toMilliseconds(written === null ? otherwise : written)
}

function count(value: JsonObject, name: string, otherwise: number): number {
  const written = numberField(value, name)
  return written === null ? otherwise : written
}
