import type { JsonObject } from '../../model/json.ts'
import type { AdminControl } from '../admin-control.ts'
import { answerJson, type OwnCall, type OwnEndpoint, readNumber } from '../endpoint.ts'
import { type Answer, problem } from '../problem.ts'

const MAX_LIST = 1000
/** Revisions looked through for those of one document; older ones are asked for with `before`. */
const MAX_SEARCHED = 10_000
/** Revisions read at once: each holds the whole text of what it changed. */
const PAGE = 100

type HistoryEntry = Awaited<ReturnType<AdminControl['history']>>[number]

/** The revisions: who changed what, and when. */
export function historyEndpoints(control: AdminControl): readonly OwnEndpoint[] {
  return [
    {
      method: 'GET',
      path: '/headgate/v1/history',
      summary: 'List revisions, newest first',
      isWrite: false,
      query: [
        {
          name: 'limit',
          description: 'Revisions at most',
          schema: { type: 'integer', minimum: 1, maximum: MAX_LIST, default: 50 },
        },
        {
          name: 'before',
          description: 'Only revisions before this one, to go back page by page',
          schema: { type: 'integer', minimum: 1 },
        },
        { name: 'dialect', description: 'Changes of this dialect', schema: { type: 'string' } },
        { name: 'kind', description: 'Changes of this kind', schema: { type: 'string' } },
        {
          name: 'id',
          description: `Changes of documents with this id; ${MAX_SEARCHED} revisions are looked through`,
          schema: { type: 'string' },
        },
      ],
      answer: {
        type: 'object',
        required: ['list', 'total'],
        properties: {
          list: { type: 'array', items: { type: 'object' } },
          total: { type: 'integer' },
        },
      },
      handle: (call) => answerHistory(control, call),
    },
    {
      method: 'GET',
      path: '/headgate/v1/history/:revision',
      summary: 'Read one revision; admins see what stood before and after',
      isWrite: false,
      answer: {
        type: 'object',
        required: ['revision', 'atMs', 'author', 'message', 'changes'],
        properties: {
          revision: { type: 'integer' },
          atMs: { type: 'number' },
          author: { type: 'string' },
          message: { type: ['string', 'null'] },
          changes: { type: 'array', items: { type: 'object' } },
        },
      },
      handle: (call) => answerRevision(control, call),
    },
  ]
}

/** Contents are for admins: they may hold secrets. Private keys are for nobody. */
async function answerHistory(control: AdminControl, { query, owner }: OwnCall): Promise<Answer> {
  const limit = readNumber(query, 'limit', 1, MAX_LIST) ?? 50
  const before = readNumber(query, 'before', 1, Number.MAX_SAFE_INTEGER)
  if (limit === 'bad') return problem('BAD_QUERY', `limit must be 1 to ${MAX_LIST}`)
  if (before === 'bad') return problem('BAD_QUERY', 'before must be a revision')
  const wanted = { dialect: query.get('dialect'), kind: query.get('kind'), id: query.get('id') }
  const isSearch = Object.values(wanted).some((text) => text !== undefined)
  const entries = isSearch
    ? await searchHistory(control, wanted, limit, before)
    : await control.history(before === undefined ? { limit } : { limit, before })
  const list = entries.map(owner?.role === 'admin' ? (entry) => withoutKeys(control, entry) : withoutContents)
  return answerJson({ list, total: list.length })
}

/** Of each revision the changes of the wanted documents alone. */
async function searchHistory(
  control: AdminControl,
  wanted: Readonly<Record<'dialect' | 'kind' | 'id', string | undefined>>,
  limit: number,
  before: number | undefined,
): Promise<HistoryEntry[]> {
  const found: HistoryEntry[] = []
  let next = before
  for (let searched = 0; searched < MAX_SEARCHED && found.length < limit; ) {
    const page = await control.history(next === undefined ? { limit: PAGE } : { limit: PAGE, before: next })
    for (const entry of page) {
      const changes = entry.changes.filter(
        (change) =>
          (wanted.dialect === undefined || change.dialect === wanted.dialect) &&
          (wanted.kind === undefined || change.kind === wanted.kind) &&
          (wanted.id === undefined || change.id === wanted.id),
      )
      if (changes.length > 0 && found.length < limit) found.push({ ...entry, changes })
    }
    const last = page.at(-1)
    if (last === undefined) break
    searched += page.length
    next = last.revision
  }
  return found
}

async function answerRevision(control: AdminControl, { params, owner }: OwnCall): Promise<Answer> {
  const revision = /^\d{1,15}$/.test(params.revision ?? '') ? Number(params.revision) : 0
  if (revision < 1) return problem('BAD_QUERY', 'a revision is a whole number from 1 on')
  const [entry] = await control.history({ limit: 1, before: revision + 1 })
  if (entry === undefined || entry.revision !== revision) {
    return problem('NOT_FOUND', `the history has no revision ${revision}`)
  }
  return answerJson(owner?.role === 'admin' ? withoutKeys(control, entry) : withoutContents(entry))
}

/** Contents stay as texts; those of kinds that hold nothing of the sort are not even read. */
function withoutKeys(control: AdminControl, entry: HistoryEntry): HistoryEntry {
  return {
    ...entry,
    changes: entry.changes.map((change) => {
      const dialect = control.dialects.find(({ name }) => name === change.dialect)
      const conceal = dialect?.conceal?.[change.kind]
      if (conceal === undefined) return change
      const show = (text: string | null): string | null =>
        text === null ? null : JSON.stringify(conceal(JSON.parse(text) as JsonObject))
      return { ...change, before: show(change.before), after: show(change.after) }
    }),
  }
}

function withoutContents(entry: HistoryEntry): object {
  return {
    ...entry,
    changes: entry.changes.map((change) => ({ ...change, before: undefined, after: undefined })),
  }
}
