import type { AccessRecord } from '../model/access-record.ts'
import type { AccessLogSettings } from '../model/settings.ts'
import { compileLogTemplate, type FormatLine } from './access-template.ts'
import { escapeCombined, formatMilliseconds, quoteJson, quoteText } from './log-text.ts'
import { createCombinedStamp, createIsoStamp } from './log-time.ts'
import { createRedactor, type Redactor } from './redact.ts'

function nameOrNull(text: string): string {
  return text === '' ? 'null' : quoteText(text)
}

/** A JSON text, or null where there is none ('' in the record). */
function textOrNull(bytes: string): string {
  return bytes === '' ? 'null' : quoteJson(bytes)
}

/** A count, or null for one that does not apply (negative). */
function countOrNull(value: number): string {
  return value >= 0 ? `${value}` : 'null'
}

/** Milliseconds, or null where there are none. */
function millisecondsOrNull(value: number): string {
  return value >= 0 ? formatMilliseconds(value) : 'null'
}

const NOTHING_HIDDEN = createRedactor({ redactHeaders: [], redactQuery: [] })

/** Names of the fields of a JSON line, in their order; `accessLog.fields` may not take one of them. */
export const JSON_FIELDS: readonly string[] = (
  'ts request_id client_ip client_port host path query status bytes_in bytes_out duration_ms upstream_ms method scheme protocol route_id ' +
  'route_name service_id split_rule variant split_reason upstream_id node upstream_status attempts flags error_code user_agent referer ' +
  'trace_id span_id'
).split(' ')

/**
 * JSON with the names of the documentation, snake_case, always all of them in this order, so that collectors see one shape: null is "does
 * not apply". `path` is what routes saw (the raw target where there was none, as after a malformed request), `query` the raw text behind `?`.
 */
export function createJsonFormat(
  redactor: Redactor = NOTHING_HIDDEN,
  fields: AccessLogSettings['fields'] = {},
): FormatLine {
  const stamp = createIsoStamp()
  const choices = new ChoiceTexts()
  const more = createMoreFields(fields, redactor)
  return (r) => {
    const { target } = r
    const mark = target.indexOf('?')
    const path = r.path !== '' ? r.path : mark < 0 ? target : target.slice(0, mark)
    return (
      `{"ts":"${stamp(r.timeMs)}","request_id":${textOrNull(r.requestId)},"client_ip":${textOrNull(r.clientAddress)}` +
      `,"client_port":${countOrNull(r.clientPort)},"host":${textOrNull(r.host)},"path":${textOrNull(path)}` +
      `,"query":${mark < 0 ? 'null' : quoteJson(redactor.query(target.slice(mark + 1)))},"status":${countOrNull(r.status)}` +
      `,"bytes_in":${countOrNull(r.bytesIn)},"bytes_out":${countOrNull(r.bytesOut)}` +
      `,"duration_ms":${millisecondsOrNull(r.durationMs)},"upstream_ms":${millisecondsOrNull(r.upstreamMs)}` +
      `${choices.find(r)},"user_agent":${textOrNull(redactor.header('user-agent', r.userAgent))}` +
      `,"referer":${textOrNull(redactor.header('referer', r.referer))}` +
      `,"trace_id":${idOrNull(r.traceId)},"span_id":${idOrNull(r.spanId)}${more === null ? '' : more(r)}}\n`
    )
  }
}

/** Hexadecimal digits need no quoting. */
function idOrNull(id: string): string {
  return id === '' ? 'null' : `"${id}"`
}

/** The fields of `accessLog.fields`, each with its comma; null if there are none. */
function createMoreFields(
  fields: AccessLogSettings['fields'],
  redactor: Redactor,
): ((record: AccessRecord) => string) | null {
  const made = Object.entries(fields).map(([name, template]) => ({
    start: `,${JSON.stringify(name)}:`,
    read: compileLogTemplate(template, redactor),
  }))
  if (made.length === 0) return null
  return (record) => {
    let text = ''
    for (const { start, read } of made) text += start + textOrNull(read(record))
    return text
  }
}

/** The fields of a choice. */
type Choice = Pick<
  AccessRecord,
  | 'method'
  | 'scheme'
  | 'protocol'
  | 'routeId'
  | 'routeName'
  | 'serviceId'
  | 'rule'
  | 'variant'
  | 'splitReason'
  | 'upstreamId'
  | 'endpoint'
  | 'upstreamStatus'
  | 'attempts'
  | 'flags'
  | 'errorCode'
