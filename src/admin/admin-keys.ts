import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

export type Role = 'admin' | 'viewer'

/** Who a key belongs to. The name goes to the history and the audit log. */
export interface KeyOwner {
  readonly name: string
  readonly role: Role
}

/**
 * The keys of the Admin API (reliability.md A5). What is compared are digests under a secret of this process, all of them every time, so
 * that how long a comparison takes says nothing about a key. The keys themselves are not kept.
 */
export class AdminKeys {
  readonly #secret = randomBytes(32)
  readonly #entries: readonly { readonly digest: Buffer; readonly owner: KeyOwner }[]

  constructor(keys: { readonly key: string; readonly viewerKey: string | null }) {
    const entries = [{ digest: this.#digest(keys.key), owner: { name: 'admin', role: 'admin' as Role } }]
    if (keys.viewerKey !== null) {
      entries.push({ digest: this.#digest(keys.viewerKey), owner: { name: 'viewer', role: 'viewer' } })
    }
    this.#entries = entries
  }

  find(key: string): KeyOwner | null {
    const digest = this.#digest(key)
    let found: KeyOwner | null = null
    for (const entry of this.#entries) if (timingSafeEqual(entry.digest, digest)) found = entry.owner
    return found
  }

  #digest(key: string): Buffer {
    return createHmac('sha256', this.#secret).update(key, 'utf8').digest()
  }
}
