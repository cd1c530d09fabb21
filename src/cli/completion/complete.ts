import type { Command } from 'commander'
import { dialects } from '../../dialects/index.ts'
import { AdminClient } from '../client.ts'
import { documentPath, findKinds, singular } from '../kinds.ts'
import { fetchEndpoints } from '../node.ts'
import { describeVerbs, type Flag, findVerb, type Value, type Verb } from './verb-tree.ts'

/** What somebody who presses a key waits for. */
const PATIENCE_MS = 500
/** Names that are shown at most: more help nobody. */
const MOST_NAMES = 500

/** Where names come from. Rejects when the gateway does not answer. */
export interface NameSource {
  /** Of every dialect, plural, in order: `routes`. */
  readonly kinds: readonly string[]
  /** With their dialects: `apisix/routes`. */
  readonly fullKinds: readonly string[]
  /** Ids of a kind that hold `part`. */
  ids(kind: string, part: string): Promise<readonly string[]>
  /** Labels of an upstream's endpoints. */
  endpoints(upstream: string): Promise<readonly string[]>
  /** Names of the targets of a document's splits. */
  targets(kind: string, id: string): Promise<readonly string[]>
}

/** Prints candidates for the last of the words, one a line. Whatever goes wrong, nothing is printed: a shell waits for the answer. */
export async function runComplete(program: Command, words: readonly string[]): Promise<void> {
  const timer = setTimeout(() => process.exit(0), PATIENCE_MS)
  try {
    const typed = readWords(describeVerbs(program), words)
    const found = await findNames(typed, sourceOf(typed.flags))
    process.stdout.write(found.map((name) => `${name}\n`).join(''))
  } catch {
    // nobody is there, the key is wrong, the words make no sense: no candidates
  } finally {
    clearTimeout(timer)
  }
}

export interface Typed {
  /** What is asked for. null: nothing that has names. */
  readonly value: Value | null
  /** The flag that it is a value of; null: a place. */
  readonly flag: string | null
  /** Places before it. */
  readonly places: readonly string[]
  /** Values of flags by their long names. */
  readonly flags: ReadonlyMap<string, string>
  /** The beginning of the word. */
  readonly start: string
}

/** Sorts words as the command line would, the last one as far as it goes. */
export function readWords(root: Verb, words: readonly string[]): Typed {
  const start = unquote(words.at(-1) ?? '')
  const before = words.slice(0, -1).map(unquote)
  const { verb, depth } = findVerb(root, before)
  const places: string[] = []
  const flags = new Map<string, string>()
  let open: Flag | null = null
  for (const word of before.slice(depth)) {
    if (open !== null) {
      flags.set(longName(open), word)
      open = null
    } else if (word.startsWith('-') && word !== '-') {
      const equals = word.indexOf('=')
      const name = equals < 0 ? word : word.slice(0, equals)
      const flag = verb.flags.find(({ names }) => names.includes(name))
      if (flag === undefined || flag.value === null) continue
      if (equals < 0) open = flag
      else flags.set(longName(flag), word.slice(equals + 1))
    } else places.push(word)
  }
  if (open !== null) return { value: open.value, flag: longName(open), places, flags, start }
  const inline = /^(--[\w-]+)=(.*)$/s.exec(start)
  const flag = verb.flags.find(({ names }) => names.includes(inline?.[1] ?? ''))
  if (inline !== null && flag !== undefined) {
    return { value: flag.value, flag: longName(flag), places, flags, start: inline[2] as string }
  }
  const last = verb.places.at(-1)
  const place = verb.places[places.length] ?? (last?.isRepeated === true ? last : undefined)
  return { value: place?.value ?? null, flag: null, places, flags, start }
}

/** Candidates that begin with what was typed. One that ends with `/` or `=` wants something behind it. */
export async function findNames(typed: Typed, source: NameSource): Promise<readonly string[]> {
  const { value, start } = typed
  if (value === null || value.kind !== 'asked') return []
  // of a list (`<id,…>`) the last one is asked for
  const head = value.name.includes(',') ? start.slice(0, start.lastIndexOf(',') + 1) : ''
  const word = start.slice(head.length)
  const found = await askNames(value.name.toLowerCase(), typed, word, source)
  return [...new Set(found)]
    .filter((name) => name.startsWith(word) && isPlain(name))
    .slice(0, MOST_NAMES)
    .map((name) => `${head}${name}`)
}

