import { type Flag, flatten, type Value, type Verb } from './verb-tree.ts'

/** A script for `~/.config/fish/completions/headgate.fish`. */
export function renderFish(root: Verb): string {
  return `# fish completion for headgate, made by: headgate completion fish

# kinds, ids and targets: the command knows them, or asks the gateway
function __headgate_asked
    set -l words (commandline -opc) (commandline -ct)
    headgate __complete -- $words[2..] 2>/dev/null
end

# whether the words so far name exactly this verb
function __headgate_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l verbs
    for word in $words
        if contains -- (string join / -- $verbs $word) ${flatten(root)
          .filter(({ path }) => path !== '')
          .map(({ path }) => path.replaceAll(' ', '/'))
          .join(' ')}
            set -a verbs $word
        end
    end
    set -l path (string join / -- $verbs)
    test "$path" = "$argv[1]"
end

complete -c headgate -f
${flatten(root).flatMap(renderVerb).join('\n')}
`
}

function renderVerb(verb: Verb): string[] {
  const at = `-n ${quote(`__headgate_at ${quoteInner(verb.path.replaceAll(' ', '/'))}`)}`
  const lines = verb.verbs.map(
    ({ path, description }) =>
      `complete -c headgate ${at} -a ${quote(path.split(' ').at(-1) as string)} -d ${quote(description)}`,
  )
  for (const flag of verb.flags) lines.push(`complete -c headgate ${at} ${renderFlag(flag)}`)
  const kinds = new Set<string>()
  for (const { value } of verb.places) {
    const form = placeForm(value)
    if (form === null || kinds.has(form)) continue
    kinds.add(form)
    lines.push(`complete -c headgate ${at} ${form}`)
  }
  return lines
}

function renderFlag({ names, description, value }: Flag): string {
  const heads = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`))
  return `${heads.join(' ')} -d ${quote(description)}${value === null ? '' : ` ${flagForm(value)}`}`
}

function flagForm(value: Value): string {
  switch (value.kind) {
    case 'choices':
      return `-x -a ${quote(value.choices.join(' '))}`
    case 'file':
      return '-r -F'
    case 'asked':
      return `-x -a '(__headgate_asked)'`
    case 'text':
      return '-x'
  }
}

function placeForm(value: Value): string | null {
  switch (value.kind) {
    case 'choices':
      return `-a ${quote(value.choices.join(' '))}`
    case 'file':
      return '-F'
    case 'asked':
      return `-a '(__headgate_asked)'`
    case 'text':
      return null
  }
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** Inside quotes already. */
function quoteInner(text: string): string {
  return `"${text}"`
}
