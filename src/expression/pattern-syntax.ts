import { ByteSet } from './byte-set.ts'

/**
 * Reads a pattern that re2js has accepted and writes it anew in a form that V8 and re2js take alike, over bytes: letters and digits, `\xHH`,
 * classes written out, groups, `|`, repeats, `^ $ \b \B`. Flags, named groups, `\Q…\E`, `\d`, `[[:alpha:]]`, `\A`, `\z` are dissolved.
 * null: something outside this list (Unicode classes, the flags m and U, characters above ASCII in a class or where case is ignored); such
 * a pattern runs on re2js as it is. Syntax: the RE2 wiki page "Syntax".
 */
export function rewritePattern(source: string, ignoreCase: boolean): RewrittenPattern | null {
  if (hasLoneSurrogate(source)) return null
  const parser = new Parser([...source], ignoreCase)
  try {
    const node = parser.parseAlternation()
    if (!parser.isAtEnd()) return null
    return {
      source: node.text,
      groups: parser.groups,
      isSameInV8: !parser.hasDoubtfulRepeat,
      isSafeInV8: isSafe(node),
    }
  } catch (error) {
    if (error === OUTSIDE) return null
    throw error
  }
}

export interface RewrittenPattern {
  readonly source: string
  /** Number of capturing groups. */
  readonly groups: number
  /**
   * Whether V8 also reports the same place and captures. It finds a hit in the same texts always, but JavaScript forgets a group at each turn
   * of a repeat around it, and refuses an empty turn where RE2 takes it.
   */
  readonly isSameInV8: boolean
  /**
   * Whether V8 stays linear. It does not count the backtracking of a plain greedy loop, so its fallback never starts for `\\s+$` or `.*a.*b`
   * (measured: 4 KiB of blanks 20 ms, four times that for twice the text). Safe: no unbounded repeat, or one that is tried once (the
   * pattern is anchored) or that nothing can fail behind.
   */
  readonly isSafeInV8: boolean
}

function isSafe(node: Node): boolean {
  return node.loops === 0 || (node.loops === 1 && (node.isAnchored || !node.goesOnBehindLoop))
}

const OUTSIDE = Symbol('outside the list')
/** Groups nest at most so deep; re2js itself stops at 1000. */
const MAX_DEPTH = 250

interface Node {
  readonly text: string
  /** Can be repeated without brackets around it. */
  readonly isAtom: boolean
  readonly canBeEmpty: boolean
  readonly hasGroup: boolean
  /** Unbounded repeats; one inside another repeat counts at least twice. */
  readonly loops: number
  readonly isAnchored: boolean
  /** Something stands behind an unbounded repeat. */
  readonly goesOnBehindLoop: boolean
}

class Parser {
  groups = 0
  hasDoubtfulRepeat = false
  readonly #source: readonly string[]
  #at = 0
  #depth = 0
  #ignoreCase: boolean
  #dotAll = false
  constructor(source: readonly string[], ignoreCase: boolean) {
    this.#source = source
    this.#ignoreCase = ignoreCase
  }

  isAtEnd(): boolean {
    return this.#at >= this.#source.length
  }

