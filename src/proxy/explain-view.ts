import { fromByteString } from '../model/byte-string.ts'
import {
  EXPLAIN_LIMITS,
  type ExplainedBalance,
  type ExplainedCandidate,
  type ExplainedComparison,
  type ExplainedCondition,
  type ExplainedEndpoint,
  type ExplainedResponseFilter,
  type ExplainedRoute,
  type ExplainedRule,
  type ExplainedSplit,
  type ExplainedTarget,
  type ExplainedUpstream,
} from '../model/explanation.ts'
import type { LongNumber, Predicate, PredicateValue, Scalar } from '../model/predicate.ts'
import { predicateText } from '../model/predicate-text.ts'
import type { Route } from '../model/route.ts'
import type { Split, SplitPolicy, Target } from '../model/split.ts'
import type { StreamRoute } from '../model/stream-route.ts'
import type { UpstreamTimeouts } from '../model/upstream.ts'
import type { TracedCandidate, TracedComparison, TracedRule } from '../routing/explain.ts'
import type { ChoiceReason, CompiledRule, CompiledSplit, CompiledTarget } from '../routing/table.ts'
import type { CompiledUpstream } from './upstream/upstreams.ts'

/** What was traced, and what is compiled, as the data of an explanation. */

/** A byte string for people, cut where it is long. */
export function showText(bytes: string): string {
  const text = fromByteString(bytes)
  return text.length > EXPLAIN_LIMITS.textChars ? `${text.slice(0, EXPLAIN_LIMITS.textChars)}…` : text
}

export function showNullable(bytes: string | null): string | null {
  return bytes === null ? null : showText(bytes)
}

export function showRoute({ id, name, section, origin }: Route | StreamRoute): ExplainedRoute {
  return { id, name, section, origin }
}

export function showCandidate({ route, entry, outcome, comparisons }: TracedCandidate): ExplainedCandidate {
  const passed = outcome === 'passed'
  const isTested = passed || outcome.condition === 'predicate'
  return {
    ...showRoute(route),
    host: cut(entry.describeHost()),
    path: cut(entry.describePath()),
    outcome: passed ? 'taken' : 'failed',
    failed: passed
      ? null
      : {
          condition: outcome.condition,
          expected:
            outcome.condition === 'predicate' && route.predicate !== null
              ? cut(predicateText(route.predicate))
              : cut(outcome.expected),
          actual: cut(outcome.actual),
        },
    predicate:
      isTested && route.predicate !== null ? showCondition(route.predicate, passed, comparisons) : null,
  }
}

export function showCondition(
  predicate: Predicate,
  held: boolean,
  comparisons: readonly TracedComparison[],
): ExplainedCondition {
  const negated = new Set<Predicate>()
  collectNegated(predicate, false, negated)
  return {
    text: cut(predicateText(predicate)),
    held,
    comparisons: comparisons.map((one) => showComparison(one, negated.has(one.predicate))),
  }
}

/** The comparisons inside an odd number of `not`. */
function collectNegated(predicate: Predicate, isNegated: boolean, into: Set<Predicate>): void {
  if (predicate.kind === 'not') return collectNegated(predicate.of, !isNegated, into)
  if (predicate.kind !== 'test') for (const part of predicate.of) collectNegated(part, isNegated, into)
  else if (isNegated) into.add(predicate)
}

function showComparison(
  { predicate, actual, held, other }: TracedComparison,
  isNegated: boolean,
): ExplainedComparison {
  const isPair =
    typeof predicate.value === 'object' && predicate.value !== null && 'variable' in predicate.value
  return {
    variable: predicate.variable,
    operator: predicate.operator,
    value: showValue(predicate.value, cut),
    ...(predicate.rules === undefined ? {} : { rules: predicate.rules }),
    actual: showActual(actual),
    ...(isPair ? { other: showActual(other) } : {}),
    held,
    isNegated,
  }
}

function showActual(actual: unknown): PredicateValue {
  return showValue(actual === undefined ? null : (actual as PredicateValue), showText)
}

/** Values of a list that are kept. */
const MAX_VALUES = 20

function showValue(value: PredicateValue, show: (text: string) => string): PredicateValue {
  const showScalar = <T extends Scalar | LongNumber | { readonly variable: string }>(
    scalar: T,
  ): T | string => (typeof scalar === 'string' ? show(scalar) : scalar)
  if (!isList(value)) return showScalar(value)
  const kept = value.slice(0, MAX_VALUES).map(showScalar)
  return value.length > MAX_VALUES ? [...kept, `… ${value.length - MAX_VALUES} more`] : kept
}

function isList(value: PredicateValue): value is readonly (Scalar | LongNumber)[] {
  return Array.isArray(value)
}

export function showRules(
  rules: readonly CompiledRule[],
  traced: readonly TracedRule[],
): readonly ExplainedRule[] {
  return rules.map(({ model, index }) => {
    const tested = traced.find((one) => one.index === index)
    return {
      index,
      origin: model.origin,
      outcome: tested === undefined ? 'notReached' : tested.held ? 'taken' : 'failed',
      predicate:
        tested === undefined || model.predicate === null
          ? null
          : showCondition(model.predicate, tested.held, tested.comparisons),
    }
  })
}

