import type { Fault } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import {
  flagField,
  isEmpty,
  numberField,
  objectField,
  objectsField,
  textField,
} from '../../model/json-fields.ts'
import { checkCertificates, checkKeyPair } from '../../model/pem.ts'
import type { DialectSettings } from '../dialect.ts'
import { readAddress, type TargetAddress } from './address.ts'
import { environmentOf } from './environment.ts'
import { isKind } from './kinds.ts'
import { errorPlace, errorSettings, errorStatuses } from './routing-facts.ts'
import { DEPLOYMENT, KEY_STORE, proxyShape, TRUST_STORE } from './schema.ts'
import { Faults, joinPath, lengthOf } from './shape.ts'
import { checkClientRoute } from './validate-client-route.ts'

const PROXY = proxyShape(checkClientRoute)

/** All faults of one document by itself. */
export function validate(kind: string, value: JsonValue, settings: DialectSettings): readonly Fault[] {
  const faults = new Faults()
  if (!isKind(kind) || !isJsonObject(value)) {
    faults.add('', isKind(kind) ? 'a document must be an object' : `there is no kind ${kind}`)
    return faults.list
  }
  switch (kind) {
    case 'proxies':
      checkProxy(value, '', faults)
      break
    case 'deployments':
      checkDeployment(value, settings, faults)
      break
    case 'key_stores':
      KEY_STORE(value, '', faults)
      if (faults.list.length === 0) checkPair(value, faults)
      break
    case 'trust_stores': {
      TRUST_STORE(value, '', faults)
      const fault = faults.list.length > 0 ? null : checkCertificates(textField(value, 'ca') ?? '')
      if (fault !== null) faults.add('ca', fault)
    }
  }
  return faults.list
}

function checkPair(value: JsonObject, faults: Faults): void {
  const fault = checkKeyPair(textField(value, 'certificate') ?? '', textField(value, 'key') ?? '')
  if (fault !== null) faults.add(fault.startsWith('the certificate') ? 'certificate' : 'key', fault)
}

function checkDeployment(value: JsonObject, { apinizer }: DialectSettings, faults: Faults): void {
  DEPLOYMENT(value, '', faults)
  const environment = textField(value, 'environmentName')
  if (environment !== null && environmentOf(apinizer, environment) === undefined)
    faults.add(
      'environmentName',
      `there is no environment ${environment}`,
      `the setting apinizer.environments has ${Object.keys(apinizer.environments).join(', ')}`,
    )
  const proxy = objectField(value, 'Proxy')
  if (proxy === null) return faults.add('Proxy', 'Proxy must be an object: the proxy as it was deployed')
  checkProxy(proxy, 'Proxy', faults)
}

function checkProxy(value: JsonObject, path: string, faults: Faults): void {
  PROXY(value, path, faults)
  checkEndpoints(value, path, faults)
  checkRouting(value, path, faults)
}

