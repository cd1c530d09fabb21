import type { Operator, Predicate, Scalar } from '../../model/predicate.ts'
import { joinPath, type Sink } from './sink.ts'
import type { When } from './types.ts'
import { NAMED_PARTS, type NamedPart, REQUEST_PARTS, RESPONSE_PARTS } from './words.ts'

export interface WhenContext {
  /** Whether the condition is tested when the answer is there. */
  readonly hasAnswer: boolean
  readonly sink: Sink
}

type WhenObject = Exclude<When, readonly unknown[]>

/** A condition as a predicate. What the schema cannot say is told to the sink. */
export function translateWhen(when: When, path: string, context: WhenContext): Predicate {
  if (isList(when)) return translateList('all', when, path, context)
  for (const kind of ['all', 'any'] as const) {
    const parts = when[kind]
    if (parts === undefined) continue
    refuseOperators(when, path, kind, context)
    return translateList(kind, parts, joinPath(path, kind), context)
  }
  if (when.not !== undefined) {
    refuseOperators(when, path, 'not', context)
    return { kind: 'not', of: translateWhen(when.not, joinPath(path, 'not'), context) }
  }
  return translateComparison(when, path, context)
}

function isList(when: When): when is readonly When[] {
  return Array.isArray(when)
}

function translateList(
  kind: 'all' | 'any',
  parts: readonly When[],
  path: string,
  context: WhenContext,
): Predicate {
  const of = parts.map((part, i) => translateWhen(part, `${path}[${i}]`, context))
  return of.length === 1 ? (of[0] as Predicate) : { kind, of }
}

/** Words of the document, in the order in which they are tested, and the model's. */
const OPERATORS = {
  equals: 'equal',
  notEquals: 'notEqual',
  in: 'in',
  has: 'has',
  greater: 'greater',
  greaterOrEqual: 'greaterOrEqual',
  less: 'less',
  lessOrEqual: 'lessOrEqual',
  inNetwork: 'inNetwork',
  matches: 'matches',
  matchesIgnoringCase: 'matchesIgnoringCase',
} as const satisfies Readonly<Record<string, Operator>>
type OperatorWord = keyof typeof OPERATORS
const OPERATOR_WORDS = Object.keys(OPERATORS) as OperatorWord[]

function refuseOperators(when: WhenObject, path: string, kind: string, { sink }: WhenContext): void {
  for (const word of ['exists', ...OPERATOR_WORDS] as const) {
    if (when[word] === undefined) continue
    sink.refuse(
      joinPath(path, word),
      `${word} has nothing to look at beside ${kind}`,
      `put it inside ${kind}`,
    )
  }
}

function translateComparison(when: WhenObject, path: string, context: WhenContext): Predicate {
  const { sink } = context
  const variable = variableOf(when, path, context)
  const of: Predicate[] = []
  if (when.exists !== undefined) {
    of.push({ kind: 'test', variable, operator: when.exists ? 'notEqual' : 'equal', value: null })
  }
  for (const word of OPERATOR_WORDS) {
    const value = when[word] as Scalar | readonly Scalar[] | undefined
    if (value === undefined) continue
    checkValue(variable, word, value, joinPath(path, word), sink)
    of.push({ kind: 'test', variable, operator: OPERATORS[word], value })
  }
  if (of.length === 0)
    sink.refuse(
      path,
      'says nothing about what it looks at',
      `add one of: exists, ${OPERATOR_WORDS.join(', ')}`,
    )
  return of.length === 1 ? (of[0] as Predicate) : { kind: 'all', of }
}

/** The schema has seen to it that there is exactly one. */
function variableOf(when: WhenObject, path: string, { hasAnswer, sink }: WhenContext): string {
  for (const part of Object.keys(NAMED_PARTS) as NamedPart[]) {
    const name = when[part]
    if (name === undefined) continue
    if (part === 'responseHeader' && !hasAnswer) refuseEarly(joinPath(path, part), sink)
    return NAMED_PARTS[part](name)
  }
  if (when.request !== undefined) return REQUEST_PARTS[when.request].variable
  if (when.response !== undefined) {
    if (!hasAnswer) refuseEarly(joinPath(path, 'response'), sink)
    return RESPONSE_PARTS[when.response].variable
  }
  return when.variable ?? ''
}

function refuseEarly(path: string, sink: Sink): void {
  sink.refuse(
    path,
    'there is no answer yet to look at',
    'only filters with response alone may look at the answer',
  )
}

/** A comparison that can never hold, or never fail, is a mistake: most often a number or true without quotes. */
function checkValue(
  variable: string,
  word: OperatorWord,
  value: Scalar | readonly Scalar[],
  path: string,
  sink: Sink,
): void {
  switch (word) {
    case 'equals':
    case 'notEquals':
      // numbers are compared as numbers, whatever the variable is
      if (typeof value !== 'number') checkKind(variable, value as Scalar, path, sink)
      return
    case 'in':
      for (const [i, entry] of (value as readonly Scalar[]).entries()) {
        checkKind(variable, entry, `${path}[${i}]`, sink)
      }
      return
    case 'has':
      if (!mayBe(variable, 'list')) {
        sink.refuse(path, 'has looks into lists, and this is none', 'matches finds a text in a text')
      }
      return
    default:
  }
}

function checkKind(variable: string, value: Scalar, path: string, sink: Sink): void {
  const kind = typeof value as 'string' | 'number' | 'boolean'
  if (mayBe(variable, kind)) return
  if (kind === 'string') {
    sink.refuse(path, 'is compared with a number, so this never holds', 'write the number without quotes')
  } else {
    sink.refuse(path, `is compared with a text, so ${value} never holds`, `write it in quotes: "${value}"`)
  }
}

/** Whether a variable can ever have a value of that kind. Values of bodies keep their JSON type; an argument without `=` is true. */
function mayBe(variable: string, kind: 'string' | 'number' | 'boolean' | 'list'): boolean {
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

/** Both must hold; null always holds. */
export function both(one: Predicate | null, two: Predicate | null): Predicate | null {
  if (one === null || two === null) return one ?? two
  const parts = (predicate: Predicate): readonly Predicate[] =>
    predicate.kind === 'all' ? predicate.of : [predicate]
  return { kind: 'all', of: [...parts(one), ...parts(two)] }
}

/** How many comparisons a predicate is made of. */
export function countComparisons(predicate: Predicate): number {
  switch (predicate.kind) {
    case 'all':
    case 'any': {
      let count = 0
      for (const part of predicate.of) count += countComparisons(part)
      return count
    }
    case 'not':
      return countComparisons(predicate.of)
    case 'test':
      return 1
  }
}
