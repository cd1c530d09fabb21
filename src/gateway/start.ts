import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Dialect } from '../dialects/dialect.ts'
import { dialects as allDialects } from '../dialects/index.ts'
import type { Certificate } from '../model/certificate.ts'
import { routeIdentity, WORKER } from '../model/counters.ts'
import type { DocumentKey } from '../model/document.ts'
import type { EndpointAddress, EndpointLoad, EndpointView } from '../model/endpoint-view.ts'
import type {
  EntranceExplanation,
  EntranceQuestion,
  ExplainRequest,
  Explanation,
  RouteReach,
  StreamExplanation,
  StreamQuestion,
  WorkerExplanation,
} from '../model/explanation.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { ListenerProtocol, PlannedListener } from '../model/listener.ts'
import type { ObjectSource } from '../model/model.ts'
import { statesKey } from '../model/operator-states.ts'
import type { Settings } from '../model/settings.ts'
import type { Upstream } from '../model/upstream.ts'
import { Metrics } from '../observe/metrics.ts'
import type { CountedRoute, ObjectReader } from '../observe/metrics-source.ts'
import { Traffic } from '../observe/traffic.ts'
import type { ConfigStore, HistoryEntry, ModelCacheFile } from '../store/store.ts'
import { CertificateEnds } from './certificate-ends.ts'
import { UpstreamCircumstances } from './circumstances.ts'
import { boundGarbage, compactHeap, keepCode, keepYoungSpace, MANY_OBJECTS } from './compact-heap.ts'
import { Documents } from './documents.ts'
import { drainGateway } from './drain.ts'
import { countHealth, EndpointViews, measureName } from './endpoint-views.ts'
import { Events } from './events.ts'
import { ExplainDesk } from './explain-desk.ts'
import { explainEntrance } from './explain-entrance.ts'
import { withPlaces } from './explain-places.ts'
import { explainReach } from './explain-reach.ts'
import { withRemarks } from './explain-remarks.ts'
import { ExplainError, findListener } from './explain-request.ts'
import { HealthControl } from './health/health-control.ts'
import { LastPods, PODS_FILE } from './last-pods.ts'
import { fitToMachine } from './limits.ts'
import { sectionsOf } from './listeners.ts'
import { LoopLag } from './loop-lag.ts'
import type { SocketPlan } from './messages.ts'
import { Mirror } from './mirror.ts'
import type { ModelArchive } from './model-archive.ts'
import { type CachedModel, expectedObjects, fingerprintOf, readModelCache } from './model-cache.ts'
import { ModelKeeper } from './model-keeper.ts'
import { openStore, placeInStore, reloadStore } from './open-store.ts'
import { PlannedListeners, type PlannedStatus } from './planned-listeners.ts'
import { Profiles } from './profiles.ts'
import { Publisher } from './publish.ts'
import { type DocumentStatus, Reconciler } from './reconcile.ts'
import { DEFAULT_CAPACITY, type SharedCapacity, SharedState } from './shared-state.ts'
import {
  assignDescriptors,
  checkAddress,
  holdAddress,
  inheritedDescriptors,
  listenError,
  parseAddress,
} from './sockets.ts'
import { keepSweeping, pruneStates, resolveAtStart, startNames } from './start-names.ts'
import { type GatewayStatus, judgeReadiness, noteSources, type Readiness, sourcesOf } from './status.ts'
import { findStreamEntrance } from './stream-question.ts'
import { Tails } from './tails.ts'
import { TlsControl } from './tls-control.ts'
import { VERSION } from './version.ts'
import { type Log, type StandingListener, WorkerPool } from './worker-pool.ts'

