import type { DocumentKey, Warning } from '../model/document.ts'
import type { ModelObject } from '../model/model.ts'
import type { Route } from '../model/route.ts'

/** A change of the model. */
export interface ModelChange {
  readonly upserts: readonly ModelObject[]
  readonly removals: readonly { readonly kind: ModelObject['kind']; readonly id: string }[]
}

/** Warnings of one change; whoever adds a thousand hidden routes is told once. */
const MAX_WARNINGS = 20

/**
 * Routes that take every request, by section: no route of a later section is ever reached then. Only these are remembered, so a change costs a look
 * at its own routes.
 */
export class CatchAlls {
  readonly #sections: readonly string[]
  /** Ids by section. */
  readonly #ids = new Map<string, Set<string>>()

  /** `sections`: in the order in which they are searched. */
  constructor(sections: readonly string[]) {
    this.#sections = sections
    for (const section of sections) this.#ids.set(section, new Set())
  }

  /** For the next start (model-cache.ts). */
  export(): readonly (readonly [section: string, ids: readonly string[]])[] {
    return [...this.#ids].map(([section, ids]) => [section, [...ids]])
  }

  import(tables: readonly (readonly [section: string, ids: readonly string[]])[]): void {
    for (const [section, ids] of tables) for (const id of ids) this.#ids.get(section)?.add(id)
  }

  note({ upserts, removals }: ModelChange): void {
    if (this.#sections.length < 2) return
    for (const { kind, id } of removals) {
      if (kind === 'route') for (const ids of this.#ids.values()) ids.delete(id)
    }
    for (const object of upserts) {
      if (object.kind !== 'route') continue
      const ids = this.#ids.get(object.section)
      if (isCatchAll(object)) ids?.add(object.id)
      else ids?.delete(object.id)
    }
  }

  /**
   * What a change, before it is noted, hides: its routes that are never reached, and its routes that hide others. `hasRoutes` is asked only for
   * the latter.
   */
  look(change: ModelChange, hasRoutes: (section: string) => boolean): readonly Warning[] {
    if (this.#sections.length < 2) return []
    const routes = change.upserts.filter((object) => object.kind === 'route')
    if (routes.length === 0) return []
    const aboves = this.#findAbove(change)
    const warnings: Warning[] = []
    for (const route of routes) {
      if (warnings.length === MAX_WARNINGS) break
      const place = this.#sections.indexOf(route.section)
      if (place < 0) continue // searched by nobody
      const above = aboves[place] ?? null
      if (above !== null) {
        const message = `is never reached: route ${above} takes every request, and its section is searched first (setting sections)`
        warnings.push({ key: keyOf(route.id), path: '', message })
      }
      if (!isCatchAll(route) || this.#ids.get(route.section)?.has(route.id) === true) continue
      const hidden = this.#sections.slice(place + 1).filter(hasRoutes)
      if (hidden.length === 0) continue
      const message = `takes every request, so the ${hidden.join(' and ')} routes are never reached (setting sections)`
      warnings.push({ key: keyOf(route.id), path: '', message })
    }
    return warnings
  }

  /** What is hidden as things stand, in one sentence; null: nothing. */
  describe(hasRoutes: (section: string) => boolean): string | null {
    for (const [place, section] of this.#sections.entries()) {
      const [id] = this.#ids.get(section) ?? []
      if (id === undefined) continue
      const hidden = this.#sections.slice(place + 1).filter(hasRoutes)
      return hidden.length === 0
        ? null
        : `route ${id} takes every request, so the ${hidden.join(' and ')} routes are never reached`
    }
    return null
  }

  /** For each section a route of an earlier one that takes everything once the change is made. */
  #findAbove({ upserts, removals }: ModelChange): readonly (string | null)[] {
    const changed = new Set<string>()
    const coming = new Map<string, string>()
    for (const { id } of removals) changed.add(id)
    for (const object of upserts) {
      changed.add(object.id)
      if (object.kind === 'route' && isCatchAll(object)) coming.set(object.section, object.id)
    }
    const above: (string | null)[] = []
    let found: string | null = null
    for (const section of this.#sections) {
      above.push(found)
      if (found !== null) continue
      for (const id of this.#ids.get(section) ?? []) if (!changed.has(id)) found = id
      found ??= coming.get(section) ?? null
    }
    return above
  }
}

function isCatchAll(route: Route): boolean {
  if (route.methods !== null || route.clients !== null || route.predicate !== null) return false
  return route.entries.some(
    ({ host, path }) =>
      host.kind === 'any' && path.kind === 'prefix' && (path.text === '' || path.text === '/'),
  )
}

/** The document behind `<dialect>/<kind>/<id>`. */
function keyOf(routeId: string): DocumentKey {
  const [dialect = '', kind = '', ...rest] = routeId.split('/')
  return { dialect, kind, id: rest.join('/') }
}
