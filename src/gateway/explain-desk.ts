import type {
  ExplainRequest,
  Explanation,
  StreamExplanation,
  StreamQuestion,
  WorkerExplanation,
} from '../model/explanation.ts'
import type { StreamEntrance } from '../proxy/proxy-contract.ts'
import { ExplainError } from './explain-request.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/** Of a worker what explain needs. */
export interface ExplainingWorker {
  readonly key: number
  readonly state: string
  send(message: ToWorker): void
}

interface Question {
  readonly message: ToWorker
  worker: number
  /** Whom it is put to; null: anybody. */
  readonly only: number | null
  readonly tried: Set<number>
  readonly timer: NodeJS.Timeout
  readonly resolve: (explanation: Explanation | StreamExplanation) => void
  readonly reject: (error: Error) => void
}

export const EXPLAIN_TIMEOUT_MS = 2_000
/** Questions under way. */
const MAX_QUESTIONS = 64
const NOBODY = 'no worker serves at this moment: ask again in a second'

/** Puts questions to workers, one of them each unless all are asked. Should that one go, another is asked. */
export class ExplainDesk {
  readonly #workers: () => Iterable<ExplainingWorker>
  readonly #timeoutMs: number
  readonly #questions = new Map<number, Question>()
  #nextId = 1

  constructor(workers: () => Iterable<ExplainingWorker>, timeoutMs = EXPLAIN_TIMEOUT_MS) {
    this.#workers = workers
    this.#timeoutMs = timeoutMs
  }

  /** Rejects with ExplainError when no worker answers in time. */
  async explain(request: ExplainRequest, listener: string): Promise<Explanation> {
    return (await this.#put((id) => ({ type: 'explain', id, request, listener }))) as Explanation
  }

  /** Asks every worker that serves, each by itself. Rejects with ExplainError when there is none. */
  async explainEach(request: ExplainRequest, listener: string): Promise<readonly WorkerExplanation[]> {
    const serving = [...this.#workers()].filter(({ state }) => state === 'serving')
    if (serving.length === 0) throw new ExplainError('noAnswer', NOBODY)
    return Promise.all(
      serving.map(async ({ key: worker }): Promise<WorkerExplanation> => {
        try {
          const told = await this.#put((id) => ({ type: 'explain', id, request, listener }), worker)
          return { worker, explanation: told as Explanation, error: null }
        } catch (error) {
          if (!(error instanceof ExplainError)) throw error
          return { worker, explanation: null, error: error.message }
        }
      }),
    )
  }

  /** The same for a stream. */
  async explainStream(question: StreamQuestion, entrance: StreamEntrance): Promise<StreamExplanation> {
    return (await this.#put((id) => ({ type: 'explainStream', id, question, entrance }))) as StreamExplanation
  }

  /** A worker answers each kind of question with its own kind of explanation. */
  #put(
    messageOf: (id: number) => ToWorker,
    only: number | null = null,
  ): Promise<Explanation | StreamExplanation> {
    if (this.#questions.size >= MAX_QUESTIONS)
      return Promise.reject(
        new ExplainError('noAnswer', `${MAX_QUESTIONS} questions are being explained: ask again later`),
      )
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#fail(id, `no worker answered within ${this.#timeoutMs / 1000} s`),
        this.#timeoutMs,
      )
      const message = messageOf(id)
      this.#questions.set(id, { message, worker: 0, only, tried: new Set(), timer, resolve, reject })
      this.#ask(id)
    })
  }

  receive({ id, explanation, error }: FromWorker & { readonly type: 'explained' }): void {
    const question = this.#questions.get(id)
    if (question === undefined) return // too late
    if (explanation === null) return this.#fail(id, `a worker could not explain it: ${error ?? ''}`)
    this.#end(id, question)
    question.resolve(explanation)
  }

  /** A worker is gone. */
  forget(key: number): void {
    for (const [id, question] of this.#questions) if (question.worker === key) this.#ask(id)
  }

  #ask(id: number): void {
    const question = this.#questions.get(id)
    if (question === undefined) return
    for (const worker of this.#workers()) {
      if (worker.state !== 'serving' || question.tried.has(worker.key)) continue
      if (question.only !== null && question.only !== worker.key) continue
      question.worker = worker.key
      question.tried.add(worker.key)
      worker.send(question.message)
      return
    }
    this.#fail(id, question.only === null ? NOBODY : `worker ${question.only} has gone`)
  }

  #fail(id: number, message: string): void {
    const question = this.#questions.get(id)
    if (question === undefined) return
    this.#end(id, question)
    question.reject(new ExplainError('noAnswer', message))
  }

  #end(id: number, question: Question): void {
    clearTimeout(question.timer)
    this.#questions.delete(id)
  }
}
