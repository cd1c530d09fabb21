import type { PlannedListener } from '../model/listener.ts'
import type { ModelObject } from '../model/model.ts'
import type { Origin } from '../model/origin.ts'
import type { Emit } from './events.ts'
import type { SocketPlan, ToWorker } from './messages.ts'
import { checkAddress, formatAddress, holdAddress } from './sockets.ts'
import type { Log } from './worker-pool.ts'

/** How a listener that a document asks for stands. */
export interface PlannedStatus {
  readonly id: string
  readonly name: string
  readonly origin: Origin
  readonly protocol: 'http' | 'tcp'
  /** `host:port` */
  readonly address: string
  /** Why it is not open; null: it is. */
  readonly reason: string | null
}

export interface PlannedListenersOptions {
  /** Sends to every worker that serves. */
  broadcast(message: ToWorker): void
  /** Resolves when all workers have done what they were sent before: what they were told to close is closed. */
  settle(): Promise<void>
  readonly log: Log
  readonly emit: Emit
  /** How long a port that is in use is left alone before it is tried again. Milliseconds, 1000. */
  readonly retryMs?: number
}

const RETRY_MS = 1_000

interface Entry {
  listener: PlannedListener
  /** Ends the hold on the address; null: it is not open. */
  release: (() => Promise<void>) | null
  reason: string | null
}

/**
 * Opens and closes the listeners that documents ask for while the gateway runs. A port in use is told and tried again; it keeps nobody else from serving. Addresses
 * are looked at here, on the main thread, because workers share their ports and would not notice somebody else on them.
 */
export class PlannedListeners {
  readonly #options: PlannedListenersOptions
  readonly #entries = new Map<string, Entry>()
  /** One change after the other: an address that is closed may be opened again by the next. */
  #work: Promise<void> = Promise.resolve()
  #retry: NodeJS.Timeout | null = null
  #mayOpen = false
  #isClosed = false

  constructor(options: PlannedListenersOptions) {
    this.#options = options
  }