>

interface ChoiceText {
  readonly choice: Choice
  readonly text: string
}

/** Different choices kept for one route, and routes kept. */
const MAX_CHOICES = 16
const MAX_ROUTES = 1024

/**
 * The part of a line that says what was chosen and how it ended. It has half of a line's fields and few values: putting it together
 * anew each time took three times as long as all the rest. So it is kept by route, for the combinations seen last.
 */
class ChoiceTexts {
  readonly #routes = new Map<string, { readonly list: ChoiceText[]; next: number }>()

  find(r: AccessRecord): string {
    let route = this.#routes.get(r.routeId)
    if (route === undefined) {
      if (this.#routes.size >= MAX_ROUTES) this.#routes.clear()
      route = { list: [], next: 0 }
      this.#routes.set(r.routeId, route)
    }
    for (const kept of route.list) if (isSameChoice(kept.choice, r)) return kept.text
    const kept = { choice: copyChoice(r), text: formatChoice(r) }
    route.list[route.next] = kept
    route.next = (route.next + 1) % MAX_CHOICES
    return kept.text
  }
}

/** Fields of the same route only, those that differ most often first. */
function isSameChoice(a: Choice, b: Choice): boolean {
  return (
    a.endpoint === b.endpoint &&
    a.variant === b.variant &&
    a.rule === b.rule &&
    a.upstreamStatus === b.upstreamStatus &&
    a.attempts === b.attempts &&
    a.method === b.method &&
    a.errorCode === b.errorCode &&
    a.flags === b.flags &&
    a.splitReason === b.splitReason &&
    a.upstreamId === b.upstreamId &&
    a.protocol === b.protocol &&
    a.scheme === b.scheme &&
    a.routeName === b.routeName &&
    a.serviceId === b.serviceId
  )
}

/** The record is only lent: it may be filled anew for the next exchange. */
function copyChoice(r: Choice): Choice {
  return {
    method: r.method,
    scheme: r.scheme,
    protocol: r.protocol,
    routeId: r.routeId,
    routeName: r.routeName,
    serviceId: r.serviceId,
    rule: r.rule,
    variant: r.variant,
    splitReason: r.splitReason,
    upstreamId: r.upstreamId,
    endpoint: r.endpoint,
    upstreamStatus: r.upstreamStatus,
    attempts: r.attempts,
    flags: r.flags,
    errorCode: r.errorCode,
  }
}

function formatChoice(r: Choice): string {
  return (
    `,"method":${textOrNull(r.method)},"scheme":${textOrNull(r.scheme)},"protocol":${textOrNull(r.protocol)}` +
    `,"route_id":${nameOrNull(r.routeId)},"route_name":${nameOrNull(r.routeName)},"service_id":${nameOrNull(r.serviceId)}` +
    `,"split_rule":${countOrNull(r.rule)},"variant":${nameOrNull(r.variant)},"split_reason":${textOrNull(r.splitReason)}` +
    `,"upstream_id":${nameOrNull(r.upstreamId)},"node":${nameOrNull(r.endpoint)}` +
    `,"upstream_status":${textOrNull(r.upstreamStatus)},"attempts":${countOrNull(r.attempts)}` +
    `,"flags":${textOrNull(r.flags)},"error_code":${textOrNull(r.errorCode)}`
  )
}

/** The combined log format of Apache and nginx; times in UTC. Escapes as nginx does: `\xXX` for quotes, backslashes and other bytes. */
export function createCombinedFormat(redactor: Redactor = NOTHING_HIDDEN): FormatLine {
  const stamp = createCombinedStamp()
  return (r) => {
    const request =
      r.method === '' && r.target === ''
        ? '-'
        : escapeCombined(`${r.method} ${redactor.target(r.target)} ${r.protocol}`)
    return (
      `${escapeCombined(r.clientAddress) || '-'} - - [${stamp(r.timeMs)}] "${request}" ${r.status} ${r.bytesOut}` +
      ` "${escapeCombined(redactor.header('referer', r.referer)) || '-'}"` +
      ` "${escapeCombined(redactor.header('user-agent', r.userAgent)) || '-'}"\n`
    )
  }
}
