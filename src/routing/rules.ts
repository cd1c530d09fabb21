import { compilePredicate } from '../expression/compile.ts'
import type { RequestView } from '../expression/request-view.ts'
import { SharedReads } from '../expression/shared-reads.ts'
import { toByteString } from '../model/byte-string.ts'
import { targetIdentity } from '../model/counters.ts'
import type { Rule } from '../model/rule.ts'
import type { Split, Target } from '../model/split.ts'
import { compileEventCall } from './event-call.ts'
import { compileLocation, compileRedirectStatus, locationNeedsBody } from './filters/redirect-location.ts'
import { compileRequestFilter } from './filters/request-filter.ts'
import { compileResponseFilter } from './filters/response-filter.ts'
import { compileSplit } from './split.ts'
import {
  type CompiledRule,
  type CompiledSplit,
  type CompiledTarget,
  type CompileEnvironment,
  NEEDS_BODY,
  type Test,
  type Trace,
} from './table.ts'

/** A rule, and whether its test or what it leads to reads the body. */
export class RuleEntry implements CompiledRule {
  readonly model: Rule
  readonly index: number
  readonly test: Test | null
  readonly needsBody: boolean
  readonly split: CompiledSplit
  /** What it reads together with the other rules of its route; null: nothing. */
  readonly reads: SharedReads | null
  constructor(
    model: Rule,
    index: number,
    env: CompileEnvironment,
    isBodyUsed = false,
    reads: SharedReads | null = null,
  ) {
    const predicate = model.predicate === null ? null : compilePredicate(model.predicate, reads ?? undefined)
    this.reads = reads
    this.model = model
    this.index = index
    this.test = predicate === null ? null : predicate.test
    const targets = compileTargets(model.split, env)
    this.needsBody = isBodyUsed || predicate?.needsBody === true || targets.some(readsBody)
    this.split = compileSplit(model.split, targets, env)
  }
}

/** The rules of a route. What their predicates read more than once is read once a choice. */
export function compileRules(
  rules: readonly Rule[],
  env: CompileEnvironment,
  isBodyUsed: boolean,
): readonly RuleEntry[] {
  const reads = new SharedReads(rules.map(({ predicate }) => predicate))
  const shared = reads.isUsed ? reads : null
  return rules.map((rule, index) => new RuleEntry(rule, index, env, isBodyUsed, shared))
}

/** The first rule whose predicate holds; null: none does. NEEDS_BODY: the next one reads a body that was not read yet. */
export function chooseRule(
  rules: readonly RuleEntry[],
  view: RequestView,
  trace: Trace | null,
): CompiledRule | null | typeof NEEDS_BODY {
  const reads = rules.length === 0 ? null : (rules[0] as RuleEntry).reads
  if (reads === null) return firstThatHolds(rules, view, trace)
  // Also before: what an error may have left of another request must not decide about this one.
  reads.forget()
  const rule = firstThatHolds(rules, view, trace)
  reads.forget()
  return rule
}

function firstThatHolds(
  rules: readonly RuleEntry[],
  view: RequestView,
  trace: Trace | null,
): CompiledRule | null | typeof NEEDS_BODY {
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i] as RuleEntry
    if (rule.needsBody && view.body === undefined) return NEEDS_BODY
    const held = rule.test === null || rule.test(view, trace)
    if (trace !== null) trace.rule(rule.model, i, held)
    if (held) return rule
  }
  return null
}

function readsBody(target: CompiledTarget): boolean {
  return (
    target.kind === 'echo' ||
    (target.kind === 'upstream' && target.event !== null) ||
    // read before the split is asked: a request takes one position of it, not one more when it comes back with its body
    target.requestFilters.some((filter) => filter.needsBody) ||
    target.responseFilters.some((filter) => filter.needsBody) ||
    (target.kind === 'redirect' && locationNeedsBody(target.model.location))
  )
}

function compileTargets(split: Split, env: CompileEnvironment): readonly CompiledTarget[] {
  return split.targets.map((target, index) => compileTarget(split, target, index, env))
}

function compileTarget(split: Split, target: Target, index: number, env: CompileEnvironment): CompiledTarget {
  const base = {
    index,
    requestFilters: target.requestFilters.map((filter) => compileRequestFilter(filter, env)),
    responseFilters: target.responseFilters.map(compileResponseFilter),
    slot: env.slot(targetIdentity(split.id, index)),
  }
  switch (target.kind) {
    case 'upstream':
      return {
        ...base,
        kind: 'upstream',
        model: target,
        upstream: env.upstream(target.upstreamId),
        event: target.event === undefined ? null : compileEventCall(target.event),
      }
    case 'respond':
      return { ...base, kind: 'respond', model: target, body: toByteString(target.body) }
    case 'echo':
      return { ...base, kind: 'echo', model: target }
    case 'redirect':
      return {
        ...base,
        kind: 'redirect',
        model: target,
        status: compileRedirectStatus(target.status),
        location: compileLocation(target.location),
      }
  }
}
