import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { listField, textField } from '../../model/json-fields.ts'
import type { DialectSettings } from '../dialect.ts'
import { checkChoice, checkIdField, checkKeys, checkObjects, checkTags, checkText, isHost } from './check.ts'
import { type Faults, joinPath } from './faults.ts'
import { ENVIRONMENTS } from './kinds.ts'

const SERVICE: ReadonlySet<string> = new Set([
  'ServiceId',
  'ServiceName',
  'Protocol',
  'ServiceDesc',
  'NetTypes',
  'IpVersion',
  'InstanceId',
  'UniqVpcId',
  'Tags',
  'CustomDomains',
  'CreatedTime',
  'ModifiedTime',
])
const DOMAIN: ReadonlySet<string> = new Set(['Domain', 'PathMappings'])
const MAPPING: ReadonlySet<string> = new Set(['Path', 'Environment'])

/** Rows that the table of one custom domain may have. */
const MOST_MAPPINGS = 3

export function checkService(value: JsonObject, settings: DialectSettings, faults: Faults): void {
  checkKeys(value, SERVICE, '', 'a service', faults)
  checkIdField(value, 'ServiceId', 'service', faults)
  checkText(
    value,
    'ServiceName',
    '',
    { isRequired: true, most: 50, form: /^[A-Za-z0-9_]+$/, words: 'of a-z A-Z 0-9 and _' },
    faults,
  )
  checkChoice(value, 'Protocol', '', { of: ['http', 'https', 'http&https'], isRequired: true }, faults)
  checkText(value, 'ServiceDesc', '', {}, faults)
  checkNetTypes(value, faults)
  checkChoice(value, 'IpVersion', '', { of: ['IPv4', 'IPv6'] }, faults)
  checkText(value, 'InstanceId', '', {}, faults)
  checkText(value, 'UniqVpcId', '', {}, faults)
  checkTags(value, 'Tags', '', faults)
  checkDomains(value, settings, faults)
}

function checkNetTypes(value: JsonObject, faults: Faults): void {
  const { NetTypes: types } = value
  if (types === undefined || types === null) return
  if (!Array.isArray(types)) {
    faults.add('InvalidParameterValue', 'NetTypes', 'NetTypes must be a list')
    return
  }
  for (const [i, type] of types.entries())
    if (type !== 'OUTER' && type !== 'INNER')
      faults.add('InvalidParameterValue.NotInOptions', `NetTypes[${i}]`, 'a net type must be OUTER, INNER')
}

function checkDomains(value: JsonObject, settings: DialectSettings, faults: Faults): void {
  const seen = new Set<string>()
  for (const { place, entry } of checkObjects(value, 'CustomDomains', '', faults)) {
    checkKeys(entry, DOMAIN, place, 'a custom domain', faults)
    const domain = checkText(entry, 'Domain', place, { isRequired: true }, faults)?.toLowerCase() ?? null
    if (domain !== null) checkDomain(domain, joinPath(place, 'Domain'), { seen, settings, faults })
    const rows = checkObjects(entry, 'PathMappings', place, faults)
    const path = joinPath(place, 'PathMappings')
    if (rows.length === 0 && listField(entry, 'PathMappings').length === 0)
      faults.add('MissingParameter', path, 'PathMappings needs one row at least')
    if (rows.length > MOST_MAPPINGS)
      faults.add(
        'InvalidParameterValue.ParameterValueLimitExceeded',
        path,
        `PathMappings has ${rows.length} rows, at most ${MOST_MAPPINGS} are allowed`,
      )
    const paths = new Set<string>()
    for (const { place: row, entry: mapping } of rows) {
      checkKeys(mapping, MAPPING, row, 'a path mapping', faults)
      checkChoice(
        mapping,
        'Environment',
        row,
        { of: ENVIRONMENTS, isRequired: true, code: 'InvalidParameterValue.InvalidEnv' },
        faults,
      )
      const prefix = checkText(
        mapping,
        'Path',
        row,
        { isRequired: true, form: /^\/[A-Za-z0-9._~/-]*$/, words: 'a path that begins with /' },
        faults,
      )
      if (prefix === null) continue
      const base = baseOf(prefix)
      if (paths.has(base)) faults.add('InvalidParameterValue', `${row}.Path`, `${prefix} stands twice`)
      paths.add(base)
    }
  }
}

function checkDomain(
  domain: string,
  place: string,
  { seen, settings, faults }: { seen: Set<string>; settings: DialectSettings; faults: Faults },
): void {
  if (!isHost(domain)) {
    faults.add('InvalidParameterValue', place, `${domain} is no name of a host`)
    return
  }
  if (domain === settings.tencent.domain || domain.endsWith(`.${settings.tencent.domain}`))
    faults.add(
      'InvalidParameterValue',
      place,
      `names below ${settings.tencent.domain} are the default ones of services`,
    )
  if (seen.has(domain)) faults.add('InvalidParameterValue', place, `${domain} stands twice`)
  seen.add(domain)
}

/** A prefix as it stands before the path of an API: without a slash at its end, empty for the root. */
export function baseOf(prefix: string): string {
  return prefix.replace(/\/+$/, '')
}

/** One way to address the APIs of a service in an environment. */
export interface Way {
  readonly host: string
  /** What stands before the path of an API. */
  readonly base: string
}

/** The default name first, then the rows of custom domains. */
export function waysOf(
  serviceId: string,
  service: JsonObject,
  environment: string,
  domain: string,
): readonly Way[] {
  const ways: Way[] = [{ host: `${serviceId}.${domain}`.toLowerCase(), base: `/${environment}` }]
  for (const entry of listField(service, 'CustomDomains')) {
    const host = isJsonObject(entry) ? textField(entry, 'Domain') : null
    if (host === null || !isJsonObject(entry)) continue
    for (const row of listField(entry, 'PathMappings')) {
      if (!isJsonObject(row) || textField(row, 'Environment') !== environment) continue
      ways.push({ host: host.toLowerCase(), base: baseOf(textField(row, 'Path') ?? '') })
    }
  }
  return ways
}
