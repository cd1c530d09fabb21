import { styleText } from 'node:util'
import type { Dialect, DialectSettings } from '../dialects/dialect.ts'
import { fileReaders } from '../gateway/open-store.ts'
import type { StoredDocument } from '../model/document.ts'
import { GatewayError } from '../model/gateway-error.ts'
import {
  type FileReader,
  formatPlace,
  type PlacedDocument,
  type PlacedFault,
} from '../store/files/file-reader.ts'
import { listFiles } from '../store/files/list-files.ts'
import {
  collectSettings,
  type FileResult,
  joinPath,
  mergeFiles,
  readFile,
  readText,
} from '../store/files/read-files.ts'

/** What standard input is called in messages. */
const STDIN_NAME = '<stdin>'

export interface ValidationReport {
  /** Everything that keeps a document or a file from being used, in the order of files and lines. */
  readonly faults: readonly PlacedFault[]
  /** What is accepted but not acted on, or names something that is not there. */
  readonly warnings: readonly PlacedFault[]
  /** Documents without faults. */
  readonly documents: readonly StoredDocument[]
  /** Text by file name, for excerpts. */
  readonly texts: ReadonlyMap<string, string>
}

export interface ValidateInput {
  /** Standard input; read only for the target `-`. */
  readonly readInput: () => Promise<string>
  readonly environment: NodeJS.ProcessEnv
}

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
  const merged = mergeFiles(results)
  const faults = [
    ...results.flatMap((result) => result.faults),
    ...collectSettings(target, results).faults,
    ...merged.faults,
  ]
  const warnings: PlacedFault[] = []
  const documents: StoredDocument[] = []
  for (const dialect of dialects) {
    const own = [...merged.documents.values()].filter(({ key }) => key.dialect === dialect.name)
    documents.push(...translateAll(dialect, own, settings, faults, warnings))
  }
  const order = new Map(results.map((result, i) => [result.file, i]))
  const byPlace = (a: PlacedFault, b: PlacedFault): number =>
    (order.get(a.place.file) ?? -1) - (order.get(b.place.file) ?? -1) ||
    a.place.line - b.place.line ||
    a.place.column - b.place.column
  return {
    faults: faults.sort(byPlace),
    warnings: warnings.sort(byPlace),
    documents,
    texts: new Map(results.map((result) => [result.file, result.text])),
  }
}

async function readTarget(
  target: string,
  readers: readonly FileReader[],
  input: ValidateInput,
): Promise<FileResult[]> {
  if (target === '-') {
    return [readText(STDIN_NAME, await input.readInput(), readers, input.environment, false)]
  }
  try {
    return listFiles(target).files.map((file) => readFile(file, readers, input.environment, false))
  } catch (error) {
    const detail = `${target}: cannot be read: ${error instanceof Error ? error.message : String(error)}`
    throw new GatewayError('BAD_SETTING', detail, { cause: error })
  }
}

function translateAll(
  dialect: Dialect,
  placed: readonly PlacedDocument[],
  settings: DialectSettings,
  faults: PlacedFault[],
  warnings: PlacedFault[],
): StoredDocument[] {
  const byKey = new Map<string, StoredDocument>()
  for (const { key, value } of placed) {
    const stored = { key, value, createdRevision: 1, modifiedRevision: 1, expiresAtMs: null }
    byKey.set(`${key.kind}\0${key.id}`, stored)
  }
  const lookup = (kind: string, id: string): StoredDocument | undefined => byKey.get(`${kind}\0${id}`)
  for (const { key, path: outer, locate } of placed) {
    const stored = lookup(key.kind, key.id)
    if (stored === undefined) continue
    try {
      for (const { path, message } of dialect.translate(stored, lookup, settings).warnings) {
        warnings.push({ path: joinPath(outer, path), message, hint: null, place: locate(path) })
      }
    } catch (error) {
      const path = error instanceof GatewayError ? (error.origin?.path ?? '') : ''
      const message = error instanceof Error ? error.message : String(error)
      faults.push({ path: joinPath(outer, path), message, hint: null, place: locate(path) })
    }
  }
  return [...byKey.values()]
}

