import { isUtf8 } from 'node:buffer'
import { readFileSync, statSync } from 'node:fs'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { suggest } from '../../model/suggest.ts'
import { keyLabel, keyText } from '../document-key.ts'
import {
  type FilePlace,
  type FileReader,
  formatPlace,
  type PlacedDocument,
  type PlacedFault,
} from './file-reader.ts'
import { listFiles } from './list-files.ts'
import { isModule, loadModule } from './load-module.ts'
import { type ParsedFile, parseFile } from './parse-file.ts'

/** Start-up settings share the files with documents under this key. */
export const SETTINGS_KEY = 'gateway'
const MAX_FILE_BYTES = 256 * 1024 * 1024

/** One file, read: its documents and everything that is wrong with it. */
export interface FileResult {
  readonly file: string
  readonly text: string
  readonly hasEnd: boolean
  /** Documents without a fault of their own. Empty when the file could not be parsed. */
  readonly documents: readonly PlacedDocument[]
  /** Start-up settings in it, in the order of the file. */
  readonly settings: readonly { readonly value: JsonValue; readonly locate: (path: string) => FilePlace }[]
  readonly faults: readonly PlacedFault[]
}

/** Reads and understands one file. Never throws: an unreadable file is one with a fault. */
export function readFile(
  file: string,
  readers: readonly FileReader[],
  environment: NodeJS.ProcessEnv,
  hadEnd: boolean,
): FileResult {
  try {
    const { size } = statSync(file)
    if (size > MAX_FILE_BYTES) return unreadable(file, `is larger than ${MAX_FILE_BYTES} bytes`)
    if (isModule(file)) return readModule(file, readers, environment)
    const bytes = readFileSync(file)
    if (!isUtf8(bytes) || bytes.includes(0)) {
      return unreadable(file, 'is no text: it holds bytes that are not UTF-8')
    }
    return readText(file, bytes.toString('utf8'), readers, environment, hadEnd)
  } catch (error) {
    return unreadable(file, `cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** What a module exports. Where in it a value was made cannot be told: faults name the file and the path in the document. */
function readModule(
  file: string,
  readers: readonly FileReader[],
  environment: NodeJS.ProcessEnv,
): FileResult {
  const loaded = loadModule(file, environment)
  if (!('text' in loaded)) {
    const { message, hint, place } = loaded
    return { ...unreadable(file, ''), faults: [{ path: '', message, hint, place }] }
  }
  const place = { file, line: 1, column: 1 }
  const locate = (): FilePlace => place
  const result = readText(file, loaded.text, readers, environment, false)
  return {
    ...result,
    text: '',
    documents: result.documents.map((document) => ({ ...document, locate })),
    settings: result.settings.map(({ value }) => ({ value, locate })),
    faults: result.faults.map((fault) => ({ ...fault, place })),
  }
}

/** The same for a text that is at hand (standard input). */
export function readText(
  file: string,
  text: string,
  readers: readonly FileReader[],
  environment: NodeJS.ProcessEnv,
  hadEnd: boolean,
): FileResult {
  const parsed = takeParsed(file, text, environment, hadEnd) ?? parseText(file, text, environment, hadEnd)
  if (readers === SETTINGS_READERS && environment === process.env && !hadEnd)
    parsedBefore.set(file, { text, parsed })
  const documents: PlacedDocument[] = []
  const settings: FileResult['settings'][number][] = []
  const faults: PlacedFault[] = [...parsed.faults]
  if (faults.length === 0) {
    for (const root of parsed.roots) {
      const body = withoutSettings(root.value)
      if (body.settings !== undefined) {
        settings.push({ value: body.settings, locate: (path) => root.locate(joinPath(SETTINGS_KEY, path)) })
        if (body.rest === null) continue
      }
      readRoot({ value: body.rest, locate: root.locate }, readers, documents, faults)
    }
  }
  return { file, text: parsed.text, hasEnd: parsed.hasEnd, documents, settings, faults }
}

function parseText(file: string, text: string, environment: NodeJS.ProcessEnv, hadEnd: boolean): ParsedFile {
  // A byte order mark is no part of the text.
  return parseFile(file, text.startsWith('\ufeff') ? text.slice(1) : text, environment, hadEnd)
}

/**
 * What `readGatewaySettings` parsed, until somebody reads the file for its documents: a start does both, and parsing is most of what a large file costs.
 */
const parsedBefore = new Map<string, { readonly text: string; readonly parsed: ParsedFile }>()

/** Only for the same text of the same file, with the same environment, and once. */
function takeParsed(
  file: string,
  text: string,
  environment: NodeJS.ProcessEnv,
  hadEnd: boolean,
): ParsedFile | null {
  const before = parsedBefore.get(file)
  if (before === undefined) return null
  parsedBefore.delete(file)
  return before.text === text && environment === process.env && !hadEnd ? before.parsed : null
}

function unreadable(file: string, message: string): FileResult {
  const fault = { path: '', message, hint: null, place: { file, line: 1, column: 1 } }
  return { file, text: '', hasEnd: false, documents: [], settings: [], faults: [fault] }
}

/** `rest` is null where settings are all there is. */
function withoutSettings(root: JsonValue): { settings: JsonValue | undefined; rest: JsonValue } {
  if (!isJsonObject(root) || !Object.hasOwn(root, SETTINGS_KEY)) return { settings: undefined, rest: root }
  const { [SETTINGS_KEY]: settings, ...rest } = root
  return { settings, rest: Object.keys(rest).length === 0 ? null : rest }
}

function readRoot(
  root: ParsedFile['roots'][number],
  readers: readonly FileReader[],
  documents: PlacedDocument[],
  faults: PlacedFault[],
): void {
  for (const reader of readers) {
    const contents = reader.read(root.value)
    if (contents === null) continue
    for (const fault of contents.faults) faults.push({ ...fault, place: root.locate(fault.path) })
    for (const { kind, id, value, path } of contents.documents) {
      const locate = (inner: string): FilePlace => root.locate(joinPath(path, inner))
      const found = reader.validate === undefined ? [] : reader.validate(kind, value)
      for (const fault of found) {
        faults.push({ ...fault, path: joinPath(path, fault.path), place: locate(fault.path) })
      }
      if (found.length > 0) continue
      documents.push({ key: { dialect: reader.dialect, kind, id }, value, path, locate })
    }
    return
  }
  faults.push(unknownShape(root, readers))
}

function unknownShape(root: ParsedFile['roots'][number], readers: readonly FileReader[]): PlacedFault {
  const known = [...new Set([...readers.flatMap((reader) => reader.kinds), SETTINGS_KEY])]
  const keys = isJsonObject(root.value) ? Object.keys(root.value) : []
  for (const key of keys) {
    const near = known.includes(key) ? null : suggest(key, known)
    if (near === null) continue
    const message = `${key} is nothing that a configuration file may hold`
    return { path: key, message, hint: `did you mean ${near}?`, place: root.locate(key) }
  }
  const first = keys[0]
  return {
    path: first ?? '',
    message: 'the file is in no form that is known here',
    hint: `at its top a file has one or more of: ${known.join(', ')}`,
    place: first === undefined ? root.locate('') : root.locate(first),
  }
}

/** `routes[0]` and `uri` to `routes[0].uri`; `[1]` joins without a dot. */
export function joinPath(outer: string, inner: string): string {
  if (outer === '') return inner
  if (inner === '') return outer
  return inner.startsWith('[') ? `${outer}${inner}` : `${outer}.${inner}`
}

/**
 * Documents of several files as one set. Of two with one key the first (by file name, then place) counts, and the second is a fault that
 * names both places.
 */
export function mergeFiles(
  files: readonly { readonly documents: readonly PlacedDocument[] }[],
  readers: readonly FileReader[],
): {
  documents: Map<string, PlacedDocument>
  faults: PlacedFault[]
} {
  const documents = new Map<string, PlacedDocument>()
  const faults: PlacedFault[] = []
  for (const { documents: found } of files) {
    for (const document of found) {
      const key = keyText(document.key)
      const other = documents.get(key)
      if (other === undefined) {
        documents.set(key, document)
        continue
      }
      const message = `${keyLabel(document.key)} is already defined at ${formatPlace(other.locate(''))}`
      const hint = 'give one of them another id, or remove it'
      faults.push({ path: document.path, message, hint, place: document.locate('') })
    }
  }
  addCompanions(documents, readers)
  return { documents, faults }
}

/** Adds what the systems of the documents make beside them. It has the place of what it came with. */
function addCompanions(documents: Map<string, PlacedDocument>, readers: readonly FileReader[]): void {
  const known = new Map(readers.map((reader) => [reader.dialect, reader.companions]))
  const waiting = [...documents.values()]
  for (let document = waiting.pop(); document !== undefined; document = waiting.pop()) {
    const { dialect, kind } = document.key
    for (const made of known.get(dialect)?.(kind, document.value) ?? []) {
      const key = { dialect, kind: made.kind, id: made.id }
      if (documents.has(keyText(key))) continue
      const companion = { key, value: made.value, path: document.path, locate: document.locate }
      documents.set(keyText(key), companion)
      waiting.push(companion)
    }
  }
}

export interface GatewaySettings {
  /** The object under `gateway:`, null where no file has one. */
  readonly value: JsonObject | null
  readonly locate: (path: string) => FilePlace
  readonly faults: readonly PlacedFault[]
}

/**
 * The start-up settings of a configuration file or directory. Faults: a file that cannot be parsed, a `gateway:` that is no object, a
 * second one. Throws as `fs` does when the target is not there.
 */
export function readGatewaySettings(
  target: string,
  environment: NodeJS.ProcessEnv = process.env,
): GatewaySettings {
  const results = listFiles(target).files.map((file) => readFile(file, SETTINGS_READERS, environment, false))
  const settings = collectSettings(target, results)
  return { ...settings, faults: [...results.flatMap((result) => result.faults), ...settings.faults] }
}

/** The one `gateway:` object of several files, and faults where there are two or it is none. */
export function collectSettings(target: string, results: readonly FileResult[]): GatewaySettings {
  const faults: PlacedFault[] = []
  let found: { value: JsonObject; locate: (path: string) => FilePlace } | null = null
  for (const { value, locate } of results.flatMap((result) => result.settings)) {
    if (!isJsonObject(value)) {
      const message = `${SETTINGS_KEY} must be an object`
      faults.push({ path: SETTINGS_KEY, message, hint: null, place: locate('') })
    } else if (found !== null) {
      const message = `settings stand already at ${formatPlace(found.locate(''))}`
      faults.push({ path: SETTINGS_KEY, message, hint: 'keep them in one file', place: locate('') })
    } else found = { value, locate }
  }
  const nowhere = (): FilePlace => ({ file: target, line: 1, column: 1 })
  return { value: found?.value ?? null, locate: found?.locate ?? nowhere, faults }
}

/** Accepts whatever else stands in the file: only the settings are asked for. */
const SETTINGS_READERS: readonly FileReader[] = [
  { dialect: '', kinds: [], read: () => ({ documents: [], faults: [] }) },
]
