import type { Dialect } from '../dialects/dialect.ts'
import { dialects } from '../dialects/index.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { JsonObject } from '../model/json.ts'
import { escapeHoles } from '../model/literal-holes.ts'
import { AdminClient, type ClientFlags } from './client.ts'
import { followUntilStopped, streamEnded } from './follow.ts'
import { documentPath, findDocument, findKinds, type KindChoice, readKindAndId } from './kinds.ts'
import { type CliIo, formatTable, paint, type Style } from './output.ts'

export type GetForm = 'table' | 'wide' | 'json' | 'yaml' | 'name'

export interface GetOptions extends ClientFlags {
  readonly output: GetForm
  readonly label?: string
  readonly state?: string
  readonly watch?: boolean
}

/** A document as our own API shows it. */
export interface ShownDocument {
  readonly dialect: string
  readonly kind: string
  readonly id: string
  readonly name: string | null
  readonly labels: Readonly<Record<string, string>>
  readonly state: 'accepted' | 'degraded' | 'rejected'
  readonly reasons: readonly { readonly path: string; readonly message: string }[]
  readonly warnings: readonly { readonly path: string; readonly message: string }[]
  readonly sinceMs: number | null
  readonly createdRevision: number
  readonly modifiedRevision: number
  readonly expiresAtMs: number | null
  readonly place: string | null
  readonly value?: JsonObject
}

/** The word for documents of every kind. */
const ALL = 'all'
/** Documents in one answer. */
const PAGE = 5_000

/** `headgate get`: the exit status. */
export async function runGet(
  kind: string,
  id: string | undefined,
  options: GetOptions,
  io: CliIo,
): Promise<number> {
  if (options.watch === true && options.output === 'yaml')
    throw new GatewayError('BAD_SETTING', '--watch: not with -o yaml; json gives one object a line')
  const client = new AdminClient(options, io.environment)
  const isOne = id !== undefined || (kind.includes('/') && !isKindWord(kind))
  const read = isOne ? await oneReader(client, kind, id) : listReader(client, kind, options)
  const documents = await read()
  showAll(documents, options.output, isOne, io)
  if (documents.length === 0 && options.output !== 'json' && options.output !== 'yaml')
    io.writeError(
      `headgate: no ${kind === ALL ? 'documents' : kind} ${options.label === undefined ? 'yet' : 'with that label'}\n`,
    )
  return options.watch === true ? watch(client, read, documents, options.output, io) : 0
}

/** Whether `apisix/routes` is meant as a kind and not as KIND/ID. */
function isKindWord(word: string): boolean {
  return dialects.some((dialect) => word.startsWith(`${dialect.name}/`)) && word.split('/').length === 2
}

type Read = () => Promise<ShownDocument[]>

async function oneReader(client: AdminClient, kind: string, id: string | undefined): Promise<Read> {
  const wanted = readKindAndId(kind, id, dialects)
  const { choice } = await findDocument(client, wanted)
  return async () => {
    const document = await client.find(documentPath(choice, wanted.id))
    return document === undefined ? [] : [document as ShownDocument]
  }
}

function listReader(client: AdminClient, word: string, options: GetOptions): Read {
  const choices: readonly (KindChoice | null)[] = word === ALL ? [null] : findKinds(word, dialects)
  return async () => {
    const found: ShownDocument[] = []
    for (const choice of choices) {
      const query = new URLSearchParams({ limit: String(PAGE) })
      if (choice !== null) {
        query.set('dialect', choice.dialect.name)
        query.set('kind', choice.kind)
      }
      if (options.label !== undefined) query.set('label', options.label)
      if (options.state !== undefined) query.set('state', options.state)
      if (options.output === 'name') query.set('values', 'false')
      for (;;) {
        const page = (await client.json('GET', `/headgate/v1/documents?${query}`)) as {
          list: ShownDocument[]
          next: string | null
        }
        for (const document of page.list) found.push(document)
        if (page.next === null) break
        query.set('after', page.next)
      }
    }
    return found
  }
}

function showAll(documents: readonly ShownDocument[], form: GetForm, isOne: boolean, io: CliIo): void {
  switch (form) {
    case 'json':
      io.write(`${JSON.stringify(isOne ? documents[0] : documents, null, 2)}\n`)
      break
    case 'yaml':
      io.write(toFile(documents, dialects))
      break
    case 'name':
      for (const document of documents) io.write(`${nameOf(document)}\n`)
      break
    default:
      if (documents.length > 0) io.write(toTable(documents, form === 'wide', io))
  }
}

export function nameOf({ dialect, kind, id }: Pick<ShownDocument, 'dialect' | 'kind' | 'id'>): string {
  return `${dialect}/${kind}/${id}`
}

/** The documents as a file that apply reads; of several dialects one YAML document each. */
export function toFile(documents: readonly ShownDocument[], known: readonly Dialect[]): string {
  const texts: string[] = []
  for (const dialect of known) {
    const own = documents.filter((document) => document.dialect === dialect.name)
    if (own.length === 0) continue
    texts.push(
      dialect.writeFile(own.map(({ kind, id, value }) => ({ kind, id, value: escapeHoles(value ?? {}) }))),
    )
  }
  return texts.join('---\n')
}

