import { parseTemplate, type TemplateOptions } from '../../../expression/template.ts'
import type { JsonObject } from '../../../model/json.ts'
import type { Predicate } from '../../../model/predicate.ts'
import type { Rule } from '../../../model/rule.ts'
import type { RedirectLocation, RedirectStatus } from '../../../model/split.ts'
import type { DialectSettings } from '../../dialect.ts'
import { flagField, numberField, textField, textListField } from '../fields.ts'
import { type Holder, modelId, originOf } from '../holder.ts'
import type { EffectivePlugin } from '../merge.ts'
import { readErrorBody, readFilter } from './meta.ts'
import { both, type PluginCheck, refuse, warnOfTemplate } from './plugin.ts'
import { checkReplacement, checkUserPattern, REPLACEMENT } from './regex-uri.ts'

/** redirect, spec/apisix.md 9.1: a rule in front of all others, since the rewrite phase precedes the choice of an upstream. */
export const PRIORITY = 900

const DEFAULT_STATUS = 302

const FORWARDED_PROTO = 'http_x_forwarded_proto'

/** No `??` and no dots in bare names here, unlike proxy-rewrite. */
const URI_TEMPLATE: TemplateOptions = {
  fallbacks: false,
  dotsInNames: false,
  groups: false,
  variables: true,
}

/** The rule that answers, or null for a configuration that never does (`http_to_https: false` alone). */
export function translateRedirect(
  plugin: EffectivePlugin,
  route: Holder,
  settings: DialectSettings,
): Rule | null {
  const { config } = plugin
  const answer = readAnswer(config, settings)
  if (answer === null) return null
  const origin = originOf(plugin.holder, 'plugins.redirect')
  return {
    origin,
    predicate: both(readFilter(config), answer.predicate),
    split: {
      id: modelId(route, 'plugins/redirect'),
      origin,
      targets: [
        {
          kind: 'redirect',
          weight: 1,
          variant: 'redirect',
          origin,
          requestFilters: [],
          responseFilters: [],
          status: answer.status,
          location: answer.location,
        },
      ],
      policy: null,
    },
  }
}

/**
 * X-Forwarded-Proto decides where it is sent and not empty, else the connection's own scheme. What peers that are not trusted send in that
 * field does not count; the data plane takes care of that (spec/apisix.md section 10).
 */
const IS_PLAIN: Predicate = {
  kind: 'any',
  of: [
    {
      kind: 'all',
      of: [
        compare(FORWARDED_PROTO, 'notEqual', null),
        compare(FORWARDED_PROTO, 'notEqual', ''),
        compare(FORWARDED_PROTO, 'notEqual', 'https'),
      ],
    },
    {
      kind: 'all',
      of: [
        { kind: 'any', of: [compare(FORWARDED_PROTO, 'equal', null), compare(FORWARDED_PROTO, 'equal', '')] },
        compare('scheme', 'notEqual', 'https'),
      ],
    },
  ],
}

function compare(variable: string, operator: 'equal' | 'notEqual', value: string | null): Predicate {
  return { kind: 'test', variable, operator, value }
}

interface Answer {
  readonly predicate: Predicate | null
  readonly status: RedirectStatus
  readonly location: RedirectLocation
}

function readAnswer(config: JsonObject, settings: DialectSettings): Answer | null {
  const code = numberField(config, 'ret_code')
  const status = code === null ? DEFAULT_STATUS : code
  const encode = flagField(config, 'encode_uri') === true
  const appendQuery = flagField(config, 'append_query_string') === true
  const uri = textField(config, 'uri')
  if (uri !== null) {
    const template = parseTemplate(uri, URI_TEMPLATE)
    return { predicate: null, status, location: { kind: 'template', template, encode, appendQuery } }
  }
  const [pattern, replacement] = textListField(config, 'regex_uri') ?? []
  if (pattern !== undefined && replacement !== undefined) {
    return {
      // A path without a hit goes on to the upstream.
      predicate: { kind: 'test', variable: 'uri', operator: 'matches', value: pattern },
      status,
      location: {
        kind: 'pattern',
        pattern,
        replacement: parseTemplate(replacement, REPLACEMENT),
        encode,
        appendQuery,
      },
    }
  }
  if (flagField(config, 'http_to_https') !== true) return null
  return {
    predicate: IS_PLAIN,
    status: 'byMethod',
    location: { kind: 'https', port: settings.apisix.httpsPort },
  }
}

/** What the schema cannot say. */
export function checkRedirect(config: JsonObject, settings: DialectSettings): PluginCheck {
  if (flagField(config, 'http_to_https') === true && flagField(config, 'append_query_string') === true) {
    return refuse('only one of `http_to_https` and `append_query_string` can be configured.')
  }
  const [pattern, replacement] = textListField(config, 'regex_uri') ?? []
  if (pattern !== undefined && replacement !== undefined) {
    const fault = checkUserPattern(pattern, settings) ?? checkReplacement(replacement)
    if (fault !== null) return refuse(`invalid regex_uri (${pattern}, ${replacement}), err:${fault}`)
  }
  const code = numberField(config, 'ret_code')
  const hasBody = code !== null && code >= 400 && readErrorBody(config) !== null
  const warnings = hasBody
    ? [{ path: '_meta.error_response', message: 'redirect answers with its page; this has no effect yet' }]
    : []
  const uri = textField(config, 'uri')
  if (uri !== null) warnings.push(...warnOfTemplate(parseTemplate(uri, URI_TEMPLATE), 'uri'))
  return { error: null, warnings }
}
