import type { JsonObject } from '../../../model/json.ts'
import type { RestResponse } from '../../dialect.ts'
import type { CallError } from './call-error.ts'

/** Answers in the vendor's envelope (spec/tencent.md 5.3). A failure has status 200 too: who calls looks for `Error`. */

export interface Told {
  /** What the call acted on, for the audit log. */
  readonly object: string
  readonly warnings: readonly string[]
}

export function answerResponse(fields: JsonObject, requestId: string, told: Told): RestResponse {
  const headers = told.warnings.length === 0 ? {} : { 'X-Headgate-Warning': told.warnings }
  const answer = envelope({ ...fields, RequestId: requestId }, headers)
  return { ...answer, audit: { object: told.object, isDone: true } }
}

export function answerError(
  error: CallError,
  requestId: string,
  action: string,
  headers: RestResponse['headers'] = {},
): RestResponse {
  const { code, message } = error
  const answer = envelope({ Error: { Code: code, Message: message }, RequestId: requestId }, headers)
  return { ...answer, audit: { object: action, isDone: false } }
}

function envelope(response: JsonObject, headers: RestResponse['headers']): RestResponse {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: `${JSON.stringify({ Response: response })}\n`,
  }
}
