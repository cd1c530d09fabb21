import type { ResponseFilter } from '../../model/filter.ts'
import type { JsonObject } from '../../model/json.ts'
import { flagField, numberField, objectsField, textField } from '../../model/json-fields.ts'
import { type Origin, originAt } from '../../model/origin.ts'
import { errorBody, JSON_TYPE, ROUTING_ERROR } from './error-bodies.ts'
import { errorSettings, FROM_400, writtenErrorStatuses } from './routing-facts.ts'

/**
 * What clients get in place of a backend's error (spec/apinizer.md 5.1): its status with the body of the template, or what a row of errorMessageList says; with
 * `ignoreRoutingError` the backend's own answer. They work on answers of endpoints only.
 */
export function translateErrors(proxy: JsonObject, origin: Origin): readonly ResponseFilter[] {
  const settings = errorSettings(proxy)
  const messages = flagField(settings, 'customizeErrorMessageEnabled')
    ? objectsField(settings, 'errorMessageList')
    : []
  const mapped = new Set(messages.map(({ entry }) => numberField(entry, 'statusCode')))
  const filters = messages.map(({ at, entry }) =>
    replace(
      originAt(origin, `Proxy.errorHandling.errorMessageList[${at}]`),
      [numberField(entry, 'statusCode') ?? 0],
      {
        status: numberField(entry, 'newStatusCode'),
        code: textField(entry, 'errorCode') ?? ROUTING_ERROR.code,
        message: textField(entry, 'errorMessage') ?? ROUTING_ERROR.message,
      },
    ),
  )
  if (flagField(settings, 'ignoreRoutingError')) return filters
  const rest = (writtenErrorStatuses(proxy) ?? FROM_400).filter((status) => !mapped.has(status))
  return rest.length === 0
    ? filters
    : [...filters, replace(originAt(origin, 'Proxy.errorHandling'), rest, { status: null, ...ROUTING_ERROR })]
}

function replace(
  origin: Origin,
  statuses: readonly number[],
  { status, code, message }: { status: number | null; code: string; message: string },
): ResponseFilter {
  return {
    kind: 'rewriteResponse',
    origin,
    when: { kind: 'test', variable: 'upstream_status', operator: 'in', value: statuses.map(String) },
    status,
    bodyBase64: Buffer.from(errorBody(code, message)).toString('base64'),
    headers: { add: [], set: [{ name: 'Content-Type', value: [JSON_TYPE] }], remove: [] },
  }
}