/** What the servers of the control side (admin, status) are built on. */
export interface Control {
  readonly settings: Settings
  readonly dialects: readonly Dialect[]
  readonly documents: Documents
  readonly log: Log
  /** What happened lately, beside requests. */
  readonly events: Events
  /** Live requests. */
  readonly tails: Tails
  readiness(): Readiness
  status(): GatewayStatus
  /** Prometheus text. */
  metrics(): string
  /** The same in the names of APISIX; null: switched off. */
  apisixMetrics(): string | null
  /** Rates, shares and latencies of the last minute. */
  readonly traffic: Traffic
  /** An event stream dropped so many events for a slow reader. */
  noteDroppedEvents(count: number): void
  /** The model in force. */
  readonly objects: ObjectReader
  /** How the endpoints of an upstream stand; undefined: there is no such upstream. */
  endpoints(upstreamId: string): readonly EndpointView[] | undefined
  /** What is under way to an endpoint over all workers. */
  endpointLoad(upstreamId: string, endpoint: EndpointAddress): EndpointLoad
  history(options: { readonly limit: number; readonly before?: number }): Promise<readonly HistoryEntry[]>
  documentStatus(key: DocumentKey): DocumentStatus | undefined
  /** Why a request goes where it goes, by the table that serves. Rejects with ExplainError. */
  explain(request: ExplainRequest): Promise<Explanation>
  /** The same by the table of each worker. Rejects with ExplainError when none serves. */
  explainEach(request: ExplainRequest): Promise<readonly WorkerExplanation[]>
  /** Why a stream goes where it goes. Rejects with ExplainError. */
  explainStream(question: StreamQuestion): Promise<StreamExplanation>
  /** Which requests reach the routes that come from a document. Rejects with ExplainError. */
  explainRoute(key: DocumentKey): Promise<RouteReach>
  /** Why what comes in at a listener that a document asks for goes where it goes. Rejects with ExplainError. */
  explainEntrance(question: EntranceQuestion): Promise<EntranceExplanation>
  /** `file:line:column` of a place in a document; null where it comes from no file. */
  placeOf(key: DocumentKey, path: string): string | null
}

/** The servers of the control side, started by whoever puts the gateway together (gateway/ may not know admin/). */
export interface Fronts {
  readonly admin: string | null
  readonly status: string | null
  /** Those of dialects whose APIs have listeners of their own. */
  readonly apis: readonly { readonly dialect: string; readonly address: string }[]
  close(): Promise<void>
}

export interface StartOverrides {
  readonly store?: ConfigStore
  readonly dialects?: readonly Dialect[]
  readonly fronts?: (control: Control) => Promise<Fronts>
  readonly log?: Log
  /** Where LISTEN_FDS is read from. */
  readonly env?: NodeJS.ProcessEnv
  readonly capacity?: SharedCapacity
  /** Lets tests break workers. Default: HEADGATE_TEST_FAULTS=1 in `env`. */
  readonly obeysFaults?: boolean
}

export interface Gateway extends Control {
  readonly addresses: {
    readonly listen: readonly string[]
    readonly admin: string | null
    readonly status: string | null
    /** Of dialects whose APIs have listeners of their own. */
    readonly apis: Fronts['apis']
  }
  /** Every listener, ports settled. */
  readonly listeners: readonly StandingListener[]
  /** Reads files again. */
  reload(): Promise<void>
  reopenLogs(): void
  /** Begins CPU profiles of every thread, or ends those that run; the log says where they are. */
  profile(): void
  /** Test only, see `obeysFaults`: breaks one worker. */
  injectFault(index: number, kind: 'throw' | 'wedge' | 'exit'): void
  /** Drains and stops; the exit status: 0, or 3 if the deadline cut something. Called again: at once. */
  close(): Promise<number>
}

/**
 * Starts everything: store, model, control servers, workers, listeners, in this order. Resolves when every worker serves. Rejects with
 * PORT_IN_USE, BAD_SETTING, STORE_DAMAGED, STORE_UNAVAILABLE; what was opened is closed again then.
 */
