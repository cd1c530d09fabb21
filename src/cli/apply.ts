import { dialects } from '../dialects/index.ts'
import { isJsonObject } from '../model/json.ts'
import type { PlacedDocument, PlacedFault } from '../store/files/file-reader.ts'
import { formatPlace } from '../store/files/file-reader.ts'
import { joinPath } from '../store/files/read-files.ts'
import { CliError } from './cli-error.ts'
import { AdminClient, type ClientFlags, RefusedError } from './client.ts'
import { formatChange, formatResult, type ShownChange } from './document-diff.ts'
import { count, describeFault } from './fault-text.ts'
import type { CliIo } from './output.ts'
import { hideSecrets } from './secrets.ts'
import { readWanted, type WantedDocuments } from './wanted-documents.ts'

export interface ApplyOptions extends ClientFlags {
  readonly file: string
  readonly output: 'text' | 'json'
  readonly dryRun?: boolean
  readonly message?: string
  /** Only faults and warnings. */
  readonly quiet?: boolean
}

export type DiffOptions = Pick<ApplyOptions, 'file' | 'output' | keyof ClientFlags>

/** The answer of an apply, a diff or a rollback. */
export interface Outcome {
  readonly revision: number
  readonly counts: Readonly<Record<'created' | 'changed' | 'unchanged' | 'deleted' | 'absent', number>>
  readonly documents: readonly ShownChange[]
  readonly warnings: readonly {
    readonly dialect: string
    readonly kind: string
    readonly id: string
    readonly path: string
    readonly message: string
  }[]
}

/** Bytes of an apply, as the Admin API bounds them. */
const MAX_BYTES = 67_108_864
/** A change of a hundred thousand documents is compiled by every worker before it is acknowledged. */
export const APPLY_TIMEOUT_MS = 300_000

/** `headgate apply`: 0 when it was done (or would be, with --dry-run), 1 with faults; nothing was changed then. */
export async function runApply(options: ApplyOptions, io: CliIo): Promise<number> {
  const client = new AdminClient(options, io.environment, APPLY_TIMEOUT_MS)
  const wanted = await readAll(options.file, io)
  if (wanted === null) return 1
  const dryRun = options.dryRun === true
  const { message } = options
  const body = {
    ...bodyOf(wanted, options.file),
    dryRun,
    values: false,
    ...(message === undefined ? {} : { message }),
  }
  const outcome = await send(client, '/headgate/v1/apply', body, wanted, io)
  if (outcome === null) return 1
  if (options.output === 'json') {
    io.write(`${JSON.stringify(outcome, null, 2)}\n`)
    return 0
  }
  const isQuiet = options.quiet === true
  for (const change of outcome.documents) {
    if (change.result !== 'unchanged' && !isQuiet) io.write(`${formatResult(io, change)}\n`)
  }
  tellWarnings(outcome, wanted, io)
  if (!isQuiet) io.write(`${summary(outcome, dryRun)}\n`)
  return 0
}

/** `headgate diff`: 0 without differences, 2 with some, 1 where it cannot be told. */
export async function runDiff(options: DiffOptions, io: CliIo): Promise<number> {
  const client = new AdminClient(options, io.environment, APPLY_TIMEOUT_MS)
  const wanted = await readAll(options.file, io)
  if (wanted === null) return 1
  const outcome = await send(client, '/headgate/v1/diff', bodyOf(wanted, options.file), wanted, io)
  if (outcome === null) return 1
  const different = outcome.documents.filter(({ result }) => result !== 'unchanged' && result !== 'absent')
  const hide = hideSecrets(wanted.texts.values(), io.environment)
  if (options.output === 'json') io.write(`${hide(JSON.stringify(outcome, null, 2))}\n`)
  else {
    for (const change of different) {
      const document = wanted.documents[outcome.documents.indexOf(change)]
      const source = document === undefined ? null : formatPlace(document.locate(''))
      io.write(hide(formatChange(io, change, dialects, source)))
    }
    tellWarnings(outcome, wanted, io)
  }
  return different.length > 0 ? 2 : 0
}

/** `3 documents: 1 created, 2 unchanged (revision 7)` */
export function summary({ counts, revision, documents }: Outcome, dryRun: boolean): string {
  const parts = Object.entries(counts).flatMap(([result, n]) => (n > 0 ? [`${n} ${result}`] : []))
  const end = dryRun ? 'dry run: nothing was changed' : `revision ${revision}`
  return `${count(documents.length, 'document')}: ${parts.join(', ')} (${end})`
}

