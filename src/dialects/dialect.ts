import type { DocumentStore, Fault, StoredDocument, Warning } from '../model/document.ts'
import type { EndpointView } from '../model/endpoint-view.ts'
import type { ExplainedEntrance, ExplainRequest, WorkerExplanation } from '../model/explanation.ts'
import type { JsonObject, JsonValue } from '../model/json.ts'
import type { ModelObject } from '../model/model.ts'
import type { ProxyProbe } from '../model/proxy-link.ts'
import type { Settings } from '../model/settings.ts'
import type { Surface } from '../model/surface.ts'

/** One system's language. Pure but for `rest`; nothing except the registry (dialects/index.ts) knows a dialect. */
export interface Dialect {
  readonly name: string
  /** Collections it stores, in the order in which they are loaded (referenced ones first): `upstreams`, `services`, `routes`. */
  readonly kinds: readonly string[]
  /** Keys at the top of its files, for people; absent: `kinds`. */
  readonly fileKeys?: readonly string[]
  surface(settings: DialectSettings): Surface
  /** Its documents ask for listeners of their own, which search its section alone; it cannot stand among the sections of the settings. Absent: no. */
  readonly hasOwnListeners?: true
  /** What there is to say of these listeners, for explain. Absent: they are never asked for. */
  readonly entrances?: DialectEntrances
  /** `translate` gives the very objects that it gave before where nothing that they are made of changed, so that nobody needs to compare them. Absent: it makes new ones. */
  readonly keepsObjects?: true
  /** Schema and rules that need no other document, all faults at once. */
  validate(kind: string, value: JsonValue, settings: DialectSettings): readonly Fault[]
  /**
   * One document to model objects. Other documents only through `lookup`, which records the dependency: when one of them changes (or
   * appears, or goes), this document is translated again. Never throws for a document that `validate` accepts.
   */
  translate(document: StoredDocument, lookup: Lookup, settings: DialectSettings, search: Search): Translation
  /**
   * By kind: words under which documents are found by `search`, beside their ids. Kinds that are absent have none. Pure, and only asked of values that validate.
   */
  readonly keywords?: Readonly<Record<string, (value: JsonObject) => readonly string[]>>
  /** The system's own REST API; absent: it has none, and our own API and files are the ways in. */
  rest?(store: DocumentStore, settings: DialectSettings, view?: RestView): DialectRest
  /**
   * The value to store for what a user wrote, as the system's own REST would store it: the id stands in it, times that the server owns are
   * set (and kept from `previous`, which is undefined for a new document). Pure; does not validate, and takes whatever object it is
   * given; the caller has seen to it that an id in it is this one. What it adds comes last or where the system puts it; keys of
   * the user keep their order.
   */
  prepare(
    kind: string,
    id: string,
    value: JsonObject,
    previous: StoredDocument | undefined,
    nowMs: number,
  ): JsonObject
  /** The id that stands in a value, as text; null if none does. */
  idOf(kind: string, value: JsonObject): string | null
  /**
   * A stored value without what the server owns (times): what its author wrote, in that order of keys. This is what is shown, edited and
   * exported (but for what `conceal` takes away); `prepare` of it gives the stored value again, but for the times.
   */
  editable(kind: string, value: JsonObject): JsonObject
  /**
   * By kind: a value without what is never shown to anybody, private keys. `prepare` takes what is missing from `previous`, so that
   * what was shown can be edited and written again. Kinds that are absent hold nothing of the sort. Never throws.
   */
  readonly conceal?: Readonly<Record<string, (value: JsonObject) => JsonObject>>
  /**
   * Documents that its system makes beside a new one, unless they are there; each may have companions of its own. Absent: it makes none. Values are editable ones. Never
   * throws for what `validate` accepts.
   */
  companions?(kind: string, value: JsonObject): readonly FileDocument[]
  /**
   * The form by which two versions of a document are the same: `editable`, with defaults filled in and ids in one type. The order of keys
   * plays no part. Never stored and never shown. Never throws.
   */
  normalize(kind: string, value: JsonObject): JsonObject
  /** Every place in a document that names another document of this dialect, in the order of the document. Never throws. */
  references(kind: string, value: JsonObject): readonly Reference[]
  /**
   * The splits that stand in this very document (not those it inherits), in order; a place with a single target is none. `lookup` is for
   * names only. Never throws.
   */
  splits(document: StoredDocument, lookup: Lookup): readonly DocumentSplit[]
  /** What a document does in a few words, for lists: `GET shop.com/api/* to blue`. Absent: lists have no such column. Never throws. */
  summarize?(kind: string, value: JsonObject): string
  /**
   * Documents as a file that `readFile` reads back to the same ids and editable values (tests hold this); kinds in the order of `kinds`, ids
   * in that of their text, so that the same documents always give the same bytes. Values are editable ones. Use model/yaml-text.ts.
   */
  writeFile(documents: readonly FileDocument[]): string
  /**
   * Which kinds an object may be when it is one bare document, as a REST API takes it, and not a file of many: by its keys alone. Empty: none
   * of this dialect's.
   */
  recognize(value: JsonObject): readonly string[]
  /**
   * Whether a parsed configuration file is written in this language, and the documents in it. Paths are relative to the file's root, so
   * that faults can be shown at file:line:column.
   */
  readFile(root: JsonValue, settings: DialectSettings): FileDocuments | null
  /** JSON Schema (2020-12) of a file in this language, for editors; absent: it has none that the gateway makes. */
  schema?(): JsonObject
  /** Of a mesh: its proxies, which run as processes of their own. Absent: it has none. */
  readonly proxies?: DialectProxies
}

