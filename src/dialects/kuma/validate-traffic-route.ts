import type { JsonObject } from '../../model/json.ts'
import { listField, numberField, objectField, objectsField } from '../../model/json-fields.ts'
import type { DialectSettings } from '../dialect.ts'
import { checkDuration } from './check-duration.ts'
import { checkSelector, checkServiceSelector } from './check-tags.ts'
import type { Faults } from './faults.ts'
import { fieldPath } from './field-path.ts'
import { checkBalancer } from './validate-balancer.ts'
import { checkRule } from './validate-http-rule.ts'

/** Weights of a split in sum: what the system's proxies take. */
const MAX_WEIGHT_SUM = 2 ** 32 - 1

/** The rules of a TrafficRoute (spec/kuma.md 3); takes a decoded value. */
export function checkTrafficRoute(value: JsonObject, settings: DialectSettings, faults: Faults): void {
  for (const name of ['sources', 'destinations'] as const) {
    const selectors = objectsField(value, name)
    if (selectors.length === 0) faults.add(name, 'needs at least one selector')
    const check = name === 'sources' ? checkSelector : checkServiceSelector
    for (const { at, entry } of selectors) check(entry, 'match', `${name}[${at}].match`, faults)
  }
  const conf = objectField(value, 'conf')
  if (conf === null) return faults.add('conf', 'is required: where the traffic goes')
  checkTarget(conf, 'conf', faults)
  const balancer = objectField(conf, 'loadBalancer')
  if (balancer !== null) checkBalancer(balancer, faults)
  for (const { at, entry } of objectsField(conf, 'http')) {
    const path = `conf.http[${at}]`
    checkTarget(entry, path, faults)
    checkRule(entry, path, settings, faults)
  }
  const timeout = objectField(conf, 'timeout')
  if (timeout !== null) checkTimeout(timeout, faults)
  const retry = objectField(conf, 'retry')
  if (retry !== null) checkRetry(retry, faults)
}

/** A split or a destination, and not both. */
function checkTarget(holder: JsonObject, path: string, faults: Faults): void {
  const split = objectsField(holder, 'split')
  const hasDestination = Object.hasOwn(holder, 'destination')
  if (split.length === 0 && !hasDestination) faults.add(path, 'needs split or destination')
  if (split.length > 0 && hasDestination)
    faults.add(path, 'has split and destination: only one may stand here')
  if (hasDestination) checkSelector(holder, 'destination', fieldPath(path, 'destination'), faults)
  if (split.length === 0) return
  const place = fieldPath(path, 'split')
  let sum = 0
  for (const { at, entry } of split) {
    const weight = numberField(entry, 'weight')
    if (weight === null) faults.add(`${place}[${at}].weight`, 'is required; 0 takes the target out')
    sum += weight ?? 0
    checkSelector(entry, 'destination', `${place}[${at}].destination`, faults)
  }
  if (sum === 0) faults.add(place, 'the weights add up to 0: at least one must be above it')
  if (sum > MAX_WEIGHT_SUM)
    faults.add(place, `the weights add up to ${sum}, at most ${MAX_WEIGHT_SUM} are allowed`)
}

function checkTimeout(timeout: JsonObject, faults: Faults): void {
  const path = 'conf.timeout'
  checkDuration(timeout, 'connectTimeout', path, 1, faults)
  checkDuration(timeout, 'idleTimeout', path, 0, faults)
  checkDuration(objectField(timeout, 'http') ?? {}, 'requestTimeout', `${path}.http`, 0, faults)
}

/** Most tries that a request may have beside the first. */
const MAX_RETRIES = 100

function checkRetry(retry: JsonObject, faults: Faults): void {
  const retries = numberField(retry, 'numRetries')
  if (retries !== null && retries > MAX_RETRIES)
    faults.add('conf.retry.numRetries', `must be from 0 to ${MAX_RETRIES}, it is ${retries}`)
  checkDuration(retry, 'perTryTimeout', 'conf.retry', 1, faults)
  for (const [i, code] of listField(retry, 'retriableStatusCodes').entries())
    if (typeof code === 'number' && (code < 400 || code > 599))
      faults.add(`conf.retry.retriableStatusCodes[${i}]`, `must be from 400 to 599, it is ${code}`)
}
