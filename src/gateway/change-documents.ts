import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Dialect, DialectSettings } from '../dialects/dialect.ts'
import type {
  DocumentChange,
  DocumentKey,
  DocumentStore,
  Fault,
  StoredDocument,
  Warning,
  WriteNote,
} from '../model/document.ts'
import { GatewayError } from '../model/gateway-error.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import { checkValue } from '../model/safe-json.ts'
import { suggest } from '../model/suggest.ts'
import { isDeepEqual } from './deep-equal.ts'
import type { ChangeResult, DocumentFault, LookedAt } from './document-change.ts'
import { findBrokenReferences } from './document-references.ts'
import { documentName } from './mirror.ts'

/** Where changed documents go: what the store does, and asking without doing. */
export interface EditableStore extends DocumentStore {
  preview(changes: readonly DocumentChange[]): Promise<readonly Warning[]>
}

/** What a user wants a document to be. */
export type WantedChange =
  | { readonly op: 'put'; readonly key: DocumentKey; readonly value: JsonValue }
  | { readonly op: 'delete'; readonly key: DocumentKey }

export interface ChangeOptions {
  readonly dryRun: boolean
  /** Deletes documents though others name them. */
  readonly force: boolean
  readonly note: WriteNote
}

export type ChangeOutcome =
  /** Nothing was changed. */
  | { readonly kind: 'refused'; readonly faults: readonly DocumentFault[]; readonly isInUse: boolean }
  | {
      readonly kind: 'done'
      /** Revision in force afterwards. */
      readonly revision: number
      /** In the order of the wanted changes. */
      readonly results: readonly ChangeResult[]
      readonly warnings: readonly Warning[]
    }

/** Documents are looked at in portions of so many; in between the thread does what else waits. */
const PORTION = 200
/** Faults that are collected at most; one broken generator makes the same fault a hundred thousand times. */
export const MAX_FAULTS = 1_000

/**
 * Changes of documents of any dialect as users ask for them, of one or of thousands: everything is checked first (every fault at once,
 * references over what will be there), what stays the same is left alone, and the rest is one write. Shared by our own API's endpoints.
 */
export class DocumentEditor {
  readonly #store: EditableStore
  readonly #dialects: ReadonlyMap<string, Dialect>
  readonly #settings: DialectSettings
  readonly #now: () => number

  constructor(
    store: EditableStore,
    dialects: readonly Dialect[],
    settings: DialectSettings,
    now: () => number = Date.now,
  ) {
    this.#store = store
    this.#dialects = new Map(dialects.map((dialect) => [dialect.name, dialect]))
    this.#settings = settings
    this.#now = now
  }

