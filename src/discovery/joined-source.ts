import type { NameOutcome, NameQuestion, NameSource } from './discovery.ts'

/** Names are asked for by DNS, and pods of the clusters. */
export class JoinedSource implements NameSource {
  readonly #names: NameSource
  readonly #pods: NameSource

  constructor(names: NameSource, pods: NameSource) {
    this.#names = names
    this.#pods = pods
  }

  ask(question: NameQuestion): Promise<NameOutcome> {
    return this.#of(question).ask(question)
  }

  forget(question: NameQuestion): void {
    this.#of(question).forget?.(question)
  }

  onStale(listener: (question?: NameQuestion) => void): void {
    this.#names.onStale(listener)
    this.#pods.onStale(listener)
  }

  close(): void {
    this.#names.close()
    this.#pods.close()
  }

  #of({ kind }: NameQuestion): NameSource {
    return kind === 'pods' ? this.#pods : this.#names
  }
}
