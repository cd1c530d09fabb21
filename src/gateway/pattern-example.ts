/**
 * A text that a pattern (RE2 syntax) matches, made by walking over it: the first branch, the fewest turns, the first character of a class. Only
 * a proposal: whoever asks tests it against the pattern itself. null: something in it that this does not read.
 */
export function patternExample(source: string): string | null {
  const walker = new Walker(source)
  const text = walker.alternation()
  return text !== null && walker.isAtEnd ? text : null
}

const CLASSES: Readonly<Record<string, string>> = { d: '0', w: 'a', s: ' ', D: 'a', W: '-', S: 'a' }
const CONTROLS: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f', v: '\v' }
/** Deepest nesting of groups. */
const MAX_DEPTH = 50
/** Longest text. */
const MAX_LENGTH = 2_000

class Walker {
  readonly #source: string
  #at = 0
  #depth = 0

  constructor(source: string) {
    this.#source = source
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#source.length
  }

  alternation(): string | null {
    if (++this.#depth > MAX_DEPTH) return null
    const first = this.#sequence()
    while (first !== null && this.#take('|')) if (this.#sequence() === null) return null
    this.#depth--
    return first
  }

  #sequence(): string | null {
    let text = ''
    while (!this.isAtEnd && this.#peek() !== '|' && this.#peek() !== ')') {
      const piece = this.#atom()
      if (piece === null) return null
      const turns = this.#repeat()
      if (turns === null || piece.length * turns + text.length > MAX_LENGTH) return null
      text += piece.repeat(turns)
    }
    return text
  }

  #atom(): string | null {
    const character = this.#next()
    switch (character) {
      case '^':
      case '$':
        return ''
      case '.':
        return 'x'
      case '(':
        return this.#group()
      case '[':
        return this.#set()
      case '\\':
        return this.#escape()
      case '*':
      case '+':
      case '?':
        return null
      default:
        return character
    }
  }

  #group(): string | null {
    if (this.#take('?')) {
      // (?:…), (?P<name>…), (?<name>…); flags are not read
      if (!this.#take(':')) {
        this.#take('P')
        const name = /^<\w+>/.exec(this.#source.slice(this.#at))?.[0]
        if (name === undefined) return null
        this.#at += name.length
      }
    }
    const text = this.alternation()
    return text !== null && this.#take(')') ? text : null
  }

  #set(): string | null {
    const isNegated = this.#take('^')
    const members: string[] = []
    let isFirst = true
    while (!this.isAtEnd && (isFirst || this.#peek() !== ']')) {
      isFirst = false
      if (this.#source.startsWith('[:', this.#at)) return null
      const character = this.#next()
      const member = character === '\\' ? this.#escape() : character
      if (member === null || member === '') return null
      members.push(member)
      if (this.#peek() === '-' && this.#source[this.#at + 1] !== ']') {
        this.#next()
        const end = this.#next()
        if (isNegated)
          for (let code = member.charCodeAt(0); code <= end.charCodeAt(0); code++)
            members.push(String.fromCharCode(code))
      }
    }
    if (!this.#take(']')) return null
    if (!isNegated) return members[0] ?? null
    return [...'xyzabc019-_~!'].find((candidate) => !members.includes(candidate)) ?? null
  }

  #escape(): string | null {
    if (this.isAtEnd) return null
    const character = this.#next()
    if (character in CLASSES) return CLASSES[character] as string
    if (character in CONTROLS) return CONTROLS[character] as string
    if (character === 'A' || character === 'z' || character === 'b') return ''
    return /[A-Za-z0-9]/.test(character) ? null : character
  }

  /** How often the atom before is to come; null: malformed. */
  #repeat(): number | null {
    let turns = 1
    if (this.#take('*') || this.#take('?')) turns = 0
    else if (this.#take('+')) turns = 1
    else {
      const counted = /^\{(\d{1,4})(?:,\d{0,4})?\}/.exec(this.#source.slice(this.#at))
      if (counted === null) return 1
      this.#at += counted[0].length
      turns = Number(counted[1])
    }
    this.#take('?')
    return turns
  }

  #peek(): string {
    return this.#source[this.#at] ?? ''
  }
  #next(): string {
    return this.#source[this.#at++] ?? ''
  }
  #take(character: string): boolean {
    if (this.#peek() !== character) return false
    this.#at++
    return true
  }
}
