import type { Server, Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { compileNetworks } from '../expression/network.ts'
import type { AccessRecord } from '../model/access-record.ts'
import { WORKER } from '../model/counters.ts'
import type { Explanation } from '../model/explanation.ts'
import type { HealthLine } from '../model/health.ts'
import type { Listener, ListenerProtocol } from '../model/listener.ts'
import type { Upstream } from '../model/upstream.ts'
import { createAccessLog, createFormat } from '../observe/access-log.ts'
import { type AcceptedHandle, acceptHandles } from '../proxy/accept-handles.ts'
import type { Acceptance } from '../proxy/proxy-contract.ts'
import { acceptProxyHeader } from '../proxy/stream/accept-proxy-header.ts'
import { Certificates, createContext } from '../proxy/tls/certificates.ts'
import { readTicketKeys, TlsListener } from '../proxy/tls/tls-listener.ts'
import { Consumers } from '../routing/consumers.ts'
import { PatchApplier } from './apply-patch.ts'
import { CalmHeap, compactHeap, MANY_OBJECTS } from './compact-heap.ts'
import { CpuProfiler } from './cpu-profiler.ts'
import { LoopLag } from './loop-lag.ts'
import {
  type FromWorker,
  HEARTBEAT,
  HEARTBEAT_MS,
  type LogLevel,
  type SocketPlan,
  type ToWorker,
  type WorkerStart,
} from './messages.ts'
import { type OverloadLevel, OverloadMeter, readMemoryShare } from './overload.ts'
import { SlotTable } from './packed-slots.ts'
import { Planes } from './planes.ts'
import { createPositions } from './positions.ts'
import { overflowSlot } from './shared-state.ts'
import { bindDatagrams, formatAddress, listen, parseAddress } from './sockets.ts'
import { WorkerJudges } from './worker-judges.ts'
import { WorkerTails } from './worker-tails.ts'

/** Main's side of a worker, as the worker sees it. */
export interface MainPort {
  post(message: FromWorker): void
  listen(take: (message: ToWorker) => void): void
}

export interface ServingWorker {
  /** An error that nobody caught: main is told, and replaces the worker. */
  fail(error: unknown): void
}

/** The table, the data planes and the sockets of one worker, wired to main by messages. It runs in a thread of its own (worker.ts) or in main's (dataplane/). */
export function serve(start: WorkerStart, port: MainPort): ServingWorker {
  const { settings } = start
  const slots = new SlotTable()
  const lane = new Float64Array(start.memory.lane)
  const beats = new Int32Array(start.memory.heartbeat)
  const positions = createPositions(start.memory.positions)
  const servers: { close(): void }[] = []

  /** Ports at which HTTPS comes in. */
  const securePorts = new Set<number>()

  function send(message: FromWorker): void {
    port.post(message)
  }

  function slot(identity: string): number {
    return slots.get(identity) ?? overflowSlot(identity)
  }

  const accessLog =
    settings.accessLog.path === null
      ? null
      : createAccessLog(settings.accessLog, {
          onFault: (error) =>
            send({
              type: 'log',
              level: 'error',
              fields: { error: error.message },
              message: 'the access log cannot be written',
            }),
        })
  const consumers = new Consumers()
  const certificates = new Certificates(settings.tls)
  /** Takes what main alone acts on. */
  const NOBODY = { prepare: () => () => {} }
  const compiling = {
    positions,
    slot,
    consumers,
    onBroken: (route: string, error: unknown) =>
      send({
        type: 'log',
        level: 'error',
        fields: { route, error: String(error) },
        message: 'a route could not be compiled',
      }),
  }
  const tails = new WorkerTails(createFormat({ ...settings.accessLog, format: 'json' }), (batch) =>
    send({ type: 'tailed', batch }),
  )
  const judges = new WorkerJudges((transition) => send({ type: 'transition', ...transition }), start.originMs)
  /** Filled before the first socket is opened. */
  const forbidden = new Set<string>()
  const planes = new Planes({
    sections: start.sections,
    compiling,
    proxy: {
      settings,
      share: start.share,
      positions,
      lane,
      health: new Int32Array(start.memory.health),
      judge: (upstream: Upstream, lines: readonly HealthLine[]) => judges.make(upstream, lines),
      slot,
      accessLog: recordSink(),
      log: (level: LogLevel, fields: object, message: string) =>
        send({ type: 'log', level, fields, message }),
      forbidden,
    },
    // so that main can name it should the worker fall silent
    onFound: (found) => {
      beats[HEARTBEAT.LAST_ROUTE_SLOT] = found
    },
  })
  const { table } = planes
  const profiler = new CpuProfiler()

  /** Where finished exchanges go: nowhere while there is neither an access log nor a tail, and then no record is made of them. */
  function recordSink(): ((record: AccessRecord) => void) | null {
    if (tails.isEmpty) return accessLog === null ? null : (record) => accessLog.write(record)
    return (record) => {
      accessLog?.write(record)
      tails.take(record)
    }
  }

  let appliedRevision = 0
  let releasedRevision = 0
  const applier = new PatchApplier({
    table,
    upstreams: planes.upstreams,
    // main opens and closes what documents ask to listen on
    small: {
      consumer: consumers,
      certificate: certificates,
      streamRoute: planes.streamRoutes,
      listener: NOBODY,
    },
    slots,
    onApplied: (revision, faults) => {
      // it does not listen yet; with many routes that would take longer than they are worth
      if (appliedRevision === 0 && table.size < MANY_OBJECTS) compactHeap()
      appliedRevision = revision
      send({ type: 'applied', revision, faults })
    },
    defer: setImmediate,
    now: () => performance.now(),
  })

  /** Tells main up to which revision no request holds anything older, so that slots can serve again. */
  function reportReleased(): void {
    if (releasedRevision === appliedRevision) return
    const released = Math.min(planes.heldRevision(), appliedRevision)
    if (released <= releasedRevision) return
    releasedRevision = released
    send({ type: 'released', revision: released })
  }

  const meter = new OverloadMeter(settings.limits)
  let overload: OverloadLevel = 0
  function judgeLoad(): void {
    const level = meter.judge({ memoryShare: readMemoryShare(), delayMs: lag.last * 1000 })
    if (level === overload) return
    overload = level
    for (const plane of planes.all) plane.setOverload(level)
    send({ type: 'overload', level, reason: meter.reason })
  }

  const lag = new LoopLag(HEARTBEAT_MS, performance.now())
  const calmHeap = new CalmHeap()
  setInterval(() => {
    Atomics.add(beats, HEARTBEAT.BEATS, 1)
    lag.beat(performance.now())
    lane[WORKER.LAG] = lag.last
    lane[WORKER.LAG_MAX] = lag.max
    if (accessLog !== null) lane[WORKER.LOG_LINES_DROPPED] = accessLog.dropped
    judgeLoad()
    reportReleased()
    calmHeap.look(performance.now())
  }, HEARTBEAT_MS)

  async function openSockets(plans: readonly SocketPlan[]): Promise<void> {
    const addresses: string[] = []
    for (const plan of plans) {
      try {
        addresses.push(await openListener(plan))
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        send({
          type: 'listenFailed',
          address: formatAddress(plan.host, plan.port),
          code: code ?? '',
          message,
        })
        return
      }
    }
    send({ type: 'listening', addresses })
  }

  /** The start-up certificate and the keys of tickets, as main last sent them. */
  let tlsMaterial = start.tls
  let ticketKeys = readTicketKeys(tlsMaterial.ticketKeys)
  const tlsListeners: TlsListener[] = []
  /** How often a bad PROXY protocol header is told of. */
  const HEADER_FAULT_MS = 60_000

  function fallbackContext(): SecureContext | null {
    const { fallback } = tlsMaterial
    return fallback === null ? null : createContext([fallback], null, null, settings.tls)
  }

  /** Listens as the plan says. Gives the address that stands. */
  async function openListener(plan: SocketPlan): Promise<string> {
    const { id, protocol, host, port, proxyProtocol } = plan
    let listener: Listener = { id, protocol, address: host, port, proxyProtocol, sections: start.sections }
    if (protocol === 'udp') return openDatagrams(plan, (bound) => ({ ...listener, port: bound }))
    const { accept, acceptHandle } = acceptorOf(protocol, () => listener)
    const standing = await listen(plan, (socket) => {
      if (!proxyProtocol) accept(socket, null, null)
      else acceptProxyHeader(socket, { ...proxyHeaders, onReady: accept })
    })
    if (acceptHandle !== null && !proxyProtocol) acceptHandles(standing.server, acceptHandle)
    listener = { ...listener, port: parseAddress(standing.address).port }
    if (protocol === 'https') securePorts.add(listener.port)
    servers.push(standing.server)
    return standing.address
  }

  interface Acceptor {
    readonly accept: (socket: Socket, peer: Acceptance['peer'], early: Buffer | null) => void
    /** Takes connections before there is a socket of them; null: it does not. */
    readonly acceptHandle: ((handle: AcceptedHandle) => void) | null
  }

  /** What becomes of an accepted connection. */
  function acceptorOf(protocol: ListenerProtocol, listener: () => Listener): Acceptor {
    if (protocol !== 'https' && protocol !== 'tls')
      return {
        accept: (socket, peer, early) =>
          planes.of(null).accept(listener(), socket, { tls: null, peer, early }),
        acceptHandle: null,
      }
    const peers = new WeakMap<Socket, Acceptance['peer']>()
    const offered = protocol === 'tls' ? [] : settings.tls.http2 ? ['h2', 'http/1.1'] : ['http/1.1']
    const tls = new TlsListener(
      {
        settings: settings.tls,
        certificates,
        ticketKeys: () => ticketKeys,
        protocols: offered,
        onReady: (socket, facts, raw) => {
          countHandshake(facts.isResumed ? WORKER.TLS_RESUMED : WORKER.TLS_FULL)
          const peer = raw === null ? null : (peers.get(raw) ?? null)
          const acceptance = { tls: facts, peer, early: null }
          planes.of(null).accept(listener(), socket, acceptance)
        },
        onFault: () => countHandshake(WORKER.TLS_FAILED),
      },
      fallbackContext(),
    )
    tlsListeners.push(tls)
    return {
      accept: (socket, peer, early) => {
        if (peer !== null) peers.set(socket, peer)
        if (early !== null) socket.unshift(early) // read from there by the handshake
        tls.accept(socket)
      },
      acceptHandle: (handle) => tls.acceptHandle(handle),
    }
  }

  function countHandshake(field: number): void {
    lane[field] = (lane[field] as number) + 1
  }

  const trustedPeers = compileNetworks(settings.trustedPeers)
  let toldOfHeaderMs = Number.NEGATIVE_INFINITY
  const proxyHeaders = {
    timeoutMs: settings.limits.headerTimeoutMs,
    isTrusted: trustedPeers,
    onFault: (peer: string, reason: string): void => {
      // whoever knocks on such a port would otherwise fill the log
      if (performance.now() - toldOfHeaderMs < HEADER_FAULT_MS) return
      toldOfHeaderMs = performance.now()
      const message = 'a connection without a good PROXY protocol header was closed'
      send({ type: 'log', level: 'warn', fields: { peer, reason }, message })
    },
  }

  async function openDatagrams(plan: SocketPlan, listenerOf: (port: number) => Listener): Promise<string> {
    const { socket, port } = await bindDatagrams(plan)
    planes.of(null).acceptDatagrams(listenerOf(port), socket)
    return formatAddress(plan.host, port)
  }

  /** Listeners that documents ask for. */
  const planned = new Map<string, { listener: Listener; readonly section: string; server: Server | null }>()

  function openPlanned(plan: SocketPlan): void {
    const { id, protocol, host, port, section } = plan
    if (section === null) return
    const sections = start.sections.filter(({ name }) => name === section)
    const listener: Listener = { id, protocol, address: host, port, proxyProtocol: false, sections }
    const known = planned.get(id)
    if (known !== undefined) {
      known.listener = listener
      return
    }
    const entry: { listener: Listener; readonly section: string; server: Server | null } = {
      listener,
      section,
      server: null,
    }
    planned.set(id, entry)
    const plane = planes.of(section)
    listen(plan, (socket) =>
      plane.accept(entry.listener, socket, { tls: null, peer: null, early: null }),
    ).then(
      ({ server }) => {
        if (planned.get(id) !== entry) server.close()
        else entry.server = server
      },
      (error: Error) => {
        planned.delete(id)
        send({ type: 'plannedFailed', id, reason: error.message })
      },
    )
  }

  function closePlanned(id: string): void {
    planned.get(id)?.server?.close()
    planned.delete(id)
  }

  function stopAccepting(): void {
    for (const id of [...planned.keys()]) closePlanned(id)
    for (const server of servers) server.close()
    servers.length = 0
  }

  let drainOnce: Promise<void> | null = null
  function drain(timeoutMs: number): Promise<void> {
    drainOnce ??= (async () => {
      stopAccepting()
      let cut = 1 // should draining itself fail, something is cut
      try {
        cut = (await planes.drain(timeoutMs)).cut
        await accessLog?.close()
      } catch (error) {
        fail(error)
      }
      send({ type: 'drained', cut })
    })()
    return drainOnce
  }

  async function finishProfile(file: string): Promise<void> {
    try {
      await profiler.finish(file)
      send({ type: 'profiled', file, error: null })
    } catch (error) {
      send({ type: 'profiled', file, error: error instanceof Error ? error.message : String(error) })
    }
  }

  function explain(message: ToWorker & { readonly type: 'explain' | 'explainStream' }): void {
    const { id } = message
    try {
      const explanation =
        message.type === 'explain'
          ? explainRequest(message)
          : planes.of(plannedAt(message.entrance.listener)).explainStream(message.question, message.entrance)
      send({ type: 'explained', id, explanation, error: null })
    } catch (error) {
      send({ type: 'explained', id, explanation: null, error: String(error) })
    }
  }

  function explainRequest({ request, listener }: ToWorker & { readonly type: 'explain' }): Explanation {
    const { host, port } = parseAddress(listener)
    const scheme = securePorts.has(port) ? 'https' : 'http'
    return planes.of(plannedAt(listener)).explain(request, { address: host, port, scheme })
  }

  /** The section of the listener at an address that a document asked for; null: there is none. */
  function plannedAt(address: string): string | null {
    for (const { listener, section } of planned.values())
      if (formatAddress(listener.address, listener.port) === address) return section
    return null
  }

  /** Test only: dies in the ways that a worker can die. */
  function injectFault(kind: 'throw' | 'wedge' | 'exit'): void {
    if (!start.obeysFaults) return
    if (kind === 'exit') process.exit(9)
    if (kind === 'throw') {
      setImmediate(() => {
        throw new Error('injected fault')
      })
      return
    }
    for (;;) Atomics.wait(beats, HEARTBEAT.NEVER, 0, 1000)
  }

  let isFailing = false
  function fail(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    if (isFailing) {
      send({
        type: 'log',
        level: 'error',
        fields: { error: text },
        message: 'one more error nobody caught, while draining',
      })
      return
    }
    isFailing = true
    send({ type: 'failing', message: text })
    // main replaces the worker first, so that somebody accepts when this one stops
  }
  port.listen((message) => {
    switch (message.type) {
      case 'patch':
        applier.take(message)
        break
      case 'listen':
        for (const address of message.forbidden) forbidden.add(address)
        void openSockets(message.sockets)
        break
      case 'openPlanned':
        for (const plan of message.sockets) openPlanned(plan)
        break
      case 'closePlanned':
        for (const id of message.ids) closePlanned(id)
        break
      case 'tls':
        tlsMaterial = message.tls
        ticketKeys = readTicketKeys(tlsMaterial.ticketKeys)
        for (const listener of tlsListeners) listener.setDefault(fallbackContext())
        break
      case 'stopAccepting':
        stopAccepting()
        break
      case 'drain':
        void drain(message.timeoutMs)
        break
      case 'reopenLogs':
        accessLog?.reopen()
        break
      case 'tail':
        tails.open(message.id, message.filter, message.perSecond)
        planes.setAccessLog(recordSink())
        break
      case 'untail':
        tails.close(message.id)
        planes.setAccessLog(recordSink())
        break
      case 'tailTaken':
        tails.acknowledge(message.id)
        break
      case 'profile':
        profiler.start(message.intervalUs).catch((error: unknown) => {
          send({
            type: 'log',
            level: 'error',
            fields: { error: String(error) },
            message: 'no CPU profile began',
          })
        })
        break
      case 'profileEnd':
        void finishProfile(message.file)
        break
      case 'explain':
      case 'explainStream':
        explain(message)
        break
      case 'settle':
        // whatever was picked before this message has been sent by now
        send({ type: 'settled', id: message.id })
        break
      case 'fault':
        injectFault(message.kind)
        break
    }
  })

  for (const plane of planes.all) plane.start()
  send({ type: 'ready' })
  return { fail }
}
