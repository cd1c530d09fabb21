import { findCookie } from '../expression/cookie.ts'
import { type CompiledHashKey, compileHashKey } from '../expression/hash-key.ts'
import { type Hash64, xxHash64, xxHash64Hex } from '../expression/hash64.ts'
import type { RequestView } from '../expression/request-view.ts'
import { toByteString } from '../model/byte-string.ts'
import type { Positions } from '../model/model.ts'
import { type Split, type SplitPolicy, type StickyCookie, spillIdentity } from '../model/split.ts'
import { compileRotation, type Rotation, rotate } from '../model/weighted-rotation.ts'
import type { ChoiceReason, CompiledSplitPolicy, CompiledTarget } from './table.ts'

/** What a policy needs beside its split. */
export interface PolicyParts {
  readonly split: Split
  readonly targets: readonly CompiledTarget[]
  readonly positions: Positions
  slot(identity: string): number
  /** The weights alone. */
  pick(): CompiledTarget | null
  peek(): CompiledTarget | null
}

/**
 * What goes before the weights of a split, and what becomes of the share of a target that is out (model/split.ts SplitPolicy). Forced goes before sticky,
 * sticky before the weights; then a choice whose upstream is out may move on. One choice at a time: `reason` and `cookie` are of the last.
 */
export class SplitChooser implements CompiledSplitPolicy {
  reason: ChoiceReason = 'weight'
  cookie = ''
  readonly fallback: CompiledTarget | null
  readonly #parts: PolicyParts
  readonly #policy: SplitPolicy
  readonly #byVariant = new Map<string, CompiledTarget>()
  readonly #sticky: StickyByCookie | StickyByHash | null
  readonly #spill: Spill

  constructor(policy: SplitPolicy, parts: PolicyParts) {
    this.#policy = policy
    this.#parts = parts
    for (const target of parts.targets.toReversed())
      this.#byVariant.set(toByteString(target.model.variant), target)
    const by = policy.sticky?.by
    if (by === undefined) this.#sticky = null
    else if (by.kind === 'cookie')
      this.#sticky = new StickyByCookie(by, parts, policy.sticky?.keepsZeroWeight === true)
    else this.#sticky = new StickyByHash(compileHashKey(by.key), parts)
    this.#spill = new Spill(parts)
    const { whenFailed } = policy
    this.fallback = whenFailed === undefined ? null : (parts.targets[whenFailed] ?? null)
  }

  choose(view: RequestView, isPeek: boolean): CompiledTarget | null {
    this.cookie = ''
    const forced = this.#findForced(view)
    if (forced !== null) {
      this.reason = 'forced'
      return forced
    }
    const kept = this.#sticky === null ? null : this.#sticky.find(view)
    this.reason = kept === null ? 'weight' : 'sticky'
    const chosen = kept ?? (isPeek ? this.#parts.peek() : this.#parts.pick())
    if (chosen === null) return null
    if (kept === null && this.#sticky !== null) this.cookie = this.#sticky.cookieFor(chosen)
    return isOut(chosen) ? this.#moveOn(chosen, isPeek) : chosen
  }

  #findForced(view: RequestView): CompiledTarget | null {
    const { forced } = this.#policy
    if (forced === null) return null
    for (let i = 0; i < forced.sources.length; i++) {
      const { kind, name } = forced.sources[i] as (typeof forced.sources)[number]
      const { cookies } = view
      const value =
        kind === 'header' ? view.header(name) : cookies === undefined ? undefined : findCookie(cookies, name)
      const target = value === undefined ? undefined : this.#byVariant.get(value)
      if (target !== undefined) return target
    }
    return null
  }

  #moveOn(chosen: CompiledTarget, isPeek: boolean): CompiledTarget {
    const { whenOut } = this.#policy
    let other: CompiledTarget | null = null
    if (whenOut.kind === 'spill') other = this.#spill.choose(isPeek)
    else if (whenOut.kind === 'target') {
      const named = this.#parts.targets[whenOut.index]
      if (named !== undefined && !isOut(named)) other = named
    }
    if (other === null || other === chosen) return chosen
    this.reason = 'failover'
    return other
  }
}

function isOut(target: CompiledTarget): boolean {
  return target.kind === 'upstream' && target.upstream.isOut
}

/** A name for a target that says nothing about it, the same as long as its variant is. */
function tokenOf(variant: string): string {
  return xxHash64Hex(toByteString(variant))
}

class StickyByCookie {
  readonly #name: string
  readonly #byToken = new Map<string, CompiledTarget>()
  readonly #lines = new Map<CompiledTarget, string>()

