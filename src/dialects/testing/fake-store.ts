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
import { type Dialect, type DialectSettings, DocumentSet } from '../dialect.ts'

/** A store in memory for tests of a dialect's REST, which translates what is written for the warnings, and makes companions as Documents does. Values are frozen, so that a caller who edits one is found out. */
export class FakeStore implements DocumentStore {
  readonly notes: WriteNote[] = []
  /** How many changes each write had. */
  readonly writes: number[] = []
  /** Thrown by the next write, then forgotten. */
  nextFault: GatewayError | null = null
  /** Runs once before the next write, as another writer would. */
  beforeWrite: (() => Promise<unknown>) | null = null
  readonly #dialect: Dialect
  readonly #settings: DialectSettings
  readonly #documents = new Map<string, StoredDocument>()
  #revision = 0
  #tail: Promise<unknown> = Promise.resolve()

  constructor(dialect: Dialect, settings: DialectSettings = DEFAULT_SETTINGS) {
    this.#dialect = dialect
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
    this.writes.push(changes.length)
    const companions = changes.flatMap((change) => this.#companionsOf(change))
    const documents = changes.map((change) => this.#apply(change, revision))
    for (const companion of companions)
      if (!this.#documents.has(nameOf(companion.key))) this.#apply(companion, revision)
    return { revision, documents, warnings: documents.flatMap((document) => this.#warningsOf(document)) }
  }

  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(work)
    this.#tail = turn.catch(() => undefined)
    return turn
  }

  /** Every document as one text, to see that nothing changed. */
  dump(): string {
    return JSON.stringify([...this.#documents.values()].map(({ key, value }) => [key, value]))
  }

  /** Those of a new document; what they have for a time comes from it. */
  #companionsOf(change: DocumentChange): readonly DocumentChange[] {
    if (change.op === 'delete' || this.#documents.has(nameOf(change.key))) return []
    const atMs = Date.parse(String(change.value.creationTime))
    return (this.#dialect.companions?.(change.key.kind, change.value) ?? []).map(({ kind, id, value }) => ({
      op: 'put',
      key: { dialect: this.#dialect.name, kind, id },
      value: this.#dialect.prepare(kind, id, value, undefined, atMs - 1),
      expiresAtMs: null,
      expectedRevision: null,
    }))
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
    const { lookup, search } = new DocumentSet(this.#dialect, this.#documents.values())
    const { warnings } = this.#dialect.translate(document, lookup, this.#settings, search)
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
