import type { Exchange } from './exchange.ts'
import { flatten } from './http1/flat.ts'
import { FIELD, type HeadFields } from './http1/head-fields.ts'
import { appendFields, skipKinds } from './http1/write-fields.ts'
import type { CompiledEndpoint, CompiledUpstream } from './upstream/upstreams.ts'

/** Fields of the client that never go on as they came: hop-by-hop, framing, Host and everything the gateway says itself. */
const NOT_FORWARDED = [
  FIELD.HOST,
  FIELD.CONNECTION,
  FIELD.CONTENT_LENGTH,
  FIELD.TRANSFER_ENCODING,
  FIELD.KEEP_ALIVE,
  FIELD.PROXY_CONNECTION,
  FIELD.PROXY_AUTHORIZATION,
  FIELD.TE,
  FIELD.TRAILER,
  FIELD.UPGRADE,
  FIELD.HTTP2_SETTINGS,
  FIELD.EXPECT,
  FIELD.FORWARDED,
  FIELD.X_FORWARDED_FOR,
  FIELD.X_FORWARDED_PROTO,
  FIELD.X_FORWARDED_HOST,
  FIELD.X_FORWARDED_PORT,
  FIELD.X_REAL_IP,
  FIELD.NOMINATED,
  FIELD.SHADOW,
] as const

const SKIPPED = skipKinds(...NOT_FORWARDED)
/** A trusted peer's Forwarded goes on. */
const SKIPPED_FROM_TRUSTED = skipKinds(...NOT_FORWARDED.filter((kind) => kind !== FIELD.FORWARDED))

/**
 * The head of the request as it is sent to an endpoint (reliability.md section 3): request line in origin form, one Host, the client's own
 * fields as they came, the forwarding fields, framing made anew from what was parsed. `copiedBytes`: of a copy, whose body is complete and goes with its length; -1: it is the request itself.
 */
export function composeRequestHead(
  exchange: Exchange,
  upstream: CompiledUpstream,
  endpoint: CompiledEndpoint,
  copiedBytes = -1,
): string {
  const head = exchange.client.head
  const fields = head.fields
  const isTrusted = exchange.isPeerTrusted
  const skip = isTrusted ? SKIPPED_FROM_TRUSTED : SKIPPED
  const overlay = exchange.overlay
  if (
    overlay === null &&
    exchange.redirect === null &&
    !exchange.cameForwarded &&
    passesHost(exchange, upstream)
  ) {
    const kept = appendFields(fields, skip)
    return `${exchange.sentMethod} ${exchange.sentTarget}${commonLines(exchange)}${kept}${endpoint.proxyLine}${framing(exchange, upstream, copiedBytes)}\r\n`
  }
  const kept = overlay === null ? appendFields(fields, skip) : appendEdited(fields, skip, exchange)
  return `${exchange.sentMethod} ${exchange.sentTarget} HTTP/1.1\r\nHost: ${hostFor(exchange, upstream, endpoint)}\r\n${kept}${forwarding(exchange, isTrusted)}${endpoint.proxyLine}${framing(exchange, upstream, copiedBytes)}\r\n`
}

/** The head of an event (model/event-call.ts): nothing of the client's but the marks of the request. */
export function composeEventHead(
  exchange: Exchange,
  upstream: CompiledUpstream,
  endpoint: CompiledEndpoint,
  bodyBytes: number,
): string {
  const { plane } = exchange
  const { via } = plane.options.settings
  let text = `${exchange.sentMethod} ${exchange.sentTarget} HTTP/1.1\r\nHost: ${hostFor(exchange, upstream, endpoint)}\r\nContent-Type: application/json\r\nContent-Length: ${bodyBytes}\r\n`
  if (plane.marksRequests) text += marks(exchange)
  if (via !== null) text += `Via: 1.${exchange.client.head.minorVersion} ${via}\r\n`
  return `${text}\r\n`
}

/** What an event tells of the fields: those that an endpoint would get, with the Host of the client. */
export function eventFields(exchange: Exchange): string {
  const isTrusted = exchange.isPeerTrusted
  const { head } = exchange.client
  const kept = appendEdited(head.fields, isTrusted ? SKIPPED_FROM_TRUSTED : SKIPPED, exchange)
  return `Host: ${head.hostField}\r\n${kept}${forwarding(exchange, isTrusted)}`
}

/** Of a request that comes back as its answer: what shows who the client is or what it may stays here, and what the gateway says of every answer. */
const NOT_ECHOED = skipKinds(...NOT_FORWARDED, FIELD.COOKIE, FIELD.SERVER, FIELD.DATE, FIELD.VIA)

/** The fields of a request as its answer carries them, edits by filters included: all but those of the hop, of the way and with credentials. */
export function echoedFields(exchange: Exchange): string {
  const { requestId } = exchange.plane
  const lines = appendEdited(exchange.client.head.fields, NOT_ECHOED, exchange)
  let text = ''
  for (const line of lines.split('\r\n')) {
    const name = line.slice(0, line.indexOf(':')).toLowerCase()
    if (name === '' || CREDENTIALS.has(name)) continue
    if (requestId.toClient && name === requestId.lowerField) continue
    text += `${line}\r\n`
  }
  return text
}
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie'])

function passesHost(exchange: Exchange, upstream: CompiledUpstream): boolean {
  return (
    upstream.model.passHost === 'pass' &&
    exchange.hostOverride === null &&
    exchange.client.head.hostField !== ''
  )
}