  parseAlternation(): Node {
    let text = ''
    let canBeEmpty = false
    let hasGroup = false
    let loops = 0
    let isAnchored = true
    let goesOnBehindLoop = false
    for (;;) {
      const branch = this.#parseSequence()
      text += branch.text
      canBeEmpty ||= branch.canBeEmpty
      hasGroup ||= branch.hasGroup
      loops += branch.loops
      isAnchored &&= branch.isAnchored
      goesOnBehindLoop ||= branch.goesOnBehindLoop
      if (this.#peek() !== '|') break
      this.#at++
      text += '|'
    }
    return { text, isAtom: false, canBeEmpty, hasGroup, loops, isAnchored, goesOnBehindLoop }
  }

  #parseSequence(): Node {
    let text = ''
    let canBeEmpty = true
    let hasGroup = false
    let loops = 0
    let isAnchored = false
    let goesOnBehindLoop = false
    while (!this.isAtEnd() && this.#peek() !== '|' && this.#peek() !== ')') {
      if (this.#startsWith('\\Q')) {
        goesOnBehindLoop ||= loops > 0
        text += this.#parseQuoted()
        canBeEmpty = false
        continue
      }
      const atom = this.#parseAtom()
      if (atom === null) continue
      const item = this.#parseRepeats(atom)
      goesOnBehindLoop ||= loops > 0 || item.goesOnBehindLoop
      isAnchored ||= text === '' && item.isAnchored
      loops += item.loops
      text += item.text
      canBeEmpty &&= item.canBeEmpty
      hasGroup ||= item.hasGroup
    }
    return { text, isAtom: false, canBeEmpty, hasGroup, loops, isAnchored, goesOnBehindLoop }
  }

  /** A repeat behind `\E` belongs to the last character alone; too rare to follow. */
  #parseQuoted(): string {
    this.#at += 2
    let text = ''
    while (!this.isAtEnd() && !this.#startsWith('\\E')) text += this.#literal(this.#take()).text
    this.#at += 2
    if (text === '' || this.#readRepeat() !== null) throw OUTSIDE
    return text
  }

  #parseRepeats(atom: Node): Node {
    const repeat = this.#readRepeat()
    if (repeat === null) return atom
    if (this.#readRepeat() !== null) throw OUTSIDE
    const turnsMany = repeat.max === null || repeat.max > 1
    if (atom.canBeEmpty || (atom.hasGroup && (turnsMany || repeat.max === 0))) this.hasDoubtfulRepeat = true
    const text = (atom.isAtom ? atom.text : `(?:${atom.text})`) + repeat.text
    return {
      text,
      isAtom: false,
      canBeEmpty: atom.canBeEmpty || repeat.min === 0,
      hasGroup: atom.hasGroup,
      loops: (turnsMany ? 2 * atom.loops : atom.loops) + (repeat.max === null ? 1 : 0),
      isAnchored: atom.isAnchored && repeat.min > 0,
      goesOnBehindLoop: atom.goesOnBehindLoop,
    }
  }

  /** `{` that starts no repeat is a literal, also in `{,3}`. */
  #readRepeat(): { readonly text: string; readonly min: number; readonly max: number | null } | null {
    const first = this.#peek()
    let text = first ?? ''
    let min = first === '+' ? 1 : 0
    let max: number | null = first === '?' ? 1 : null
    if (first === '{') {
      const end = this.#source.indexOf('}', this.#at)
      if (end < 0 || end - this.#at > 12) return null
      text = this.#source.slice(this.#at, end + 1).join('')
      const match = /^\{([0-9]+)(,?)([0-9]*)\}$/.exec(text)
      if (match === null || (match[2] === '' && match[3] !== '')) return null
      min = Number(match[1])
      max = match[2] === '' ? min : match[3] === '' ? null : Number(match[3])
      this.#at = end + 1
    } else if (first === '*' || first === '+' || first === '?') {
      this.#at++
    } else return null
    if (this.#peek() === '?') {
      this.#at++
      text += '?'
    }
    return { text, min, max }
  }

  #parseAtom(): Node | null {
    const character = this.#take()
    switch (character) {
      case '^':
      case '$':
        return assertion(character)
      case '.':
        return this.#dotAll ? set(new ByteSet().complement()) : set(new ByteSet().add(10, 10).complement())
      case '[':
        return set(this.#parseClass())
      case '(':
        return this.#parseGroup()
      case '\\':
        return this.#parseEscape()
      default:
        return this.#literal(character)
    }
  }

  #parseGroup(): Node | null {
    if (++this.#depth > MAX_DEPTH) throw OUTSIDE
    const ignoreCase = this.#ignoreCase
    const dotAll = this.#dotAll
    let opening = '('
    if (this.#startsWith('?')) {
      this.#at++
      const isNamed = this.#startsWith('P<') || this.#startsWith('<')
      if (isNamed) {
        while (this.#take() !== '>') {}
      } else {
        const closing = this.#parseFlags()
        if (closing === ')') {
          // A repeat here belongs to what stands before the flags; nobody means that.
          if (this.#readRepeat() !== null) throw OUTSIDE
          this.#depth--
          return null
        }
        opening = '(?:'
      }
    }
    if (opening === '(') this.groups++
    const inside = this.parseAlternation()
    if (this.#take() !== ')') throw OUTSIDE
    this.#depth--
    this.#ignoreCase = ignoreCase
    this.#dotAll = dotAll
    const hasGroup = inside.hasGroup || opening === '('
    return { ...inside, text: `${opening}${inside.text})`, isAtom: true, hasGroup }
  }

  /** `i-s:` or `i)`; in the second form the flags hold to the end of the group around. */
  #parseFlags(): ':' | ')' {
    let value = true
    for (;;) {
      const flag = this.#take()
      if (flag === ':' || flag === ')') return flag
      if (flag === '-') value = false
      else if (flag === 'i') this.#ignoreCase = value
      else if (flag === 's') this.#dotAll = value
      else throw OUTSIDE
    }
  }

  #parseEscape(): Node {
    const character = this.#peek()
    if (character === 'A' || character === 'z') {
      this.#at++
      return assertion(character === 'A' ? '^' : '$')
    }
    if (character === 'b' || character === 'B') {
      this.#at++
      return assertion(`\\${character}`)
    }
    const shorthand = this.#readShorthand()
    if (shorthand !== null) return set(shorthand)
    return this.#literal(this.#readEscaped())
  }

  #readShorthand(): ByteSet | null {
    const name = this.#peek()
    if (name === undefined || !'dDsSwW'.includes(name)) return null
    this.#at++
    const bytes = namedSet(SHORTHANDS[name.toLowerCase()] ?? '')
    return name === name.toLowerCase() ? bytes : bytes.complement()
  }

  /** The character that stands behind a backslash for itself or by number. */
  #readEscaped(): string {
    const character = this.#take()
    const simple = 'abfnrtv'.indexOf(character)
    if (character === 'a') return '\x07'
    if (simple > 1) return '\f\n\r\t\v'[simple - 2] as string
    if (character === 'x') return this.#readHex()
    if (character >= '0' && character <= '7') return this.#readOctal(character)
    if (/^[A-Za-z0-9]$/.test(character)) throw OUTSIDE
    return character
  }

