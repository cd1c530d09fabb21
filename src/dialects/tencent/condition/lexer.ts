/**
 * The words of a condition (spec/tencent.md 3.2), one at a time: what a word means depends on where it stands, so the parser asks for the next
 * one only when it knows what may follow.
 */

export type Token =
  | {
      /** `sign`: an operator of signs. `foreign`: what no condition holds, such as `&&`. */
      readonly kind: 'end' | 'open' | 'close' | 'comma' | 'word' | 'sign' | 'number' | 'foreign'
      readonly text: string
      readonly offset: number
    }
  | {
      readonly kind: 'text'
      /** With its quotes. */
      readonly text: string
      readonly offset: number
      readonly value: string
    }
  | {
      readonly kind: 'reference'
      readonly text: string
      readonly offset: number
      readonly location: string
      readonly name: string
    }
  | {
      /** Begins as a text, a number or a reference and is none. */
      readonly kind: 'unclosed' | 'broken'
      readonly text: string
      readonly offset: number
      readonly expected: string
    }

/** Longer ones first. */
const SIGNS = ['===', '!==', '==', '!=', '<>', '<=', '>=', '&&', '||', '=', '<', '>', '&', '|']
const FOREIGN: ReadonlySet<string> = new Set(['===', '!==', '&&', '||', '&', '|'])
/** What may stand right behind a number. */
const KEYWORDS: ReadonlySet<string> = new Set(['and', 'or', 'like', 'in', 'in_cidr'])

export class Lexer {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  next(): Token {
    const text = this.#text
    while (this.#at < text.length && isBlank(text.charCodeAt(this.#at))) this.#at++
    if (this.#at === text.length) return { kind: 'end', text: '', offset: this.#at }
    const first = text.charAt(this.#at)
    if (first === '(') return this.#take('open', 1)
    if (first === ')') return this.#take('close', 1)
    if (first === ',') return this.#take('comma', 1)
    if (first === "'" || first === '"') return this.#quoted(first)
    if (isLetter(first)) return this.#word()
    if (isDigit(first) || (first === '-' && isDigit(text.charAt(this.#at + 1)))) return this.#number()
    return this.#sign()
  }

  #take(kind: 'open' | 'close' | 'comma' | 'word' | 'sign' | 'number' | 'foreign', length: number): Token {
    const offset = this.#at
    this.#at += length
    return { kind, text: this.#text.slice(offset, this.#at), offset }
  }

  #broken(length: number, expected: string): Token {
    const { text, offset } = this.#take('foreign', length)
    return { kind: 'broken', text, offset, expected }
  }

  /** A backslash is ordinary unless it stands before the quote that began the text. */
  #quoted(quote: string): Token {
    const text = this.#text
    const offset = this.#at
    let value = ''
    let from = offset + 1
    for (let i = from; i < text.length; i++) {
      const char = text.charAt(i)
      if (char === '\\' && text.charAt(i + 1) === quote) {
        value += text.slice(from, i) + quote
        i++
        from = i + 1
      } else if (char === quote) {
        this.#at = i + 1
        return {
          kind: 'text',
          text: text.slice(offset, this.#at),
          offset,
          value: value + text.slice(from, i),
        }
      }
    }
    this.#at = text.length
    return { kind: 'unclosed', text: text.slice(offset), offset, expected: `a ${quote} that closes the text` }
  }

  /** A word; with a dot right behind it a location and a name. */
  #word(): Token {
    const text = this.#text
    const end = this.#endOf(isWordChar, this.#at)
    if (text.charAt(end) !== '.') return this.#take('word', end - this.#at)
    const nameEnd = this.#endOf(isNameChar, end + 1)
    const length = nameEnd - this.#at
    if (nameEnd === end + 1)
      return this.#broken(length, 'a name right behind the dot, such as header.UserName')
    const location = text.slice(this.#at, end).toLowerCase()
    const name = text.slice(end + 1, nameEnd)
    const taken = this.#take('word', length)
    return { kind: 'reference', text: taken.text, offset: taken.offset, location, name }
  }

  #number(): Token {
    const text = this.#text
    let end = this.#endOf(isDigit, this.#at + 1)
    if (text.charAt(end) === '.' && isDigit(text.charAt(end + 1))) end = this.#endOf(isDigit, end + 1)
    const rest = this.#endOf(isNameChar, end)
    if (rest > end && !KEYWORDS.has(text.slice(end, rest).toLowerCase())) {
      return this.#broken(
        rest - this.#at,
        'a plain number such as 30, -4 or 2.5; anything else stands in quotes',
      )
    }
    return this.#take('number', end - this.#at)
  }

  #sign(): Token {
    const text = this.#text
    const sign = SIGNS.find((one) => text.startsWith(one, this.#at))
    if (sign !== undefined) return this.#take(FOREIGN.has(sign) ? 'foreign' : 'sign', sign.length)
    if (text.charAt(this.#at) === '!') {
      const end = this.#endOf(isWordChar, this.#at + 1)
      const isNegation = /^(?:like|in|in_cidr)$/i.test(text.slice(this.#at + 1, end))
      return isNegation ? this.#take('sign', end - this.#at) : this.#take('foreign', 1)
    }
    return this.#take('foreign', this.#endOf(isOrdinary, this.#at + 1) - this.#at)
  }

  #endOf(belongs: (char: string) => boolean, from: number): number {
    let end = from
    while (end < this.#text.length && belongs(this.#text.charAt(end))) end++
    return end
  }
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 10 || code === 13
}

function isLetter(char: string): boolean {
  return (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z')
}

function isDigit(char: string): boolean {
  return char >= '0' && char <= '9' && char.length === 1
}

function isWordChar(char: string): boolean {
  return isLetter(char) || isDigit(char) || char === '_'
}

function isNameChar(char: string): boolean {
  return isWordChar(char) || char === '-' || char === '.'
}

/** Goes into the same piece, when a piece is shown that means nothing. */
function isOrdinary(char: string): boolean {
  return !/[\s(),'"=<>!]/.test(char)
}
