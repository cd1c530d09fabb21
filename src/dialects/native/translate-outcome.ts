import { type Origin, originAt } from '../../model/origin.ts'
import type { Predicate } from '../../model/predicate.ts'
import type { ResponseHeader } from '../../model/respond.ts'
import type { RedirectLocation, RespondTarget, Split, Target } from '../../model/split.ts'
import type { Upstream } from '../../model/upstream.ts'
import type { Lookup } from '../dialect.ts'
import { both } from './conditions.ts'
import { defaultOf } from './defaults.ts'
import { modelId } from './names.ts'
import { joinPath, type Sink } from './sink.ts'
import { templateOf } from './template.ts'
import { checkTemplate, refuseReserved, translateFilters } from './translate-filters.ts'
import { readPolicy } from './translate-policy.ts'
import { firstAddress, translateUpstream, warnOfScale } from './translate-upstream.ts'
import type * as Native from './types.ts'

/** What may stand in a rule, and beside the rules of a route. */
export type Outcome = Pick<
  Native.Rule,
  'split' | 'sticky' | 'forced' | 'whenOut' | 'upstream' | 'respond' | 'redirect'
>

export interface OutcomeContext {
  /** Of the document: `routes` or `streams`. */
  readonly collection: 'routes' | 'streams'
  readonly routeId: string
  readonly origin: Origin
  /** Undefined while a document is checked by itself: then nothing is missing. */
  readonly lookup: Lookup | undefined
  readonly sink: Sink
  /** Takes upstreams that are written in place. */
  readonly upstreams: Upstream[]
}

export interface TranslatedOutcome {
  readonly split: Split
  /** Without it a target would lead nowhere (a pattern that is not found, https that is there already); null: none is needed. */
  readonly needs: Predicate | null
}

/** null if none of the four stands there. `path` is that of the rule, or empty for the route. */
export function translateOutcome(
  value: Outcome,
  path: string,
  context: OutcomeContext,
): TranslatedOutcome | null {
  const { split, upstream, respond, redirect } = value
  if (split !== undefined) return translateSplit(value, split, path, context)
  if (upstream !== undefined) return single({ upstream }, path, 'upstream', context)
  if (respond !== undefined) return single({ respond }, path, 'respond', context)
  if (redirect !== undefined) return single({ redirect }, path, 'redirect', context)
  return null
}

/** A short form: the target's parts stand where the rule's do. */
function single(
  target: Native.Target,
  path: string,
  key: string,
  context: OutcomeContext,
): TranslatedOutcome {
  const place = joinPath(path, key)
  return {
    split: {
      id: modelId(context.collection, context.routeId, place),
      origin: originAt(context.origin, place),
      targets: [translateTarget(target, path, place, context)],
      policy: null,
    },
    needs: needsOf(target),
  }
}

function translateSplit(
  holder: Outcome,
  split: readonly Native.Target[],
  path: string,
  context: OutcomeContext,
): TranslatedOutcome {
  const { origin, sink, routeId, collection } = context
  const place = joinPath(path, 'split')
  const targets = split.map((target, i) =>
    translateTarget(target, `${place}[${i}]`, `${place}[${i}]`, context),
  )
  const weights = targets.map(({ weight }) => weight)
  if (weights.every((weight) => weight === 0)) sink.warn(place, 'all weights are 0: every request gets 503')
  warnOfScale(weights, place, sink)
  // a stored upstream is called by its name, which a document checked by itself does not know, and by its id
  const names = split.map(({ upstream }, i) => {
    const { variant } = targets[i] as Target
    return typeof upstream === 'string' && upstream !== variant ? [variant, upstream] : [variant]
  })
  const policy = readPolicy(holder, names, path, sink)
  let needs: Predicate | null = null
  for (const target of split) needs = both(needs, needsOf(target))
  return {
    split: { id: modelId(collection, routeId, place), origin: originAt(origin, place), targets, policy },
    needs,
  }
}

/** `path`: of the object that has the key `upstream`, `respond` or `redirect`. `place`: what the target is called in origins. */
function translateTarget(
  target: Native.Target,
  path: string,
  place: string,
  context: OutcomeContext,
): Target {
  const { origin: root, sink } = context
  const origin = originAt(root, place)
  const weight = target.weight ?? defaultOf('target', 'weight')
  const filters = translateFilters(target.filters, path, root, sink)
  if (target.upstream !== undefined) {
    const { id, variant } = findUpstream(target.upstream, joinPath(path, 'upstream'), context)
    if (id === null) {
      return {
        ...missing(target.upstream as string, origin),
        weight,
        variant: target.name ?? variant,
        ...filters,
      }
    }
    return { kind: 'upstream', weight, variant: target.name ?? variant, origin, ...filters, upstreamId: id }
  }
  if (target.respond !== undefined) {
    return {
      kind: 'respond',
      weight,
      variant: target.name ?? 'respond',
      origin,
      ...filters,
      ...translateRespond(target.respond, joinPath(path, 'respond'), sink),
    }
  }
  const redirect = target.redirect ?? ''
  return {
    kind: 'redirect',
    weight,
    variant: target.name ?? 'redirect',
    origin,
    ...filters,
    status: statusOf(redirect),
    location: translateLocation(redirect, joinPath(path, 'redirect'), sink),
  }
}

