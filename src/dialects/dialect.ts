import type { DocumentStore, Fault, StoredDocument, Warning } from '../model/document.ts'
import type { JsonObject, JsonValue } from '../model/json.ts'
import type { ModelObject } from '../model/model.ts'
import type { Settings } from '../model/settings.ts'
import type { Surface } from '../model/surface.ts'

/** One system's language. Pure but for `rest`; nothing except the registry (dialects/index.ts) knows a dialect. */
export interface Dialect {
  readonly name: string
  /** Collections it stores, in the order in which they are loaded (referenced ones first): `upstreams`, `services`, `routes`. */
  readonly kinds: readonly string[]
  surface(settings: DialectSettings): Surface
  /** Schema and rules that need no other document, all faults at once. */
  validate(kind: string, value: JsonValue, settings: DialectSettings): readonly Fault[]
  /**
   * One document to model objects. Other documents only through `lookup`, which records the dependency: when one of them changes (or
   * appears, or goes), this document is translated again. Never throws for a document that `validate` accepts.
   */
  translate(document: StoredDocument, lookup: Lookup, settings: DialectSettings): Translation
  rest(store: DocumentStore, settings: DialectSettings): DialectRest
  /**
   * Whether a parsed configuration file is written in this language, and the documents in it. Paths are relative to the file's root, so
   * that faults can be shown at file:line:column.
   */
  readFile(root: JsonValue, settings: DialectSettings): FileDocuments | null
}

export type Lookup = (kind: string, id: string) => StoredDocument | undefined

export interface Translation {
  readonly objects: readonly ModelObject[]
  readonly warnings: readonly Omit<Warning, 'key'>[]
}

export interface FileDocuments {
  readonly documents: readonly {
    readonly kind: string
    readonly id: string
    readonly value: JsonObject
    readonly path: string
  }[]
  /** Faults of the file as a whole (a list that is no list, an entry without id, …), paths from the file's root. */
  readonly faults: readonly Fault[]
}

/** Start-up settings that dialects may read. */
export type DialectSettings = Pick<Settings, 'apisix' | 'limits'>

export interface RestRequest {
  readonly method: string
  /** Decoded path, without the query. */
  readonly path: string
  readonly query: ReadonlyMap<string, string>
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The body as text; '' if there was none. */
  readonly body: string
  /** Name of the key or user, for the history. */
  readonly author: string
}

export interface RestResponse {
  readonly status: number
  /** A list stands for several lines of that name. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: string
}

export type Refusal =
  | { readonly kind: 'missingKey' }
  | { readonly kind: 'wrongKey' }
  | { readonly kind: 'viewerMayNotWrite' }
  | { readonly kind: 'addressNotAllowed' }
  | { readonly kind: 'bodyTooLarge'; readonly bytes: number; readonly limit: number }
  | { readonly kind: 'tooManyWrongKeys'; readonly retryAfterSeconds: number }
  /** `reason`: a whole sentence that says where changes are to be made instead. */
  | { readonly kind: 'readOnly'; readonly reason: string }
  | { readonly kind: 'badOrigin' }

/** A dialect's REST API, independent of the HTTP server that mounts it. */
export interface DialectRest {
  /** `/apisix/admin` */
  readonly prefix: string
  /** Bytes a body may have; over it `refuse({kind: 'bodyTooLarge'})`. */
  readonly maxBodyBytes: number
  /** Requests answered without a key (OPTIONS, HEAD of the root). */
  isOpen(method: string, path: string): boolean
  /** Whether a call may change documents; absent: every method but GET, HEAD and OPTIONS. Read-only mode refuses those. */
  isWrite?(method: string, path: string): boolean
  handle(request: RestRequest): Promise<RestResponse>
  /** The dialect's own shape for a refusal that the server makes before `handle`. */
  refuse(refusal: Refusal): RestResponse
}
