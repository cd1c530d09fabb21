import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type {
  Dialect,
  DialectProxies,
  DialectSettings,
  ProxyFault,
  ProxyView,
  RestResponse,
} from '../dialects/dialect.ts'
import type { DocumentEdit } from '../gateway/reconcile.ts'
import type { Log } from '../gateway/worker-pool.ts'
import type { DocumentKey, DocumentStore, StoredDocument } from '../model/document.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { JsonObject } from '../model/json.ts'
import type { Section } from '../model/listener.ts'
import { HEARTBEAT_MS, type ProxyHello, type ProxyReport, SILENT_MS } from '../model/proxy-link.ts'
import { refuseBearer, type TokenClaims } from './dataplane-tokens.ts'
import { logTroubles } from './log-troubles.ts'
import { MeshModels } from './mesh-models.ts'
import { ProxyStream } from './proxy-stream.ts'

/** A proxy that is gone without a word has so long to come back before the document that it registered is deleted, as in Kuma. Milliseconds. */
const DEREGISTER_MS = 10_000
/** A control plane that started a moment ago may not know all proxies yet: one that serves already gets its model so much later. Milliseconds. */
const GATHERING_MS = 3_000

/** Documents, and who hears of changes. */
export interface MeshDocuments extends DocumentStore {
  readonly readOnly: string | null
  subscribe(listener: (edits: readonly DocumentEdit[]) => void): () => void
}

export interface MeshControlOptions {
  /** The mesh's language; it has `proxies`. */
  readonly dialect: Dialect
  readonly settings: DialectSettings
  readonly documents: MeshDocuments
  /** All documents of the dialect. */
  readonly stored: readonly StoredDocument[]
  readonly log: Log
  /** Milliseconds: see DEREGISTER_MS and GATHERING_MS. Tests have less patience. */
  readonly deregisterMs?: number
  readonly gatheringMs?: number
}

/** Why a proxy is not let in. */
export class ProxyRefusal extends Error {
  readonly status: 400 | 403 | 404 | 405 | 409
  readonly faults: readonly ProxyFault[]

  constructor(status: ProxyRefusal['status'], reason: string, faults: readonly ProxyFault[] = []) {
    super(reason)
    this.status = status
    this.faults = faults
  }
}

interface Place {
  readonly mesh: string
  readonly name: string
}

/** A proxy that asks to be let in. */
interface Comer {
  readonly place: Place
  readonly hello: ProxyHello
  readonly claims: TokenClaims | null
}

interface Session {
  /** Shown to whoever may read. The instance is not: by that the proxy alone reports and leaves. */
  readonly id: string
  readonly hello: ProxyHello
  readonly stream: ProxyStream
  readonly response: ServerResponse
  readonly connectedAtMs: number
  seenMs: number
  report: ProxyReport | null
}

/** A proxy by the id of its document. */
interface Entry {
  readonly id: string
  /** By instance. Two proxies of one name are both let in. */
  readonly sessions: Map<string, Session>
  /** Calls of `connect` that are under way: they count as a proxy that is there. */
  connecting: number
  /** It brought its document, which goes when it goes. */
  isRegistered: boolean
  /** What its probes found, by inbound. */
  readonly known: Map<string, boolean>
  removal: NodeJS.Timeout | null
  last: Session | null
  disconnectedAtMs: number | null
  /** What others' models were made of says that it drains. */
  isTakenDraining: boolean
}

/**
 * The control plane's side of proxies: registers them, sends each its model, and notes what they report. Two proxies of one name are as in Kuma: the document of the one that
 * came last stands, where its token would also have been good for the one before; both are served, and the document is deleted when the last of them is gone.
 */
export class MeshControl {
  readonly #options: MeshControlOptions
  readonly #proxies: DialectProxies
  readonly #models: MeshModels
  readonly #entries = new Map<string, Entry>()
  readonly #sections: readonly Section[]
  readonly #unsubscribe: () => void
  readonly #heartbeat: NodeJS.Timeout
  readonly #startedMs = performance.now()
  #isClosing = false

