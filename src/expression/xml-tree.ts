import { createRequire } from 'node:module'
import { fromByteString } from '../model/byte-string.ts'

/**
 * An XML document as the nodes that XPath walks over (the part of DOM that its engine asks for). Every step of a walk is counted: documents come from clients, and an expression
 * that is harmless over one of them can take minutes over another.
 */

/** Longer documents are not read. Bytes. */
export const MAX_XML_BYTES = 262_144
/** Elements, attributes and texts of a document that is read. */
export const MAX_XML_NODES = 10_000
/** Elements inside each other. */
export const MAX_XML_DEPTH = 128
/** Steps from node to node that one expression may take over one document; 64 bytes of text that it looks at count as one, and so do four comparisons of places. */
const MAX_XPATH_STEPS = 100_000

const BYTES_A_STEP = 64
/** Steps: sets of nodes are sorted for predicates, and that is cheap. */
const A_COMPARISON = 0.25

/** Thrown inside the engine, whose callers take it for an expression without a value. */
class TooManySteps extends Error {}

let stepsLeft = 0

/** Before each evaluation. */
export function refillSteps(): void {
  stepsLeft = MAX_XPATH_STEPS
}

function take(steps: number): void {
  stepsLeft -= steps
  if (stepsLeft < 0) throw new TooManySteps()
}

function takeText(text: string): string {
  take(1 + text.length / BYTES_A_STEP)
  return text
}

const ELEMENT = 1
const ATTRIBUTE = 2
const TEXT = 3
const DOCUMENT = 9
/** Of `compareDocumentPosition`. */
const PRECEDING = 2
const FOLLOWING = 4

type NodeType = typeof ELEMENT | typeof ATTRIBUTE | typeof TEXT | typeof DOCUMENT

/**
 * Names are those that are written: a prefix is as good as its own namespace, and a declared default namespace plays no part. So `//soap:Body` finds what is written so, and whoever
 * does not know the prefix asks for `local-name()`.
 */
export class XmlNode {
  readonly nodeType: NodeType
  readonly nodeName: string
  readonly localName: string
  readonly prefix: string | null
  readonly namespaceURI: string | null
  readonly ownerDocument: XmlNode | null
  /** Place in the document. */
  readonly order: number
  readonly #parent: XmlNode | null
  readonly #text: string
  #first: XmlNode | null = null
  #last: XmlNode | null = null
  #next: XmlNode | null = null
  #previous: XmlNode | null = null
  #attributes: XmlNode[] = []

  constructor(
    nodeType: NodeType,
    nodeName: string,
    text: string,
    { parent, document, order }: { parent: XmlNode | null; document: XmlNode | null; order: number },
  ) {
    const colon = nodeName.indexOf(':')
    this.nodeType = nodeType
    this.nodeName = nodeName
    this.localName = colon < 0 ? nodeName : nodeName.slice(colon + 1)
    this.prefix = colon < 0 ? null : nodeName.slice(0, colon)
    this.namespaceURI = this.prefix
    this.ownerDocument = document
    this.order = order
    this.#parent = parent
    this.#text = text
  }

  append(child: XmlNode): void {
    const last = this.#last
    this.#last = child
    if (last === null) this.#first = child
    else {
      last.#next = child
      child.#previous = last
    }
  }

  addAttribute(attribute: XmlNode): void {
    this.#attributes.push(attribute)
  }

  get firstChild(): XmlNode | null {
    take(1)
    return this.#first
  }

  get nextSibling(): XmlNode | null {
    take(1)
    return this.#next
  }

  get previousSibling(): XmlNode | null {
    take(1)
    return this.#previous
  }

  get parentNode(): XmlNode | null {
    take(1)
    return this.nodeType === ATTRIBUTE ? null : this.#parent
  }

  get ownerElement(): XmlNode | null {
    return this.nodeType === ATTRIBUTE ? this.#parent : null
  }

  get attributes(): { readonly length: number; item(index: number): XmlNode | undefined } | null {
    if (this.nodeType !== ELEMENT) return null
    const list = this.#attributes
    take(1 + list.length)
    return { length: list.length, item: (index) => list[index] }
  }

  get nodeValue(): string | null {
    return this.nodeType === TEXT || this.nodeType === ATTRIBUTE ? takeText(this.#text) : null
  }

  /** Of an attribute. */
  get value(): string | undefined {
    return this.nodeType === ATTRIBUTE ? takeText(this.#text) : undefined
  }

  /** Of an attribute. */
  get name(): string | undefined {
    return this.nodeType === ATTRIBUTE ? this.nodeName : undefined
  }

  compareDocumentPosition(other: XmlNode): number {
    take(A_COMPARISON)
    return other === this ? 0 : other.order < this.order ? PRECEDING : FOLLOWING
  }
}

/** Thrown inside the parser. */
class Unreadable extends Error {}

/** The part of saxes that is used. It knows no entities but the five of XML and never fetches anything. */
interface SaxParser {
  on(event: 'opentag', handler: (tag: { name: string; attributes: Record<string, string> }) => void): void
  on(event: 'closetag' | 'doctype', handler: () => void): void
  on(event: 'text' | 'cdata', handler: (text: string) => void): void
  write(text: string): SaxParser
  close(): void
}

let Parser: (new () => SaxParser) | undefined

/** Loaded with the first document: few gateways read XML. */
function makeParser(): SaxParser {
  Parser ??= (createRequire(import.meta.url)('saxes') as { SaxesParser: new () => SaxParser }).SaxesParser
  return new Parser()
}

/**
 * null: no well-formed XML, with a document type (entities come from there), or larger than the limits above. The bytes are UTF-8, whatever the document declares.
 */
export function parseXml(body: string): XmlNode | null {
  if (body.length > MAX_XML_BYTES) return null
  try {
    return build(fromByteString(body))
  } catch {
    return null
  }
}

function build(text: string): XmlNode {
  let order = 0
  const document = new XmlNode(DOCUMENT, '#document', '', { parent: null, document: null, order })
  const open = [document]
  let pending = ''
  const make = (type: NodeType, name: string, value: string, parent: XmlNode): XmlNode => {
    if (++order > MAX_XML_NODES) throw new Unreadable()
    return new XmlNode(type, name, value, { parent, document, order })
  }
  // texts and CDATA that follow each other are one text to XPath
  const endText = (): void => {
    const parent = open.at(-1) as XmlNode
    if (pending !== '' && open.length > 1) parent.append(make(TEXT, '#text', pending, parent))
    pending = ''
  }
  const parser = makeParser()
  parser.on('doctype', () => {
    throw new Unreadable()
  })
  parser.on('opentag', ({ name, attributes }) => {
    endText()
    if (open.length > MAX_XML_DEPTH) throw new Unreadable()
    const parent = open.at(-1) as XmlNode
    const element = make(ELEMENT, name, '', parent)
    // declarations of namespaces are no attributes to XPath
    for (const [key, value] of Object.entries(attributes))
      if (key !== 'xmlns' && !key.startsWith('xmlns:'))
        element.addAttribute(make(ATTRIBUTE, key, value, element))
    parent.append(element)
    open.push(element)
  })
  parser.on('closetag', () => {
    endText()
    open.pop()
  })
  const addText = (part: string): void => {
    pending += part
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.write(text).close()
  return document
}
