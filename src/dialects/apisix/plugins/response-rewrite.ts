import type { TemplateOptions } from '../../../expression/template.ts'
import { CONTROL } from '../../../model/field-syntax.ts'
import type { ResponseFilter } from '../../../model/filter.ts'
import { isJsonObject, type JsonObject } from '../../../model/json.ts'
import type { Predicate } from '../../../model/predicate.ts'
import { flagField, numberField, objectField, textField } from '../fields.ts'
import { originOf } from '../holder.ts'
import type { EffectivePlugin } from '../merge.ts'
import { parseVars } from '../vars.ts'
import {
  allEdits,
  HOP_FIELDS,
  isNewForm,
  isToken,
  readEdits,
  translateEdits,
  warnOfValues,
} from './header-edits.ts'
import { readFilter } from './meta.ts'
import { both, checkVars, type PluginCheck, refuse, simplify } from './plugin.ts'

/** response-rewrite, spec/apisix.md 9.1: works on every answer of a matched route, also on those the gateway makes. */
export const PRIORITY = 899

const VALUE_TEMPLATE: TemplateOptions = {
  fallbacks: true,
  dotsInNames: true,
  groups: false,
  variables: true,
}

export function translateResponseRewrite(plugin: EffectivePlugin): ResponseFilter {
  const { config } = plugin
  const headers = objectField(config, 'headers')
  return {
    kind: 'rewriteResponse',
    origin: originOf(plugin.holder, 'plugins.response-rewrite'),
    when: both(readFilter(config), readCondition(config)),
    status: numberField(config, 'status_code'),
    bodyBase64: readBody(config),
    headers:
      headers === null
        ? null
        : translateEdits(readEdits(headers), VALUE_TEMPLATE, (name) => !HOP_FIELDS.has(name.toLowerCase())),
  }
}

function readCondition(config: JsonObject): Predicate | null {
  if (config.vars === undefined) return null
  const parsed = parseVars(config.vars)
  return 'error' in parsed ? { kind: 'any', of: [] } : simplify(parsed.predicate)
}

function readBody(config: JsonObject): string | null {
  const body = textField(config, 'body')
  if (body === null || flagField(config, 'body_base64') === true) return body
  return Buffer.from(body, 'utf8').toString('base64')
}

/** What the schema cannot say. */
export function checkResponseRewrite(config: JsonObject): PluginCheck {
  for (const field of ['filters', 'max_resp_body_size']) {
    if (Object.hasOwn(config, field)) {
      return refuse(
        `property "${field}" is not supported: changes inside the backend's body would hold it in memory`,
      )
    }
  }
  if (flagField(config, 'body_base64') === true && !isBase64(textField(config, 'body'))) {
    return refuse('invalid base64 content')
  }
  const vars = config.vars === undefined ? { error: null, warnings: [] } : checkVars(config.vars, 'vars')
  if (vars.error !== null) return vars
  const headers = objectField(config, 'headers')
  if (headers === null) return vars
  const warnings = [...vars.warnings, ...warnOfValues(readEdits(headers), VALUE_TEMPLATE)]
  return { error: checkHeaders(headers), warnings }
}

function checkHeaders(headers: JsonObject): string | null {
  if (!isNewForm(headers)) {
    for (const [name, value] of Object.entries(headers)) {
      if (name === '') return 'invalid field length in header'
      if (typeof value !== 'string' && typeof value !== 'number') return 'invalid type as header value'
    }
  } else if (!hasGoodShape(headers)) return 'object matches none of the required'
  const lines = readEdits(headers)
  for (const { name } of allEdits(lines)) {
    if (!isToken(name)) return 'invalid field character in header'
    // [R] The reference lets these through and breaks the answer.
    if (HOP_FIELDS.has(name.toLowerCase())) {
      return `property "headers" validation failed: ${name} belongs to the connection and cannot be rewritten`
    }
  }
  for (const line of [...lines.add, ...lines.set]) {
    if (CONTROL.test(line.value)) return 'invalid value character in header'
  }
  return null
}

/** `add` is a list of lines, `set` maps names to texts or numbers, `remove` is a list of names. Each holds something if it is there. */
function hasGoodShape(headers: JsonObject): boolean {
  const { add, set, remove } = headers
  if (add !== undefined) {
    if (!Array.isArray(add) || add.length === 0) return false
    if (!add.every((line) => typeof line === 'string' && line.indexOf(':') > 0)) return false
  }
  if (set !== undefined) {
    if (!isJsonObject(set) || Object.keys(set).length === 0) return false
    if (!Object.values(set).every((value) => typeof value === 'string' || typeof value === 'number'))
      return false
  }
  if (remove === undefined) return true
  return Array.isArray(remove) && remove.length > 0 && remove.every((name) => typeof name === 'string')
}

/** RFC 4648 section 4, with its padding; decoders that skip what they do not know would store another body than was meant. */
function isBase64(text: string | null): boolean {
  if (text === null || text === '' || text.length % 4 !== 0) return false
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text)
}
