import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { TencentCredential } from '../../../model/settings.ts'
import type { SignedCall, Signer } from '../../dialect.ts'
import { CallError } from './call-error.ts'

/**
 * Signatures of calls, TC3-HMAC-SHA256 as the vendor documents it: its clients make them with a SecretId and a SecretKey. What is signed is the method, the query, the fields that the
 * call says are signed, and the body. X-TC-Action is among them only where the client signs it.
 */
const ALGORITHM = 'TC3-HMAC-SHA256'
/** What the scope of a signature ends with. */
const TERMINATOR = 'tc3_request'
/** How far the clock of a caller may be from ours, either way. Seconds. */
const WINDOW_SECONDS = 300

const FORM = /^TC3-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64}) *$/
const FORM_TEXT = `${ALGORITHM} Credential=<SecretId>/<date>/apigateway/${TERMINATOR}, SignedHeaders=content-type;host, Signature=<64 hexadecimal digits>`
/** Every signature is over these. */
const NEEDED = ['content-type', 'host'] as const

/** What a call says of its signature, and whose it would be. */
interface Claim {
  readonly secretId: string
  readonly credential: TencentCredential
  /** Seconds since the epoch, as written. */
  readonly timestamp: string
  /** UTC, `2026-11-27`. */
  readonly date: string
  /** What the client calls this API: `apigateway`, or the first part of the host that it was told to ask. */
  readonly service: string
  readonly signedFields: readonly string[]
  /** Hexadecimal. */
  readonly signature: string
}

export function isSigned({ headers }: SignedCall): boolean {
  return headers.authorization?.startsWith(ALGORITHM) === true
}

export class Signatures {
  readonly #credentials: Readonly<Record<string, TencentCredential>>
  readonly #clock: () => number

  /** `clock`: milliseconds since the epoch. */
  constructor(credentials: Readonly<Record<string, TencentCredential>>, clock: () => number) {
    this.#credentials = credentials
    this.#clock = clock
  }

  /** Throws CallError for a call that cannot be a good one, whatever its body is. */
  check(call: SignedCall): void {
    this.#readClaim(call)
  }

  /** Who signed the call. Throws CallError where nobody known did. */
  verify(call: SignedCall, body: string): Signer {
    const claim = this.#readClaim(call)
    const given = Buffer.from(claim.signature, 'hex')
    const bodyHash = digest(body)
    let isGood = false
    for (const form of signedForms(call)) {
      const made = sign(claim, canonicalRequest(form, claim.signedFields, bodyHash))
      if (timingSafeEqual(made, given)) isGood = true
    }
    if (!isGood)
      throw new CallError(
        'AuthFailure.SignatureFailure',
        'the signature is not that of this call: check the SecretKey, and that method, query, signed fields and body arrive as they were signed',
      )
    return { name: claim.secretId, role: claim.credential.role ?? 'admin' }
  }

  #readClaim({ headers }: SignedCall): Claim {
    const [, scope = '', fields = '', signature = ''] = FORM.exec(headers.authorization ?? '') ?? []
    const [secretId = '', date = '', service = '', terminator, ...more] = scope.split('/')
    if (signature === '' || service === '' || terminator !== TERMINATOR || more.length > 0)
      throw invalid(`Authorization must be ${FORM_TEXT}`)
    const timestamp = headers['x-tc-timestamp'] ?? ''
    if (!/^\d{1,12}$/.test(timestamp)) throw invalid('X-TC-Timestamp must be seconds since 1970')
    this.#checkTime(Number(timestamp))
    const ownDate = new Date(Number(timestamp) * 1000).toISOString().slice(0, 10)
    if (date !== ownDate)
      throw invalid(`the date in Credential must be that of X-TC-Timestamp in UTC, ${ownDate}`)
    if (headers['x-tc-token'] !== undefined)
      throw new CallError(
        'AuthFailure.TokenFailure',
        'temporary credentials (X-TC-Token) are not known here: sign with a SecretId of tencent.credentials',
      )
    if (headers['x-tc-content-sha256'] !== undefined)
      throw invalid('X-TC-Content-SHA256 is not taken: the body must be signed')
    const signedFields = fields.split(';')
    const absent = signedFields.find((name) => headers[name] === undefined)
    if (absent !== undefined) throw invalid(`the call has no ${absent}, which SignedHeaders names`)
    const unsigned = NEEDED.find((name) => !signedFields.includes(name))
    if (unsigned !== undefined) throw invalid(`SignedHeaders must name ${unsigned}`)
    const credential = Object.hasOwn(this.#credentials, secretId) ? this.#credentials[secretId] : undefined
    if (credential === undefined)
      throw new CallError(
        'AuthFailure.SecretIdNotFound',
        `there is no SecretId ${secretId} (setting tencent.credentials)`,
      )
    return { secretId, credential, timestamp, date, service, signedFields, signature }
  }

  #checkTime(seconds: number): void {
    const now = Math.floor(this.#clock() / 1000)
    const off = seconds - now
    if (Math.abs(off) <= WINDOW_SECONDS) return
    const where = off < 0 ? 'behind' : 'ahead of'
    throw new CallError(
      'AuthFailure.SignatureExpire',
      `X-TC-Timestamp is ${Math.abs(off)} s ${where} the clock of the gateway (${now}), at most ${WINDOW_SECONDS} s are allowed: set the clock, or sign anew`,
    )
  }
}

/**
 * What clients of the vendor may have signed of a call that arrives so: some sign the path of its own hosts, `/`, wherever they send it, and some the host without the port that they
 * ask. Neither means anything here.
 */
function* signedForms(call: SignedCall): Generator<SignedCall> {
  const host = call.headers.host ?? ''
  for (const path of new Set([call.path, '/']))
    for (const one of new Set([host, host.replace(/:\d+$/, '')]))
      yield { ...call, path, headers: { ...call.headers, host: one } }
}

function canonicalRequest(
  { method, path, query, headers }: SignedCall,
  fields: readonly string[],
  bodyHash: string,
): string {
  const lines = fields.map((name) => `${name}:${(headers[name] ?? '').trim().toLowerCase()}\n`)
  return [method, path, query, lines.join(''), fields.join(';'), bodyHash].join('\n')
}

function sign({ credential, timestamp, date, service }: Claim, canonical: string): Buffer {
  const scope = `${date}/${service}/${TERMINATOR}`
  const key = [date, service, TERMINATOR].reduce<string | Buffer>(hmac, `TC3${credential.SecretKey}`)
  return hmac(key, [ALGORITHM, timestamp, scope, digest(canonical)].join('\n'))
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest()
}

function digest(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

function invalid(message: string): CallError {
  return new CallError('AuthFailure.InvalidAuthorization', message)
}
