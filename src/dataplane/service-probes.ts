import { isDeepEqual } from '../gateway/deep-equal.ts'
import { probeTcp } from '../health/probe-tcp.ts'
import type { ProxyProbe } from '../model/proxy-link.ts'

export interface ServiceProbesOptions {
  /** An inbound became ready or is no longer; also told of the first result that decides. */
  readonly onTurn: () => void
  /** Connects once. Default: really (TCP). */
  readonly probe?: (probe: ProxyProbe) => Promise<boolean>
}

interface Watched {
  readonly probe: ProxyProbe
  timer: NodeJS.Timeout | null
  /** Results of one kind in a row. */
  row: number
  wasGood: boolean
  isReady: boolean | null
  isGone: boolean
}

/** Probes of the applications beside a proxy (Kuma's serviceProbe): each result of which there were enough in a row decides whether the inbound is ready. */
export class ServiceProbes {
  readonly #options: ServiceProbesOptions
  readonly #watched = new Map<string, Watched>()

  constructor(options: ServiceProbesOptions) {
    this.#options = options
  }

  /** From now on these are probed, no others. One that stays as it was keeps what is known of it. */
  set(probes: readonly ProxyProbe[]): void {
    const coming = new Map(probes.map((probe) => [probe.inbound, probe]))
    for (const [inbound, watched] of this.#watched) {
      const probe = coming.get(inbound)
      if (probe !== undefined && isDeepEqual(probe, watched.probe)) coming.delete(inbound)
      else this.#drop(watched)
    }
    for (const probe of coming.values()) {
      const watched: Watched = { probe, timer: null, row: 0, wasGood: false, isReady: null, isGone: false }
      this.#watched.set(probe.inbound, watched)
      void this.#run(watched)
    }
  }

  /** What is known. */
  results(): readonly { readonly inbound: string; readonly isReady: boolean }[] {
    return [...this.#watched.values()].flatMap(({ probe, isReady }) =>
      isReady === null ? [] : [{ inbound: probe.inbound, isReady }],
    )
  }

  close(): void {
    for (const watched of this.#watched.values()) this.#drop(watched)
  }

  #drop(watched: Watched): void {
    watched.isGone = true
    if (watched.timer !== null) clearTimeout(watched.timer)
    this.#watched.delete(watched.probe.inbound)
  }

  async #run(watched: Watched): Promise<void> {
    const { probe } = watched
    const isGood = await (this.#options.probe ?? connects)(probe)
    if (watched.isGone) return
    watched.row = isGood === watched.wasGood ? watched.row + 1 : 1
    watched.wasGood = isGood
    const wanted = isGood ? probe.healthyThreshold : probe.unhealthyThreshold
    if (watched.row >= wanted && watched.isReady !== isGood) {
      watched.isReady = isGood
      this.#options.onTurn()
    }
    watched.timer = setTimeout(() => void this.#run(watched), probe.intervalMs)
  }
}

async function connects({ host, port, timeoutMs }: ProxyProbe): Promise<boolean> {
  const { kind } = await probeTcp(host, port, timeoutMs)
  return kind === 'connected'
}
