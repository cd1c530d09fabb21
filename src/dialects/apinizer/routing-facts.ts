import type { JsonObject } from '../../model/json.ts'
import { flagField, listField, numberField, objectField, textField } from '../../model/json-fields.ts'
import type { AnswerRule, Retry, SameEndpointRetry } from '../../model/upstream.ts'
import { type AddressCondition, translateCondition } from './condition.ts'
import type { ConditionFacts } from './condition-values.ts'

/** What counts as an error, and what is tried again after one (spec/apinizer.md 5.1 to 5.3), read from values that `validate` accepts. */

export type AddressType = 'PRIMARY' | 'FAILOVER_ONLY' | 'CANARY' | 'MIRROR'

export function addressType(address: JsonObject): AddressType {
  const type = textField(address, 'addressType') ?? 'PRIMARY'
  if (type === 'FAILOVER') return 'FAILOVER_ONLY'
  return type === 'CANARY' || type === 'FAILOVER_ONLY' || type === 'MIRROR' ? type : 'PRIMARY'
}

/** Settings of errors: those of the call for them go before those that the proxy was made with. */
export function errorSettings(proxy: JsonObject): JsonObject {
  return { ...(objectField(proxy, 'routingInfo') ?? {}), ...(objectField(proxy, 'errorHandling') ?? {}) }
}

/** Which of the two a setting of errors is taken from; errorHandling where neither has it. */
export function errorPlace(proxy: JsonObject, name: string): 'routingInfo' | 'errorHandling' {
  const has = (place: string): boolean => Object.hasOwn(objectField(proxy, place) ?? {}, name)
  return !has('errorHandling') && has('routingInfo') ? 'routingInfo' : 'errorHandling'
}

/** Statuses that count as errors; null: nobody has said, and the default (400 or above) holds. With a condition these are what it says is an error (`AnswerRule`). */
export function writtenErrorStatuses(proxy: JsonObject): readonly number[] | null {
  const settings = errorSettings(proxy)
  switch (textField(settings, 'errorHandlingType')) {
    case 'STATUS_CODE_LIST':
      return errorStatuses(settings)
    case 'DEFAULT':
    case 'ADVANCED':
      return FROM_400
    default:
      return null
  }
}

/** The list of STATUS_CODE_LIST, under either of its names. */
export function errorStatuses(settings: JsonObject): readonly number[] {
  const name = Array.isArray(settings.statusCodeList) ? 'statusCodeList' : 'errorStatusCodeList'
  return listField(settings, name).filter((status) => typeof status === 'number')
}

/** What says of an answer that it is an error, where statuses alone do not. */
export function readAnswerRule(proxy: JsonObject, facts: ConditionFacts): AnswerRule | null {
  const condition = readErrorCondition(proxy, facts)
  if (condition === null) return null
  const { when, badNumber, badDate, readsBody } = condition
  const bad = [badNumber, badDate].filter((one) => one !== null)
  return {
    isError: when,
    isBroken: bad.length === 0 ? null : { kind: 'any', of: bad },
    // a stream goes on as it comes
    readsBody: readsBody && !isStreamed(proxy),
  }
}

/** Whether the condition of errors looks into a body that it does not get. */
export function missesBody(proxy: JsonObject, facts: ConditionFacts): boolean {
  return isStreamed(proxy) && readErrorCondition(proxy, facts)?.readsBody === true
}

function readErrorCondition(proxy: JsonObject, facts: ConditionFacts): AddressCondition | null {
  const written = hasAnswerRule(proxy) ? objectField(errorSettings(proxy), 'errorCondition') : null
  return written === null ? null : translateCondition(written, facts, 'answer')
}

function isStreamed(proxy: JsonObject): boolean {
  return flagField(objectField(proxy, 'connection') ?? {}, 'enableStreaming')
}

/** Whether a condition says which answers are errors. */
export function hasAnswerRule(proxy: JsonObject): boolean {
  const settings = errorSettings(proxy)
  return (
    textField(settings, 'errorHandlingType') === 'ADVANCED' &&
    objectField(settings, 'errorCondition') !== null
  )
}

const statuses = (from: number): readonly number[] => Array.from({ length: 600 - from }, (_, i) => from + i)
export const FROM_400 = statuses(400)
const FROM_500 = statuses(500)

export interface Attempts {
  readonly retry: Retry
  /** Whether FAILOVER_ONLY addresses take part. */
  readonly usesFailoverOnly: boolean
}

