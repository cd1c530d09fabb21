import type { Dialect, DialectSettings, Lookup, Search } from '../dialects/dialect.ts'
import type { DocumentChange, DocumentKey, Fault, StoredDocument, Warning } from '../model/document.ts'
import type { JsonObject } from '../model/json.ts'
import type { ModelObject } from '../model/model.ts'
import type { Route } from '../model/route.ts'
import type { Upstream } from '../model/upstream.ts'
import { isDeepEqual } from './deep-equal.ts'
import { DependencyGraph } from './dependency-graph.ts'
import { byId, KeywordIndex } from './keyword-index.ts'
import { documentName, type Mirror } from './mirror.ts'
import { ModelArchive, type ObjectText, type StoredObject, textOf } from './model-archive.ts'

/** How a document stands. `degraded`: it serves, but not all of it acts; `rejected`: it does not serve (or an earlier form of it does). */
export interface DocumentStatus {
  readonly key: DocumentKey
  readonly state: 'accepted' | 'degraded' | 'rejected'
  readonly reasons: readonly Fault[]
  readonly warnings: readonly Warning[]
  readonly sinceMs: number
}

/** What is known of documents beside their objects, as data. */
export interface ReconcilerTables {
  readonly warned: readonly (readonly [name: string, warnings: readonly Warning[]])[]
  readonly uses: readonly (readonly [name: string, uses: readonly string[]])[]
  /** Documents that do not validate, with what is wrong with them. */
  readonly setAside: readonly (readonly [name: string, reasons: readonly Fault[]])[]
}

/** A document that changes: its new form, or undefined when it goes. */
export interface DocumentEdit {
  readonly key: DocumentKey
  readonly document: StoredDocument | undefined
}

/** What a change does to the model. Nothing is changed before `apply`; plans must be applied (or dropped) in the order they were made. */
export interface Plan {
  readonly upserts: readonly ModelObject[]
  /** The objects that are replaced or removed, as they were. */
  readonly replaced: readonly ModelObject[]
  readonly removals: readonly { readonly kind: ModelObject['kind']; readonly id: string }[]
  readonly warnings: readonly Warning[]
  /** Documents whose translation failed though they validate: a fault of the dialect. They keep what they had. */
  readonly failures: readonly DocumentStatus[]
  /** Gives the upserts as they are in force now. */
  apply(): readonly StoredObject[]
}

/** An object and its text: the archive's form, and the measure of whether it changed. */
interface TranslatedObject {
  readonly object: ModelObject
  /** This very object is in force, as that; null: it is not. */
  readonly stored: StoredObject | null
  /** null: it is in force. */
  readonly text: ObjectText | null
}

interface Translated {
  readonly name: string
  readonly key: DocumentKey
  readonly objects: readonly TranslatedObject[]
  readonly uses: ReadonlySet<string>
  readonly warnings: readonly Warning[]
  /** The dialect gives the same objects again (Dialect.keepsObjects). */
  readonly keepsObjects: boolean
}

/** What is looked up for the documents of one plan. */
interface PlanView {
  readonly coming: ReadonlyMap<string, DocumentEdit>
  /** What searches found, by `searchName`: many documents of a plan search for the same. */
  readonly found: Map<string, readonly StoredDocument[]>
}

/**
 * What shapes an upstream beside the document that it comes from: what operators said of its endpoints, the addresses that its names stand for now.
 * `adjust` gives the same object where nothing does.
 */
export interface Circumstances {
  adjust(upstream: Upstream, documents: DocumentReader): Upstream
  /** Ids of the upstreams that an edit of this document changes, though it is not where they come from. */
  upstreamsOf(key: DocumentKey): readonly string[]
}

/** Reads documents as they will be when the change at hand is in force. */
export type DocumentReader = (key: DocumentKey) => StoredDocument | undefined

const PLAIN: Circumstances = { adjust: (upstream) => upstream, upstreamsOf: () => [] }

