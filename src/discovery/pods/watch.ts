import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, get, type KubeConnection, readJson, readLines } from './connection.ts'
import { type KubeKind, type KubeObject, readObject } from './objects.ts'

export interface WatchOptions {
  readonly connection: () => Promise<KubeConnection>
  readonly kind: KubeKind
  /** `/api/v1/namespaces/shop/services`. */
  readonly path: string
  /** `labelSelector=…`, or ''. */
  readonly query: string
  /** Objects or the state changed. */
  readonly onChange: () => void
  /** [0, 1). */
  readonly random?: () => number
}

/** Waits after a round that ended soon: doubled each time, and half to the whole of it by chance. Milliseconds. */
const RETRY_MS = 500
const MAX_RETRY_MS = 30_000
/** Most of it after a watch that the server took, and that ended soon: what changes meanwhile is not seen. */
const MAX_BLIND_MS = 1000
/** A watch that lasted so long was a good one: the next failure counts as the first. */
const STEADY_MS = 5000
/** The first try after a watch that was a good one comes almost at once. */
const FIRST_RETRY_MS = 50
/** Seconds that the server is asked to watch; a silence longer than that by a fifth is a dead connection. */
const WATCH_S = 240
const SILENCE_MS = WATCH_S * 1200
/** Between two parts of a list. */
const LIST_SILENCE_MS = 30_000
const PAGE = 500

interface Round {
  /** When the server took the watch, by the clock of `performance`; null: it has not. */
  watchingSinceMs: number | null
}

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
  /** Rounds that ended soon, one after the other. */
  #failures = 0
  readonly #random: () => number

  constructor(options: WatchOptions) {
    this.#options = options
    this.#random = options.random ?? Math.random
    this.first = this.#settled.promise
    void this.#run()
  }

  close(): void {
    this.#end.abort()
    this.#settled.resolve()
  }

  /** Each round lists where nothing is known or the version is forgotten, and watches until that ends, well or badly. */
  async #run(): Promise<void> {
    while (!this.#end.signal.aborted) {
      const round: Round = { watchingSinceMs: null }
      let fault: unknown = null
      try {
        const connection = await this.#options.connection()
        if (this.#version === '') await this.#list(connection)
        await this.#watch(connection, round)
      } catch (error) {
        fault = error
      }
      if (this.#end.signal.aborted) return
      const since = round.watchingSinceMs
      if (since !== null && performance.now() - since >= STEADY_MS) this.#failures = 0
      const isForgotten = fault instanceof ApiError && fault.status === 410
      if (isForgotten) this.#version = ''
      // what broke while it was watched may be whole again at the next try: only that tells
      else if (fault !== null && since === null)
        this.#turn(fault instanceof Error ? fault.message : String(fault))
      const limit = since === null || isForgotten ? MAX_RETRY_MS : MAX_BLIND_MS
      const most = Math.min(limit, RETRY_MS * 2 ** this.#failures)
      const waitMs = this.#failures === 0 ? FIRST_RETRY_MS : most * (0.5 + 0.5 * this.#random())
      this.#failures++
      await sleep(waitMs, undefined, { signal: this.#end.signal, ref: false }).catch(() => {})
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
      answer.setTimeout(LIST_SILENCE_MS, () => answer.destroy(new Error('the API server stopped in a list')))
      const page = (await readJson(answer)) as {
        readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string }
        readonly items?: readonly unknown[]
      }
      for (const item of page.items ?? []) {
        const object = readObject(this.#options.kind, item)
        found.set(object.metadata?.name ?? '', object)
      }
      version = page.metadata?.resourceVersion ?? ''
      next = page.metadata?.continue ?? ''
    } while (next !== '')
    if (version === '') throw new Error('the API server gives no resourceVersion')
    this.objects.clear()
    for (const [name, item] of found) this.objects.set(name, item)
    this.#version = version
    this.isListed = true
    this.reason = ''
    this.#settled.resolve()
    this.#options.onChange()
  }

  /** Resolves when the server ends the watch: the next one goes on from there. */
  async #watch(connection: KubeConnection, round: Round): Promise<void> {
    const { path, query } = this.#options
    const from = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${WATCH_S}&resourceVersion=${encodeURIComponent(this.#version)}`
    const answer = await get(
      connection,
      `${path}?${from}${query === '' ? '' : `&${query}`}`,
      this.#end.signal,
    )
    answer.setTimeout(SILENCE_MS, () => answer.destroy(new Error('the watch is silent')))
    round.watchingSinceMs = performance.now()
    if (this.reason !== '') this.#turn('')
    for await (const line of readLines(answer)) this.#take(line)
  }

  #take(line: string): void {
    const { type, object: raw } = JSON.parse(line) as {
      readonly type?: string
      readonly object?: { readonly code?: number; readonly message?: string }
    }
    if (type === 'ERROR') throw new ApiError(raw?.code ?? 0, raw?.message ?? 'the watch failed')
    const object = readObject(this.#options.kind, raw)
    const version = object.metadata?.resourceVersion
    if (version !== undefined) this.#version = version
    if (type === 'BOOKMARK') return
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
