import { isJsonObject, type JsonObject } from '../../../model/json.ts'
import { idField, listField, numberField, objectField } from '../fields.ts'
import type { TranslationWarning } from '../holder.ts'
import { checkHashKey, checkUpstreamRules } from '../upstream-rules.ts'
import { checkVars, PASSED, type PluginCheck, refuse, warnOfExtras } from './plugin.ts'
import { entriesOf, rulesOf } from './traffic-split.ts'

/** What the schema of traffic-split cannot say, and what its author should know though it is accepted (spec/apisix.md 6.1, 6.4). */

const TOP = new Set(['rules', '_meta'])
const RULE = new Set(['match', 'weighted_upstreams', 'headgate'])
const MATCH_ITEM = new Set(['vars'])
const ENTRY = new Set(['upstream_id', 'upstream', 'weight'])

/** Where a property of traffic-split belongs; for hints on those that stand elsewhere. */
const PLACES: Readonly<Record<string, string>> = {
  rules: 'directly in traffic-split',
  match: 'in an element of rules',
  weighted_upstreams: 'in an element of rules',
  vars: 'in an element of match',
  upstream_id: 'in an element of weighted_upstreams',
  upstream: 'in an element of weighted_upstreams',
  weight: 'in an element of weighted_upstreams',
}

/** The reference reads none of these inside traffic-split. */
const HONOURED = ['retries', 'retry_timeout', 'keepalive_pool', 'checks', 'warm_up_conf']
const IGNORED = ['desc', 'labels', 'create_time', 'update_time']
const DISCOVERY = ['service_name', 'discovery_type', 'discovery_args']

export function checkTrafficSplit(config: JsonObject): PluginCheck {
  const warnings: TranslationWarning[] = warnOfExtras(Object.keys(config), TOP, '', (key) =>
    hintOnPlace(key, config[key]),
  )
  let isReached = true
  for (const [index, rule] of rulesOf(config).entries()) {
    const path = `rules[${index}]`
    if (!isReached) warnings.push({ path, message: 'never reached: the rule before it has no condition' })
    const match = checkMatch(rule, path)
    const entries = checkEntries(rule, path)
    const error = match.error ?? entries.error ?? checkPolicy(rule)
    if (error !== null) return refuse(error)
    warnings.push(
      ...warnOfExtras(Object.keys(rule), RULE, path, (key) => hintOnPlace(key, rule[key])),
      ...match.warnings,
      ...entries.warnings,
    )
    if (!hasCondition(rule)) isReached = false
  }
  return { error: null, warnings }
}

/** What the added fields must keep among themselves. */
function checkPolicy(rule: JsonObject): string | null {
  const added = objectField(rule, 'headgate')
  if (added === null) return null
  const forced = objectField(added, 'forced')
  if (forced !== null && Object.keys(forced).length === 0) return 'headgate.forced needs headers or cookies'
  const sticky = objectField(added, 'sticky')
  if (sticky === null) return null
  const isHash = Object.hasOwn(sticky, 'hash_on') || Object.hasOwn(sticky, 'key')
  const isCookie = Object.hasOwn(sticky, 'cookie')
  if (isHash === isCookie) return 'headgate.sticky needs either cookie, or hash_on and key'
  if (isCookie) return null
  const own = Object.keys(sticky).find((name) => name !== 'hash_on' && name !== 'key')
  if (own !== undefined) return `headgate.sticky.${own} is for a cookie, and there is none`
  const fault = checkHashKey({ ...sticky, type: 'chash' })
  return fault === null ? null : `headgate.sticky.key: ${fault}`
}

function checkMatch(rule: JsonObject, path: string): PluginCheck {
  const match = listField(rule, 'match')
  if (match === null) return PASSED
  const warnings: TranslationWarning[] = []
  for (const [index, item] of match.entries()) {
    if (!isJsonObject(item)) continue
    const place = `${path}.match[${index}]`
    if (item.vars === undefined) {
      return refuse("failed to validate the 'vars' expression: missing argument rule")
    }
    const vars = checkVars(item.vars, `${place}.vars`)
    if (vars.error !== null) return vars
    warnings.push(
      ...vars.warnings,
      ...warnOfExtras(Object.keys(item), MATCH_ITEM, place, (key) => hintOnPlace(key, item[key])),
    )
  }
  return { error: null, warnings }
}

function checkEntries(rule: JsonObject, path: string): PluginCheck {
  const warnings: TranslationWarning[] = []
  const seen = new Set<string>()
  for (const [index, entry] of entriesOf(rule).entries()) {
    const place = `${path}.weighted_upstreams[${index}]`
    const upstream = objectField(entry, 'upstream')
    const id = idField(entry, 'upstream_id')
    if (upstream !== null) {
      const fault = checkUpstreamRules(upstream)
      if (fault !== null) return refuse(fault)
      if (id === null) warnings.push(...warnOfInlineFields(upstream, `${place}.upstream`))
      else warnings.push({ path: `${place}.upstream`, message: 'upstream_id is given too and wins' })
    }
    if (upstream === null || id !== null) {
      const key = id === null ? 'the route itself' : `upstream ${id}`
      if (seen.has(key) && numberField(entry, 'weight') !== 0) {
        warnings.push({
          path: place,
          message: `${key} stands here more than once: its weights add up (APISIX would keep the last one)`,
        })
      }
      seen.add(key)
    }
    warnings.push(...warnOfExtras(Object.keys(entry), ENTRY, place, (key) => hintOnPlace(key, entry[key])))
  }
  return { error: null, warnings }
}

function warnOfInlineFields(upstream: JsonObject, path: string): TranslationWarning[] {
  const wayOut = 'create an Upstream object and name it by upstream_id'
  const warnings: TranslationWarning[] = []
  const add = (fields: readonly string[], message: string): void => {
    for (const field of fields) {
      if (Object.hasOwn(upstream, field)) warnings.push({ path: `${path}.${field}`, message })
    }
  }
  add(HONOURED, `works here, but APISIX itself ignores it inside traffic-split; to be portable, ${wayOut}`)
  add(IGNORED, `has no effect inside traffic-split; ${wayOut}`)
  add(DISCOVERY, `is not supported inside traffic-split, so requests get 503; ${wayOut}`)
  return warnings
}

/**
 * A misplaced property: one that has its place elsewhere, or one that holds what belongs here, so that the whole configuration sits one
 * level too deep (13.7).
 */
function hintOnPlace(key: string, value: unknown): string | null {
  const place = Object.hasOwn(PLACES, key) ? PLACES[key] : undefined
  if (place !== undefined) return `has no effect here; it belongs ${place}`
  const inner = Array.isArray(value) ? value[0] : value
  if (!isJsonObject(inner)) return null
  const nested = Object.keys(inner).find((name) => Object.hasOwn(PLACES, name))
  return nested === undefined
    ? null
    : `has no effect: the configuration is nested one level too deep; ${nested} belongs ${PLACES[nested]}`
}

function hasCondition(rule: JsonObject): boolean {
  const match = listField(rule, 'match')
  return match !== null && match.length > 0
}