  #readHex(): string {
    let digits = ''
    if (this.#startsWith('{')) {
      this.#at++
      for (let next = this.#take(); next !== '}'; next = this.#take()) digits += next
    } else digits = this.#take() + this.#take()
    const code = /^[0-9A-Fa-f]{1,6}$/.test(digits) ? Number.parseInt(digits, 16) : -1
    if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) throw OUTSIDE
    return String.fromCodePoint(code)
  }

  /** `\0` and up to two more octal digits; `\1` to `\7` only with another digit behind (else re2js refuses a back-reference). */
  #readOctal(first: string): string {
    let digits = first
    while (digits.length < 3 && /^[0-7]$/.test(this.#peek() ?? '')) digits += this.#take()
    if (first !== '0' && digits.length < 2) throw OUTSIDE
    return String.fromCodePoint(Number.parseInt(digits, 8))
  }

  #parseClass(): ByteSet {
    const isNegated = this.#peek() === '^'
    if (isNegated) this.#at++
    const bytes = new ByteSet()
    for (let isFirst = true; isFirst || this.#peek() !== ']'; isFirst = false) {
      if (this.#startsWith('[:')) {
        bytes.union(this.#readPosixClass())
        continue
      }
      if (this.#peek() === '\\') {
        this.#at++
        const shorthand = this.#readShorthand()
        if (shorthand !== null) {
          bytes.union(shorthand)
          continue
        }
        this.#at--
      }
      const low = this.#readClassCharacter()
      let high = low
      if (this.#peek() === '-' && this.#source[this.#at + 1] !== ']') {
        this.#at++
        high = this.#readClassCharacter()
      }
      if (low > high) throw OUTSIDE
      bytes.add(low, high)
    }
    this.#at++
    if (this.#ignoreCase) bytes.foldCase()
    return isNegated ? bytes.complement() : bytes
  }

  /** Characters above ASCII are several bytes, so a class of bytes cannot hold them. */
  #readClassCharacter(): number {
    let character = this.#take()
    if (character === '\\') character = this.#readEscaped()
    const code = character.codePointAt(0) as number
    if (code > 0x7f) throw OUTSIDE
    return code
  }

  #readPosixClass(): ByteSet {
    const end = this.#source.indexOf(']', this.#at)
    const match = /^\[:(\^?)([a-z]+):\]$/.exec(this.#source.slice(this.#at, end + 1).join(''))
    const ranges = match === null ? undefined : POSIX.get(match[2] as string)
    if (ranges === undefined) throw OUTSIDE
    this.#at = end + 1
    const bytes = namedSet(ranges)
    if (this.#ignoreCase) bytes.foldCase()
    return match?.[1] === '^' ? bytes.complement() : bytes
  }

  #literal(character: string): Node {
    const code = character.codePointAt(0) as number
    if (code > 0x7f) {
      if (this.#ignoreCase) throw OUTSIDE
      const bytes = [...Buffer.from(character, 'utf8')].map(escapeByte).join('')
      return single(`(?:${bytes})`)
    }
    if (this.#ignoreCase && /^[A-Za-z]$/.test(character)) {
      return set(new ByteSet().add(code, code).foldCase())
    }
    const text = /^[A-Za-z0-9]$/.test(character) ? character : escapeByte(code)
    return single(text)
  }

  #peek(): string | undefined {
    return this.#source[this.#at]
  }

  #take(): string {
    const character = this.#source[this.#at]
    if (character === undefined) throw OUTSIDE
    this.#at++
    return character
  }

  #startsWith(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#source[this.#at + i] !== text[i]) return false
    return true
  }
}