function checkEndpoints(value: JsonObject, path: string, faults: Faults): void {
  const isReverse = (textField(value, 'apiProxyCreationType') ?? 'REVERSE_PROXY') === 'REVERSE_PROXY'
  if (isReverse && lengthOf(value, 'endpoints') > 0)
    faults.add(
      joinPath(path, 'endpoints'),
      'a reverse proxy has no endpoints: it passes everything on; those are of an EMPTY_API',
    )
  const seen = new Map<string, string>()
  for (const { at, entry } of objectsField(value, 'endpoints')) {
    const place = `${joinPath(path, 'endpoints')}[${at}]`
    for (const name of ['name', 'backendResourceUrl']) {
      const url = textField(entry, name)
      if (url === null || (name === 'backendResourceUrl' && url === '')) continue
      if (!/^\/[!-"$->@-~]*$/.test(url))
        faults.add(joinPath(place, name), `${url} must be a path that begins with /`)
    }
    const key = `${textField(entry, 'httpMethod') ?? ''} ${textField(entry, 'name') ?? ''}`
    const first = seen.get(key)
    if (first !== undefined) faults.add(place, `${first} has the same method and name`)
    else seen.set(key, place)
  }
}

/** What depends on several fields of the routing. */
function checkRouting(value: JsonObject, path: string, faults: Faults): void {
  const routing = objectField(value, 'routingInfo')
  if (routing === null) return
  const place = joinPath(path, 'routingInfo')
  const connection = objectField(value, 'connection') ?? {}
  const version = textField(connection, 'httpVersion') ?? 'HTTP/1.1'
  const families = new Set<string>()
  for (const { at, entry } of objectsField(routing, 'routingAddressList')) {
    const where = `${place}.routingAddressList[${at}]`
    const text = textField(entry, 'address') ?? ''
    if (textField(entry, 'addressType') === 'MIRROR' && !/^https?:\/\//i.test(text) && !text.startsWith('${'))
      faults.add(
        joinPath(where, 'addressType'),
        'copies (MIRROR) are for HTTP: the address must begin with http:// or https://',
      )
    const health = textField(entry, 'healthCheckPath') ?? ''
    if (health !== '' && !health.startsWith('/') && !/^https?:\/\//i.test(health))
      faults.add(joinPath(where, 'healthCheckPath'), `${health} must be a path or an address`)
    if (health !== '' && version === 'h2c prior knowledge')
      faults.add(joinPath(where, 'healthCheckPath'), 'addresses of h2c are not checked: checks use HTTP/1.1')
    const template = textField(entry, 'pathRewrite')
    if (template !== null && !template.startsWith('/'))
      faults.add(joinPath(where, 'pathRewrite'), `${template} must begin with /`)
    // with variables it is read when it is deployed
    const read = text.includes('${') ? null : readAddress(text)
    if (read === null) continue
    if ('error' in read) faults.add(joinPath(where, 'address'), read.error)
    else checkAddress(read, { where, version, families, faults })
  }
  if (families.size > 1)
    faults.add(
      `${place}.routingAddressList`,
      `addresses of ${[...families].join(' and ')} cannot stand in one list`,
    )
  if (families.has('gRPC') || families.has('WebSocket')) checkHttpOnly(routing, place, faults)
  if (families.has('gRPC')) checkGrpc(routing, place, faults)
  else if (Object.hasOwn(value, 'grpc') && families.size > 0)
    faults.add(joinPath(path, 'grpc'), 'grpc is for proxies whose addresses speak gRPC')
  if (
    textField(connection, 'connectionPoolManagementType') === 'CUSTOM' &&
    numberField(connection, 'customConnectionPoolSize') === null
  )
    faults.add(
      joinPath(path, 'connection.customConnectionPoolSize'),
      'customConnectionPoolSize is required with a CUSTOM pool',
    )
  checkForwardProxy(value, path, { families, faults })
  checkSticky(routing, place, faults)
  checkStores(value, path, faults)
  checkErrors(value, path, faults)
  const breaker = objectField(value, 'circuitBreaker')
  const primaries = objectsField(routing, 'routingAddressList').filter(
    ({ entry }) => (textField(entry, 'addressType') ?? 'PRIMARY') === 'PRIMARY',
  )
  if (breaker !== null && flagField(breaker, 'circuitBreakerEnabled') && primaries.length < 2)
    faults.add(
      joinPath(path, 'circuitBreaker.circuitBreakerEnabled'),
      'a circuit breaker needs at least two addresses',
    )
}

/** Its fields belong together, and it is for HTTP/1.1 that goes straight to its target. */
function checkForwardProxy(
  value: JsonObject,
  path: string,
  { families, faults }: { readonly families: ReadonlySet<string>; readonly faults: Faults },
): void {
  const settings = objectField(value, 'proxyServer') ?? {}
  if (!flagField(settings, 'proxyEnabled')) return
  const place = joinPath(path, 'proxyServer')
  const isNamed = flagField(settings, 'proxyFromHeaderEnabled')
  const require = (name: string, why: string): void => {
    if (settings[name] === undefined || settings[name] === null)
      faults.add(joinPath(place, name), `${name} is required ${why}`)
  }
  if (isNamed && lengthOf(settings, 'allowedProxyList') === 0)
    faults.add(
      joinPath(place, 'allowedProxyList'),
      'allowedProxyList is required with proxyFromHeaderEnabled: host:port of each proxy that a request may name',
    )
  if (!isNamed) for (const name of ['proxyHost', 'proxyPort']) require(name, 'with proxyEnabled')
  if (flagField(settings, 'proxyAuthorizationNeeded'))
    for (const name of ['proxyUsername', 'proxyPassword']) require(name, 'with proxyAuthorizationNeeded')
  for (const family of ['gRPC', 'WebSocket'])
    if (families.has(family)) faults.add(place, `proxyServer is not supported for addresses of ${family}`)
  const connection = objectField(value, 'connection') ?? {}
  if (flagField(connection, 'redirectsEnabled'))
    faults.add(
      joinPath(path, 'connection.redirectsEnabled'),
      'redirects are not followed through proxyServer',
    )
  const version = textField(connection, 'httpVersion') ?? 'HTTP/1.1'
  if (version !== 'HTTP/1.1')
    faults.add(joinPath(path, 'connection.httpVersion'), `proxyServer takes HTTP/1.1, not ${version}`)
  const routing = objectField(value, 'routingInfo') ?? {}
  for (const { at, entry } of objectsField(routing, 'routingAddressList')) {
    const where = joinPath(path, `routingInfo.routingAddressList[${at}]`)
    if ((textField(entry, 'healthCheckPath') ?? '') !== '')
      faults.add(`${where}.healthCheckPath`, 'addresses behind proxyServer are not checked')
    if (isNamed && textField(entry, 'addressType') === 'MIRROR')
      faults.add(`${where}.addressType`, 'copies (MIRROR) take no proxy that a request names')
  }
}

/** What a type of errorHandlingType needs, and rows that name no status. */
function checkErrors(value: JsonObject, path: string, faults: Faults): void {
  const settings = errorSettings(value)
  const place = joinPath(path, errorPlace(value, 'errorHandlingType'))
  const type = textField(settings, 'errorHandlingType')
  if (type === 'STATUS_CODE_LIST' && errorStatuses(settings).length === 0)
    faults.add(`${place}.statusCodeList`, 'statusCodeList is required: which statuses count as errors')
  if (type === 'ADVANCED' && objectField(settings, 'errorCondition') === null)
    faults.add(
      `${place}.errorCondition`,
      'errorCondition is required with ADVANCED: the answers for which it holds are errors',
    )
  for (const { at, entry } of objectsField(settings, 'errorMessageList'))
    if (numberField(entry, 'httpStatusCode') === null && numberField(entry, 'statusCode') === null)
      faults.add(
        joinPath(path, `${errorPlace(value, 'errorMessageList')}.errorMessageList[${at}].httpStatusCode`),
        'httpStatusCode is required',
      )
}

function checkAddress(
  address: TargetAddress,
  {
    where,
    version,
    families,
    faults,
  }: { where: string; version: string; families: Set<string>; faults: Faults },
): void {
  families.add(address.scheme.startsWith('grpc') ? 'gRPC' : address.isWebSocket ? 'WebSocket' : 'HTTP')
  if (version === 'h2c prior knowledge' && address.scheme === 'https')
    faults.add(joinPath(where, 'address'), 'h2c is for http: an https address takes HTTP/2 by ALPN')
}

/** What addresses of other protocols do not have (spec/apinizer.md 3.1, 4.2, 8). */
function checkHttpOnly(routing: JsonObject, place: string, faults: Faults): void {
  if ((numberField(routing, 'retryCount') ?? 0) > 0)
    faults.add(
      joinPath(place, 'retryCount'),
      'retryCount is for HTTP only',
      'a connection that cannot be made goes on to the next address by itself',
    )
  for (const name of ['stickySession', 'canary'])
    if (!isEmpty(routing[name])) faults.add(joinPath(place, name), `${name} is for HTTP only`)
  for (const { at, entry } of objectsField(routing, 'routingAddressList'))
    for (const name of ['healthCheckPath', 'healthMonitoringEnabled'])
      if (!isEmpty(entry[name]))
        faults.add(`${place}.routingAddressList[${at}].${name}`, 'health checks are for HTTP only')
}

/** Conditions are for HTTP and WebSocket, and so are most balancers (spec/apinizer.md 3.1, 4.1). */
function checkGrpc(routing: JsonObject, place: string, faults: Faults): void {
  const balancer = textField(routing, 'loadBalanceAlgorithm') ?? 'ROUND_ROBIN'
  if (balancer !== 'ROUND_ROBIN' && balancer !== 'PICK_FIRST')
    faults.add(joinPath(place, 'loadBalanceAlgorithm'), 'gRPC is balanced by ROUND_ROBIN or PICK_FIRST')
  for (const { at, entry } of objectsField(routing, 'routingAddressList'))
    if (!isEmpty(entry.condition))
      faults.add(`${place}.routingAddressList[${at}].condition`, 'conditions are for HTTP and WebSocket')
}

/** A cookie has a name, and a secret that nobody else has: there is no default one. */
function checkSticky(routing: JsonObject, place: string, faults: Faults): void {
  const sticky = objectField(routing, 'stickySession')
  const type = sticky === null ? null : textField(sticky, 'type')
  if (sticky === null || type === null || type === 'IP_HASH') return
  for (const name of ['cookieName', 'hashSecret'])
    if (textField(sticky, name) === null)
      faults.add(`${place}.stickySession.${name}`, `${name} is required with ${type}`)
}

function checkStores(value: JsonObject, path: string, faults: Faults): void {
  const mtls = objectField(value, 'mtls')
  if (mtls !== null && flagField(mtls, 'mtlsEnabled') && textField(mtls, 'keyStoreId') === null)
    faults.add(joinPath(path, 'mtls.keyStoreId'), 'keyStoreId is required with mtlsEnabled')
}
