import type { Origin } from './origin.ts'

/** Somebody from whom requests come, and how they can show it. */
export interface Consumer {
  readonly kind: 'consumer'
  /** Unique over all dialects: `<dialect>/<kind>/<id>`. */
  readonly id: string
  readonly name: string
  readonly origin: Origin
  /** The section whose routes know it. */
  readonly section: string
  /** Texts of which a request shows one. */
  readonly keys: readonly string[]
  /** Its name elsewhere, sent along in X-Consumer-Custom-ID; null: it has none. */
  readonly customId: string | null
}
