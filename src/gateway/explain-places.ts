import type { Dialect } from '../dialects/dialect.ts'
import type { DocumentKey } from '../model/document.ts'
import type { Origin } from '../model/origin.ts'

/** Adds `place` to every origin in the data, where `placeOf` knows one. Gives a copy. */
export function withPlaces<T>(
  data: T,
  dialects: readonly Dialect[],
  placeOf: (key: DocumentKey, path: string) => string | null,
): T {
  const place = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(place)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name,
        name === 'origin' ? placed(inner as Origin) : place(inner),
      ]),
    )
  }
  const placed = (origin: Origin): Origin & { place?: string } => {
    const key = keyOfOrigin(origin, dialects)
    const text = key === null ? null : placeOf(key, origin.path)
    return text === null ? origin : { ...origin, place: text }
  }
  return place(data) as T
}

/** The document that an origin names: its kind is the singular of the collection's name. */
export function keyOfOrigin({ dialect, kind, id }: Origin, dialects: readonly Dialect[]): DocumentKey | null {
  const kinds = dialects.find(({ name }) => name === dialect)?.kinds ?? []
  const collection = kinds.find((name) => isKind(name, kind))
  return collection === undefined ? null : { dialect, kind: collection, id }
}

/** Whether the word, singular or plural, means this collection. */
export function isKind(collection: string, word: string): boolean {
  return (
    collection === word ||
    collection === `${word}s` ||
    (/(?:ch|sh|x)$/.test(word) && collection === `${word}es`) ||
    collection === word.replace(/y$/, 'ies')
  )
}
