import type { Dialect } from '../dialects/dialect.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import { toYaml } from '../model/yaml-text.ts'
import { alignDocument } from './align.ts'
import { unifiedDiff } from './line-diff.ts'
import { type CliIo, paint, printable, type Style } from './output.ts'

/** A change of one document, as our own API tells of it. */
export interface ShownChange {
  readonly dialect: string
  readonly kind: string
  readonly id: string
  readonly result: string
  readonly before?: JsonObject | null
  readonly after?: JsonObject | null
}

export function nameOfChange({ dialect, kind, id }: Pick<ShownChange, 'dialect' | 'kind' | 'id'>): string {
  return `${dialect}/${kind}/${id}`
}

/**
 * A change as a unified diff of YAML, coloured on terminals. Both sides are brought to one form first, so that only what differs shows.
 * `source`: where the new version comes from (`routes.yaml:3:5`), which stands behind a tab, as dates do.
 */
export function formatChange(
  io: Pick<CliIo, 'hasColor'>,
  change: ShownChange,
  dialects: readonly Dialect[],
  source: string | null = null,
): string {
  const { before, after } = change
  const name = nameOfChange(change)
  const lines = unifiedDiff(before ? toYaml(before) : '', after ? toYaml(align(change, dialects)) : '')
  const head = [
    paint(io, 'bold', printable(`--- ${before ? name : NOTHING}`)),
    paint(io, 'bold', printable(`+++ ${after ? name : NOTHING}${source === null ? '' : `\t${source}`}`)),
  ]
  const body = lines.map(({ sign, text }) => {
    const line = printable(sign === '@' ? text : `${sign}${text}`)
    const style = STYLES[sign]
    return style === null ? line : paint(io, style, line)
  })
  return `${[...head, ...body].join('\n')}\n`
}

/** What tools that read diffs take for a file that is not there. */
const NOTHING = '/dev/null'

const STYLES: Readonly<Record<' ' | '-' | '+' | '@', Style | null>> = {
  ' ': null,
  '-': 'red',
  '+': 'green',
  '@': 'cyan',
}

function align(
  { before, after, dialect: name, kind }: ShownChange,
  dialects: readonly Dialect[],
): JsonObject {
  if (!isJsonObject(after)) return {}
  const dialect = dialects.find((known) => known.name === name)
  if (!isJsonObject(before) || dialect === undefined) return after
  return alignDocument(before, after, dialect.normalize(kind, before), dialect.normalize(kind, after))
}

const RESULT_STYLES: Readonly<Record<string, Style>> = { created: 'green', changed: 'yellow', deleted: 'red' }

/** `apisix/routes/1 changed`. */
export function formatResult(io: Pick<CliIo, 'hasColor'>, change: ShownChange): string {
  const style = RESULT_STYLES[change.result]
  const word = style === undefined ? change.result : paint(io, style, change.result)
  return `${printable(nameOfChange(change))} ${word}`
}
