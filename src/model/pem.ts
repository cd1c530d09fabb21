import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'

/** Certificates and keys as text (PEM), checked when a document is written, so that nothing fails in a worker later. */

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g
const MAX_CERTIFICATES = 1000

/** Why this is no list of certificates; null: it is one. */
export function checkCertificates(pem: string): string | null {
  const blocks = pem.match(BLOCK)
  if (blocks === null) return 'there is no certificate in it (PEM: -----BEGIN CERTIFICATE-----)'
  if (blocks.length > MAX_CERTIFICATES)
    return `it holds ${blocks.length} certificates, at most ${MAX_CERTIFICATES} are allowed`
  for (const [i, block] of blocks.entries()) {
    try {
      new X509Certificate(block)
    } catch {
      return `certificate ${i + 1} cannot be read`
    }
  }
  return null
}

/** The certificates of a text, each by itself. */
export function splitCertificates(pem: string): readonly string[] {
  return pem.match(BLOCK) ?? []
}

/** Why this is no private key; null: it is one. */
export function checkPrivateKey(key: string): string | null {
  try {
    createPrivateKey(key)
    return null
  } catch {
    return UNREADABLE_KEY
  }
}

const UNREADABLE_KEY = 'the private key cannot be read (PEM, not encrypted)'

/** Why a certificate (the first of its chain) and a private key are no pair; null: they are. */
export function checkKeyPair(certificate: string, key: string): string | null {
  const fault = checkCertificates(certificate)
  if (fault !== null) return `the certificate: ${fault}`
  let own: ReturnType<typeof createPrivateKey>
  try {
    own = createPrivateKey(key)
  } catch {
    return UNREADABLE_KEY
  }
  const [first] = certificate.match(BLOCK) as RegExpMatchArray
  const theirs = new X509Certificate(first as string).publicKey.export({ type: 'spki', format: 'der' })
  const ours = createPublicKey(own).export({ type: 'spki', format: 'der' })
  if (!theirs.equals(ours)) return 'the private key does not belong to the certificate'
  try {
    // keys that are too short and the like: OpenSSL reads them and will not use them
    process.getBuiltinModule('node:tls').createSecureContext({ cert: certificate, key })
    return null
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return `OpenSSL does not take it: ${reason.replace(/^error:[0-9A-F]+:/, '')}`
  }
}

/** Why clients will not take the first certificate now, though it is served: its time has not come, or is over; null: it has. */
export function describeValidity(certificate: string, nowMs: number): string | null {
  const [first] = certificate.match(BLOCK) ?? []
  if (first === undefined) return null
  let dates: { readonly validFromDate: Date; readonly validToDate: Date }
  try {
    dates = new X509Certificate(first)
  } catch {
    return null
  }
  const { validFromDate: from, validToDate: to } = dates
  if (to.getTime() <= nowMs) return `expired on ${to.toISOString()}; it is served all the same`
  if (from.getTime() > nowMs) return `holds from ${from.toISOString()} on; it is served all the same`
  return null
}

/** When the first certificate is over, milliseconds of the epoch; null where it cannot be read. */
export function expiryOf(certificate: string): number | null {
  const [first] = certificate.match(BLOCK) ?? []
  if (first === undefined) return null
  try {
    return new X509Certificate(first).validToDate.getTime()
  } catch {
    return null
  }
}
