import type { StoredDocument } from '../../model/document.ts'
import type { Predicate } from '../../model/predicate.ts'
import type { HostPattern, Route, RouteEntry } from '../../model/route.ts'
import type { Rule } from '../../model/rule.ts'
import type { DialectSettings, Lookup, Translation } from '../dialect.ts'
import { idField, numberField, textField, textListField } from './fields.ts'
import { translateHeldUpstreams } from './held-upstreams.ts'
import { modelId, originOf, type TranslationWarning } from './holder.ts'
import { type Merged, mergeRoute } from './merge.ts'
import { answerPage, targetOwnUpstream } from './own-upstream.ts'
import { parseHost, parsePath } from './patterns.ts'
import { translateKeyAuth } from './plugins/key-auth.ts'
import { readPriority } from './plugins/meta.ts'
import { both, simplify } from './plugins/plugin.ts'
import { PRIORITY as PROXY_REWRITE_PRIORITY, translateProxyRewrite } from './plugins/proxy-rewrite.ts'
import { PRIORITY as REDIRECT_PRIORITY, translateRedirect } from './plugins/redirect.ts'
import { translateResponseRewrite } from './plugins/response-rewrite.ts'
import { translateSplitRules } from './plugins/traffic-split.ts'
import { rankEntry } from './precedence.ts'
import { compareRawHosts, needsRawHost } from './raw-host.ts'
import { readTimeouts } from './translate-upstream.ts'
import { parseVars } from './vars.ts'

/** A route document: the route, its inline upstream and those inside its traffic-split. Switched off (`status: 0`): nothing. */
export function translateRoute(
  document: StoredDocument,
  lookup: Lookup,
  settings: DialectSettings,
): Translation {
  const { value } = document
  if (value.status === 0) return { objects: [], warnings: [] }
  const merged = mergeRoute(document, lookup)
  const held = translateHeldUpstreams(document, lookup, settings)
  const warnings = [...held.warnings]
  const { holder, service } = merged
  const hosts = readHosts(document, merged)
  const entries = readEntries(document, hosts, settings, warnings)
  if (entries.length === 0) return { objects: held.objects, warnings }
  const name = textField(value, 'name')
  const route: Route = {
    kind: 'route',
    id: modelId(holder, null),
    name: name === null ? holder.id : name,
    origin: originOf(holder, ''),
    section: 'apisix',
    entries,
    methods: readFilled(textListField(value, 'methods')),
    clients: readFilled(textListField(value, 'remote_addrs') ?? readSingle(textField(value, 'remote_addr'))),
    predicate: readPredicate(document, hosts, settings),
    ...readActions(merged, lookup, settings, warnings),
    timeouts: readTimeouts(value),
    labels: {
      routeId: holder.id,
      routeName: name,
      serviceId: idField(value, 'service_id'),
      serviceName: service === null ? null : textField(service.value, 'name'),
    },
  }
  return { objects: [route, ...held.objects], warnings }
}

/** The route's own host or hosts, else its service's; empty: any host. */
function readHosts(document: StoredDocument, merged: Merged): readonly string[] {
  const own = textListField(document.value, 'hosts') ?? readSingle(textField(document.value, 'host'))
  if (own !== null && own.length > 0) return own
  return (merged.service === null ? null : textListField(merged.service.value, 'hosts')) ?? []
}

/** One entry for each pair of host and path. */
function readEntries(
  document: StoredDocument,
  hosts: readonly string[],
  settings: DialectSettings,
  warnings: TranslationWarning[],
): readonly RouteEntry[] {
  const { value, createdRevision } = document
  const mode = settings.apisix.router
  const priority = numberField(value, 'priority')
  const hostPatterns: readonly (HostPattern | null)[] =
    hosts.length === 0 || needsRawHost(hosts, mode) ? [null] : hosts.map(parseHost)
  warnOfHosts(document, hosts, mode, warnings)
  const entries: RouteEntry[] = []
  for (const [index, uri] of (
    textListField(value, 'uris') ??
    readSingle(textField(value, 'uri')) ??
    []
  ).entries()) {
    const where = value.uris === undefined ? 'uri' : `uris[${index}]`
    const parsed = parsePath(uri, mode)
    if ('error' in parsed) {
      warnings.push({ path: where, message: `${parsed.error}; this path is left out` })
      continue
    }
    if (!uri.startsWith('/') && !uri.startsWith('*')) {
      warnings.push({ path: where, message: 'paths start with a slash, so this one never matches' })
    }
    if (mode !== 'radixtree_uri_with_parameter' && uri.includes('/:')) {
      warnings.push({
        path: where,
        message: `: is an ordinary character in router mode ${mode}; parameters need radixtree_uri_with_parameter`,
      })
    }
    for (const host of hostPatterns) {
      const rank = {
        host,
        path: parsed.path,
        literalLength: parsed.literalLength,
        patternLength: uri.length,
        priority: priority === null ? 0 : priority,
        createdRevision,
      }
      entries.push({
        host: host === null ? { kind: 'any' } : host,
        path: parsed.path,
        key: rankEntry(rank, mode),
      })
    }
  }
  return entries
}

function warnOfHosts(
  document: StoredDocument,
  hosts: readonly string[],
  mode: DialectSettings['apisix']['router'],
  warnings: TranslationWarning[],
): void {
  const { value } = document
  const path = value.hosts !== undefined ? 'hosts' : value.host !== undefined ? 'host' : 'service_id'
  for (const host of hosts) {
    if (host.endsWith('.')) {
      warnings.push({
        path,
        message: `${host} never matches, because a dot at the end of a request's Host does not count`,
      })
    } else if (mode === 'radixtree_host_uri' && /^[^[\]]*:|\]:/.test(host)) {
      warnings.push({
        path,
        message: `${host} has a port; in router mode ${mode} hosts are compared without port, so it never matches`,
      })
    }
  }
}

