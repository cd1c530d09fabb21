import { toByteString } from '../../../model/byte-string.ts'
import {
  ALWAYS,
  type Comparison as ModelComparison,
  NEVER,
  type Operator,
  type Predicate,
  type PredicateValue,
  type ValueRules,
} from '../../../model/predicate.ts'
import type {
  CompareOperator,
  Comparison,
  Condition,
  Likeness,
  Literal,
  Membership,
  NetworkTest,
  Operand,
  PredicateFunction,
  Reference,
} from './condition.ts'
import { compareLiterals, isInLiterals, isLiteralInNetworks, isLiteralLike } from './literals.ts'
import { checkStrict } from './strict-mode.ts'

/** What stands around the condition. */
export interface ConditionOptions {
  /** `''` or such as `/release`: what stands before that which `path` means. */
  readonly basePath: string
  /** Parameters that the API declares, by their names in lower case: one of the name of a `sysparam` gives its value. */
  readonly declared: ReadonlyMap<
    string,
    { readonly position: 'header' | 'query' | 'path'; readonly name: string }
  >
  /** Take names of header fields in any case, over HTTP/1.1 as well. */
  readonly ignoresHeaderCase: boolean
  /** Refuse the operators that are ours alone: see `parseCondition`, which does so before anything is stored. */
  readonly isStrict: boolean
}

/**
 * The condition in the words of the model. Throws ConditionRefused in strict mode, where a condition that was stored before it was switched on
 * has an operator that is ours alone.
 */
export function toPredicate(ast: Condition, options: ConditionOptions): Predicate {
  return new Translation(options).translate(ast)
}

/** A side of a comparison that is read from the request. */
interface Source {
  readonly variable: string
  /** Values of the URL's scheme are equal in any case (spec/tencent.md 3.3). */
  readonly ignoresCase: boolean
  /** `Random()` is drawn anew each time it is read, and never absent. */
  readonly isRandom: boolean
}

const OPERATORS: Readonly<Record<CompareOperator, Operator>> = {
  '=': 'equal',
  '!=': 'notEqual',
  '<': 'less',
  '<=': 'lessOrEqual',
  '>': 'greater',
  '>=': 'greaterOrEqual',
}
/** Of the operator with its sides exchanged. */
const MIRRORED: Readonly<Record<CompareOperator, CompareOperator>> = {
  '=': '=',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
}

const SYSTEM_VARIABLES: ReadonlyMap<string, string> = new Map([
  ['clientip', 'remote_addr'],
  ['httpscheme', 'scheme'],
  ['clientua', 'field:user-agent'],
])

class Translation {
  readonly #options: ConditionOptions
  readonly #pathVariable: string

  constructor(options: ConditionOptions) {
    this.#options = options
    const base = toByteString(options.basePath.replace(/\/+$/, ''))
    this.#pathVariable = base === '' ? 'uri' : `path:${base.length}`
  }

  translate(condition: Condition): Predicate {
    switch (condition.kind) {
      case 'and':
        return { kind: 'all', of: condition.parts.map((part) => this.translate(part)) }
      case 'or':
        return { kind: 'any', of: condition.parts.map((part) => this.translate(part)) }
      case 'regex':
      case 'exists':
        return this.#resultIs(condition, true)
    }
    if (this.#options.isStrict) checkStrict(condition.sign)
    switch (condition.kind) {
      case 'compare':
        return this.#compare(condition)
      case 'like':
        return this.#like(condition)
      case 'in':
        return this.#in(condition)
      case 'inCidr':
        return this.#inNetworks(condition)
    }
  }

  #compare({ operator, left, right }: Comparison): Predicate {
    if (isLiteral(left)) {
      if (isLiteral(right)) return constant(compareLiterals(operator, left, right))
      return this.#compareWith(right, MIRRORED[operator], left)
    }
    return this.#compareWith(left, operator, right)
  }

