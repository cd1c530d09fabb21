import type { AccessRecord } from '../model/access-record.ts'
import { ERROR_CODES } from '../model/error-codes.ts'
import { hostFor } from './compose-request.ts'
import type { Exchange } from './exchange.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** The record of all exchanges of the worker: it is filled anew for each, and read during the call only. What few forms of a line show is read on demand. */
class ExchangeRecord implements Mutable<AccessRecord> {
  exchange: Exchange | null = null
  timeMs = 0
  requestId = ''
  clientAddress = ''
  clientPort = 0
  method = ''
  scheme = ''
  host = ''
  target = ''
  path = ''
  protocol = ''
  status = 0
  bytesIn = 0
  bytesOut = 0
  durationMs = 0
  upstreamMs = 0
  routeId = ''
  routeName = ''
  serviceId = ''
  rule = -1
  variant = ''
  splitReason = ''
  upstreamId = ''
  endpoint = ''
  upstreamStatus = ''
  attempts = 0
  flags = ''
  errorCode = ''
  userAgent = ''
  referer = ''
  traceId = ''
  spanId = ''

  get upstreamAddress(): string {
    return this.endpoint === '' ? '' : (this.exchange as Exchange).failedEndpoints + this.endpoint
  }
  get firstAttemptMs(): number {
    const { endpoint, firstAttemptMs, startMs } = this.exchange as Exchange
    return endpoint === null ? -1 : firstAttemptMs - startMs
  }
  get answerMs(): number {
    const { headMs, startMs } = this.exchange as Exchange
    return headMs === 0 ? -1 : headMs - startMs
  }
  get upstreamScheme(): string {
    return this.exchange?.endpoint?.model.own?.scheme ?? this.exchange?.upstream?.model.scheme ?? ''
  }
  get upstreamHost(): string {
    const { upstream, endpoint } = this.exchange as Exchange
    return upstream === null || endpoint === null
      ? ''
      : hostFor(this.exchange as Exchange, upstream, endpoint)
  }
  get upstreamTarget(): string {
    return this.endpoint === '' ? '' : (this.exchange as Exchange).sentTarget
  }
  get tlsVersion(): string {
    return this.exchange?.client.tls?.version ?? ''
  }
  get tlsCipher(): string {
    return this.exchange?.client.tls?.cipher ?? ''
  }
  get tlsServerName(): string {
    return this.exchange?.client.tls?.serverName ?? ''
  }
  get isTlsResumed(): boolean | null {
    return this.exchange?.client.tls?.isResumed ?? null
  }
  header(name: string): string | undefined {
    const { fields } = (this.exchange as Exchange).client.head
    return fields.join(name, name === 'cookie' ? '; ' : ', ')
  }
}

const record = new ExchangeRecord()

/** Hands a finished exchange to the access log. */
export function recordExchange(
  exchange: Exchange,
  write: (record: AccessRecord) => void,
  nowMs: number,
): void {
  const head = exchange.client.head
  const labels = exchange.labels
  record.exchange = exchange
  record.timeMs = performance.timeOrigin + exchange.startMs
  record.requestId = exchange.requestId
  record.clientAddress = exchange.clientAddress
  record.clientPort = exchange.clientPort
  record.method = head.method
  record.scheme = exchange.scheme
  record.host = head.host
  record.target = head.target
  record.path = exchange.path
  record.protocol = exchange.protocol
  record.status = exchange.status
  record.bytesIn = exchange.bytesIn
  record.bytesOut = exchange.bytesOut
  record.durationMs = nowMs - exchange.startMs
  record.upstreamMs = exchange.upstreamStatus === undefined ? -1 : exchange.headMs - exchange.startMs
  record.routeId = labels === null ? '' : labels.routeId
  record.routeName = labels?.routeName ?? ''
  record.serviceId = labels?.serviceId ?? ''
  record.rule = exchange.rule === null ? -1 : exchange.rule.index
  record.variant = exchange.choice === null ? '' : exchange.choice.model.variant
  record.splitReason = exchange.choice === null ? '' : exchange.choiceReason
  record.upstreamId = exchange.upstream === null ? '' : exchange.upstream.model.id
  record.endpoint = exchange.endpoint === null ? madeName(exchange) : exchange.endpoint.label
  record.upstreamStatus = exchange.upstreamStatuses
  record.attempts = exchange.attempts
  record.flags = exchange.errorCode === null ? '' : ERROR_CODES[exchange.errorCode].flag
  record.errorCode = exchange.errorCode ?? ''
  record.userAgent = head.fields.get('user-agent') ?? ''
  record.referer = head.fields.get('referer') ?? ''
  const trace = exchange.isTraced ? exchange.trace : null
  record.traceId = trace === null ? '' : trace.traceId
  record.spanId = trace === null ? '' : trace.spanId
  write(record)
  record.exchange = null
}

/** What stands in place of an endpoint where none is asked; '' for nothing. */
function madeName({ choice, sentTarget }: Exchange): string {
  const model = choice?.model
  const name = model?.kind === 'echo' || model?.kind === 'respond' ? model.loggedAs : undefined
  return name === undefined ? '' : name + sentTarget
}
