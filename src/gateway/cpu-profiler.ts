import { writeFile } from 'node:fs/promises'
import type { Session } from 'node:inspector/promises'

/** Profiles the thread it is made in. The inspector is loaded with the first profile: an idle gateway does not pay for it. */
export class CpuProfiler {
  #session: Session | null = null
  /** One step at a time: an end that comes before the start is done waits for it. */
  #last: Promise<void> = Promise.resolve()

  /** `intervalUs`: between samples, microseconds. Rejects if the inspector does not start; a profile that runs goes on. */
  start(intervalUs: number): Promise<void> {
    return this.#then(async () => {
      if (this.#session !== null) return
      const { Session } = await import('node:inspector/promises')
      const session = new Session()
      session.connect()
      try {
        await session.post('Profiler.enable')
        await session.post('Profiler.setSamplingInterval', { interval: intervalUs })
        await session.post('Profiler.start')
      } catch (error) {
        session.disconnect()
        throw error
      }
      this.#session = session
    })
  }

  /** Ends the profile and writes it to a new file that only its owner may read. Rejects if there is such a file, or none can be written. */
  finish(file: string): Promise<void> {
    return this.#then(async () => {
      const session = this.#session
      if (session === null) throw new Error('no profile was running')
      this.#session = null
      try {
        const { profile } = await session.post('Profiler.stop')
        await writeFile(file, JSON.stringify(profile), { mode: 0o600, flag: 'wx' })
      } finally {
        session.disconnect()
      }
    })
  }

  #then(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {}) // whoever asked for it hears of it
    return done
  }
}
