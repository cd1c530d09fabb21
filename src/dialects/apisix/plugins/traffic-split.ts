import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import type { Predicate } from '../../../model/predicate.ts'
import type { Rule } from '../../../model/rule.ts'
import type { RespondTarget, Target } from '../../../model/split.ts'
import type { DialectSettings, Lookup } from '../../dialect.ts'
import { idField, listField, numberField, objectField } from '../fields.ts'
import { type Holder, modelId, originOf, type TranslationWarning } from '../holder.ts'
import { type EffectivePlugin, findUpstreamById, type OwnUpstream } from '../merge.ts'
import { targetOwnUpstream } from '../own-upstream.ts'
import { readSplitPolicy } from '../translate-added.ts'
import { nameUpstream, type TranslatedUpstream, translateUpstream } from '../translate-upstream.ts'
import { parseVars } from '../vars.ts'
import { readErrorBody, readFilter } from './meta.ts'
import { both, simplify } from './plugin.ts'

/** traffic-split, spec/apisix.md section 6: rules in order, each with weighted entries. */

/** Access phase: behind proxy-rewrite and redirect, whatever the numbers say. */
export const PRIORITY = 966

/** A rule without entries sends everything to the route's own upstream; an entry without weight weighs 1 (6.1). */
const DEFAULT_ENTRIES: readonly JsonValue[] = [{ weight: 1 }]
const DEFAULT_WEIGHT = 1

/** Above this sum the data plane scales weights down, so shares are no longer exact. */
const EXACT_CYCLE = 2 ** 25

export interface SplitContext {
  /** The route that the rules are for; splits are named after it, so that each route has rotations of its own. */
  readonly route: Holder
  readonly own: OwnUpstream
  readonly lookup: Lookup
}

export interface TranslatedRules {
  readonly rules: readonly Rule[]
  readonly warnings: readonly TranslationWarning[]
}

export function translateSplitRules(plugin: EffectivePlugin, context: SplitContext): TranslatedRules {
  const filter = readFilter(plugin.config)
  const rules: Rule[] = []
  const warnings: TranslationWarning[] = []
  for (const [index, rule] of rulesOf(plugin.config).entries()) {
    rules.push(translateRule(rule, index, { plugin, context, filter, warnings }))
  }
  return { rules, warnings }
}

/**
 * The inline upstreams of the plugin. They belong to the document that holds it: routes that inherit it from a service share them. Where
 * `upstream_id` stands beside, it wins and there is no inline one.
 */
export function translateSplitUpstreams(
  config: JsonObject,
  holder: Holder,
  lookup: Lookup,
  settings: DialectSettings,
): readonly TranslatedUpstream[] {
  const upstreams: TranslatedUpstream[] = []
  for (const [ruleIndex, rule] of rulesOf(config).entries()) {
    for (const [index, entry] of entriesOf(rule).entries()) {
      const inline = objectField(entry, 'upstream')
      if (inline === null || idField(entry, 'upstream_id') !== null) continue
      const path = `${entryPath(ruleIndex, index)}.upstream`
      upstreams.push(
        translateUpstream(inline, {
          id: inlineId(holder, ruleIndex, index),
          origin: originOf(holder, path),
          path,
          timeoutSeconds: settings.apisix.inlineTimeout,
          isInSplit: true,
          lookup,
        }),
      )
    }
  }
  return upstreams
}

interface RuleWork {
  readonly plugin: EffectivePlugin
  readonly context: SplitContext
  readonly filter: Predicate | null
  readonly warnings: TranslationWarning[]
}

function translateRule(rule: JsonObject, index: number, work: RuleWork): Rule {
  const { plugin, context, filter } = work
  const origin = originOf(plugin.holder, rulePath(index))
  const id = modelId(context.route, `plugins/traffic-split/rules/${index}`)
  const entries = entriesOf(rule)
  const targets = entries.map((entry, entryIndex) => translateEntry(entry, index, entryIndex, work))
  const missing = targets.find((target) => typeof target === 'string')
  if (missing !== undefined) {
    // Existence is looked at before the match (6.2), so the rule decides whether or not it would have matched.
    return {
      origin,
      predicate: filter,
      split: { id, origin, targets: [refuseMissing(missing, index, work)], policy: null },
    }
  }
  const found = targets.filter((target) => typeof target !== 'string')
  warnOfWeights(found, index, work)
  return {
    origin,
    predicate: both(filter, readMatch(rule)),
    split: {
      id,
      origin,
      targets: found,
      policy: readSplitPolicy(rule, found, (field, message) =>
        warn(work, `${rulePath(index)}.${field}`, message),
      ),
    },
  }
}

