import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { isEmpty, objectField, textField } from '../../model/json-fields.ts'
import type { DialectSettings } from '../dialect.ts'
import { checkPolicyBody, serviceTypeOf } from './backend.ts'
import { checkChoice, checkIdField, checkInteger, checkKeys, checkTags, checkText } from './check.ts'
import { checkCondition } from './condition-check.ts'
import { type Faults, joinPath } from './faults.ts'
import { ROUTING } from './kinds.ts'
import { readBackendConfig, readPluginData } from './policies.ts'

/** Rules of plugins of type Routing (spec/tencent.md 2.1). */

const PLUGIN: ReadonlySet<string> = new Set([
  'PluginId',
  'PluginName',
  'PluginType',
  'PluginData',
  'Description',
  'Tags',
  'PolicyTimes',
  'CreatedTime',
  'ModifiedTime',
])
const POLICY: ReadonlySet<string> = new Set([
  'strategy_name',
  'strategy_weight',
  'condition',
  'backend_type',
  'backend_config',
])

const MOST_POLICIES = 10
/** As the console takes it. */
const PRINTABLE_NAME = { form: /^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, words: 'printable' } as const
/** As the vendor's JSON reference has it. */
const STRICT_NAME = {
  form: /^[A-Za-z0-9%~_\\.{}?&=-]*$/,
  words: 'of letters, digits and % ~ _ \\ - . { } ? & = (tencent.strict_names)',
} as const
const BACKEND_TYPES = ['HTTP', 'VPC', 'UPSTREAM', 'SCF', 'MOCK', 'TSF'] as const

export function checkPlugin(value: JsonObject, settings: DialectSettings, faults: Faults): void {
  checkKeys(value, PLUGIN, '', 'a plugin', faults)
  checkIdField(value, 'PluginId', 'plugin', faults)
  const name = checkText(value, 'PluginName', '', { isRequired: true, most: 50 }, faults)
  if (name !== null && !/^[A-Za-z][A-Za-z0-9_]*[A-Za-z0-9]$/.test(name))
    faults.add(
      'InvalidParameterValue',
      'PluginName',
      'PluginName must have 2 to 50 of a-z A-Z 0-9 _, begin with a letter and end with a letter or digit',
    )
  checkChoice(value, 'PluginType', '', { of: [ROUTING], isRequired: true }, faults)
  checkText(value, 'Description', '', { most: 200 }, faults)
  checkTags(value, 'Tags', '', faults)
  const read = readPluginData(value.PluginData)
  if ('error' in read) {
    const code = read.isMissing
      ? 'MissingParameter.PluginConfig'
      : 'InvalidParameterValue.InvalidPluginConfig'
    faults.add(code, 'PluginData', read.error)
    return
  }
  checkPolicies(read.list, settings, faults)
}

function checkPolicies(list: readonly JsonValue[], settings: DialectSettings, faults: Faults): void {
  if (list.length === 0)
    faults.add('MissingParameter.PluginConfig', 'PluginData', 'a plugin needs one policy at least')
  if (list.length > MOST_POLICIES) {
    const code = 'InvalidParameterValue.ParameterValueLimitExceeded'
    faults.add(
      code,
      'PluginData',
      `the plugin has ${list.length} policies, at most ${MOST_POLICIES} are allowed`,
    )
  }
  const names = new Map<string, string>()
  for (const [i, policy] of list.entries()) {
    const path = `PluginData[${i}]`
    if (isJsonObject(policy)) checkPolicy(policy, path, { names, settings, faults })
    else faults.add('InvalidParameterValue.InvalidPluginConfig', path, 'a policy must be an object')
  }
}

function checkPolicy(
  policy: JsonObject,
  path: string,
  { names, settings, faults }: { names: Map<string, string>; settings: DialectSettings; faults: Faults },
): void {
  checkKeys(policy, POLICY, path, 'a policy', faults)
  const form = settings.tencent.strict_names ? STRICT_NAME : PRINTABLE_NAME
  const name = checkText(policy, 'strategy_name', path, { isRequired: true, most: 50, ...form }, faults)
  if (name !== null) {
    const first = names.get(name)
    if (first === undefined) names.set(name, path)
    else
      faults.add(
        'InvalidParameterValue.DuplicatePluginConfig',
        joinPath(path, 'strategy_name'),
        `${first} is called ${name} already`,
      )
  }
  checkInteger(policy, 'strategy_weight', path, { least: 0, most: 100 }, faults)
  checkConditionOf(policy, path, settings, faults)
  const type = checkChoice(policy, 'backend_type', path, { of: BACKEND_TYPES, isRequired: true }, faults)
  const place = joinPath(path, 'backend_config')
  if (isEmpty(policy.backend_config)) {
    faults.add('MissingParameter.PluginConfig', place, 'backend_config is required')
    return
  }
  const config = readBackendConfig(policy.backend_config)
  if ('error' in config) {
    faults.add('InvalidParameterValue.InvalidPluginConfig', place, config.error)
    return
  }
  checkPolicyBody(config.body, place, faults)
  if (type !== null) checkAgreement(type, config.body, joinPath(path, 'backend_type'), faults)
}

function checkConditionOf(policy: JsonObject, path: string, settings: DialectSettings, faults: Faults): void {
  const place = joinPath(path, 'condition')
  const { condition } = policy
  if (typeof condition !== 'string' || condition.trim() === '') {
    const isMissing = condition === undefined || condition === null || typeof condition === 'string'
    if (isMissing) faults.add('MissingParameter.PluginConfig', place, 'condition is required')
    else faults.add('InvalidParameterValue.InvalidCondition', place, 'condition must be a text')
    return
  }
  const fault = checkCondition(condition, settings)
  if (fault !== null) faults.add('InvalidParameterValue.InvalidCondition', place, fault)
}

/** `backend_type` against what the body says (spec/tencent.md 4.2). */
function checkAgreement(
  type: (typeof BACKEND_TYPES)[number],
  body: JsonObject,
  path: string,
  faults: Faults,
): void {
  const serviceType = serviceTypeOf(body)
  if (serviceType === null) return
  const product = textField(objectField(body, 'ServiceConfig') ?? {}, 'Product') ?? ''
  const said =
    serviceType !== 'HTTP'
      ? serviceType
      : product === 'upstream'
        ? 'UPSTREAM'
        : product === 'clb' || product === 'cvm'
          ? 'VPC'
          : product === ''
            ? 'HTTP'
            : null
  if (said === null || said === type) return
  faults.add(
    'InvalidParameterValue.InvalidPluginConfig',
    path,
    `backend_type is ${type}, but backend_config describes a backend of type ${said}`,
  )
}
