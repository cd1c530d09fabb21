import type { RequestView } from '../expression/request-view.ts'
import type { Section } from '../model/listener.ts'
import { RouteSearch } from './find-route.ts'
import { IndexedRoute } from './indexed-route.ts'
import type { CompiledRoute, CompileEnvironment, NEEDS_BODY, Table, TableInspector, Trace } from './table.ts'
import { PendingEdit, type SectionIndex, TableContent, type TableEdit } from './table-edit.ts'

export type { TableEdit } from './table-edit.ts'

/** The routes of all sections, indexed. Edited revision by revision, in the thread that searches. */
export class RoutingTable implements Table {
  readonly #sections: readonly Section[]
  readonly #sectionNames: readonly string[]
  readonly #env: CompileEnvironment
  readonly #search = new RouteSearch()
  #content: TableContent
  #order: readonly SectionIndex[]
  #revision = 0
  /** Counts commits, so that an edit that began before one is noticed. */
  #commits = 0

  /** `sections`: all there are. `searched`: those that `find` searches, in that order; without, all. */
  constructor(
    sections: readonly Section[],
    env: CompileEnvironment,
    searched: readonly string[] = sections.map(({ name }) => name),
  ) {
    this.#sections = sections
    this.#sectionNames = searched
    this.#env = env
    this.#content = new TableContent(sections)
    this.#order = this.#orderOf(this.#content)
  }

  #orderOf(content: TableContent): readonly SectionIndex[] {
    return this.#sectionNames.map((name) => content.indexOf(name))
  }

  /** That of the last commit; 0 before the first. */
  get revision(): number {
    return this.#revision
  }

  get missSection(): Section {
    return this.#missSection(this.#sectionNames)
  }

  /** How many routes there are. */
  get size(): number {
    return this.#content.routes.size
  }

  get inspector(): TableInspector {
    return this.#inspect(this.#order)
  }

  #inspect(order: readonly SectionIndex[]): TableInspector {
    const { routes } = this.#content
    return {
      size: routes.size,
      isEmpty: (section) => this.#content.indexOf(section).isEmpty,
      walk: (view, visit) => {
        for (const index of order) if (!this.#search.walk(index, view, visit)) return
      },
      scan: (visit) => {
        for (const route of routes.values()) if (!visit(route)) return
      },
    }
  }

  /** Compiles those that no request has come to yet, one by one. */
  *routes(): IterableIterator<CompiledRoute> {
    for (const indexed of this.#content.routes.values()) {
      const route = indexed.compile()
      if (route !== null) yield route
    }
  }

  route(id: string): CompiledRoute | undefined {
    return this.#content.routes.get(id)?.compile() ?? undefined
  }

  find(view: RequestView, trace: Trace | null): CompiledRoute | null | typeof NEEDS_BODY {
    return this.#findIn(this.#order, view, trace)
  }

  /** The same table for a listener that searches these sections, in this order. Throws for a name that is none of the table's. */
  tableFor(sectionNames: readonly string[]): Table {
    let content = this.#content
    let order = sectionNames.map((name) => content.indexOf(name))
    const revision = () => this.#revision
    const missSection = () => this.#missSection(sectionNames)
    const inspector = () => this.#inspect(sectionNames.map((name) => this.#content.indexOf(name)))
    return {
      get inspector() {
        return inspector()
      },
      get revision() {
        return revision()
      },
      get missSection() {
        return missSection()
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
      index: (source, head) => new IndexedRoute(source, head, this.#sectionOf(head.section), this.#env),
      check,
      publish: (content, revision) => {
        this.#commits++
        this.#revision = revision
        if (content === this.#content) return
        this.#content = content
        this.#order = this.#orderOf(content)
      },
    })
  }

  /** `names` in the order of a search; empty sections are passed over, unless all are. */
  #missSection(names: readonly string[]): Section {
    const last = names.findLast((name) => !this.#content.indexOf(name).isEmpty)
    const name = last ?? names.find((each) => this.#sectionOf(each).surface.answersEmpty) ?? names[0]
    return this.#sectionOf(name ?? '')
  }

  #findIn(
    order: readonly SectionIndex[],
    view: RequestView,
    trace: Trace | null,
  ): CompiledRoute | null | typeof NEEDS_BODY {
    for (let i = 0; i < order.length; i++) {
      const index = order[i] as SectionIndex
      if (index.isEmpty) continue
      const found = this.#search.find(index, view, trace)
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
