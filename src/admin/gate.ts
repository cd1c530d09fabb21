import type { Refusal } from '../dialects/dialect.ts'
import type { AdminSettings } from '../model/settings.ts'
import { AdminKeys, type KeyOwner } from './admin-keys.ts'
import { compileAllowList, isHostAllowed, isOriginAllowed } from './peers.ts'
import { WrongKeys } from './wrong-keys.ts'

/** What the gate needs to know of a request. */
export interface GateRequest {
  readonly method: string
  /** The socket's peer and own address, IPv4-mapped IPv6 as IPv4. */
  readonly peer: string
  readonly localAddress: string
  /** Lower-case names; repeated fields joined, as Node gives them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly query: ReadonlyMap<string, string>
  /** Whether it is for a dialect's API: only there keys may stand in the query or a cookie. */
  readonly isDialect: boolean
  /** Whether a key may stand in `Authorization: Bearer`; our own endpoints take it there. */
  readonly acceptsBearer: boolean
  /** Whether the call may change documents: then a viewer's key does not do. */
  readonly mayChange: boolean
  /** Whether the endpoint answers without a key. */
  readonly isOpen: boolean
  /** Whether the call carries a signature that its dialect looks at: without a key it passes, and who let it pass sees to that. */
  readonly isSigned: boolean
}

/** What the gate looks at; `hosts` null: at any Host, where a key is needed and no page of another site has it. */
export type GateSettings = Pick<AdminSettings, 'allow' | 'cors' | 'keySources'> & {
  readonly hosts: readonly string[] | null
}

export type Verdict =
  /** null: no key was needed. */
  | { readonly kind: 'pass'; readonly owner: KeyOwner | null }
  /** Without a key: its signature has to be verified. */
  | { readonly kind: 'signed' }
  | { readonly kind: 'refuse'; readonly why: Refusal | { readonly kind: 'badHost' } }

export function isWrite(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'
}

/** Decides who comes in (reliability.md A4-A7, A9, A12, A14), in a fixed order: address, Host, origin, lock-out, key, role. */
export class AdminGate {
  readonly #isPeerAllowed: (address: string) => boolean
  readonly #hosts: ReadonlySet<string> | null
  readonly #origins: ReadonlySet<string>
  readonly #sources: ReadonlySet<string>
  readonly #keys: AdminKeys
  readonly #wrongKeys: WrongKeys

  /** `now`: milliseconds of a monotonic clock. Throws BAD_SETTING on a malformed allow list. */
  constructor(
    settings: GateSettings,
    keys: { readonly key: string; readonly viewerKey: string | null },
    now: () => number,
  ) {
    this.#isPeerAllowed = compileAllowList(settings.allow)
    this.#hosts = settings.hosts === null ? null : new Set(settings.hosts.map((host) => host.toLowerCase()))
    this.#origins = new Set(settings.cors)
    this.#sources = new Set(settings.keySources)
    this.#keys = new AdminKeys(keys)
    this.#wrongKeys = new WrongKeys(now)
  }

  judge(request: GateRequest): Verdict {
    const { headers, method, peer } = request
    if (!this.#isPeerAllowed(peer)) return refuse({ kind: 'addressNotAllowed' })
    const host = textOf(headers.host)
    if (this.#hosts !== null && !isHostAllowed(host, this.#hosts, request.localAddress))
      return refuse({ kind: 'badHost' })
    if (isWrite(method) && !isOriginAllowed(textOf(headers.origin), host, this.#origins)) {
      return refuse({ kind: 'badOrigin' })
    }
    if (request.isOpen) return { kind: 'pass', owner: null }
    const retryAfterSeconds = this.#wrongKeys.waitSeconds(peer)
    if (retryAfterSeconds > 0) return refuse({ kind: 'tooManyWrongKeys', retryAfterSeconds })
    const key = this.#findKey(request)
    if (key === undefined) return request.isSigned ? { kind: 'signed' } : refuse({ kind: 'missingKey' })
    const owner = this.#keys.find(key)
    if (owner === null) {
      this.#wrongKeys.count(peer)
      return refuse({ kind: 'wrongKey' })
    }
    if (owner.role === 'viewer' && request.mayChange) return refuse({ kind: 'viewerMayNotWrite' })
    return { kind: 'pass', owner }
  }

  /** A signature was a wrong one: it counts as a wrong key. */
  countWrongKey(peer: string): void {
    this.#wrongKeys.count(peer)
  }

  /** First source present wins, in APISIX's order: query, header, cookie (spec/apisix.md 1.1). */
  #findKey(request: GateRequest): string | undefined {
    const { headers, isDialect } = request
    if (isDialect && this.#sources.has('query')) {
      const key = request.query.get('api_key')
      if (key !== undefined) return key
    }
    if (this.#sources.has('header') || !isDialect) {
      const key = textOf(headers['x-api-key']) ?? textOf(headers.x_api_key)
      if (key !== undefined) return key
      // Scrapers and other standard clients know this one.
      const bearer = !request.acceptsBearer
        ? null
        : /^Bearer +(\S+)$/i.exec(textOf(headers.authorization) ?? '')
      if (bearer !== null) return bearer[1]
    }
    // A browser sends cookies by itself, so they prove nothing about a write.
    if (isDialect && this.#sources.has('cookie') && request.method === 'GET') {
      return cookieOf(textOf(headers.cookie), 'x_api_key')
    }
    return undefined
  }
}

function refuse(why: Refusal | { readonly kind: 'badHost' }): Verdict {
  return { kind: 'refuse', why }
}

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

function cookieOf(field: string | undefined, name: string): string | undefined {
  for (const pair of (field ?? '').split(';')) {
    const equals = pair.indexOf('=')
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
  }
  return undefined
}
