/**
 * Names the first construct of Perl-like engines that RE2 has not, for messages: people bring patterns written for PCRE. Only asked about
 * patterns that were refused. null: nothing known; the engine's own message must do.
 */
export function nameForeignConstruct(source: string): string | null {
  let isClass = false
  for (let i = 0; i < source.length; i++) {
    const character = source[i] as string
    if (character === '\\') {
      const name = isClass ? undefined : nameEscape(source, i)
      if (name !== undefined) return refuse(name)
      if (source[i + 1] === 'Q') {
        const end = source.indexOf('\\E', i)
        if (end < 0) return null
        i = end
      }
      i++
      continue
    }
    if (isClass) {
      if (character === '[' && source[i + 1] === ':') {
        const end = source.indexOf(':]', i + 2)
        if (end > 0) i = end + 1
      } else if (character === ']') isClass = false
      continue
    }
    if (character === '[') {
      isClass = true
      if (source[i + 1] === '^') i++
      if (source[i + 1] === ']') i++
    } else if (character === '(') {
      const group = GROUPS.find(([opening]) => opening.test(source.slice(i, i + 24)))
      if (group !== undefined) return refuse(group[1])
    } else if ('*+?}'.includes(character) && source[i + 1] === '+' && i > 0) {
      return refuse(`the possessive repeat ${character === '}' ? '{…}' : character}+`)
    }
  }
  return null
}

function refuse(name: string): string {
  return `${name} is not supported: patterns follow RE2 syntax`
}

const GROUPS: readonly (readonly [opening: RegExp, name: string])[] = [
  [/^\(\?=/, 'the lookahead (?=…)'],
  [/^\(\?!/, 'the negative lookahead (?!…)'],
  [/^\(\?<=/, 'the lookbehind (?<=…)'],
  [/^\(\?<!/, 'the negative lookbehind (?<!…)'],
  [/^\(\?>/, 'the atomic group (?>…)'],
  [/^\(\?\|/, 'the branch reset (?|…)'],
  [/^\(\?#/, 'the comment (?#…)'],
  [/^\(\?\(/, 'the conditional (?(…)…)'],
  [/^\(\?(?:R|[+-]?[0-9]+|&\w+|P>\w+)\)/, 'the recursion (?R)'],
  [/^\(\?P=/, 'the back-reference (?P=…)'],
  [/^\(\?'/, "the group name (?'…')"],
  [/^\(\?\^?[a-zA-Z]*[xJn]/, 'the flag x, J or n'],
  [/^\(\*[A-Z]/, 'the verb (*…)'],
]

function nameEscape(source: string, at: number): string | undefined {
  const next = source[at + 1]
  if (next === undefined) return undefined
  if (next >= '1' && next <= '9') return `the back-reference \\${next}`
  return ESCAPES.get(next)
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['k', 'the back-reference \\k'],
  ['g', 'the back-reference \\g'],
  ['Z', '\\Z'],
  ['G', '\\G'],
  ['K', '\\K'],
  ['R', '\\R'],
  ['h', '\\h'],
  ['H', '\\H'],
  ['V', '\\V'],
  ['N', '\\N'],
  ['X', '\\X'],
  ['e', '\\e'],
  ['c', '\\c'],
  ['u', '\\u'],
])
