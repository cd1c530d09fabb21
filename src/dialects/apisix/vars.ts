import { checkNetwork } from '../../expression/network.ts'
import { toNumber } from '../../expression/number.ts'
import { checkPattern } from '../../expression/pattern.ts'
import { checkVariable, documentedVariable, isKnownVariable } from '../../expression/variables.ts'
import type { JsonValue } from '../../model/json.ts'
import { ALWAYS, type Operator, type Predicate, type Scalar } from '../../model/predicate.ts'
import { isEmptyObject, joinPath, luaQuote, luaType } from './lua-schema.ts'

/**
 * Conditions as APISIX writes them (spec/apisix.md 7): route `vars`, traffic-split `match[].vars`, `_meta.filter`. Error texts are those
 * that follow "failed to validate the 'vars' expression: " (7.4); where the reference crashes, the text begins with `invalid expression`.
 */
export type ParsedVars =
  | { readonly predicate: Predicate; readonly warnings: readonly VarsWarning[] }
  | { readonly error: string }

/** Stored all the same, but hardly what its author meant (13.7). The path is that of the condition. */
export interface VarsWarning {
  readonly path: string
  readonly message: string
}

/** `path` is where the expression stands in its document; warnings continue it: `vars[0]`. */
export function parseVars(expression: JsonValue, path = ''): ParsedVars {
  const parser = new Parser()
  try {
    return { predicate: parser.parseRoot(expression, path), warnings: parser.warnings }
  } catch (fault) {
    if (fault instanceof VarsFault) return { error: fault.message }
    throw fault
  }
}

/** Ends a parse; nothing outside this file sees it. */
class VarsFault extends Error {}

/** Logical words by their upper-case form. */
const LOGIC: ReadonlyMap<string, { readonly join: 'all' | 'any'; readonly isInverted: boolean }> = new Map([
  ['AND', { join: 'all', isInverted: false }],
  ['OR', { join: 'any', isInverted: false }],
  ['!AND', { join: 'all', isInverted: true }],
  ['!OR', { join: 'any', isInverted: true }],
])

const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['==', 'equal'],
  ['~=', 'notEqual'],
  ['>', 'greater'],
  ['>=', 'greaterOrEqual'],
  ['<', 'less'],
  ['<=', 'lessOrEqual'],
  ['~~', 'matches'],
  ['~*', 'matchesIgnoringCase'],
  ['in', 'in'],
  ['has', 'has'],
  ['ipmatch', 'inNetwork'],
])

const NEVER: Predicate = { kind: 'any', of: [] }

type List = readonly JsonValue[]

class Parser {
  readonly warnings: VarsWarning[] = []

  parseRoot(expression: JsonValue, path: string): Predicate {
    if (isEmptyObject(expression)) return ALWAYS // an empty list that Lua has encoded
    if (!isList(expression)) throw new VarsFault('rule should be wrapped inside brackets')
    if (expression.length === 0) return ALWAYS
    if (!isList(expression[0]) && logicOf(expression[0]) === undefined) {
      throw new VarsFault('rule should be wrapped inside brackets')
    }
    return this.#parseRule(expression, path)
  }

  /** A list of nodes, with or without a logical word in front. */
  #parseRule(rule: List, path: string): Predicate {
    const logic = logicOf(rule[0])
    if (logic !== undefined && rule.length < 3) throw new VarsFault('rule too short')
    const nodes: Predicate[] = []
    for (let i = logic === undefined ? 0 : 1; i < rule.length; i++) {
      nodes.push(this.#parseNode(rule[i], joinPath(path, i)))
    }
    const [only] = nodes
    if (logic === undefined)
      return only !== undefined && nodes.length === 1 ? only : { kind: 'all', of: nodes }
    const joined: Predicate = { kind: logic.join, of: nodes }
    return logic.isInverted ? { kind: 'not', of: joined } : joined
  }

