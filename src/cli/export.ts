import { AdminClient, type ClientFlags } from './client.ts'
import type { CliIo } from './output.ts'

export interface ExportOptions extends ClientFlags {
  readonly dialect?: string
}

/** `headgate export`: every document in the form that files have. */
export async function runExport(options: ExportOptions, io: CliIo): Promise<number> {
  const client = new AdminClient(options, io.environment)
  const query = options.dialect === undefined ? '' : `?${new URLSearchParams({ dialect: options.dialect })}`
  const answer = await client.call('GET', `/headgate/v1/export${query}`)
  io.write(answer.body)
  return 0
}
