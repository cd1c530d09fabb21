import { checkNetwork } from '../../../expression/network.ts'
import { checkPattern } from '../../../expression/pattern.ts'
import type {
  CompareOperator,
  Condition,
  Literal,
  Operand,
  PredicateFunction,
  Reference,
  Sign,
} from './condition.ts'
import {
  type ConditionFault,
  ConditionRefused,
  countChars,
  faultAtPlace,
  faultAtText,
  placeOf,
} from './condition-fault.ts'
import { Lexer, type Token } from './lexer.ts'
import { checkStrict, DOCUMENTED_OPERATORS } from './strict-mode.ts'

export type { Condition } from './condition.ts'
export { type ConditionFault, ConditionRefused } from './condition-fault.ts'
export { type ConditionOptions, toPredicate } from './to-predicate.ts'

/** Limits of ours (spec/tencent.md 3.2). */
export const CONDITION_LIMITS = {
  characters: 2048,
  /** Parentheses inside each other; those of functions and lists do not count. */
  nesting: 32,
  predicates: 64,
  /** Of a regular expression. */
  patternCharacters: 256,
} as const

/** A condition as its author wrote it, or the first reason why it is none. Strict: the operators that are ours alone are refused. */
export function parseCondition(
  text: string,
  { isStrict }: { readonly isStrict: boolean } = { isStrict: false },
): { readonly ast: Condition } | { readonly fault: ConditionFault } {
  try {
    return { ast: new Parser(text, isStrict).parse() }
  } catch (error) {
    if (error instanceof ConditionRefused) return { fault: error.fault }
    throw error
  }
}

const CONDITION = "a condition such as header.UserName = 'admin'"
const OPERAND =
  'path, header.NAME, query.NAME, sysparam.NAME, Random(), a number, true, false or a text in quotes'
const PARAMETER = 'a parameter such as header.NAME, query.NAME or path'
const OPERATORS = '=, ==, !=, <>, <, >, <=, >=, like, in, in_cidr or one of the last three with ! before it'
const NEGATION = 'a condition without it: turn one round by !=, !like, !in, !in_cidr or exists(…) = false'
const STRICT_NEGATION =
  'a condition without it: turn one round by comparing it with false, as in exists(…) = false'

/** What is written elsewhere for what we call differently. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  ['&&', 'the word and'],
  ['&', 'the word and'],
  ['||', 'the word or'],
  ['|', 'the word or'],
  ['===', '= or =='],
])

const COMPARE_OPERATORS: ReadonlyMap<string, CompareOperator> = new Map([
  ['=', '='],
  ['==', '='],
  ['!=', '!='],
  ['<>', '!='],
  ['<', '<'],
  ['>', '>'],
  ['<=', '<='],
  ['>=', '>='],
])
const TEXT_OPERATORS: ReadonlySet<string> = new Set(['like', '!like', 'in', '!in', 'in_cidr', '!in_cidr'])

/** Recursive descent; `and` binds tighter than `or`. The first fault ends it. */
class Parser {
  readonly #text: string
  readonly #isStrict: boolean
  readonly #lexer: Lexer
  #token: Token
  /** Parentheses that are open. */
  readonly #open: Token[] = []
  #predicates = 0

  constructor(text: string, isStrict: boolean) {
    this.#text = text
    this.#isStrict = isStrict
    this.#lexer = new Lexer(text)
    this.#checkLength()
    this.#token = this.#lexer.next()
  }

  parse(): Condition {
    const condition = this.#or()
    if (!this.#is('end')) throw this.#fault('and, or or the end of the condition')
    return condition
  }

  #or(): Condition {
    return this.#junction('or', () => this.#junction('and', () => this.#primary()))
  }

  #junction(word: 'and' | 'or', part: () => Condition): Condition {
    const first = part()
    if (!this.#isWord(word)) return first
    const parts = [first]
    while (this.#isWord(word)) {
      this.#advance()
      parts.push(part())
    }
    return { kind: word, parts }
  }

  #primary(): Condition {
    const opening = this.#token
    if (opening.kind !== 'open') return this.#predicate()
    if (this.#open.length === CONDITION_LIMITS.nesting) {
      throw this.#fault(`at most ${CONDITION_LIMITS.nesting} parentheses inside each other`)
    }
    this.#open.push(opening)
    this.#advance()
    const condition = this.#or()
    if (!this.#is('close')) {
      const { line, column } = placeOf(this.#text, opening.offset)
      throw this.#fault(`and, or or the ) for the ( in line ${line}, column ${column}`)
    }
    this.#open.pop()
    this.#advance()
    return condition
  }

