import type { Dialect } from '../dialects/dialect.ts'
import { fileReaders } from '../gateway/open-store.ts'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import { suggest } from '../model/suggest.ts'
import type { FileContents, FileReader, PlacedDocument, PlacedFault } from '../store/files/file-reader.ts'
import { mergeFiles } from '../store/files/read-files.ts'
import { CliError } from './cli-error.ts'
import { findKinds, singular } from './kinds.ts'
import type { CliIo } from './output.ts'
import { type Progress, readTarget } from './read-target.ts'

/** Documents of an apply, as the Admin API bounds them. */
const MAX_DOCUMENTS = 100_000

export interface WantedDocuments {
  readonly documents: readonly PlacedDocument[]
  /** Everything wrong that shows without the gateway; what a document may hold the gateway says. */
  readonly faults: readonly PlacedFault[]
  /** Text by file name, for excerpts. */
  readonly texts: ReadonlyMap<string, string>
}

/**
 * What the files (or directory, or `-`) want: files as the gateway reads them, and single documents as a REST API takes them. Settings in
 * the files are passed over. Rejects with CliError where there is nothing to send, or too much.
 */
export async function readWanted(
  target: string,
  dialects: readonly Dialect[],
  io: Pick<CliIo, 'readInput' | 'environment'>,
  onProgress?: Progress,
): Promise<WantedDocuments> {
  // what a document may hold is for the gateway to say, whose settings these are not
  const readers = fileReaders(dialects, DEFAULT_SETTINGS).map(({ dialect, kinds, read }) => ({
    dialect,
    kinds,
    read,
  }))
  const results = await readTarget(
    target,
    [...bareReaders(dialects), ...readers, unknownKind(dialects)],
    io,
    onProgress,
  )
  if (results.length === 0) {
    throw new CliError(`${target}: no configuration file is in it (*.yaml, *.yml, *.json; one level deep)`)
  }
  const merged = mergeFiles(results, [])
  const documents = [...merged.documents.values()]
  const faults = [...results.flatMap((result) => result.faults), ...merged.faults]
  for (const document of documents) {
    const fault = checkId(document, dialects)
    if (fault !== null) faults.push(fault)
  }
  if (faults.length === 0 && documents.length === 0)
    throw new CliError(`${target}: there is no document in it`)
  if (documents.length > MAX_DOCUMENTS) {
    throw new CliError(
      `${target}: ${documents.length} documents, at most ${MAX_DOCUMENTS} at once; apply it in several parts`,
    )
  }
  return { documents, faults, texts: new Map(results.map((result) => [result.file, result.text])) }
}

/** An id made up from a place in a list is another document's when the list changes: good enough to serve a file, not to write documents. */
function checkId(
  { key, value, path, locate }: PlacedDocument,
  dialects: readonly Dialect[],
): PlacedFault | null {
  const dialect = dialects.find(({ name }) => name === key.dialect)
  if (dialect === undefined || dialect.idOf(key.kind, value) !== null) return null
  const message = `this ${singular(key.kind)} has no id`
  return { path, message, hint: `give it one, such as id: my-${singular(key.kind)}`, place: locate('') }
}

/** Readers for a file that is one document, each for its own dialect. */
function bareReaders(dialects: readonly Dialect[]): FileReader[] {
  return dialects.map((dialect) => ({
    dialect: dialect.name,
    kinds: [],
    read: (root) => (isJsonObject(root) ? readBare(root, dialect, dialects) : null),
  }))
}

/** Comes last: a document that says what it is, and nobody knows that. */
function unknownKind(dialects: readonly Dialect[]): FileReader {
  return {
    dialect: '',
    kinds: [],
    read: (root) => {
      if (!isJsonObject(root) || typeof root.kind !== 'string') return null
      const words = dialects.flatMap((dialect) => dialect.kinds.map(singular))
      const near = suggest(root.kind, words)
      const hint = near === null ? `there are: ${[...new Set(words)].join(', ')}` : `did you mean ${near}?`
      return {
        documents: [],
        faults: [{ path: 'kind', message: `${root.kind} is no kind of document`, hint }],
      }
    },
  }
}

function readBare(root: JsonObject, dialect: Dialect, all: readonly Dialect[]): FileContents | null {
  const { kind: word, ...rest } = root
  if (typeof word === 'string') {
    const kind = namedKind(word, dialect)
    if (kind === null) return null
    // where dialects share the word, the keys tell
    const fits = (one: Dialect): boolean => one.recognize(rest).includes(namedKind(word, one) ?? '')
    const isOthers = !fits(dialect) && all.some((other) => other !== dialect && fits(other))
    return isOthers ? null : bareDocument(kind, rest, dialect)
  }
  const [kind, ...others] = dialect.recognize(root)
  if (kind === undefined) return null
  if (others.length > 0) {
    const words = [kind, ...others].map(singular)
    const message = `this may be a ${words.join(' or a ')}`
    return { documents: [], faults: [{ path: '', message, hint: `say which: kind: ${words[0]}` }] }
  }
  return bareDocument(kind, root, dialect)
}

function namedKind(word: string, dialect: Dialect): string | null {
  try {
    return findKinds(word, [dialect])[0]?.kind ?? null
  } catch {
    return null // another dialect's, or nobody's: the last reader says so
  }
}

function bareDocument(
  kind: string,
  value: Readonly<Record<string, JsonValue>>,
  dialect: Dialect,
): FileContents {
  const id = dialect.idOf(kind, value)
  if (id !== null) return { documents: [{ kind, id, value, path: '' }], faults: [] }
  const message = `this is a ${singular(kind)} without an id`
  return {
    documents: [],
    faults: [{ path: '', message, hint: `give it one, such as id: my-${singular(kind)}` }],
  }
}
