/** What the first operation of a GraphQL document says about itself. */
export interface GraphqlOperation {
  /** `query`, `mutation` or `subscription`. */
  readonly operation: string
  /** '' for an anonymous operation. */
  readonly name: string
  /** Names (not aliases) of the fields of its own selection set, in order; spreads are left out. */
  readonly rootFields: readonly string[]
}

/**
 * Reads a document by the GraphQL grammar (September 2025, section 2): the whole text must be made of definitions with balanced brackets
 * and well-formed selection sets, else null. Only the first operation is told about. One pass without recursion, so neither size nor
 * nesting can hold a worker. `text` is a byte string.
 */
export function parseGraphql(text: string): GraphqlOperation | null {
  if (text.length > MAX_LENGTH) return null
  const reader = new Reader(text)
  let first: GraphqlOperation | null = null
  reader.next()
  while (reader.kind !== END) {
    const operation = readDefinition(reader)
    if (operation === null) return null
    if (first === null && operation !== FRAGMENT) first = operation
  }
  return first
}

const MAX_LENGTH = 1_048_576
const FRAGMENT: GraphqlOperation = { operation: '', name: '', rootFields: [] }

/** Kinds of tokens beside punctuators, which are their own character (`...` is SPREAD). */
const END = 'end'
const BAD = 'bad'
const NAME = 'name'
const VALUE = 'value'
const SPREAD = '...'

class Reader {
  kind = ''
  /** The name, if the token is one. */
  name = ''
  readonly #text: string
  #at = 0
  constructor(text: string) {
    // a UTF-8 byte order mark may stand in front
    this.#text = text.startsWith('\xef\xbb\xbf') ? text.slice(3) : text
  }

  next(): void {
    this.kind = this.#read()
  }

  /** Takes a punctuator or says that it is not there. */
  take(kind: string): boolean {
    if (this.kind !== kind) return false
    this.next()
    return true
  }

  #read(): string {
    const text = this.#text
    this.#skipIgnored()
    if (this.#at >= text.length) return END
    const start = this.#at
    const code = text.charCodeAt(start)
    if (isNameStart(code)) {
      while (isNameStart(text.charCodeAt(this.#at)) || isDigit(text.charCodeAt(this.#at))) this.#at++
      this.name = text.slice(start, this.#at)
      return NAME
    }
    if (code === 34) return this.#readString()
    if (isDigit(code) || code === 45) return this.#readNumber()
    if (text.startsWith('...', start)) {
      this.#at += 3
      return SPREAD
    }
    this.#at++
    const character = text[start] as string
    return '{}()[]:!$@=|&'.includes(character) ? character : BAD
  }

  #skipIgnored(): void {
    const text = this.#text
    for (; this.#at < text.length; this.#at++) {
      const code = text.charCodeAt(this.#at)
      if (code === 35) {
        while (this.#at < text.length && !isLineEnd(text.charCodeAt(this.#at))) this.#at++
      } else if (code !== 32 && code !== 9 && code !== 44 && !isLineEnd(code)) return
    }
  }

  #readString(): string {
    const text = this.#text
    if (text.startsWith('"""', this.#at)) {
      let end = text.indexOf('"""', this.#at + 3)
      while (end > 0 && text.charCodeAt(end - 1) === 92) end = text.indexOf('"""', end + 3)
      if (end < 0) return BAD
      this.#at = end + 3
      return VALUE
    }
    for (let i = this.#at + 1; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (isLineEnd(code)) return BAD
      if (code === 92) i++
      else if (code === 34) {
        this.#at = i + 1
        return VALUE
      }
    }
    return BAD
  }

  #readNumber(): string {
    const text = this.#text
    this.#at++
    while (this.#at < text.length && /[0-9.eE+-]/.test(text[this.#at] as string)) this.#at++
    return VALUE
  }
}

/** An operation or fragment definition; null: malformed. Type definitions have no place in a request. */
function readDefinition(reader: Reader): GraphqlOperation | null {
  if (reader.kind === '{') {
    const fields = readSelections(reader)
    return fields === null ? null : { operation: 'query', name: '', rootFields: fields }
  }
  if (reader.kind !== NAME) return null
  const keyword = reader.name
  reader.next()
  if (keyword === 'fragment') {
    if (reader.kind !== NAME || reader.name === 'on') return null
    reader.next()
    if (!takeName(reader, 'on') || !reader.take(NAME)) return null
    if (!skipVariables(reader) || !skipDirectives(reader)) return null
    return readSelections(reader) === null ? null : FRAGMENT
  }
  if (keyword !== 'query' && keyword !== 'mutation' && keyword !== 'subscription') return null
  let name = ''
  if (reader.kind === NAME) {
    name = reader.name
    reader.next()
  }
  if (!skipVariables(reader) || !skipDirectives(reader)) return null
  const fields = readSelections(reader)
  return fields === null ? null : { operation: keyword, name, rootFields: fields }
}

/** The fields of the outermost selection set; null: malformed, or empty, at any depth. */
function readSelections(reader: Reader): string[] | null {
  const fields: string[] = []
  if (!reader.take('{')) return null
  let depth = 1
  let isEmpty = true
  while (depth > 0) {
    if (reader.kind === '}') {
      if (isEmpty) return null
      depth--
      reader.next()
      continue
    }
    isEmpty = false
    let mustOpen = false
    if (reader.take(SPREAD)) {
      if (reader.kind === NAME && reader.name !== 'on') reader.next()
      else {
        mustOpen = true
        if (takeName(reader, 'on') && !reader.take(NAME)) return null
      }
    } else {
      if (reader.kind !== NAME) return null
      let name = reader.name
      reader.next()
      if (reader.take(':')) {
        if (reader.kind !== NAME) return null
        name = reader.name
        reader.next()
      }
      if (depth === 1) fields.push(name)
      if (!skipArguments(reader)) return null
    }
    if (!skipDirectives(reader)) return null
    if (reader.take('{')) {
      depth++
      isEmpty = true
    } else if (mustOpen) return null
  }
  return fields
}

function takeName(reader: Reader, name: string): boolean {
  return reader.kind === NAME && reader.name === name && reader.take(NAME)
}

function skipDirectives(reader: Reader): boolean {
  while (reader.take('@')) {
    if (!reader.take(NAME) || !skipArguments(reader)) return false
  }
  return true
}

const skipArguments = (reader: Reader): boolean => skipBrackets(reader)
const skipVariables = (reader: Reader): boolean => skipBrackets(reader)

/** `( … )` if there is one: anything with balanced brackets, not empty. Values are not looked at, so their grammar is not checked further. */
function skipBrackets(reader: Reader): boolean {
  if (!reader.take('(')) return true
  if (reader.kind === ')') return false
  const open: string[] = [')']
  while (open.length > 0) {
    const { kind } = reader
    if (kind === END || kind === BAD || kind === SPREAD) return false
    if (kind === '(') return false
    if (kind === '[') open.push(']')
    else if (kind === '{') open.push('}')
    else if ((kind === ']' || kind === '}' || kind === ')') && open.pop() !== kind) return false
    reader.next()
  }
  return true
}

function isNameStart(code: number): boolean {
  const lower = code | 0x20
  return (lower >= 97 && lower <= 122) || code === 95
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function isLineEnd(code: number): boolean {
  return code === 10 || code === 13
}
