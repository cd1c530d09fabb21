import type { DnsSettings } from '../model/settings.ts'
import {
  type FoundHost,
  type NameOutcome,
  type NameQuestion,
  type NameSource,
  type NameView,
  questionName,
} from './discovery.ts'

export interface NamesOptions {
  readonly source: NameSource
  readonly settings: Pick<DnsSettings, 'minTtlSeconds' | 'maxTtlSeconds' | 'graceSeconds'>
  /** What a name stands for changed. */
  readonly onChange: (question: NameQuestion) => void
  /** It stopped resolving (`isGood` false), or resolves again. Of a name that never resolved only pods are told. */
  readonly onTurn: (view: NameView, isGood: boolean) => void
  /** Milliseconds of the epoch. */
  readonly now?: () => number
  /** [0, 1). */
  readonly random?: () => number
}

/** Questions under way at once; others wait in the order in which they came. */
const MAX_ASKING = 64
/** After a failure a name is asked again after so long, then twice as long each time. */
const RETRY_MS = 1000
const MAX_RETRY_MS = 30_000
/** How long a name that stands for nothing is not asked again. */
const NEGATIVE_MS = 5000

interface Entry {
  readonly question: NameQuestion
  state: NameView['state']
  hosts: readonly FoundHost[]
  reason: string
  answeredAtMs: number | null
  nextAskMs: number | null
  asked: number
  failures: number
  /** Failures since the last answer. */
  row: number
  /** Since when its servers say that it is gone; null: they do not. */
  goneSinceMs: number | null
  timer: NodeJS.Timeout | null
  isAsking: boolean
  /** Asked for again while an answer was under way. */
  isStale: boolean
  readonly first: PromiseWithResolvers<void>
}

/**
 * The names in use and what they stand for. Each is asked again before its answer is too old; while nobody can say, the last good answer stays, however long;
 * a name that its servers no longer know keeps it for `graceSeconds`.
 */
export class Names {
  readonly #options: NamesOptions
  readonly #entries = new Map<string, Entry>()
  readonly #queue: Entry[] = []
  readonly #now: () => number
  readonly #random: () => number
  #asking = 0
  #isClosed = false

