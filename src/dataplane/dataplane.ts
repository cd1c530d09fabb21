import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { DnsSource } from '../discovery/dns-source.ts'
import { Names } from '../discovery/names.ts'
import { drainGateway } from '../gateway/drain.ts'
import { fitToMachine } from '../gateway/limits.ts'
import type { FromWorker, ToWorker } from '../gateway/messages.ts'
import { PlannedListeners } from '../gateway/planned-listeners.ts'
import { type MainPort, type ServingWorker, serve } from '../gateway/serve.ts'
import { type SharedCapacity, SharedState } from '../gateway/shared-state.ts'
import type { HttpListener } from '../gateway/sockets.ts'
import { VERSION } from '../gateway/version.ts'
import type { Log } from '../gateway/worker-pool.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { JsonObject } from '../model/json.ts'
import type { Section } from '../model/listener.ts'
import type { ProxyReport, ToProxy } from '../model/proxy-link.ts'
import type { Settings } from '../model/settings.ts'
import { ControlPlaneLink } from './control-plane-link.ts'
import { ProxyModel } from './proxy-model.ts'
import { startProxyServer } from './proxy-server.ts'
import { ServiceProbes } from './service-probes.ts'

/** A proxy of this process. */
export interface ProxyIdentity {
  readonly mesh: string
  readonly name: string
  /** Its document, which it brings along; null: the control plane has it. */
  readonly dataplane: JsonObject | null
}

export interface DataplaneOptions {
  readonly controlPlane: URL
  /** PEM; null: the authorities of the system. */
  readonly ca: string | null
  /** Read for each connection; null: none. */
  readonly token: () => string | null
  readonly proxies: readonly ProxyIdentity[]
  /** `host:port` of `/ready`; null: off. */
  readonly admin: string | null
  /** How long requests and connections may take to end when the process is told to stop. Milliseconds. */
  readonly drainMs: number
  readonly logLevel: Settings['logLevel']
  readonly log: Log
}

export interface Dataplane {
  /** Of `/ready`; null: off. */
  readonly admin: string | null
  /** Stops: readiness fails, others send nothing more, what is under way ends, the control plane is told. Resolves with the exit status: 3 if the deadline cut something. */
  close(): Promise<number>
  /** An error that nobody caught. */
  fail(error: unknown): void
  /** Resolves when such an error made the process stop. */
  readonly failed: Promise<void>
}

/** Objects of one proxy, or of a few; nothing is taken of the machine before it is used. */
const CAPACITY: SharedCapacity = {
  positions: 2 ** 14,
  counters: 2 ** 17,
  routes: 5_000,
  targets: 10_000,
  endpoints: 20_000,
  health: 2 ** 15,
}
/** How long other proxies get to hear that this one drains, before it stops to accept. Milliseconds. */
const LEAVING_MS = 1_000

interface Proxy {
  readonly identity: ProxyIdentity
  readonly instance: string
  readonly probes: ServiceProbes
  link: ControlPlaneLink | null
  /** Of the control plane: the model that is in force; 0: none. */
  revision: number
}

/**
 * Runs data plane proxies in this process, in one thread. Resolves when each has its first model and its listeners are open, or were tried. Rejects with LinkRefused where the
 * control plane does not want one, and with PORT_IN_USE where `admin` is in use.
 */
export async function startDataplane(options: DataplaneOptions): Promise<Dataplane> {
  const running = new RunningDataplane(options)
  try {
    await running.start()
    return running
  } catch (error) {
    await running.abort()
    throw error
  }
}

class RunningDataplane implements Dataplane {
  readonly #options: DataplaneOptions
  readonly #shared = new SharedState(CAPACITY)
  readonly #names: Names
  readonly #model: ProxyModel
  readonly #planned: PlannedListeners
  readonly #proxies: readonly Proxy[]
  readonly #failed = Promise.withResolvers<void>()
  #worker: ServingWorker | null = null
  #tell: (message: ToWorker) => void = () => {}
  #server: HttpListener | null = null
  #faults: readonly string[] = []
  #isDraining = false
  #onDrained: (cut: number) => void = () => {}
  #stopping: Promise<number> | null = null

