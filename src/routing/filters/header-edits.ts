import type { RequestView } from '../../expression/request-view.ts'
import { type CompiledTemplate, compileTemplate } from '../../expression/template.ts'
import { toByteString } from '../../model/byte-string.ts'
import { CONTROL, TOKEN } from '../../model/field-syntax.ts'
import type { HeaderEdits, HeaderValue } from '../../model/filter.ts'
import type { CompiledHeaderEdits, RewriteGroups } from '../table.ts'

type Line = readonly [name: string, value: string]

interface LineTemplate {
  readonly name: string
  readonly template: CompiledTemplate
  /** `set` with an empty value takes the field away; `add` sends it empty. */
  readonly skipsEmpty: boolean
}

/**
 * The outcome of add, set, remove in that order (model/filter.ts), worked out beforehand: lines of `add` whose name is also set or removed
 * and lines of `set` whose name is removed never come to be.
 */
export function compileHeaderEdits(edits: HeaderEdits): {
  readonly headers: CompiledHeaderEdits
  readonly needsBody: boolean
} {
  const removed = new Set(edits.remove.map(keyOf))
  const dropped = new Set(removed)
  for (const { name } of edits.set) dropped.add(keyOf(name))
  const templates = [
    ...edits.add.filter(({ name }) => !dropped.has(keyOf(name))).map((value) => compileLine(value, false)),
    ...edits.set.filter(({ name }) => !removed.has(keyOf(name))).map((value) => compileLine(value, true)),
  ]
  const needsBody = templates.some(({ template }) => template.needsBody)
  if (!templates.every(({ name }) => TOKEN.test(name))) {
    return { headers: { dropped, lines: () => undefined }, needsBody }
  }
  return { headers: { dropped, lines: compileLines(templates) }, needsBody }
}

function compileLines(templates: readonly LineTemplate[]): CompiledHeaderEdits['lines'] {
  if (templates.every(({ template }) => template.isLiteral)) {
    // Literal templates read nothing of the request.
    const lines = renderLines(templates, NO_VIEW, null)
    return () => lines
  }
  return (view, groups) => renderLines(templates, view, groups)
}

function renderLines(
  templates: readonly LineTemplate[],
  view: RequestView,
  groups: RewriteGroups | null,
): readonly Line[] | undefined {
  const lines: Line[] = []
  const captures = groups === null ? null : groups.captures
  for (let i = 0; i < templates.length; i++) {
    const { name, template, skipsEmpty } = templates[i] as LineTemplate
    const value = template.render(view, captures)
    if (CONTROL.test(value)) return undefined
    if (value !== '' || !skipsEmpty) lines.push([name, value])
  }
  return lines
}

function compileLine({ name, value }: HeaderValue, skipsEmpty: boolean): LineTemplate {
  return { name: toByteString(name), template: compileTemplate(value), skipsEmpty }
}

function keyOf(name: string): string {
  return toByteString(name).toLowerCase()
}

const NO_VIEW = {} as RequestView
