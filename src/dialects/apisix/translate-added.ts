import type { JsonObject } from '../../model/json.ts'
import type { ForcedTarget, SplitPolicy, StickyTarget, Target } from '../../model/split.ts'
import type { Levels, Retry, UpstreamLimits } from '../../model/upstream.ts'
import {
  flagField,
  listField,
  numberField,
  objectField,
  textField,
  textListField,
  toMilliseconds,
} from './fields.ts'
import { hashKeyOf } from './translate-balancing.ts'

/** The object `headgate` (added-fields.ts) of an upstream and of a rule of traffic-split. */

const NOTHING: JsonObject = {}

/** Nodes of a lower priority serve only when all above are out; when none is healthy, all are used (spec/apisix.md 5.4, 5.5). */
const LEVELS: Levels = { mode: 'strict', factor: 1.4, panicPercent: 0, prefersZone: false }

export function readLevels(upstream: JsonObject): Levels {
  const levels = objectField(addedTo(upstream), 'levels')
  if (levels === null) return LEVELS
  return {
    mode: textField(levels, 'mode') === 'overprovisioned' ? 'overprovisioned' : LEVELS.mode,
    factor: numberField(levels, 'factor') ?? LEVELS.factor,
    panicPercent: numberField(levels, 'panic_percent') ?? LEVELS.panicPercent,
    prefersZone: flagField(levels, 'prefer_zone') ?? LEVELS.prefersZone,
  }
}

type AddedRetry = Pick<Retry, 'attemptMs' | 'onStatuses' | 'nonIdempotent' | 'budget'>

export function readAddedRetry(upstream: JsonObject): AddedRetry {
  const retry = objectField(addedTo(upstream), 'retry') ?? NOTHING
  const ratio = numberField(retry, 'budget_ratio')
  const perSecond = numberField(retry, 'budget_per_second')
  return {
    attemptMs: toMilliseconds(numberField(retry, 'attempt_timeout') ?? 0),
    onStatuses: listField(retry, 'on_statuses')?.filter((status) => typeof status === 'number') ?? [],
    nonIdempotent: flagField(retry, 'non_idempotent') === true,
    budget: ratio === null && perSecond === null ? null : { ratio: ratio ?? 0.2, perSecond: perSecond ?? 3 },
  }
}

export function readMaxAge(upstream: JsonObject): number {
  const pool = objectField(addedTo(upstream), 'pool')
  return pool === null ? 0 : toMilliseconds(numberField(pool, 'max_age') ?? 0)
}

export function readLimits(upstream: JsonObject): UpstreamLimits | null {
  const limits = objectField(addedTo(upstream), 'limits')
  if (limits === null) return null
  const count = (name: string, otherwise = 0): number => numberField(limits, name) ?? otherwise
  return {
    maxConnections: count('max_connections'),
    maxConnectionsPerEndpoint: count('max_connections_per_node'),
    maxRequests: count('max_requests'),
    maxRequestsPerEndpoint: count('max_requests_per_node'),
    maxPending: count('max_pending', 1024),
    pendingMs: toMilliseconds(count('pending_timeout', 5)),
    maxRetries: count('max_retries'),
  }
}

export function addedTo(value: JsonObject): JsonObject {
  return objectField(value, 'headgate') ?? NOTHING
}

/** What a rule of traffic-split says beside its weights; `null`: nothing. `warn`: of what cannot be as it is written. */
export function readSplitPolicy(
  rule: JsonObject,
  targets: readonly Target[],
  warn: (field: string, message: string) => void,
): SplitPolicy | null {
  const added = objectField(rule, 'headgate')
  if (added === null) return null
  const forced = objectField(added, 'forced')
  const sticky = objectField(added, 'sticky')
  return {
    forced: forced === null ? null : readForced(forced),
    sticky: sticky === null ? null : readSticky(sticky),
    whenOut: readWhenOut(textField(added, 'when_out') ?? 'error', targets, warn),
  }
}

function readForced(forced: JsonObject): ForcedTarget {
  const headers = textListField(forced, 'headers') ?? []
  const cookies = textListField(forced, 'cookies') ?? []
  return {
    sources: [
      ...headers.map((name) => ({ kind: 'header' as const, name: name.toLowerCase() })),
      ...cookies.map((name) => ({ kind: 'cookie' as const, name })),
    ],
  }
}

function readSticky(sticky: JsonObject): StickyTarget {
  const keepsZeroWeight = flagField(sticky, 'keep_zero_weight') === true
  const cookie = textField(sticky, 'cookie')
  if (cookie === null) {
    const key = hashKeyOf(textField(sticky, 'hash_on') ?? 'vars', textField(sticky, 'key') ?? '')
    return { by: { kind: 'hash', key }, keepsZeroWeight: false }
  }
  const sameSite = textField(sticky, 'same_site')
  return {
    by: {
      kind: 'cookie',
      name: cookie,
      maxAgeSeconds: numberField(sticky, 'max_age') ?? 0,
      path: textField(sticky, 'path') ?? '/',
      isSecure: flagField(sticky, 'secure') === true,
      isHttpOnly: flagField(sticky, 'http_only') !== false,
      sameSite: sameSite === 'lax' || sameSite === 'strict' || sameSite === 'none' ? sameSite : null,
    },
    keepsZeroWeight,
  }
}

function readWhenOut(
  text: string,
  targets: readonly Target[],
  warn: (field: string, message: string) => void,
): SplitPolicy['whenOut'] {
  if (text === 'error' || text === 'spill') return { kind: text }
  const index = targets.findIndex(({ variant }) => variant === text)
  if (index >= 0) return { kind: 'target', index }
  warn('headgate.when_out', `no branch is called ${text}: the share of a branch that is out fails`)
  return { kind: 'error' }
}
