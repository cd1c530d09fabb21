import { parseTemplate, type TemplateOptions } from '../../../expression/template.ts'
import type { PathRewrite, RequestRewrite } from '../../../model/filter.ts'
import type { JsonObject } from '../../../model/json.ts'
import type { DialectSettings } from '../../dialect.ts'
import { flagField, objectField, textField, textListField } from '../fields.ts'
import { originOf, type TranslationWarning } from '../holder.ts'
import type { EffectivePlugin } from '../merge.ts'
import { allEdits, HOP_FIELDS, isToken, readEdits, translateEdits, warnOfValues } from './header-edits.ts'
import { readFilter } from './meta.ts'
import { type PluginCheck, refuse, warnOfTemplate } from './plugin.ts'
import { checkReplacement, checkUserPattern, REPLACEMENT } from './regex-uri.ts'

/** proxy-rewrite, spec/apisix.md 9.1: path, method, Host and fields of the request, before any other plugin sees it. */
export const PRIORITY = 1008

const PATH_TEMPLATE: TemplateOptions = {
  fallbacks: true,
  dotsInNames: true,
  groups: false,
  variables: true,
}
/** Values may also hold groups of the pattern that hit. */
const VALUE_TEMPLATE: TemplateOptions = { ...PATH_TEMPLATE, groups: true }

/** Fields that other rules write: Host comes from `host` and `pass_host`, X-Real-IP from the connection. */
const UNTOUCHED = new Set(['host', 'x-real-ip'])

export function translateProxyRewrite(plugin: EffectivePlugin): RequestRewrite {
  const { config } = plugin
  const headers = objectField(config, 'headers')
  return {
    kind: 'rewriteRequest',
    origin: originOf(plugin.holder, 'plugins.proxy-rewrite'),
    when: readFilter(config),
    path: translatePath(config),
    method: textField(config, 'method'),
    host: textField(config, 'host'),
    headers: headers === null ? null : translateEdits(readEdits(headers), VALUE_TEMPLATE, isEditable),
  }
}

/** With the plugin on the route the resolved path goes out, encoded again, even where only fields change. */
function translatePath(config: JsonObject): PathRewrite {
  const source = flagField(config, 'use_real_request_uri_unsafe') === true ? 'target' : 'path'
  const uri = textField(config, 'uri')
  if (uri !== null) return { kind: 'template', source, template: parseTemplate(uri, PATH_TEMPLATE) }
  const pairs = textListField(config, 'regex_uri')
  if (pairs === null) return { kind: 'keep', source }
  const rules: { pattern: string; replacement: ReturnType<typeof parseTemplate> }[] = []
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    rules.push({
      pattern: pairs[i] as string,
      replacement: parseTemplate(pairs[i + 1] as string, REPLACEMENT),
    })
  }
  return { kind: 'patterns', source, rules }
}

/** What the schema cannot say. */
export function checkProxyRewrite(config: JsonObject, settings: DialectSettings): PluginCheck {
  const pairs = textListField(config, 'regex_uri')
  if (pairs !== null) {
    if (pairs.length % 2 !== 0) return refuse('The length of regex_uri should be an even number')
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const pattern = pairs[i] as string
      const replacement = pairs[i + 1] as string
      const fault = checkUserPattern(pattern, settings) ?? checkReplacement(replacement)
      if (fault !== null) return refuse(`invalid regex_uri(${pattern}, ${replacement}): ${fault}`)
    }
  }
  const headers = objectField(config, 'headers')
  const error = headers === null ? null : checkHeaders(headers)
  return { error, warnings: collectWarnings(config, headers) }
}

/** [R] The reference checks characters in the old form only; what it lets through in the new one would break every request. */
function checkHeaders(headers: JsonObject): string | null {
  const lines = readEdits(headers)
  for (const { name } of allEdits(lines)) {
    if (!isToken(name)) return 'invalid field character in header'
  }
  for (const line of [...lines.add, ...lines.set]) {
    if (!/^[\x20-\x7e]*$/.test(line.value)) return 'invalid value character in header'
  }
  return null
}

function collectWarnings(config: JsonObject, headers: JsonObject | null): TranslationWarning[] {
  const warnings: TranslationWarning[] = []
  const uri = textField(config, 'uri')
  if (uri !== null && textListField(config, 'regex_uri') !== null) {
    warnings.push({ path: 'regex_uri', message: 'uri is given too and wins; regex_uri has no effect' })
  }
  if (uri !== null) warnings.push(...warnOfTemplate(parseTemplate(uri, PATH_TEMPLATE), 'uri'))
  if (headers === null) return warnings
  warnings.push(...warnOfValues(readEdits(headers), VALUE_TEMPLATE))
  for (const { name, path } of allEdits(readEdits(headers))) {
    const lower = name.toLowerCase()
    if (lower === 'host') {
      warnings.push({ path, message: 'Host has no effect here; use host' })
    } else if (!isEditable(name)) {
      warnings.push({ path, message: `${name} is written by the gateway alone; this edit has no effect` })
    }
  }
  return warnings
}

function isEditable(name: string): boolean {
  const lower = name.toLowerCase()
  return !UNTOUCHED.has(lower) && !HOP_FIELDS.has(lower)
}
