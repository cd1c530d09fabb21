import { type Flag, flatten, type Value, type Verb } from './verb-tree.ts'

/**
 * Works with bash 4 and newer, and without the bash-completion package: words are put together again here, since bash splits them at `=`
 * and `:` as well.
 */
export function renderBash(root: Verb): string {
  const verbs = flatten(root)
  return `# bash completion for headgate, made by: headgate completion bash
_headgate() {
  local rest=$COMP_LINE i word before after
  local -a words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if ((i == 0)) || [[ $rest == [[:blank:]]* ]]; then
      words+=("$word")
    else
      words[\${#words[@]} - 1]+=$word
    fi
    rest=\${rest#"\${rest%%[![:blank:]]*}"}
    rest=\${rest#"$word"}
  done
  local cur=\${words[\${#words[@]} - 1]} prev=\${words[\${#words[@]} - 2]} path=
  local -a given=("\${words[@]:1}")
  for ((i = 1; i < \${#words[@]} - 1; i++)); do
    case "$path/\${words[i]}" in
${verbs
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      ${quote(`/${path.replaceAll(' ', '/')}`)}`)
  .join(' | \\\n')})
        path=$path/\${words[i]} ;;
    esac
  done
  # --flag=value is two words from here on
  before=
  if [[ $cur == --*=* ]]; then
    before=\${cur%%=*}=
    prev=\${cur%%=*}
    cur=\${cur#*=}
  fi
  local verbs= flags= choices= place=
  case $path in
${verbs.map(renderVerb).join('\n')}
  esac
  case "$path $prev" in
${verbs.flatMap(renderFlagValues).join('\n')}
  esac
  COMPREPLY=()
  if [[ $place == none ]]; then
    return
  elif [[ $place == file ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  elif [[ -n $choices ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur")
  elif [[ $cur == -* && -z $before ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$cur")
  elif [[ -n $verbs ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
  elif [[ $place == asked ]]; then
    mapfile -t COMPREPLY < <("\${words[0]}" __complete -- "\${given[@]}" 2>/dev/null)
    if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[/=] ]]; then
      compopt -o nospace 2>/dev/null
    fi
  fi
  # what stands before the last = or : is already a word of its own for bash
  after=$before$cur
  for i in = :; do
    if [[ $COMP_WORDBREAKS == *$i* && $cur == *$i* ]]; then
      after=\${cur%"\${cur##*$i}"}
      COMPREPLY=("\${COMPREPLY[@]#"$after"}")
    fi
  done
}
complete -F _headgate headgate
`
}

function renderVerb(verb: Verb): string {
  const verbs = verb.verbs.map(({ path }) => path.split(' ').at(-1)).join(' ')
  const flags = verb.flags.flatMap(({ names }) => names.filter((name) => name.startsWith('--'))).join(' ')
  const [place] = verb.places
  const lines = [`verbs=${quote(verbs)}`, `flags=${quote(flags)}`]
  // which of several places it is, only the command itself can tell
  const kinds = new Set(verb.places.map(({ value }) => value.kind))
  if (verb.verbs.length === 0) {
    if (kinds.has('asked')) lines.push('place=asked')
    else if (kinds.has('file')) lines.push('place=file')
    else if (place?.value.kind === 'choices') lines.push(`choices=${quote(place.value.choices.join(' '))}`)
  }
  return `    ${quote(pathOf(verb))}) ${lines.join(' ')} ;;`
}

/** What stands behind a flag that takes a value. */
function renderFlagValues(verb: Verb): string[] {
  return verb.flags
    .filter((flag): flag is Flag & { value: Value } => flag.value !== null)
    .map(({ names, value }) => {
      const heads = names.map((name) => quote(`${pathOf(verb)} ${name}`)).join(' | ')
      return `    ${heads}) ${actionOf(value)} ;;`
    })
}

function actionOf(value: Value): string {
  switch (value.kind) {
    case 'choices':
      return `choices=${quote(value.choices.join(' '))} place= verbs=`
    case 'file':
      return 'place=file choices= verbs='
    case 'asked':
      return 'place=asked choices= verbs='
    case 'text':
      return 'place=none'
  }
}

function pathOf(verb: Verb): string {
  return verb.path === '' ? '' : `/${verb.path.replaceAll(' ', '/')}`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
