import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProxyFault } from '../dialects/dialect.ts'
import { parseDuration } from '../model/duration.ts'
import { GatewayError } from '../model/gateway-error.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import { objectField, textField } from '../model/json-fields.ts'

/**
 * Tokens by which a proxy says who it is: JSON Web Tokens (RFC 7519) with the claims that Kuma's have (Name, Mesh, Tags, Type), signed by HMAC with SHA-256 and one key,
 * which the control plane makes once.
 */

/** What a token is bound to. null, and no tags: to none, the token is good for each. */
export interface TokenClaims {
  readonly mesh: string | null
  readonly name: string | null
  /** Values that a tag may have; each set of tags of the proxy must have one of them for each. */
  readonly tags: Readonly<Record<string, readonly string[]>>
}

/** A proxy that shows a token. */
export interface TokenBearer {
  readonly mesh: string
  readonly name: string
  readonly tagSets: readonly Readonly<Record<string, string>>[]
}

/** Where a control plane is asked for one, as Kuma's. */
export const TOKEN_PATH = '/tokens/dataplane'
export const TOKEN_KEY_FILE = 'dataplane-token.key'
const KEY_BYTES = 32
/** Longest time that a token may be good for. */
const MAX_VALID_MS = 10 * 365 * 86_400_000
/** Clocks of two machines may differ by so much. */
const SKEW_MS = 60_000
const TYPE = 'dataplane'

/** The key in a data directory, made where there is none. `directory` null: nothing is kept, and each start has its own. Throws BAD_SETTING. */
export function readTokenKey(directory: string | null): Buffer {
  if (directory === null) return randomBytes(KEY_BYTES)
  const file = join(directory, TOKEN_KEY_FILE)
  try {
    if (!existsSync(file)) {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      writeFileSync(file, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
    }
    chmodSync(file, 0o600)
    const text = readFileSync(file, 'utf8').trim()
    if (/^[0-9a-f]{64,}$/i.test(text)) return Buffer.from(text, 'hex')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new GatewayError('BAD_SETTING', `the key file ${file} cannot be used (${code ?? String(error)})`)
  }
  throw new GatewayError(
    'BAD_SETTING',
    `the key file ${file} holds no key of ${KEY_BYTES} bytes as hexadecimal digits; remove it to have one made (all tokens are void then)`,
  )
}

/** `validForMs`: 1 to ten years. */
export function signToken(key: Buffer, claims: TokenClaims, validForMs: number, nowMs: number): string {
  const now = Math.floor(nowMs / 1000)
  const body = {
    Name: claims.name ?? '',
    Mesh: claims.mesh ?? '',
    Tags: claims.tags,
    Type: TYPE,
    iat: now,
    nbf: now - SKEW_MS / 1000,
    exp: Math.ceil((nowMs + validForMs) / 1000),
    jti: randomBytes(16).toString('hex'),
  }
  const text = `${encode({ alg: 'HS256', kid: '1', typ: 'JWT' })}.${encode(body)}`
  return `${text}.${signatureOf(key, text)}`
}

/** What a token is bound to, or why it is no good. */
export function readToken(key: Buffer, token: string, nowMs: number): TokenClaims | string {
  const parts = token.trim().split('.')
  if (parts.length !== 3) return 'the token is no JSON Web Token'
  const [head = '', body = '', signature = ''] = parts
  const header = decode(head)
  if (header === null) return 'the token is no JSON Web Token'
  // the algorithm is ours to choose, not the token's
  if (header.alg !== 'HS256') return `the token is signed with ${JSON.stringify(header.alg)}, not with HS256`
  const wanted = Buffer.from(signatureOf(key, `${head}.${body}`))
  const given = Buffer.from(signature)
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    return 'the token was not signed by this control plane'
  const claims = decode(body)
  if (claims === null) return 'the token has no claims'
  const { exp, nbf } = claims
  if (typeof exp !== 'number') return 'the token has no end (exp)'
  if (exp * 1000 <= nowMs - SKEW_MS)
    return `the token is over since ${new Date(exp * 1000).toISOString()}: make a new one`
  if (typeof nbf === 'number' && nbf * 1000 > nowMs + SKEW_MS) return 'the token is not good yet'
  const type = textField(claims, 'Type')
  if (type !== null && type !== '' && type !== TYPE) return `the token is for a ${type}, not for a ${TYPE}`
  return {
    mesh: textField(claims, 'Mesh') || null,
    name: textField(claims, 'Name') || null,
    tags: tagsOf(claims),
  }
}

function tagsOf(claims: JsonObject): TokenClaims['tags'] {
  const tags = objectField(claims, 'Tags') ?? {}
  return Object.fromEntries(
    Object.entries(tags).map(([name, values]) => [
      name,
      (Array.isArray(values) ? (values as readonly JsonValue[]) : []).map(String),
    ]),
  )
}

/** Why a good token is not for this proxy; null: it is. */
export function refuseBearer({ mesh, name, tags }: TokenClaims, bearer: TokenBearer): string | null {
  if (mesh !== null && mesh !== bearer.mesh)
    return `the token is for the mesh ${mesh}, not for ${bearer.mesh}`
  if (name !== null && name !== bearer.name)
    return `the token is for the proxy ${name}, not for ${bearer.name}`
  for (const [tag, values] of Object.entries(tags)) {
    for (const set of bearer.tagSets) {
      const has = set[tag]
      if (has === undefined) return `the token asks for the tag ${tag}, which an inbound of the proxy lacks`
      if (!values.includes(has))
        return `the token is for ${tag}: ${values.join(', ')}, and an inbound of the proxy has ${has}`
    }
  }
  return null
}

/** A wish for a token (`POST /tokens/dataplane`): its claims and time, or all that is wrong with it. */
export function readTokenWish(
  body: JsonValue,
): { readonly claims: TokenClaims; readonly validForMs: number } | readonly ProxyFault[] {
  if (!isJsonObject(body)) return [{ field: '', reason: 'must be an object' }]
  const faults: ProxyFault[] = []
  for (const field of ['name', 'mesh', 'validFor', 'type'] as const)
    if (body[field] !== undefined && typeof body[field] !== 'string')
      faults.push({ field, reason: 'must be a text' })
  const type = textField(body, 'type') ?? ''
  if (type !== '' && type !== TYPE) faults.push({ field: 'type', reason: `must be ${TYPE}` })
  const validForMs = parseDuration(textField(body, 'validFor') ?? '')
  if (textField(body, 'validFor') === null) faults.push({ field: 'validFor', reason: 'cannot be empty' })
  else if (!(validForMs > 0 && validForMs <= MAX_VALID_MS))
    faults.push({ field: 'validFor', reason: 'must be a time such as 30m or 24h, at most ten years' })
  const tags: Record<string, readonly string[]> = {}
  if (body.tags !== undefined && !isJsonObject(body.tags))
    faults.push({ field: 'tags', reason: 'must be an object' })
  for (const [name, values] of Object.entries(objectField(body, 'tags') ?? {})) {
    const isList =
      Array.isArray(values) && values.length > 0 && values.every((value) => typeof value === 'string')
    if (isList) tags[name] = values as readonly string[]
    else faults.push({ field: `tags["${name}"]`, reason: 'must be a list of texts' })
  }
  if (faults.length > 0) return faults
  const claims = { mesh: textField(body, 'mesh') || null, name: textField(body, 'name') || null, tags }
  return { claims, validForMs }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(part: string): JsonObject | null {
  try {
    const value: JsonValue = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return isJsonObject(value) ? value : null
  } catch {
    return null
  }
}

function signatureOf(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}
