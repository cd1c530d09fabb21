import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { DialectSettings } from '../dialect.ts'
import { checkIdField, checkKeys, checkText } from './check.ts'
import { Faults, type TencentFault } from './faults.ts'
import { ENVIRONMENTS, isKind } from './kinds.ts'
import { checkApi } from './validate-api.ts'
import { checkPlugin } from './validate-plugin.ts'
import { checkService } from './validate-service.ts'
import { checkUpstream } from './validate-upstream.ts'

export { tencentCodeOf } from './faults.ts'

/** All faults of one document by itself, each with the vendor's code (spec/tencent.md 1, 2.1, 4, 5.1, 5.3). */
export function validate(kind: string, value: JsonValue, settings: DialectSettings): readonly TencentFault[] {
  const faults = new Faults()
  if (!isKind(kind) || !isJsonObject(value)) {
    faults.add(
      'InvalidParameter',
      '',
      isKind(kind) ? 'a document must be an object' : `there is no kind ${kind}`,
    )
    return faults.list
  }
  switch (kind) {
    case 'upstreams':
      checkUpstream(value, settings, faults)
      break
    case 'services':
      checkService(value, settings, faults)
      break
    case 'apis':
      checkApi(value, '', settings, faults)
      break
    case 'plugins':
      checkPlugin(value, settings, faults)
      break
    case 'attachments':
      checkAttachment(value, faults)
      break
    case 'releases':
      checkRelease(value, faults)
      break
    case 'released_apis':
      checkReleasedApi(value, settings, faults)
  }
  return faults.list
}

const ATTACHMENT: ReadonlySet<string> = new Set([
  'ServiceId',
  'EnvironmentName',
  'ApiId',
  'PluginId',
  'AttachedTime',
])
const RELEASE: ReadonlySet<string> = new Set([
  'ServiceId',
  'EnvironmentName',
  'ReleaseVersion',
  'ReleaseDesc',
  'ReleasedTime',
])
const RELEASED_API: ReadonlySet<string> = new Set([
  'ServiceId',
  'EnvironmentName',
  'ApiId',
  'Api',
  'ReleasedTime',
])

function checkAttachment(value: JsonObject, faults: Faults): void {
  checkKeys(value, ATTACHMENT, '', 'an attachment', faults)
  checkPlace(value, faults)
  checkIdField(value, 'ApiId', 'api', faults)
  checkIdField(value, 'PluginId', 'plugin', faults)
}

function checkRelease(value: JsonObject, faults: Faults): void {
  checkKeys(value, RELEASE, '', 'a release', faults)
  checkPlace(value, faults)
  checkText(value, 'ReleaseVersion', '', {}, faults)
  checkText(value, 'ReleaseDesc', '', { most: 200 }, faults)
}

function checkReleasedApi(value: JsonObject, settings: DialectSettings, faults: Faults): void {
  checkKeys(value, RELEASED_API, '', 'a released API', faults)
  checkPlace(value, faults)
  checkIdField(value, 'ApiId', 'api', faults)
  const { Api: api } = value
  if (isJsonObject(api)) checkApi(api, 'Api', settings, faults)
  else faults.add('MissingParameter', 'Api', 'Api is required: the API as it was released')
}

function checkPlace(value: JsonObject, faults: Faults): void {
  checkIdField(value, 'ServiceId', 'service', faults)
  checkText(
    value,
    'EnvironmentName',
    '',
    {
      isRequired: true,
      form: new RegExp(`^(?:${ENVIRONMENTS.join('|')})$`),
      words: ENVIRONMENTS.join(', '),
      code: 'InvalidParameterValue.InvalidEnv',
    },
    faults,
  )
}