  constructor(options: NamesOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#random = options.random ?? Math.random
    options.source.onStale((question) => {
      const one = question === undefined ? undefined : this.#entries.get(questionName(question))
      if (one !== undefined) this.#ask(one)
      else if (question === undefined) for (const entry of this.#entries.values()) this.#ask(entry)
    })
  }

  /** What a name stands for now; null: nothing is known yet, or it was never asked for. */
  find(question: NameQuestion): readonly FoundHost[] | null {
    const entry = this.#entries.get(questionName(question))
    return entry === undefined || (entry.state === 'asking' && entry.hosts.length === 0) ? null : entry.hosts
  }

  /** Asks for a name from now on. `last`: what it stood for when that was last known, which counts until the first answer, and longer if that is none. */
  use(question: NameQuestion, last: readonly FoundHost[] = []): void {
    const name = questionName(question)
    if (this.#entries.has(name) || this.#isClosed) return
    const entry: Entry = {
      question,
      state: 'asking',
      hosts: last,
      reason: 'no answer yet',
      answeredAtMs: null,
      nextAskMs: null,
      asked: 0,
      failures: 0,
      row: 0,
      goneSinceMs: null,
      timer: null,
      isAsking: false,
      isStale: false,
      first: Promise.withResolvers(),
    }
    this.#entries.set(name, entry)
    this.#ask(entry)
  }

  /** Nobody needs it any more. */
  drop(question: NameQuestion): void {
    const name = questionName(question)
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    this.#entries.delete(name)
    if (entry.timer !== null) clearTimeout(entry.timer)
    this.#options.source.forget?.(question)
    entry.first.resolve()
  }

  /** Resolves when every name has had its first answer, good or bad, and after `deadlineMs` at the latest; null: nothing is waited for. */
  firstAnswers(deadlineMs: number): Promise<void> | null {
    const waiting: Promise<void>[] = []
    for (const { state, first } of this.#entries.values()) if (state === 'asking') waiting.push(first.promise)
    if (waiting.length === 0) return null
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, deadlineMs)
      void Promise.all(waiting).then(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  views(): NameView[] {
    return [...this.#entries.values()].map(viewOf)
  }

  close(): void {
    this.#isClosed = true
    for (const { question } of [...this.#entries.values()]) this.drop(question)
    this.#options.source.close()
  }

  #ask(entry: Entry): void {
    if (entry.isAsking) {
      entry.isStale = true
      return
    }
    if (entry.timer !== null) clearTimeout(entry.timer)
    entry.timer = null
    entry.isAsking = true
    this.#queue.push(entry)
    this.#pump()
  }

  #pump(): void {
    while (this.#asking < MAX_ASKING) {
      const entry = this.#queue.shift()
      if (entry === undefined) return
      if (!this.#isKnown(entry)) continue
      this.#asking++
      entry.asked++
      void this.#options.source.ask(entry.question).then((outcome) => {
        this.#asking--
        entry.isAsking = false
        if (this.#isKnown(entry)) this.#settle(entry, outcome)
        this.#pump()
      })
    }
  }

  #isKnown(entry: Entry): boolean {
    return !this.#isClosed && this.#entries.get(questionName(entry.question)) === entry
  }

  #settle(entry: Entry, outcome: NameOutcome): void {
    const before = entry.state
    const hosts = entry.hosts
    const now = this.#now()
    const waitMs = this.#take(entry, outcome, now)
    const spread = 0.9 + 0.1 * this.#random()
    entry.nextAskMs = now + waitMs * spread
    if (entry.isStale) {
      entry.isStale = false
      this.#ask(entry)
    } else {
      entry.timer = setTimeout(() => this.#ask(entry), waitMs * spread)
      entry.timer.unref()
    }
    const { onChange, onTurn } = this.#options
    const isGood = entry.state === 'good'
    const isTold = before === 'asking' ? !isGood && entry.question.kind === 'pods' : entry.state !== before
    if (isTold) onTurn(viewOf(entry), isGood)
    if (before === 'asking') entry.first.resolve()
    if (!areSame(hosts, entry.hosts)) onChange(entry.question)
  }

  /** Notes an answer, and gives after how long to ask again: a little before it is too old. */
  #take(entry: Entry, outcome: NameOutcome, now: number): number {
    const { minTtlSeconds, maxTtlSeconds, graceSeconds } = this.#options.settings
    if (outcome.kind === 'found') {
      entry.state = 'good'
      entry.hosts = outcome.hosts
      entry.reason = ''
      entry.answeredAtMs = now
      entry.row = 0
      entry.goneSinceMs = null
      return Math.min(maxTtlSeconds, Math.max(minTtlSeconds, outcome.ttlSeconds)) * 1000
    }
    entry.reason = outcome.reason
    if (outcome.kind === 'empty') {
      entry.state = 'none'
      entry.hosts = []
      entry.answeredAtMs = now
      entry.row = 0
      return Math.min(maxTtlSeconds, Math.max(minTtlSeconds, outcome.ttlSeconds)) * 1000
    }
    entry.failures++
    entry.row++
    const hasGood = entry.hosts.length > 0
    if (outcome.kind === 'failed') {
      entry.state = hasGood ? 'kept' : 'none'
      return Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(10, entry.row - 1))
    }
    entry.goneSinceMs ??= now
    const leftMs = entry.goneSinceMs + graceSeconds * 1000 - now
    if (hasGood && leftMs > 0) {
      entry.state = 'kept'
      return Math.min(NEGATIVE_MS, leftMs)
    }
    entry.state = 'none'
    entry.hosts = []
    return NEGATIVE_MS
  }
}

function viewOf({
  question,
  state,
  hosts,
  answeredAtMs,
  nextAskMs,
  asked,
  failures,
  row,
  reason,
}: Entry): NameView {
  const isAnswered = state !== 'asking' && row === 0
  return { question, state, hosts, answeredAtMs, nextAskMs, isAnswered, asked, failures, reason }
}

function areSame(a: readonly FoundHost[], b: readonly FoundHost[]): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}
