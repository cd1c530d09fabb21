import type { Certificate, TlsVersion } from '../../model/certificate.ts'
import type { Fault, StoredDocument } from '../../model/document.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { checkCertificates, checkKeyPair, checkPrivateKey, describeValidity } from '../../model/pem.ts'
import type { Lookup, Translation } from '../dialect.ts'
import { idField, numberField, objectField, textField, textListField } from './fields.ts'
import type { TranslationWarning } from './holder.ts'
import { joinPath } from './lua-schema.ts'

/**
 * `ssls`: certificates with their private keys. Those of type client are what upstreams show to their nodes; those of type server are what TLS
 * listeners show. Private keys go in and never come out again.
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

/** One of type server is what listeners show; one of type client is looked up by the upstreams that name it. What of it has no effect becomes a warning. */
export function translateSsl(document: StoredDocument): Translation {
  const { value } = document
  if (isClientCertificate(value)) return { objects: [], warnings: collectUnused(value) }
  if (numberField(value, 'status') === 0) return { objects: [], warnings: [] }
  const certificate = textField(value, 'cert')
  const key = textField(value, 'key')
  const serverNames = textListField(value, 'snis') ?? listOfOne(textField(value, 'sni'))
  if (certificate === null || key === null || serverNames.length === 0) return { objects: [], warnings: [] }
  const certificates = textListField(value, 'certs') ?? []
  const keys = textListField(value, 'keys') ?? []
  const pairs = [{ certificate, key }]
  for (const [index, further] of certificates.entries())
    pairs.push({ certificate: further, key: keys[index] as string })
  const object: Certificate = {
    kind: 'certificate',
    id: `apisix/ssls/${document.key.id}`,
    name: serverNames[0] as string,
    origin: { dialect: 'apisix', kind: 'ssl', id: document.key.id, path: '' },
    // clients write no dot of the root; the reference takes it off as well
    serverNames: serverNames.map((name) => name.toLowerCase().replace(/\.$/, '')),
    pairs,
    client: readVerification(value),
    versions: (textListField(value, 'ssl_protocols') as readonly TlsVersion[] | null) ?? null,
    key: [document.createdRevision],
  }
  return { objects: [object], warnings: collectExpired(pairs) }
}

function listOfOne(text: string | null): readonly string[] {
  return text === null ? [] : [text]
}

/** `depth` is 1 where it is left out. */
function readVerification(value: JsonObject): Certificate['client'] {
  const client = objectField(value, 'client')
  const authorities = client === null ? null : textField(client, 'ca')
  if (client === null || authorities === null) return null
  return {
    authorities,
    depth: numberField(client, 'depth') ?? 1,
    exceptPaths: textListField(client, 'skip_mtls_uri_regex') ?? [],
  }
}

/** A certificate that is over, or has not begun, is served all the same: its clients say more about it than a gateway that is silent. */
function collectExpired(pairs: Certificate['pairs']): readonly TranslationWarning[] {
  const warnings: TranslationWarning[] = []
  for (const [index, { certificate }] of pairs.entries()) {
    const message = describeValidity(certificate, Date.now())
    if (message === null) continue
    warnings.push({ path: index === 0 ? 'cert' : `certs[${index - 1}]`, message })
  }
  return warnings
}

function collectUnused(value: JsonObject): readonly TranslationWarning[] {
  const warnings: TranslationWarning[] = []
  for (const field of ['sni', 'snis', 'certs', 'keys', 'client', 'ssl_protocols', 'status']) {
    if (!Object.hasOwn(value, field) || (field === 'status' && value.status === 1)) continue
    warnings.push({ path: field, message: `${field} has no effect on a certificate of type client` })
  }
  return warnings
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
