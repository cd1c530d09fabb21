import type { ExplainRequest, Explanation, StreamExplanation, StreamQuestion } from '../model/explanation.ts'
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
  readonly tried: Set<number>
  readonly timer: NodeJS.Timeout
  readonly resolve: (explanation: Explanation | StreamExplanation) => void
  readonly reject: (error: Error) => void
}

export const EXPLAIN_TIMEOUT_MS = 2_000
/** Questions under way. */
const MAX_QUESTIONS = 64

/** Puts questions to workers, one of them each. Should that one go, another is asked. */
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

  /** The same for a stream. */
  async explainStream(question: StreamQuestion, entrance: StreamEntrance): Promise<StreamExplanation> {
    return (await this.#put((id) => ({ type: 'explainStream', id, question, entrance }))) as StreamExplanation
  }

  /** A worker answers each kind of question with its own kind of explanation. */
  #put(messageOf: (id: number) => ToWorker): Promise<Explanation | StreamExplanation> {
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
      this.#questions.set(id, { message, worker: 0, tried: new Set(), timer, resolve, reject })
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
      question.worker = worker.key
      question.tried.add(worker.key)
      worker.send(question.message)
      return
    }
    this.#fail(id, 'no worker serves at this moment: ask again in a second')
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
