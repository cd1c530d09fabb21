import { type NameQuestion, type NameView, questionName } from '../discovery/discovery.ts'
import type { DocumentKey } from '../model/document.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { ENDPOINT_STATES, OWN_DIALECT, stateIn, statesKey } from '../model/operator-states.ts'
import type { Upstream } from '../model/upstream.ts'
import { expandNames, questionsOf } from './expand-names.ts'
import type { Circumstances, DocumentReader, Plan } from './reconcile.ts'

/** The names that answer (discovery/names.ts). */
export interface NameBook {
  find(question: NameQuestion): NameView['hosts'] | null
  use(question: NameQuestion): void
  drop(question: NameQuestion): void
  firstAnswers(deadlineMs: number): Promise<void> | null
}

export interface CircumstancesOptions {
  readonly names: NameBook
  /** An upstream is in the model no more. */
  readonly onUpstreamGone: (id: string) => void
}

/** How long a start, or a write, waits for the first answers of names that are new. */
const FIRST_ANSWER_MS = 2000

/** What shapes upstreams beside their documents: addresses of names, and what operators said. Knows which names are in use by whom. */
export class UpstreamCircumstances implements Circumstances {
  readonly #options: CircumstancesOptions
  /** By upstream: the questions of its newest form, which may not be in force. */
  readonly #latest = new Map<string, readonly NameQuestion[]>()
  /** By question: the upstreams that may need it. */
  readonly #users = new Map<string, { readonly question: NameQuestion; readonly ids: Set<string> }>()

  constructor(options: CircumstancesOptions) {
    this.#options = options
  }

  adjust(upstream: Upstream, read: DocumentReader): Upstream {
    const questions = questionsOf(upstream)
    let endpoints: readonly Endpoint[] = upstream.endpoints
    if (questions.length > 0 || this.#latest.has(upstream.id)) this.#note(upstream.id, questions)
    if (questions.length > 0) {
      const { names } = this.#options
      endpoints = expandNames(upstream, (kind, name) => names.find({ kind, name }))
    }
    const said = read(statesKey(upstream.id))
    if (said !== undefined) {
      endpoints = endpoints.map((endpoint) => {
        const state = stateIn(said.value, endpoint)?.state ?? 'ready'
        return state === endpoint.state ? endpoint : { ...endpoint, state }
      })
    }
    return endpoints === upstream.endpoints ? upstream : { ...upstream, endpoints }
  }

  upstreamsOf({ dialect, kind, id }: DocumentKey): readonly string[] {
    return dialect === OWN_DIALECT && kind === ENDPOINT_STATES ? [id] : []
  }

  /** Until a change is in force both its questions and those before it count. */
  #note(id: string, questions: readonly NameQuestion[]): void {
    this.#latest.set(id, questions)
    for (const question of questions) {
      const name = questionName(question)
      const user = this.#users.get(name)
      if (user === undefined) {
        this.#users.set(name, { question, ids: new Set([id]) })
        this.#options.names.use(question)
      } else user.ids.add(id)
    }
  }

  /** A change of the model is in force: what it needs no more is no longer asked for. */
  noteChange({ upserts, removals }: Pick<Plan, 'upserts' | 'removals'>): void {
    for (const { kind, id } of removals) {
      if (kind !== 'upstream') continue
      this.#forget(id)
      this.#options.onUpstreamGone(id)
    }
    for (const { kind, id } of upserts) {
      const questions = kind === 'upstream' ? this.#latest.get(id) : undefined
      if (questions === undefined) continue
      this.#release(id, new Set(questions.map(questionName)))
      if (questions.length === 0) this.#latest.delete(id)
    }
  }

  #forget(id: string): void {
    if (!this.#latest.delete(id)) return
    this.#release(id, new Set())
  }

  #release(id: string, kept: ReadonlySet<string>): void {
    for (const [name, { question, ids }] of this.#users) {
      if (kept.has(name) || !ids.delete(id) || ids.size > 0) continue
      this.#users.delete(name)
      this.#options.names.drop(question)
    }
  }

  /** The upstreams that a new answer concerns. */
  usersOf(question: NameQuestion): readonly string[] {
    return [...(this.#users.get(questionName(question))?.ids ?? [])]
  }

  /** All upstreams that use names. */
  named(): readonly string[] {
    return [...this.#latest.keys()]
  }

  /** Resolves when all new names have had an answer, or it has taken long enough; null: there are none. */
  firstAnswers(): Promise<void> | null {
    return this.#options.names.firstAnswers(FIRST_ANSWER_MS)
  }

  /** Upstreams that were planned for and never came (a dry run) need no answers. `isInForce` tells of an id. */
  sweep(isInForce: (id: string) => boolean): void {
    for (const id of [...this.#latest.keys()]) if (!isInForce(id)) this.#forget(id)
  }
}
