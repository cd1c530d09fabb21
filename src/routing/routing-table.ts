import type { RequestView } from '../expression/request-view.ts'
import type { Section } from '../model/listener.ts'
import { RouteCandidate } from './compile.ts'
import { RouteSearch } from './find-route.ts'
import type { CompiledRoute, CompileEnvironment, NEEDS_BODY, Table, Trace } from './table.ts'
import { PendingEdit, type SectionIndex, TableContent, type TableEdit } from './table-edit.ts'

export type { TableEdit } from './table-edit.ts'

/** The routes of all sections, indexed. Edited revision by revision, in the thread that searches. */
export class RoutingTable implements Table {
  readonly #sections: readonly Section[]
  readonly #env: CompileEnvironment
  readonly #search = new RouteSearch()
  #content: TableContent
  #order: readonly SectionIndex[]
  #revision = 0
  /** Counts commits, so that an edit that began before one is noticed. */
  #commits = 0

  /** `sections`: all there are, in the order in which `find` searches them. */
  constructor(sections: readonly Section[], env: CompileEnvironment) {
    this.#sections = sections
    this.#env = env
    this.#content = new TableContent(sections)
    this.#order = [...this.#content.indexes.values()]
  }

  /** That of the last commit; 0 before the first. */
  get revision(): number {
    return this.#revision
  }

  /** How many routes there are. */
  get size(): number {
    return this.#content.routes.size
  }

  routes(): IterableIterator<CompiledRoute> {
    return this.#content.routes.values()
  }

  route(id: string): CompiledRoute | undefined {
    return this.#content.routes.get(id)
  }

  find(view: RequestView, trace: Trace | null): CompiledRoute | null | typeof NEEDS_BODY {
    return this.#findIn(this.#order, view, trace)
  }

  /** The same table for a listener that searches these sections, in this order. Throws for a name that is none of the table's. */
  tableFor(sectionNames: readonly string[]): Table {
    let content = this.#content
    let order = sectionNames.map((name) => content.indexOf(name))
    const revision = () => this.#revision
    return {
      get revision() {
        return revision()
      },
      find: (view, trace) => {
        if (content !== this.#content) {
          content = this.#content
          order = sectionNames.map((name) => content.indexOf(name))
        }
        return this.#findIn(order, view, trace)
      },
    }
  }

  begin(): TableEdit {
    const base = this.#content
    const commits = this.#commits
    const check = () => {
      if (commits !== this.#commits) throw new Error('another edit of the routing table was committed first')
    }
    return new PendingEdit({
      base,
      sections: this.#sections,
      compile: (route) => new RouteCandidate(route, this.#sectionOf(route.section), this.#env),
      check,
      publish: (content, revision) => {
        this.#commits++
        this.#revision = revision
        if (content === this.#content) return
        this.#content = content
        this.#order = [...content.indexes.values()]
      },
    })
  }

  #findIn(
    order: readonly SectionIndex[],
    view: RequestView,
    trace: Trace | null,
  ): CompiledRoute | null | typeof NEEDS_BODY {
    for (let i = 0; i < order.length; i++) {
      const found = this.#search.find(order[i] as SectionIndex, view, trace)
      if (found !== null) return found
    }
    return null
  }

  #sectionOf(name: string): Section {
    const section = this.#sections.find((candidate) => candidate.name === name)
    if (section === undefined) throw new Error(`the routing table has no section "${name}"`)
    return section
  }
}