  /** Rejects as DocumentStore.write does. A dry run of many documents takes seconds and keeps nobody from writing. */
  async change(wanted: readonly WantedChange[], options: ChangeOptions): Promise<ChangeOutcome> {
    if (!options.dryRun) return this.#store.exclusive(() => this.#change(wanted, options))
    try {
      return await this.#change(wanted, options)
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'WRITE_CONFLICT') throw error
      // somebody wrote one of the documents meanwhile: asked again, in the lock
      return this.#store.exclusive(() => this.#change(wanted, options))
    }
  }

  /**
   * The same where what is wanted depends on what stands: `plan` works it out inside the lock, so that nobody else writes in between, or
   * gives an answer of its own to stop with.
   */
  async edit<Stop>(
    plan: () => Promise<readonly WantedChange[] | { readonly stop: Stop }>,
    options: ChangeOptions,
  ): Promise<ChangeOutcome | { readonly kind: 'stopped'; readonly stop: Stop }> {
    return this.#store.exclusive(async () => {
      const wanted = await plan()
      return 'stop' in wanted ? { kind: 'stopped', stop: wanted.stop } : this.#change(wanted, options)
    })
  }

  async #change(wanted: readonly WantedChange[], options: ChangeOptions): Promise<ChangeOutcome> {
    const faults: DocumentFault[] = []
    const looked = await this.#lookAt(wanted, faults)
    if (faults.length > 0) return { kind: 'refused', faults, isInUse: false }
    const effective = looked.filter(({ result }) => result !== 'unchanged' && result !== 'absent')
    const broken = await findBrokenReferences(effective, this.#store, this.#dialects, options.force)
    if (broken.length > 0) {
      const isInUse = broken.every(({ index }) => wanted[index]?.op === 'delete')
      return { kind: 'refused', faults: broken.slice(0, MAX_FAULTS), isInUse }
    }
    const changes = effective.map(({ change }) => change)
    const results = looked.map(({ change: { key }, result, before, after }) => {
      const conceal = this.#dialects.get(key.dialect)?.conceal?.[key.kind]
      if (conceal === undefined) return { key, result, before, after }
      const show = (value: JsonObject | null): JsonObject | null => (value === null ? null : conceal(value))
      return { key, result, before: show(before), after: show(after) }
    })
    if (changes.length === 0) {
      return { kind: 'done', revision: this.#store.revision(), results, warnings: [] }
    }
    if (options.dryRun) {
      const warnings = await this.#store.preview(changes)
      return { kind: 'done', revision: this.#store.revision(), results, warnings }
    }
    const { revision, warnings } = await this.#store.write(changes, options.note)
    return { kind: 'done', revision, results, warnings }
  }

  /** What each wanted change comes down to, all faults of single documents on the way. */
  async #lookAt(wanted: readonly WantedChange[], faults: DocumentFault[]): Promise<LookedAt[]> {
    const looked: LookedAt[] = []
    const seen = new Map<string, number>()
    for (const [index, change] of wanted.entries()) {
      if (index % PORTION === PORTION - 1) await nextTurn()
      if (faults.length >= MAX_FAULTS) break
      const { key } = change
      const add = (fault: Fault): void => void faults.push({ ...fault, index, key })
      const dialect = this.#checkKey(key, add)
      if (dialect === null) continue
      const first = seen.get(documentName(key))
      if (first !== undefined) {
        const message = `this document stands at place ${first} of the list already`
        add({ path: '', message, hint: 'send it once' })
        continue
      }
      seen.set(documentName(key), index)
      const previous = await this.#store.get(key)
      const one =
        change.op === 'delete'
          ? lookAtDelete(index, change.key, previous, dialect)
          : this.#lookAtPut(index, change, previous, dialect, add)
      if (one !== null) looked.push(one)
    }
    return looked
  }

  #checkKey(key: DocumentKey, add: (fault: Fault) => void): Dialect | null {
    const dialect = this.#dialects.get(key.dialect)
    if (dialect === undefined) {
      const known = [...this.#dialects.keys()]
      add({ path: '', message: `no dialect is called ${key.dialect}`, hint: hintAt(key.dialect, known) })
      return null
    }
    if (!dialect.kinds.includes(key.kind)) {
      const message = `${key.dialect} has no kind ${key.kind}`
      add({ path: '', message, hint: hintAt(key.kind, dialect.kinds) })
      return null
    }
    if (key.id === '') {
      add({ path: '', message: 'the id is empty', hint: null })
      return null
    }
    return dialect
  }

  #lookAtPut(
    index: number,
    { key, value }: WantedChange & { readonly op: 'put' },
    previous: StoredDocument | undefined,
    dialect: Dialect,
    add: (fault: Fault) => void,
  ): LookedAt | null {
    const unsafe = checkValue(value, this.#settings.limits.maxJsonDepth)
    if (unsafe !== null || !isJsonObject(value)) {
      add({ path: '', message: unsafe ?? 'a document must be an object', hint: null })
      return null
    }
    const ownId = dialect.idOf(key.kind, value)
    if (ownId !== null && ownId !== key.id) {
      add({
        path: 'id',
        message: `the id in the document is ${ownId}, but it is sent as ${key.id}`,
        hint: null,
      })
      return null
    }
    const stored = dialect.prepare(key.kind, key.id, value, previous, this.#now())
    const faults = dialect.validate(key.kind, stored, this.#settings)
    if (faults.length > 0) {
      for (const fault of faults) add(fault)
      return null
    }
    const before = previous === undefined ? null : dialect.editable(key.kind, previous.value)
    const after = dialect.editable(key.kind, stored)
    const isSame =
      before !== null && isDeepEqual(dialect.normalize(key.kind, before), dialect.normalize(key.kind, after))
    return {
      index,
      change: {
        op: 'put',
        key,
        value: stored,
        // a time to live that somebody gave it goes on
        expiresAtMs: previous === undefined ? null : previous.expiresAtMs,
        // what was compared is what is changed: a write in between is a conflict
        expectedRevision: previous === undefined ? 0 : previous.modifiedRevision,
      },
      result: before === null ? 'created' : isSame ? 'unchanged' : 'changed',
      before,
      after: isSame ? before : after,
    }
  }
}

function lookAtDelete(
  index: number,
  key: DocumentKey,
  previous: StoredDocument | undefined,
  dialect: Dialect,
): LookedAt {
  const before = previous === undefined ? null : dialect.editable(key.kind, previous.value)
  return {
    index,
    change: {
      op: 'delete',
      key,
      expectedRevision: previous === undefined ? null : previous.modifiedRevision,
    },
    result: before === null ? 'absent' : 'deleted',
    before,
    after: null,
  }
}

function hintAt(word: string, known: readonly string[]): string {
  const near = suggest(word, known)
  return near === null ? `there are: ${known.join(', ')}` : `did you mean ${near}?`
}
