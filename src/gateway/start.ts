import { setTimeout as delay } from 'node:timers/promises'
import type { Dialect } from '../dialects/dialect.ts'
import { dialects as allDialects } from '../dialects/index.ts'
import { WORKER } from '../model/counters.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { Section } from '../model/listener.ts'
import type { Settings } from '../model/settings.ts'
import { renderMetrics } from '../observe/metrics.ts'
import type { ConfigStore, HistoryEntry } from '../store/store.ts'
import { Documents } from './documents.ts'
import { drainGateway } from './drain.ts'
import { fitToMachine } from './limits.ts'
import type { SocketPlan } from './messages.ts'
import { Mirror } from './mirror.ts'
import { openStore, reloadStore } from './open-store.ts'
import { Publisher } from './publish.ts'
import { Reconciler } from './reconcile.ts'
import { DEFAULT_CAPACITY, type SharedCapacity, SharedState } from './shared-state.ts'
import {
  assignDescriptors,
  checkAddress,
  holdAddress,
  inheritedDescriptors,
  listenError,
  parseAddress,
} from './sockets.ts'
import { type GatewayStatus, judgeReadiness, type Readiness } from './status.ts'
import { VERSION } from './version.ts'
import { type Log, WorkerPool } from './worker-pool.ts'

/** What the servers of the control side (admin, status) are built on. */
export interface Control {
  readonly settings: Settings
  readonly dialects: readonly Dialect[]
  readonly documents: Documents
  readonly log: Log
  readiness(): Readiness
  status(): GatewayStatus
  /** Prometheus text. */
  metrics(): string
  history(options: { readonly limit: number; readonly before?: number }): Promise<readonly HistoryEntry[]>
}

/** The servers of the control side, started by whoever puts the gateway together (gateway/ may not know admin/). */
export interface Fronts {
  readonly admin: string | null
  readonly status: string | null
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
  }
  /** Reads files again. */
  reload(): Promise<void>
  reopenLogs(): void
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
      for (const { host, port } of sockets) {
        opened.push(await holdAddress(host, port))
        await checkAddress(host, port)
      }
    }
    const store = overrides.store ?? (await openStore(settings, dialects, log))
    opened.push(() => store.close())
    const shared = new SharedState(overrides.capacity ?? DEFAULT_CAPACITY)
    const mirror = new Mirror()
    const reconciler = new Reconciler(dialects, settings, mirror)
    let pool: WorkerPool | null = null
    const publisher = new Publisher({
      workers: () => pool?.workers() ?? [],
      model: () => ({
        revision: documents.modelRevision,
        objects: reconciler.objects(),
        slots: shared.slots(),
      }),
      onLaggard: (worker, revision) => pool?.replaceLaggard(worker, revision),
    })
    opened.push(() => publisher.close())
    const documents = new Documents({ store, mirror, reconciler, shared, publisher, settings, log })
    opened.push(() => documents.close())
    await documents.load()

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
      })
    const control: Control = {
      settings,
      dialects,
      documents,
      log,
      readiness,
      status: () => ({
        version: VERSION,
        startedAtMs,
        readiness: readiness(),
        revision: documents.revision(),
        store: { name: store.name, readOnly: store.readOnly, faults: documents.storeFaults },
        lastChange: documents.lastChange,
        listeners: pool?.addresses ?? [],
        workers: workerStatuses(),
        workerRestarts: pool?.replaced ?? 0,
        objects: reconciler.size,
        retiredSlots: shared.retired,
        documents: [...reconciler.statuses()],
      }),
      metrics: () =>
        renderMetrics({
          counters: shared,
          objects: () => reconciler.objects(),
          workers: () => pool?.workers() ?? [],
          state: () => ({
            version: VERSION,
            revision: documents.revision(),
            lastApplySucceeded: documents.lastChange?.isGood ?? true,
            lastAppliedAtMs: documents.lastChange?.atMs ?? null,
            isReady: readiness().isReady,
            isStoreReachable: documents.isStoreReachable,
            workerRestarts: pool?.replaced ?? 0,
            documents: reconciler.counts(),
          }),
        }),
      history: (options) => store.history(options),
    }
    const fronts = (await overrides.fronts?.(control)) ?? NO_FRONTS
    opened.push(() => fronts.close())
    opened.push(() => documents.answerWrites()) // should the start fail, the servers wait for their last answers

    const workers = new WorkerPool({
      count,
      settings: { ...settings, admin: { ...settings.admin, key: null, viewerKey: null } },
      sections,
      sockets,
      descriptors,
      forbidden: [fronts.admin, fronts.status].filter((address) => address !== null),
      obeysFaults: overrides.obeysFaults ?? env.HEADGATE_TEST_FAULTS === '1',
      shared,
      publisher,
      log,
      routeOf: (slot) => routeOf(reconciler, shared, slot),
    })
    pool = workers
    opened.push(() => workers.close())
    await workers.start().catch((error: unknown) => {
      throw startError(error)
    })
    documents.watch()
    phase = 'serving'
    documents.answerWrites()

    let stopping: Promise<number> | null = null
    return {
      ...control,
      addresses: { listen: workers.addresses, admin: fronts.admin, status: fronts.status },
      reload: () => reloadStore(store),
      reopenLogs: () => workers.broadcast({ type: 'reopenLogs' }),
      injectFault: (index, kind) => {
        for (const worker of workers.workers())
          if (worker.index === index) worker.send({ type: 'fault', kind })
      },
      close: () => {
        if (stopping !== null) return closeAll().then(() => 3)
        stopping = drainGateway(settings.drain, {
          announce: () => {
            phase = 'draining'
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

const NO_FRONTS: Fronts = { admin: null, status: null, close: async () => {} }

function sectionsOf(settings: Settings, dialects: readonly Dialect[]): Section[] {
  return settings.sections.map((name) => {
    const dialect = dialects.find((known) => known.name === name)
    if (dialect === undefined) {
      const known = dialects.map((entry) => entry.name).join(', ')
      throw new GatewayError(
        'BAD_SETTING',
        `sections: "${name}" is no dialect of this version (known: ${known})`,
      )
    }
    return { name, surface: dialect.surface(settings) }
  })
}

function socketsOf(settings: Settings): SocketPlan[] {
  return settings.listen.map((text, i) => ({ id: `listener-${i}`, ...parseAddress(text), descriptor: null }))
}

function startError(error: unknown): unknown {
  if (error instanceof Error && 'address' in error) return listenError(error, String(error.address))
  return error
}

/** Only for a log line about a dead worker, so a scan will do. */
function routeOf(reconciler: Reconciler, shared: SharedState, slot: number): string {
  if (slot === 0) return 'none'
  for (const object of reconciler.objects()) {
    if (object.kind === 'route' && shared.slot(`route:${object.id}`) === slot) return object.id
  }
  return 'a route that is gone'
}
