import type { AnswerView } from '../expression/request-view.ts'
import type { CompiledResponseFilter } from '../routing/table.ts'
import type { Exchange } from './exchange.ts'
import { explainLine } from './explain-field.ts'
import { flatten } from './http1/flat.ts'
import { FIELD, type HeadFields } from './http1/head-fields.ts'
import type { ResponseHead } from './http1/response-head.ts'
import { appendFields, skipKinds } from './http1/write-fields.ts'
import { withholdField } from './request-id.ts'
import { statusLine } from './status-text.ts'

/**
 * How the answer's body is delimited toward the client. `none`: there is no body, the fields may still tell its length (HEAD). `close`: by the end of the
 * connection or stream. `tunnel`: the protocol changes.
 */
export type AnswerFraming = 'none' | 'length' | 'chunked' | 'close' | 'tunnel'

/** An answer that the gateway makes: status, field lines, body (byte strings). */
export interface OwnAnswer {
  readonly status: number
  readonly fields: string
  readonly body: string
}

export interface ComposedAnswer {
  readonly text: string
  readonly framing: AnswerFraming
  /** The body stands in `text`; what the upstream sends is dropped. */
  readonly replacesBody: boolean
  /** Bytes of body in `text`. */
  readonly bodyBytes: number
}

const NOT_RELAYED = [
  FIELD.CONNECTION,
  FIELD.CONTENT_LENGTH,
  FIELD.TRANSFER_ENCODING,
  FIELD.KEEP_ALIVE,
  FIELD.PROXY_CONNECTION,
  FIELD.PROXY_AUTHENTICATE,
  FIELD.TE,
  FIELD.UPGRADE,
  FIELD.HTTP2_SETTINGS,
  FIELD.NOMINATED,
  FIELD.SHADOW,
] as const
const SKIPPED = skipKinds(...NOT_RELAYED)
const SKIPPED_WITH_SERVER = skipKinds(...NOT_RELAYED, FIELD.SERVER)

const isHead = (answer: ResponseHead | OwnAnswer): answer is ResponseHead => !('body' in answer)

/** The answer's head as text, with the body where the gateway makes it. Null: a response filter made something that may not go out. */
export function composeAnswerHead(
  exchange: Exchange,
  answer: ResponseHead | OwnAnswer,
  framing: AnswerFraming,
): ComposedAnswer | null {
  const { requestId } = exchange.plane
  if (requestId.toClient && isHead(answer)) withholdField(answer.fields, requestId.lowerField)
  const filters = filtersOf(exchange)
  if (filters !== null) return composeFiltered(exchange, answer, framing, filters)
  const surface = exchange.surface
  const server = surface.serverField
  const ownServer = server === null ? '' : serverLine(server)
  if (!isHead(answer)) return composeOwn(exchange, answer, ownServer, '')
  const fields = appendFields(answer.fields, server === null ? SKIPPED : SKIPPED_WITH_SERVER)
  const line =
    answer.status === 200 && answer.reason === 'OK'
      ? 'HTTP/1.1 200 OK\r\n'
      : `HTTP/1.1 ${answer.status} ${answer.reason}\r\n`
  return {
    text: `${line}${fields}${ownServer}${ownFields(exchange)}${tail(exchange, answer, framing)}\r\n`,
    framing,
    replacesBody: false,
    bodyBytes: 0,
  }
}

let knownServer = ''
let knownServerLine = ''
/** The Server line; nearly always the same one. */
function serverLine(server: string): string {
  if (server !== knownServer) {
    knownServer = server
    knownServerLine = flatten(`Server: ${server}\r\n`)
  }
  return knownServerLine
}

function composeOwn(exchange: Exchange, answer: OwnAnswer, ownServer: string, extra: string): ComposedAnswer {
  const { status } = answer
  const mayHaveBody = status >= 200 && status !== 204 && status !== 304
  // an answer of gRPC that is a head alone has no body to have a length
  const length = mayHaveBody && !exchange.isGrpc ? `Content-Length: ${answer.body.length}\r\n` : ''
  const sendsBody = mayHaveBody && exchange.client.head.method !== 'HEAD'
  return {
    text: `${statusLine(status)}Date: ${httpDate()}\r\n${answer.fields}${extra}${ownServer}${ownFields(exchange)}${length}${persistence(exchange)}\r\n${sendsBody ? answer.body : ''}`,
    framing: 'none',
    replacesBody: true,
    bodyBytes: sendsBody ? answer.body.length : 0,
  }
}

