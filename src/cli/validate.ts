import { type Dialect, type DialectSettings, DocumentSet } from '../dialects/dialect.ts'
import { CatchAlls } from '../gateway/catch-alls.ts'
import { fileReaders } from '../gateway/open-store.ts'
import { resolveSettings } from '../gateway/settings.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import type { DocumentKey, StoredDocument } from '../model/document.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { JsonValue } from '../model/json.ts'
import type { ModelObject } from '../model/model.ts'
import { keyText } from '../store/document-key.ts'
import { formatPlace, type PlacedDocument, type PlacedFault } from '../store/files/file-reader.ts'
import { collectSettings, joinPath, mergeFiles } from '../store/files/read-files.ts'
import { count, describeFault } from './fault-text.ts'
import { type CliIo, processIo } from './output.ts'
import { readTarget, STDIN_NAME } from './read-target.ts'

export interface ValidationReport {
  /** Everything that keeps a document or a file from being used, in the order of files and lines. */
  readonly faults: readonly PlacedFault[]
  /** What is accepted but not acted on, or names something that is not there. */
  readonly warnings: readonly PlacedFault[]
  /** Documents without faults. */
  readonly documents: readonly StoredDocument[]
  /** `file:line:column` of a place in a document; null for one that is not in the files. */
  readonly placeOf: (key: DocumentKey, path: string) => string | null
  /** Text by file name, for excerpts. */
  readonly texts: ReadonlyMap<string, string>
}

export type ValidateInput = Pick<CliIo, 'readInput' | 'environment'>

/**
 * Reads files as the gateway would and finds every fault at once: syntax, shape, each document by its dialect, duplicates, and what shows
 * only when documents are put together (translation, with the others at hand). `target` is a file, a directory or `-`. Rejects with
 * BAD_SETTING when it cannot be read.
 */
export async function validateFiles(
  target: string,
  dialects: readonly Dialect[],
  settings: DialectSettings,
  input: ValidateInput,
): Promise<ValidationReport> {
  const readers = fileReaders(dialects, settings)
  const results = await readTarget(target, readers, input)
  const merged = mergeFiles(results, readers)
  const own = collectSettings(target, results)
  const found: Findings = {
    faults: [...results.flatMap((result) => result.faults), ...own.faults, ...merged.faults],
    warnings: [],
    objects: [],
  }
  const documents: StoredDocument[] = []
  const placed = [...merged.documents.values()]
  for (const dialect of dialects) {
    const ofDialect = placed.filter(({ key }) => key.dialect === dialect.name)
    documents.push(...translateAll(dialect, ofDialect, settings, found))
  }
  warnOfHidden(merged.documents, own.value?.sections, found)
  const { faults, warnings } = found
  const order = new Map(results.map((result, i) => [result.file, i]))
  const byPlace = (a: PlacedFault, b: PlacedFault): number =>
    (order.get(a.place.file) ?? -1) - (order.get(b.place.file) ?? -1) ||
    a.place.line - b.place.line ||
    a.place.column - b.place.column
  return {
    faults: faults.sort(byPlace),
    warnings: warnings.sort(byPlace),
    documents,
    placeOf: (key, path) => {
      const placed = merged.documents.get(keyText(key))
      return placed === undefined ? null : formatPlace(placed.locate(path))
    },
    texts: new Map(results.map((result) => [result.file, result.text])),
  }
}

interface Findings {
  readonly faults: PlacedFault[]
  readonly warnings: PlacedFault[]
  readonly objects: ModelObject[]
}

/** Routes that no request reaches, since one of a dialect that is searched before takes all. */
function warnOfHidden(
  documents: ReadonlyMap<string, PlacedDocument>,
  written: JsonValue | undefined,
  { objects, warnings }: Findings,
): void {
  const isOrder = Array.isArray(written) && written.every((section) => typeof section === 'string')
  const sections = isOrder ? (written as readonly string[]) : DEFAULT_SETTINGS.sections
  // the routes that are hidden are told of, so the one that hides them need not be
  for (const { key, message } of new CatchAlls(sections).look(
    { upserts: objects, removals: [] },
    () => false,
  )) {
    const document = documents.get(keyText(key))
    if (document === undefined) continue
    warnings.push({ path: document.path, message, hint: null, place: document.locate('') })
  }
}

