import type { ModelObject } from '../../model/model.ts'
import { type Origin, originAt } from '../../model/origin.ts'
import type { Predicate } from '../../model/predicate.ts'
import type { HostPattern, PathPattern, Route, RouteEntry } from '../../model/route.ts'
import type { Rule } from '../../model/rule.ts'
import type { Upstream } from '../../model/upstream.ts'
import type { Lookup } from '../dialect.ts'
import { both, countComparisons, translateWhen } from './conditions.ts'
import { defaultOf } from './defaults.ts'
import { modelId, NATIVE, originOf } from './names.ts'
import { parseHost, parsePath } from './patterns.ts'
import { rankEntry } from './precedence.ts'
import type { Sink } from './sink.ts'
import { translateFilters } from './translate-filters.ts'
import { type OutcomeContext, translateOutcome } from './translate-outcome.ts'
import { readRouteTimeouts } from './translate-upstream.ts'
import type * as Native from './types.ts'

/** Pairs of host and path that one route may have. */
const MAX_ENTRIES = 10_000

/**
 * A route and the upstreams that are written inside it. The value fits the schema; what that cannot say is told to the sink, in the very pass
 * that translates, so that a document that is accepted is one that can be translated.
 */
export function translateRoute(
  value: Native.Route,
  id: string,
  lookup: Lookup | undefined,
  sink: Sink,
): readonly ModelObject[] {
  const origin = originOf('route', id)
  const upstreams: Upstream[] = []
  const when = value.when === undefined ? null : translateWhen(value.when, 'when', { hasAnswer: false, sink })
  const { rules, needs } = readRules(value, {
    collection: 'routes',
    routeId: id,
    origin,
    lookup,
    sink,
    upstreams,
  })
  const predicate = both(when, needs)
  const name = value.name ?? null
  const service = value.service ?? null
  const route: Route = {
    kind: 'route',
    id: modelId('routes', id),
    name: name ?? id,
    origin,
    section: NATIVE,
    entries: readEntries(value, predicate, sink),
    methods: value.methods ?? null,
    clients: value.clients ?? null,
    predicate,
    ...translateFilters(value.filters, '', origin, sink),
    rulesSee: value.rulesSee ?? defaultOf('route', 'rulesSee'),
    rules,
    upgrades: value.upgrades ?? [],
    timeouts: readRouteTimeouts(value.timeouts, 'timeouts', sink),
    labels: { routeId: id, routeName: name, serviceId: service, serviceName: service },
  }
  return [route, ...upstreams]
}

function readEntries(value: Native.Route, predicate: Predicate | null, sink: Sink): readonly RouteEntry[] {
  const hosts = readHosts(value)
  const paths = readPaths(value)
  if (hosts.length * paths.length > MAX_ENTRIES) {
    const pairs = `${hosts.length} hosts with ${paths.length} paths are ${hosts.length * paths.length} pairs`
    sink.refuse('', `${pairs}, at most ${MAX_ENTRIES} are allowed`, 'divide the route')
    return []
  }
  const rank = {
    priority: value.priority ?? defaultOf('route', 'priority'),
    conditions:
      (value.methods === undefined ? 0 : 1) +
      (value.clients === undefined ? 0 : 1) +
      (predicate === null ? 0 : countComparisons(predicate)),
  }
  const entries: RouteEntry[] = []
  for (const host of hosts) {
    for (const path of paths) entries.push({ host, path, key: rankEntry({ ...rank, host, path }) })
  }
  return entries
}

function readHosts(value: Native.Route): readonly HostPattern[] {
  if (value.hosts === undefined) return [{ kind: 'any' }]
  const hosts: HostPattern[] = []
  for (const written of value.hosts) {
    const parsed = parseHost(written)
    if (!('error' in parsed)) hosts.push(parsed)
  }
  return hosts
}

function readPaths(value: Native.Route): readonly PathPattern[] {
  if (value.paths === undefined) return [{ kind: 'prefix', text: '' }]
  const paths: PathPattern[] = []
  for (const written of value.paths) {
    if (typeof written === 'string') {
      const parsed = parsePath(written)
      if (!('error' in parsed)) paths.push(parsed)
    } else if (written.exact !== undefined) paths.push({ kind: 'exact', text: written.exact })
    else paths.push({ kind: 'prefix', text: written.prefix ?? '' })
  }
  return paths
}

/**
 * `needs`: where a redirect is all that a route has, what it needs is a condition of the route, so that requests for which it would lead nowhere
 * go to other routes.
 */
function readRules(
  value: Native.Route,
  context: OutcomeContext,
): { readonly rules: readonly Rule[]; readonly needs: Predicate | null } {
  const { sink, origin } = context
  const rules: Rule[] = []
  const last = translateOutcome(value, '', context)
  const written = value.rules ?? []
  for (const [i, rule] of written.entries()) {
    const path = `rules[${i}]`
    const translated = translateRule(rule, path, origin, context)
    if (translated === null) continue
    rules.push(translated)
    if (translated.predicate === null && (i < written.length - 1 || last !== null)) {
      sink.refuse(
        path,
        'always holds, so what comes behind it never decides',
        'give it a when, or put it last',
      )
    }
  }
  if (last !== null && written.length === 0) {
    const rule = { origin: last.split.origin, predicate: null, split: last.split }
    return { rules: [rule], needs: last.needs }
  }
  if (last !== null) rules.push({ origin: last.split.origin, predicate: last.needs, split: last.split })
  if (rules.length > 0 && rules.every(({ predicate }) => predicate !== null)) {
    sink.warn('rules', 'a request for which no rule holds gets 503; say beside them what it should get')
  }
  return { rules, needs: null }
}

function translateRule(
  rule: Native.Rule,
  path: string,
  origin: Origin,
  context: OutcomeContext,
): Rule | null {
  const when =
    rule.when === undefined
      ? null
      : translateWhen(rule.when, `${path}.when`, { hasAnswer: false, sink: context.sink })
  const outcome = translateOutcome(rule, path, context)
  if (outcome === null) return null
  return { origin: originAt(origin, path), predicate: both(when, outcome.needs), split: outcome.split }
}
