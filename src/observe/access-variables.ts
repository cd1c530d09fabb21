import { hostname } from 'node:os'
import type { AccessRecord } from '../model/access-record.ts'
import { toByteString } from '../model/byte-string.ts'
import { suggest } from '../model/suggest.ts'
import { formatMilliseconds, formatSeconds } from './log-text.ts'
import { createCombinedStamp, createIsoStamp } from './log-time.ts'
import { HIDDEN, type Redactor } from './redact.ts'

/** Reads one value of a finished exchange as a byte string; '' is "none". Hidden values are hidden already. */
export type ReadLogValue = (record: AccessRecord) => string

type MakeReader = (redactor: Redactor) => ReadLogValue

const plain =
  (read: ReadLogValue): MakeReader =>
  () =>
    read
/** A name of a document, which is Unicode. */
const named =
  (read: ReadLogValue): MakeReader =>
  () =>
  (record) =>
    toByteString(read(record))
const count = (read: (record: AccessRecord) => number): MakeReader =>
  plain((record) => {
    const value = read(record)
    return value >= 0 ? `${value}` : ''
  })
const header =
  (name: string): MakeReader =>
  (redactor) => {
    if (redactor.hidesHeader(name)) return (record) => (record.header(name) === undefined ? '' : HIDDEN)
    return (record) => {
      const value = record.header(name)
      return value === undefined ? '' : redactor.header(name, value)
    }
  }

function queryOf(record: AccessRecord): string {
  const mark = record.target.indexOf('?')
  return mark < 0 ? '' : record.target.slice(mark + 1)
}

const args: MakeReader = (redactor) => (record) => redactor.query(queryOf(record))
const target: MakeReader = (redactor) => (record) => redactor.target(record.target)
const path = plain((record) => {
  if (record.path !== '') return record.path
  const mark = record.target.indexOf('?')
  return mark < 0 ? record.target : record.target.slice(0, mark)
})
const requestLine: MakeReader = (redactor) => (record) =>
  record.method === '' && record.target === ''
    ? ''
    : `${record.method} ${redactor.target(record.target)} ${record.protocol}`

/** Further attempts of a request: those at the endpoint of the one before, and those at another one. */
function countMoves({ upstreamAddress }: AccessRecord): { readonly same: number; readonly other: number } {
  const endpoints = upstreamAddress.split(', ')
  const same = endpoints.filter((endpoint, i) => i > 0 && endpoint === endpoints[i - 1]).length
  return { same, other: endpoints.length - 1 - same }
}

/** From the first attempt to the head of the answer, or to the end where there is none. */
function routingMs({ firstAttemptMs, answerMs, durationMs }: AccessRecord): number {
  return firstAttemptMs < 0 ? -1 : (answerMs < 0 ? durationMs : answerMs) - firstAttemptMs
}
const hostName = toByteString(hostname())

