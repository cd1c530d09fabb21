import { type Dialect, type DialectEntrances, DocumentSet } from '../dialects/dialect.ts'
import type { DocumentKey, StoredDocument } from '../model/document.ts'
import type { EntranceExplanation, EntranceQuestion, ExplainedEntrance } from '../model/explanation.ts'
import type { Settings } from '../model/settings.ts'
import { suggest } from '../model/suggest.ts'
import { createOfflineExplainer, type Explains } from './explain-offline.ts'
import { withPlaces } from './explain-places.ts'
import { ExplainError } from './explain-request.ts'

export interface EntranceOptions {
  readonly dialects: readonly Dialect[]
  readonly settings: Settings
  /** All documents of a dialect. */
  documentsOf(dialect: Dialect): readonly StoredDocument[]
  readonly placeOf: (key: DocumentKey, path: string) => string | null
  /** Explains by the table that serves; null: nothing serves. */
  readonly live: Pick<Explains, 'explain' | 'explainStream'> | null
}

/**
 * Why what comes in at a listener that a document asks for goes where it goes: why the listener is as it is, and then the request or the stream. Where the listener
 * stands in this process, by the table that serves; else by one that is made of the same documents for this question. Throws ExplainError.
 */
export async function explainEntrance(
  question: EntranceQuestion,
  options: EntranceOptions,
): Promise<EntranceExplanation> {
  const { dialects, settings, placeOf } = options
  const { dialect, entrances, document, documents } = findDocument(question, options)
  const { lookup, search } = new DocumentSet(dialect, documents)
  const list = entrances.list(document, lookup, search)
  const entrance = findEntrance(question.entrance, list, document.key.id)
  const explainWith = async (explains: Pick<Explains, 'explain' | 'explainStream'>) => {
    const { request } = question
    if (entrance.protocol === 'http')
      return { request: await explains.explain({ ...request, listener: entrance.address }), stream: null }
    const stream = await explains.explainStream({
      transport: 'tcp',
      listener: entrance.address,
      serverName: null,
      clientAddress: request.clientAddress,
    })
    return { request: null, stream }
  }
  const told = withPlaces(entrance, dialects, placeOf)
  const live = await explainLive(options.live, explainWith)
  if (live !== null) return { entrance: told, isLive: true, ...live }
  const offline = createOfflineExplainer({
    documents,
    dialects,
    settings: entrances.settingsFor(document.key.id, settings),
    placeOf,
  })
  return { entrance: told, isLive: false, ...(await explainWith(offline)) }
}

/** null: the listener does not stand here. */
async function explainLive<T>(
  live: Pick<Explains, 'explain' | 'explainStream'> | null,
  explain: (explains: Pick<Explains, 'explain' | 'explainStream'>) => Promise<T>,
): Promise<T | null> {
  if (live === null) return null
  try {
    return await explain(live)
  } catch (error) {
    if (error instanceof ExplainError && error.reason === 'noListener') return null
    throw error
  }
}

interface FoundDocument {
  readonly dialect: Dialect
  readonly entrances: DialectEntrances
  readonly document: StoredDocument
  /** All of the dialect. */
  readonly documents: readonly StoredDocument[]
}

function findDocument({ dialect: wanted, id }: EntranceQuestion, options: EntranceOptions): FoundDocument {
  const found: FoundDocument[] = []
  const known: string[] = []
  for (const dialect of options.dialects) {
    const { entrances } = dialect
    if (entrances === undefined || (wanted !== null && dialect.name !== wanted)) continue
    const documents = options.documentsOf(dialect)
    const asking = documents.filter(({ key }) => key.kind === entrances.kind)
    known.push(...asking.map(({ key }) => key.id))
    const exact = asking.filter(({ key }) => key.id === id)
    // ids are `mesh:name`, and names without a mesh are what people say
    const named = exact.length > 0 ? exact : asking.filter(({ key }) => key.id.endsWith(`:${id}`))
    found.push(...named.map((document) => ({ dialect, entrances, document, documents })))
  }
  const [first, second] = found
  if (first === undefined) {
    const near = suggest(id, [...known, ...known.map((one) => one.slice(one.indexOf(':') + 1))])
    throw new ExplainError(
      'noDocument',
      `no document ${id} asks for listeners${near === null ? '' : `; did you mean ${near}?`}`,
    )
  }
  if (second !== undefined)
    throw new ExplainError(
      'badRequest',
      `${id} may be ${found.map(({ document }) => document.key.id).join(' or ')}: say which`,
    )
  return first
}

function findEntrance(
  wanted: string | null,
  list: readonly ExplainedEntrance[],
  id: string,
): ExplainedEntrance {
  const names = list.map(({ address, service }) => `${address} (${service})`).join(', ')
  if (list.length === 0) throw new ExplainError('noListener', `${id} has no outbound`)
  const found = list.filter(
    ({ address, service }) =>
      wanted === null || address === wanted || address.endsWith(`:${wanted}`) || service === wanted,
  )
  const [first, second] = found
  if (first === undefined)
    throw new ExplainError('noListener', `${id} has no outbound at or to ${wanted}; there are ${names}`)
  if (second !== undefined)
    throw new ExplainError('badRequest', `${id} has several such outbounds: say one of ${names}`)
  return first
}