const STATE_STYLES: Readonly<Record<string, Style>> = { degraded: 'yellow', rejected: 'red', deleted: 'red' }

/** `states`: what stands in the column of that name where it is not the document's own. */
function toTable(
  documents: readonly ShownDocument[],
  isWide: boolean,
  io: CliIo,
  states: ReadonlyMap<string, string> = new Map(),
): string {
  const hasKinds = new Set(documents.map(({ dialect, kind }) => `${dialect}/${kind}`)).size > 1
  const hasNames = documents.some(({ name }) => name !== null)
  const columns = [
    ...(hasKinds ? [{ title: 'KIND' }] : []),
    { title: 'ID' },
    ...(hasNames ? [{ title: 'NAME' }] : []),
    { title: 'STATE' },
    { title: 'REV', align: 'right' as const },
    ...(isWide ? [{ title: 'LABELS' }, { title: 'FILE' }, { title: 'REMARK' }] : []),
    { title: 'WHAT' },
  ]
  const rows = documents.map((document) => [
    ...(hasKinds ? [`${document.dialect}/${document.kind}`] : []),
    document.id,
    ...(hasNames ? [document.name ?? '-'] : []),
    states.get(nameOf(document)) ?? document.state,
    String(document.modifiedRevision),
    ...(isWide ? [labelsOf(document), document.place ?? '-', remarkOf(document)] : []),
    summaryOf(document),
  ])
  const stateColumn = columns.findIndex(({ title }) => title === 'STATE')
  return formatTable(io, columns, rows, (text, _, column) =>
    column === stateColumn ? (STATE_STYLES[text] ?? null) : null,
  )
}

function labelsOf({ labels }: ShownDocument): string {
  const texts = Object.entries(labels).map(([label, value]) => `${label}=${value}`)
  return texts.length === 0 ? '-' : texts.join(',')
}

function remarkOf({ reasons, warnings }: ShownDocument): string {
  const all = [...reasons, ...warnings]
  const [first] = all
  if (first === undefined) return '-'
  const text = first.path === '' ? first.message : `${first.path}: ${first.message}`
  return all.length > 1 ? `${text} (+${all.length - 1})` : text
}

function summaryOf({ dialect: name, kind, value }: ShownDocument): string {
  const dialect = dialects.find((known) => known.name === name)
  return value === undefined ? '' : (dialect?.summarize?.(kind, value) ?? '')
}

/** Shows what changes, until Ctrl-C (0). Throws CliError when the gateway ends. */
async function watch(
  client: AdminClient,
  read: Read,
  documents: readonly ShownDocument[],
  form: GetForm,
  io: CliIo,
): Promise<number> {
  let known = byName(documents)
  let isReading = false
  let isStale = false
  let failure: unknown = null
  const stop = new AbortController()
  const refresh = async (): Promise<void> => {
    // changes that come while one reading is under way are one further reading
    isStale = true
    if (isReading) return
    isReading = true
    try {
      while (isStale) {
        isStale = false
        const now = byName(await read())
        showChanges(known, now, form, io)
        known = now
      }
    } catch (error) {
      failure = error
      stop.abort()
    } finally {
      isReading = false
    }
  }
  const isStopped = await followUntilStopped(
    client,
    // the last event comes at once: what changed since the table was read is not missed
    `/headgate/v1/events?types=${WATCHED.join(',')}&last=1`,
    () => void refresh(),
    stop.signal,
  )
  if (failure !== null) throw failure
  if (isStopped) return 0
  throw streamEnded(client)
}

const WATCHED = ['revision', 'document-rejected', 'document-degraded']

function byName(documents: readonly ShownDocument[]): Map<string, ShownDocument> {
  return new Map(documents.map((document) => [nameOf(document), document]))
}

function showChanges(
  before: ReadonlyMap<string, ShownDocument>,
  after: ReadonlyMap<string, ShownDocument>,
  form: GetForm,
  io: CliIo,
): void {
  const changed = [...after].flatMap(([name, document]) => {
    const old = before.get(name)
    const isSame = old?.modifiedRevision === document.modifiedRevision && old.state === document.state
    return isSame ? [] : [document]
  })
  const gone = [...before].flatMap(([name, document]) => (after.has(name) ? [] : [document]))
  if (changed.length + gone.length === 0) return
  if (form === 'json') {
    for (const document of changed) io.write(`${JSON.stringify({ type: 'changed', document })}\n`)
    for (const document of gone) io.write(`${JSON.stringify({ type: 'deleted', document })}\n`)
  } else if (form === 'name') {
    for (const document of changed) io.write(`${nameOf(document)}\n`)
    for (const document of gone) io.write(`${nameOf(document)} ${paint(io, 'red', 'deleted')}\n`)
  } else {
    const states = new Map(gone.map((document) => [nameOf(document), 'deleted']))
    const table = toTable([...changed, ...gone], form === 'wide', io, states)
    io.write(table.slice(table.indexOf('\n') + 1))
  }
}
