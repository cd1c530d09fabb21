import { type Figure, ratioOf, summarize } from '../report/statistics.ts'
import { type Load, type LoadOptions, runH2load, runWrk } from '../support/load.ts'
import { cpuMicros, residentBytes } from '../support/program.ts'
import type { Side } from '../support/site.ts'
import type { Bench } from './scenario.ts'

/** A side with the request that it gets. */
export interface Contender {
  readonly name: string
  readonly side: Side
  /** Default `/`. */
  readonly path?: string
  readonly headers?: readonly string[]
  /** Default `http`. */
  readonly scheme?: 'http' | 'https'
  /** A file that is sent as the body. */
  readonly body?: string
}

/** How the contenders of a comparison are driven, all alike. */
export interface Work {
  readonly connections: number
  /**
   * Requests a second on each connection; null: as many as go through. Cost is compared at one rate: driven as fast as it goes, the slower side
   * lets the peers on the other processor fall asleep and pays for waking them with every write, and the figure says less about its own work.
   */
  readonly ratePerConnection: number | null
  /** Streams that each connection may have open, over HTTP/2. Default: HTTP/1.1. */
  readonly streams?: number
}

/** What one measurement of one side gave. */
export interface Sample {
  /** Processor time of the whole process tree, user and system, microseconds a request. */
  readonly cpuMicros: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** A rate counts as reached from here on. */
const REACHED = 0.97
/** Rounds are tried so many times as often as are wanted, and a few times more. */
const TRIES = 2
const MORE_TRIES = 3
const LONGEST_WARM_UP_S = 12

/** Rounds in which every contender was measured, in their order. */
export class Rounds {
  readonly #samples = new Map<string, Sample[]>()
  readonly #residents = new Map<string, number>()
  /** Rounds that were not counted since one side did not reach the rate: something else used the machine. */
  dropped = 0

  add(samples: ReadonlyMap<string, Sample>): void {
    for (const [name, sample] of samples) {
      const list = this.#samples.get(name) ?? []
      this.#samples.set(name, list)
      list.push(sample)
    }
  }

  setResident(name: string, bytes: number): void {
    this.#residents.set(name, bytes)
  }

  /** Resident bytes after the last round. */
  resident(name: string): number {
    return this.#residents.get(name) ?? Number.NaN
  }