  #compareWith(left: Exclude<Operand, Literal>, operator: CompareOperator, right: Operand): Predicate {
    if (isFunction(left)) return this.#compareResult(left, operator, right)
    if (isFunction(right)) return this.#compareResult(right, MIRRORED[operator], left)
    const source = this.#source(left)
    if (isLiteral(right)) return test(source, OPERATORS[operator], literalValue(right))
    const other = this.#source(right)
    const rules = source.ignoresCase || other.ignoresCase ? 'typedIgnoringCase' : 'typed'
    const { variable } = source
    return {
      kind: 'test',
      variable,
      operator: OPERATORS[operator],
      value: { variable: other.variable },
      rules,
    }
  }

  /** A function gives a boolean: it is equal or not, and has no order. What it is compared with is read as a boolean where it is text. */
  #compareResult(left: PredicateFunction, operator: CompareOperator, right: Operand): Predicate {
    if (operator !== '=' && operator !== '!=') return NEVER
    const isEqual = operator === '='
    if (isFunction(right)) {
      const [both, neither] = [true, false].map((result) =>
        all(this.#resultIs(left, result), this.#resultIs(right, isEqual === result)),
      ) as [Predicate, Predicate]
      return { kind: 'any', of: [both, neither] }
    }
    if (right.kind === 'boolean') return this.#resultIs(left, right.value === isEqual)
    // another type: unequal, if there is a result at all
    if (isLiteral(right) || right.kind === 'random') return isEqual ? NEVER : this.#hasResult(left)
    const source = this.#source(right)
    return {
      kind: 'any',
      of: [true, false].map((result) =>
        all(this.#resultIs(left, result), test(source, OPERATORS[operator], result)),
      ),
    }
  }

  #resultIs(call: PredicateFunction, result: boolean): Predicate {
    if (call.kind === 'exists') return exists(this.#source(call.reference), result)
    const source = this.#source(call.reference)
    const matches: Predicate = {
      kind: 'test',
      variable: source.variable,
      operator: source.ignoresCase ? 'matchesIgnoringCase' : 'matches',
      value: call.pattern,
    }
    return result ? matches : negated(source, matches)
  }

  /** A pattern has no result where its parameter is absent: then the comparison is false, whatever its operator. */
  #hasResult(call: PredicateFunction): Predicate {
    return call.kind === 'exists' ? ALWAYS : exists(this.#source(call.reference), true)
  }

  #like({ operand, isNegated, pattern }: Likeness): Predicate {
    if (isLiteral(operand)) return constant(isLiteralLike(operand, pattern) !== isNegated)
    if (isFunction(operand)) return isNegated ? this.#hasResult(operand) : NEVER
    const source = this.#source(operand)
    return signed(source, isNegated, test(source, 'like', pattern))
  }

  #in({ operand, isNegated, literals }: Membership): Predicate {
    if (isLiteral(operand)) return constant(isInLiterals(operand, literals) !== isNegated)
    if (isFunction(operand)) {
      const results = [true, false].filter(
        (result) => isInLiterals({ kind: 'boolean', value: result }, literals) !== isNegated,
      )
      if (results.length === 2) return this.#hasResult(operand)
      return { kind: 'any', of: results.map((result) => this.#resultIs(operand, result)) }
    }
    const source = this.#source(operand)
    return signed(source, isNegated, test(source, 'in', literals.map(literalValue)))
  }

  #inNetworks({ operand, isNegated, networks }: NetworkTest): Predicate {
    if (isLiteral(operand)) return constant(isLiteralInNetworks(operand, networks) !== isNegated)
    if (isFunction(operand)) return isNegated ? this.#hasResult(operand) : NEVER
    const source = this.#source(operand)
    const { variable } = source
    return signed(source, isNegated, { kind: 'test', variable, operator: 'inNetwork', value: networks })
  }

  #source(operand: Reference | { readonly kind: 'random' }): Source {
    if (operand.kind === 'random') return { variable: 'random()', ignoresCase: false, isRandom: true }
    if (operand.kind === 'path') return read(this.#pathVariable)
    const { location, name } = operand
    switch (location) {
      case 'header':
        return this.#fieldSource(name)
      case 'query':
        return read(`query:${name}`)
      case 'sysparam':
        return this.#systemSource(name)
      default:
        return read(absentVariable(location, name))
    }
  }

  #fieldSource(name: string): Source {
    return read(this.#options.ignoresHeaderCase ? `anyHeader:${name}` : `header:${name}`)
  }

  #systemSource(name: string): Source {
    const key = name.toLowerCase()
    const declared = this.#options.declared.get(key)
    switch (declared?.position) {
      case 'header':
        return this.#fieldSource(declared.name)
      case 'query':
        return read(`query:${declared.name}`)
      case 'path':
        return read(`uri_param_${declared.name}`)
    }
    const variable = SYSTEM_VARIABLES.get(key)
    if (variable === undefined) return read(absentVariable('sysparam', name))
    return { variable, ignoresCase: key === 'httpscheme', isRandom: false }
  }
}

function read(variable: string): Source {
  return { variable, ignoresCase: false, isRandom: false }
}

/** No variable has a colon behind such a name, so it is absent whatever its author called it; explain shows the name. */
function absentVariable(location: string, name: string): string {
  return `unknown:${location}.${name}`
}

function test({ variable, ignoresCase }: Source, operator: Operator, value: PredicateValue): ModelComparison {
  const rules: ValueRules = ignoresCase ? 'typedIgnoringCase' : 'typed'
  return { kind: 'test', variable, operator, value, rules }
}

function exists({ variable }: Source, isThere: boolean): Predicate {
  return { kind: 'test', variable, operator: isThere ? 'notEqual' : 'equal', value: null }
}

function signed(source: Source, isNegated: boolean, predicate: Predicate): Predicate {
  return isNegated ? negated(source, predicate) : predicate
}

/** An absent parameter makes the comparison false, the one with `!` as well (spec/tencent.md 3.3). */
function negated(source: Source, predicate: Predicate): Predicate {
  const not: Predicate = { kind: 'not', of: predicate }
  return source.isRandom ? not : all(exists(source, true), not)
}

function all(...of: readonly Predicate[]): Predicate {
  return { kind: 'all', of }
}

function constant(isTrue: boolean): Predicate {
  return isTrue ? ALWAYS : NEVER
}

/** A number that fits no double exactly, or that JavaScript writes with an exponent, keeps its digits. */
function literalValue(literal: Literal): string | boolean | number | { readonly decimal: string } {
  if (literal.kind !== 'number') return literal.value
  const { digits } = literal
  const number = Number(digits)
  const isExact = digits.replace(/[-.]/g, '').length <= EXACT_DIGITS && !String(number).includes('e')
  return isExact ? number : { decimal: digits }
}

/** Decimal digits that a double keeps apart. */
const EXACT_DIGITS = 15

function isLiteral(operand: Operand): operand is Literal {
  return operand.kind === 'text' || operand.kind === 'number' || operand.kind === 'boolean'
}

function isFunction(operand: Operand): operand is PredicateFunction {
  return operand.kind === 'regex' || operand.kind === 'exists'
}