  /** What a change of the model asks for. */
  note(change: {
    readonly upserts: readonly ModelObject[]
    readonly removals: readonly { readonly kind: string; readonly id: string }[]
  }): void {
    const gone = change.removals.filter(({ kind }) => kind === 'listener').map(({ id }) => id)
    const come = change.upserts.filter((object) => object.kind === 'listener')
    if (gone.length === 0 && come.length === 0) return
    this.#do(async () => {
      await this.#drop(gone)
      for (const listener of come) this.#take(listener)
      if (this.#mayOpen) await this.#openClosed()
    })
  }

  /** Opens all that were asked for so far. Resolves when each is open or its reason is known. */
  open(): Promise<void> {
    this.#mayOpen = true
    return this.#do(() => this.#openClosed())
  }

  /** What a worker that begins to serve is to open. */
  plans(): readonly SocketPlan[] {
    return [...this.#entries.values()].flatMap(({ listener, release }) =>
      release === null ? [] : [planOf(listener)],
    )
  }

  statuses(): readonly PlannedStatus[] {
    return [...this.#entries.values()].map(({ listener, release, reason }) => {
      const { id, name, origin, protocol, address, port } = listener
      const waits = release === null ? 'it is being opened' : null
      return { id, name, origin, protocol, address: formatAddress(address, port), reason: reason ?? waits }
    })
  }

  /** A worker could not open what others may have: all close it, and it is tried again as a whole. */
  noteFailure(id: string, reason: string): void {
    void this.#do(async () => {
      const entry = this.#entries.get(id)
      if (entry === undefined || this.#isClosed) return
      await this.#shut([entry])
      this.#tell(entry, reason)
      this.#tryLater()
    })
  }

  close(): Promise<void> {
    this.#isClosed = true
    if (this.#retry !== null) clearTimeout(this.#retry)
    return this.#do(async () => {
      for (const { release } of this.#entries.values()) await release?.()
      this.#entries.clear()
    })
  }

  #do(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      this.#options.log('error', { error: String(error) }, 'listeners of documents could not be changed')
    })
    return this.#work
  }

  #take(listener: PlannedListener): void {
    const known = this.#entries.get(listener.id)
    if (known === undefined) {
      this.#entries.set(listener.id, { listener, release: null, reason: null })
      return
    }
    known.listener = listener
    // its socket stays, what is spoken there may be another thing
    if (known.release !== null) this.#options.broadcast({ type: 'openPlanned', sockets: [planOf(listener)] })
  }

  async #drop(ids: readonly string[]): Promise<void> {
    const dropped: Entry[] = []
    for (const id of ids) {
      const entry = this.#entries.get(id)
      if (entry === undefined) continue
      this.#entries.delete(id)
      dropped.push(entry)
    }
    await this.#shut(dropped)
  }

  /** Closes those that are open, in all workers: an address is let go when nobody listens there any more, or whoever is to have it next would find it in use. */
  async #shut(entries: readonly Entry[]): Promise<void> {
    const ids: string[] = []
    const releases: (() => Promise<void>)[] = []
    for (const entry of entries) {
      if (entry.release === null) continue
      ids.push(entry.listener.id)
      releases.push(entry.release)
      entry.release = null
    }
    if (ids.length === 0) return
    this.#options.broadcast({ type: 'closePlanned', ids })
    await this.#options.settle()
    for (const release of releases) await release()
  }

  async #openClosed(): Promise<void> {
    if (this.#isClosed) return
    let isWaiting = false
    const owners = ownersOf(this.#entries.values())
    await this.#yield(owners)
    for (const entry of this.#entries.values()) {
      if (entry.release !== null || owners.get(placeOf(entry.listener)) !== entry) continue
      if (!(await this.#hold(entry))) isWaiting = true
      else this.#options.broadcast({ type: 'openPlanned', sockets: [planOf(entry.listener)] })
    }
    if (isWaiting) this.#tryLater()
  }

  #tryLater(): void {
    if (this.#retry !== null) return
    this.#retry = setTimeout(() => {
      this.#retry = null
      void this.#do(() => this.#openClosed())
    }, this.#options.retryMs ?? RETRY_MS)
    this.#retry.unref()
  }

  /** Closes what stands where another one belongs, and tells. */
  async #yield(owners: ReadonlyMap<string, Entry>): Promise<void> {
    const others = [...this.#entries.values()].filter(
      (entry) => owners.get(placeOf(entry.listener)) !== entry,
    )
    await this.#shut(others)
    for (const entry of others) {
      const owner = owners.get(placeOf(entry.listener))
      if (owner === undefined) continue
      const { kind, id } = owner.listener.origin
      this.#tell(entry, `${owner.listener.name} of ${kind}/${id} has that address`)
    }
  }

  async #hold(entry: Entry): Promise<boolean> {
    const { address, port } = entry.listener
    let release: (() => Promise<void>) | null = null
    try {
      release = await holdAddress(address, port, 'tcp')
      await checkAddress(address, port, 'tcp')
    } catch (error) {
      await release?.()
      this.#tell(entry, error instanceof Error ? error.message : String(error))
      return false
    }
    entry.release = release
    if (entry.reason !== null) {
      const { id, name } = entry.listener
      this.#options.emit('listener', `${name} is open`, { id, address: formatAddress(address, port) })
    }
    entry.reason = null
    return true
  }

  #tell(entry: Entry, reason: string): void {
    if (entry.reason === reason) return
    entry.reason = reason
    const { id, name, address, port } = entry.listener
    const fields = { listener: name, address: formatAddress(address, port), reason }
    this.#options.log('warn', fields, 'a listener that a document asks for cannot be opened')
    this.#options.emit('listener', `${name} cannot be opened: ${reason}`, { id, ...fields })
  }
}

function placeOf({ address, port }: PlannedListener): string {
  return formatAddress(address, port)
}

/** Whose each place is where several documents ask for it: the first one's by id, because that is the order in which their routes are found. */
function ownersOf(entries: Iterable<Entry>): ReadonlyMap<string, Entry> {
  const owners = new Map<string, Entry>()
  for (const entry of entries) {
    const place = placeOf(entry.listener)
    const other = owners.get(place)
    if (other === undefined || entry.listener.id < other.listener.id) owners.set(place, entry)
  }
  return owners
}

function planOf({ id, protocol, address, port, section }: PlannedListener): SocketPlan {
  return { id, protocol, host: address, port, proxyProtocol: false, descriptor: null, section }
}
