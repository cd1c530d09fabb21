import { dialects } from '../dialects/index.ts'
import { createOfflineExplainer, type Explains } from '../gateway/explain-offline.ts'
import { isKind } from '../gateway/explain-places.ts'
import { ExplainError, makeExplainRequest, readHeaderLine } from '../gateway/explain-request.ts'
import { resolveSettings } from '../gateway/settings.ts'
import type { Explanation, RouteReach } from '../model/explanation.ts'
import { suggest } from '../model/suggest.ts'
import { CliError } from './cli-error.ts'
import { AdminClient, type ClientFlags } from './client.ts'
import { explanationText } from './explain-text.ts'
import { findDocument, readKindAndId } from './kinds.ts'
import type { CliIo } from './output.ts'
import { reachText } from './reach-text.ts'
import { validateFiles } from './validate.ts'

export interface ExplainOptions extends ClientFlags {
  readonly method: string
  readonly header?: readonly string[]
  readonly data?: string
  readonly clientIp?: string
  readonly config?: string
  readonly all?: boolean
  readonly output: 'text' | 'json'
}

export interface ReachOptions extends ClientFlags {
  readonly config?: string
  readonly output: 'text' | 'json'
}

const USAGE = 2

/** `headgate explain`: the exit status. Throws CliError. */
export async function runExplain(url: string, options: ExplainOptions, io: CliIo): Promise<number> {
  const parts = {
    method: options.method,
    headers: telling(() => (options.header ?? []).map(readHeaderLine)),
    clientIp: options.clientIp ?? null,
    listener: null,
    body: options.data ?? null,
  }
  const request = telling(() => makeExplainRequest(url, parts))
  let explanation: Explanation
  if (options.config === undefined) {
    const client = new AdminClient(options, io.environment)
    explanation = (await client.json('POST', '/headgate/v1/explain', {
      ...parts,
      url,
      headers: parts.headers.map(([name, value]) => `${name}: ${value}`),
    })) as Explanation
  } else {
    const { explains } = await readFiles(options.config, io)
    explanation = await explains.explain(request).catch(tell)
  }
  io.write(
    options.output === 'json'
      ? `${JSON.stringify(explanation, null, 2)}\n`
      : explanationText(explanation, { io, isWhole: options.all === true }),
  )
  return 0
}

/** `headgate explain route`: the exit status. Throws CliError. */
export async function runExplainRoute(name: string, options: ReachOptions, io: CliIo): Promise<number> {
  const reach =
    options.config === undefined
      ? await askReach(name, new AdminClient(options, io.environment))
      : await readReach(name, options.config, io)
  io.write(options.output === 'json' ? `${JSON.stringify(reach, null, 2)}\n` : reachText(reach, io))
  return reach.entries.every(({ outcome }) => outcome === 'reaches') ? 0 : 1
}

async function askReach(name: string, client: AdminClient): Promise<RouteReach> {
  const wanted = readKindAndId(name, undefined, dialects)
  const { choice } = await findDocument(client, wanted)
  const query = new URLSearchParams({ dialect: choice.dialect.name, kind: choice.kind, id: wanted.id })
  return (await client.json('GET', `/headgate/v1/explain/route?${query}`)) as RouteReach
}

async function readReach(name: string, config: string, io: CliIo): Promise<RouteReach> {
  const { choices, id } = readKindAndId(name, undefined, dialects)
  const { explains, keys } = await readFiles(config, io)
  const among = keys.filter(({ dialect, kind }) =>
    choices.some((choice) => choice.dialect.name === dialect && isKind(choice.kind, kind)),
  )
  const [key, other] = among.filter((known) => known.id === id)
  if (key === undefined) {
    const near = suggest(
      id,
      among.map((known) => known.id),
    )
    throw new CliError(`${config} holds no ${name}${near === null ? '' : `; did you mean ${near}?`}`)
  }
  if (other !== undefined)
    throw new CliError(
      `${name} is in several dialects: say ${key.dialect}/${name} or ${other.dialect}/${name}`,
      {
        exitCode: USAGE,
      },
    )
  return explains.explainRoute(key).catch(tell)
}

/** The files as a gateway would serve them. Documents with faults are left out, and told of. */
async function readFiles(
  target: string,
  io: CliIo,
): Promise<{ explains: Explains; keys: ReturnType<typeof keysOf> }> {
  const settings = resolveSettings(target === '-' ? {} : { config: target }, io.environment)
  const report = await validateFiles(target, dialects, settings, io)
  if (report.faults.length > 0)
    io.writeError(
      `headgate: ${target} has ${report.faults.length === 1 ? 'a fault' : `${report.faults.length} faults`}; explained without what is faulty (headgate validate -f ${target} tells)\n`,
    )
  const explains = createOfflineExplainer({
    documents: report.documents,
    dialects,
    settings,
    placeOf: report.placeOf,
  })
  return { explains, keys: keysOf(report) }
}

function keysOf({ documents }: Awaited<ReturnType<typeof validateFiles>>) {
  return documents.map(({ key }) => key)
}

/** What explain says against a request, as one line of the command line. */
function tell(error: unknown): never {
  if (error instanceof ExplainError)
    throw new CliError(error.message, { exitCode: error.reason === 'badRequest' ? USAGE : 1, cause: error })
  throw error
}

function telling<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    return tell(error)
  }
}
