import type { AccessRecord } from '../model/access-record.ts'
import { toByteString } from '../model/byte-string.ts'
import type { AccessLogSettings } from '../model/settings.ts'
import { suggest } from '../model/suggest.ts'
import { checkLogVariable, type ReadLogValue, readerOf } from './access-variables.ts'
import { escapeCombined, escapeJson } from './log-text.ts'
import type { Redactor } from './redact.ts'

/**
 * One finished exchange as one line, newline included, as a byte string that is valid UTF-8. Nothing a client sends can end the line,
 * leave its field, or reach a terminal as a control sequence.
 */
export type FormatLine = (record: AccessRecord) => string

/** Lines by a template: texts and `$name` or `${name}`. `$$` is a dollar sign. */

export const PRESETS = ['json', 'combined', 'apisix'] as const

/** APISIX's own default line (`nginx_config.http.access_log_format`); its versions up to 3.14 end before the request id. */
export const APISIX_TEMPLATE =
  '$remote_addr - $remote_user [$time_local] $http_host "$request" $status $body_bytes_sent $request_time ' +
  '"$http_referer" "$http_user_agent" $upstream_addr $upstream_status $upstream_response_time ' +
  '"$upstream_scheme://$upstream_host$upstream_uri" "$request_id"'

const MAX_TEMPLATE = 8192

type Part = string | { readonly variable: string }

/** What is wrong with `accessLog.format`, or null. */
export function checkLogFormat(text: string): string | null {
  if ((PRESETS as readonly string[]).includes(text)) return null
  if (text.includes('$')) return checkLogTemplate(text)
  const near = suggest(text, PRESETS)
  return `${JSON.stringify(text)} is no format${near === null ? '' : `: did you mean ${near}?`} (${PRESETS.join(', ')}, or a template with $ in it)`
}

/** What is wrong with a template, or null. */
export function checkLogTemplate(text: string): string | null {
  if (text.length > MAX_TEMPLATE) return `the template is longer than ${MAX_TEMPLATE} characters`
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(text))
    return 'a template is one line, without control characters but tabs'
  const parts = parseLogTemplate(text)
  if (typeof parts === 'string') return parts
  for (const part of parts) {
    const fault = typeof part === 'string' ? null : checkLogVariable(part.variable)
    if (fault !== null) return fault
  }
  return null
}

/** The parts, or what is wrong with the syntax. */
function parseLogTemplate(text: string): readonly Part[] | string {
  const parts: Part[] = []
  let literal = ''
  let i = 0
  while (i < text.length) {
    const dollar = text.indexOf('$', i)
    if (dollar < 0) break
    literal += text.slice(i, dollar)
    const hole = /^\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_-]*)\})/.exec(text.slice(dollar))
    if (hole === null) return `a name must follow the $ at character ${dollar + 1}; $$ is a dollar sign`
    i = dollar + hole[0].length
    if (hole[1] !== undefined) {
      literal += '$'
      continue
    }
    if (literal !== '') parts.push(literal)
    literal = ''
    parts.push({ variable: (hole[2] ?? hole[3]) as string })
  }
  literal += text.slice(i)
  if (literal !== '') parts.push(literal)
  return parts
}

/** A reader of a whole template, values as they are. `text` was checked. */
export function compileLogTemplate(
  text: string,
  redactor: Redactor,
  write: (value: string) => string = (value) => value,
): ReadLogValue {
  const parts = parseLogTemplate(text)
  if (typeof parts === 'string') throw new Error(`the template was not checked: ${parts}`)
  const readers = parts.map((part): ReadLogValue => {
    if (typeof part === 'string') {
      const bytes = toByteString(part)
      return () => bytes
    }
    const read = readerOf(part.variable, redactor)
    return (record) => write(read(record))
  })
  const [only] = readers
  if (only !== undefined && readers.length === 1) return only
  return (record) => {
    let line = ''
    for (const read of readers) line += read(record)
    return line
  }
}

/** Lines of a template. With `text` nothing is written as `-`, as nginx does it. */
export function createTemplateFormat(
  template: string,
  escaping: AccessLogSettings['escape'],
  redactor: Redactor,
): FormatLine {
  const write =
    escaping === 'json' ? escapeJson : (value: string) => (value === '' ? '-' : escapeCombined(value))
  const render = compileLogTemplate(template, redactor, write)
  return (record) => `${render(record)}\n`
}
