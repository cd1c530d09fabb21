import { createRequire } from 'node:module'
import { toByteString } from '../model/byte-string.ts'
import { hasSuffix, hasType } from './body-fields.ts'
import type { RequestView } from './request-view.ts'
import type { VariableValue } from './variables.ts'
import { parseXml, refillSteps, type XmlNode } from './xml-tree.ts'

/** XPath 1.0 over bodies in XML, with the engine `xpath`, in bounds (xml-tree.ts). */

/** Reads what the expression gives of a body. Never throws. */
type XpathReader = (view: RequestView) => VariableValue

/** Characters of an expression. */
export const MAX_XPATH_LENGTH = 1024

interface Value {
  stringValue(): string
}

type Kind<More> = new () => Value & More

interface Engine {
  parse(expression: string): {
    evaluate(options: { node: XmlNode; isHtml: boolean; namespaces: (prefix: string) => string }): Value
  }
  readonly XNodeSet: Kind<{ toUnsortedArray(): readonly XmlNode[]; stringForNode(node: XmlNode): string }>
  readonly XNumber: Kind<{ numberValue(): number }>
  readonly XBoolean: Kind<{ booleanValue(): boolean }>
}

let loaded: Engine | undefined

/** Loaded with the first expression: few gateways have one. */
function engine(): Engine {
  loaded ??= createRequire(import.meta.url)('xpath') as Engine
  return loaded
}

/** Functions of XPath 1.0 but those that need a document type (`id`), real namespaces (`namespace-uri`) or the language (`lang`). */
const FUNCTIONS: ReadonlySet<string> = new Set([
  'last',
  'position',
  'count',
  'local-name',
  'name',
  'string',
  'concat',
  'starts-with',
  'contains',
  'substring-before',
  'substring-after',
  'substring',
  'string-length',
  'normalize-space',
  'translate',
  'boolean',
  'not',
  'true',
  'false',
  'number',
  'sum',
  'floor',
  'ceiling',
  'round',
])
const NODE_TESTS: ReadonlySet<string> = new Set(['node', 'text', 'comment', 'processing-instruction'])
/** Words that may stand before a parenthesis without being a function. */
const WORDS: ReadonlySet<string> = new Set(['and', 'or', 'div', 'mod'])
/**
 * The engine builds `preceding` in time that grows with the square of the document, takes what lies inside a node for what follows it, and knows namespaces only as nodes of
 * declarations.
 */
const AXES_LEFT_OUT: ReadonlySet<string> = new Set(['preceding', 'following', 'namespace'])

/** Why an expression is none that is served; null: it is one. */
export function checkXpath(expression: string): string | null {
  if (expression.length > MAX_XPATH_LENGTH)
    return `it has ${expression.length} characters, at most ${MAX_XPATH_LENGTH} are allowed`
  const bare = expression.replace(/"[^"]*"|'[^']*'/g, '""')
  const variable = /\$[\w.:-]*/.exec(bare)
  if (variable !== null) return `there are no variables in expressions: ${variable[0]}`
  // behind an axis stands a node test, in the words of which a colon is no part
  for (const [, name = ''] of bare.matchAll(/([\p{L}_][\p{L}\p{N}_.:-]*)\s*\(/gu))
    if (!FUNCTIONS.has(name) && !WORDS.has(name) && !NODE_TESTS.has(name.slice(name.lastIndexOf(':') + 1)))
      return `there is no function ${name}; there are ${[...FUNCTIONS].join(', ')}`
  for (const [, axis = ''] of bare.matchAll(/([a-z-]+)\s*::/g))
    if (AXES_LEFT_OUT.has(axis)) return `the axis ${axis} is not supported`
  try {
    engine().parse(expression)
    return null
  } catch {
    return 'it is no expression of XPath 1.0'
  }
}

/** An expression that `checkXpath` does not accept never gives anything. */
export function compileXpath(expression: string): XpathReader {
  if (checkXpath(expression) !== null) return () => undefined
  const parsed = engine().parse(expression)
  return (view) => {
    const node = readDocument(view)
    if (node === null) return undefined
    refillSteps()
    try {
      return toVariable(parsed.evaluate({ node, isHtml: false, namespaces: asWritten }))
    } catch {
      return undefined
    }
  }
}

const asWritten = (prefix: string): string => prefix

/** Of a set of nodes the text of its first one in the document, absent for an empty set; other results as they are. */
function toVariable(value: Value): VariableValue {
  const { XNodeSet, XNumber, XBoolean } = engine()
  if (value instanceof XNumber) return value.numberValue()
  if (value instanceof XBoolean) return value.booleanValue()
  if (!(value instanceof XNodeSet)) return toByteString(value.stringValue())
  const first = firstOf(value.toUnsortedArray())
  return first === null ? undefined : toByteString(value.stringForNode(first))
}

/** In the order of the document; the engine would sort them all for it. */
function firstOf(nodes: readonly XmlNode[]): XmlNode | null {
  let first: XmlNode | null = null
  for (const node of nodes) if (first === null || node.order < first.order) first = node
  return first
}

let lastBody = ''
let lastDocument: XmlNode | null = null

/** Several conditions look into the same body one after the other, so the last one is kept. */
function readDocument(view: RequestView): XmlNode | null {
  const { body } = view
  if (typeof body !== 'string' || !isXml(view.header('content-type'))) return null
  if (body !== lastBody) {
    lastDocument = parseXml(body)
    lastBody = body
  }
  return lastDocument
}

/** `application/xml`, `text/xml`, and types whose subtype ends with `+xml`. */
function isXml(type: string | undefined): boolean {
  if (type === undefined) return false
  return hasType(type, 'application/xml') || hasType(type, 'text/xml') || hasSuffix(type, 'xml')
}
