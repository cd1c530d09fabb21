import type { Argument, Command, Option } from 'commander'

/** The command line as completion and its reference see it: taken from the commander program, the only place where verbs and flags are told. */
export interface Verb {
  /** Words from the program's name on: `split set`; '' for the program itself. */
  readonly path: string
  readonly description: string
  readonly verbs: readonly Verb[]
  readonly flags: readonly Flag[]
  readonly places: readonly Place[]
}

export interface Flag {
  /** `-o`, `--output`; at least one. */
  readonly names: readonly string[]
  readonly description: string
  /** What its value is; null: it takes none. */
  readonly value: Value | null
}

/** An argument that stands by its place. */
export interface Place {
  readonly name: string
  readonly description: string
  readonly value: Value
  readonly isRepeated: boolean
}

export type Value =
  | { readonly kind: 'choices'; readonly choices: readonly string[]; readonly name: string }
  | { readonly kind: 'file'; readonly name: string }
  /** Asked of `headgate __complete`: kinds, ids, targets. */
  | { readonly kind: 'asked'; readonly name: string }
  /** Free text. */
  | { readonly kind: 'text'; readonly name: string }

export function describeVerbs(command: Command, path = ''): Verb {
  const help = command.createHelp()
  return {
    path,
    description: command.description(),
    verbs: help
      .visibleCommands(command)
      .filter((inner) => inner.name() !== 'help')
      .map((inner) => describeVerbs(inner, `${path} ${inner.name()}`.trim())),
    flags: help.visibleOptions(command).map(describeFlag),
    places: command.registeredArguments.map(describePlace),
  }
}

function describeFlag(option: Option): Flag {
  const names = [option.short, option.long].filter((name) => typeof name === 'string')
  const takesValue = option.required || option.optional
  const name = /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1] ?? 'value'
  return {
    names,
    description: option.description,
    // `--dialect <name>` says in its own name what it takes
    value: takesValue ? readValue(option.long === '--dialect' ? 'dialect' : name, option.argChoices) : null,
  }
}

function describePlace(argument: Argument): Place {
  const name = argument.name()
  return {
    name,
    description: argument.description,
    value: readValue(name, argument.argChoices),
    isRepeated: argument.variadic,
  }
}

/** What a placeholder stands for, by the words in it: `<file|dir|->`, `<kind>`. */
function readValue(name: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return { kind: 'choices', choices, name }
  const words = name.toLowerCase().split(/[^a-z]+/)
  if (words.some((word) => ['file', 'dir', 'path'].includes(word))) return { kind: 'file', name }
  if (words.some((word) => ['kind', 'id', 'ids', 'target', 'endpoint', 'dialect'].includes(word)))
    return { kind: 'asked', name }
  return { kind: 'text', name }
}

/** A verb and all below it, in order. */
export function flatten(verb: Verb): readonly Verb[] {
  return [verb, ...verb.verbs.flatMap(flatten)]
}

/** The verb that words name, as far as they name verbs, and how many words that took. */
export function findVerb(
  root: Verb,
  words: readonly string[],
): { readonly verb: Verb; readonly depth: number } {
  let verb = root
  let depth = 0
  for (const word of words) {
    const next = verb.verbs.find(({ path }) => path === `${verb.path} ${word}`.trim())
    if (next === undefined) break
    verb = next
    depth++
  }
  return { verb, depth }
}
