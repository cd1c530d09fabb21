import type { ListenerProtocol, Section } from '../model/listener.ts'
import type { Settings } from '../model/settings.ts'
import type { Emit } from './events.ts'
import type { ExplainDesk } from './explain-desk.ts'
import type { FromWorker, LogLevel, SocketPlan, ToWorker } from './messages.ts'
import type { Profiles } from './profiles.ts'
import type { Publisher } from './publish.ts'
import { RestartPace } from './restart-pace.ts'
import type { SharedState } from './shared-state.ts'
import { parseAddress } from './sockets.ts'
import type { Tails } from './tails.ts'
import type { TlsMaterial } from './tls-control.ts'
import { WorkerHandle } from './worker-handle.ts'
import type { LiveTransition } from './worker-judges.ts'

/** A worker whose heart has not beaten for so long black-holes its share of the connections. */
const SILENT_MS = 2_000
const WATCH_MS = 250
/** A worker that never gets ready. */
const START_MS = 60_000
/** So much later than its deadline a worker that does not report the end of its drain is ended. */
const DRAIN_GRACE_MS = 2_000
/** How long a failing worker may wait for its replacement before it stops accepting anyway. */
const HANDOVER_MS = 5_000

export type Log = (level: LogLevel, fields: object, message: string) => void

/** `address`: `host:port`. */
export interface StandingListener {
  readonly protocol: ListenerProtocol
  readonly address: string
}

export interface PoolOptions {
  readonly count: number
  readonly settings: Settings
  readonly sections: readonly Section[]
  readonly sockets: readonly SocketPlan[]
  /** Inherited descriptors by worker, in the order of `sockets`; empty: sockets are opened by address. */
  readonly descriptors: readonly (readonly number[])[]
  /** Addresses that no endpoint may lead to; asked when the workers are to listen. */
  readonly forbidden: () => readonly string[]
  readonly tls: () => TlsMaterial
  readonly obeysFaults: boolean
  readonly shared: SharedState
  /** Objects of the model in force, or that are expected. */
  objects(): number
  readonly publisher: Publisher
  readonly log: Log
  readonly emit: Emit
  readonly tails: Tails
  readonly profiles: Profiles
  readonly explainDesk: ExplainDesk
  /** Live traffic changed an endpoint's state; a worker that is gone may have done so without saying. */
  readonly onTransition: (transition: LiveTransition) => void
  readonly onWorkerGone: () => void
  /** Listeners that documents ask for, as they are open now; and a worker could not open one. */
  readonly planned: {
    plans(): readonly SocketPlan[]
    noteFailure(id: string, reason: string): void
  }
  /** Name of the route with this counter slot, for logs. */
  readonly routeOf: (slot: number) => string
}

/** Starts the workers, watches them, replaces those that fail. */
export class WorkerPool {
  readonly #options: PoolOptions
  readonly #workers = new Map<number, WorkerHandle>()
  readonly #pace = new RestartPace()
  #sockets: readonly SocketPlan[]
  /** The worker that settles ports left to the system; the others wait for it. */
  #settler: WorkerHandle | null = null
  #nextKey = 1
  #isStopping = false
  #isUnloading = false
  #mayListen = false
  #hasModel = false
  #watch: NodeJS.Timeout | null = null
  #lastLook = 0
  #released = 0
  #replaced = 0
  /** Indices whose next worker waits for its turn. */
  readonly #respawning = new Set<number>()
  #onStarted: { resolve: () => void; reject: (error: Error) => void } | null = null
  readonly #drained = new Map<number, (cut: number) => void>()
  readonly #settled = new Map<number, (worker: WorkerHandle) => void>()
  #nextSettle = 1

  constructor(options: PoolOptions) {
    this.#options = options
    this.#sockets = options.sockets
  }

  workers(): Iterable<WorkerHandle> {
    return this.#workers.values()
  }

  /** Workers that were replaced since the start. */
  get replaced(): number {
    return this.#replaced
  }

