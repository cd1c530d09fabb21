/** A condition as it was parsed (spec/tencent.md 3.2). Parentheses are gone; `and` in `and` is left as it was nested. */
export type Condition = Junction | Comparison | Likeness | Membership | NetworkTest | PredicateFunction

export interface Junction {
  readonly kind: 'and' | 'or'
  /** Two at least. */
  readonly parts: readonly Condition[]
}

export interface Comparison {
  readonly kind: 'compare'
  readonly operator: CompareOperator
  readonly left: Operand
  readonly right: Operand
  readonly sign: Sign
}

/** `==` is read as `=`, `<>` as `!=`. */
export type CompareOperator = '=' | '!=' | '<' | '>' | '<=' | '>='

export interface Likeness {
  readonly kind: 'like'
  readonly isNegated: boolean
  readonly operand: Operand
  /** `%` is any run of characters, nothing else is special. */
  readonly pattern: string
  readonly sign: Sign
}

export interface Membership {
  readonly kind: 'in'
  readonly isNegated: boolean
  readonly operand: Operand
  /** One at least. */
  readonly literals: readonly Literal[]
  readonly sign: Sign
}

export interface NetworkTest {
  readonly kind: 'inCidr'
  readonly isNegated: boolean
  readonly operand: Operand
  /** One at least; all of them are addresses or networks. */
  readonly networks: readonly string[]
  readonly sign: Sign
}

/** By itself a condition, and beside an operator the boolean that it gives. */
export type PredicateFunction =
  | { readonly kind: 'regex'; readonly reference: Reference; readonly pattern: string }
  | { readonly kind: 'exists'; readonly reference: Reference }

export type Operand = Reference | Literal | PredicateFunction | { readonly kind: 'random' }

export type Reference =
  | { readonly kind: 'path' }
  /** The location in lower case, for its case means nothing; a location that nobody knows is never present. */
  | { readonly kind: 'parameter'; readonly location: string; readonly name: string }

export type Literal =
  | { readonly kind: 'text'; readonly value: string }
  /** As written: a number of any length is compared digit by digit. */
  | { readonly kind: 'number'; readonly digits: string }
  | { readonly kind: 'boolean'; readonly value: boolean }

/** An operator as it was written, and where: for those that strict mode refuses. */
export interface Sign extends Place {
  readonly text: string
}

/** From 1; columns count characters. */
export interface Place {
  readonly line: number
  readonly column: number
}
