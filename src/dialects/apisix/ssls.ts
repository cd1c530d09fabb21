import type { Fault, StoredDocument } from '../../model/document.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { checkCertificates, checkKeyPair, checkPrivateKey } from '../../model/pem.ts'
import type { Lookup, Translation } from '../dialect.ts'
import { idField, objectField, textField, textListField } from './fields.ts'
import type { TranslationWarning } from './holder.ts'
import { joinPath } from './lua-schema.ts'

/**
 * `ssls`: certificates with their private keys. Those of type client are what upstreams show to their nodes; those of type server are kept
 * for the listeners that are to come. Private keys go in and never come out again.
 */

/** Certificates and keys that are none, or no pairs, in the reference's words (apisix/ssl.lua; that they fit together is looked at by us alone). */
export function collectSslFaults(value: JsonObject): readonly Fault[] {
  const faults: Fault[] = []
  const add = (path: string, message: string): void => void faults.push({ path, message, hint: null })
  const certificate = textField(value, 'cert')
  const key = textField(value, 'key')
  if (certificate !== null && key !== null) {
    const fault = describePairFault(certificate, key)
    if (fault !== null) add(fault.isOfKey ? 'key' : 'cert', fault.message)
  }
  const certificates = textListField(value, 'certs') ?? []
  const keys = textListField(value, 'keys') ?? []
  if (certificates.length !== keys.length) add('keys', 'mismatched number of certs and keys')
  for (const [index, further] of certificates.entries()) {
    const its = keys[index]
    const fault = its === undefined ? null : describePairFault(further, its)
    if (fault === null) continue
    const path = joinPath(fault.isOfKey ? 'keys' : 'certs', index)
    add(path, `failed to handle cert-key pair[${index + 1}]: ${fault.message}`)
  }
  const client = objectField(value, 'client')
  const ca = client === null ? null : textField(client, 'ca')
  const caFault = ca === null ? null : checkCertificates(ca)
  if (caFault !== null) add('client.ca', `failed to validate client_cert: failed to parse cert: ${caFault}`)
  return faults
}

function describePairFault(
  certificate: string,
  key: string,
): { readonly isOfKey: boolean; readonly message: string } | null {
  const certificateFault = checkCertificates(certificate)
  if (certificateFault !== null)
    return { isOfKey: false, message: `failed to parse cert: ${certificateFault}` }
  const keyFault = checkPrivateKey(key) ?? checkKeyPair(certificate, key)
  return keyFault === null ? null : { isOfKey: true, message: `failed to parse key: ${keyFault}` }
}

/** Nothing of its own; upstreams that name it look it up. What of it has no effect becomes a warning. */
export function translateSsl({ value }: StoredDocument): Translation {
  const warnings: TranslationWarning[] = []
  if (isClientCertificate(value)) {
    for (const field of ['sni', 'snis', 'certs', 'keys', 'client', 'ssl_protocols', 'status']) {
      if (!Object.hasOwn(value, field) || (field === 'status' && value.status === 1)) continue
      warnings.push({ path: field, message: `${field} has no effect on a certificate of type client` })
    }
  } else {
    const message = 'has no effect until there is a TLS listener; for upstreams it must be of type client'
    warnings.push({ path: 'type', message })
  }
  return { objects: [], warnings }
}

/** Whether upstreams may show it; without a type it is for servers. */
export function isClientCertificate(value: JsonObject): boolean {
  return textField(value, 'type') === 'client'
}

export interface ClientCertificate {
  readonly certificate: string
  readonly key: string
}

/** What an upstream with `tls.client_cert_id` shows to its nodes, or why there is nothing to show. */
export function findClientCertificate(id: string, lookup: Lookup): ClientCertificate | string {
  const document = lookup('ssls', id)
  if (document === undefined) return `ssl ${id} does not exist`
  if (!isClientCertificate(document.value)) return `ssl ${id} is not of type client`
  const certificate = textField(document.value, 'cert')
  const key = textField(document.value, 'key')
  return certificate === null || key === null ? `ssl ${id} has no certificate` : { certificate, key }
}

/** The id in `tls.client_cert_id` of an upstream. */
export function clientCertificateId(upstream: JsonObject): string | null {
  const tls = objectField(upstream, 'tls')
  return tls === null ? null : idField(tls, 'client_cert_id')
}

// ================= private keys =================

const PRIVATE: ReadonlySet<string> = new Set(['key', 'keys'])

/** A value as it is shown: without private keys. */
export function withoutKeys(value: JsonObject): JsonObject {
  const shown: Record<string, JsonValue> = {}
  for (const name of Object.keys(value)) if (!PRIVATE.has(name)) shown[name] = value[name] as JsonValue
  return shown
}

/** A value that was read, perhaps edited, and is written again has no private keys: the stored ones stay. They come last. */
export function keepKeys(value: JsonObject, previous: JsonObject | undefined): JsonObject {
  if (previous === undefined) return value
  const kept: Record<string, JsonValue> = { ...value }
  if (!Object.hasOwn(value, 'key') && previous.key !== undefined) kept.key = previous.key
  if (!Object.hasOwn(value, 'keys') && Object.hasOwn(value, 'certs') && previous.keys !== undefined)
    kept.keys = previous.keys
  return kept
}
