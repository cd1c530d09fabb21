import type { ErrorCode } from '../../model/error-codes.ts'

/**
 * How an attempt ended without an answer, worded by what is known about the bytes: "nothing was sent" makes another attempt safe for every
 * request, "something may have been executed" only for safe ones. The rows are those of reliability.md section 6.
 */
export type Failure =
  | 'connectFailed'
  | 'connectTimeout'
  | 'tlsFailed' // the endpoint is there, and its certificate or its TLS is not what it should be; nothing was sent
  | 'staleUnsent' // a kept connection was found closed and no byte was written
  | 'staleSent' // a kept connection closed after bytes went out, no answer byte
  | 'refused' // HTTP/2: the endpoint says that it did not begin with it
  | 'closed' // a fresh connection closed or reset, no answer byte
  | 'headCut' // reset, close inside the answer head, nothing relayed yet
  | 'headTimeout'
  | 'sendTimeout'
  | 'badAnswer'
  | 'badStatus' // an answer came whose status the document wants tried elsewhere
  | 'proxyCredentials' // the forward proxy in between wants other credentials; nothing was sent
  | 'gatewayLimit' // no descriptor or port: never the endpoint's fault

export type Verdict =
  /** On another endpoint if there is one. Counts as an attempt and as the endpoint's failure. */
  | 'next'
  /** Same endpoint, fresh connection, once; no failure of the endpoint. */
  | 'fresh'
  | 'give up'

export interface RequestSafety {
  /** GET, HEAD, OPTIONS, TRACE, PUT, DELETE. */
  readonly isSafe: boolean
  /** No body, or all of it so far is kept for replay. */
  readonly isReplayable: boolean
  /** Whether this request has had its fresh connection after a stale one. */
  readonly hadFresh: boolean
  readonly retriesHeadTimeout: boolean
}

/** Whether a request by that method may be made twice, as far as its meaning goes (RFC 9110 9.2.2). */
export function isSafeMethod(method: string): boolean {
  return SAFE_METHODS.has(method)
}

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

export function judgeFailure(failure: Failure, request: RequestSafety): Verdict {
  switch (failure) {
    case 'connectFailed':
    case 'connectTimeout':
    case 'tlsFailed':
      return 'next'
    case 'staleUnsent':
      return request.hadFresh ? 'next' : 'fresh'
    case 'staleSent':
      if (!request.isSafe || !request.isReplayable) return 'give up'
      return request.hadFresh ? 'next' : 'fresh'
    case 'refused':
      return request.isReplayable ? 'next' : 'give up'
    case 'closed':
    case 'headCut':
    case 'sendTimeout':
      return request.isSafe && request.isReplayable ? 'next' : 'give up'
    case 'headTimeout':
      return request.retriesHeadTimeout && request.isSafe && request.isReplayable ? 'next' : 'give up'
    case 'badAnswer':
    case 'badStatus':
    case 'gatewayLimit':
    case 'proxyCredentials':
      return 'give up'
    default:
      return failure satisfies never
  }
}

/** Row of the error table that the client's answer and the log name when a failure is final. */
export const FAILURE_CODES: Readonly<Record<Failure, ErrorCode>> = {
  connectFailed: 'UPSTREAM_CONNECT_FAILED',
  connectTimeout: 'UPSTREAM_CONNECT_TIMEOUT',
  tlsFailed: 'UPSTREAM_TLS_FAILED',
  staleUnsent: 'UPSTREAM_STALE',
  staleSent: 'UPSTREAM_STALE',
  refused: 'UPSTREAM_REFUSED',
  closed: 'UPSTREAM_CLOSED',
  headCut: 'UPSTREAM_CLOSED',
  headTimeout: 'UPSTREAM_HEAD_TIMEOUT',
  sendTimeout: 'UPSTREAM_SEND_TIMEOUT',
  badAnswer: 'UPSTREAM_BAD_ANSWER',
  badStatus: 'UPSTREAM_RETRIES_OVER',
  proxyCredentials: 'PROXY_CREDENTIALS',
  gatewayLimit: 'OUT_OF_DESCRIPTORS',
}

/** The status that a failed attempt counts as in `X-APISIX-Upstream-Status`. */
export function failureStatus(failure: Failure): number {
  return failure === 'connectTimeout' || failure === 'headTimeout' || failure === 'sendTimeout' ? 504 : 502
}

/** Whether bytes of the request may have reached the endpoint: such an attempt's successor draws on the retry budget. */
export function sentBytes(failure: Failure): boolean {
  return (
    failure !== 'connectFailed' &&
    failure !== 'connectTimeout' &&
    failure !== 'tlsFailed' &&
    failure !== 'proxyCredentials' &&
    failure !== 'staleUnsent'
  )
}