  constructor(options: MeshControlOptions) {
    const { dialect, settings, documents, log } = options
    if (dialect.proxies === undefined) throw new Error(`${dialect.name} has no proxies`)
    this.#options = options
    this.#proxies = dialect.proxies
    const all = { ...settings, kuma: { ...settings.kuma, dataplanes: ['all'] } }
    this.#sections = [{ name: dialect.name, surface: dialect.surface(all), hasOwnListeners: true }]
    this.#models = new MeshModels({
      dialect,
      settings: all,
      documents: options.stored,
      log,
      onChange: (id, objects) => {
        for (const { stream } of this.#entries.get(id)?.sessions.values() ?? []) stream.note(objects)
      },
      onDocument: (id) => this.#onDocument(id),
    })
    this.#unsubscribe = documents.subscribe((edits) =>
      this.#models.take(edits.map((edit) => this.#asItStands(edit))),
    )
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS)
    this.#heartbeat.unref()
  }

  /** Those that are connected or were so since the start, by the ids of their documents. Of two of one name the one that came last. */
  views(): ReadonlyMap<string, ProxyView> {
    const views = new Map<string, ProxyView>()
    for (const { id, sessions, last, disconnectedAtMs } of this.#entries.values()) {
      const session = [...sessions.values()].at(-1) ?? last
      if (session === null) continue
      const { id: shown, hello, stream, connectedAtMs } = session
      views.set(id, {
        id: shown,
        connectedAtMs,
        disconnectedAtMs: sessions.size > 0 ? null : disconnectedAtMs,
        sent: stream.sent,
        acknowledged: stream.acknowledged,
        version: hello.version === '' ? null : hello.version,
      })
    }
    return views
  }

  /**
   * Lets a proxy in, stores its document where it brought one, and begins its stream once its model is made. `claims`: of its token; null: it needs none. Rejects with
   * ProxyRefusal, or with GatewayError as DocumentStore.write does; nothing was written to the response then.
   */
  async connect(
    place: Place & { readonly peer: string },
    hello: ProxyHello,
    claims: TokenClaims | null,
    response: ServerResponse,
  ): Promise<void> {
    const id = this.#proxies.idOf(place.mesh, place.name)
    let entry = this.#entries.get(id)
    if (entry === undefined) {
      entry = makeEntry(id)
      // before anything is waited for: another proxy of the name may come meanwhile
      this.#entries.set(id, entry)
    }
    entry.connecting++
    if (entry.removal !== null) clearTimeout(entry.removal)
    entry.removal = null
    try {
      await this.#admit(entry, { place, hello, claims })
      await this.#models.settle()
      const left = (this.#options.gatheringMs ?? GATHERING_MS) - (performance.now() - this.#startedMs)
      if (hello.hasModel && left > 0) await new Promise((resolve) => setTimeout(resolve, left))
      if (this.#isClosing) throw new ProxyRefusal(409, 'the control plane is stopping')
      if (!response.destroyed) this.#begin(entry, place, hello, response)
    } finally {
      entry.connecting--
      this.#watchAbsence(entry)
    }
  }

  /** Sees to the document of a proxy: stores the one that it brought, or finds the one that somebody wrote. */
  async #admit(entry: Entry, comer: Comer): Promise<void> {
    const { place, hello, claims } = comer
    if (hello.dataplane !== null) return this.#register(entry, comer, hello.dataplane)
    await this.#findWritten(entry.id, place, claims)
    learn(entry, hello)
  }

  #begin(
    entry: Entry,
    place: Place & { readonly peer: string },
    hello: ProxyHello,
    response: ServerResponse,
  ): void {
    const stream = new ProxyStream(this.#models, entry.id, response)
    const session: Session = {
      id: randomUUID(),
      hello,
      stream,
      response,
      connectedAtMs: Date.now(),
      seenMs: performance.now(),
      report: null,
    }
    entry.sessions.set(hello.instance, session)
    this.#noteDraining(entry)
    response.once('close', () => this.#leave(entry, session))
    const value = this.#models.document(entry.id)?.value
    stream.begin(this.#sections, value === undefined ? [] : this.#proxies.probes(value))
    this.#options.log('info', { ...place, connection: session.id }, 'a proxy is connected')
  }

  /** No proxy of the name is there: the document that it brought goes after a time, and what is known of one that never was is forgotten. */
  #watchAbsence(entry: Entry): void {
    if (entry.sessions.size > 0 || entry.connecting > 0 || this.#isClosing) return
    if (!entry.isRegistered) {
      if (entry.last === null) this.#entries.delete(entry.id)
      return
    }
    entry.removal ??= setTimeout(() => {
      entry.removal = null
      void this.#deregister(entry)
    }, this.#options.deregisterMs ?? DEREGISTER_MS).unref()
  }

  /** What a proxy that is connected reports. Throws ProxyRefusal 404 for one that is not. */
  report(place: Place, report: ProxyReport): void {
    const entry = this.#entries.get(this.#proxies.idOf(place.mesh, place.name))
    const session = entry?.sessions.get(report.instance)
    if (entry === undefined || session === undefined)
      throw new ProxyRefusal(404, `no proxy ${place.name} of this instance is connected`)
    session.seenMs = performance.now()
    logTroubles(this.#options.log, { mesh: place.mesh, name: place.name }, session.report, report)
    session.report = report
    session.stream.acknowledge(report.revision)
    let isNews = false
    for (const { inbound, isReady } of report.inbounds) {
      if (entry.known.get(inbound) !== isReady) isNews = true
      entry.known.set(inbound, isReady)
    }
    if (isNews) void this.#applyReadiness(entry)
    this.#noteDraining(entry)
  }

  /** Whether it drains may have changed, as what it reports did or who has its name. */
  #noteDraining(entry: Entry): void {
    if (entry.isTakenDraining === isDraining(entry)) return
    this.#retake(entry).catch((error: unknown) => {
      // its next report brings it here again
      const fields = { dataplane: entry.id, error: String(error) }
      this.#options.log('warn', fields, 'others could not be told whether a proxy drains')
    })
  }

  /** What is known of a proxy and not stored changed, so the models of others do. */
  async #retake({ id }: Entry): Promise<void> {
    const key = this.#keyOf(id)
    const document = await this.#options.documents.get(key)
    if (document !== undefined && !this.#isClosing) this.#models.take([this.#asItStands({ key, document })])
  }

  /** A document of a proxy with what is known of it and not stored. */
  #asItStands(edit: DocumentEdit): DocumentEdit {
    const { key, document } = edit
    if (key.kind !== this.#proxies.kind || key.dialect !== this.#options.dialect.name) return edit
    const entry = this.#entries.get(key.id)
    if (entry === undefined) return edit
    entry.isTakenDraining = document !== undefined && isDraining(entry)
    if (document === undefined || entry.sessions.size === 0) return edit
    const isReadOnly = this.#options.documents.readOnly !== null
    let { value } = document
    if (isReadOnly) value = this.#proxies.withReadiness(value, entry.known)
    if (entry.isTakenDraining) value = this.#proxies.draining(value)
    return value === document.value ? edit : { key, document: { ...document, value } }
  }

  /** A proxy says goodbye. Resolves when its document is gone, if it had brought one and no other proxy has its name. */
  async leave(place: Place, instance: string): Promise<void> {
    const entry = this.#entries.get(this.#proxies.idOf(place.mesh, place.name))
    const session = entry?.sessions.get(instance)
    if (entry === undefined || session === undefined)
      throw new ProxyRefusal(404, `no proxy ${place.name} of this instance is connected`)
    entry.sessions.delete(instance)
    entry.last = session
    entry.disconnectedAtMs = Date.now()
    if (entry.sessions.size === 0) await this.#deregister(entry)
    else this.#noteDraining(entry)
    session.stream.end('the proxy said goodbye', true)
  }

  /** A call that failed, in the shape of the dialect. */
  failure(status: number, reason: string, faults: readonly ProxyFault[]): RestResponse {
    return this.#proxies.failure(status, reason, faults)
  }

  /** Ends all streams; the proxies go on with what they have, and their documents stay. */
  close(): void {
    this.#isClosing = true
    clearInterval(this.#heartbeat)
    this.#unsubscribe()
    for (const { sessions, removal } of this.#entries.values()) {
      if (removal !== null) clearTimeout(removal)
      for (const { stream } of sessions.values()) stream.end('the control plane is stopping', false)
    }
    this.#models.close()
  }

  #keyOf(id: string): DocumentKey {
    return { dialect: this.#options.dialect.name, kind: this.#proxies.kind, id }
  }

  async #findWritten(id: string, place: Place, claims: TokenClaims | null): Promise<void> {
    const document = await this.#options.documents.get(this.#keyOf(id))
    if (document === undefined)
      throw new ProxyRefusal(
        404,
        `the mesh ${place.mesh} has no document of a proxy ${place.name}: give one with --dataplane-file, or apply it first`,
      )
    this.#checkBearer(place, document.value, claims)
  }

  #checkBearer(place: Place, value: JsonObject, claims: TokenClaims | null, prefix = ''): void {
    if (claims === null) return
    const reason = refuseBearer(claims, { ...place, tagSets: this.#proxies.tagSets(value) })
    if (reason !== null) throw new ProxyRefusal(403, prefix + reason)
  }

  #register(entry: Entry, { place, hello, claims }: Comer, written: JsonObject): Promise<void> {
    const { dialect, documents } = this.#options
    const key = this.#keyOf(entry.id)
    this.#checkDocument(place, written, claims)
    return documents.exclusive(async () => {
      const before = await documents.get(key)
      if (before !== undefined)
        this.#checkBearer(
          place,
          before.value,
          claims,
          'a proxy of this name is there, which you may not replace: ',
        )
      await this.#checkReferences(written)
      if (documents.readOnly !== null && before === undefined)
        throw new ProxyRefusal(405, `the proxy cannot be registered: ${documents.readOnly}`)
      learn(entry, hello)
      if (documents.readOnly !== null) return
      const prepared = dialect.prepare(key.kind, key.id, written, before, Date.now())
      const value = this.#proxies.withReadiness(prepared, entry.known)
      entry.isRegistered = true
      if (before !== undefined && isSame(dialect, key.kind, before.value, value)) return
      await documents.write([{ op: 'put', key, value, expiresAtMs: null, expectedRevision: null }], {
        author: `dataplane ${place.mesh}/${place.name}`,
        message: 'registered',
      })
    })
  }

  #checkDocument(place: Place, written: JsonObject, claims: TokenClaims | null): void {
    const { dialect, settings } = this.#options
    const { kind, idOf } = this.#proxies
    const id = dialect.idOf(kind, written)
    if (id !== idOf(place.mesh, place.name))
      throw new ProxyRefusal(
        400,
        `the document is not of the proxy ${place.name} of the mesh ${place.mesh}`,
        [{ field: 'name', reason: `it is of ${id ?? 'none'}` }],
      )
    const faults = dialect.validate(kind, written, settings)
    if (faults.length > 0)
      throw new ProxyRefusal(
        400,
        'the document is not valid',
        faults.map(({ path, message }) => ({ field: path, reason: message })),
      )
    this.#checkBearer(place, written, claims)
  }

  async #checkReferences(value: JsonObject): Promise<void> {
    const { dialect, documents } = this.#options
    for (const { path, kind, id, mustExist } of dialect.references(this.#proxies.kind, value)) {
      if (!mustExist || (await documents.get({ dialect: dialect.name, kind, id })) !== undefined) continue
      const fault = { field: path, reason: `there is no ${id} among the ${kind}: create it first` }
      throw new ProxyRefusal(400, 'the document is not valid', [fault])
    }
  }

  #onDocument(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined || entry.sessions.size === 0) return
    const document = this.#models.document(id)
    if (document === undefined) {
      // it comes again with its document; one that brought none serves nothing until somebody writes one
      if (entry.isRegistered)
        for (const { stream } of entry.sessions.values()) stream.end('its document was deleted', false)
      return
    }
    const probes = this.#proxies.probes(document.value)
    for (const { stream } of entry.sessions.values()) stream.setProbes(probes)
    if (probes.length > 0) void this.#applyReadiness(entry)
  }

  /** Writes what probes found into the document; where nothing can be written, into what models are made of. */
  async #applyReadiness(entry: Entry): Promise<void> {
    const { documents, log } = this.#options
    const key = this.#keyOf(entry.id)
    try {
      await documents.exclusive(async () => {
        if (documents.readOnly !== null) return this.#retake(entry)
        const before = await documents.get(key)
        if (before === undefined || this.#isClosing) return
        const value = this.#proxies.withReadiness(before.value, entry.known)
        if (value === before.value) return
        const expectedRevision = before.modifiedRevision
        const change = { op: 'put' as const, key, value, expiresAtMs: before.expiresAtMs, expectedRevision }
        await documents.write([change], { author: 'system', message: 'probes of its inbounds' })
      })
    } catch (error) {
      // somebody else wrote it: that change comes by here too
      if (error instanceof GatewayError && error.code === 'WRITE_CONFLICT') return
      log(
        'warn',
        { dataplane: entry.id, error: String(error) },
        'what probes of a proxy found could not be stored',
      )
    }
  }

  #leave(entry: Entry, session: Session): void {
    session.stream.close()
    // another one of the same instance may have come before this one was known to be gone
    if (entry.sessions.get(session.hello.instance) !== session) return
    entry.sessions.delete(session.hello.instance)
    entry.last = session
    entry.disconnectedAtMs = Date.now()
    const place = this.#proxies.partsOf(entry.id)
    this.#options.log('info', { ...place, connection: session.id }, 'a proxy is gone')
    // one that is gone as a whole stays as it was: nobody needs to send to it again before it comes back
    if (entry.sessions.size > 0) this.#noteDraining(entry)
    this.#watchAbsence(entry)
  }

  async #deregister(entry: Entry): Promise<void> {
    const { documents, log } = this.#options
    if (!entry.isRegistered || documents.readOnly !== null) return
    const key = this.#keyOf(entry.id)
    try {
      await documents.exclusive(async () => {
        const document = await documents.get(key)
        if (entry.sessions.size > 0 || entry.connecting > 0) return
        if (document !== undefined)
          await documents.write([{ op: 'delete', key, expectedRevision: null }], {
            author: 'system',
            message: 'the proxy is gone',
          })
        entry.isRegistered = false
      })
    } catch (error) {
      log(
        'warn',
        { dataplane: entry.id, error: String(error) },
        'the document of a proxy that is gone stays for now',
      )
    }
    this.#watchAbsence(entry)
  }

  #beat(): void {
    const now = performance.now()
    for (const { sessions } of this.#entries.values()) {
      for (const { stream, response, seenMs } of sessions.values()) {
        if (now - seenMs > SILENT_MS) response.destroy()
        else stream.heartbeat()
      }
    }
  }
}

function makeEntry(id: string): Entry {
  return {
    id,
    sessions: new Map(),
    connecting: 0,
    isRegistered: false,
    known: new Map(),
    removal: null,
    last: null,
    disconnectedAtMs: null,
    isTakenDraining: false,
  }
}

/** Takes over what a proxy that is let in has probed. */
function learn({ sessions, last, known }: Entry, { instance, inbounds }: ProxyHello): void {
  // what was known of one that came before counts no more for a new one
  if (sessions.size === 0 && last?.hello.instance !== instance) known.clear()
  for (const { inbound, isReady } of inbounds) known.set(inbound, isReady)
}

/** Two of one name are one to the others: it drains when all do. */
function isDraining({ sessions }: Entry): boolean {
  return sessions.size > 0 && [...sessions.values()].every(({ report }) => report?.isDraining === true)
}

function isSame(dialect: Dialect, kind: string, a: JsonObject, b: JsonObject): boolean {
  return JSON.stringify(dialect.normalize(kind, a)) === JSON.stringify(dialect.normalize(kind, b))
}
