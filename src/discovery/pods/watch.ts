import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, get, type KubeConnection, readJson, readLines } from './connection.ts'
import type { KubeObject } from './objects.ts'

export interface WatchOptions {
  readonly connection: () => Promise<KubeConnection>
  /** `/api/v1/namespaces/shop/services`. */
  readonly path: string
  /** `labelSelector=…`, or ''. */
  readonly query: string
  /** Objects or the state changed. */
  readonly onChange: () => void
  /** [0, 1). */
  readonly random?: () => number
}

/** Waits after a failure: doubled each time, and half to the whole of it by chance. Milliseconds. */
const RETRY_MS = 500
const MAX_RETRY_MS = 30_000
/** Seconds that the server is asked to watch; a silence longer than that by a fifth is a dead connection. */
const WATCH_S = 240
const SILENCE_MS = WATCH_S * 1200
const PAGE = 500

/**
 * A collection of a cluster, listed and then watched: changes come as they are made. A version that the server has forgotten (410) is listed anew; while the server
 * cannot be reached what was last known stays, and is said to be stale.
 */
export class Watch {
  /** By name. */
  readonly objects = new Map<string, KubeObject>()
  /** Whether it was ever listed. */
  isListed = false
  /** Why what is known may be old; '' where it is current. */
  reason = 'not listed yet'
  /** Resolves when it was listed, or failed to be, for the first time. */
  readonly first: Promise<void>
  readonly #options: WatchOptions
  readonly #end = new AbortController()
  readonly #settled = Promise.withResolvers<void>()
  #version = ''
  #failures = 0

  constructor(options: WatchOptions) {
    this.#options = options
    this.first = this.#settled.promise
    void this.#run()
  }

  close(): void {
    this.#end.abort()
    this.#settled.resolve()
  }

  async #run(): Promise<void> {
    while (!this.#end.signal.aborted) {
      try {
        const connection = await this.#options.connection()
        if (this.#version === '') await this.#list(connection)
        await this.#watch(connection)
      } catch (error) {
        if (this.#end.signal.aborted) return
        if (error instanceof ApiError && error.status === 410) {
          this.#version = ''
          continue
        }
        this.#turn(error instanceof Error ? error.message : String(error))
        const most = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** this.#failures++)
        const waitMs = most * (0.5 + 0.5 * (this.#options.random ?? Math.random)())
        await sleep(waitMs, undefined, { signal: this.#end.signal, ref: false }).catch(() => {})
      }
    }
  }

  async #list(connection: KubeConnection): Promise<void> {
    const { path, query } = this.#options
    const found = new Map<string, KubeObject>()
    let next = ''
    let version = ''
    do {
      const more = next === '' ? '' : `&continue=${encodeURIComponent(next)}`
      const answer = await get(
        connection,
        `${path}?limit=${PAGE}${more}${query === '' ? '' : `&${query}`}`,
        this.#end.signal,
      )
      const page = (await readJson(answer)) as {
        readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string }
        readonly items?: readonly KubeObject[]
      }
      for (const item of page.items ?? []) found.set(item.metadata?.name ?? '', item)
      version = page.metadata?.resourceVersion ?? ''
      next = page.metadata?.continue ?? ''
    } while (next !== '')
    if (version === '') throw new Error('the API server gives no resourceVersion')
    this.objects.clear()
    for (const [name, item] of found) this.objects.set(name, item)
    this.#version = version
    this.isListed = true
    this.reason = ''
    this.#failures = 0
    this.#settled.resolve()
    this.#options.onChange()
  }

  /** Resolves when the server ends the watch: the next one goes on from there. */
  async #watch(connection: KubeConnection): Promise<void> {
    const { path, query } = this.#options
    const from = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${WATCH_S}&resourceVersion=${encodeURIComponent(this.#version)}`
    const answer = await get(
      connection,
      `${path}?${from}${query === '' ? '' : `&${query}`}`,
      this.#end.signal,
    )
    answer.setTimeout(SILENCE_MS, () => answer.destroy(new Error('the watch is silent')))
    this.#failures = 0
    if (this.reason !== '') this.#turn('')
    for await (const line of readLines(answer)) this.#take(line)
    // a server that ends each watch at once is not asked without a pause
    await sleep(RETRY_MS / 5, undefined, { signal: this.#end.signal, ref: false })
  }

  #take(line: string): void {
    const { type, object } = JSON.parse(line) as {
      readonly type?: string
      readonly object?: KubeObject & { readonly code?: number; readonly message?: string }
    }
    if (type === 'ERROR') throw new ApiError(object?.code ?? 0, object?.message ?? 'the watch failed')
    const version = object?.metadata?.resourceVersion
    if (version !== undefined) this.#version = version
    if (type === 'BOOKMARK' || object === undefined) return
    const name = object.metadata?.name ?? ''
    if (type === 'DELETED') this.objects.delete(name)
    else this.objects.set(name, object)
    this.#options.onChange()
  }

  #turn(reason: string): void {
    this.#settled.resolve()
    if (this.reason === reason) return
    this.reason = reason
    this.#options.onChange()
  }
}
