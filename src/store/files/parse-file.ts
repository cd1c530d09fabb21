import { basename } from 'node:path'
import type { Document, LineCounter } from 'yaml'
import type { Fault } from '../../model/document.ts'
import type { JsonValue } from '../../model/json.ts'
import type { FilePlace, PlacedFault } from './file-reader.ts'
import { interpolate } from './interpolate.ts'
import { isPlainJson, JsonPlaces } from './json-places.ts'
import { offsetOf } from './locate.ts'
import { yaml } from './yaml.ts'

/** Uses of one anchor by aliases, against documents that unfold without end. */
const MAX_ALIASES = 100
/** Files that APISIX reads only when they end so; another file of that name is taken for half-written. */
const NEEDS_END = new Set(['apisix.yaml', 'apisix.yml'])
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype'])

/** One document of a file (YAML files may hold several). */
export interface ParsedRoot {
  readonly value: JsonValue
  readonly locate: (path: string) => FilePlace
}

export interface ParsedFile {
  readonly file: string
  readonly text: string
  readonly roots: readonly ParsedRoot[]
  /** Not empty: nothing of the file may be used. */
  readonly faults: readonly PlacedFault[]
  /** Whether the last line is `#END`. */
  readonly hasEnd: boolean
}

/**
 * Text to plain data with positions. YAML 1.2 (which reads JSON too), keys unique, aliases bounded. `#END`, the mark by which APISIX
 * knows that its file was written to the end, is required in files named apisix.yaml and in files that had it before (`hadEnd`); a
 * truncated one is then never acted on. Elsewhere it is a comment.
 */
export function parseFile(
  file: string,
  text: string,
  environment: NodeJS.ProcessEnv,
  hadEnd: boolean,
): ParsedFile {
  const lines = new (yaml().LineCounter)()
  const faults: PlacedFault[] = []
  const roots: ParsedRoot[] = []
  const hasEnd = /(?:^|\n)#END[ \t]*\s*$/.test(text)
  const done = (): ParsedFile => ({ file, text, roots, faults, hasEnd })
  const placeAt = (offset: number): FilePlace => {
    const { line, col } = lines.linePos(Math.min(offset, text.length))
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const addFault = (offset: number, fault: Fault): void => {
    faults.push({ ...fault, place: placeAt(offset) })
  }
  if (text.trim() === '') {
    const message = 'the file is empty'
    const hint =
      'remove the file, or say so inside it, e.g. `routes: []`; an empty file is taken for one that is being written'
    addFault(0, { path: '', message, hint })
    return done()
  }
  const json = hadEnd || NEEDS_END.has(basename(file)) ? null : parsePlainJson(file, text)
  if (json !== null) return { file, text, roots: [json], faults, hasEnd }
  let documents: Document[]
  try {
    documents = [
      ...yaml().parseAllDocuments(text, {
        version: '1.2',
        merge: true,
        uniqueKeys: true,
        lineCounter: lines,
      }),
    ]
  } catch (error) {
    addFault(0, { path: '', message: `cannot be parsed: ${messageOf(error)}`, hint: null })
    return done()
  }
  for (const document of documents) {
    for (const { message, pos } of document.errors) {
      addFault(pos[0], { path: '', message: firstLine(message), hint: null })
    }
  }
  if (!hasEnd && (hadEnd || NEEDS_END.has(basename(file)))) {
    const hint = 'write #END as the last line once the file is complete'
    addFault(text.length, { path: '', message: 'the last line is not #END', hint })
  }
  if (faults.length > 0) return done()
  if (file.endsWith('.json')) {
    try {
      JSON.parse(text)
    } catch (error) {
      const at = /position (\d+)/.exec(messageOf(error))
      addFault(Number(at?.[1] ?? 0), { path: '', message: `is no JSON: ${messageOf(error)}`, hint: null })
      return done()
    }
  }
  for (const document of documents) {
    checkAndFill(document, environment, addFault)
    if (faults.length > 0) continue
    try {
      const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES })
      const locate = (path: string): FilePlace => placeAt(offsetOf(document, path))
      // `toJS` gives null for a document of comments only: it holds nothing.
      if (value !== null && value !== undefined) roots.push({ value: value as JsonValue, locate })
    } catch (error) {
      addFault(startOf(document), { path: '', message: messageOf(error), hint: null })
    }
  }
  return done()
}

/**
 * JSON that needs no closer look, some fifty times faster than by the YAML parser, which reads it too: machines write files of a hundred
 * thousand documents. Positions are looked for only where one is asked for. null: read it the long way, which tells what is wrong.
 */
function parsePlainJson(file: string, text: string): ParsedRoot | null {
  if (!/^\s*[{[]/.test(text) || text.includes('${{')) return null
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    return null
  }
  if (!isPlainJson(text)) return null
  let places: JsonPlaces | null = null
  let lines: LineCounter | null = null
  const locate = (path: string): FilePlace => {
    places ??= new JsonPlaces(text)
    lines ??= countLines(text)
    const { line, col } = lines.linePos(places.offsetOf(path))
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  return { value, locate }
}

function countLines(text: string): LineCounter {
  const lines = new (yaml().LineCounter)()
  lines.addNewLine(0)
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1)
  return lines
}

/** Fills in the environment and finds what JSON cannot hold. Edits the parsed nodes, never the text, so positions stay. */
function checkAndFill(
  document: Document,
  environment: NodeJS.ProcessEnv,
  addFault: (offset: number, fault: Fault) => void,
): void {
  const { isAlias, isNode, isScalar, visit } = yaml()
  visit(document, {
    Pair(_, pair) {
      const key = isAlias(pair.key) ? pair.key.resolve(document) : pair.key
      const name = isScalar(key) ? String(key.value) : null
      const offset = isNode(pair.key) ? (pair.key.range?.[0] ?? startOf(document)) : startOf(document)
      if (name === null) addFault(offset, { path: '', message: 'a key must be a text', hint: null })
      else if (FORBIDDEN_KEYS.has(name)) {
        addFault(offset, { path: name, message: `${name} may not be a key`, hint: null })
      }
    },
    Alias(_, node) {
      if (node.resolve(document) !== undefined) return
      const message = `*${node.source} names no anchor that comes before it`
      addFault(node.range?.[0] ?? 0, { path: '', message, hint: null })
    },
    Scalar(_, node) {
      const offset = node.range?.[0] ?? 0
      if (typeof node.value === 'number' && !Number.isFinite(node.value)) {
        addFault(offset, { path: '', message: `${node.source} is no number that JSON knows`, hint: null })
      }
      if (typeof node.value !== 'string') return
      const result = interpolate(node.value, environment)
      if (result.kind === 'value') node.value = result.value
      if (result.kind === 'missing') {
        const names = result.names.join(', ')
        const hint = `set it, or give a default: \${{${result.names[0]}:=value}}`
        addFault(offset, { path: '', message: `the environment variable ${names} is not set`, hint })
      }
    },
  })
}

function startOf(document: Document): number {
  return document.range?.[0] ?? 0
}

/** The parser appends an excerpt of its own; ours is made from the position. */
function firstLine(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
