import type { JsonObject } from '../../model/json.ts'
import { objectField, textField } from '../../model/json-fields.ts'
import type { Faults } from './faults.ts'
import { keyPath } from './field-path.ts'
import { PROTOCOL, SERVICE } from './resources.ts'

/** Tags of selectors and destinations, and those that proxies and external services have (spec/kuma.md 3 and 8). */

const KEY = /^[A-Za-z0-9._:/-]+$/
const SELECTOR_VALUE = /^(?:\*|[A-Za-z0-9._:/-]+)$/
const VALUE = /^[A-Za-z0-9._:-]+$/

const MISSING_SERVICE = `the tag ${SERVICE} is missing`
const SERVICE_HINT = `write ${SERVICE}: and the name of the service`

/** Tags to select by; what is absent has none. */
export function checkSelector(holder: JsonObject, name: string, path: string, faults: Faults): void {
  const tags = objectField(holder, name) ?? {}
  if (Object.keys(tags).length === 0) faults.add(path, 'needs at least one tag')
  if (!Object.hasOwn(tags, SERVICE)) faults.add(path, MISSING_SERVICE, SERVICE_HINT)
  checkEach(tags, path, faults, true)
}

/** A selector of services: the service is all that it may name. */
export function checkServiceSelector(holder: JsonObject, name: string, path: string, faults: Faults): void {
  const tags = objectField(holder, name) ?? {}
  const keys = Object.keys(tags)
  const hasService = Object.hasOwn(tags, SERVICE)
  if (keys.length !== 1 || !hasService) faults.add(path, `must have the tag ${SERVICE} and no other`)
  if (!hasService) faults.add(path, MISSING_SERVICE, SERVICE_HINT)
  for (const key of keys)
    if (key !== SERVICE)
      faults.add(
        keyPath(path, key),
        `destinations are chosen by ${SERVICE} alone`,
        'put other tags into conf',
      )
  checkEach(tags, path, faults, true)
}

/** Tags of an endpoint; `servicePath`: where it is told that the service is missing. */
export function checkOwnTags(
  holder: JsonObject,
  path: string,
  servicePath: string,
  faults: Faults,
  protocols: readonly string[] = PROTOCOLS,
): void {
  const tags = objectField(holder, 'tags') ?? {}
  if (!Object.hasOwn(tags, SERVICE)) faults.add(servicePath, MISSING_SERVICE, SERVICE_HINT)
  checkEach(tags, path, faults, false)
  const protocol = textField(tags, PROTOCOL)
  // what is empty is told already
  if (protocol !== null && protocol !== '' && !protocols.includes(protocol.toLowerCase()))
    faults.add(keyPath(path, PROTOCOL), `${protocol} must be ${protocols.join(', ')}`)
}

/** What `kuma.io/protocol` may be, in any case. */
const PROTOCOLS: readonly string[] = ['tcp', 'http', 'http2', 'grpc', 'kafka']

function checkEach(tags: JsonObject, path: string, faults: Faults, isSelector: boolean): void {
  for (const key of Object.keys(tags)) {
    if (key === '') {
      faults.add(path, 'the name of a tag must not be empty')
      continue
    }
    const place = keyPath(path, key)
    if (!KEY.test(key)) faults.add(place, 'the name of a tag has letters, digits and . - _ : / only')
    const value = textField(tags, key) ?? ''
    if (value === '') faults.add(place, 'the value of a tag must not be empty')
    else if (!(isSelector ? SELECTOR_VALUE : VALUE).test(value))
      faults.add(place, wrongValue(value, isSelector))
  }
}

function wrongValue(value: string, isSelector: boolean): string {
  if (isSelector && value.includes('*')) return `${value}: a * stands for any value, and only by itself`
  return `${value}: the value of a tag has letters, digits and ${isSelector ? '. - _ : /' : '. - _ :'} only`
}