export interface ValidateOptions {
  /** FILE, DIR or `-`. */
  readonly target: string
  readonly output: 'text' | 'json'
  readonly dialects: readonly Dialect[]
  readonly settings: DialectSettings
}

export interface ValidateIo extends ValidateInput {
  readonly write: (text: string) => void
  readonly writeError: (text: string) => void
  readonly hasColor: boolean
}

/** The process's own streams. Colour only on a terminal and without NO_COLOR (no-color.org: any text but the empty one). */
export function processIo(): ValidateIo {
  const { NO_COLOR: noColor } = process.env
  return {
    readInput: async () => {
      let text = ''
      process.stdin.setEncoding('utf8')
      for await (const chunk of process.stdin) text += chunk
      return text
    },
    environment: process.env,
    write: (text) => process.stdout.write(text),
    writeError: (text) => process.stderr.write(text),
    hasColor: process.stdout.isTTY === true && (noColor === undefined || noColor === ''),
  }
}

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
  io.write(options.output === 'json' ? toJson(report) : toText(report, options.target, io.hasColor))
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

function toText(report: ValidationReport, target: string, hasColor: boolean): string {
  const faults = report.faults.map((fault) => describeFault(fault, 'error', report.texts, hasColor))
  const warnings = report.warnings.map((fault) => describeFault(fault, 'warning', report.texts, hasColor))
  const counted = [
    count(report.documents.length, 'document'),
    ...(report.faults.length > 0 ? [count(report.faults.length, 'fault')] : []),
    ...(report.warnings.length > 0 ? [count(report.warnings.length, 'warning')] : []),
  ].join(', ')
  const name = target === '-' ? STDIN_NAME : target
  const summary = report.faults.length > 0 ? `${name}: ${counted}` : `${name}: valid (${counted})`
  return `${[...faults, ...warnings, summary].join('\n')}\n`
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** `file:line:column: path: reason (hint)`, then the line itself and a caret under the column. */
function describeFault(
  fault: PlacedFault,
  level: 'error' | 'warning',
  texts: ReadonlyMap<string, string>,
  hasColor: boolean,
): string {
  const paint = (style: 'red' | 'yellow' | 'bold' | 'dim', text: string): string =>
    hasColor ? styleText(style, text, { validateStream: false }) : text
  const { place, path, message, hint } = fault
  const reason = `${level === 'warning' ? 'warning: ' : ''}${path === '' ? '' : `${path}: `}${message}`
  const color = level === 'error' ? 'red' : 'yellow'
  const head = `${paint('bold', printable(formatPlace(place)))}: ${paint(color, printable(reason))}${hint === null ? '' : ` (${printable(hint)})`}`
  const line = texts.get(place.file)?.split('\n')[place.line - 1]?.replace(/\r$/, '')
  if (line === undefined || line.trim() === '') return head
  return `${head}\n${excerpt(line, place.line, place.column)
    .map((text) => paint('dim', text))
    .join('\n')}`
}

/** Width of a line that is shown; a longer one is cut around its column. Characters. */
const EXCERPT_WIDTH = 100

function excerpt(line: string, number: number, column: number): string[] {
  const from = column > EXCERPT_WIDTH ? column - EXCERPT_WIDTH / 2 : 0
  const shown = line.slice(from, from + EXCERPT_WIDTH)
  // Tabs stay tabs under the line, so that the caret stands where the eye expects it.
  const lead = shown.slice(0, Math.max(0, column - 1 - from)).replace(/[^\t]/g, ' ')
  const label = String(number)
  return [`  ${label} | ${printable(shown)}`, `  ${' '.repeat(label.length)} | ${lead}^`]
}

/** Controls of a file or a file's name never reach the terminal. */
function printable(text: string): string {
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '?')
}
