import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { flagField, listField } from '../../model/json-fields.ts'
import type { DialectSettings } from '../dialect.ts'
import {
  checkChoice,
  checkFlag,
  checkIdField,
  checkInteger,
  checkKeys,
  checkObjects,
  checkTags,
  checkText,
  isAuthority,
  isHost,
} from './check.ts'
import { type Faults, joinPath } from './faults.ts'

/** Rules of upstreams (spec/tencent.md 5.1). */

const UPSTREAM: ReadonlySet<string> = new Set([
  'UpstreamId',
  'UpstreamName',
  'UpstreamDescription',
  'Scheme',
  'Algorithm',
  'UniqVpcId',
  'UpstreamType',
  'Retries',
  'UpstreamHost',
  'Nodes',
  'Tags',
  'K8sService',
  'K8sServices',
  'HealthChecker',
  'CreatedTime',
])
/** What answers tell of a node beside what was written; it may stand in a request, and counts for nothing. */
const NODE: ReadonlySet<string> = new Set([
  'Host',
  'Port',
  'Weight',
  'VmInstanceId',
  'Tags',
  'Healthy',
  'ServiceName',
  'NameSpace',
  'ClusterId',
  'Source',
  'UniqueServiceName',
])
const CHECKER: ReadonlySet<string> = new Set([
  'EnableActiveCheck',
  'EnablePassiveCheck',
  'HealthyHttpStatus',
  'UnhealthyHttpStatus',
  'TcpFailureThreshold',
  'TimeoutThreshold',
  'HttpFailureThreshold',
  'ActiveCheckHttpPath',
  'ActiveCheckTimeout',
  'ActiveCheckInterval',
  'ActiveRequestHeader',
  'UnhealthyTimeout',
])

export const SCHEMES = ['HTTP', 'HTTPS', 'gRPC', 'gRPCs'] as const
const MOST_NODES = 200

export function checkUpstream(value: JsonObject, settings: DialectSettings, faults: Faults): void {
  checkKeys(value, UPSTREAM, '', 'an upstream', faults)
  checkIdField(value, 'UpstreamId', 'upstream', faults)
  checkChoice(value, 'Scheme', '', { of: SCHEMES, isRequired: true }, faults)
  checkChoice(value, 'Algorithm', '', { of: ['ROUND_ROBIN', 'ROUND-ROBIN'], isRequired: true }, faults)
  checkText(value, 'UniqVpcId', '', { isRequired: true }, faults)
  checkText(
    value,
    'UpstreamName',
    '',
    { most: 50, form: /^[A-Za-z0-9_]*$/, words: 'of a-z A-Z 0-9 and _' },
    faults,
  )
  checkText(value, 'UpstreamDescription', '', {}, faults)
  checkInteger(value, 'Retries', '', { least: 1, most: 100 }, faults)
  const host = checkText(value, 'UpstreamHost', '', {}, faults)
  if (host !== null && host !== '' && !isAuthority(host))
    faults.add('InvalidParameterValue', 'UpstreamHost', 'UpstreamHost must be host or host:port')
  checkTags(value, 'Tags', '', faults)
  const type = checkChoice(value, 'UpstreamType', '', { of: ['IP_PORT', 'K8S'] }, faults)
  if (type === 'K8S') {
    checkServices(value, settings, faults)
    checkFoundNodes(value, faults)
  } else {
    for (const field of SERVICE_FIELDS)
      if (listField(value, field).length > 0)
        faults.add('InvalidParameterValue', field, `${field} is for upstreams of type K8S`)
    checkNodes(value, faults)
  }
  const { HealthChecker: checker } = value
  if (isJsonObject(checker)) {
    checkHealthChecker(checker, faults)
    if (checker.EnableActiveCheck === true && String(value.Scheme).startsWith('gRPC')) {
      const message = 'active checks ask for a path by HTTP, which nodes of gRPC do not answer'
      faults.add('UnsupportedOperation', 'HealthChecker.EnableActiveCheck', message, 'use passive checks')
    }
  } else if (checker !== undefined && checker !== null)
    faults.add('InvalidParameterValue', 'HealthChecker', 'HealthChecker must be an object')
}

const SERVICE: ReadonlySet<string> = new Set([
  'ClusterId',
  'Namespace',
  'ServiceName',
  'Port',
  'Weight',
  'ExtraLabels',
  'Name',
])
const LABEL: ReadonlySet<string> = new Set(['Key', 'Value'])
const MOST_SERVICES = 20
/** What requests call the list of Services, and what answers call it. */
const SERVICE_FIELDS = ['K8sService', 'K8sServices'] as const

