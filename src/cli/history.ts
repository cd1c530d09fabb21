import { dialects } from '../dialects/index.ts'
import { GatewayError } from '../model/gateway-error.ts'
import type { JsonObject } from '../model/json.ts'
import { APPLY_TIMEOUT_MS, type Outcome, summary } from './apply.ts'
import { CliError } from './cli-error.ts'
import { AdminClient, type ClientFlags } from './client.ts'
import { confirm } from './confirm.ts'
import { formatTime } from './describe.ts'
import { formatChange, formatResult, type ShownChange } from './document-diff.ts'
import { type CliIo, formatTable, paint, printable } from './output.ts'

export interface HistoryOptions extends ClientFlags {
  readonly output: 'text' | 'json'
  readonly last: string
}

export interface RollbackOptions extends ClientFlags {
  readonly yes?: boolean
  readonly dryRun?: boolean
  readonly message?: string
  readonly output: 'text' | 'json'
}

interface ShownRevision {
  readonly revision: number
  readonly atMs: number
  readonly author: string
  readonly message: string | null
  readonly changes: readonly {
    readonly dialect: string
    readonly kind: string
    readonly id: string
    readonly op: 'put' | 'delete'
    /** JSON text; absent for viewers. */
    readonly before?: string | null
    readonly after?: string | null
  }[]
}

const MOST = 1_000

/** `headgate history`: the revisions, newest first; or one of them with what it changed. */
export async function runHistory(
  revision: string | undefined,
  options: HistoryOptions,
  io: CliIo,
): Promise<number> {
  if (!/^\d{1,4}$/.test(options.last) || Number(options.last) < 1 || Number(options.last) > MOST)
    throw new GatewayError('BAD_SETTING', `--last ${options.last}: must be a number from 1 to ${MOST}`)
  const client = new AdminClient(options, io.environment)
  if (revision !== undefined) return showRevision(client, readRevision(revision, 1), options, io)
  const { list } = (await client.json('GET', `/headgate/v1/history?limit=${options.last}`)) as {
    list: ShownRevision[]
  }
  if (options.output === 'json') {
    io.write(`${JSON.stringify(list, null, 2)}\n`)
    return 0
  }
  if (list.length === 0) {
    io.writeError('headgate: the history is empty (documents from files have theirs in version control)\n')
    return 0
  }
  const columns = [
    { title: 'REV', align: 'right' as const },
    { title: 'TIME' },
    { title: 'BY' },
    { title: 'CHANGES' },
    { title: 'MESSAGE' },
  ]
  const rows = list.map((entry) => [
    String(entry.revision),
    formatTime(entry.atMs),
    entry.author,
    describeChanges(entry),
    entry.message ?? '',
  ])
  io.write(formatTable(io, columns, rows))
  return 0
}

/** `apisix/routes/1`, or `12 documents`. */
function describeChanges({ changes }: ShownRevision): string {
  const [first] = changes
  if (first === undefined) return '-'
  if (changes.length > 1) return `${changes.length} documents`
  return `${first.dialect}/${first.kind}/${first.id}${first.op === 'delete' ? ' (deleted)' : ''}`
}

async function showRevision(
  client: AdminClient,
  revision: number,
  options: HistoryOptions,
  io: CliIo,
): Promise<number> {
  const entry = (await client.find(`/headgate/v1/history/${revision}`)) as ShownRevision | undefined
  if (entry === undefined) throw new CliError(`the history has no revision ${revision}`)
  if (options.output === 'json') {
    io.write(`${JSON.stringify(entry, null, 2)}\n`)
    return 0
  }
  const title = `revision ${revision}, ${formatTime(entry.atMs)}, by ${entry.author}`
  io.write(`${paint(io, 'bold', printable(title))}\n`)
  if (entry.message !== null) io.write(`  ${printable(entry.message)}\n`)
  for (const change of entry.changes) {
    const shown: ShownChange = {
      ...change,
      result: change.op === 'delete' ? 'deleted' : 'written',
      before: editable(change.dialect, change.kind, change.before),
      after: editable(change.dialect, change.kind, change.after),
    }
    // a viewer sees what was changed, not how
    io.write(
      change.before === undefined && change.after === undefined
        ? `${formatResult(io, shown)}\n`
        : formatChange(io, shown, dialects),
    )
  }
  return 0
}

/** What its author wrote, without times of the server. */
function editable(name: string, kind: string, text: string | null | undefined): JsonObject | null {
  if (text === null || text === undefined) return null
  const value = JSON.parse(text) as JsonObject
  return dialects.find((dialect) => dialect.name === name)?.editable(kind, value) ?? value
}

/** `headgate rollback`: all documents again as they were at a revision, as a new one. */
export async function runRollback(revision: string, options: RollbackOptions, io: CliIo): Promise<number> {
  const wanted = readRevision(revision, 0)
  const client = new AdminClient(options, io.environment, APPLY_TIMEOUT_MS)
  const { message } = options
  const body = { revision: wanted, ...(message === undefined ? {} : { message }) }
  const isJson = options.output === 'json'
  const isShown = options.dryRun === true || (io.isInteractive && options.yes !== true)
  if (isShown) {
    const dry = (await client.json('POST', '/headgate/v1/rollback', { ...body, dryRun: true })) as Outcome
    const changes = dry.documents.filter(({ result }) => result !== 'unchanged' && result !== 'absent')
    if (!isJson) {
      for (const change of changes) io.write(formatChange(io, change, dialects))
      io.write(`${summary(dry, true)}\n`)
    } else if (options.dryRun === true || changes.length === 0) io.write(`${JSON.stringify(dry, null, 2)}\n`)
    if (options.dryRun === true || changes.length === 0) return 0
    if (!(await confirm(io, `Go back to revision ${wanted}?`))) throw new CliError('nothing was changed')
  }
  const done = (await client.json('POST', '/headgate/v1/rollback', body)) as Outcome
  if (isJson) {
    io.write(`${JSON.stringify(done, null, 2)}\n`)
    return 0
  }
  for (const change of done.documents) {
    if (change.result !== 'unchanged' && change.result !== 'absent') io.write(`${formatResult(io, change)}\n`)
  }
  io.write(`${summary(done, false)}\n`)
  return 0
}

function readRevision(text: string, least: number): number {
  if (/^\d{1,15}$/.test(text) && Number(text) >= least) return Number(text)
  throw new GatewayError(
    'BAD_SETTING',
    `${text}: a revision is a whole number from ${least} on (headgate history lists them)`,
  )
}
