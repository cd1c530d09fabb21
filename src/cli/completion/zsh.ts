import { type Flag, flatten, type Value, type Verb } from './verb-tree.ts'

/** A script for `compinit`: one function for each verb, in the form of `_arguments`. */
export function renderZsh(root: Verb): string {
  return `#compdef headgate
# zsh completion for headgate, made by: headgate completion zsh

# kinds, ids and targets: the command knows them, or asks the gateway
_headgate_asked() {
  local -a found
  found=("\${(@f)$(_call_program names headgate __complete -- \${(q)_headgate_path[@]} \${(q)words[2,CURRENT]} 2>/dev/null)}")
  found=(\${found:#})
  (( $#found )) || return 1
  local -a open=(\${(M)found:#*[/=]}) closed=(\${found:#*[/=]})
  (( $#open )) && compadd -S '' -a open
  (( $#closed )) && compadd -a closed
}

${flatten(root).map(renderVerb).join('\n')}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _headgate "$@"
else
  compdef _headgate headgate
fi
`
}

function functionOf(verb: Verb): string {
  return `_headgate${verb.path === '' ? '' : `_${verb.path.replace(/[^A-Za-z0-9]+/g, '_')}`}`
}

function renderVerb(verb: Verb): string {
  const name = functionOf(verb)
  // where verbs may stand, a place of the verb's own would be a second meaning of the same word
  const places = verb.verbs.length === 0 ? verb.places : []
  const specs = [...verb.flags.map(renderFlag), ...places.map(renderPlace)]
  const path = `local -a _headgate_path=(${verb.path
    .split(' ')
    .filter((word) => word !== '')
    .map(quote)
    .join(' ')})`
  if (verb.verbs.length === 0) {
    return `${name}() {
  ${path}
  _arguments -s ${specs.map((spec) => `\\\n    ${spec}`).join(' ')}
}
`
  }
  const list = verb.verbs.map(({ path: inner, description }) =>
    quote(`${inner.split(' ').at(-1)}:${description.replaceAll(':', '\\:')}`),
  )
  const cases = verb.verbs.map((inner) => `      ${inner.path.split(' ').at(-1)}) ${functionOf(inner)} ;;`)
  return `${name}() {
  local context state state_descr line
  typeset -A opt_args
  local -a verbs=(
    ${list.join('\n    ')}
  )
  _arguments -C ${specs.map((spec) => `\\\n    ${spec}`).join(' ')} \\
    '1:verb:->verb' '*::argument:->rest'
  case $state in
    verb) _describe -t verbs verb verbs ;;
    rest)
      case $line[1] in
${cases.join('\n')}
      esac ;;
  esac
}
`
}

function renderFlag({ names, description, value }: Flag): string {
  const text = `[${escapeSpec(description)}]${value === null ? '' : `:${escapeSpec(value.name)}:${actionOf(value)}`}`
  // may be repeated: what does no harm needs no rule
  if (names.length === 1) return quote(`*${names[0]}${text}`)
  return `'*'{${names.join(',')}}${quote(text)}`
}

function renderPlace({ name, value, isRepeated }: Verb['places'][number]): string {
  return quote(`${isRepeated ? '*' : ''}:${escapeSpec(name)}:${actionOf(value)}`)
}

function actionOf(value: Value): string {
  switch (value.kind) {
    case 'choices':
      return `(${value.choices.join(' ')})`
    case 'file':
      return '_files'
    case 'asked':
      return '_headgate_asked'
    case 'text':
      return ' '
  }
}

/** Brackets and colons end the parts of a specification. */
function escapeSpec(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
