import { toByteString } from '../model/byte-string.ts'
import type { HashKey, HashSource, NewCookie } from '../model/hash-key.ts'
import { crc32 } from './crc32.ts'
import { type Hash64, xxHash64, xxHash64Hex } from './hash64.ts'
import type { RequestView } from './request-view.ts'
import { compileVariable, type VariableValue } from './variables.ts'

/** A hash key ready to be asked for each request. */
export interface CompiledHashKey {
  readonly needsBody: boolean
  /** Writes the key into `into`. False: the request has none. */
  read(view: RequestView, into: Hash64): boolean
  /** The texts that are hashed, for explain; undefined where a source has no value. */
  texts(view: RequestView): readonly (string | undefined)[]
  /** Names of cookies that answers may set. */
  readonly cookies: readonly string[]
  /** Lines of the answer for the cookies that the request lacks; '' for none. */
  cookieLines(view: RequestView): string
}

/** From: spec/kuma.md 11 (combining), spec/apisix.md 5.2 (absent variables), spec/apinizer.md 4.2 (`javaString`). */
export function compileHashKey(key: HashKey): CompiledHashKey {
  return new RequestKey(key)
}

interface Source {
  readonly isTerminal: boolean
  readonly needsBody: boolean
  readonly read: (view: RequestView) => string | undefined
  /** What stands in the answer before and behind the value of a cookie that is made; null: none is. */
  readonly cookie: { readonly start: string; readonly end: string } | null
}

class RequestKey implements CompiledHashKey {
  readonly needsBody: boolean
  readonly #sources: readonly Source[]
  readonly #usesAddress: boolean
  readonly #hash: (text: string, into: Hash64) => void
  readonly cookies: readonly string[]

  constructor(key: HashKey) {
    this.#sources = key.sources.map(compileSource)
    this.cookies = key.sources.flatMap(({ newCookie }) => (newCookie === undefined ? [] : [newCookie.name]))
    this.needsBody = this.#sources.some((source) => source.needsBody)
    this.#usesAddress = key.fallback === 'address'
    this.#hash = HASHES[key.hash]
  }

  read(view: RequestView, into: Hash64): boolean {
    let high = 0
    let low = 0
    let hasOne = false
    for (let i = 0; i < this.#sources.length; i++) {
      const source = this.#sources[i] as Source
      let text = source.read(view)
      if (text === undefined) {
        if (source.cookie === null) continue
        text = makeCookieValue(view)
      }
      this.#hash(text, into)
      // rotated left by one, then the next one is mixed in; the first is itself
      const carry = high >>> 31
      high = ((high << 1) | (low >>> 31)) ^ into.high
      low = ((low << 1) | carry) ^ into.low
      hasOne = true
      if (source.isTerminal) break
    }
    if (!hasOne) {
      if (!this.#usesAddress) return false
      this.#hash(view.clientAddress, into)
      return true
    }
    into.high = high >>> 0
    into.low = low >>> 0
    return true
  }

  texts(view: RequestView): readonly (string | undefined)[] {
    return this.#sources.map((source) => source.read(view))
  }

  cookieLines(view: RequestView): string {
    let lines = ''
    for (const { read, cookie, isTerminal } of this.#sources) {
      const isAbsent = read(view) === undefined
      if (isAbsent && cookie !== null) lines += cookie.start + makeCookieValue(view) + cookie.end
      if (isTerminal && (!isAbsent || cookie !== null)) break
    }
    return lines
  }
}

/** The same for all requests of a connection, so that those on their way at once get one value (Envoy: the hash of both addresses). */
function makeCookieValue({ clientAddress, clientPort, localAddress, localPort }: RequestView): string {
  return xxHash64Hex(`${clientAddress}:${clientPort}${localAddress}:${localPort}`)
}

function compileCookie(cookie: NewCookie | undefined): Source['cookie'] {
  if (cookie === undefined) return null
  const { name, maxAgeSeconds, path } = cookie
  const age = maxAgeSeconds === 0 ? '' : `; Max-Age=${maxAgeSeconds}`
  return { start: `Set-Cookie: ${name}=`, end: `${age}; Path=${path}; HttpOnly\r\n` }
}

/** A source has a value when one of its variables has, or where it has none; absent ones beside it are empty text. */
function compileSource({ template, isTerminal, newCookie }: HashSource): Source {
  const cookie = compileCookie(newCookie)
  const parts: (string | ((view: RequestView) => VariableValue))[] = []
  let needsBody = false
  for (const part of template) {
    if (typeof part === 'string') parts.push(toByteString(part))
    else if ('variable' in part) {
      const variable = compileVariable(part.variable)
      needsBody ||= variable.needsBody
      const { read } = variable
      const fallback = part.fallback === '' ? undefined : toByteString(part.fallback)
      parts.push(fallback === undefined ? read : (view) => read(view) ?? fallback)
    }
  }
  const [only] = parts
  if (parts.length === 1 && typeof only === 'function')
    return { isTerminal, needsBody, read: (view) => textOf(only(view)), cookie }
  const hasVariables = parts.some((part) => typeof part === 'function')
  const read = (view: RequestView): string | undefined => {
    let text = ''
    let hasValue = !hasVariables
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] as (typeof parts)[number]
      if (typeof part === 'string') text += part
      else {
        const value = textOf(part(view))
        if (value === undefined) continue
        text += value
        hasValue = true
      }
    }
    return hasValue ? text : undefined
  }
  return { isTerminal, needsBody, read, cookie }
}

function textOf(value: VariableValue): string | undefined {
  if (typeof value === 'string' || value === undefined) return value
  return typeof value === 'object' ? value.join(',') : String(value)
}

const HASHES: Readonly<Record<HashKey['hash'], (text: string, into: Hash64) => void>> = {
  xxHash: xxHash64,
  javaString: hashJavaString,
  crc32: (text, into) => {
    into.high = crc32(text)
    into.low = 0
  },
}

/** The absolute value of Java's String.hashCode; that of the one hash that has none is 2^31. */
export function hashJavaString(text: string, into: Hash64): void {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  into.high = 0
  into.low = Math.abs(hash) >>> 0
}