/** What a control plane must know of the documents of proxies. None of it throws for a value that validates. */
export interface DialectProxies {
  /** Kind of the document that each proxy has. */
  readonly kind: string
  idOf(mesh: string, name: string): string
  partsOf(id: string): { readonly mesh: string; readonly name: string }
  /** Tags that a token may ask for, one set for each of its inbounds. */
  tagSets(value: JsonObject): readonly Readonly<Record<string, string>>[]
  probes(value: JsonObject): readonly ProxyProbe[]
  /**
   * The value with what is known of inbounds (`address:port`) that are probed: true or false; one that is absent is not ready. The same object where it
   * says so already.
   */
  withReadiness(value: JsonObject, known: ReadonlyMap<string, boolean>): JsonObject
  /** The value as it is while the proxy drains: no other proxy sends anything to its inbounds. */
  draining(value: JsonObject): JsonObject
  /** A call of a proxy that failed, in the shape of the system's own errors. `status`: of HTTP, 400 to 599. */
  failure(status: number, reason: string, faults: readonly ProxyFault[]): RestResponse
}

/** What is wrong with a field of what a proxy sent. */
export interface ProxyFault {
  readonly field: string
  readonly reason: string
}

/** Listeners that documents of a dialect ask for. */
export interface DialectEntrances {
  /** Whose documents ask for them. */
  readonly kind: string
  /** Those that explain can be asked for, in the order of the document, each with the choice that was made for it. Never throws for what `validate` accepts. */
  list(document: StoredDocument, lookup: Lookup, search: Search): readonly ExplainedEntrance[]
  /** By which this document alone asks for its listeners. */
  settingsFor(id: string, settings: Settings): Settings
}

/** A stored value as it is shown: what its author wrote, without what is never shown. */
export function shownValue(dialect: Dialect, kind: string, value: JsonObject): JsonObject {
  const own = dialect.editable(kind, value)
  const conceal = dialect.conceal?.[kind]
  return conceal === undefined ? own : conceal(own)
}

/**
 * `field`: only that field of the value is looked at (it is all that the answer's value holds), or with '' only whether there is such a document; changes of the
 * rest of it translate nothing anew.
 */
export type Lookup = (kind: string, id: string, field?: string) => StoredDocument | undefined

/**
 * The documents of a kind that have a keyword, in the order of their ids as text. Recorded as look-ups are: when one of them changes, or another document gets the
 * word or loses it, the document at hand is translated again.
 */
export type Search = (kind: string, keyword: string) => readonly StoredDocument[]

export interface Translation {
  readonly objects: readonly ModelObject[]
  readonly warnings: readonly Omit<Warning, 'key'>[]
}

/** A place in a document that names another document of the same dialect. */
export interface Reference {
  /** As in Origin: `plugins.traffic-split.rules[0].weighted_upstreams[1].upstream_id`. */
  readonly path: string
  readonly kind: string
  readonly id: string
  /**
   * Whether a write is refused while what it names does not exist. Either way the named document cannot be deleted while this one stands,
   * unless the delete is forced.
   */
  readonly mustExist: boolean
  /** Why what it names, which exists, is not what may be named here; null: it is. Absent: anything may. */
  readonly refuse?: (named: JsonObject) => string | null
}