/** Documents to model objects, document by document, over a dependency graph: what a change costs does not grow with what stays. */
export class Reconciler {
  readonly #dialects = new Map<string, Dialect>()
  readonly #settings: DialectSettings
  readonly #mirror: Mirror
  readonly #circumstances: Circumstances
  readonly #graph = new DependencyGraph()
  /** By `dialect/kind`, made when somebody searches for the first time. */
  readonly #keywords = new Map<string, KeywordIndex>()
  readonly #archive = new ModelArchive()
  /** Objects as their dialect made them, and what is in force of them; of dialects that give them again. */
  readonly #inForce = new WeakMap<ModelObject, StoredObject>()
  /** While documents are loaded; they do not change meanwhile. */
  #loading: PlanView | null = null
  /** Objects in force by the document that they come from. */
  readonly #owned = new Map<string, readonly StoredObject[]>()
  /** Of documents that were looked at in this process. One that came with a cached model, and is well, is not in here: see `#statusOf`. */
  readonly #statuses = new Map<string, DocumentStatus>()
  /** When a cached model was taken over, and the store's revision that it is of; null: none was. */
  #imported: { readonly atMs: number; readonly revision: number } | null = null
  /** Work that is left of taking it over: whose objects are whose. */
  #gathering: Generator<undefined> | null = null
  /** Stored documents that do not validate: they are kept and shown, but nothing is made of them and nobody finds them. */
  readonly #setAside = new Set<string>()
  readonly #now: () => number

  constructor(
    dialects: readonly Dialect[],
    settings: DialectSettings,
    mirror: Mirror,
    circumstances: Circumstances = PLAIN,
    now = Date.now,
  ) {
    for (const dialect of dialects) this.#dialects.set(dialect.name, dialect)
    this.#circumstances = circumstances
    this.#settings = settings
    this.#mirror = mirror
    this.#now = now
  }