/** Via, framing and persistence, made from what was parsed. */
function tail(exchange: Exchange, answer: ResponseHead, framing: AnswerFraming): string {
  const via = exchange.plane.options.settings.via
  const last =
    via === null ? persistence(exchange) : `Via: 1.${answer.minorVersion} ${via}\r\n${persistence(exchange)}`
  switch (framing) {
    case 'length':
      return `Content-Length: ${answer.contentLength}\r\n${last}`
    case 'chunked':
      return `Transfer-Encoding: chunked\r\n${last}`
    case 'close':
      return last
    case 'tunnel':
      return `Upgrade: ${answer.upgrade}\r\nConnection: Upgrade\r\n`
    case 'none':
      // HEAD and 304 tell what a GET would get; another method that a filter sent as HEAD gets an empty body
      if (exchange.client.head.method !== 'HEAD' && answer.status !== 304) {
        return answer.status === 204 ? last : `Content-Length: 0\r\n${last}`
      }
      if (answer.status === 204 || answer.contentLength < 0) return last
      return `Content-Length: ${answer.contentLength}\r\n${last}`
    default:
      return framing satisfies never
  }
}

function persistence(exchange: Exchange): string {
  if (exchange.client.willClose) return 'Connection: close\r\n'
  return exchange.client.head.minorVersion === 0 ? 'Connection: keep-alive\r\n' : ''
}

/** What the gateway says beside the endpoint's own fields: the statuses of the attempts; the request's id and why it went where it went. */
function ownFields(exchange: Exchange): string {
  const { marksAnswers, requestId } = exchange.plane
  const status = exchange.choiceCookie + statusField(exchange)
  if (!marksAnswers) return status
  const id = requestId.toClient ? `${requestId.field}: ${exchange.requestId}\r\n` : ''
  return status + id + attemptsLine(exchange) + explainLine(exchange)
}

/** How often the request was sent, to whom the settings say. */
function attemptsLine(exchange: Exchange): string {
  const { attemptsField } = exchange.plane.options.settings
  if (attemptsField === 'off' || exchange.sends === 0) return ''
  return attemptsField === 'always' || exchange.isPeerTrusted
    ? `X-Headgate-Attempts: ${exchange.sends}\r\n`
    : ''
}

/** `X-APISIX-Upstream-Status`: the statuses of all attempts, when the last is 5xx (or always). */
function statusField(exchange: Exchange): string {
  const statuses = exchange.upstreamStatuses
  if (statuses === '') return ''
  switch (exchange.surface.upstreamStatusField) {
    case 'never':
      return ''
    case 'onError': {
      const at = statuses.length - 3
      if (statuses.charCodeAt(at) !== 0x35) return ''
      break
    }
    case 'always':
      break
    default:
      return exchange.surface.upstreamStatusField satisfies never
  }
  return `X-APISIX-Upstream-Status: ${statuses}\r\n`
}

// ---- response filters ----

function filtersOf(exchange: Exchange): readonly CompiledResponseFilter[] | null {
  const route = exchange.route
  if (route === null) return null
  const own = exchange.choice === null ? NO_FILTERS : exchange.choice.responseFilters
  const shared = route.responseFilters
  if (own.length === 0 && shared.length === 0) return null
  return own.length === 0 ? shared : [...own, ...shared]
}
const NO_FILTERS: readonly CompiledResponseFilter[] = []

/** An answer as filters see it: fields by name while they are edited. */
class EditedAnswer implements AnswerView {
  status: number
  readonly upstreamStatus: number | undefined
  readonly endpointHost: string | undefined
  readonly endpointAddress: string | undefined
  readonly endpointPort: number | undefined
  readonly isError: boolean
  lines: (readonly [string, string])[]

  /** `isOwn`: the gateway makes the answer, also where an endpoint's cannot go out. */
  constructor(exchange: Exchange, status: number, isOwn: boolean, lines: (readonly [string, string])[]) {
    this.status = status
    this.upstreamStatus = isOwn ? undefined : exchange.upstreamStatus
    this.endpointHost = exchange.endpoint?.model.host
    this.endpointAddress = exchange.endpointAddress ?? this.endpointHost
    this.endpointPort = exchange.endpoint?.model.port
    this.isError = !isOwn && exchange.isAnswerError === true
    this.lines = lines
  }