  get count(): number {
    return Math.max(0, ...[...this.#samples.values()].map((list) => list.length))
  }

  values(name: string, field: keyof Sample): number[] {
    const list = this.#samples.get(name)
    if (list === undefined) throw new Error(`no rounds of ${name}`)
    return list.map((sample) => sample[field])
  }

  figure(name: string, field: keyof Sample): Figure {
    return summarize(this.values(name, field))
  }

  /** One beside the other, round by round. */
  ratio(name: string, base: string, field: keyof Sample): Figure {
    return ratioOf(this.values(name, field), this.values(base, field))
  }
}

/**
 * Measures all contenders in turn, round after round, every other round in the opposite order; so a machine whose speed drifts drifts for
 * all of them. A round in which somebody did not reach the rate is not counted. Rejects when requests fail, and when fewer than half of
 * the rounds could be counted after twice as many tries.
 */
export async function measureRounds(
  bench: Bench,
  contenders: readonly Contender[],
  work: Work,
  options: { readonly rounds: number; readonly seconds: number },
  measureOne: Measure = measureBy(driveHttp),
): Promise<Rounds> {
  const rounds = new Rounds()
  const perConnection = work.ratePerConnection === null ? null : work.ratePerConnection * bench.plan.rateShare
  const driven: Work = { ...work, ratePerConnection: perConnection }
  const due = (perConnection ?? 0) * work.connections * options.seconds * REACHED
  const tries = TRIES * options.rounds + MORE_TRIES
  for (let tried = 0; rounds.count < options.rounds && tried < tries; tried++) {
    const samples = new Map<string, Sample>()
    let isSound = true
    for (const contender of tried % 2 === 0 ? contenders : contenders.toReversed()) {
      const { sample, load } = await measureOne(contender, driven, options.seconds)
      samples.set(contender.name, sample)
      if (load.requests < due) isSound = false
    }
    if (isSound) rounds.add(samples)
    else rounds.dropped++
    const costs = contenders.map(({ name }) => describe(name, samples.get(name) as Sample, work))
    bench.note(
      `round ${rounds.count}/${options.rounds}: ${costs.join(', ')}${isSound ? '' : ' (not counted: the rate was not reached)'}`,
    )
  }
  if (rounds.count < options.rounds / 2)
    throw new Error(
      `only ${rounds.count} of ${rounds.count + rounds.dropped} rounds reached the rate: the machine is too busy, or too slow for it`,
    )
  for (const { name, side } of contenders) rounds.setResident(name, residentBytes(side.program.pid))
  return rounds
}

function describe(name: string, sample: Sample, work: Work): string {
  const cost = `${name} ${sample.cpuMicros.toFixed(1)} µs`
  return work.ratePerConnection === null ? `${cost} ${sample.perSecond.toFixed(0)}/s` : cost
}

/** Drives one side for so many seconds. */
type Measure = (
  contender: Contender,
  work: Work,
  seconds: number,
) => Promise<{ sample: Sample; load: Pick<Load, 'requests'> }>

/** Gives one side its load, for so many seconds. */
export type Drive = (contender: Contender, work: Work, seconds: number) => Promise<Load>

/** wrk as fast as it goes; h2load where there is a rate to keep, and for all of HTTP/2. */
const driveHttp: Drive = (contender, work, seconds) => {
  const options = { ...requestOf(contender), ...work, seconds }
  return work.ratePerConnection === null && work.streams === undefined ? runWrk(options) : runH2load(options)
}

/** Measures a side while `drive` drives it. */
export function measureBy(drive: Drive): Measure {
  return async (contender, work, seconds) => {
    const { pid } = contender.side.program
    const before = cpuMicros(pid)
    const load = await drive(contender, work, seconds)
    const spent = cpuMicros(pid) - before
    if (load.errors > 0)
      throw new Error(`${load.errors} requests failed at ${contender.name}, ${load.requests} did not`)
    // at a rate such a round is not counted
    if (load.requests === 0 && work.ratePerConnection === null)
      throw new Error(`${contender.name} answered no request in ${seconds} s`)
    const { p50Ms, p99Ms } = load
    return {
      load,
      sample: { cpuMicros: spent / load.requests, perSecond: load.requests / load.seconds, p50Ms, p99Ms },
    }
  }
}

/**
 * Gives each side the requests after which its code is compiled, pools filled and memory mapped, as fast as they go. At most 12 s each.
 */
export async function warmUp(
  bench: Bench,
  contenders: readonly Contender[],
  connections: number,
  { streams, drive = driveHttp }: { readonly streams?: number; readonly drive?: Drive } = {},
): Promise<void> {
  const work = { connections, ratePerConnection: null, ...(streams === undefined ? {} : { streams }) }
  for (const contender of contenders) {
    const began = performance.now()
    for (let done = 0; done < bench.plan.warmUpRequests; ) {
      const rest = bench.plan.warmUpRequests - done
      const spentS = (performance.now() - began) / 1000
      if (spentS >= LONGEST_WARM_UP_S) break
      const perSecond = done === 0 ? Number.POSITIVE_INFINITY : done / spentS
      const seconds = Math.min(
        Math.max(1, Math.ceil(rest / perSecond)),
        LONGEST_WARM_UP_S - Math.floor(spentS),
      )
      done += (await drive(contender, work, seconds)).requests + 1
    }
  }
}

function requestOf(contender: Contender): Pick<LoadOptions, 'url' | 'headers' | 'body'> {
  return {
    url: `${contender.scheme ?? 'http'}://127.0.0.1:${contender.side.port}${contender.path ?? '/'}`,
    headers: contender.headers ?? [],
    ...(contender.body === undefined ? {} : { body: contender.body }),
  }
}
