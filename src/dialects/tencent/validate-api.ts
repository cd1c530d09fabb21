import { checkPattern } from '../../expression/pattern.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { flagField, objectField, objectsField, textField } from '../../model/json-fields.ts'
import type { DialectSettings } from '../dialect.ts'
import { type ApiPath, parseApiPath } from './api-path.ts'
import { BACKEND_KEYS, checkBackend, METHODS, serviceTypeOf } from './backend.ts'
import {
  checkChoice,
  checkIdField,
  checkInteger,
  checkKeys,
  checkObjects,
  checkTags,
  checkText,
  refuseKeys,
} from './check.ts'
import { type Faults, joinPath } from './faults.ts'
import { checkParameters } from './parameters.ts'

/** Rules of APIs (spec/tencent.md 1). */

const API: ReadonlySet<string> = new Set([
  'ApiId',
  'ServiceId',
  'ApiName',
  'ApiDesc',
  'ApiType',
  'AuthType',
  'ApiBusinessType',
  'EnableCORS',
  'Protocol',
  'RequestConfig',
  'ServiceTimeout',
  'RequestParameters',
  'ServiceParameters',
  'ConstantParameters',
  'ResponseType',
  'ResponseSuccessExample',
  'ResponseFailExample',
  'ResponseErrorCodes',
  'IsDebugAfterCharge',
  'Tags',
  'CreatedTime',
  'ModifiedTime',
  ...BACKEND_KEYS,
])
const REQUEST_CONFIG: ReadonlySet<string> = new Set(['Path', 'Method'])

const REFUSED = {
  AuthType: {
    why: 'authentication of callers is not supported: AuthType must be NONE',
    allowed: ['NONE', ''],
  },
  ApiBusinessType: { why: 'only APIs of the business type NORMAL are supported', allowed: ['NORMAL', ''] },
  EnableCORS: { why: 'EnableCORS is not supported: let the backend answer such requests', allowed: [false] },
} as const

/** Longest wait for a backend: 30 minutes. Seconds. */
const MOST_TIMEOUT = 1800

export function checkApi(value: JsonObject, path: string, settings: DialectSettings, faults: Faults): void {
  checkKeys(value, API, path, 'an API', faults)
  refuseKeys(value, REFUSED, path, faults)
  checkIdField(value, 'ApiId', 'api', faults, path)
  checkIdField(value, 'ServiceId', 'service', faults, path)
  checkText(value, 'ApiName', path, { most: 60 }, faults)
  checkText(value, 'ApiDesc', path, {}, faults)
  const protocol = checkChoice(
    value,
    'Protocol',
    path,
    { of: ['HTTP', 'WEBSOCKET'], isRequired: true },
    faults,
  )
  const type = checkChoice(value, 'ApiType', path, { of: ['NORMAL', 'TSF'] }, faults)
  if (type === 'TSF' && value.ServiceType !== 'TSF')
    faults.add(
      'InvalidParameterValue',
      joinPath(path, 'ApiType'),
      'a microservice API (ApiType TSF) has a backend of type TSF',
      'write ServiceType: TSF, or ApiType: NORMAL',
    )
  const isFunction = value.ServiceType === 'SCF'
  checkInteger(
    value,
    'ServiceTimeout',
    path,
    { least: 1, most: MOST_TIMEOUT, isRequired: !isFunction, unit: ' (seconds)' },
    faults,
  )
  checkTags(value, 'Tags', path, faults)
  checkErrorCodes(value, path, faults)
  const front = checkRequestConfig(value, path, settings, faults)
  if (protocol !== null && serviceTypeOf(value) === 'WEBSOCKET' && protocol !== 'WEBSOCKET') {
    const message = 'a backend of type WEBSOCKET needs Protocol WEBSOCKET'
    faults.add('InvalidParameterValue', joinPath(path, 'Protocol'), message)
  }
  checkParameters(value, front, path, faults)
  // names in the backend path may be mapped parameters as well
  const hasMapped = [
    ...objectsField(value, 'ServiceParameters'),
    ...objectsField(value, 'ConstantParameters'),
  ].some(({ entry }) => textField(entry, 'Position')?.toLowerCase() === 'path')
  checkBackend(value, path, hasMapped ? null : front, faults)
}

/** `ResponseErrorCodes` describe what the backend answers; one that is to be converted asks for more. */
function checkErrorCodes(value: JsonObject, path: string, faults: Faults): void {
  for (const { place, entry } of checkObjects(value, 'ResponseErrorCodes', path, faults))
    if (flagField(entry, 'NeedConvert')) {
      const message = 'error codes are not converted: NeedConvert must be false'
      faults.add('UnsupportedOperation', joinPath(place, 'NeedConvert'), message)
    }
}

function checkRequestConfig(
  value: JsonObject,
  path: string,
  settings: DialectSettings,
  faults: Faults,
): ApiPath | null {
  const place = joinPath(path, 'RequestConfig')
  const config = objectField(value, 'RequestConfig')
  if (config === null) {
    if (
      isJsonObject(value.RequestConfig) ||
      value.RequestConfig === undefined ||
      value.RequestConfig === null
    )
      faults.add('MissingParameter', place, 'RequestConfig is required: {Path, Method}')
    else faults.add('InvalidParameterValue', place, 'RequestConfig must be an object: {Path, Method}')
    return null
  }
  checkKeys(config, REQUEST_CONFIG, place, 'RequestConfig', faults)
  checkChoice(
    config,
    'Method',
    place,
    { of: METHODS, isRequired: true, code: 'InvalidParameterValue.InvalidMethod' },
    faults,
  )
  const written = checkText(config, 'Path', place, { isRequired: true, most: 2048 }, faults)
  if (written === null) return null
  const front = parseApiPath(written)
  const wrong =
    'error' in front
      ? front.error
      : front.tier === 'pattern'
        ? checkPattern(`^(?:${front.source})`, settings.limits.maxPatternLength)
        : null
  if (wrong !== null) faults.add('InvalidParameterValue', joinPath(place, 'Path'), wrong)
  return wrong !== null || 'error' in front ? null : front
}