  #parseNode(node: JsonValue | undefined, path: string): Predicate {
    if (!isList(node)) {
      throw new VarsFault(`invalid expression: expected a list, got ${luaType(node)}`)
    }
    if (node.length === 0) throw new VarsFault('rule too short')
    if (isList(node[0]) || logicOf(node[0]) !== undefined) return this.#parseRule(node, path)
    return this.#parseCondition(node, path)
  }

  #parseCondition(condition: List, path: string): Predicate {
    if (condition.length === 1) throw new VarsFault('invalid expression')
    if (condition.length > 4) {
      // The reference reads the first three and forgets the rest.
      throw new VarsFault('invalid expression: a condition has at most four elements')
    }
    const name = condition[0]
    if (typeof name !== 'string' || name === '') {
      throw new VarsFault(`invalid expression: the name of a variable must be text, got ${luaType(name)}`)
    }
    const reason = checkVariable(name)
    if (reason !== null) throw new VarsFault(reason)
    if (!isKnownVariable(name)) this.#warnOfUnknown(name, path)
    const variable = documentedVariable(name)
    if (condition.length === 2) return this.#parseShort(variable, condition[1] as JsonValue, path)
    if (condition.length === 3) {
      return this.#compare(variable, operatorOf(condition[1]), condition[2] as JsonValue, path)
    }
    if (condition[1] !== '!') throw new VarsFault("bad 'not' expression")
    const inner = this.#compare(variable, operatorOf(condition[2]), condition[3] as JsonValue, path)
    return { kind: 'not', of: inner }
  }

  /** The old form `[variable, value]`; `[variable, operator]` compares with nil. */
  #parseShort(variable: string, value: JsonValue, path: string): Predicate {
    if (value === '!') throw new VarsFault("invalid operator '!'")
    if (typeof value === 'string') {
      const operator = OPERATORS.get(value.toLowerCase())
      if (operator !== undefined) return this.#compare(variable, operator, null, path)
    }
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw new VarsFault(`invalid expression: the short form compares with text, got ${luaType(value)}`)
    }
    const text = String(value).toLowerCase()
    if (text !== value) {
      this.#warn(path, `the short form compares with the lower-case text ${luaQuote(text)}`)
    }
    return { kind: 'test', variable, operator: 'equal', value: text }
  }

  #compare(variable: string, operator: Operator, value: JsonValue, path: string): Predicate {
    switch (operator) {
      case 'equal':
      case 'notEqual':
        return this.#compareIdentity(variable, operator, value, path)
      case 'matches':
      case 'matchesIgnoringCase':
        return this.#match(variable, operator, value, path)
      case 'in':
        return this.#searchIn(variable, value, path)
      case 'has':
        return this.#searchHas(variable, value, path)
      case 'inNetwork':
        return { kind: 'test', variable, operator, value: networksOf(value) }
      default:
        return this.#compareOrder(variable, operator, value, path)
    }
  }

  #compareIdentity(
    variable: string,
    operator: 'equal' | 'notEqual',
    value: JsonValue,
    path: string,
  ): Predicate {
    if (typeof value === 'object' && value !== null) {
      this.#warn(
        path,
        `a ${luaType(value)} is identical to nothing, so this is always ${operator === 'notEqual'}`,
      )
      return operator === 'equal' ? NEVER : ALWAYS
    }
    if (typeof value === 'boolean' && !mayBe(variable, 'boolean')) {
      this.#warn(path, `${variable} is never a boolean, so this is always ${operator === 'notEqual'}`)
    } else if (typeof value === 'string' && variable === 'status') {
      this.#warn(path, `status is a number, so it never equals the text ${luaQuote(value)}`)
    }
    return { kind: 'test', variable, operator, value }
  }

  #compareOrder(variable: string, operator: Operator, value: JsonValue, path: string): Predicate {
    if (typeof value === 'number') return { kind: 'test', variable, operator, value }
    if (typeof value === 'string' && toNumber(value) !== undefined) {
      return { kind: 'test', variable, operator, value }
    }
    const shown = typeof value === 'string' ? luaQuote(value) : `a ${luaType(value)}`
    this.#warn(path, `${shown} is no number, so this is never true`)
    return isScalar(value) ? { kind: 'test', variable, operator, value } : NEVER
  }

  #match(
    variable: string,
    operator: 'matches' | 'matchesIgnoringCase',
    value: JsonValue,
    path: string,
  ): Predicate {
    if (typeof value !== 'string' && typeof value !== 'number') {
      this.#warn(path, `a ${luaType(value)} is no regular expression, so this is never true`)
      return NEVER
    }
    const source = String(value)
    const reason = checkPattern(source)
    if (reason !== null) {
      throw new VarsFault(`invalid regular expression ${luaQuote(source)}: ${reason}`)
    }
    return { kind: 'test', variable, operator, value: source }
  }

  #searchIn(variable: string, value: JsonValue, path: string): Predicate {
    if (!isList(value)) {
      this.#warn(path, 'in needs a list, so this is never true')
      return isScalar(value) ? { kind: 'test', variable, operator: 'in', value } : NEVER
    }
    const elements = value.filter(isScalar).filter((element) => element !== null)
    const isReachable = elements.some((element) => mayBe(variable, typeof element as ValueKind))
    if (!isReachable) {
      const values =
        elements.length === 0
          ? 'an empty list holds nothing'
          : `${variable} is text and in compares without conversion`
      this.#warn(path, `${values}, so this is never true`)
    }
    return { kind: 'test', variable, operator: 'in', value: elements }
  }

  #searchHas(variable: string, value: JsonValue, path: string): Predicate {
    if (!isScalar(value)) {
      this.#warn(path, `a list never holds a ${luaType(value)}, so this is never true`)
      return NEVER
    }
    if (!mayBe(variable, 'list')) {
      this.#warn(
        path,
        `has looks into lists and ${variable} is none, so this is never true (~~ finds text in text)`,
      )
    }
    return { kind: 'test', variable, operator: 'has', value }
  }

  #warnOfUnknown(variable: string, path: string): void {
    this.#warn(
      path,
      `unknown variable ${variable}, always absent; headers are http_NAME, arguments arg_NAME, cookies cookie_NAME`,
    )
  }

  #warn(path: string, message: string): void {
    this.warnings.push({ path, message })
  }
}