/** The name of the list of Services that counts in a document. */
export function servicesField(value: JsonObject): (typeof SERVICE_FIELDS)[number] {
  return listField(value, 'K8sService').length === 0 && listField(value, 'K8sServices').length > 0
    ? 'K8sServices'
    : 'K8sService'
}

/** Names of objects in a cluster (RFC 1123). */
const OBJECT_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/
/** Labels of pods: a name with a domain of its owner before it, and what it says. */
const LABEL_KEY = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
const LABEL_VALUE = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/
const OBJECT_WORDS = 'up to 253 of a-z, 0-9, - and ., the first and last a letter or digit'

/** Services whose pods are the nodes (spec/tencent.md 5.1, 6). */
function checkServices(value: JsonObject, { tencent }: DialectSettings, faults: Faults): void {
  const field = servicesField(value)
  if (field === 'K8sService' && listField(value, 'K8sServices').length > 0)
    faults.add(
      'InvalidParameterValue',
      'K8sServices',
      'K8sServices and K8sService are one list: keep one of them',
    )
  const services = checkObjects(value, field, '', faults)
  const count = listField(value, field).length
  if (count === 0) faults.add('MissingParameter', field, `${field} needs one Service at least`)
  if (count > MOST_SERVICES)
    faults.add(
      'InvalidParameterValue.ParameterValueLimitExceeded',
      field,
      `${field} has ${count} entries, at most ${MOST_SERVICES} are allowed`,
    )
  for (const { place, entry } of services) {
    checkKeys(entry, SERVICE, place, 'a Service', faults)
    const cluster = checkText(
      entry,
      'ClusterId',
      place,
      { isRequired: true, form: /^[!-.0-~]{1,100}$/, words: 'an id' },
      faults,
    )
    for (const name of ['Namespace', 'ServiceName'])
      checkText(entry, name, place, { isRequired: true, form: OBJECT_NAME, words: OBJECT_WORDS }, faults)
    checkInteger(
      entry,
      'Port',
      place,
      { least: 1, most: 65_535, isRequired: true, code: 'InvalidParameterValue.InvalidPort' },
      faults,
    )
    checkInteger(entry, 'Weight', place, { least: 0, most: 100, isRequired: true }, faults)
    checkText(entry, 'Name', place, {}, faults)
    const isInDns =
      cluster !== null &&
      Object.hasOwn(tencent.clusters, cluster) &&
      tencent.clusters[cluster]?.dns !== undefined
    if (isInDns && listField(entry, 'ExtraLabels').length > 0)
      faults.add(
        'UnsupportedOperation',
        joinPath(place, 'ExtraLabels'),
        `${cluster} is read by DNS (tencent.clusters), which knows no labels of pods`,
        'make a headless Service that selects them, or let the cluster be read by its API server',
      )
    for (const { place: at, entry: label } of checkObjects(entry, 'ExtraLabels', place, faults)) {
      checkKeys(label, LABEL, at, 'a label', faults)
      const key = { isRequired: true, form: LABEL_KEY, words: 'the key of a label: app, or example.com/app' }
      checkText(label, 'Key', at, key, faults)
      const text = { form: LABEL_VALUE, words: 'the value of a label: up to 63 of A-Z a-z 0-9 - _ and .' }
      checkText(label, 'Value', at, text, faults)
    }
  }
}

/** Nodes that a cluster gave may stand there, as answers show them, and count for nothing. */
function checkFoundNodes(value: JsonObject, faults: Faults): void {
  for (const { place, entry } of checkObjects(value, 'Nodes', '', faults))
    if (entry.Source !== 'K8S')
      faults.add(
        'InvalidParameterValue',
        place,
        'nodes of an upstream of type K8S come from its Services',
        'leave Nodes out, or make it an upstream of type IP_PORT',
      )
}

