import { toByteString } from '../model/byte-string.ts'
import type { Consumer } from '../model/consumer.ts'

/** A consumer as requests see it: all texts are byte strings. */
export interface KnownConsumer {
  readonly id: string
  readonly name: string
  readonly customId: string | null
}

/** Finds who a request is from. */
export interface ConsumerLookup {
  byKey(section: string, key: string): KnownConsumer | undefined
  byName(section: string, name: string): KnownConsumer | undefined
}

interface Entry extends KnownConsumer {
  readonly section: string
  readonly keys: readonly string[]
}

/** The consumers of one worker. */
export class Consumers implements ConsumerLookup {
  readonly #entries = new Map<string, Entry>()
  /** By section and key. Where several have one key, all of them by id: the first is the one. */
  readonly #byKey = new Map<string, Entry | readonly Entry[]>()
  readonly #byName = new Map<string, Entry>()

  get size(): number {
    return this.#entries.size
  }

  byKey(section: string, key: string): KnownConsumer | undefined {
    if (this.#byKey.size === 0) return undefined
    const found = this.#byKey.get(placeOf(section, key))
    return Array.isArray(found) ? (found as readonly Entry[])[0] : (found as Entry | undefined)
  }

  byName(section: string, name: string): KnownConsumer | undefined {
    return this.#byName.get(placeOf(section, name))
  }

  /** Gives what switches the change on. */
  prepare(upserts: readonly Consumer[], removals: readonly string[]): () => void {
    const entries = upserts.map((consumer): Entry => {
      const { id, section, name, customId, keys } = consumer
      return {
        id,
        section,
        name: toByteString(name),
        customId: customId === null ? null : toByteString(customId),
        keys: keys.map(toByteString),
      }
    })
    return () => {
      for (const id of removals) this.#remove(id)
      for (const entry of entries) {
        this.#remove(entry.id)
        this.#add(entry)
      }
    }
  }

  #add(entry: Entry): void {
    this.#entries.set(entry.id, entry)
    this.#byName.set(placeOf(entry.section, entry.name), entry)
    for (const key of entry.keys) {
      const place = placeOf(entry.section, key)
      const others = entriesAt(this.#byKey.get(place))
      if (others.length === 0) this.#byKey.set(place, entry)
      else
        this.#byKey.set(
          place,
          [...others, entry].sort((a, b) => (a.id < b.id ? -1 : 1)),
        )
    }
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    const name = placeOf(entry.section, entry.name)
    if (this.#byName.get(name) === entry) this.#byName.delete(name)
    for (const key of entry.keys) {
      const place = placeOf(entry.section, key)
      const left = entriesAt(this.#byKey.get(place)).filter((other) => other !== entry)
      if (left.length === 0) this.#byKey.delete(place)
      else this.#byKey.set(place, left.length === 1 ? (left[0] as Entry) : left)
    }
  }
}

function entriesAt(found: Entry | readonly Entry[] | undefined): readonly Entry[] {
  if (found === undefined) return []
  return Array.isArray(found) ? (found as readonly Entry[]) : [found as Entry]
}

/** Names of sections have no line feed. */
function placeOf(section: string, text: string): string {
  return `${section}\n${text}`
}