/** Version, Host and forwarding lines of a client that brought none of its own: the same for all its requests with one Host. */
function commonLines(exchange: Exchange): string {
  const cache = exchange.client.commonLines
  const host = exchange.client.head.hostField
  if (cache.host !== host || cache.client !== exchange.clientAddress) {
    cache.host = host
    cache.client = exchange.clientAddress
    cache.text = flatten(` HTTP/1.1\r\nHost: ${host}\r\n${forwarding(exchange, false)}`)
  }
  return cache.text
}

export function hostFor(exchange: Exchange, upstream: CompiledUpstream, endpoint: CompiledEndpoint): string {
  if (exchange.redirect !== null) return exchange.redirect.place.hostField
  switch (upstream.model.passHost) {
    case 'pass':
      if (exchange.hostOverride !== null) return exchange.hostOverride
      // HTTP/1.0 without Host: the endpoint's own name, since HTTP/1.1 asks for one
      return exchange.client.head.hostField === '' ? endpoint.hostField : exchange.client.head.hostField
    case 'node':
      return endpoint.hostField
    case 'rewrite':
      return upstream.hostField
    default:
      return upstream.model.passHost satisfies never
  }
}

function framing(exchange: Exchange, upstream: CompiledUpstream, copiedBytes: number): string {
  const head = exchange.client.head
  let text = ''
  if (head.teTrailers) text = 'TE: trailers\r\n'
  if (exchange.upgrade !== '') text += `Upgrade: ${head.fields.get('upgrade')}\r\nConnection: Upgrade\r\n`
  if (exchange.plane.marksRequests) text += marks(exchange)
  const via = exchange.plane.options.settings.via
  if (via !== null) text += `Via: 1.${head.minorVersion} ${via}\r\n`
  if (exchange.redirect !== null) return text // whatever body came stays behind
  const least = upstream.model.dropsZeroLength === true ? 1 : 0
  if (copiedBytes >= 0)
    return copiedBytes > 0 || ((head.contentLength >= 0 || head.chunked) && least === 0)
      ? `${text}Content-Length: ${copiedBytes}\r\n`
      : text
  if (head.chunked) {
    if (head.trailerAllowed) text += `Trailer: ${head.fields.get('trailer')}\r\n`
    return `${text}Transfer-Encoding: chunked\r\n`
  }
  return head.contentLength >= least ? `${text}Content-Length: ${head.contentLength}\r\n` : text
}

/** The request's id and the trace, unless an edit of the fields says otherwise. */
function marks(exchange: Exchange): string {
  const { requestId } = exchange.plane
  const { overlay, trace } = exchange
  let text = ''
  if (requestId.toUpstream && overlay?.drops(requestId.lowerField) !== true)
    text = `${requestId.field}: ${exchange.requestId}\r\n`
  if (exchange.isTraced && trace !== null && overlay?.drops('traceparent') !== true)
    text += trace.attemptLine()
  return text
}

/** X-Real-IP, X-Forwarded-For, -Proto, -Host, -Port as apisix.md section 10 and reliability.md sections 0 and 3 have them. */
function forwarding(exchange: Exchange, isTrusted: boolean): string {
  const head = exchange.client.head
  const client = exchange.clientAddress
  const overlay = exchange.overlay
  if (!exchange.cameForwarded && overlay === null) {
    return `X-Real-IP: ${client}\r\nX-Forwarded-For: ${client}\r\nX-Forwarded-Proto: ${exchange.scheme}\r\nX-Forwarded-Host: ${head.hostField}\r\nX-Forwarded-Port: ${portOf(exchange)}\r\n`
  }
  const own = (name: string): string | undefined => {
    const value = isTrusted ? head.fields.get(name) : undefined
    return value === '' ? undefined : value
  }
  const list = head.fields.get('x-forwarded-for')
  const kept = exchange.keepsForwardedFor ? list : undefined
  const before = overlay === null ? kept : overlay.forwardedFor(kept)
  let text = `X-Real-IP: ${client}\r\nX-Forwarded-For: ${before === undefined || before === '' ? exchange.appendedAddress : `${before}, ${exchange.appendedAddress}`}\r\n`
  text += line(
    'X-Forwarded-Proto',
    overlay?.forwarding('x-forwarded-proto'),
    own('x-forwarded-proto') ?? exchange.scheme,
  )
  text += line(
    'X-Forwarded-Host',
    overlay?.forwarding('x-forwarded-host'),
    own('x-forwarded-host') ?? head.hostField,
  )
  return (
    text +
    line(
      'X-Forwarded-Port',
      overlay?.forwarding('x-forwarded-port'),
      own('x-forwarded-port') ?? portOf(exchange),
    )
  )
}

function line(name: string, edited: string | null | undefined, value: string): string {
  if (edited === null) return ''
  return `${name}: ${edited ?? value}\r\n`
}

/** The port in the Host field, else the listener's. */
function portOf(exchange: Exchange): string {
  const host = exchange.client.head.hostField
  const colon = host.lastIndexOf(':')
  return colon > 0 && colon > host.lastIndexOf(']') && colon < host.length - 1
    ? host.slice(colon + 1)
    : String(exchange.localPort)
}

/** As appendFields, less the names that filters set or removed, plus the lines they made. */
function appendEdited(fields: HeadFields, skip: Uint8Array, exchange: Exchange): string {
  const overlay = exchange.overlay
  if (overlay === null) return appendFields(fields, skip)
  let text = ''
  for (let i = 0; i < fields.count; i++) {
    if (skip[fields.kind[i] as number] === 1 || overlay.drops(fields.name(i).toLowerCase())) continue
    text += `${fields.name(i)}: ${fields.value(i)}\r\n`
  }
  return text + overlay.lines()
}