  /** What is made beside a new document, as its dialect says, ready to be stored. */
  companions(key: DocumentKey, value: JsonObject): readonly (DocumentChange & { readonly op: 'put' })[] {
    const dialect = this.#dialects.get(key.dialect)
    const made = dialect?.companions?.(key.kind, value) ?? []
    return made.map(({ kind, id, value: own }) => ({
      op: 'put',
      key: { dialect: key.dialect, kind, id },
      // a moment before what it comes with: where the time decides, what was written wins
      value: dialect?.prepare(kind, id, own, undefined, this.#now() - 1) ?? own,
      expiresAtMs: null,
      expectedRevision: null,
    }))
  }

  /** Whether the documents of a dialect ask for their own listeners, so that no order of sections needs to name it. */
  hasOwnListeners(dialect: string): boolean {
    return this.#dialects.get(dialect)?.hasOwnListeners === true
  }

  /** Faults of a document by itself. Empty: it may be stored. */
  validate(document: Pick<StoredDocument, 'key' | 'value'>): readonly Fault[] {
    const dialect = this.#dialects.get(document.key.dialect)
    if (dialect === undefined || !dialect.kinds.includes(document.key.kind)) {
      return [
        {
          path: '',
          message: `unknown kind of document: ${document.key.dialect}/${document.key.kind}`,
          hint: null,
        },
      ]
    }
    return dialect.validate(document.key.kind, document.value, this.#settings)
  }

  /**
   * What the edits do to the model. Look-ups see the documents as they will be; a document set to undefined is gone. The edits have been
   * validated. `touched`: ids of upstreams whose circumstances changed.
   */
  plan(edits: readonly DocumentEdit[], touched: readonly string[] = []): Plan {
    this.finishImport()
    this.#loading = null
    const coming = new Map<string, DocumentEdit>()
    const view: PlanView = { coming, found: new Map() }
    for (const edit of edits) coming.set(documentName(edit.key), edit)
    const todo = new Map<string, DocumentKey>()
    for (const [name, edit] of coming) {
      todo.set(name, edit.key)
      for (const used of this.#changedBy(name, edit)) {
        for (const dependent of this.#graph.dependents(used)) {
          const key = this.#statusOf(dependent)?.key
          if (key !== undefined && !todo.has(dependent)) todo.set(dependent, key)
        }
      }
    }
    const affected = [...touched, ...edits.flatMap(({ key }) => this.#circumstances.upstreamsOf(key))]
    for (const id of affected) {
      const owner = this.#archive.find('upstream', id)?.owner
      const key = owner === undefined ? undefined : this.#statusOf(owner)?.key
      if (owner !== undefined && key !== undefined && !todo.has(owner)) todo.set(owner, key)
    }
    const results: Translated[] = []
    const failures: DocumentStatus[] = []
    for (const [name, key] of todo) {
      const edit = coming.get(name)
      const document = edit === undefined ? this.#mirror.get(key) : edit.document
      if (document === undefined) {
        results.push({ name, key, objects: [], uses: NOTHING, warnings: [], keepsObjects: false })
        continue
      }
      try {
        results.push(this.#translate(name, document, view))
      } catch (error) {
        failures.push(this.#failure(key, error))
      }
    }
    return this.#compare(results, failures, coming)
  }

  /** What may have been looked at of a document that an edit makes another: all of it, its being there, fields, keywords. */
  *#changedBy(name: string, { key, document }: DocumentEdit): Generator<string> {
    yield name
    const before = this.#setAside.has(name) ? undefined : this.#mirror.get(key)
    const words = new Set([...this.#wordsOf(before), ...this.#wordsOf(document)])
    for (const word of words) yield searchName(key.dialect, key.kind, word)
    if (before === undefined || document === undefined) {
      yield partName(name, '')
      return
    }
    for (const field of new Set([...Object.keys(before.value), ...Object.keys(document.value)])) {
      if (!isDeepEqual(before.value[field], document.value[field])) yield partName(name, field)
    }
  }

  #wordsOf(document: StoredDocument | undefined): readonly string[] {
    if (document === undefined) return NO_WORDS
    const { dialect, kind } = document.key
    return this.#dialects.get(dialect)?.keywords?.[kind]?.(document.value) ?? NO_WORDS
  }

  #keywordIndex(dialect: string, kind: string): KeywordIndex {
    const name = `${dialect}/${kind}`
    let index = this.#keywords.get(name)
    if (index === undefined) {
      index = new KeywordIndex()
      this.#keywords.set(name, index)
      for (const document of this.#mirror.list(dialect, kind)) {
        if (!this.#setAside.has(documentName(document.key)))
          index.set(document.key.id, this.#wordsOf(document))
      }
    }
    return index
  }

  /**
   * The shorter way for a document that nothing is known of yet, at the start: translates it and puts it in force at once. The mirror has all
   * documents already, so look-ups see all that there are. Gives what it is in the model, or why the translation failed.
   */
  load(document: StoredDocument): readonly ModelObject[] | DocumentStatus {
    const { key } = document
    const name = documentName(key)
    let result: Translated
    try {
      this.#loading ??= { coming: NO_EDITS, found: new Map() }
      result = this.#translate(name, document, this.#loading)
    } catch (error) {
      const failure = this.#failure(key, error)
      this.#statuses.set(name, failure)
      return failure
    }
    const stored = result.objects.map((one) => this.#put(one, result))
    if (result.uses.size > 0) this.#graph.set(name, result.uses)
    this.#owned.set(name, stored)
    this.#statuses.set(name, {
      key,
      state: result.warnings.length > 0 ? 'degraded' : 'accepted',
      reasons: NO_REASONS,
      warnings: result.warnings,
      sinceMs: this.#now(),
    })
    return result.objects.map(({ object }) => object)
  }

  #failure(key: DocumentKey, error: unknown): DocumentStatus {
    const message = `translation failed: ${error instanceof Error ? error.message : String(error)}`
    return this.#status(key, [{ path: '', message, hint: null }], [])
  }

  /** Puts an object in the place of the one with its kind and id. */
  #put({ object, text }: TranslatedObject, { name, keepsObjects }: Translated): StoredObject {
    const stored = this.#archive.put(object.kind, object.id, text ?? textOf(object), name)
    if (keepsObjects) this.#inForce.set(object, stored)
    return stored
  }

  #translate(name: string, document: StoredDocument, { coming, found: known }: PlanView): Translated {
    const { key } = document
    const dialect = this.#dialects.get(key.dialect)
    if (dialect === undefined)
      return { name, key, objects: [], uses: NOTHING, warnings: [], keepsObjects: false }
    const keepsObjects = dialect.keepsObjects === true
    const uses = new Set<string>()
    const read = (wanted: DocumentKey): StoredDocument | undefined => {
      const wantedName = documentName(wanted)
      const edit = coming.get(wantedName)
      if (edit !== undefined) return edit.document
      return this.#setAside.has(wantedName) ? undefined : this.#mirror.get(wanted)
    }
    const lookup: Lookup = (kind, id, field) => {
      const wanted = { dialect: key.dialect, kind, id }
      const wantedName = documentName(wanted)
      if (field === undefined) {
        uses.add(wantedName)
        return read(wanted)
      }
      uses.add(partName(wantedName, ''))
      if (field !== '') uses.add(partName(wantedName, field))
      const found = read(wanted)
      if (found === undefined) return undefined
      const held = field === '' ? undefined : found.value[field]
      const { createdRevision, modifiedRevision, expiresAtMs } = found
      const value = held === undefined ? {} : { [field]: held }
      return { key: found.key, value, createdRevision, modifiedRevision, expiresAtMs }
    }
    const search: Search = (kind, keyword) => {
      const asked = searchName(key.dialect, kind, keyword)
      uses.add(asked)
      const before = known.get(asked)
      if (before !== undefined) return before
      const ids = new Set(this.#keywordIndex(key.dialect, kind).find(keyword))
      for (const edit of coming.values()) {
        if (edit.key.dialect !== key.dialect || edit.key.kind !== kind) continue
        if (this.#wordsOf(edit.document).includes(keyword)) ids.add(edit.key.id)
        else ids.delete(edit.key.id)
      }
      const found: StoredDocument[] = []
      for (const id of ids) {
        const one = read({ dialect: key.dialect, kind, id })
        if (one !== undefined) found.push(one)
      }
      known.set(asked, found.sort(byId))
      return found
    }
    const translation = dialect.translate(document, lookup, this.#settings, search)
    uses.delete(name)
    return {
      name,
      key,
      objects: translation.objects.map((translated) => {
        const object =
          translated.kind === 'upstream' ? this.#circumstances.adjust(translated, read) : translated
        const stored = keepsObjects ? this.#find(object) : null
        return { object, stored, text: stored === null ? textOf(object) : null }
      }),
      keepsObjects,
      uses: uses.size === 0 ? NOTHING : uses,
      warnings:
        translation.warnings.length === 0
          ? NO_WARNINGS
          : translation.warnings.map((warning) => ({ key, ...warning })),
    }
  }

  /** As what this very object is in force; null: it is not. */
  #find(object: ModelObject): StoredObject | null {
    const stored = this.#inForce.get(object)
    return stored !== undefined && stored.segment !== null ? stored : null
  }

  /** Keeps of all that was translated only what is different. */
  #compare(
    results: readonly Translated[],
    failures: readonly DocumentStatus[],
    coming: ReadonlyMap<string, DocumentEdit>,
  ): Plan {
    const upserts = new Map<string, ModelObject>()
    const kept = new Set<StoredObject>()
    const replaced: ModelObject[] = []
    for (const result of results) {
      for (const { object, stored, text } of result.objects) {
        if (stored !== null) {
          kept.add(stored)
          continue
        }
        const id = objectName(object)
        const before = this.#archive.find(object.kind, object.id)
        if (before === undefined) upserts.set(id, object)
        else if (text === null || isText(before, text)) kept.add(before)
        else {
          upserts.set(id, object)
          replaced.push(before.read())
        }
      }
    }
    const removals: Plan['removals'][number][] = []
    for (const result of results) {
      for (const old of this.#owned.get(result.name) ?? []) {
        if (kept.has(old) || upserts.has(objectName(old))) continue
        if (this.#archive.find(old.kind, old.id)?.owner !== result.name) continue
        removals.push({ kind: old.kind, id: old.id })
        replaced.push(old.read())
      }
    }
    const warnings = results.flatMap((result) => (coming.has(result.name) ? result.warnings : []))
    return {
      upserts: [...upserts.values()],
      replaced,
      removals,
      warnings,
      failures,
      apply: () => {
        this.#apply(results, failures, coming, removals)
        const stored = [...upserts.values()].map(({ kind, id }) => this.#archive.find(kind, id))
        return stored.filter((object) => object !== undefined)
      },
    }
  }

  #apply(
    results: readonly Translated[],
    failures: readonly DocumentStatus[],
    coming: ReadonlyMap<string, DocumentEdit>,
    removals: Plan['removals'],
  ): void {
    for (const [name, { key, document }] of coming) {
      this.#setAside.delete(name)
      this.#keywords.get(`${key.dialect}/${key.kind}`)?.set(key.id, this.#wordsOf(document))
    }
    for (const { kind, id } of removals) this.#archive.remove(kind, id)
    for (const result of results) {
      const objects = result.objects.map((one) => {
        const { object, stored, text } = one
        if (stored !== null && stored.segment !== null) {
          stored.owner = result.name
          return stored
        }
        const before = this.#archive.find(object.kind, object.id)
        if (before === undefined || (text !== null && !isText(before, text))) return this.#put(one, result)
        before.owner = result.name
        // made anew, and the same: next time it is known
        if (text !== null && result.keepsObjects) this.#inForce.set(object, before)
        return before
      })
      this.#graph.set(result.name, result.uses)
      if (coming.has(result.name) && coming.get(result.name)?.document === undefined) {
        this.#owned.delete(result.name)
        this.#statuses.delete(result.name)
      } else {
        this.#owned.set(result.name, objects)
        this.#statuses.set(result.name, this.#status(result.key, [], result.warnings))
      }
    }
    for (const failure of failures) this.#statuses.set(documentName(failure.key), failure)
  }

  /** A stored document that does not validate (at start): the rest serves without it. */
  setAside(key: DocumentKey, reasons: readonly Fault[]): void {
    this.#setAside.add(documentName(key))
    this.#keywords.get(`${key.dialect}/${key.kind}`)?.set(key.id, NO_WORDS)
    this.reject(key, reasons)
  }

  /** Notes that a new form of a document was refused. What served before goes on serving. */
  reject(key: DocumentKey, reasons: readonly Fault[]): void {
    this.#statuses.set(documentName(key), this.#status(key, reasons, []))
  }

  /** A rejected form that is gone again: what serves is as it should be. */
  forgetRejection(key: DocumentKey): void {
    const name = documentName(key)
    if (this.#statuses.get(name)?.state !== 'rejected') return
    this.finishImport()
    if (this.#owned.has(name)) this.#statuses.set(name, this.#status(key, [], []))
    else this.#statuses.delete(name)
  }

  #status(key: DocumentKey, reasons: readonly Fault[], warnings: readonly Warning[]): DocumentStatus {
    const state = reasons.length > 0 ? 'rejected' : warnings.length > 0 ? 'degraded' : 'accepted'
    const before = this.#statusOf(documentName(key))
    const isSame =
      before !== undefined &&
      before.state === state &&
      isDeepEqual(before.reasons, reasons) &&
      isDeepEqual(before.warnings, warnings)
    return isSame ? before : { key, state, reasons, warnings, sinceMs: this.#now() }
  }

  *statuses(): IterableIterator<DocumentStatus> {
    yield* this.#statuses.values()
    if (this.#imported === null) return
    for (const { key } of this.#mirror.all()) {
      const name = documentName(key)
      const status = this.#statuses.has(name) ? undefined : this.#statusOf(name)
      if (status !== undefined) yield status
    }
  }

  /** A document that came with a cached model is well where nothing else is known of it. */
  #statusOf(name: string): DocumentStatus | undefined {
    const known = this.#statuses.get(name)
    if (known !== undefined || this.#imported === null) return known
    const document = this.#mirror.find(name)
    // one that came later has its status from then, or will get it
    if (document === undefined || document.createdRevision > this.#imported.revision) return undefined
    const { atMs } = this.#imported
    return { key: document.key, state: 'accepted', reasons: NO_REASONS, warnings: NO_WARNINGS, sinceMs: atMs }
  }

  /** Number of documents by dialect, kind and state. */
  counts(): { dialect: string; kind: string; state: DocumentStatus['state']; count: number }[] {
    const counts = new Map<
      string,
      { dialect: string; kind: string; state: DocumentStatus['state']; count: number }
    >()
    for (const { key, state } of this.statuses()) {
      const name = `${key.dialect}/${key.kind}/${state}`
      const entry = counts.get(name)
      if (entry === undefined) counts.set(name, { dialect: key.dialect, kind: key.kind, state, count: 1 })
      else entry.count++
    }
    return [...counts.values()]
  }

  status(key: DocumentKey): DocumentStatus | undefined {
    return this.#statusOf(documentName(key))
  }

  /** The objects in force that come from a document. */
  objectsOf(key: DocumentKey): readonly StoredObject[] {
    this.finishImport()
    return this.#owned.get(documentName(key)) ?? NO_OBJECTS
  }

  /** The routes in force that a document stands for. */
  routesOf(key: DocumentKey): readonly Route[] {
    this.finishImport()
    const owned = this.#owned.get(documentName(key)) ?? []
    return owned.flatMap(({ kind, id }) => {
      const object = kind === 'route' ? this.#archive.find(kind, id) : undefined
      return object === undefined ? [] : [object.read() as Route]
    })
  }

  /**
   * What is known of documents beside their objects, in pieces, for the next start (model-cache.ts); null: something serves that the document at hand
   * does not give.
   */
  *export(): Generator<undefined, ReconcilerTables | null> {
    const warned: ReconcilerTables['warned'][number][] = []
    const uses: ReconcilerTables['uses'][number][] = []
    const setAside: ReconcilerTables['setAside'][number][] = []
    for (const [name, { state, reasons, warnings }] of this.#statuses) {
      if (this.#setAside.has(name)) setAside.push([name, reasons])
      else if (state === 'rejected') return null
      else if (warnings.length > 0) warned.push([name, warnings])
      yield
    }
    for (const entry of this.#graph.entries()) {
      uses.push(entry)
      yield
    }
    return { warned, uses, setAside }
  }

  /**
   * Instead of `load`, for all documents of the mirror at once: the archive has their objects already. `revision`: the store's, of the tables. Those set aside
   * are the caller's, by `setAside`.
   */
  import({ warned, uses }: ReconcilerTables, revision: number): void {
    this.#imported = { atMs: this.#now(), revision }
    this.#gathering = this.#gather()
    for (const [name, warnings] of warned) {
      const status = this.#statusOf(name)
      if (status !== undefined) this.#statuses.set(name, { ...status, state: 'degraded', warnings })
    }
    for (const [name, used] of uses) this.#graph.set(name, used)
  }

  *#gather(): Generator<undefined> {
    for (const object of this.#archive.all()) {
      const owned = this.#owned.get(object.owner)
      if (owned === undefined) this.#owned.set(object.owner, [object])
      else (owned as StoredObject[]).push(object)
      yield
    }
  }

  /** The rest of `import`, which a start does without: all of it, or as much as there is time for. Gives whether it is done. */
  finishImport(isOver: () => boolean = () => false): boolean {
    const work = this.#gathering
    while (work !== null) {
      if (work.next().done) this.#gathering = null
      if (this.#gathering === null) break
      if (isOver()) return false
    }
    return true
  }

  /** The whole model in force as it is kept, for a worker that starts. */
  get archive(): ModelArchive {
    return this.#archive
  }

  /** The whole model in force. Each object is read when its turn comes (some 5 µs): stop early where there may be many. */
  *objects(): IterableIterator<ModelObject> {
    for (const object of this.#archive.all()) yield object.read()
  }

  get size(): number {
    return this.#archive.size
  }
}

const NOTHING: ReadonlySet<string> = new Set()
const NO_EDITS: ReadonlyMap<string, DocumentEdit> = new Map()
const NO_WORDS: readonly string[] = []
const NO_REASONS: readonly Fault[] = []
const NO_OBJECTS: readonly StoredObject[] = []
const NO_WARNINGS: readonly Warning[] = []

function isText(stored: StoredObject, { head, tail }: ObjectText): boolean {
  return stored.text === head + tail
}

/** What a look-up of a part of a document depends on, beside the names of documents: a field, or with '' that it is there. */
function partName(name: string, field: string): string {
  return `${name}\n${field}`
}

/** What a search depends on, beside the names of documents. No kind's name holds a `?`. */
function searchName(dialect: string, kind: string, word: string): string {
  return `${dialect}/${kind}?${word}`
}

function objectName(object: Pick<ModelObject, 'kind' | 'id'>): string {
  return `${object.kind}:${object.id}`
}