  constructor(cookie: StickyCookie, { targets }: PolicyParts, keepsZeroWeight: boolean) {
    this.#name = cookie.name
    for (const target of targets.toReversed()) {
      const token = tokenOf(target.model.variant)
      this.#lines.set(target, `Set-Cookie: ${cookie.name}=${token}${attributesOf(cookie)}\r\n`)
      if (target.model.weight > 0 || keepsZeroWeight) this.#byToken.set(token, target)
    }
  }

  find(view: RequestView): CompiledTarget | null {
    const { cookies } = view
    const token = cookies === undefined ? undefined : findCookie(cookies, this.#name)
    return token === undefined ? null : (this.#byToken.get(token) ?? null)
  }

  cookieFor(target: CompiledTarget): string {
    return this.#lines.get(target) ?? ''
  }
}

function attributesOf({ path, maxAgeSeconds, isSecure, isHttpOnly, sameSite }: StickyCookie): string {
  const parts = [`; Path=${path}`]
  if (maxAgeSeconds > 0) parts.push(`; Max-Age=${maxAgeSeconds}`)
  // browsers drop a cookie of SameSite=None that is not Secure
  if (isSecure || sameSite === 'none') parts.push('; Secure')
  if (isHttpOnly) parts.push('; HttpOnly')
  if (sameSite !== null) parts.push(`; SameSite=${sameSite.charAt(0).toUpperCase()}${sameSite.slice(1)}`)
  return parts.join('')
}

/**
 * Weighted rendezvous: each target draws a number for the key, and the best of number and weight wins. So each gets its share of the keys, and a target whose
 * weight grows only wins keys; none move between the others.
 */
class StickyByHash {
  readonly #key: CompiledHashKey
  readonly #targets: readonly Drawer[]
  readonly #hash: Hash64 = { high: 0, low: 0 }

  constructor(key: CompiledHashKey, { split, targets }: PolicyParts) {
    this.#key = key
    const seen = new Map<string, number>()
    this.#targets = targets.flatMap((target) => {
      // of several of one name each draws for itself
      const count = seen.get(target.model.variant) ?? 0
      seen.set(target.model.variant, count + 1)
      if (target.model.weight === 0) return []
      const own: Hash64 = { high: 0, low: 0 }
      xxHash64(toByteString(`${split.id}\0${target.model.variant}\0${count}`), own)
      return [{ target, ...own }]
    })
  }

  find(view: RequestView): CompiledTarget | null {
    if (!this.#key.read(view, this.#hash)) return null
    const { high, low } = this.#hash
    let best: CompiledTarget | null = null
    let most = Number.NEGATIVE_INFINITY
    for (let i = 0; i < this.#targets.length; i++) {
      const own = this.#targets[i] as Drawer
      // an exponential draw: the winner of weight / -ln(u) is each target with the probability of its weight
      const draw = (mix(high ^ own.high, low ^ own.low) + 0.5) / 2 ** 32
      const score = own.target.model.weight / -Math.log(draw)
      if (score <= most) continue
      most = score
      best = own.target
    }
    return best
  }

  cookieFor(): string {
    return ''
  }
}

/** A target and what it mixes into a key. */
interface Drawer extends Hash64 {
  readonly target: CompiledTarget
}

/** Both halves into 32 well mixed bits (the finish of MurmurHash3). */
function mix(high: number, low: number): number {
  let hash = Math.imul(high, 0x9e3779b1) ^ low
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The living targets by their weights, with a position of their own over all workers. */
class Spill {
  readonly #parts: PolicyParts
  readonly #slot: number
  /** Which targets the rotation is over. */
  #living = ''
  #rotation: Rotation | null = null
  #own = 0

  constructor(parts: PolicyParts) {
    this.#parts = parts
    this.#slot = parts.split.policy?.whenOut.kind === 'spill' ? parts.slot(spillIdentity(parts.split.id)) : 0
  }

  /** null: nobody lives. */
  choose(isPeek: boolean): CompiledTarget | null {
    const { targets, positions } = this.#parts
    let living = ''
    for (let i = 0; i < targets.length; i++) living += isOut(targets[i] as CompiledTarget) ? '0' : '1'
    if (this.#rotation === null || living !== this.#living) {
      this.#living = living
      this.#rotation = compileRotation(targets.map(({ model }, i) => (living[i] === '1' ? model.weight : 0)))
    }
    const rotation = this.#rotation
    if (rotation.total.length === 0) return targets[rotation.only] ?? null
    if (this.#slot === 0) {
      const own = this.#own % rotation.limit
      if (!isPeek) this.#own = own + 1
      return targets[rotate(rotation, own)] ?? null
    }
    const position = isPeek
      ? positions.peek(this.#slot, rotation.limit)
      : positions.advance(this.#slot, rotation.limit)
    return targets[rotate(rotation, position)] ?? null
  }
}