function assertion(text: string): Node {
  return { ...single(text), isAtom: false, canBeEmpty: true, isAnchored: text === '^' }
}

function set(bytes: ByteSet): Node {
  const text = bytes.toClass()
  if (text === '[]') throw OUTSIDE
  return single(text)
}

function single(text: string): Node {
  return {
    text,
    isAtom: true,
    canBeEmpty: false,
    hasGroup: false,
    loops: 0,
    isAnchored: false,
    goesOnBehindLoop: false,
  }
}

function escapeByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}

/** Pairs of first and last character. */
function namedSet(ranges: string): ByteSet {
  const bytes = new ByteSet()
  for (let i = 0; i < ranges.length; i += 2) bytes.add(ranges.charCodeAt(i), ranges.charCodeAt(i + 1))
  return bytes
}

const SHORTHANDS: Readonly<Record<string, string>> = { d: '09', s: '\t\n\f\r  ', w: '09AZaz__' }

const POSIX: ReadonlyMap<string, string> = new Map([
  ['alnum', '09AZaz'],
  ['alpha', 'AZaz'],
  ['ascii', '\x00\x7f'],
  ['blank', '\t\t  '],
  ['cntrl', '\x00\x1f\x7f\x7f'],
  ['digit', '09'],
  ['graph', '!~'],
  ['lower', 'az'],
  ['print', ' ~'],
  ['punct', '!/:@[`{~'],
  ['space', '\t\r  '],
  ['upper', 'AZ'],
  ['word', '09AZaz__'],
  ['xdigit', '09AFaf'],
])

function hasLoneSurrogate(text: string): boolean {
  return !text.isWellFormed()
}