/** What the files want; null where they have faults, which have been told then. */
async function readAll(target: string, io: CliIo): Promise<WantedDocuments | null> {
  const progress = startProgress(io)
  try {
    const wanted = await readWanted(target, dialects, io, progress.files)
    progress.clear()
    if (wanted.faults.length === 0) return wanted
    tellFaults(wanted.faults, wanted, io)
    io.writeError(`headgate: ${target}: ${count(wanted.faults.length, 'fault')}; nothing was sent\n`)
    return null
  } finally {
    progress.clear()
  }
}

function bodyOf({ documents }: WantedDocuments, target: string): object {
  const list = documents.map(({ key, value }) => ({ ...key, value }))
  const bytes = Buffer.byteLength(JSON.stringify(list))
  if (bytes > MAX_BYTES - 4_096) {
    throw new CliError(
      `${target}: ${Math.ceil(bytes / 1_048_576)} MiB of documents, at most ${MAX_BYTES / 1_048_576} MiB at once; apply it in several parts`,
    )
  }
  return { documents: list }
}

/** The outcome; null where the gateway found faults, which have been told then. */
async function send(
  client: AdminClient,
  path: string,
  body: object,
  wanted: WantedDocuments,
  io: CliIo,
): Promise<Outcome | null> {
  try {
    return (await client.json('POST', path, body)) as Outcome
  } catch (error) {
    const faults = error instanceof RefusedError ? faultsOf(error, wanted.documents) : []
    if (faults.length === 0) throw error
    tellFaults(faults, wanted, io)
    io.writeError(
      `headgate: ${client.server} refused it: ${count(faults.length, 'fault')}; nothing was changed\n`,
    )
    return null
  }
}

/** The faults in the answer, each with its place in the files. */
function faultsOf(error: RefusedError, documents: readonly PlacedDocument[]): PlacedFault[] {
  let body: unknown
  try {
    body = JSON.parse(error.answer.body)
  } catch {
    return []
  }
  if (!isJsonObject(body) || !Array.isArray(body.faults)) return []
  const placed: PlacedFault[] = []
  for (const fault of body.faults as readonly Record<string, unknown>[]) {
    const document = documents[Number(fault.index)]
    if (document === undefined) continue
    const path = String(fault.path)
    placed.push({
      path: joinPath(document.path, path),
      message: String(fault.message),
      hint: typeof fault.hint === 'string' ? fault.hint : null,
      place: document.locate(path),
    })
  }
  return placed
}

function tellFaults(faults: readonly PlacedFault[], { texts }: WantedDocuments, io: CliIo): void {
  for (const fault of faults) io.writeError(`${describeFault(io, fault, 'error', texts)}\n`)
}

function tellWarnings({ warnings }: Outcome, { documents, texts }: WantedDocuments, io: CliIo): void {
  if (warnings.length === 0) return
  const byName = new Map(documents.map((document) => [nameOf(document.key), document]))
  for (const warning of warnings) {
    const document = byName.get(nameOf(warning))
    if (document === undefined) {
      io.writeError(`headgate: warning: ${nameOf(warning)} ${warning.path}: ${warning.message}\n`)
      continue
    }
    const path = joinPath(document.path, warning.path)
    const fault = { path, message: warning.message, hint: null, place: document.locate(warning.path) }
    io.writeError(`${describeFault(io, fault, 'warning', texts)}\n`)
  }
}

function nameOf({
  dialect,
  kind,
  id,
}: {
  readonly dialect: string
  readonly kind: string
  readonly id: string
}): string {
  return `${dialect}/${kind}/${id}`
}

/** Files from which on it is told how far the reading is; fewer take no time. */
const MANY_FILES = 50

function startProgress(io: CliIo): { files: (done: number, total: number) => void; clear: () => void } {
  const isTerminal = process.stderr.isTTY === true
  let isShown = false
  return {
    files: (done, total) => {
      if (!isTerminal || total < MANY_FILES || done % 10 !== 0) return
      isShown = true
      io.writeError(`\r\u001b[Kreading file ${done + 1} of ${total} …`)
    },
    clear: () => {
      if (isShown) io.writeError('\r\u001b[K')
      isShown = false
    },
  }
}