/** Names without a variable part: those of nginx, and those of the JSON fields. A Map: `constructor` is an unknown name. */
const VARIABLES: ReadonlyMap<string, MakeReader> = new Map<string, MakeReader>([
  // ---- as nginx calls them ----
  ['args', args],
  ['query_string', args],
  ['is_args', plain((record) => (queryOf(record) === '' ? '' : '?'))],
  ['body_bytes_sent', count((record) => record.bytesOut)],
  ['content_length', header('content-length')],
  ['content_type', header('content-type')],
  ['hostname', plain(() => hostName)],
  ['msec', plain((record) => formatSeconds(record.timeMs + record.durationMs))],
  ['pid', plain(() => `${process.pid}`)],
  ['remote_addr', plain((record) => record.clientAddress)],
  ['remote_port', count((record) => record.clientPort)],
  // who logs in is never known here: credentials are not read
  ['remote_user', plain(() => '')],
  ['request', requestLine],
  ['request_method', plain((record) => record.method)],
  ['request_time', plain((record) => formatSeconds(record.durationMs))],
  ['request_uri', target],
  ['server_protocol', plain((record) => record.protocol)],
  [
    'time_iso8601',
    () => {
      const stamp = createIsoStamp()
      return (record) => `${stamp(record.timeMs).slice(0, 19)}+00:00`
    },
  ],
  [
    'time_local',
    () => {
      const stamp = createCombinedStamp()
      return (record) => stamp(record.timeMs)
    },
  ],
  ['ssl_cipher', plain((record) => record.tlsCipher)],
  ['ssl_protocol', plain((record) => record.tlsVersion)],
  ['ssl_server_name', plain((record) => record.tlsServerName)],
  [
    'ssl_session_reused',
    plain((record) => (record.isTlsResumed === null ? '' : record.isTlsResumed ? 'r' : '.')),
  ],
  ['uri', path],
  ['upstream_addr', plain((record) => record.upstreamAddress)],
  ['upstream_host', plain((record) => record.upstreamHost)],
  ['upstream_response_time', plain((record) => formatSeconds(record.upstreamMs))],
  ['upstream_scheme', plain((record) => record.upstreamScheme)],
  ['upstream_uri', (redactor) => (record) => redactor.target(record.upstreamTarget)],
  // ---- as lines taken over from APISIX may call them ----
  ['request_line', requestLine],
  ['apisix_request_id', plain((record) => record.requestId)],
  ['apisix_upstream_response_time', plain((record) => formatSeconds(record.upstreamMs))],
  // ---- as the JSON calls them ----
  [
    'ts',
    () => {
      const stamp = createIsoStamp()
      return (record) => stamp(record.timeMs)
    },
  ],
  ['request_id', plain((record) => record.requestId)],
  ['client_ip', plain((record) => record.clientAddress)],
  ['client_port', count((record) => record.clientPort)],
  ['host', plain((record) => record.host)],
  ['path', path],
  ['query', args],
  ['status', count((record) => record.status)],
  ['bytes_in', count((record) => record.bytesIn)],
  ['bytes_out', count((record) => record.bytesOut)],
  ['duration_ms', plain((record) => formatMilliseconds(record.durationMs))],
  ['upstream_ms', plain((record) => formatMilliseconds(record.upstreamMs))],
  ['method', plain((record) => record.method)],
  ['scheme', plain((record) => record.scheme)],
  ['protocol', plain((record) => record.protocol)],
  ['route_id', named((record) => record.routeId)],
  ['route_name', named((record) => record.routeName)],
  ['service_id', named((record) => record.serviceId)],
  ['split_rule', count((record) => record.rule)],
  ['variant', named((record) => record.variant)],
  ['split_reason', plain((record) => record.splitReason)],
  ['upstream_id', named((record) => record.upstreamId)],
  ['node', named((record) => record.endpoint)],
  ['upstream_status', plain((record) => record.upstreamStatus)],
  ['attempts', count((record) => record.attempts)],
  ['flags', plain((record) => record.flags)],
  // ---- as Apinizer's log has them ----
  ['retry_count', plain((record) => `${countMoves(record).same}`)],
  ['failover_count', plain((record) => `${countMoves(record).other}`)],
  [
    'request_pipeline_ms',
    plain(({ firstAttemptMs, answerMs }) =>
      formatMilliseconds(firstAttemptMs >= 0 ? firstAttemptMs : answerMs),
    ),
  ],
  ['routing_ms', plain((record) => formatMilliseconds(routingMs(record)))],
  [
    'response_pipeline_ms',
    plain(({ answerMs, durationMs }) => formatMilliseconds(answerMs < 0 ? -1 : durationMs - answerMs)),
  ],
  ['error_code', plain((record) => record.errorCode)],
  ['user_agent', header('user-agent')],
  ['referer', header('referer')],
  ['trace_id', plain((record) => record.traceId)],
  ['span_id', plain((record) => record.spanId)],
])

/** The names of nginx for values that are not kept: they are refused by their own reason. */
const NOT_KEPT = /^(sent_http_|upstream_http_|upstream_cookie_)/

/** null, or why a name (without `$`) is no variable of a log line. */
export function checkLogVariable(name: string): string | null {
  if (VARIABLES.has(name) || /^(http|arg|cookie)_./.test(name)) return null
  if (NOT_KEPT.test(name))
    return `$${name}: fields of the answer are not kept for the log; those of the request are ($http_…)`
  const near = suggest(name, VARIABLES.keys())
  return `unknown variable $${name}${near === null ? '' : `: did you mean $${near}?`}`
}

/** The reader of a variable that was checked. */
export function readerOf(name: string, redactor: Redactor): ReadLogValue {
  const make = VARIABLES.get(name)
  if (make !== undefined) return make(redactor)
  const mark = name.indexOf('_')
  const rest = toByteString(name.slice(mark + 1))
  switch (name.slice(0, mark)) {
    case 'http':
      return header(rest.toLowerCase().replaceAll('_', '-'))(redactor)
    case 'arg':
      return readArgument(rest, redactor)
    case 'cookie':
      return readCookie(rest, redactor)
    default:
      throw new Error(`$${name} was not checked`)
  }
}

/** As sent, not decoded; the first of several. */
function readArgument(name: string, redactor: Redactor): ReadLogValue {
  const start = `${name}=`
  return (record) => {
    const query = queryOf(record)
    if (query === '') return ''
    for (const pair of redactor.query(query).split('&'))
      if (pair.startsWith(start)) return pair.slice(start.length)
    return ''
  }
}

function readCookie(name: string, redactor: Redactor): ReadLogValue {
  const start = `${name}=`
  const isHidden = redactor.hidesHeader('cookie')
  return (record) => {
    for (const piece of (record.header('cookie') ?? '').split(';')) {
      const pair = piece.trim()
      if (pair.startsWith(start)) return isHidden ? HIDDEN : pair.slice(start.length)
    }
    return ''
  }
}
