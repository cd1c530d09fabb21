import type { CallSignatures, DialectRest, Refusal, RestRequest } from '../dialects/dialect.ts'
import { dialects } from '../dialects/index.ts'
import type { EditableStore } from '../gateway/change-documents.ts'
import { Events } from '../gateway/events.ts'
import type { DocumentStatus } from '../gateway/reconcile.ts'
import { Tails } from '../gateway/tails.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { DocumentChange, DocumentKey, StoredDocument, WriteNote } from '../model/document.ts'
import type {
  EntranceExplanation,
  EntranceQuestion,
  ExplainRequest,
  Explanation,
  RouteReach,
  StreamExplanation,
  StreamQuestion,
} from '../model/explanation.ts'
import type { AdminSettings } from '../model/settings.ts'
import type { TrafficQuery, TrafficReader, TrafficReport } from '../model/traffic.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { HistoryEntry } from '../store/store.ts'
import type { AdminControl } from './admin-control.ts'
import type { AdminServerOptions } from './server.ts'

export const ADMIN_KEY = 'admin-key-of-the-tests-000000001'
export const VIEWER_KEY = 'viewer-key-of-the-tests-00000001'

/** A dialect's REST that records what reaches it and answers with the path. */
export class FakeRest implements DialectRest {
  readonly prefix = '/fake/admin'
  readonly maxBodyBytes = 100
  readonly calls: RestRequest[] = []
  readonly refusals: Refusal[] = []
  failure: Error | null = null
  signatures?: CallSignatures

  isOpen(method: string, path: string): boolean {
    return method === 'OPTIONS' || (method === 'HEAD' && path === this.prefix)
  }
  isWrite(method: string, path: string): boolean {
    return method !== 'GET' && method !== 'HEAD' && !path.endsWith('/validate')
  }
  async handle(request: RestRequest) {
    this.calls.push(request)
    if (this.failure !== null) throw this.failure
    if (request.method === 'OPTIONS') return { status: 200, headers: {}, body: '' }
    const headers = { Server: 'FAKE', 'Content-Type': 'application/json' }
    return { status: 200, headers, body: `{"key":"/fake/things/1","value":{}}\n` }
  }
  refuse(refusal: Refusal) {
    this.refusals.push(refusal)
    const statuses: Partial<Record<Refusal['kind'], number>> = {
      missingKey: 401,
      wrongKey: 401,
      viewerMayNotWrite: 401,
      bodyTooLarge: 400,
      tooManyWrongKeys: 429,
      readOnly: 409,
    }
    return {
      status: statuses[refusal.kind] ?? 403,
      headers: { 'Access-Control-Allow-Origin': '*' },
      body: JSON.stringify(refusal),
    }
  }
}

/** The documents over a memory store alone: nothing is translated or served. */
export class FakeDocuments implements EditableStore {
  readonly store = createMemoryStore()
  readonly #documents = new Map<string, StoredDocument>()
  #revision = 0

  revision(): number {
    return this.#revision
  }
  async get(key: DocumentKey): Promise<StoredDocument | undefined> {
    return this.#documents.get(`${key.dialect}/${key.kind}/${key.id}`)
  }
  async list(dialect: string, kind: string): Promise<readonly StoredDocument[]> {
    return [...this.#documents.values()]
      .filter(({ key }) => key.dialect === dialect && key.kind === kind)
      .sort((a, b) => (a.key.id < b.key.id ? -1 : 1))
  }
  async write(changes: readonly DocumentChange[], note: WriteNote) {
    const { revision, documents } = await this.store.commit(changes, note, 0)
    for (const [i, { key }] of changes.entries()) {
      const document = documents[i]
      if (document === undefined) this.#documents.delete(`${key.dialect}/${key.kind}/${key.id}`)
      else this.#documents.set(`${key.dialect}/${key.kind}/${key.id}`, document)
    }
    this.#revision = revision
    return { revision, documents, warnings: [] }
  }
  async preview() {
    return []
  }
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return work()
  }
}

/** Keeps what it was asked for and answers with nothing in it. */
export class FakeTraffic implements TrafficReader {
  readonly queries: TrafficQuery[] = []
  readonly watchers = new Set<(report: TrafficReport) => void>()

  async report(query: TrafficQuery): Promise<TrafficReport> {
    this.queries.push(query)
    return this.empty(query)
  }
  watch(query: TrafficQuery, onReport: (report: TrafficReport) => void): () => void {
    this.queries.push(query)
    this.watchers.add(onReport)
    onReport(this.empty(query))
    return () => this.watchers.delete(onReport)
  }
  empty({ view }: TrafficQuery): TrafficReport {
    const rates = { last1s: 0, last10s: 0, last60s: 0 }
    const figures = { requests: 0, rates, errorRatio: null, latencyMs: null }
    const totals = { ...figures, connections: 0, inFlight: 0, upstreamConnections: 0 }
    return { atMs: 0, sampledSeconds: 1, isPartial: false, view, totals, rows: [] }
  }
}

