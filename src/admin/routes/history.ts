import type { AdminControl } from '../admin-control.ts'
import { answerJson, type OwnCall, type OwnEndpoint, readNumber } from '../endpoint.ts'
import { type Answer, problem } from '../problem.ts'

const MAX_LIST = 1000

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
  ]
}

/** Contents are for admins: they may hold secrets. */
async function answerHistory(control: AdminControl, { query, owner }: OwnCall): Promise<Answer> {
  const limit = readNumber(query, 'limit', 1, MAX_LIST) ?? 50
  const before = readNumber(query, 'before', 1, Number.MAX_SAFE_INTEGER)
  if (limit === 'bad') return problem('BAD_QUERY', `limit must be 1 to ${MAX_LIST}`)
  if (before === 'bad') return problem('BAD_QUERY', 'before must be a revision')
  const entries = await control.history(before === undefined ? { limit } : { limit, before })
  const list = owner?.role === 'admin' ? entries : entries.map(withoutContents)
  return answerJson({ list, total: list.length })
}

function withoutContents(entry: object): object {
  const { changes } = entry as { changes?: unknown }
  if (!Array.isArray(changes)) return entry
  return {
    ...entry,
    changes: changes.map((change: object) => ({ ...change, before: undefined, after: undefined })),
  }
}
