import type { GatewayStatus } from '../gateway/status.ts'
import type { AdminControl } from './admin-control.ts'
import type { KeyOwner } from './admin-keys.ts'
import { answerReadyz } from './health.ts'
import { type Answer, problem } from './problem.ts'

/** An endpoint of our own API. All of them need a key; viewers may use all of them. */
export interface OwnEndpoint {
  readonly method: 'GET'
  readonly path: string
  handle(query: ReadonlyMap<string, string>, owner: KeyOwner | null): Answer | Promise<Answer>
}

const MAX_LIST = 1000

export function ownEndpoints(control: AdminControl, version: string): readonly OwnEndpoint[] {
  return [
    {
      method: 'GET',
      path: '/metrics',
      handle: () => ({ status: 200, headers: { 'content-type': METRICS_TYPE }, body: control.metrics() }),
    },
    {
      method: 'GET',
      path: '/headgate/v1/version',
      handle: () => json({ version, node: process.version, platform: `${process.platform} ${process.arch}` }),
    },
    {
      method: 'GET',
      path: '/headgate/v1/ready',
      handle: () => answerReadyz(control.readiness(), true),
    },
    {
      method: 'GET',
      path: '/headgate/v1/status',
      handle: (query) => answerStatus(control.status(), query),
    },
    {
      method: 'GET',
      path: '/headgate/v1/history',
      handle: (query, owner) => answerHistory(control, query, owner),
    },
  ]
}

/** The text exposition format, version 0.0.4. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * The whole state; of the documents the counts and those that are not simply accepted. `?state=accepted|degraded|rejected|all`, `?dialect=`
 * and `?kind=` select others, `?limit=` (1-1000, default 1000) bounds the list.
 */
function answerStatus(status: GatewayStatus, query: ReadonlyMap<string, string>): Answer {
  const limit = readNumber(query, 'limit', 1, MAX_LIST) ?? MAX_LIST
  const state = query.get('state')
  if (limit === 'bad') return problem('BAD_QUERY', `limit must be 1 to ${MAX_LIST}`)
  if (state !== undefined && !['accepted', 'degraded', 'rejected', 'all'].includes(state)) {
    return problem('BAD_QUERY', 'state must be accepted, degraded, rejected or all')
  }
  const dialect = query.get('dialect')
  const kind = query.get('kind')
  const counts = { accepted: 0, degraded: 0, rejected: 0 }
  const items: object[] = []
  let matching = 0
  for (const document of status.documents) {
    counts[document.state]++
    const isAsked =
      (state === undefined ? document.state !== 'accepted' : state === 'all' || state === document.state) &&
      (dialect === undefined || dialect === document.key.dialect) &&
      (kind === undefined || kind === document.key.kind)
    if (!isAsked) continue
    matching++
    if (items.length < limit) items.push(document)
  }
  const documents = { total: status.documents.length, ...counts, matching, items }
  return json({ ...status, documents })
}

/** Newest first. `?limit=` (1-1000, default 50), `?before=<revision>` goes back. Contents are for admins: they may hold secrets. */
async function answerHistory(
  control: AdminControl,
  query: ReadonlyMap<string, string>,
  owner: KeyOwner | null,
): Promise<Answer> {
  const limit = readNumber(query, 'limit', 1, MAX_LIST) ?? 50
  const before = readNumber(query, 'before', 1, Number.MAX_SAFE_INTEGER)
  if (limit === 'bad') return problem('BAD_QUERY', `limit must be 1 to ${MAX_LIST}`)
  if (before === 'bad') return problem('BAD_QUERY', 'before must be a revision')
  const entries = await control.history(before === undefined ? { limit } : { limit, before })
  const list = owner?.role === 'admin' ? entries : entries.map(withoutContents)
  return json({ list, total: list.length })
}

function withoutContents(entry: object): object {
  const { changes } = entry as { changes?: unknown }
  if (!Array.isArray(changes)) return entry
  return {
    ...entry,
    changes: changes.map((change: object) => ({ ...change, before: undefined, after: undefined })),
  }
}

function readNumber(
  query: ReadonlyMap<string, string>,
  name: string,
  least: number,
  most: number,
): number | undefined | 'bad' {
  const text = query.get(name)
  if (text === undefined) return undefined
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  return value >= least && value <= most ? value : 'bad'
}

function json(body: object): Answer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(body)}\n` }
}