  /** Addresses that stand, ports settled. */
  get addresses(): readonly string[] {
    for (const worker of this.#workers.values()) if (worker.state === 'serving') return worker.addresses
    return []
  }

  get listeners(): readonly StandingListener[] {
    return this.addresses.map((address, i) => ({
      protocol: (this.#sockets[i] as SocketPlan).protocol,
      address,
    }))
  }

  addressesOf(protocol: ListenerProtocol): readonly string[] {
    return this.listeners.filter((listener) => listener.protocol === protocol).map(({ address }) => address)
  }

  get isComplete(): boolean {
    let serving = 0
    for (const worker of this.#workers.values()) if (worker.state === 'serving') serving++
    return serving === this.#options.count
  }

  /** Resolves when every worker serves. Rejects when one cannot listen or start. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onStarted = { resolve, reject }
      this.#mayListen = true
      if (this.#workers.size === 0) this.begin()
      if (!this.#hasModel) this.provide()
      for (const worker of this.#workers.values()) this.#openIfCurrent(worker)
      this.#lastLook = performance.now()
      this.#watch = setInterval(() => this.#look(), WATCH_MS)
    })
  }

  /** The workers load their code, while there is no model yet. They do not listen before `start`. */
  begin(): void {
    for (let index = 0; index < this.#options.count; index++) this.#spawn(index)
  }

  /** The model is there: whoever has his code gets it. */
  provide(): void {
    this.#hasModel = true
    for (const worker of this.#workers.values()) if (worker.hasCode) this.#options.publisher.sync(worker)
  }

  /** Ends the workers that were loaded with something that is not to serve. */
  async unload(): Promise<void> {
    const workers = [...this.#workers.values()]
    this.#isUnloading = true
    await Promise.all(workers.map((worker) => worker.thread.terminate()))
    this.#isUnloading = false
    this.#hasModel = false
  }

  #spawn(index: number): void {
    const { settings, sections, tls, obeysFaults, shared, count, objects } = this.#options
    const key = this.#nextKey++
    const memory = shared.addWorker(key)
    const start = {
      index,
      settings,
      share: 1 / count,
      sections,
      memory,
      tls: tls(),
      obeysFaults,
      originMs: performance.timeOrigin,
    }
    const worker: WorkerHandle = new WorkerHandle(key, start, objects(), (message) =>
      this.#receive(worker, message),
    )
    this.#workers.set(key, worker)
    worker.thread.on('error', (error) => {
      this.#options.log('error', { worker: index, error: error.stack ?? error.message }, 'a worker died')
      this.#emitFailure(index, `it died: ${error.message}`)
      if (worker.state === 'starting' || worker.state === 'loading') this.#failStart(error)
    })
    worker.thread.on('exit', (code) => this.#bury(worker, code))
  }

  #receive(worker: WorkerHandle, message: FromWorker): void {
    const { publisher, log } = this.#options
    switch (message.type) {
      case 'ready':
        worker.hasCode = true
        if (this.#hasModel) publisher.sync(worker)
        this.#options.tails.attach(worker)
        break
      case 'applied':
        worker.ackedRevision = message.revision
        worker.pendingObjects = 0
        for (const fault of message.faults) {
          log(
            'error',
            { worker: worker.index, revision: message.revision, fault },
            'an object could not be compiled',
          )
        }
        if (worker.state === 'loading') worker.state = 'loaded'
        this.#openIfCurrent(worker)
        publisher.check()
        break
      case 'released':
        worker.releasedRevision = message.revision
        this.#release()
        break
      case 'listening':
        this.#serve(worker, message.addresses)
        break
      case 'listenFailed': {
        const error = Object.assign(new Error(message.message), {
          code: message.code,
          address: message.address,
        })
        log('error', { worker: worker.index, address: message.address }, `cannot listen: ${message.message}`)
        if (!this.#failStart(error)) this.#replace(worker, 'it cannot listen', 'now')
        break
      }
      case 'plannedFailed':
        this.#options.planned.noteFailure(message.id, message.reason)
        break
      case 'log':
        log(message.level, { worker: worker.index, ...message.fields }, message.message)
        break
      case 'drained':
        this.#drained.get(worker.key)?.(message.cut)
        if (worker.state === 'leaving') void worker.thread.terminate()
        break
      case 'tailed':
        this.#options.tails.receive(worker, message.batch)
        break
      case 'explained':
        this.#options.explainDesk.receive(message)
        break
      case 'overload': {
        const words = [
          'no longer overloaded',
          'overloaded: connections are not kept',
          'overloaded: new requests are refused',
        ]
        const text = `worker ${worker.index} is ${words[message.level]}`
        const fields = { worker: worker.index, level: message.level, reason: message.reason }
        log(message.level === 0 ? 'info' : 'warn', fields, text)
        this.#options.emit('overload', `${text} (${message.reason})`, fields)
        break
      }
      case 'settled':
        this.#settled.get(message.id)?.(worker)
        break
      case 'transition':
        this.#options.onTransition(message)
        break
      case 'profiled':
        this.#options.profiles.report(message.file, message.error)
        break
      case 'failing':
        this.#emitFailure(worker.index, `an error nobody caught: ${message.message.split('\n')[0]}`)
        log(
          'error',
          { worker: worker.index, error: message.message },
          'an error nobody caught: the worker is replaced',
        )
        this.#replace(worker, 'an error nobody caught', 'drain')
        break
    }
  }

  /** A worker listens only when it has everything that was published: no write that was answered is served stale. */
  #openIfCurrent(worker: WorkerHandle): void {
    if (worker.state !== 'loaded' || this.#isStopping || !this.#mayListen) return
    if (worker.ackedRevision < this.#options.publisher.revision) return
    const descriptors = this.#options.descriptors[worker.index]
    const mustSettle = descriptors === undefined && this.#sockets.some((socket) => socket.port === 0)
    if (mustSettle) {
      if (this.#settler !== null && this.#settler !== worker) return
      this.#settler = worker
    }
    if (worker.addresses.length > 0) return
    worker.send({
      type: 'listen',
      forbidden: this.#options.forbidden(),
      sockets: this.#sockets.map((socket, i) => ({ ...socket, descriptor: descriptors?.[i] ?? null })),
    })
  }

  #serve(worker: WorkerHandle, addresses: readonly string[]): void {
    worker.addresses = addresses
    if (worker.state === 'loaded') {
      worker.state = 'serving'
      worker.send({ type: 'openPlanned', sockets: this.#options.planned.plans() })
      const { index } = worker
      this.#options.emit('worker-started', `worker ${index} serves`, { worker: index, addresses })
    }
    if (this.#settler === worker) {
      this.#settler = null
      this.#sockets = this.#sockets.map((socket, i) => {
        const address = addresses[i]
        return address === undefined ? socket : { ...socket, port: parseAddress(address).port }
      })
      for (const other of this.#workers.values()) this.#openIfCurrent(other)
    }
    if (this.isComplete) {
      this.#onStarted?.resolve()
      this.#onStarted = null
    }
  }

  #failStart(error: Error): boolean {
    if (this.#onStarted === null) return false
    this.#onStarted.reject(error)
    this.#onStarted = null
    return true
  }

  /** Slots may serve again once every worker has let go of what used them. */
  #release(): void {
    let lowest = Number.POSITIVE_INFINITY
    for (const worker of this.#workers.values()) lowest = Math.min(lowest, worker.releasedRevision)
    if (lowest > this.#released && lowest !== Number.POSITIVE_INFINITY) {
      this.#released = lowest
      this.#options.shared.release(lowest)
    }
  }

  #look(): void {
    const now = performance.now()
    // time that main itself slept or was stopped does not count against a worker
    const elapsed = Math.min(now - this.#lastLook, 2 * WATCH_MS)
    this.#lastLook = now
    for (const worker of this.#workers.values()) {
      const limit = worker.isLive || worker.state === 'leaving' ? SILENT_MS : START_MS
      if (worker.state === 'gone' || worker.listen(elapsed) < limit) continue
      const route = this.#options.routeOf(worker.lastRouteSlot)
      this.#options.log(
        'error',
        { worker: worker.index, silentMs: Math.round(worker.silentMs), lastRoute: route },
        'a worker fell silent and is replaced',
      )
      this.#emitFailure(worker.index, `it fell silent; its last route: ${route}`, { lastRoute: route })
      if (!this.#isStopping) this.#replace(worker, 'it fell silent', 'now')
      else void worker.thread.terminate()
    }
  }

  /** A worker that does not keep up with the configuration. */
  replaceLaggard(worker: WorkerHandle, revision: number): void {
    this.#options.log(
      'warn',
      { worker: worker.index, revision, has: worker.ackedRevision },
      'a worker did not take the configuration in time and is replaced',
    )
    this.#emitFailure(worker.index, `it did not take revision ${revision} in time`, { revision })
    this.#replace(worker, 'it lags', 'drain')
  }

  /** `now`: ended at once. `drain`: it goes on accepting until the new one does, then finishes its requests. */
  #replace(worker: WorkerHandle, reason: string, how: 'now' | 'drain'): void {
    if (worker.state === 'leaving' || worker.state === 'gone' || this.#isStopping) return
    worker.state = 'leaving'
    this.#options.publisher.check()
    if (how === 'now') {
      void worker.thread.terminate() // its exit spawns the next one
      return
    }
    this.#respawn(worker.index, reason)
    const since = performance.now()
    const handOver = (): void => {
      if (worker.state === 'gone') return
      const isCovered = [...this.#workers.values()].some(
        (w) => w.index === worker.index && w.state === 'serving',
      )
      if (isCovered || performance.now() - since > HANDOVER_MS) {
        const { timeoutMs } = this.#options.settings.drain
        worker.send({ type: 'drain', timeoutMs })
        setTimeout(() => {
          if (worker.state !== 'gone') void worker.thread.terminate()
        }, timeoutMs + DRAIN_GRACE_MS).unref()
      } else setTimeout(handOver, 50)
    }
    handOver()
  }

  #respawn(index: number, reason: string): void {
    const { delayMs, recent } = this.#pace.next(performance.now())
    this.#replaced++
    this.#options.log(
      'warn',
      { worker: index, reason, delayMs, restartsInAMinute: recent },
      'a worker is started anew',
    )
    this.#options.emit('worker-replaced', `worker ${index} is started anew: ${reason}`, {
      worker: index,
      reason,
      delayMs,
      restartsInAMinute: recent,
    })
    this.#respawning.add(index)
    setTimeout(() => {
      this.#respawning.delete(index)
      if (!this.#isStopping) this.#spawn(index)
    }, delayMs)
  }

  #bury(worker: WorkerHandle, code: number): void {
    worker.state = 'gone'
    this.#workers.delete(worker.key)
    this.#options.shared.removeWorker(worker.key)
    this.#drained.get(worker.key)?.(0)
    this.#options.explainDesk.forget(worker.key)
    for (const settled of [...this.#settled.values()]) settled(worker)
    this.#options.onWorkerGone()
    this.#options.publisher.check()
    this.#release()
    if (this.#settler === worker) {
      this.#settler = null
      for (const other of this.#workers.values()) this.#openIfCurrent(other)
    }
    if (this.#isStopping || this.#isUnloading) return
    if (this.#failStart(new Error(`a worker ended with code ${code} before it served`))) return
    const hasSuccessor = [...this.#workers.values()].some(
      (other) => other.index === worker.index && other.state !== 'leaving',
    )
    if (hasSuccessor || this.#respawning.has(worker.index)) return
    this.#respawn(worker.index, `its thread ended (code ${code})`)
  }

  #emitFailure(worker: number, reason: string, more: Readonly<Record<string, unknown>> = {}): void {
    this.#options.emit('worker-failed', `worker ${worker}: ${reason}`, { worker, reason, ...more })
  }

  /**
   * Resolves when every worker has done all that it had begun before: no request that was picked before this call is still to be sent. After 2 s it
   * resolves in any case; a worker that is silent for so long is replaced.
   */
  settle(): Promise<void> {
    const id = this.#nextSettle++
    const waited = new Set(
      [...this.#workers.values()].filter((worker) => worker.isLive || worker.state === 'leaving'),
    )
    if (waited.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#settled.delete(id)
        resolve()
      }
      const timer = setTimeout(done, SILENT_MS)
      this.#settled.set(id, (worker) => {
        waited.delete(worker)
        if (waited.size === 0) done()
      })
      for (const worker of waited) worker.send({ type: 'settle', id })
    })
  }

  broadcast(message: ToWorker): void {
    for (const worker of this.#workers.values()) worker.send(message)
  }

  /** Stops accepting, lets requests finish. Resolves with how many exchanges the deadline cut. */
  async drain(timeoutMs: number): Promise<number> {
    this.#isStopping = true
    const cuts = [...this.#workers.values()].map(
      (worker) =>
        new Promise<number>((resolve) => {
          setTimeout(() => resolve(1), timeoutMs + DRAIN_GRACE_MS).unref()
          if (worker.state === 'starting') resolve(0)
          else {
            this.#drained.set(worker.key, resolve)
            worker.send({ type: 'drain', timeoutMs })
          }
        }),
    )
    let cut = 0
    for (const count of await Promise.all(cuts)) cut += count
    return cut
  }

  async close(): Promise<void> {
    this.#isStopping = true
    if (this.#watch !== null) clearInterval(this.#watch)
    await Promise.all([...this.#workers.values()].map((worker) => worker.thread.terminate()))
  }
}
