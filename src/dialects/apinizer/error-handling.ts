import type { ResponseFilter } from '../../model/filter.ts'
import type { JsonObject } from '../../model/json.ts'
import { flagField, numberField, objectsField, textField } from '../../model/json-fields.ts'
import { type Origin, originAt } from '../../model/origin.ts'
import type { Predicate } from '../../model/predicate.ts'
import { errorBody, JSON_TYPE, ROUTING_ERROR, ROUTING_ERROR_STATUS } from './error-bodies.ts'
import { errorPlace, errorSettings, FROM_400, hasAnswerRule, writtenErrorStatuses } from './routing-facts.ts'

/**
 * What clients get in place of a backend's error (spec/apinizer.md 5.1): its status (503 where that is no error's) with the body of the template, or what a row of errorMessageList says;
 * with `ignoreRoutingError` the backend's own answer. They work on answers of endpoints only.
 */
export function translateErrors(proxy: JsonObject, origin: Origin): readonly ResponseFilter[] {
  const settings = errorSettings(proxy)
  const messages = flagField(settings, 'customizeErrorMessageEnabled')
    ? objectsField(settings, 'errorMessageList')
    : []
  const rows = messages.map(({ at, entry }) => ({ at, ...readRow(entry) }))
  const mapped = new Set(rows.map(({ from }) => from))
  const filters = rows.map(({ at, from, status, code, message }) =>
    replace(
      originAt(origin, `Proxy.${errorPlace(proxy, 'errorMessageList')}.errorMessageList[${at}]`),
      isStatus([from]),
      {
        status,
        code: code ?? ROUTING_ERROR.code,
        message: message ?? ROUTING_ERROR.message,
      },
    ),
  )
  if (flagField(settings, 'ignoreRoutingError')) return filters
  const place = originAt(origin, `Proxy.${errorPlace(proxy, 'errorHandlingType')}`)
  const template = (when: Predicate, status: number | null): ResponseFilter =>
    replace(place, when, { status, ...ROUTING_ERROR })
  if (hasAnswerRule(proxy)) {
    const failed: Predicate = { kind: 'all', of: [IS_ERROR, not(isStatus([...mapped]))] }
    const isUsable = isStatus(FROM_400)
    return [
      ...filters,
      template({ kind: 'all', of: [failed, isUsable] }, null),
      template({ kind: 'all', of: [failed, not(isUsable)] }, ROUTING_ERROR_STATUS),
    ]
  }
  const rest = (writtenErrorStatuses(proxy) ?? FROM_400).filter((status) => !mapped.has(status))
  const usable = rest.filter((status) => status >= 400)
  const others = rest.filter((status) => status < 400)
  if (usable.length > 0) filters.push(template(isStatus(usable), null))
  if (others.length > 0) filters.push(template(isStatus(others), ROUTING_ERROR_STATUS))
  return filters
}

/** A row of errorMessageList under the names of the vendor's call, or under ours. */
function readRow(entry: JsonObject) {
  return {
    from: numberField(entry, 'httpStatusCode') ?? numberField(entry, 'statusCode') ?? 0,
    status: numberField(entry, 'customizedHttpStatusCode') ?? numberField(entry, 'newStatusCode'),
    code: textField(entry, 'customizedErrorCode') ?? textField(entry, 'errorCode'),
    message: textField(entry, 'customizedMessage') ?? textField(entry, 'errorMessage'),
  }
}

const IS_ERROR: Predicate = { kind: 'test', variable: 'answer:error', operator: 'equal', value: 'true' }

const not = (of: Predicate): Predicate => ({ kind: 'not', of })

function isStatus(statuses: readonly number[]): Predicate {
  return { kind: 'test', variable: 'upstream_status', operator: 'in', value: statuses.map(String) }
}

function replace(
  origin: Origin,
  when: Predicate,
  { status, code, message }: { status: number | null; code: string; message: string },
): ResponseFilter {
  return {
    kind: 'rewriteResponse',
    origin,
    when,
    status,
    bodyBase64: Buffer.from(errorBody(code, message)).toString('base64'),
    headers: { add: [], set: [{ name: 'Content-Type', value: [JSON_TYPE] }], remove: [] },
  }
}
