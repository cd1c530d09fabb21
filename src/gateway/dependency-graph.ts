/** Which documents were looked at to translate which: both ways, so that a change finds its dependents without a scan. */
export class DependencyGraph {
  readonly #uses = new Map<string, readonly string[]>()
  readonly #usedBy = new Map<string, Set<string>>()

  /** Replaces what `key` depends on. An empty list forgets it. */
  set(key: string, uses: Iterable<string>): void {
    for (const old of this.#uses.get(key) ?? []) {
      const users = this.#usedBy.get(old)
      users?.delete(key)
      if (users?.size === 0) this.#usedBy.delete(old)
    }
    const list = [...uses]
    if (list.length === 0) this.#uses.delete(key)
    else this.#uses.set(key, list)
    for (const used of list) {
      const users = this.#usedBy.get(used)
      if (users === undefined) this.#usedBy.set(used, new Set([key]))
      else users.add(key)
    }
  }

  /** All that looked at something, with what they looked at. */
  entries(): Iterable<readonly [key: string, uses: readonly string[]]> {
    return this.#uses
  }

  /** Documents to translate again when `key` changes, appears or goes. */
  dependents(key: string): Iterable<string> {
    return this.#usedBy.get(key) ?? []
  }
}
