import type { Predicate } from '../model/predicate.ts'
import { compileVariable, isDrawn, type Variable, type VariableValue } from './variables.ts'

/**
 * Several predicates that are asked one after the other about the same request: a variable that stands in them more than once is read once.
 * Whoever asks them calls `forget` before the first and behind the last; in between nothing may change what a variable gives. Not for bodies,
 * which come to be read in between, and not for draws, which are new each time.
 */
export class SharedReads {
  readonly #shared = new Map<string, SharedRead>()
  readonly #list: readonly SharedRead[]

  constructor(predicates: readonly (Predicate | null)[]) {
    const counts = new Map<string, number>()
    for (const predicate of predicates) if (predicate !== null) count(predicate, counts)
    for (const [name, uses] of counts) {
      if (uses < 2 || isDrawn(name)) continue
      const variable = compileVariable(name)
      if (!variable.needsBody) this.#shared.set(name, new SharedRead(variable))
    }
    this.#list = [...this.#shared.values()]
  }

  /** Whether anything is shared; without, there is nothing to forget. */
  get isUsed(): boolean {
    return this.#list.length > 0
  }

  variable(name: string): Variable {
    return this.#shared.get(name)?.variable ?? compileVariable(name)
  }

  forget(): void {
    for (let i = 0; i < this.#list.length; i++) (this.#list[i] as SharedRead).forget()
  }
}

class SharedRead {
  readonly variable: Variable
  #isRead = false
  #value: VariableValue = undefined

  constructor({ name, read }: Variable) {
    this.variable = {
      name,
      read: (view) => {
        if (this.#isRead) return this.#value
        this.#isRead = true
        this.#value = read(view)
        return this.#value
      },
      needsBody: false,
    }
  }

  /** What was read may hold the text of a whole head, so it is let go. */
  forget(): void {
    this.#isRead = false
    this.#value = undefined
  }
}

function count(predicate: Predicate, into: Map<string, number>): void {
  if (predicate.kind === 'not') return count(predicate.of, into)
  if (predicate.kind !== 'test') {
    for (const part of predicate.of) count(part, into)
    return
  }
  const { variable, value } = predicate
  into.set(variable, (into.get(variable) ?? 0) + 1)
  if (typeof value !== 'object' || value === null || !('variable' in value)) return
  into.set(value.variable, (into.get(value.variable) ?? 0) + 1)
}