  header(name: string): string | undefined {
    let value: string | undefined
    for (const [other, text] of this.lines) {
      if (other.toLowerCase() !== name) continue
      value = value === undefined ? text : `${value}, ${text}`
    }
    return value
  }
}

function composeFiltered(
  exchange: Exchange,
  answer: ResponseHead | OwnAnswer,
  framing: AnswerFraming,
  filters: readonly CompiledResponseFilter[],
): ComposedAnswer | null {
  const surface = exchange.surface
  const lines = isHead(answer)
    ? linesOf(answer.fields, surface.serverField !== null)
    : parseLines(answer.fields)
  if (!isHead(answer)) lines.unshift(['Date', httpDate()])
  if (surface.serverField !== null) lines.push(['Server', surface.serverField])
  // a filter may take these away like any other field
  lines.push(...parseLines(ownFields(exchange)))
  const view = new EditedAnswer(exchange, answer.status, !isHead(answer), lines)
  exchange.answer = view
  let status = answer.status
  let body: Buffer | null = null
  for (const filter of filters) {
    if (filter.applies !== null && !filter.applies(exchange, null)) continue
    if (filter.body !== null) {
      body = filter.body
      view.lines = view.lines.filter(([name]) => !BODY_FIELDS.has(name.toLowerCase()))
    }
    if (filter.headers !== null) {
      const added = filter.headers.lines(exchange, null)
      if (added === undefined) return null
      const { dropped } = filter.headers
      if (dropped.size > 0) view.lines = view.lines.filter(([name]) => !dropped.has(name.toLowerCase()))
      view.lines.push(...added)
    }
    if (filter.status !== null) status = filter.status
  }
  exchange.status = status
  let fields = ''
  for (const [name, value] of view.lines) fields += `${name}: ${value}\r\n`
  const mayHaveBody = status !== 204 && status !== 304
  const line = statusLine(status)
  if (body !== null || !isHead(answer)) {
    const text = body === null ? (answer as OwnAnswer).body : body.toString('latin1')
    const length = mayHaveBody ? `Content-Length: ${text.length}\r\n` : ''
    const sendsBody = mayHaveBody && exchange.client.head.method !== 'HEAD'
    return {
      text: `${line}${fields}${length}${persistence(exchange)}\r\n${sendsBody ? text : ''}`,
      framing: 'none',
      replacesBody: true,
      bodyBytes: sendsBody ? text.length : 0,
    }
  }
  if (!mayHaveBody) {
    return {
      text: `${line}${fields}${persistence(exchange)}\r\n`,
      framing: 'none',
      replacesBody: true,
      bodyBytes: 0,
    }
  }
  // a status that allows a body over an answer that had none
  const isBare = framing === 'none' && answer.contentLength < 0 && exchange.client.head.method !== 'HEAD'
  const end = isBare ? `Content-Length: 0\r\n${persistence(exchange)}` : tail(exchange, answer, framing)
  return {
    text: `${line}${fields}${end}\r\n`,
    framing,
    replacesBody: false,
    bodyBytes: 0,
  }
}

const BODY_FIELDS: ReadonlySet<string> = new Set(['content-encoding', 'last-modified', 'etag'])

function linesOf(fields: HeadFields, dropsServer: boolean): (readonly [string, string])[] {
  const skip = dropsServer ? SKIPPED_WITH_SERVER : SKIPPED
  const lines: (readonly [string, string])[] = []
  for (let i = 0; i < fields.count; i++) {
    if (skip[fields.kind[i] as number] !== 1) lines.push([fields.name(i), fields.value(i)])
  }
  return lines
}

function parseLines(text: string): (readonly [string, string])[] {
  const lines: (readonly [string, string])[] = []
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(': ')
    if (colon > 0) lines.push([line.slice(0, colon), line.slice(colon + 2)])
  }
  return lines
}

let dateText = ''
let dateSecond = 0
/** The Date field, made once a second. */
function httpDate(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateText = new Date(second * 1000).toUTCString()
  }
  return dateText
}
