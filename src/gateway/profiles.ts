import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Settings } from '../model/settings.ts'
import { CpuProfiler } from './cpu-profiler.ts'
import type { Emit } from './events.ts'
import type { ToWorker } from './messages.ts'
import type { Log } from './worker-pool.ts'

/** A worker that does not hand in its profile within this is not waited for. Milliseconds. */
const WRITE_MS = 60_000

/** Between samples. Microseconds; a millisecond costs a few percent of a busy worker. */
const INTERVAL_US = 1000
/** Samples of one profile: its end holds a thread up, the longer the more there are, and main replaces a worker that is silent for 2 s. */
const MAX_SAMPLES = 100_000

interface ProfiledWorker {
  readonly index: number
  send(message: ToWorker): void
}

export interface ProfilesOptions {
  readonly settings: Settings
  readonly workers: () => Iterable<ProfiledWorker>
  readonly log: Log
  readonly emit: Emit
  readonly now?: () => number
}

/**
 * CPU profiles of every thread, a file for each: asked for once they begin, asked for again they end early. States: idle → running (the
 * timer is set) → writing (until every thread has reported) → idle; asking while files are written changes nothing.
 */
export class Profiles {
  readonly #options: ProfilesOptions
  readonly #own = new CpuProfiler()
  #state: 'idle' | 'running' | 'writing' = 'idle'
  #timer: NodeJS.Timeout | null = null
  /** Files that were asked for and are not reported yet. */
  readonly #awaited = new Set<string>()
  #workers: readonly { readonly worker: ProfiledWorker; readonly file: string }[] = []
  #ownFile = ''

  constructor(options: ProfilesOptions) {
    this.#options = options
  }

  get state(): 'idle' | 'running' | 'writing' {
    return this.#state
  }

  /** Begins profiles, or ends those that run. */
  toggle(): void {
    if (this.#state === 'idle') this.#begin()
    else if (this.#state === 'running') this.#end()
    else this.#options.log('warn', {}, 'CPU profiles are being written: wait for them before asking again')
  }

  /** Where the files go. */
  get directory(): string {
    const { profile, store, config } = this.#options.settings
    return resolve(profile.directory ?? (store === 'memory' || config !== null ? tmpdir() : store))
  }

  #begin(): void {
    this.#state = 'running'
    const { log, emit, settings } = this.#options
    const stamp = new Date((this.#options.now ?? Date.now)()).toISOString().replace(/[-:]|\.\d+/g, '')
    const fileOf = (thread: string): string =>
      join(this.directory, `headgate-${process.pid}-${thread}-${stamp}.cpuprofile`)
    this.#ownFile = fileOf('main')
    this.#workers = [...this.#options.workers()].map((worker) => ({
      worker,
      file: fileOf(`${worker.index}`),
    }))
    const { seconds } = settings.profile
    const intervalUs = Math.max(INTERVAL_US, Math.ceil((seconds * 1_000_000) / MAX_SAMPLES))
    for (const { worker } of this.#workers) worker.send({ type: 'profile', intervalUs })
    this.#own.start(intervalUs).catch((error: unknown) => this.#fail(this.#ownFile, error))
    log('info', { seconds, directory: this.directory }, 'CPU profiles begin; SIGUSR2 ends them early')
    emit('profile', `CPU profiles of ${this.#workers.length} workers begin, for ${seconds} s`, { seconds })
    this.#timer = setTimeout(() => this.#end(), seconds * 1000).unref()
  }

  #end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#state = 'writing'
    for (const { worker, file } of this.#workers) {
      this.#awaited.add(file)
      worker.send({ type: 'profileEnd', file })
    }
    const own = this.#ownFile
    this.#awaited.add(own)
    this.#own.finish(own).then(
      () => this.report(own, null),
      (error: unknown) => this.#fail(own, error),
    )
    this.#timer = setTimeout(() => {
      for (const file of this.#awaited) this.report(file, 'its thread did not hand it in')
    }, WRITE_MS).unref()
  }

  #fail(file: string, error: unknown): void {
    this.report(file, error instanceof Error ? error.message : String(error))
  }

  /** A thread has written its file, or could not. */
  report(file: string, error: string | null): void {
    const { log, emit } = this.#options
    if (error === null) {
      log('info', { file }, 'a CPU profile was written')
      emit('profile', `a CPU profile was written to ${file}`, { file })
    } else if (this.#state !== 'writing' || this.#awaited.has(file)) {
      log('error', { file, error }, 'a CPU profile could not be made')
      emit('profile', `no CPU profile in ${file}: ${error}`, { file, error })
    }
    this.#awaited.delete(file)
    if (this.#state !== 'writing' || this.#awaited.size > 0) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#state = 'idle'
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
  }
}