export class FakeControl implements AdminControl {
  readonly dialects = dialects
  readonly settings = DEFAULT_SETTINGS
  readonly documents = new FakeDocuments()
  readonly events = new Events(() => 0)
  /** No worker: a test plays it with `tails.receive`. */
  readonly tails = new Tails(() => [])
  isReady = true
  documentStatus(): DocumentStatus | undefined {
    return undefined
  }
  placeOf(): string | null {
    return null
  }
  /** What `explain` was asked. */
  readonly explained: ExplainRequest[] = []
  explainError: Error | null = null
  async explain(request: ExplainRequest): Promise<Explanation> {
    this.explained.push(request)
    if (this.explainError !== null) throw this.explainError
    return { revision: 7 } as Explanation
  }
  /** What `explainStream` was asked. */
  readonly explainedStreams: StreamQuestion[] = []
  async explainStream(question: StreamQuestion): Promise<StreamExplanation> {
    this.explainedStreams.push(question)
    if (this.explainError !== null) throw this.explainError
    return { revision: 7 } as StreamExplanation
  }
  /** What `explainEntrance` was asked. */
  readonly explainedEntrances: EntranceQuestion[] = []
  async explainEntrance(question: EntranceQuestion): Promise<EntranceExplanation> {
    this.explainedEntrances.push(question)
    if (this.explainError !== null) throw this.explainError
    return { isLive: true } as EntranceExplanation
  }
  async explainRoute(): Promise<RouteReach> {
    if (this.explainError !== null) throw this.explainError
    return { revision: 7, entries: [], omitted: 0 }
  }
  /** What is not as it should be. */
  notes: readonly string[] = []
  readiness() {
    return { isReady: this.isReady, reasons: this.isReady ? [] : ['worker 1 lags'], notes: this.notes }
  }
  status() {
    const document = (id: string, state: 'accepted' | 'degraded' | 'rejected') => ({
      key: { dialect: 'apisix', kind: 'routes', id },
      state,
      reasons: [],
      warnings: [],
      sinceMs: 0,
    })
    return {
      version: '1.2.3',
      startedAtMs: 0,
      readiness: this.readiness(),
      revision: 7,
      store: { name: 'memory', readOnly: null, faults: [] },
      lastChange: null,
      listeners: ['127.0.0.1:9080'],
      workers: [],
      workerRestarts: 0,
      objects: 0,
      retiredSlots: 0,
      documents: [document('1', 'accepted'), document('2', 'rejected'), document('3', 'degraded')],
      planned: [],
      sources: [],
    }
  }
  metrics(): string {
    return 'headgate_workers 1\n'
  }
  apisixMetrics(): string | null {
    return 'apisix_etcd_reachable 1\n'
  }
  readonly traffic = new FakeTraffic()
  readonly objects = { upstreams: () => [], upstream: () => undefined }
  endpoints() {
    return undefined
  }
  endpointLoad() {
    return { inFlight: 0, connections: 0 }
  }
  droppedEvents = 0
  noteDroppedEvents(count: number): void {
    this.droppedEvents += count
  }
  async history(options: {
    readonly limit: number
    readonly before?: number
  }): Promise<readonly HistoryEntry[]> {
    const changes = [
      {
        dialect: 'apisix',
        kind: 'routes',
        id: '1',
        op: 'put' as const,
        before: null,
        after: '{"secret":1}',
      },
    ]
    return [{ revision: (options.before ?? 8) - 1, atMs: 0, author: 'admin', message: null, changes }]
  }
}

/** Options for a server over fakes; `lines` collects what it audits. */
export function fakeOptions(
  settings: Partial<AdminSettings> = {},
): AdminServerOptions & { rest: FakeRest; control: FakeControl; lines: string[]; clock: { ms: number } } {
  const rest = new FakeRest()
  const lines: string[] = []
  const clock = { ms: 0 }
  return {
    listen: '127.0.0.1:0',
    settings: { ...DEFAULT_SETTINGS.admin, ...settings },
    keys: { key: ADMIN_KEY, viewerKey: VIEWER_KEY },
    rests: [rest],
    rest,
    control: new FakeControl(),
    version: '1.2.3',
    revision: () => 7 + rest.calls.length,
    readOnly: () => null,
    audit: (line) => lines.push(line),
    lines,
    log: () => {},
    now: () => clock.ms,
    clock,
  }
}
