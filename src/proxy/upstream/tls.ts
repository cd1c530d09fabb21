import { isIP } from 'node:net'
import type { ConnectionOptions, PeerCertificate, SecureContext } from 'node:tls'
import type { Limits } from '../../model/settings.ts'
import type { UpstreamTls } from '../../model/upstream.ts'
import type { EndpointPool } from './pool.ts'

/** How connections to https endpoints are made; one for all upstreams that say the same. */
export interface CompiledTls {
  /** What it says, as text: connections of other texts are not interchangeable. Never shown. */
  readonly key: string
  readonly verifies: boolean
  /** Whether it must be for the name too; where `verifies`. */
  readonly verifiesName: boolean
  /** Whether it must be the name letter by letter; where `verifiesName`. */
  readonly exactName: boolean
  /** null: the system's certificates, and none of our own. */
  readonly context: SecureContext | null
}

/** Where the document says nothing: nothing is verified, as in APISIX. */
export const PLAIN_TLS: CompiledTls = {
  key: '',
  verifies: false,
  verifiesName: false,
  exactName: false,
  context: null,
}

const known = new Map<string, WeakRef<CompiledTls>>()
/** Names hold certificates and keys: they go with what they are of. */
const gone = new FinalizationRegistry<string>((name) => {
  if (known.get(name)?.deref() === undefined) known.delete(name)
})

/** Certificates and keys have been checked by the dialect (model/pem.ts); what is wrong all the same is thrown. */
export function compileTls(tls: UpstreamTls | null): CompiledTls {
  if (tls === null) return PLAIN_TLS
  const {
    verifies,
    ca,
    certificate,
    key,
    verifiesName = true,
    exactName = false,
    minVersion,
    maxVersion,
  } = tls
  const name = JSON.stringify([
    verifies,
    ca,
    certificate,
    key,
    verifiesName,
    exactName,
    minVersion,
    maxVersion,
  ])
  const same = known.get(name)?.deref()
  if (same !== undefined) return same
  const hasContext =
    ca !== null || certificate !== null || minVersion !== undefined || maxVersion !== undefined
  const compiled: CompiledTls = {
    key: name,
    verifies,
    verifiesName,
    exactName,
    context: hasContext
      ? process.getBuiltinModule('node:tls').createSecureContext({
          ...(ca === null ? {} : { ca }),
          ...(minVersion === undefined ? {} : { minVersion }),
          ...(maxVersion === undefined ? {} : { maxVersion }),
          ...(certificate === null || key === null ? {} : { cert: certificate, key }),
        })
      : null,
  }
  known.set(name, new WeakRef(compiled))
  gone.register(compiled, name)
  return compiled
}

/** How a connection to an https endpoint is made; `protocols`: what is offered in the handshake. */
export function tlsTarget(
  { identity, session, lookup }: EndpointPool,
  address: string,
  limits: Limits,
  protocols: string[],
): ConnectionOptions & { highWaterMark: number } {
  return {
    host: address,
    port: identity.port,
    rejectUnauthorized: identity.tls.verifies,
    ...nameCheck(identity.tls),
    ...(identity.tls.context === null ? {} : { secureContext: identity.tls.context }),
    ...(session === undefined ? {} : { session }),
    ALPNProtocols: protocols,
    highWaterMark: limits.bufferHighBytes,
    ...(lookup === undefined ? {} : { lookup }),
    ...(identity.serverName === '' ? {} : { servername: identity.serverName }),
  }
}

/** What looks at the name beside the chain, where that is not Node's own way. */
function nameCheck({
  verifies,
  verifiesName,
  exactName,
}: CompiledTls): Pick<ConnectionOptions, 'checkServerIdentity'> {
  if (verifies && !verifiesName) return { checkServerIdentity: () => undefined }
  return verifies && exactName ? { checkServerIdentity: checkExactName } : {}
}

/** undefined, or why the certificate is not for the name itself: a wildcard does not stand for it, and an address is no name. */
export function checkExactName(
  host: string,
  certificate: Pick<PeerCertificate, 'subject' | 'subjectaltname'>,
): Error | undefined {
  const { subject, subjectaltname } = certificate
  const names = (subjectaltname ?? '')
    .split(', ')
    .flatMap((entry) => (entry.startsWith('DNS:') ? [entry.slice(4).toLowerCase()] : []))
  // the subject names it only where no other field does (RFC 6125 6.4.4)
  const common = subject?.CN
  if (subjectaltname === undefined && typeof common === 'string') names.push(common.toLowerCase())
  const name = host.replace(/\.$/, '').toLowerCase()
  if (isIP(name) === 0 && names.includes(name)) return undefined
  const error: NodeJS.ErrnoException = new Error(
    `the certificate must name ${host} itself, it names ${names.join(', ') || 'no host'}`,
  )
  error.code = 'ERR_TLS_CERT_ALTNAME_INVALID'
  return error
}

/** Whether an error of a socket that was connecting is this process's own: no descriptor, no port. */
export function isOwnLimit({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EMFILE' || code === 'ENFILE' || code === 'EADDRNOTAVAIL'
}

/** Whether an error of a socket that was connecting comes from TLS: then the endpoint is there, and not what it should be. */
export function isTlsError({ code }: NodeJS.ErrnoException): boolean {
  return code !== undefined && TLS_ERROR.test(code)
}

const TLS_ERROR =
  /^(?:ERR_TLS|ERR_SSL|EPROTO|CERT_|CRL_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|INVALID_|PATH_LENGTH|HOSTNAME_MISMATCH)/