async function askNames(
  name: string,
  { flag, places }: Typed,
  start: string,
  source: NameSource,
): Promise<readonly string[]> {
  const slash = start.lastIndexOf('/')
  const kind = start.slice(0, Math.max(0, slash))
  const part = start.slice(slash + 1)
  // `apisix/routes/1`, as traffic names what it shows
  if (flag === 'id') {
    if (!kind.includes('/')) return source.fullKinds.map((full) => `${full}/`)
    return (await source.ids(kind, part)).map((id) => `${kind}/${id}`)
  }
  const isPair = /kind.?\/.?id/.test(name)
  if (isPair || (name.startsWith('kind') && slash > 0)) {
    if (slash < 0) return source.kinds.map((known) => `${singular(known)}/`)
    return (await source.ids(kind, part)).map((id) => `${kind}/${id}`)
  }
  if (name.startsWith('kind')) return source.kinds
  if (name === 'endpoint') return source.endpoints(places[0] ?? '')
  if (name.startsWith('target')) {
    const [first = '', second = ''] = places
    const cut = first.lastIndexOf('/')
    const [of, id] = cut < 0 ? [first, second] : [first.slice(0, cut), first.slice(cut + 1)]
    return (await source.targets(of, id)).map((target) => `${target}=`)
  }
  if (name.startsWith('dialect')) return dialects.map((dialect) => dialect.name)
  // an id: of the kind before it, or of the kind that the flag names (`--route`)
  const named = flag === null ? places[0] : flag
  return named === undefined ? [] : source.ids(named, start)
}

/** Words that a shell takes as they are: others would have to be quoted in three ways. */
function isPlain(name: string): boolean {
  return /^[\w.:/@%+=,-]+$/.test(name)
}

function sourceOf(flags: ReadonlyMap<string, string>): NameSource {
  const clientFlags = Object.fromEntries(
    (['server', 'adminKey', 'adminKeyFile'] as const).flatMap((name) => {
      const value = flags.get(name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`))
      return value === undefined ? [] : [[name, value]]
    }),
  )
  const client = new AdminClient(clientFlags, process.env, PATIENCE_MS)
  return {
    kinds: [...new Set(dialects.flatMap((dialect) => dialect.kinds))],
    fullKinds: dialects.flatMap(({ name, kinds }) => kinds.map((kind) => `${name}/${kind}`)),
    async ids(word, part) {
      const ids: string[] = []
      for (const { dialect, kind } of findKinds(word, dialects)) {
        const query = new URLSearchParams({
          dialect: dialect.name,
          kind,
          values: 'false',
          limit: `${MOST_NAMES}`,
        })
        if (part !== '') query.set('name', part)
        const answer = await client.json('GET', `/headgate/v1/documents?${query}`)
        ids.push(...(answer as { list: { id: string }[] }).list.map(({ id }) => id))
      }
      return ids
    },
    async endpoints(upstream) {
      return (await fetchEndpoints(client, upstream)).endpoints.map(({ label }) => label)
    },
    async targets(word, id) {
      for (const choice of findKinds(word, dialects)) {
        const answer = await client.find(`${documentPath(choice, id)}/splits`)
        if (answer === undefined) continue
        const { splits } = answer as { splits: { targets: { names: string[] }[] }[] }
        return splits.flatMap(({ targets }) => targets.flatMap(({ names }) => names.slice(0, 1)))
      }
      return []
    },
  }
}

function longName({ names }: Flag): string {
  return (names.at(-1) as string).replace(/^-+/, '')
}

/** Shells hand words over as they were typed. */
function unquote(word: string): string {
  const match = /^(['"])(.*?)\1?$/s.exec(word)
  return match === null ? word : (match[2] as string)
}