/** `id` is null for a stored upstream that is not there. */
function findUpstream(
  upstream: Native.UpstreamPlace,
  path: string,
  context: OutcomeContext,
): { readonly id: string | null; readonly variant: string } {
  if (typeof upstream !== 'string') {
    const id = modelId(context.collection, context.routeId, path)
    const name = upstream.name ?? firstAddress(upstream) ?? id
    const place = { id, origin: originAt(context.origin, path), path, name }
    context.upstreams.push(translateUpstream(upstream, place, context.sink))
    return { id, variant: name }
  }
  const id = modelId('upstreams', upstream)
  if (context.lookup === undefined) return { id, variant: upstream }
  const stored = context.lookup('upstreams', upstream)
  if (stored === undefined) {
    context.sink.warn(path, `upstream ${upstream} does not exist: requests that come to it get 502`)
    return { id: null, variant: upstream }
  }
  const { name } = stored.value
  return { id, variant: typeof name === 'string' ? name : upstream }
}

function missing(id: string, origin: Origin): RespondTarget {
  return {
    kind: 'respond',
    weight: 1,
    variant: id,
    origin,
    requestFilters: [],
    responseFilters: [],
    status: 502,
    headers: [],
    body: '',
    page: true,
    errorCode: 'UPSTREAM_NOT_FOUND',
  }
}

/** Statuses whose answers have no body (RFC 9110 15.3.5, 15.3.6, 15.4.5). */
const BODILESS = new Set([204, 205, 304])

function translateRespond(
  respond: Native.Respond,
  path: string,
  sink: Sink,
): Pick<RespondTarget, 'status' | 'headers' | 'body' | 'page' | 'errorCode'> {
  if (typeof respond === 'number') {
    return { status: respond, headers: [], body: '', page: true, errorCode: null }
  }
  const status = respond.status ?? defaultOf('respond', 'status')
  const body = respond.body ?? ''
  if (body !== '' && BODILESS.has(status))
    sink.refuse(joinPath(path, 'body'), `an answer ${status} has no body`)
  return {
    status,
    headers: readHeaders(respond.headers, joinPath(path, 'headers'), sink),
    body,
    page: respond.page === true,
    errorCode: respond.errorCode ?? null,
  }
}

function readHeaders(
  headers: Exclude<Native.Respond, number>['headers'],
  path: string,
  sink: Sink,
): readonly ResponseHeader[] {
  const lines: ResponseHeader[] = []
  for (const [name, value] of Object.entries(headers ?? {})) {
    refuseReserved(name, joinPath(path, name), true, sink)
    for (const one of Array.isArray(value) ? value : [value]) lines.push({ name, value: String(one) })
  }
  return lines
}

const DEFAULT_STATUS = 302

function statusOf(redirect: Native.Redirect): number | 'byMethod' {
  if (typeof redirect === 'string') return DEFAULT_STATUS
  return redirect.status ?? (redirect.https === true ? 'byMethod' : DEFAULT_STATUS)
}

function translateLocation(redirect: Native.Redirect, path: string, sink: Sink): RedirectLocation {
  const written = typeof redirect === 'string' ? { to: redirect } : redirect
  if (written.https === true) return { kind: 'https', port: written.port ?? defaultOf('redirect', 'port') }
  const encode = written.encode ?? defaultOf('redirect', 'encode')
  const appendQuery = written.appendQuery ?? defaultOf('redirect', 'appendQuery')
  if (written.match !== undefined) {
    const replace = written.replace ?? ''
    checkTemplate(replace, joinPath(path, 'replace'), { hasGroups: true, hasAnswer: false }, sink)
    return { kind: 'pattern', pattern: written.match, replacement: templateOf(replace), encode, appendQuery }
  }
  const to = written.to ?? ''
  const place = typeof redirect === 'string' ? path : joinPath(path, 'to')
  checkTemplate(to, place, { hasGroups: false, hasAnswer: false }, sink)
  return { kind: 'template', template: templateOf(to), encode, appendQuery }
}

function needsOf({ redirect }: Native.Target): Predicate | null {
  if (typeof redirect !== 'object') return null
  if (redirect.https === true) return CAME_IN_PLAIN
  if (redirect.match === undefined) return null
  return { kind: 'test', variable: 'uri', operator: 'matches', value: redirect.match }
}

/**
 * The client came without TLS: X-Forwarded-Proto says so where a proxy sent it (the data plane drops it from peers that are not trusted), else
 * the connection itself.
 */
const CAME_IN_PLAIN: Predicate = {
  kind: 'any',
  of: [
    { kind: 'test', variable: 'http_x_forwarded_proto', operator: 'equal', value: 'http' },
    {
      kind: 'all',
      of: [
        { kind: 'test', variable: 'http_x_forwarded_proto', operator: 'equal', value: null },
        { kind: 'test', variable: 'scheme', operator: 'notEqual', value: 'https' },
      ],
    },
  ],
}
