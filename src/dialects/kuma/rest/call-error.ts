import type { Fault } from '../../../model/document.ts'
import type { GatewayError } from '../../../model/gateway-error.ts'
import type { JsonValue } from '../../../model/json.ts'
import type { Refusal, RestResponse } from '../../dialect.ts'

/** Failures of calls in the shape of the system (spec/kuma.md 9). */

export interface InvalidParameter {
  readonly field: string
  readonly reason: string
}

export class CallError extends Error {
  readonly status: number
  readonly title: string
  /** Also `details`, the older name. */
  readonly detail: string
  readonly parameters: readonly InvalidParameter[]
  /** Ours, beside the fields of the system: what to do instead, where its texts do not say it. */
  readonly hint: string | null

  constructor(
    status: number,
    title: string,
    detail: string,
    parameters: readonly InvalidParameter[] = [],
    hint: string | null = null,
  ) {
    super(`${title}: ${detail}`)
    this.name = 'CallError'
    this.status = status
    this.title = title
    this.detail = detail
    this.parameters = parameters
    this.hint = hint
  }
}

/** Titles, by what was tried. */
export const TITLES = {
  find: 'Could not retrieve a resource',
  list: 'Could not retrieve resources',
  process: 'Could not process a resource',
  create: 'Could not create a resource',
  delete: 'Could not delete a resource',
} as const

const NOT_FOUND = 'Not found'
const INVALID = 'Resource is not valid'

export function notFound(title: string): CallError {
  return new CallError(404, title, NOT_FOUND)
}

/** One parameter of the query that means nothing. */
export function badParameter(title: string, detail: string, field: string, reason: string): CallError {
  return new CallError(400, title, detail, [{ field, reason }])
}

/** What cannot even be read. */
export function badRequest(detail: string): CallError {
  return new CallError(400, 'Bad Request', detail)
}

export function invalidResource(title: string, parameters: readonly InvalidParameter[]): CallError {
  return new CallError(400, title, INVALID, parameters)
}

export function parametersOf(faults: readonly Fault[]): readonly InvalidParameter[] {
  return faults.map(({ path, message, hint }) => ({
    field: path,
    reason: hint === null ? message : `${message} (${hint})`,
  }))
}

export function meshNotFound(mesh: string): CallError {
  const reason = `mesh of name ${mesh} is not found`
  return new CallError(400, TITLES.create, 'Mesh is not found', [{ field: 'mesh', reason }])
}

/** `details` and `causes` are what older clients read. */
export function answerError(error: CallError, headers: RestResponse['headers'] = {}): RestResponse {
  const { status, title, detail, parameters, hint } = error
  const fields: Record<string, JsonValue> = { type: '/std-errors', status, title, detail }
  if (hint !== null) fields.hint = hint
  if (parameters.length > 0)
    fields.invalid_parameters = parameters.map(({ field, reason }) => ({ field, reason }))
  fields.details = detail
  if (parameters.length > 0)
    fields.causes = parameters.map(({ field, reason }) => ({ field, message: reason }))
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: `${JSON.stringify(fields)}\n`,
  }
}

/** What the server refuses before the API is asked. */
export function refusalError(refusal: Refusal): CallError {
  switch (refusal.kind) {
    case 'missingKey':
      return new CallError(
        401,
        'Unauthorized',
        'the key of the gateway is missing: X-API-KEY, or Authorization: Bearer <key>',
      )
    case 'wrongKey':
      return new CallError(401, 'Unauthorized', 'the key is not one of this gateway')
    case 'viewerMayNotWrite':
      return new CallError(403, 'Access Denied', 'this key may only read')
    case 'addressNotAllowed':
      return new CallError(403, 'Access Denied', 'this address may not talk to the control plane')
    case 'badOrigin':
      return new CallError(
        403,
        'Access Denied',
        'pages of a foreign origin may only read (admin.cors names those that may write)',
      )
    case 'bodyTooLarge':
      return new CallError(
        413,
        'Content Too Large',
        `the body has ${refusal.bytes} bytes, the limit is ${refusal.limit}`,
      )
    case 'tooManyWrongKeys':
      return new CallError(
        429,
        'Too Many Requests',
        `too many wrong keys from this address; try again in ${refusal.retryAfterSeconds} s`,
      )
    case 'readOnly':
      return readOnly(refusal.reason)
  }
}

function readOnly(reason: string): CallError {
  return new CallError(405, 'Method not Allowed', 'Method not allowed', [], reason)
}

/** A failure of the store as one of the call; null: it is none that a caller can do something about. */
export function storeError({ code, message }: GatewayError): CallError | null {
  switch (code) {
    case 'WRITE_CONFLICT':
      return new CallError(409, 'Conflict', `${message}; read it again and repeat the call`)
    case 'READ_ONLY':
      return readOnly(message)
    case 'INVALID_DOCUMENT':
      return new CallError(400, TITLES.process, message)
    case 'LIMIT_OBJECTS':
      return new CallError(400, TITLES.create, message)
    case 'STORE_UNAVAILABLE':
      return new CallError(503, 'Service Unavailable', message)
    default:
      return null
  }
}