/** What the addresses of a list speak. */
export type Family = 'http' | 'grpc' | 'webSocket'

/** Further attempts of a call of gRPC where nothing is written, by the vendor's published defaults. */
const DEFAULT_CALL_ATTEMPTS = 5

/** Retries at the same address are for HTTP only. */
export function readAttempts(
  proxy: JsonObject,
  primaries: number,
  hasFailoverOnly: boolean,
  family: Family,
): Attempts {
  const isHttp = family === 'http'
  const routing = objectField(proxy, 'routingInfo') ?? {}
  const written = writtenErrorStatuses(proxy)
  const errors = written ?? FROM_400
  const retryCount = isHttp && !isStreamed(proxy) ? (numberField(routing, 'retryCount') ?? 0) : 0
  const failoverCount = numberField(routing, 'failoverRetryCount')
  const isFailoverOnly = routing.failoverOnlyEnabled === true
  const isAny = textField(routing, 'failoverMode') === 'any'
  const isDefault =
    !isAny &&
    typeof routing.failoverOnlyEnabled !== 'boolean' &&
    !hasFailoverOnly &&
    primaries >= 2 &&
    failoverCount !== 0
  const isExplicit = isFailoverOnly || isAny
  const ofDefault = family === 'grpc' ? Math.min(DEFAULT_CALL_ATTEMPTS, primaries - 1) : primaries - 1
  const others =
    readCallAttempts(proxy) ?? (isFailoverOnly ? 0 : isAny || isDefault ? (failoverCount ?? ofDefault) : 0)
  const moving = isExplicit ? errors : isDefault ? (written ?? FROM_500) : []
  const retry: Retry = {
    count: others,
    timeoutMs: 0,
    attemptMs: 0,
    onHeadTimeout: true,
    onStatuses: isHttp ? moving : [],
    // elsewhere nothing is repeated after the first byte, whatever is written
    nonIdempotent: isHttp && (retryCount > 0 || isExplicit),
    sameEndpointWhenAlone: false,
    triesAgain: false,
    inOrder: true,
    sameEndpoint:
      retryCount === 0
        ? null
        : { count: retryCount, firstOnly: true, ...readDelay(routing), onStatuses: errors },
    failoverTries: isFailoverOnly ? Math.max(1, failoverCount ?? 1) : 0,
    // whoever writes how often it is tried means each request
    budget: retryCount > 0 || isExplicit ? { ratio: 1, perSecond: 1000 } : null,
  }
  return { retry, usesFailoverOnly: isFailoverOnly }
}

/** Further attempts of a call of gRPC, where they are written. */
function readCallAttempts(proxy: JsonObject): number | null {
  return numberField(objectField(proxy, 'grpc') ?? {}, 'maxRetryAttempts')
}

/** Copies are sent once. */
export function readMirrorRetry(proxy: JsonObject): Retry {
  return { ...readCanaryRetry(proxy), onHeadTimeout: false, onStatuses: [] }
}

/** One attempt, and what fails goes elsewhere by the split (canary). */
export function readCanaryRetry(proxy: JsonObject): Retry {
  return {
    count: 0,
    timeoutMs: 0,
    attemptMs: 0,
    onHeadTimeout: true,
    onStatuses: writtenErrorStatuses(proxy) ?? FROM_400,
    nonIdempotent: false,
    sameEndpointWhenAlone: false,
    triesAgain: false,
    sameEndpoint: null,
    failoverTries: 0,
    budget: null,
  }
}

function readDelay(routing: JsonObject): Pick<SameEndpointRetry, 'delayMs' | 'multiplier' | 'maxMs'> {
  const read = (name: string, fallback: number): number =>
    numberField(routing, name) ?? numberField(routing, `${name}Ms`) ?? fallback
  switch (textField(routing, 'retryDelayType')) {
    case 'FIXED':
    case 'FIXED_DELAY': {
      const delayMs = read('retryFixedDelay', 500)
      return { delayMs, multiplier: 1, maxMs: delayMs }
    }
    case 'EXPONENTIAL_BACKOFF':
      return {
        delayMs: read('retryInitialDelay', 500),
        multiplier: numberField(routing, 'retryBackoffMultiplier') ?? 2,
        maxMs: read('retryMaxDelay', 10_000),
      }
    default:
      return { delayMs: 0, multiplier: 1, maxMs: 0 }
  }
}