function translateAll(
  dialect: Dialect,
  placed: readonly PlacedDocument[],
  settings: DialectSettings,
  { faults, warnings, objects }: Findings,
): StoredDocument[] {
  const versions = { createdRevision: 1, modifiedRevision: 1, expiresAtMs: null }
  const set = new DocumentSet(
    dialect,
    placed.map(({ key, value }) => ({ key, value, ...versions })),
  )
  for (const { key, path: outer, locate } of placed) {
    const stored = set.lookup(key.kind, key.id)
    if (stored === undefined) continue
    try {
      const translation = dialect.translate(stored, set.lookup, settings, set.search)
      objects.push(...translation.objects)
      for (const { path, message } of translation.warnings) {
        warnings.push({ path: joinPath(outer, path), message, hint: null, place: locate(path) })
      }
    } catch (error) {
      const path = error instanceof GatewayError ? (error.origin?.path ?? '') : ''
      const message = error instanceof Error ? error.message : String(error)
      faults.push({ path: joinPath(outer, path), message, hint: null, place: locate(path) })
    }
  }
  return [...set]
}

export interface ValidateOptions {
  /** FILE, DIR or `-`. */
  readonly target: string
  readonly output: 'text' | 'json'
  /** Only faults and warnings, without the line that counts them. */
  readonly quiet?: boolean
  readonly dialects: readonly Dialect[]
  readonly settings: DialectSettings
}

/** Documents mean what the settings of their own files say; where those have faults, which are told with the rest, the defaults. */
export function settingsFor(target: string, env: NodeJS.ProcessEnv = process.env): DialectSettings {
  if (target === '-') return DEFAULT_SETTINGS
  try {
    return resolveSettings({ config: target }, env)
  } catch {
    return DEFAULT_SETTINGS
  }
}

export type ValidateIo = Pick<CliIo, 'readInput' | 'environment' | 'write' | 'writeError' | 'hasColor'>

/** `headgate validate`. Resolves to the exit status: 0 without faults (warnings are allowed), 1 with faults or an unreadable target. */
export async function runValidate(options: ValidateOptions, io: ValidateIo = processIo()): Promise<number> {
  let report: ValidationReport
  try {
    report = await validateFiles(options.target, options.dialects, options.settings, io)
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    io.writeError(`headgate: ${error.message}\n`)
    return 1
  }
  io.write(options.output === 'json' ? toJson(report) : toText(io, report, options))
  return report.faults.length > 0 ? 1 : 0
}

function toJson(report: ValidationReport): string {
  const plain = ({ place, path, message, hint }: PlacedFault): object => ({ ...place, path, message, hint })
  const body = {
    faults: report.faults.map(plain),
    warnings: report.warnings.map(plain),
    documents: report.documents.length,
  }
  return `${JSON.stringify(body, null, 2)}\n`
}

function toText(io: ValidateIo, report: ValidationReport, { target, quiet }: ValidateOptions): string {
  const faults = report.faults.map((fault) => describeFault(io, fault, 'error', report.texts))
  const warnings = report.warnings.map((fault) => describeFault(io, fault, 'warning', report.texts))
  const counted = [
    count(report.documents.length, 'document'),
    ...(report.faults.length > 0 ? [count(report.faults.length, 'fault')] : []),
    ...(report.warnings.length > 0 ? [count(report.warnings.length, 'warning')] : []),
  ].join(', ')
  const name = target === '-' ? STDIN_NAME : target
  const summary = report.faults.length > 0 ? `${name}: ${counted}` : `${name}: valid (${counted})`
  const lines = [...faults, ...warnings, ...(quiet === true ? [] : [summary])]
  return lines.map((line) => `${line}\n`).join('')
}