  constructor(options: DataplaneOptions) {
    this.#options = options
    const { log } = options
    const changed = new Set<string>()
    this.#names = new Names({
      source: new DnsSource({ settings: DEFAULT_SETTINGS.dns }),
      settings: DEFAULT_SETTINGS.dns,
      onChange: (question) => {
        // answers that come together are one change
        if (changed.size === 0)
          setImmediate(() => {
            this.#model.refresh([...changed])
            changed.clear()
          })
        for (const id of this.#model.usersOf(question)) changed.add(id)
      },
      onTurn: ({ question, reason }, isGood) =>
        log(
          isGood ? 'info' : 'warn',
          { name: question.name, reason },
          isGood ? 'a name resolves again' : 'a name does not resolve',
        ),
    })
    this.#model = new ProxyModel({
      shared: this.#shared,
      names: this.#names,
      send: (part) => this.#tell(part),
      onChange: (change) => this.#planned.note(change),
    })
    this.#planned = new PlannedListeners({
      broadcast: (message) => this.#tell(message),
      // the worker of this thread has done what it is told when it was told
      settle: async () => {},
      log,
      emit: () => this.#noteReports(),
    })
    this.#proxies = options.proxies.map(
      (identity): Proxy => ({
        identity,
        instance: randomUUID(),
        probes: new ServiceProbes({ onTurn: () => this.#noteReports() }),
        link: null,
        revision: 0,
      }),
    )
  }

  get admin(): string | null {
    return this.#server?.address ?? null
  }

  get failed(): Promise<void> {
    return this.#failed.promise
  }

  async start(): Promise<void> {
    const { admin, controlPlane, ca, token, log } = this.#options
    if (admin !== null) this.#server = await startProxyServer(admin, () => this.#waitsFor())
    await Promise.all(
      this.#proxies.map(async (proxy) => {
        const { identity, instance } = proxy
        const { mesh, name, dataplane } = identity
        proxy.link = ControlPlaneLink.open({
          controlPlane,
          ca,
          mesh,
          name,
          token,
          hello: () => ({
            instance,
            version: VERSION,
            dataplane,
            hasModel: proxy.revision > 0,
            inbounds: proxy.probes.results(),
          }),
          report: () => this.#reportOf(proxy),
          onLine: (line) => this.#take(proxy, line),
          log,
        })
        await proxy.link.first
      }),
    )
    await this.#planned.open()
  }

  async abort(): Promise<void> {
    for (const { link, probes, instance } of this.#proxies) {
      probes.close()
      await link?.close(instance)
    }
    await this.#planned.close()
    this.#names.close()
    await this.#server?.close()
  }

  fail(error: unknown): void {
    if (this.#worker !== null) this.#worker.fail(error)
    else this.#failed.resolve()
  }

  close(): Promise<number> {
    this.#stopping ??= drainGateway(
      {
        delayMs: this.#proxies.some(({ link }) => link?.isConnected) ? LEAVING_MS : 0,
        timeoutMs: this.#options.drainMs,
      },
      {
        announce: () => {
          this.#isDraining = true
          for (const { link } of this.#proxies) void link?.reportNow()
        },
        drain: (timeoutMs) => this.#drain(timeoutMs),
        delay: (ms) => delay(ms),
      },
    ).then(async (code) => {
      await this.abort()
      return code
    })
    return this.#stopping
  }

  #drain(timeoutMs: number): Promise<number> {
    if (this.#worker === null) return Promise.resolve(0)
    return new Promise((resolve) => {
      this.#onDrained = resolve
      this.#tell({ type: 'drain', timeoutMs })
    })
  }

  async #take(proxy: Proxy, line: ToProxy): Promise<void> {
    switch (line.type) {
      case 'hello':
        this.#serve(line.sections)
        return
      case 'probes':
        proxy.probes.set(line.probes)
        return
      case 'model':
      case 'patch': {
        const { mesh, name } = proxy.identity
        await this.#model.take(`${mesh}/${name}`, line, line.type === 'model')
        proxy.revision = line.revision
        return
      }
      default: // what a later control plane may say beside
    }
  }

  /** The data plane begins with what the control plane first says: how answers of its own look is told there. */
  #serve(sections: readonly Section[]): void {
    if (this.#worker !== null) return
    const settings = fitToMachine({
      ...DEFAULT_SETTINGS,
      listen: [],
      workers: 1,
      logLevel: this.#options.logLevel,
    })
    const port: MainPort = {
      post: (message) => this.#hear(message),
      listen: (take) => {
        this.#tell = take
      },
    }
    this.#worker = serve(
      {
        index: 0,
        settings,
        share: 1,
        sections,
        memory: this.#shared.addWorker(1),
        originMs: performance.timeOrigin,
        tls: { fallback: null, ticketKeys: [randomBytes(48)] },
        obeysFaults: false,
      },
      port,
    )
  }

  #hear(message: FromWorker): void {
    const { log } = this.#options
    switch (message.type) {
      case 'applied':
        this.#faults = message.faults
        for (const fault of message.faults)
          log('error', { fault }, 'an object of the model could not be taken')
        return
      case 'released':
        this.#shared.release(message.revision)
        return
      case 'plannedFailed':
        this.#planned.noteFailure(message.id, message.reason)
        return
      case 'log':
        log(message.level, message.fields, message.message)
        return
      case 'overload':
        log(
          'warn',
          { level: message.level, reason: message.reason },
          'the proxy is short of memory or time, or no longer',
        )
        return
      case 'drained':
        this.#onDrained(message.cut)
        return
      case 'failing':
        log('error', { error: message.message }, 'an error nobody caught: the proxy drains and stops')
        this.#failed.resolve()
        return
      default: // what only a gateway with workers asks for
    }
  }

  #noteReports(): void {
    for (const { link } of this.#proxies) link?.noteReport()
  }

  #reportOf({ instance, revision, probes, identity }: Proxy): ProxyReport {
    return {
      instance,
      revision,
      faults: this.#faults,
      inbounds: probes.results(),
      closed: this.#closed(identity).map(({ name, address, reason }) => ({
        name,
        address,
        reason: reason ?? '',
      })),
      isDraining: this.#isDraining,
    }
  }

  /** Listeners of a proxy that are not open. */
  #closed({ mesh, name }: ProxyIdentity) {
    return this.#planned
      .statuses()
      .filter(({ reason, origin }) => reason !== null && origin.id === `${mesh}:${name}`)
  }

  /** What readiness waits for, one line each; empty: the process is ready. A port in use is no reason: the others serve. */
  #waitsFor(): { readonly reasons: readonly string[]; readonly notes: readonly string[] } {
    const reasons = this.#isDraining ? ['it is stopping'] : []
    const notes: string[] = []
    for (const { identity, revision, link } of this.#proxies) {
      const who = `${identity.mesh}/${identity.name}`
      if (revision === 0) reasons.push(`${who} has no model yet`)
      else if (link?.isConnected !== true)
        notes.push(`${who} serves its last model: the control plane is away`)
    }
    for (const { name, address, reason } of this.#planned.statuses())
      if (reason !== null) notes.push(`${name} (${address}) is not open: ${reason}`)
    return { reasons, notes }
  }
}