  #predicate(): Condition {
    if (++this.#predicates > CONDITION_LIMITS.predicates) {
      throw this.#fault(`at most ${CONDITION_LIMITS.predicates} comparisons`)
    }
    const start = this.#token
    const left = this.#operand(CONDITION)
    const sign = this.#token
    const name = sign.text.toLowerCase()
    const operator = sign.kind === 'sign' ? COMPARE_OPERATORS.get(name) : undefined
    if (operator !== undefined) return this.#compare(operator, left, start)
    if ((sign.kind === 'sign' || sign.kind === 'word') && TEXT_OPERATORS.has(name)) {
      return this.#textTest(name, left)
    }
    if (left.kind === 'exists' || left.kind === 'regex') return left
    throw this.#fault(
      `an operator behind ${start.text}: ${this.#isStrict ? DOCUMENTED_OPERATORS : OPERATORS}`,
    )
  }

  #compare(operator: CompareOperator, left: Operand, leftToken: Token): Condition {
    const sign = this.#takeSign()
    const rightToken = this.#token
    const right = this.#operand(OPERAND)
    if (left.kind === 'path') this.#checkPathText(right, rightToken)
    if (right.kind === 'path') this.#checkPathText(left, leftToken)
    return { kind: 'compare', operator, left, right, sign }
  }

  #textTest(name: string, operand: Operand): Condition {
    const sign = this.#takeSign()
    const isNegated = name.startsWith('!')
    switch (isNegated ? name.slice(1) : name) {
      case 'like':
        return { kind: 'like', isNegated, operand, pattern: this.#takeText('a pattern in quotes'), sign }
      case 'in':
        return { kind: 'in', isNegated, operand, literals: this.#literalList(operand), sign }
      default:
        return { kind: 'inCidr', isNegated, operand, networks: this.#networks(), sign }
    }
  }

  #literalList(operand: Operand): readonly Literal[] {
    if (!this.#is('open')) throw this.#fault('a list in parentheses, such as (1, 2)')
    const literals: Literal[] = []
    do {
      this.#advance()
      const token = this.#token
      const literal = this.#literal()
      if (literal === null) throw this.#fault('a number, true, false or a text in quotes')
      if (operand.kind === 'path') this.#checkPathText(literal, token)
      literals.push(literal)
    } while (this.#is('comma'))
    this.#close('a comma or the ) that ends the list')
    return literals
  }

  #networks(): readonly string[] {
    if (!this.#is('open')) return [this.#network('a network in quotes, or a list of them in parentheses')]
    const networks: string[] = []
    do {
      this.#advance()
      networks.push(this.#network('a network in quotes'))
    } while (this.#is('comma'))
    this.#close('a comma or the ) that ends the list')
    return networks
  }

  #network(expected: string): string {
    const token = this.#token
    const network = this.#takeText(expected)
    if (checkNetwork(network) !== null) {
      throw this.#faultAt(token, "an address or a network, such as '10.0.0.0/8' or '2001:db8::/32'")
    }
    return network
  }

  #operand(expected: string): Operand {
    const literal = this.#literal()
    if (literal !== null) return literal
    const token = this.#token
    if (token.kind === 'reference') return this.#takeReference()
    if (token.kind !== 'word') throw this.#fault(expected)
    switch (token.text.toLowerCase()) {
      case 'path':
        return this.#takeReference()
      case 'random':
        this.#openCall(token)
        this.#close('the ) of Random(), which takes nothing')
        return { kind: 'random' }
      case 'exists': {
        this.#openCall(token)
        const reference = this.#takeReference()
        this.#close('the ) that ends exists()')
        return { kind: 'exists', reference }
      }
      case 'regex':
        return this.#regex(token)
      case 'and':
      case 'or':
      case 'like':
      case 'in':
      case 'in_cidr':
        throw this.#fault(expected)
      default:
        throw this.#fault(`${expected}; a parameter has its place before it, as in header.${token.text}`)
    }
  }

  #regex(word: Token): PredicateFunction {
    this.#openCall(word)
    const reference = this.#takeReference()
    if (!this.#is('comma')) throw this.#fault('a comma and a pattern in quotes')
    this.#advance()
    const token = this.#token
    const pattern = this.#takeText('a pattern in quotes')
    if (countChars(pattern) > CONDITION_LIMITS.patternCharacters) {
      throw this.#faultAt(token, `a pattern of at most ${CONDITION_LIMITS.patternCharacters} characters`)
    }
    const reason = checkPattern(pattern, Number.POSITIVE_INFINITY)
    if (reason !== null) throw this.#faultAt(token, `a regular expression: ${reason}`)
    this.#close('the ) that ends regex()')
    return { kind: 'regex', reference, pattern }
  }

  #openCall(word: Token): void {
    this.#advance()
    if (!this.#is('open')) throw this.#fault(`( behind ${word.text}`)
    this.#advance()
  }

  #close(expected: string): void {
    if (!this.#is('close')) throw this.#fault(expected)
    this.#advance()
  }

  #takeReference(): Reference {
    const token = this.#token
    if (token.kind === 'reference') {
      this.#advance()
      return { kind: 'parameter', location: token.location, name: token.name }
    }
    if (!this.#isWord('path')) throw this.#fault(PARAMETER)
    this.#advance()
    return { kind: 'path' }
  }

  /** null: the next word is none. */
  #literal(): Literal | null {
    const token = this.#token
    if (token.kind === 'text') {
      this.#advance()
      return { kind: 'text', value: token.value }
    }
    if (token.kind === 'number') {
      this.#advance()
      return { kind: 'number', digits: token.text }
    }
    const isTrue = this.#isWord('true')
    if (!isTrue && !this.#isWord('false')) return null
    this.#advance()
    return { kind: 'boolean', value: isTrue }
  }

  #takeText(expected: string): string {
    const token = this.#token
    if (token.kind !== 'text') {
      if (token.kind === 'unclosed' || token.kind === 'end') throw this.#fault(expected)
      // Whatever was meant by a pattern without quotes, quotes are what it lacks.
      const written = /^[^\s(),'"]+/.exec(this.#text.slice(token.offset))?.[0] ?? token.text
      throw new ConditionRefused(faultAtText(placeOf(this.#text, token.offset), written, expected))
    }
    this.#advance()
    return token.value
  }

  #takeSign(): Sign {
    const { text, offset } = this.#token
    const sign = { text, ...placeOf(this.#text, offset) }
    if (this.#isStrict) checkStrict(sign)
    this.#advance()
    return sign
  }

  /** A path begins with a slash, so a text without one is a mistake and never equal. */
  #checkPathText(operand: Operand, token: Token): void {
    if (operand.kind === 'text' && !operand.value.startsWith('/')) {
      throw this.#faultAt(token, 'a text that begins with /, because it is compared with path')
    }
  }

  #is(kind: Token['kind']): boolean {
    return this.#token.kind === kind
  }

  #isWord(word: string): boolean {
    return this.#token.kind === 'word' && this.#token.text.toLowerCase() === word
  }

  #advance(): void {
    this.#token = this.#lexer.next()
  }

  /** The token at hand is not what is expected, or none at all. */
  #fault(expected: string): ConditionRefused {
    const token = this.#token
    if (token.kind === 'unclosed' || token.kind === 'broken') return this.#faultAt(token, token.expected)
    const isNegation = token.kind === 'foreign' && (token.text === '!' || token.text === '!==')
    if (isNegation || this.#isWord('not')) {
      return this.#faultAt(token, this.#isStrict ? STRICT_NEGATION : NEGATION)
    }
    const advice = token.kind === 'foreign' ? ADVICE.get(token.text) : undefined
    return this.#faultAt(token, advice ?? expected)
  }

  #faultAt(token: Token, expected: string): ConditionRefused {
    const place = placeOf(this.#text, token.offset)
    if (token.kind !== 'end') return new ConditionRefused(faultAtText(place, token.text, expected))
    const found = this.#text.trim() === '' ? 'nothing' : 'the end of the condition'
    return new ConditionRefused(faultAtPlace(place, found, expected))
  }

  #checkLength(): void {
    const count = countChars(this.#text)
    if (count <= CONDITION_LIMITS.characters) return
    const offset = [...this.#text].slice(0, CONDITION_LIMITS.characters).join('').length
    const place = placeOf(this.#text, offset)
    const expected = `at most ${CONDITION_LIMITS.characters}`
    throw new ConditionRefused(faultAtPlace(place, `a condition of ${count} characters`, expected))
  }
}