export function showSplit(
  split: CompiledSplit,
  choice: CompiledTarget | null,
  by: ChoiceReason,
): ExplainedSplit {
  const weights = split.model.targets.map(({ weight }) => weight)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const divisor = weights.reduce(greatestCommonDivisor, 0) || 1
  const next = choice?.index ?? null
  const living = weights.filter((weight) => weight > 0).length
  return {
    origin: split.model.origin,
    targets: split.model.targets.map((target, index) => ({
      index,
      kind: target.kind,
      variant: target.variant,
      upstream: target.kind === 'upstream' ? target.upstreamId : null,
      weight: target.weight,
      share: share(target.weight / divisor, total / divisor),
      isNext: index === next,
      origin: target.origin,
    })),
    next,
    reason: by !== 'weight' ? by : living === 0 ? 'noWeight' : living === 1 ? 'onlyTarget' : 'weights',
    policy: split.model.policy === null ? [] : describePolicy(split.model.policy, split.model),
  }
}

/** In the order in which they work. */
function describePolicy({ forced, sticky, whenOut, whenFailed }: SplitPolicy, { targets }: Split): string[] {
  const lines: string[] = []
  for (const { kind, name } of forced?.sources ?? [])
    lines.push(`forced by ${kind === 'header' ? 'field' : 'cookie'} ${name}, where it names a variant`)
  if (sticky?.by.kind === 'cookie') lines.push(`sticky by cookie ${sticky.by.name}`)
  if (sticky?.by.kind === 'hash') lines.push('sticky by the hash of a key')
  if (whenOut.kind === 'spill') lines.push('when a target is out, the others share what is its')
  if (whenOut.kind === 'target')
    lines.push(`when a target is out, ${targets[whenOut.index]?.variant ?? ''} gets what is its`)
  if (whenFailed !== undefined)
    lines.push(`what fails at another target goes on to ${targets[whenFailed]?.variant ?? ''}`)
  return lines
}

function share(parts: number, of: number): ExplainedTarget['share'] {
  return { parts, of, percent: of === 0 ? 0 : (100 * parts) / of }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

export function showResponseFilters(route: Route, target: Target | null): readonly ExplainedResponseFilter[] {
  const show =
    (of: 'route' | 'target') =>
    ({ origin, when }: Route['responseFilters'][number]): ExplainedResponseFilter => ({
      of,
      origin,
      when: when === null ? null : cut(predicateText(when)),
    })
  // in the order in which they work
  return [...(target?.responseFilters.map(show('target')) ?? []), ...route.responseFilters.map(show('route'))]
}

export function showUpstream(
  upstream: CompiledUpstream,
  next: number,
  {
    routeTimeouts,
    conditions,
    isKept,
    isHandshake,
    newCookies,
  }: {
    readonly routeTimeouts: UpstreamTimeouts | null
    readonly conditions: ReadonlyMap<number, ExplainedCondition>
    /** Whether a cookie of the client names the one that is next. */
    readonly isKept: boolean
    /** Whether it wants to change to WebSocket, and may. */
    readonly isHandshake: boolean
    /** Lines of the answer, '' for none. */
    readonly newCookies: string
  },
): ExplainedUpstream {
  const { model } = upstream
  return {
    ...showBalance(upstream, next, conditions),
    passHost: model.passHost,
    timeouts: routeTimeouts ?? model.timeouts,
    timeoutsOf: routeTimeouts === null ? 'upstream' : 'route',
    ...(model.sticky === undefined ? {} : { sticky: { cookie: model.sticky.cookie, isKept } }),
    ...(model.opening === undefined || !isHandshake ? {} : { opening: model.opening }),
    ...(newCookies === '' ? {} : { newCookies: namesOfCookies(newCookies) }),
  }
}

function namesOfCookies(lines: string): readonly string[] {
  return [...lines.matchAll(/^Set-Cookie: ([^=]+)=/gm)].map(([, name]) => name as string)
}

const NO_CONDITIONS: ReadonlyMap<number, ExplainedCondition> = new Map()

/** `next`: index of the endpoint that is next, or -1. */
export function showBalance(
  upstream: CompiledUpstream,
  next: number,
  conditions: ReadonlyMap<number, ExplainedCondition> = NO_CONDITIONS,
): ExplainedBalance {
  const { model } = upstream
  const living = model.endpoints.filter(
    ({ weight, failoverOnly }, index) => weight > 0 && !failoverOnly && conditions.get(index)?.held !== false,
  )
  const best = living.reduce((most, { priority }) => Math.max(most, priority), Number.NEGATIVE_INFINITY)
  const total = living.reduce((sum, { weight, priority }) => (priority === best ? sum + weight : sum), 0)
  const endpoints = upstream.endpoints.map((endpoint, index): ExplainedEndpoint => {
    const { weight, priority, failoverOnly } = endpoint.model
    const condition = conditions.get(index)
    const idle = failoverOnly
      ? 'failover'
      : condition?.held === false
        ? 'condition'
        : weight === 0
          ? 'weight'
          : priority === best
            ? null
            : 'priority'
    return {
      address: endpoint.label,
      weight,
      priority,
      share: idle === null ? weight / total : 0,
      isNext: index === next,
      idle,
      ...(condition === undefined ? {} : { condition }),
    }
  })
  return {
    id: model.id,
    name: model.name,
    origin: model.origin,
    scheme: model.scheme,
    balancer: model.balancer.kind,
    endpoints,
    next: upstream.endpoints[next]?.label ?? null,
    retries: model.retry.count,
    retryTimeoutMs: model.retry.timeoutMs,
  }
}

/** Documents' own texts are Unicode already. */
export function cut(text: string): string {
  return text.length > EXPLAIN_LIMITS.textChars ? `${text.slice(0, EXPLAIN_LIMITS.textChars)}…` : text
}