export async function startGateway(given: Settings, overrides: StartOverrides = {}): Promise<Gateway> {
  const env = overrides.env ?? process.env
  const settings = fitToMachine(given)
  const log = overrides.log ?? (() => {})
  const dialects = overrides.dialects ?? allDialects
  const startedAtMs = Date.now()
  const sections = sectionsOf(settings, dialects)
  const sockets = socketsOf(settings)
  const descriptors = assignDescriptors(inheritedDescriptors(env, process.pid), sockets.length)
  const count = descriptors.length > 0 ? Math.min(settings.workers, descriptors.length) : settings.workers

  const opened: (() => Promise<void> | void)[] = []
  const closeAll = async (): Promise<void> => {
    for (const close of opened.reverse()) await close()
    opened.length = 0
  }
  try {
    if (descriptors.length === 0) {
      for (const { host, port, protocol } of sockets) {
        const transport = protocol === 'udp' ? 'udp' : 'tcp'
        opened.push(await holdAddress(host, port, transport))
        await checkAddress(host, port, transport)
      }
    }
    let pool: WorkerPool | null = null
    const tls = new TlsControl(settings.tls, log, (material) =>
      pool?.broadcast({ type: 'tls', tls: material }),
    )
    opened.push(() => tls.close())
    const store = overrides.store ?? (await openStore(settings, dialects, log))
    opened.push(() => store.close())
    const shared = new SharedState(overrides.capacity ?? DEFAULT_CAPACITY)
    const mirror = new Mirror()
    const circumstances: UpstreamCircumstances = new UpstreamCircumstances({
      names: {
        find: (question) => names.find(question),
        use: (question) => names.use(question, question.kind === 'pods' ? lastPods.find(question.name) : []),
        drop: (question) => names.drop(question),
        firstAnswers: (deadlineMs) => names.firstAnswers(deadlineMs),
      },
      onUpstreamGone: (id) => {
        if (mirror.get(statesKey(id)) !== undefined) void pruneStates(id, documents, reconciler, log)
      },
    })
    const reconciler: Reconciler = new Reconciler(dialects, settings, mirror, circumstances)
    const events = new Events()
    const tails = new Tails(() => pool?.workers() ?? [])
    const explainDesk = new ExplainDesk(() => pool?.workers() ?? [])
    const profiles = new Profiles({
      settings,
      workers: () => pool?.workers() ?? [],
      log,
      emit: events.emit,
    })
    opened.push(() => profiles.close())
    const publisher = new Publisher({
      workers: () => pool?.workers() ?? [],
      model: () => ({
        revision: documents.modelRevision,
        upserts: reconciler.archive.all(),
        count: reconciler.size,
        slotTable: shared.slots(),
      }),
      onLaggard: (worker, revision) => pool?.replaceLaggard(worker, revision),
    })
    opened.push(() => publisher.close())
    const health = new HealthControl({
      archive: reconciler.archive,
      shared,
      settle: () => pool?.settle() ?? Promise.resolve(),
      log,
      emit: events.emit,
    })
    opened.push(() => health.close())
    const documents = new Documents({
      store,
      mirror,
      reconciler,
      shared,
      publisher,
      settings,
      log,
      emit: events.emit,
      firstAnswers: () => circumstances.firstAnswers(),
      onModelChange: (change) => {
        circumstances.noteChange(change)
        health.change(change)
        planned.note(change)
      },
    })
    opened.push(() => documents.close())
    const planned = new PlannedListeners({
      broadcast: (message) => {
        for (const worker of pool?.workers() ?? []) {
          // one that is replaced listens until its successor does
          const mayListen =
            worker.state === 'serving' || (worker.state === 'leaving' && message.type === 'closePlanned')
          if (mayListen) worker.send(message)
        }
      },
      settle: () => pool?.settle() ?? Promise.resolve(),
      log,
      emit: events.emit,
    })
    opened.push(() => planned.close())
    const cache = store.modelCache
    const lastPods = new LastPods({
      file: cache === undefined ? null : join(dirname(cache.file), PODS_FILE),
      views: () => names.views(),
      log,
    })
    const names = startNames({
      settings,
      circumstances,
      documents,
      log,
      emit: events.emit,
      onPods: () => lastPods.note(),
    })
    opened.push(() => names.close())
    opened.push(() => lastPods.close())
    let fronts: Fronts = NO_FRONTS
    const expected = cache === undefined ? 0 : expectedObjects(cache.file)
    keepYoungSpace()
    keepCode()
    const workers = new WorkerPool({
      count,
      settings: withoutSecrets(settings),
      sections,
      sockets,
      descriptors,
      objects: () => Math.max(reconciler.size, expected),
      forbidden: () =>
        [fronts.admin, fronts.status, ...fronts.apis.map(({ address }) => address)].filter(
          (address) => address !== null,
        ),
      tls: () => tls.material,
      obeysFaults: overrides.obeysFaults ?? env.HEADGATE_TEST_FAULTS === '1',
      shared,
      publisher,
      log,
      emit: events.emit,
      tails,
      profiles,
      explainDesk,
      onTransition: (transition) => health.note(transition),
      onWorkerGone: () => health.rescan(),
      planned,
      routeOf: (slot) => routeOf(reconciler, shared, slot),
    })
    pool = workers
    opened.push(() => workers.close()) // should what follows fail; else it is closed before the servers
    // they load their code while main reads the model
    if (expected > 0) workers.begin()
    const fingerprint = cache === undefined ? '' : fingerprintOf(settings)
    const cached =
      cache === undefined
        ? null
        : takeCached(cache, fingerprint, { shared, archive: reconciler.archive, log })
    // they take the model while main reads the documents
    if (cached !== null) workers.provide()
    const isCached = await documents.load(cached, async () => {
      log('info', {}, 'the model that was kept is not of these documents: they are translated anew')
      await workers.unload()
      shared.reset()
      reconciler.archive.clear()
    })
    if (cache !== undefined) {
      const keeper = new ModelKeeper({
        cache,
        documents,
        sizes: () => ({ objects: reconciler.size, documents: mirror.size }),
        fingerprint,
        log,
        named: () => circumstances.named(),
        isWritten: isCached,
      })
      opened.push(() => keeper.close())
    }
    await resolveAtStart(circumstances, documents, isCached ? (cached?.named ?? []) : [])
    opened.push(keepSweeping(circumstances, reconciler.archive))
    health.load()
    planned.note({ upserts: plannedOf(reconciler.archive), removals: [] })

    let phase: 'starting' | 'serving' | 'draining' = 'starting'
    const workerStatuses = (): GatewayStatus['workers'] =>
      [...(pool?.workers() ?? [])].map((worker) => ({
        index: worker.index,
        state: worker.state,
        revision: worker.ackedRevision,
        connections: shared.of(worker.key, 0, WORKER.ACTIVE),
        requests: shared.of(worker.key, 0, WORKER.REQUESTS),
        inFlight: shared.of(worker.key, 0, WORKER.IN_FLIGHT),
      }))
    const readiness = (): Readiness =>
      judgeReadiness({
        phase,
        workers: workerStatuses(),
        expectedWorkers: count,
        revision: publisher.revision,
        publishedMsAgo: publisher.publishedMsAgo,
        notes: noteSources(sourcesOf(names.views())),
      })
    const lag = new LoopLag(LAG_MS, performance.now())
    const lagTimer = setInterval(() => lag.beat(performance.now()), LAG_MS)
    opened.push(() => clearInterval(lagTimer))
    let eventsDropped = 0
    const objects = objectsOf(reconciler)
    const views = new EndpointViews({
      upstream: (id) => objects.upstream(id),
      health,
      shared,
      said: (id) => mirror.get(statesKey(id))?.value,
      startedAtMs,
    })
    const certificateEnds = new CertificateEnds({
      revision: () => documents.revision(),
      certificates: () => reconciler.archive.certificates() as Iterable<ObjectSource<Certificate>>,
      fallback: () => tls.material.fallback?.certificate ?? null,
      log,
    })
    const endTimer = setInterval(() => certificateEnds.warn(Date.now()), CERTIFICATE_LOOK_MS)
    endTimer.unref()
    opened.push(() => clearInterval(endTimer))
    certificateEnds.warn(Date.now())
    const metrics = new Metrics(
      {
        counters: shared,
        objects,
        standings: (id) => views.of(id),
        workers: () => pool?.workers() ?? [],
        state: () => ({
          version: VERSION,
          revision: documents.revision(),
          lastApplySucceeded: documents.lastChange?.isGood ?? true,
          lastAppliedAtMs: documents.lastChange?.atMs ?? null,
          isReady: readiness().isReady,
          isStoreReachable: documents.isStoreReachable,
          workerRestarts: pool?.replaced ?? 0,
          eventsDropped,
          mainLag: lag,
          documents: reconciler.counts(),
          certificates: certificateEnds.list(),
          health: countHealth(health),
          names: names.views().map(measureName),
        }),
      },
      settings.metrics,
    )
    const traffic = new Traffic({ counters: shared, objects, standings: (id) => views.of(id) })
    opened.push(() => traffic.close())
    /** Where requests come in. */
    const requestAddresses = (): string[] => [
      ...workers.addressesOf('http'),
      ...workers.addressesOf('https'),
      ...openAddresses(planned, 'http').map(({ address }) => address),
    ]
    const control: Control = {
      settings,
      dialects,
      documents,
      log,
      events,
      tails,
      readiness,
      status: () => ({
        version: VERSION,
        startedAtMs,
        readiness: readiness(),
        revision: documents.revision(),
        store: { name: store.name, readOnly: store.readOnly, faults: documents.storeFaults },
        lastChange: documents.lastChange,
        listeners: pool?.addresses ?? [],
        planned: planned.statuses(),
        workers: workerStatuses(),
        workerRestarts: pool?.replaced ?? 0,
        objects: reconciler.size,
        retiredSlots: shared.retired,
        documents: [...reconciler.statuses()],
        sources: sourcesOf(names.views()),
      }),
      metrics: () => metrics.render(),
      apisixMetrics: () => metrics.renderApisix(),
      traffic,
      objects,
      endpoints: (id) => views.of(id),
      endpointLoad: (id, endpoint) => views.load(id, endpoint),
      noteDroppedEvents: (count) => {
        eventsDropped += count
      },
      history: (options) => store.history(options),
      documentStatus: (key) => reconciler.status(key),
      explain: async (request) => {
        const listener = findListener(request.listener, requestAddresses())
        const explained = await explainDesk.explain(request, listener)
        const told = withRemarks(explained, dialects, (key) => reconciler.status(key)?.warnings ?? [])
        return withPlaces(told, dialects, control.placeOf)
      },
      explainEach: async (request) =>
        explainDesk.explainEach(request, findListener(request.listener, requestAddresses())),
      explainStream: async (question) => {
        const listeners = [...workers.listeners, ...openAddresses(planned, 'tcp')]
        const entrance = findStreamEntrance(question, listeners)
        return withPlaces(await explainDesk.explainStream(question, entrance), dialects, control.placeOf)
      },
      explainRoute: async (key) => {
        const routes = reconciler.routesOf(key)
        if (routes.length === 0)
          throw new ExplainError('noDocument', `no route comes from ${key.dialect}/${key.kind}/${key.id}`)
        const [listener] = requestAddresses()
        const explain = (request: ExplainRequest) =>
          explainDesk.explain(request, findListener(listener ?? null, requestAddresses()))
        return withPlaces(await explainReach(routes, explain), dialects, control.placeOf)
      },
      explainEntrance: (question) =>
        explainEntrance(question, {
          dialects,
          settings,
          documentsOf: (dialect) => dialect.kinds.flatMap((kind) => mirror.list(dialect.name, kind)),
          placeOf: control.placeOf,
          live: control,
        }),
      placeOf: (key, path) => placeInStore(store, key, path),
    }
    fronts = (await overrides.fronts?.(control)) ?? NO_FRONTS
    opened.push(() => fronts.close())
    opened.push(() => documents.answerWrites()) // should the start fail, the servers wait for their last answers

    opened.push(() => workers.close())
    await workers.start().catch((error: unknown) => {
      throw startError(error)
    })
    await planned.open()
    documents.watch()
    phase = 'serving'
    if (reconciler.size >= MANY_OBJECTS) boundGarbage()
    // what is left behind is collected last: until then everybody who asks is answered
    finishInSlices((isOver) => shared.finishImport(isOver) && reconciler.finishImport(isOver), compactHeap)
    opened.push(watchReadiness(readiness, events))
    documents.answerWrites()

    let stopping: Promise<number> | null = null
    return {
      ...control,
      addresses: {
        listen: workers.addressesOf('http'),
        admin: fronts.admin,
        status: fronts.status,
        apis: fronts.apis,
      },
      listeners: workers.listeners,
      reload: () => {
        tls.reload()
        return reloadStore(store)
      },
      reopenLogs: () => workers.broadcast({ type: 'reopenLogs' }),
      profile: () => profiles.toggle(),
      injectFault: (index, kind) => {
        for (const worker of workers.workers())
          if (worker.index === index) worker.send({ type: 'fault', kind })
      },
      close: () => {
        if (stopping !== null) return closeAll().then(() => 3)
        stopping = drainGateway(settings.drain, {
          announce: () => {
            phase = 'draining'
            events.emit('drain', 'the gateway is stopping: requests in flight finish', { ...settings.drain })
          },
          drain: (timeoutMs) => workers.drain(timeoutMs),
          delay: (ms) => delay(ms),
        }).then(async (code) => {
          await closeAll()
          return code
        })
        return stopping
      },
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

/** Does work that is left of the start while nothing else is to be done, so much at a time; then `last`. */
function finishInSlices(work: (isOver: () => boolean) => boolean, last: () => void): void {
  setImmediate(() => {
    const end = performance.now() + 2
    if (work(() => performance.now() >= end)) setImmediate(last)
    else finishInSlices(work, last)
  })
}

/** Fills the archive and the shared state with what a former run kept; null: there is nothing that may be used. */
function takeCached(
  cache: ModelCacheFile,
  fingerprint: string,
  into: { readonly shared: SharedState; readonly archive: ModelArchive; readonly log: Log },
): CachedModel | null {
  const found = readModelCache(cache.file, { fingerprint, revision: cache.revision() })
  if (found === null) return null
  let reason = typeof found === 'string' ? found : null
  if (typeof found !== 'string') {
    try {
      into.shared.import(found.slots, found.packedSlots)
      into.archive.import({ ...found.archive, objects: found.objects }, found.segments)
      return found
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error)
      into.shared.reset()
      into.archive.clear()
    }
  }
  into.log(
    'info',
    { file: cache.file, reason },
    'the model that was kept is not used: the documents are translated',
  )
  return null
}

/** How often readiness is looked at for events. */
const READINESS_MS = 250

/** Tells when the gateway becomes ready, and when it is so no longer. Returns what ends it. */
function watchReadiness(readiness: () => Readiness, events: Events): () => void {
  let known: string | null = null
  const look = (): void => {
    const { isReady, reasons } = readiness()
    const now = isReady ? '' : reasons.join('; ')
    if (now === known) return
    known = now
    events.emit('readiness', isReady ? 'the gateway is ready' : `the gateway is not ready: ${now}`, {
      isReady,
      reasons,
    })
  }
  look()
  const timer = setInterval(look, READINESS_MS)
  return () => clearInterval(timer)
}

/** How often the main thread looks how late it is. */
const LAG_MS = 250
/** How often the log is told of certificates that are about to end. */
const CERTIFICATE_LOOK_MS = 3_600_000

function objectsOf(reconciler: Reconciler): ObjectReader {
  const { archive } = reconciler
  return {
    routes: () => archive.everyRoute() as Iterable<ObjectSource<CountedRoute>>,
    upstreams: () => archive.upstreams() as Iterable<ObjectSource<Upstream>>,
    route: (id) =>
      (archive.find('route', id) ?? archive.find('streamRoute', id))?.read() as CountedRoute | undefined,
    upstream: (id) => archive.find('upstream', id)?.read() as Upstream | undefined,
  }
}

function plannedOf(archive: ModelArchive): readonly PlannedListener[] {
  return [...archive.listeners()].map((object) => object.read() as PlannedListener)
}

/** Listeners of documents that are open. */
function openAddresses(
  planned: PlannedListeners,
  protocol: PlannedStatus['protocol'],
): readonly PlannedStatus[] {
  return planned.statuses().filter((status) => status.reason === null && status.protocol === protocol)
}

const NO_FRONTS: Fronts = { admin: null, status: null, apis: [], close: async () => {} }

/** Every listener that the settings name, those for requests first. */
function socketsOf(settings: Settings): SocketPlan[] {
  const named: (readonly [ListenerProtocol, string])[] = [
    ...settings.listen.map((text) => ['http', text] as const),
    ...settings.listenTls.map((text) => ['https', text] as const),
    ...settings.listenTcp.map((text) => [text.startsWith('tls://') ? 'tls' : 'tcp', text] as const),
    ...settings.listenUdp.map((text) => ['udp', text] as const),
  ]
  if (named.length === 0 && settings.kuma.dataplanes.length === 0)
    throw new GatewayError(
      'BAD_SETTING',
      'nothing to listen on: listen, listenTls, listenTcp and listenUdp are all empty',
    )
  const marked = new Set(settings.proxyProtocol)
  const plans = named.map(([protocol, text], i): SocketPlan => {
    const proxyProtocol = protocol !== 'udp' && marked.delete(text)
    return {
      id: `listener-${i}`,
      protocol,
      ...parseAddress(text.replace(/^tls:\/\//, '')),
      proxyProtocol,
      descriptor: null,
      section: null,
    }
  })
  for (const text of marked)
    throw new GatewayError('BAD_SETTING', `proxyProtocol: no TCP listener of the settings is written ${text}`)
  return plans
}

function startError(error: unknown): unknown {
  if (error instanceof Error && 'address' in error) return listenError(error, String(error.address))
  return error
}

/** Only for a log line about a dead worker, so a scan will do. */
function routeOf(reconciler: Reconciler, shared: SharedState, slot: number): string {
  if (slot === 0) return 'none'
  for (const { id } of reconciler.archive.everyRoute()) if (shared.slot(routeIdentity(id)) === slot) return id
  return 'a route that is gone'
}

/** What workers get: they answer nobody who shows a key. */
function withoutSecrets(settings: Settings): Settings {
  const { admin, tencent } = settings
  return {
    ...settings,
    admin: { ...admin, key: null, viewerKey: null },
    tencent: { ...tencent, credentials: {} },
  }
}
