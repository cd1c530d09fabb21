import { dialects } from '../dialects/index.ts'
import type { EndpointView } from '../model/endpoint-view.ts'
import { toYaml } from '../model/yaml-text.ts'
import { AdminClient, type ClientFlags } from './client.ts'
import { nameOf, type ShownDocument } from './get.ts'
import { findDocument, readKindAndId } from './kinds.ts'
import { formatEndpoints } from './node.ts'
import { type CliIo, formatTable, paint, printable } from './output.ts'
import { describeSplit, fetchSplits, type ShownSplit } from './split.ts'

export interface DescribeOptions extends ClientFlags {
  readonly output: 'text' | 'json'
}

interface DescribedDocument extends ShownDocument {
  readonly usedBy: readonly {
    readonly dialect: string
    readonly kind: string
    readonly id: string
    readonly path: string
  }[]
}

/** A revision with the changes of this document. */
interface ShownRevision {
  readonly revision: number
  readonly atMs: number
  readonly author: string
  readonly message: string | null
  readonly changes: readonly { readonly op: 'put' | 'delete' }[]
}

/** Revisions of the document that are shown. */
const REVISIONS = 10

/** `headgate describe`: a document, its state, its splits, who uses it, its history. */
export async function runDescribe(
  kind: string,
  id: string | undefined,
  options: DescribeOptions,
  io: CliIo,
): Promise<number> {
  const client = new AdminClient(options, io.environment)
  const { path, document: found } = await findDocument(
    client,
    readKindAndId(kind, id, dialects),
    '?usedBy=true',
  )
  const document = found as unknown as DescribedDocument
  const { splits } = await fetchSplits(client, path)
  const upstreamId = nameOf(document)
  const serving = (await client.find(`/headgate/v1/upstreams/${encodeURIComponent(upstreamId)}/endpoints`)) as
    | { readonly upstream: string; readonly endpoints: readonly EndpointView[] }
    | undefined
  const endpoints = serving?.upstream === upstreamId ? serving.endpoints : null
  const query = new URLSearchParams({
    dialect: document.dialect,
    kind: document.kind,
    id: document.id,
    limit: String(REVISIONS),
  })
  const history = (await client.json('GET', `/headgate/v1/history?${query}`)) as { list: ShownRevision[] }
  if (options.output === 'json') {
    io.write(`${JSON.stringify({ ...document, splits, endpoints, history: history.list }, null, 2)}\n`)
    return 0
  }
  const sections = [
    formatHead(document, io),
    formatRemarks(document, io),
    formatSplits(splits, io),
    endpoints === null ? '' : `${paint(io, 'bold', 'Endpoints')}\n${indent(formatEndpoints(endpoints, io))}`,
    formatUsers(document, io),
    formatHistory(history.list, io),
    `${paint(io, 'bold', 'Document')}\n${indent(printable(toYaml(document.value ?? {})))}`,
  ]
  io.write(sections.filter((text) => text !== '').join('\n'))
  return 0
}

function formatHead(document: DescribedDocument, io: CliIo): string {
  const state = document.state === 'accepted' ? 'green' : document.state === 'degraded' ? 'yellow' : 'red'
  const since = document.sinceMs === null ? '' : ` since ${formatTime(document.sinceMs)}`
  const labels = Object.entries(document.labels).map(([label, value]) => `${label}=${value}`)
  const rows: [string, string | null][] = [
    ['name', document.name],
    ['state', `${paint(io, state, document.state)}${since}`],
    ['revision', `${document.modifiedRevision} (created at ${document.createdRevision})`],
    ['labels', labels.length === 0 ? null : labels.join(', ')],
    ['file', document.place],
    ['expires', document.expiresAtMs === null ? null : formatTime(document.expiresAtMs)],
  ]
  const lines = rows.flatMap(([title, text]) => {
    if (text === null) return []
    return [`  ${title.padEnd(10)}${title === 'state' ? text : printable(text)}`]
  })
  return `${paint(io, 'bold', printable(nameOf(document)))}\n${lines.join('\n')}\n`
}

function formatRemarks({ reasons, warnings }: DescribedDocument, io: CliIo): string {
  const lines = [
    ...reasons.map((reason) => ({ ...reason, style: 'red' as const })),
    ...warnings.map((warning) => ({ ...warning, style: 'yellow' as const })),
  ].map(
    ({ path, message, style }) =>
      `  ${paint(io, style, printable(path === '' ? message : `${path}: ${message}`))}`,
  )
  return lines.length === 0 ? '' : `${paint(io, 'bold', 'Remarks')}\n${lines.join('\n')}\n`
}

function formatSplits(splits: readonly ShownSplit[], io: CliIo): string {
  if (splits.length === 0) return ''
  return `${paint(io, 'bold', 'Splits')}\n${splits.map((split, i) => indent(describeSplit(split, i, io))).join('')}`
}

function formatUsers({ usedBy }: DescribedDocument, io: CliIo): string {
  if (usedBy.length === 0) return ''
  const lines = usedBy.map((user) => `  ${printable(`${nameOf(user)} (${user.path})`)}`)
  return `${paint(io, 'bold', 'Used by')}\n${lines.join('\n')}\n`
}

function formatHistory(revisions: readonly ShownRevision[], io: CliIo): string {
  if (revisions.length === 0) return ''
  const columns = [
    { title: 'REV', align: 'right' as const },
    { title: 'TIME' },
    { title: 'BY' },
    { title: 'DID' },
    { title: 'MESSAGE' },
  ]
  const rows = revisions.map(({ revision, atMs, author, message, changes }) => [
    String(revision),
    formatTime(atMs),
    author,
    changes.some(({ op }) => op === 'delete') ? 'deleted' : 'wrote',
    message ?? '',
  ])
  return `${paint(io, 'bold', 'History')}\n${indent(formatTable(io, columns, rows))}`
}

/** UTC to the second. */
export function formatTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}
