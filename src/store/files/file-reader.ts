import type { DocumentKey, Fault } from '../../model/document.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'

/**
 * How one dialect finds its documents in a parsed file: the dialect's `readFile` and `validate` with their settings bound, handed in
 * because a store knows no dialect.
 */
export interface FileReader {
  readonly dialect: string
  /** Names of the collections, for "did you mean". */
  readonly kinds: readonly string[]
  /** null: the file is not written in this language. */
  readonly read: (root: JsonValue) => FileContents | null
  /**
   * Faults of one document, paths from the document. When given, a document with faults keeps its file from being acted on; left out,
   * whoever translates the documents finds them later.
   */
  readonly validate?: (kind: string, value: JsonObject) => readonly Fault[]
  /** Documents that the dialect's system makes beside one, unless some file has them. */
  readonly companions?: (
    kind: string,
    value: JsonObject,
  ) => readonly { readonly kind: string; readonly id: string; readonly value: JsonObject }[]
}

/** What a reader finds. `path` of a document and of a fault is counted from the file's root. */
export interface FileContents {
  readonly documents: readonly {
    readonly kind: string
    readonly id: string
    readonly value: JsonObject
    readonly path: string
  }[]
  readonly faults: readonly Fault[]
}

/** A point in a file. Line and column count from 1, columns in UTF-16 units. */
export interface FilePlace {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A fault with its point. */
export interface PlacedFault extends Fault {
  readonly place: FilePlace
}

export interface PlacedDocument {
  readonly key: DocumentKey
  readonly value: JsonObject
  /** Where it stands in its file: `routes[0]`. */
  readonly path: string
  /** The point of a path in this document (`''` = the document itself); where the path leads to nothing, of the deepest part that is there. */
  readonly locate: (path: string) => FilePlace
}

/** `file:line:column`, the form editors and terminals open. */
export function formatPlace(place: FilePlace): string {
  return `${place.file}:${place.line}:${place.column}`
}
