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

/** A JSON text, quotes included. Bytes that are no UTF-8 become U+FFFD. */
export function quoteJson(bytes: string): string {
  if (PLAIN.test(bytes)) return `"${bytes}"`
  const text = JSON.stringify(fromByteString(bytes)).replace(
    HIDDEN,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return toByteString(text)
}

/** A JSON text, or null where there is none ('' in the record). */
function textOrNull(bytes: string): string {
  return bytes === '' ? 'null' : quoteJson(bytes)
}

/** A count, or null for one that does not apply (negative). */
function countOrNull(value: number): string {
  return value >= 0 ? `${value}` : 'null'
}

/** Milliseconds with three digits at most, or null where there are none. */
function millisecondsOrNull(value: number): string {
  return value >= 0 ? `${Math.round(value * 1000) / 1000}` : 'null'
}

/**
 * JSON with the names of the documentation, snake_case, always all of them in this order, so that collectors see one shape: null is "does
 * not apply". `path` is what routes saw (the raw target where there was none, as after a malformed request), `query` the raw text behind `?`.
 */
export function createJsonFormat(): FormatLine {
  const stamp = createIsoStamp()
  return (r) => {
    const mark = r.target.indexOf('?')
    const rawPath = mark < 0 ? r.target : r.target.slice(0, mark)
    return (
      `{"ts":"${stamp(r.timeMs)}","request_id":${textOrNull(r.requestId)},"client_ip":${textOrNull(r.clientAddress)}` +
      `,"client_port":${countOrNull(r.clientPort)},"method":${textOrNull(r.method)},"scheme":${textOrNull(r.scheme)}` +
      `,"host":${textOrNull(r.host)},"path":${textOrNull(r.path === '' ? rawPath : r.path)}` +
      `,"query":${mark < 0 ? 'null' : quoteJson(r.target.slice(mark + 1))},"protocol":${textOrNull(r.protocol)}` +
      `,"status":${countOrNull(r.status)},"bytes_in":${countOrNull(r.bytesIn)},"bytes_out":${countOrNull(r.bytesOut)}` +
      `,"duration_ms":${millisecondsOrNull(r.durationMs)},"upstream_ms":${millisecondsOrNull(r.upstreamMs)}` +
      `,"route_id":${textOrNull(r.routeId)},"route_name":${textOrNull(r.routeName)},"service_id":${textOrNull(r.serviceId)}` +
      `,"split_rule":${countOrNull(r.rule)},"variant":${textOrNull(r.variant)},"split_reason":${textOrNull(r.splitReason)}` +
      `,"upstream_id":${textOrNull(r.upstreamId)},"node":${textOrNull(r.endpoint)}` +
      `,"upstream_status":${textOrNull(r.upstreamStatus)},"attempts":${countOrNull(r.attempts)},"flags":${textOrNull(r.flags)}` +
      `,"error_code":${textOrNull(r.errorCode)},"user_agent":${textOrNull(r.userAgent)},"referer":${textOrNull(r.referer)}}\n`
    )
  }
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