/** A split where its author finds it: in the document. Weights are changed by setting `weight` at a target's path. */
export interface DocumentSplit {
  /** Place of the split: `plugins.traffic-split.rules[0]`. */
  readonly path: string
  /** The condition as written in the document; null: it always holds. */
  readonly condition: JsonValue | null
  /** Two or more. */
  readonly targets: readonly SplitTarget[]
}

export interface SplitTarget {
  /** Place of the target's object, which has or may have a key `weight`. */
  readonly path: string
  /** What a user may call it, the first as metrics and logs do: name, id, address. Empty texts are none. */
  readonly names: readonly string[]
  /** In force, defaults included. Integer >= 0. */
  readonly weight: number
}

export interface FileDocument {
  readonly kind: string
  readonly id: string
  readonly value: JsonObject
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
export type DialectSettings = Pick<
  Settings,
  'apisix' | 'tencent' | 'apinizer' | 'kuma' | 'limits' | 'listen' | 'listenTls' | 'listenTcp' | 'listenUdp'
>

/** What a running gateway tells a dialect's REST beside documents. */
export interface RestView {
  /** How the endpoints of an upstream of the model stand; undefined: there is no such upstream. */
  endpoints(upstreamId: string): readonly EndpointView[] | undefined
  /** What becomes of a request, by the table of each worker that serves; absent: nobody can tell. Rejects with an error that has a `reason`. */
  explainEach?(request: ExplainRequest): Promise<readonly WorkerExplanation[]>
  /** How data plane proxies of processes of their own stand, those that are connected and those that were, by the id of their document; absent: none connects here. */
  proxies?(): ReadonlyMap<string, ProxyView>
  /** Of this program, and why documents cannot be changed: null, they can. */
  readonly version?: string
  readOnly?(): string | null
}

/** What is known of a data plane proxy that has connected to this gateway. */
export interface ProxyView {
  /** Unique, of the connection. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly connectedAtMs: number
  /** null: it is connected now. */
  readonly disconnectedAtMs: number | null
  /** How many changes it was sent, and how many it said to have in force. */
  readonly sent: number
  readonly acknowledged: number
  /** Of its program; null: it did not say. */
  readonly version: string | null
}

export interface RestRequest {
  readonly method: string
  /** Decoded path, without the query. */
  readonly path: string
  readonly query: ReadonlyMap<string, string>
  /** The query as sent, without `?`, for calls that take one name several times; '' if there was none. */
  readonly search: string
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
  /** For the audit log, where status and body do not say it: what the call acted on, and whether it did what was asked. */
  readonly audit?: { readonly object: string; readonly isDone: boolean }
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
  /** Others that it answers below. */
  readonly morePrefixes?: readonly string[]
  /**
   * `host:port` of a listener of its own, where it answers at whatever path: on loopback without a key, as from elsewhere nobody gets there. null: its listener
   * is off. Absent: it stands at the Admin API, below its prefixes.
   */
  readonly listen?: string | null
  /** Makes what its system has when its API first starts. Called once, before its listener opens; not where documents are read-only. */
  start?(): Promise<void>
  /** Whether keys may stand in `Authorization: Bearer` too. */
  readonly acceptsBearer?: boolean
  /** Bytes a body may have; over it `refuse({kind: 'bodyTooLarge'})`. */
  readonly maxBodyBytes: number
  /** Requests answered without a key (OPTIONS, HEAD of the root). */
  isOpen(method: string, path: string): boolean
  /** Whether a call may change documents; absent: every method but GET, HEAD and OPTIONS. Read-only mode refuses those. */
  isWrite?(method: string, path: string): boolean
  /**
   * Whether a call that is neither GET nor HEAD only asks, as far as can be seen before its body is read: then a viewer's key does, read-only mode
   * lets it pass, and it is not audited. `handle` must take it for the same call. Absent: none does.
   */
  isQuestion?(request: Pick<RestRequest, 'method' | 'path' | 'query' | 'headers'>): boolean
  handle(request: RestRequest): Promise<RestResponse>
  /** Calls may be signed in place of bringing a key; absent: signatures are not looked at. */
  readonly signatures?: CallSignatures
  /** The dialect's own shape for a refusal that the server makes before `handle`. */
  refuse(refusal: Refusal): RestResponse
  /** Its part of the API's description (OpenAPI); absent: it is left out there. Pure. */
  describe?(): RestDescription
}

/** How a dialect knows who signed a call. A key that comes along goes before a signature. */
export interface CallSignatures {
  /** Whether the call carries a signature of the dialect's kind, good or bad. */
  isSigned(call: SignedCall): boolean
  /** `body` null: it was not read yet, and only what needs none is looked at; a call that passes then is asked about once more, with its body. */
  verify(call: SignedCall, body: string | null): SignatureVerdict
}

/** A call as it was signed. */
export interface SignedCall {
  readonly method: string
  /** As sent, without the query. */
  readonly path: string
  /** As sent, without `?`; '' for none. */
  readonly query: string
  /** All of them, by lower-case names, lines of one name joined by `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>
}

export interface Signer {
  /** For the history and the audit log. */
  readonly name: string
  /** What it may do, as the keys of the gateway. */
  readonly role: 'admin' | 'viewer'
}

export type SignatureVerdict =
  /** null: not known before the body is read. */
  | { readonly kind: 'good'; readonly signer: Signer | null }
  | {
      readonly kind: 'refused'
      readonly answer: RestResponse
      /** For the audit log. */
      readonly reason: string
      /** Whether it counts as a wrong key: who sends too many has to wait. */
      readonly isWrongKey: boolean
    }

/** A dialect's REST for the API's description. */
export interface RestDescription {
  /** Heading of its operations, and beginning of the names of its schemas: `Apisix`. Letters. */
  readonly name: string
  /** One or two sentences. */
  readonly description: string
  /** Where it listens by default, if that is not the Admin API. */
  readonly server?: { readonly url: string; readonly description: string }
  /** Whether a key may stand in `Authorization: Bearer` too, as in DialectRest. */
  readonly acceptsBearer?: boolean
  readonly operations: readonly RestOperation[]
  /** Schemas by name (each begins with `name`); others refer to them as `#/components/schemas/<name>`. JSON Schema 2020-12. */
  readonly schemas: Readonly<Record<string, JsonObject>>
  /** Shape of a refusal and of every fault. */
  readonly error: {
    readonly schema: JsonObject
    readonly example: JsonValue
    /** A failed call has the status of one that went well, and `answers` of the operations say so. Absent: it has one of its own. */
    readonly isAnswer?: boolean
  }
}

/** One call that clients may make. */
export interface RestOperation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Whole path; named parts stand in braces: `/apisix/admin/routes/{id}`. */
  readonly path: string
  /** Unique over the whole API: `apisixGetRoute`. */
  readonly id: string
  /** One line: a verb and what it acts on. */
  readonly summary: string
  /** Of every named part of the path. */
  readonly params?: Readonly<Record<string, { readonly description: string; readonly schema: JsonObject }>>
  readonly query?: readonly {
    readonly name: string
    readonly required?: boolean
    readonly description: string
    readonly schema: JsonObject
  }[]
  /** Header fields that it reads. */
  readonly fields?: readonly {
    readonly name: string
    readonly required?: boolean
    readonly description: string
    readonly schema: JsonObject
  }[]
  readonly body?: {
    readonly description: string
    readonly schema: JsonObject
    readonly example?: JsonValue
  }
  /** Of calls that go well, by status; `schema` absent: no body, or text that means nothing. */
  readonly answers: Readonly<Record<string, { readonly description: string; readonly schema?: JsonObject }>>
  /** Statuses >= 400 that this call may give beside 401, each with its reason. */
  readonly faults: Readonly<Record<string, string>>
}

/** Some documents of one dialect, as translation looks at them where no gateway runs: files that are checked, tests. */
export class DocumentSet {
  readonly #dialect: Dialect
  readonly #documents: ReadonlyMap<string, StoredDocument>

  /** Of several with one kind and id the last counts. */
  constructor(dialect: Dialect, documents: Iterable<StoredDocument>) {
    this.#dialect = dialect
    this.#documents = new Map([...documents].map((document) => [keyName(document.key), document]))
  }

  *[Symbol.iterator](): IterableIterator<StoredDocument> {
    yield* this.#documents.values()
  }

  readonly lookup: Lookup = (kind, id) => this.#documents.get(keyName({ kind, id }))

  readonly search: Search = (kind, keyword) => {
    const words = this.#dialect.keywords?.[kind]
    if (words === undefined) return []
    return [...this.#documents.values()]
      .filter(({ key, value }) => key.kind === kind && words(value).includes(keyword))
      .sort((a, b) => (a.key.id < b.key.id ? -1 : a.key.id > b.key.id ? 1 : 0))
  }
}

function keyName({ kind, id }: { readonly kind: string; readonly id: string }): string {
  return `${kind}/${id}`
}