/** A target, or the id of the upstream that is missing. */
function translateEntry(
  entry: JsonObject,
  ruleIndex: number,
  index: number,
  work: RuleWork,
): Target | string {
  const { plugin, context } = work
  const weight = weightOf(entry)
  const path = entryPath(ruleIndex, index)
  const origin = originOf(plugin.holder, path)
  const upstreamId = idField(entry, 'upstream_id')
  const shared = { weight, origin, requestFilters: [], responseFilters: [] }
  if (upstreamId !== null) {
    const found = findUpstreamById(upstreamId, origin, context.lookup)
    if (found.kind === 'found') {
      return { kind: 'upstream', ...shared, variant: found.name, upstreamId: found.id }
    }
    // An entry of weight 0 costs nothing, not even a check that its upstream exists (13.5).
    if (weight > 0) return upstreamId
    return { kind: 'upstream', ...shared, variant: upstreamId, upstreamId: `apisix/upstreams/${upstreamId}` }
  }
  const inline = objectField(entry, 'upstream')
  if (inline === null) return { ...targetOwnUpstream(context.own, weight), origin }
  const id = inlineId(plugin.holder, ruleIndex, index)
  return { kind: 'upstream', ...shared, variant: nameUpstream(inline, id), upstreamId: id }
}

function refuseMissing(upstreamId: string, ruleIndex: number, work: RuleWork): RespondTarget {
  const { plugin } = work
  warn(
    work,
    rulePath(ruleIndex),
    `upstream ${upstreamId} does not exist: requests that reach this rule get 500`,
  )
  const replaced = readErrorBody(plugin.config)
  const text = `failed to fetch upstream info by upstream id: ${upstreamId}`
  return {
    kind: 'respond',
    weight: 1,
    variant: upstreamId,
    origin: originOf(plugin.holder, rulePath(ruleIndex)),
    requestFilters: [],
    responseFilters: [],
    status: 500,
    headers: [{ name: 'Content-Type', value: 'text/plain; charset=utf-8' }],
    body: replaced === null ? text : replaced,
    page: false,
    errorCode: 'SPLIT_UPSTREAM_NOT_FOUND',
  }
}

/** Items are alternatives; no list, an empty one, or an item that always holds: no condition. */
function readMatch(rule: JsonObject): Predicate | null {
  const match = listField(rule, 'match')
  if (match === null || match.length === 0) return null
  const items: Predicate[] = []
  for (const item of match) {
    if (!isJsonObject(item) || item.vars === undefined) continue
    const parsed = parseVars(item.vars)
    if ('error' in parsed) continue
    if (simplify(parsed.predicate) === null) return null
    items.push(parsed.predicate)
  }
  const [only] = items
  return only !== undefined && items.length === 1 ? only : { kind: 'any', of: items }
}

function warnOfWeights(targets: readonly Target[], ruleIndex: number, work: RuleWork): void {
  let sum = 0
  for (const target of targets) sum += target.weight
  const path = `${rulePath(ruleIndex)}.weighted_upstreams`
  if (sum === 0) {
    warn(
      work,
      path,
      'all weights are 0, so requests that reach this rule get 503 (the reference would serve them)',
    )
  } else if (sum > EXACT_CYCLE) {
    warn(
      work,
      path,
      'the weights add up to more than 33554432; they are scaled down and shares are no longer exact',
    )
  }
}

/** Paths in a warning are those of the translated route; what it inherits is named by its holder instead. */
function warn(work: RuleWork, path: string, message: string): void {
  const { plugin, context, warnings } = work
  const { holder } = plugin
  if (holder.collection === context.route.collection) warnings.push({ path, message })
  else
    warnings.push({ path: `${holder.kind}_id`, message: `${holder.kind} ${holder.id}, ${path}: ${message}` })
}

export function rulesOf(config: JsonObject): readonly JsonObject[] {
  const rules = listField(config, 'rules')
  return rules === null ? [] : rules.filter(isJsonObject)
}

export function entriesOf(rule: JsonObject): readonly JsonObject[] {
  const entries = listField(rule, 'weighted_upstreams')
  return (entries === null ? DEFAULT_ENTRIES : entries).filter(isJsonObject)
}

export function weightOf(entry: JsonObject): number {
  const weight = numberField(entry, 'weight')
  return weight === null ? DEFAULT_WEIGHT : weight
}

export function rulePath(index: number): string {
  return `plugins.traffic-split.rules[${index}]`
}

export function entryPath(ruleIndex: number, index: number): string {
  return `${rulePath(ruleIndex)}.weighted_upstreams[${index}]`
}

function inlineId(holder: Holder, ruleIndex: number, index: number): string {
  return modelId(holder, `plugins/traffic-split/rules/${ruleIndex}/weighted_upstreams/${index}`)
}
