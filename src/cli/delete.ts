import { dialects } from '../dialects/index.ts'
import { CliError } from './cli-error.ts'
import { AdminClient, type ClientFlags } from './client.ts'
import { confirm } from './confirm.ts'
import { formatChange, formatResult, type ShownChange } from './document-diff.ts'
import { findDocument, readKindAndId, withQuery } from './kinds.ts'
import type { CliIo } from './output.ts'

export interface DeleteOptions extends ClientFlags {
  readonly yes?: boolean
  readonly force?: boolean
  readonly dryRun?: boolean
  readonly message?: string
  readonly output: 'text' | 'json'
}

/** `headgate delete`: asks first where somebody sits before the screen. */
export async function runDelete(
  kind: string,
  id: string | undefined,
  options: DeleteOptions,
  io: CliIo,
): Promise<number> {
  const client = new AdminClient(options, io.environment)
  const { path, document } = await findDocument(client, readKindAndId(kind, id, dialects))
  const name = `${document.dialect}/${document.kind}/${document.id}`
  const dryRun = options.dryRun === true
  if (options.yes !== true && !dryRun && !(await confirm(io, `Delete ${name}?`)))
    throw new CliError('nothing was deleted')
  const query = new URLSearchParams()
  if (options.force === true) query.set('force', 'true')
  if (dryRun) query.set('dryRun', 'true')
  if (options.message !== undefined) query.set('message', options.message)
  // what was shown is what goes: not a version that somebody else wrote meanwhile
  const fields = { 'if-match': `"${document.modifiedRevision}"` }
  const answer = (await client.json('DELETE', withQuery(path, query), undefined, fields)) as {
    change: ShownChange
  }
  if (options.output === 'json') io.write(`${JSON.stringify(answer, null, 2)}\n`)
  else if (dryRun) io.write(`${formatChange(io, answer.change, dialects)}dry run: nothing was changed\n`)
  else io.write(`${formatResult(io, answer.change)}\n`)
  return 0
}