function readPredicate(
  document: StoredDocument,
  hosts: readonly string[],
  settings: DialectSettings,
): Predicate | null {
  const rawHost = needsRawHost(hosts, settings.apisix.router) ? compareRawHosts(hosts) : null
  const vars = document.value.vars
  if (vars === undefined) return rawHost
  const parsed = parseVars(vars)
  return both(rawHost, 'error' in parsed ? { kind: 'any', of: [] } : simplify(parsed.predicate))
}

type Actions = Pick<Route, 'requestFilters' | 'responseFilters' | 'rulesSee' | 'rules' | 'upgrades'>

/**
 * What happens to a request that the route matched, in the order of the reference's phases: redirect, then traffic-split, then the route's
 * own upstream.
 */
function readActions(
  merged: Merged,
  lookup: Lookup,
  settings: DialectSettings,
  warnings: TranslationWarning[],
): Actions {
  const dead = readDeadEnd(merged, warnings)
  if (dead !== null)
    return { requestFilters: [], responseFilters: [], rulesSee: 'rewritten', rules: [dead], upgrades: [] }
  const { holder, plugins, upstream } = merged
  const auth = plugins.get('key-auth')
  const rewrite = plugins.get('proxy-rewrite')
  const redirect = plugins.get('redirect')
  const split = plugins.get('traffic-split')
  const response = plugins.get('response-rewrite')
  const rules: Rule[] = []
  const redirectRule = redirect === undefined ? null : translateRedirect(redirect, holder, settings)
  if (redirectRule !== null) rules.push(redirectRule)
  if (split !== undefined) {
    const translated = translateSplitRules(split, { route: holder, own: upstream, lookup })
    rules.push(...translated.rules)
    warnings.push(...translated.warnings)
  }
  rules.push(readDefaultRule(merged, warnings))
  return {
    requestFilters: [
      ...(auth === undefined ? [] : [translateKeyAuth(auth)]),
      ...(rewrite === undefined ? [] : [translateProxyRewrite(rewrite)]),
    ],
    responseFilters: response === undefined ? [] : [translateResponseRewrite(response)],
    rulesSee: readRulesSee(merged, warnings),
    rules,
    upgrades: merged.allowsUpgrades ? ['*'] : [],
  }
}

/** Names that lead nowhere and stop the reference before any plugin runs, so no filter works on the answer either. */
function readDeadEnd(merged: Merged, warnings: TranslationWarning[]): Rule | null {
  const { holder, missingService, missingPluginConfig } = merged
  if (missingService !== null) {
    warnings.push({
      path: 'service_id',
      message: `service ${missingService} does not exist: every request gets 404`,
    })
    const origin = originOf(holder, 'service_id')
    return onlyTarget(origin, holder, answerPage(404, 'SERVICE_NOT_FOUND', missingService, origin))
  }
  if (missingPluginConfig === null) return null
  warnings.push({
    path: 'plugin_config_id',
    message: `plugin config ${missingPluginConfig} does not exist: every request gets 503`,
  })
  const origin = originOf(holder, 'plugin_config_id')
  return onlyTarget(origin, holder, answerPage(503, 'NO_UPSTREAM', missingPluginConfig, origin))
}

function readDefaultRule(merged: Merged, warnings: TranslationWarning[]): Rule {
  const { holder, upstream } = merged
  if (upstream.kind === 'missing') {
    const path = upstream.origin.kind === 'route' ? 'upstream_id' : 'service_id'
    warnings.push({
      path,
      message: `upstream ${upstream.id} does not exist: requests that need it get 502`,
    })
  }
  return onlyTarget(upstream.origin, holder, targetOwnUpstream(upstream, 1))
}

function onlyTarget(
  origin: Rule['origin'],
  holder: Merged['holder'],
  target: Rule['split']['targets'][number],
): Rule {
  return {
    origin,
    predicate: null,
    split: { id: modelId(holder, 'upstream'), origin, targets: [target], policy: null },
  }
}

/**
 * Rules see the fields that proxy-rewrite changed, unless `_meta.priority` puts redirect in front of it. With traffic-split behind both,
 * which always sees them, one order cannot serve the two; then redirect keeps seeing the changed fields.
 */
function readRulesSee(merged: Merged, warnings: TranslationWarning[]): Route['rulesSee'] {
  const rewrite = merged.plugins.get('proxy-rewrite')
  const redirect = merged.plugins.get('redirect')
  if (rewrite === undefined || redirect === undefined) return 'rewritten'
  const isFirst =
    readPriority(redirect.config, REDIRECT_PRIORITY) > readPriority(rewrite.config, PROXY_REWRITE_PRIORITY)
  if (!isFirst) return 'rewritten'
  if (!merged.plugins.has('traffic-split')) return 'original'
  warnings.push({
    path: 'plugins.redirect._meta.priority',
    message: 'beside traffic-split, redirect runs behind proxy-rewrite whatever its priority',
  })
  return 'rewritten'
}

function readFilled(list: readonly string[] | null): readonly string[] | null {
  return list === null || list.length === 0 ? null : list
}

function readSingle(text: string | null): readonly string[] | null {
  return text === null ? null : [text]
}
