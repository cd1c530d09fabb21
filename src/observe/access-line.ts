import type { AccessRecord } from '../model/access-record.ts'
import { fromByteString, toByteString } from '../model/byte-string.ts'

/**
 * One finished exchange as one line, newline included, as a byte string that is valid UTF-8. Nothing a client sends can end the line,
 * leave its field, or reach a terminal as a control sequence.
 */
export type FormatLine = (record: AccessRecord) => string

/** What may stand between JSON quotes as it is. */
const PLAIN = /^[ !#-[\]-~]*$/
/** What JSON lets pass but a terminal or an editor acts on: DEL, C1 controls, line separators, direction marks. */
const HIDDEN = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** A JSON text of a byte string, quotes included. Bytes that are no UTF-8 become U+FFFD. */
export function quoteJson(bytes: string): string {
  return PLAIN.test(bytes) ? `"${bytes}"` : quoteText(fromByteString(bytes))
}

/** The same of a Unicode text, such as names in documents are. */
function quoteText(text: string): string {
  const quoted = JSON.stringify(text).replace(
    HIDDEN,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return toByteString(quoted)
}

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

/** Milliseconds with three digits, or null where there are none. Put together from whole numbers: that is cheaper than a fraction. */
function millisecondsOrNull(value: number): string {
  if (!(value >= 0)) return 'null'
  const micros = Math.round(value * 1000)
  const whole = Math.floor(micros / 1000)
  const rest = micros - whole * 1000
  return `${whole}.${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}`
}

/**
 * JSON with the names of the documentation, snake_case, always all of them in this order, so that collectors see one shape: null is "does
 * not apply". `path` is what routes saw (the raw target where there was none, as after a malformed request), `query` the raw text behind `?`.
 */
export function createJsonFormat(): FormatLine {
  const stamp = createIsoStamp()
  const choices = new ChoiceTexts()
  return (r) => {
    const { target } = r
    const mark = target.indexOf('?')
    const path = r.path !== '' ? r.path : mark < 0 ? target : target.slice(0, mark)
    return (
      `{"ts":"${stamp(r.timeMs)}","request_id":${textOrNull(r.requestId)},"client_ip":${textOrNull(r.clientAddress)}` +
      `,"client_port":${countOrNull(r.clientPort)},"host":${textOrNull(r.host)},"path":${textOrNull(path)}` +
      `,"query":${mark < 0 ? 'null' : quoteJson(target.slice(mark + 1))},"status":${countOrNull(r.status)}` +
      `,"bytes_in":${countOrNull(r.bytesIn)},"bytes_out":${countOrNull(r.bytesOut)}` +
      `,"duration_ms":${millisecondsOrNull(r.durationMs)},"upstream_ms":${millisecondsOrNull(r.upstreamMs)}` +
      `${choices.find(r)},"user_agent":${textOrNull(r.userAgent)},"referer":${textOrNull(r.referer)}}\n`
    )
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
export function createCombinedFormat(): FormatLine {
  const stamp = createCombinedStamp()
  return (r) => {
    const request =
      r.method === '' && r.target === '' ? '-' : escapeCombined(`${r.method} ${r.target} ${r.protocol}`)
    return (
      `${escapeCombined(r.clientAddress) || '-'} - - [${stamp(r.timeMs)}] "${request}" ${r.status} ${r.bytesOut}` +
      ` "${escapeCombined(r.referer) || '-'}" "${escapeCombined(r.userAgent) || '-'}"\n`
    )
  }
}

export function escapeCombined(bytes: string): string {
  if (PLAIN.test(bytes)) return bytes
  return bytes.replace(
    /[^ !#-[\]-~]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** `2026-11-25T22:50:25.123Z`. Formatting a date costs more than the rest of a line, so the second is kept. */
function createIsoStamp(): (timeMs: number) => string {
  let second = Number.NaN
  let text = ''
  return (timeMs) => {
    const whole = Math.floor(timeMs / 1000)
    if (whole !== second) {
      second = whole
      text = new Date(whole * 1000).toISOString().slice(0, 20)
    }
    const rest = Math.floor(timeMs - whole * 1000)
    return `${text}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `25/Nov/2026:22:50:25 +0000`. */
function createCombinedStamp(): (timeMs: number) => string {
  let second = Number.NaN
  let text = ''
  return (timeMs) => {
    const whole = Math.floor(timeMs / 1000)
    if (whole !== second) {
      second = whole
      const iso = new Date(whole * 1000).toISOString()
      text = `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`
    }
    return text
  }
}
