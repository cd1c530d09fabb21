import { DEFAULT_SETTINGS } from '../../model/defaults.ts'
import type {
  DocumentChange,
  DocumentKey,
  DocumentStore,
  StoredDocument,
  Warning,
  WriteNote,
  WriteResult,
} from '../../model/document.ts'
import { GatewayError } from '../../model/gateway-error.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { DialectRest, DialectSettings, RestResponse } from '../dialect.ts'
import { apisix } from './index.ts'
import { createRest } from './rest.ts'

/** Helpers of the tests of the Admin API; nothing else imports this file. */

/** A store in memory that translates what is written, for the warnings. Values are frozen, so that a caller who edits one is found out. */
export class FakeStore implements DocumentStore {
  readonly notes: WriteNote[] = []
  /** Thrown by the next write, then forgotten. */
  nextFault: GatewayError | null = null
  /** Runs once before the next write, as another writer would. */
  beforeWrite: (() => Promise<unknown>) | null = null
  readonly #settings: DialectSettings
  readonly #documents = new Map<string, StoredDocument>()
  #revision = 0
  #tail: Promise<unknown> = Promise.resolve()

  constructor(settings: DialectSettings = DEFAULT_SETTINGS) {
    this.#settings = settings
  }

  revision(): number {
    return this.#revision
  }

  async get(key: DocumentKey): Promise<StoredDocument | undefined> {
    return this.#documents.get(nameOf(key))
  }

  async list(dialect: string, kind: string): Promise<readonly StoredDocument[]> {
    return [...this.#documents.values()]
      .filter(({ key }) => key.dialect === dialect && key.kind === kind)
      .sort((a, b) => (a.key.id < b.key.id ? -1 : 1))
  }

  async write(changes: readonly DocumentChange[], note: WriteNote): Promise<WriteResult> {
    const other = this.beforeWrite
    this.beforeWrite = null
    if (other !== null) await other()
    const fault = this.nextFault
    this.nextFault = null
    if (fault !== null) throw fault
    for (const { key, expectedRevision } of changes) {
      const existing = this.#documents.get(nameOf(key))
      if (expectedRevision !== null && expectedRevision !== (existing?.modifiedRevision ?? 0)) {
        throw new GatewayError('WRITE_CONFLICT')
      }
    }
    const revision = ++this.#revision
    this.notes.push(note)
    const documents = changes.map((change) => this.#apply(change, revision))
    return { revision, documents, warnings: documents.flatMap((document) => this.#warningsOf(document)) }
  }

  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(work)
    this.#tail = turn.catch(() => undefined)
    return turn
  }

  #apply(change: DocumentChange, revision: number): StoredDocument | undefined {
    const name = nameOf(change.key)
    const existing = this.#documents.get(name)
    if (change.op === 'delete') {
      this.#documents.delete(name)
      return undefined
    }
    const document: StoredDocument = {
      key: change.key,
      value: freeze(structuredClone(change.value) as JsonObject),
      createdRevision: existing?.createdRevision ?? revision,
      modifiedRevision: revision,
      expiresAtMs: change.expiresAtMs,
    }
    this.#documents.set(name, document)
    return document
  }

  #warningsOf(document: StoredDocument | undefined): readonly Warning[] {
    if (document === undefined) return []
    const lookup = (kind: string, id: string): StoredDocument | undefined =>
      this.#documents.get(nameOf({ dialect: 'apisix', kind, id }))
    const { warnings } = apisix.translate(document, lookup, this.#settings)
    return warnings.map((warning) => ({ key: document.key, ...warning }))
  }
}

function nameOf(key: DocumentKey): string {
  return `${key.dialect}/${key.kind}/${key.id}`
}

function freeze<T extends JsonValue>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freeze(inner as JsonValue)
    Object.freeze(value)
  }
  return value
}

/** The time at which a client of the tests starts: seconds since 1970. */
export const START_SECONDS = 1_700_000_000

/** A client of the Admin API over a store of its own. Its clock moves by one second with each request. */
export class FakeClient {
  readonly store: FakeStore
  readonly rest: DialectRest
  nowMs = START_SECONDS * 1000

  constructor(settings: DialectSettings = DEFAULT_SETTINGS) {
    this.store = new FakeStore(settings)
    this.rest = createRest(this.store, settings, () => this.nowMs)
  }

  /** `target` is `METHOD /path?query`; a body that is no text is sent as JSON. */
  async send(
    target: string,
    body: JsonValue = '',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RestResponse> {
    const [method = '', address = ''] = target.split(' ')
    const url = new URL(address, 'http://admin')
    this.nowMs += 1000
    return this.rest.handle({
      method,
      path: decodeURIComponent(url.pathname),
      query: new Map(url.searchParams),
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      author: 'test',
    })
  }
}