function logicOf(word: JsonValue | undefined) {
  return typeof word === 'string' ? LOGIC.get(word.toUpperCase()) : undefined
}

function operatorOf(word: JsonValue | undefined): Operator {
  const operator = typeof word === 'string' ? OPERATORS.get(word.toLowerCase()) : undefined
  if (operator !== undefined) return operator
  const shown = typeof word === 'string' || typeof word === 'number' ? String(word) : luaType(word)
  throw new VarsFault(`invalid operator '${shown}'`)
}

function networksOf(value: JsonValue): readonly string[] {
  const list = isList(value) ? value : [value]
  if (list.length === 0) throw new VarsFault('invalid ip address')
  const networks: string[] = []
  for (const entry of list) {
    if (typeof entry !== 'string') throw new VarsFault('invalid ip address')
    const reason = checkNetwork(entry)
    if (reason !== null) throw new VarsFault(reason)
    networks.push(entry)
  }
  return networks
}

type ValueKind = 'string' | 'number' | 'boolean' | 'list'

/** Whether a variable can ever have a value of that kind (7.3). Body fields keep their JSON type; an argument without `=` is true. */
function mayBe(variable: string, kind: ValueKind): boolean {
  if (variable.startsWith('post_arg.')) return true
  switch (kind) {
    case 'string':
      return variable !== 'status' && variable !== 'graphql_root_fields'
    case 'number':
      return variable === 'status'
    case 'boolean':
      return variable.startsWith('arg_') || variable.startsWith('post_arg_')
    case 'list':
      return variable === 'graphql_root_fields'
  }
}

function isList(value: JsonValue | undefined): value is List {
  return Array.isArray(value)
}

function isScalar(value: JsonValue): value is Scalar {
  return value === null || typeof value !== 'object'
}
