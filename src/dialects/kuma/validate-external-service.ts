import type { JsonObject } from '../../model/json.ts'
import { objectField, textField } from '../../model/json-fields.ts'
import { checkCertificates, checkKeyPair } from '../../model/pem.ts'
import { isHost, isPort } from './check-address.ts'
import { checkOwnTags } from './check-tags.ts'
import { checkExactlyOneOf, type Faults } from './faults.ts'
import { fieldPath } from './field-path.ts'
import { readSource, splitAddress } from './read-external-service.ts'

/** The rules of an ExternalService (spec/kuma.md 8); takes a decoded value. */
export function checkExternalService(value: JsonObject, faults: Faults): void {
  checkOwnTags(value, 'tags', 'tags', faults)
  const networking = objectField(value, 'networking')
  if (networking === null) return faults.add('networking', 'is required')
  checkAddress(textField(networking, 'address') ?? '', faults)
  const tls = objectField(networking, 'tls')
  if (tls !== null) checkTls(tls, faults)
}

function checkAddress(address: string, faults: Faults): void {
  const path = 'networking.address'
  const parts = splitAddress(address)
  if (parts === null) {
    const hint = address.includes('://')
      ? 'write host:port; networking.tls says that it speaks TLS'
      : 'write host:port, and an IPv6 address in brackets'
    return faults.add(path, `${address === '' ? 'it' : address} is no address`, hint)
  }
  if (!isHost(parts.host)) faults.add(path, `${parts.host} is neither an IP address nor a name`)
  if (!/^\d{1,5}$/.test(parts.port) || !isPort(Number(parts.port)))
    faults.add(path, `the port must be from 1 to 65535, it is ${JSON.stringify(parts.port)}`)
}

const SOURCES = ['caCert', 'clientCert', 'clientKey'] as const

function checkTls(tls: JsonObject, faults: Faults): void {
  const path = 'networking.tls'
  if (textField(tls, 'serverName') === '') faults.add(`${path}.serverName`, 'must not be empty')
  for (const name of SOURCES) {
    const source = objectField(tls, name)
    if (source !== null) checkSource(source, `${path}.${name}`, faults)
  }
  // that a text is not here was told
  if (SOURCES.some((name) => Object.hasOwn(tls, name) && !readSource(tls, name))) return
  const ca = readSource(tls, 'caCert')
  const reason = ca === null ? null : checkCertificates(ca)
  if (reason !== null) faults.add(`${path}.caCert`, reason)
  checkClient(tls, path, faults)
}

function checkClient(tls: JsonObject, path: string, faults: Faults): void {
  const certificate = readSource(tls, 'clientCert')
  const key = readSource(tls, 'clientKey')
  if (certificate === null && key === null) return
  if (certificate === null) return faults.add(`${path}.clientCert`, 'is required with clientKey')
  if (key === null) return faults.add(`${path}.clientKey`, 'is required with clientCert')
  const reason = checkKeyPair(certificate, key)
  if (reason === null) return
  faults.add(`${path}.${reason.startsWith('the certificate') ? 'clientCert' : 'clientKey'}`, reason)
}

/** One text, plain or in Base64. Where it would come from elsewhere that is told with the fields that are not served. */
function checkSource(source: JsonObject, path: string, faults: Faults): void {
  const [name] = checkExactlyOneOf(source, ['inlineString', 'inline', 'secret', 'file'], path, faults)
  if (name === undefined) return
  const text = textField(source, name) ?? ''
  if (text === '') faults.add(fieldPath(path, name), 'must not be empty')
  else if (name === 'inline' && !/^[A-Za-z0-9+/_-]+={0,2}$/.test(text))
    faults.add(fieldPath(path, name), 'is no Base64', 'write plain text as inlineString')
}
