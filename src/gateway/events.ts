import { suggest } from '../model/suggest.ts'

/** What happens to a gateway beside requests, in kinds that people and programs tell apart. */
export const EVENT_TYPES = [
  /** Documents changed, and the change is in force. */
  'revision',
  /** A document does not validate or cannot be translated; what it had stays, or it is set aside. */
  'document-rejected',
  /** A document is in force, but not all of it. */
  'document-degraded',
  'worker-started',
  'worker-failed',
  'worker-replaced',
  /** The gateway became ready, or is no longer. */
  'readiness',
  /** The store has faults, or refused a write; and when it is well again. */
  'store',
  /** A file of documents is not good. */
  'config-fault',
  'drain',
  'profile',
  /** A worker is short of memory or time, or no longer. */
  'overload',
  /** How an endpoint stands: checks, live traffic, an operator. No worker acts on the old state any more. */
  'endpoint-unhealthy',
  'endpoint-healthy',
  'endpoint-ejected',
  'endpoint-readmitted',
  'endpoint-state',
  /** A name stands for nothing any more, or nobody can say; and when it is well again. */
  'name-unresolved',
  'name-resolved',
  /** A listener that a document asks for cannot be opened; and when it is. */
  'listener',
] as const

export type EventType = (typeof EVENT_TYPES)[number]

export interface GatewayEvent {
  /** Unique, in order: `<start of the process>-<number>`. */
  readonly id: string
  readonly type: EventType
  readonly atMs: number
  /** One line for people. */
  readonly text: string
  readonly data: Readonly<Record<string, unknown>>
}

export type Emit = (type: EventType, text: string, data?: Readonly<Record<string, unknown>>) => void

/** Events that are kept for who comes later. */
export const MAX_EVENTS = 1000

/** What happened lately, and whoever wants to hear of it. */
export class Events {
  readonly #start: string
  readonly #now: () => number
  readonly #ring: GatewayEvent[] = []
  readonly #listeners = new Set<(event: GatewayEvent) => void>()
  #count = 0

  constructor(now: () => number = Date.now) {
    this.#now = now
    this.#start = now().toString(36)
  }

  readonly emit: Emit = (type, text, data = {}) => {
    const event: GatewayEvent = { id: `${this.#start}-${++this.#count}`, type, atMs: this.#now(), text, data }
    if (this.#ring.length === MAX_EVENTS) this.#ring.shift()
    this.#ring.push(event)
    for (const listener of this.#listeners) listener(event)
  }

  /** The last `limit` events, oldest first. */
  last(limit: number): readonly GatewayEvent[] {
    return limit === 0 ? [] : this.#ring.slice(-limit)
  }

  /**
   * The events behind that one, oldest first. `missed`: how many more there were that are kept no longer; null where nobody knows, because
   * the id is of another start of the gateway.
   */
  after(id: string): { readonly events: readonly GatewayEvent[]; readonly missed: number | null } {
    const [start = '', number = ''] = id.split('-')
    const seen = /^\d{1,15}$/.test(number) ? Number(number) : Number.NaN
    if (start !== this.#start || !(seen <= this.#count)) return { events: [...this.#ring], missed: null }
    const wanted = this.#count - seen
    const events = wanted === 0 ? [] : this.#ring.slice(-wanted)
    return { events, missed: wanted - events.length }
  }

  /** Every event from now on; the returned function ends it. A listener must not throw, and not wait. */
  subscribe(listener: (event: GatewayEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/** The types in a list with commas between them, or what is wrong with it. '' is all types. */
export function readEventTypes(text: string): ReadonlySet<EventType> | string {
  const types = new Set<EventType>()
  for (const word of text === '' ? EVENT_TYPES : text.split(',')) {
    const type = EVENT_TYPES.find((known) => known === word)
    if (type === undefined) {
      const near = suggest(word, EVENT_TYPES)
      return `${JSON.stringify(word)} is no type of event${near === null ? '' : `: did you mean ${near}?`} (${EVENT_TYPES.join(', ')})`
    }
    types.add(type)
  }
  return types
}
