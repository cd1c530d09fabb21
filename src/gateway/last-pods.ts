import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { FoundHost, NameView } from '../discovery/discovery.ts'
import type { Log } from './worker-pool.ts'

/** Its name, beside the store. */
export const PODS_FILE = 'pods.json'
/** Changes that come together are one write. */
const SETTLE_MS = 1000
/** How often it is noted that what is known is still current. */
const NOTE_MS = 300_000
/** Pods that were last known to be current so long ago are not used: their addresses may have become those of others. */
export const MAX_AGE_MS = 3_600_000
const MAX_BYTES = 64 * 1024 * 1024

/** One Service in the file. */
interface Kept {
  /** When its pods were last known to be current, milliseconds of the epoch. */
  readonly atMs: number
  readonly pods: readonly (readonly [address: string, port: number])[]
}

export interface LastPodsOptions {
  /** null: nothing is kept. */
  readonly file: string | null
  readonly views: () => readonly NameView[]
  readonly log: Log
  /** Milliseconds of the epoch. */
  readonly now?: () => number
}

/**
 * The pods of the Services in use, in a file: a gateway that starts while a cluster's API server is away has the nodes that it had before. The file may be deleted,
 * and one that cannot be read is as good as none.
 */
export class LastPods {
  readonly #options: LastPodsOptions
  readonly #now: () => number
  /** What the last run knew, by Service; those that are asked for in this run are told by `views`. */
  readonly #kept: ReadonlyMap<string, Kept>
  readonly #noting: NodeJS.Timeout | null
  #settling: NodeJS.Timeout | null = null
  #writing: Promise<void> = Promise.resolve()
  #hasFailed = false

  constructor(options: LastPodsOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#kept = options.file === null ? new Map() : readKept(options.file)
    this.#noting = options.file === null ? null : setInterval(() => this.note(), NOTE_MS)
    this.#noting?.unref()
  }

  /** The pods of a Service as the last run knew them; empty where that is too long ago. */
  find(service: string): readonly FoundHost[] {
    const kept = this.#kept.get(service)
    if (kept === undefined || this.#now() - kept.atMs > MAX_AGE_MS) return []
    return kept.pods.map(([host, port]) => ({ host, port, rank: 0, weight: 1, addresses: [host] }))
  }

  /** Something changed. */
  note(): void {
    if (this.#options.file === null) return
    this.#settling ??= setTimeout(() => this.#write(), SETTLE_MS)
    this.#settling.unref()
  }

  /** Writes what is not written yet. Must come before the names are closed. */
  async close(): Promise<void> {
    if (this.#noting !== null) clearInterval(this.#noting)
    if (this.#options.file !== null) this.#write()
    await this.#writing
  }

  #write(): void {
    if (this.#settling !== null) clearTimeout(this.#settling)
    this.#settling = null
    const services: Record<string, Kept> = {}
    for (const { question, hosts, isAnswered, answeredAtMs } of this.#options.views()) {
      if (question.kind !== 'pods' || hosts.length === 0) continue
      const atMs = isAnswered ? this.#now() : (answeredAtMs ?? this.#kept.get(question.name)?.atMs)
      if (atMs === undefined) continue
      services[question.name] = { atMs, pods: hosts.map(({ host, port }) => [host, port ?? 0]) }
    }
    // a gateway without clusters has no such file
    if (Object.keys(services).length === 0 && this.#kept.size === 0) return
    const text = JSON.stringify({ format: 1, services })
    this.#writing = this.#writing.then(() => this.#put(text))
  }

  async #put(text: string): Promise<void> {
    const { file, log } = this.#options
    if (file === null) return
    try {
      await writeFile(`${file}.new`, text, { mode: 0o600 })
      await rename(`${file}.new`, file)
      this.#hasFailed = false
    } catch (error) {
      if (!this.#hasFailed)
        log('warn', { file, error: String(error) }, 'nodes of clusters could not be kept for the next start')
      this.#hasFailed = true
    }
  }
}

/** What a file holds, as far as it is what `#write` writes. */
function readKept(file: string): ReadonlyMap<string, Kept> {
  const kept = new Map<string, Kept>()
  let root: unknown
  try {
    const text = readFileSync(file, 'utf8')
    root = text.length > MAX_BYTES ? null : JSON.parse(text)
  } catch {
    return kept
  }
  const { format, services } = (root ?? {}) as { readonly format?: unknown; readonly services?: unknown }
  if (format !== 1 || typeof services !== 'object' || services === null) return kept
  for (const [name, value] of Object.entries(services as Record<string, Partial<Kept> | null>)) {
    const { atMs, pods } = value ?? {}
    if (typeof atMs === 'number' && Array.isArray(pods) && pods.every(isPod)) kept.set(name, { atMs, pods })
  }
  return kept
}

function isPod(pod: unknown): boolean {
  if (!Array.isArray(pod)) return false
  const [address, port] = pod as readonly unknown[]
  return typeof address === 'string' && isIP(address) !== 0 && Number.isInteger(port) && Number(port) > 0
}
