import type { Dialect } from '../dialects/dialect.ts'
import { suggest } from '../model/suggest.ts'
import { CliError } from './cli-error.ts'
import type { AdminClient } from './client.ts'

/** Words for kinds as people type them: `route`, `routes`, `plugin-config`, `apisix/routes`. Case does not matter. */

export interface KindChoice {
  readonly dialect: Dialect
  /** The collection's name. */
  readonly kind: string
}

const USAGE = 2

/** Every kind that the word may mean, more than one where dialects share it. Throws CliError (exit status 2) where it means none. */
export function findKinds(word: string, dialects: readonly Dialect[]): readonly KindChoice[] {
  const slash = word.indexOf('/')
  const wantedDialect = slash < 0 ? null : word.slice(0, slash)
  const wanted = plain(slash < 0 ? word : word.slice(slash + 1))
  const among = dialects.filter((dialect) => wantedDialect === null || dialect.name === wantedDialect)
  if (wantedDialect !== null && among.length === 0) {
    const names = dialects.map((dialect) => dialect.name)
    throw new CliError(`no dialect is called ${wantedDialect}${hint(wantedDialect, names)}`, {
      exitCode: USAGE,
    })
  }
  const choices = among.flatMap((dialect) => dialect.kinds.map((kind) => ({ dialect, kind })))
  const found = choices.filter(({ kind }) => plain(kind) === wanted || plain(singular(kind)) === wanted)
  if (found.length > 0) return found
  const words = [...new Set(choices.flatMap(({ kind }) => [kind, singular(kind)]))]
  const whose = wantedDialect === null ? 'there is no kind' : `${wantedDialect} has no kind`
  throw new CliError(
    `${whose} ${word.slice(slash + 1)}${hint(wanted, words) || `; there are: ${[...new Set(choices.map(({ kind }) => kind))].join(', ')}`}`,
    { exitCode: USAGE },
  )
}

export interface KindAndId {
  readonly choices: readonly KindChoice[]
  readonly id: string
}

/** `route 1`, `route/1` or `apisix/route/1`. Throws CliError (exit status 2) where the id or the kind is missing. */
export function readKindAndId(
  first: string,
  second: string | undefined,
  dialects: readonly Dialect[],
): KindAndId {
  if (second !== undefined) return { choices: findKinds(first, dialects), id: second }
  const parts = first.split('/')
  const hasDialect = parts.length > 2 && dialects.some((dialect) => dialect.name === parts[0])
  const kindParts = hasDialect ? 2 : 1
  const id = parts.slice(kindParts).join('/')
  if (id === '') throw new CliError(`${first}: say KIND ID or KIND/ID, such as route/1`, { exitCode: USAGE })
  return { choices: findKinds(parts.slice(0, kindParts).join('/'), dialects), id }
}

/** A document that the gateway has, as our own API tells of it. */
export interface FoundDocument {
  readonly choice: KindChoice
  readonly path: string
  readonly document: Record<string, unknown>
}

/** Finds the one document that is meant. Throws CliError where there is none, or one in several dialects. */
export async function findDocument(
  client: AdminClient,
  { choices, id }: KindAndId,
  query = '',
): Promise<FoundDocument> {
  const found: FoundDocument[] = []
  for (const choice of choices) {
    const path = documentPath(choice, id)
    const document = await client.find(`${path}${query}`)
    if (document !== undefined) found.push({ choice, path, document: document as Record<string, unknown> })
  }
  const [only] = found
  if (only === undefined) {
    const near = await findNear(client, choices, id)
    const word = singular(choices[0]?.kind ?? '')
    throw new CliError(`there is no ${word} ${id}${near === null ? '' : `; did you mean ${near}?`}`)
  }
  if (found.length > 1) {
    const names = found.map(({ choice }) => `${choice.dialect.name}/${singular(choice.kind)}`)
    throw new CliError(`${id} is in several dialects: say ${names.join(' or ')}`, { exitCode: USAGE })
  }
  return only
}

/** Ids looked through for the one that was meant. */
const SEARCHED = 5_000

/** The id of that name, else the one that is written most like it. */
async function findNear(
  client: AdminClient,
  choices: readonly KindChoice[],
  id: string,
): Promise<string | null> {
  const list: { id: string; name: string | null }[] = []
  for (const { dialect, kind } of choices) {
    const query = new URLSearchParams({
      dialect: dialect.name,
      kind,
      values: 'false',
      limit: String(SEARCHED),
    })
    const page = await client.json('GET', `/headgate/v1/documents?${query}`)
    list.push(...(page as { list: typeof list }).list)
  }
  const named = list.find(({ name }) => name === id)
  return named === undefined
    ? suggest(
        id,
        list.map((document) => document.id),
      )
    : named.id
}

export function documentPath({ dialect, kind }: KindChoice, id: string): string {
  return `/headgate/v1/documents/${dialect.name}/${kind}/${encodeURIComponent(id)}`
}

export function withQuery(path: string, query: URLSearchParams): string {
  return query.size === 0 ? path : `${path}?${query}`
}

/** `routes` to `route`, `meshes` to `mesh`; other endings stay. */
export function singular(kind: string): string {
  if (/(?:ch|sh|x)es$/.test(kind)) return kind.slice(0, -2)
  if (kind.endsWith('ies')) return `${kind.slice(0, -3)}y`
  return kind.endsWith('s') && !kind.endsWith('ss') ? kind.slice(0, -1) : kind
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, '')
}

function hint(word: string, known: readonly string[]): string {
  const near = suggest(word, known)
  return near === null ? '' : `; did you mean ${near}?`
}