function checkNodes(value: JsonObject, faults: Faults): void {
  const nodes = checkObjects(value, 'Nodes', '', faults)
  const count = listField(value, 'Nodes').length
  if (count === 0) {
    if (!Object.hasOwn(value, 'Nodes') || Array.isArray(value.Nodes) || value.Nodes === null)
      faults.add('MissingParameter', 'Nodes', 'Nodes needs one node at least')
    return
  }
  if (count > MOST_NODES) {
    const code = 'InvalidParameterValue.ParameterValueLimitExceeded'
    faults.add(code, 'Nodes', `Nodes has ${count} nodes, at most ${MOST_NODES} are allowed`)
  }
  const seen = new Map<string, string>()
  for (const { place, entry } of nodes) {
    checkKeys(entry, NODE, place, 'a node', faults)
    const host = checkText(entry, 'Host', place, { isRequired: true }, faults)
    if (host !== null && !isHost(host))
      faults.add(
        'InvalidParameterValue.InvalidIPAddress',
        joinPath(place, 'Host'),
        `${host} is no address and no name`,
      )
    const port = checkInteger(
      entry,
      'Port',
      place,
      { least: 0, most: 65_535, isRequired: true, code: 'InvalidParameterValue.InvalidPort' },
      faults,
    )
    checkInteger(entry, 'Weight', place, { least: 0, most: 100, isRequired: true }, faults)
    checkText(entry, 'VmInstanceId', place, {}, faults)
    if (host === null || port === null) continue
    const key = `${host.toLowerCase()} ${port}`
    const first = seen.get(key)
    if (first === undefined) seen.set(key, place)
    else faults.add('InvalidParameterValue', place, `${host}:${port} stands in ${first} already`)
  }
}

const THRESHOLDS = ['TcpFailureThreshold', 'TimeoutThreshold', 'HttpFailureThreshold'] as const

function checkHealthChecker(checker: JsonObject, faults: Faults): void {
  const path = 'HealthChecker'
  checkKeys(checker, CHECKER, path, 'HealthChecker', faults)
  const isActive = checkFlag(checker, 'EnableActiveCheck', path, true, faults)
  const isPassive = checkFlag(checker, 'EnablePassiveCheck', path, true, faults)
  for (const name of ['HealthyHttpStatus', 'UnhealthyHttpStatus'] as const) {
    const text = checkText(checker, name, path, { isRequired: true }, faults)
    const wrong = text === null ? null : readStatuses(text).wrong
    if (wrong !== null)
      faults.add(
        'InvalidParameterValue',
        joinPath(path, name),
        `${wrong} is no status from 200 to 599`,
        'put commas between them: 200,302',
      )
  }
  for (const name of THRESHOLDS)
    checkInteger(checker, name, path, { least: 0, most: 254, isRequired: true }, faults)
  checkText(
    checker,
    'ActiveCheckHttpPath',
    path,
    { form: /^\/[!-~]*$/, words: 'a path that begins with /' },
    faults,
  )
  checkInteger(checker, 'ActiveCheckTimeout', path, { least: 1, most: 3600, unit: ' (seconds)' }, faults)
  checkInteger(checker, 'ActiveCheckInterval', path, { least: 1, most: 3600, unit: ' (seconds)' }, faults)
  const returns = checkInteger(
    checker,
    'UnhealthyTimeout',
    path,
    { least: 0, most: 86_400, unit: ' (seconds)' },
    faults,
  )
  if (isPassive === true && isActive !== true && returns === 0)
    faults.add(
      'InvalidParameterValue.RangeExceeded',
      joinPath(path, 'UnhealthyTimeout'),
      'with passive checks alone UnhealthyTimeout must be above 0, or a node that failed never returns',
    )
  if (listField(checker, 'ActiveRequestHeader').length > 0 || isJsonObject(checker.ActiveRequestHeader))
    faults.add(
      'UnsupportedOperation',
      joinPath(path, 'ActiveRequestHeader'),
      'ActiveRequestHeader is not supported, because its shape is not published',
    )
}

/** Whether checks that are switched on never find a node unhealthy, because each kind of failure is switched off. */
export function findsNothing(checker: JsonObject): boolean {
  const isOn = flagField(checker, 'EnablePassiveCheck') || flagField(checker, 'EnableActiveCheck')
  return isOn && THRESHOLDS.every((name) => checker[name] === 0)
}

/** Codes between commas. `wrong`: the first piece that is none. */
export function readStatuses(text: string): {
  readonly statuses: readonly number[]
  readonly wrong: string | null
} {
  const statuses: number[] = []
  for (const piece of text.split(',')) {
    const trimmed = piece.trim()
    if (!/^[2-5]\d\d$/.test(trimmed)) return { statuses, wrong: JSON.stringify(trimmed) }
    statuses.push(Number(trimmed))
  }
  return { statuses, wrong: null }
}
