import { dialects } from '../dialects/index.ts'
import { makeEntranceQuestion } from '../gateway/entrance-question.ts'
import { explainEntrance } from '../gateway/explain-entrance.ts'
import { createOfflineExplainer, type Explains } from '../gateway/explain-offline.ts'
import { isKind } from '../gateway/explain-places.ts'
import { ExplainError, makeExplainRequest, readHeaderLine } from '../gateway/explain-request.ts'
import { resolveSettings } from '../gateway/settings.ts'
import { makeStreamQuestion } from '../gateway/stream-question.ts'
import type {
  EntranceExplanation,
  EntranceQuestion,
  Explanation,
  RouteReach,
  StreamExplanation,
} from '../model/explanation.ts'
import type { Settings } from '../model/settings.ts'
import { suggest } from '../model/suggest.ts'
import { CliError } from './cli-error.ts'
import { AdminClient, type ClientFlags } from './client.ts'
import { entranceText } from './explain-entrance-text.ts'
import { streamExplanationText } from './explain-stream-text.ts'
import { explanationText } from './explain-text.ts'
import { findDocument, readKindAndId } from './kinds.ts'
import type { CliIo } from './output.ts'
import { reachText } from './reach-text.ts'
import { validateFiles } from './validate.ts'

export interface ExplainOptions extends ClientFlags {
  readonly method?: string
  readonly header?: readonly string[]
  readonly data?: string
  /** Of a stream: the listener; true: the first one. */
  readonly tcp?: string | true
  readonly udp?: string | true
  readonly sni?: string
  /** Of a data plane proxy's outbound: the proxy, and which one. */
  readonly dataplane?: string
  readonly outbound?: string
  readonly clientIp?: string
  readonly config?: string
  readonly all?: boolean
  readonly output: 'text' | 'json'
}

export interface ReachOptions
  extends ClientFlags,
    Pick<ExplainOptions, 'tcp' | 'udp' | 'sni' | 'dataplane' | 'outbound'> {
  readonly config?: string
  readonly output: 'text' | 'json'
}

const USAGE = 2

/** `headgate explain`: the exit status. Throws CliError. */
export async function runExplain(
  url: string | undefined,
  options: ExplainOptions,
  io: CliIo,
): Promise<number> {
  const { tcp, udp, dataplane } = options
  if (dataplane !== undefined) return runExplainEntrance(dataplane, url, options, io)
  if (options.outbound !== undefined) throw usage('--outbound goes with --dataplane: whose outbound it is')
  if (tcp !== undefined || udp !== undefined) {
    refuseForStreams(url, options)
    return runExplainStream(tcp === undefined ? 'udp' : 'tcp', options, io)
  }
  if (options.sni !== undefined) throw usage('--sni goes with --tcp: the name that a stream asks for in TLS')
  if (url === undefined)
    throw usage('say what to explain: a URL, a stream (--tcp or --udp), or route and its kind/id')
  return runExplainRequest(url, options, io)
}

/** What has no meaning for a stream. */
function refuseForStreams(url: string | undefined, options: ExplainOptions): void {
  const { tcp, udp, sni } = options
  const flag = tcp === undefined ? '--udp' : '--tcp'
  if (tcp !== undefined && udp !== undefined) throw usage('--tcp and --udp: explain one stream at a time')
  if (url !== undefined) throw usage(`${flag} explains a stream, and ${url} is a request: say one of them`)
  if (tcp === undefined && sni !== undefined)
    throw usage('--sni goes with --tcp: no name is asked for in TLS over UDP')
  for (const name of ['method', 'header', 'data'] as const)
    if (options[name] !== undefined) throw usage(`--${name} is of a request: it has no meaning with ${flag}`)
}

async function runExplainStream(
  transport: 'tcp' | 'udp',
  options: ExplainOptions,
  io: CliIo,
): Promise<number> {
  const listener = options[transport]
  const parts = {
    transport,
    listener: typeof listener === 'string' ? listener : null,
    serverName: options.sni ?? null,
    clientIp: options.clientIp ?? null,
  }
  const question = telling(() => makeStreamQuestion(parts))
  const explanation =
    options.config === undefined
      ? ((await new AdminClient(options, io.environment).json(
          'POST',
          '/headgate/v1/explain/stream',
          parts,
        )) as StreamExplanation)
      : await (await readFiles(options.config, io)).explains.explainStream(question).catch(tell)
  io.write(
    options.output === 'json'
      ? `${JSON.stringify(explanation, null, 2)}\n`
      : streamExplanationText(explanation, { io, isWhole: options.all === true }),
  )
  return 0
}

function usage(message: string): CliError {
  return new CliError(message, { exitCode: USAGE })
}

async function runExplainRequest(url: string, options: ExplainOptions, io: CliIo): Promise<number> {
  const parts = { ...requestParts(options), listener: null }
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

/** What comes in at an outbound of a data plane proxy. */
async function runExplainEntrance(
  id: string,
  url: string | undefined,
  options: ExplainOptions,
  io: CliIo,
): Promise<number> {
  for (const name of ['tcp', 'udp', 'sni'] as const)
    if (options[name] !== undefined)
      throw usage(`--${name} has no meaning with --dataplane: --outbound says which listener it is`)
  const parts = requestParts(options)
  const question = telling(() =>
    makeEntranceQuestion({
      dialect: null,
      id,
      entrance: options.outbound ?? null,
      request: makeExplainRequest(url ?? '/', { ...parts, listener: null }),
    }),
  )
  const explanation =
    options.config === undefined
      ? await askEntrance(question, url ?? '/', parts, new AdminClient(options, io.environment))
      : await readEntrance(question, options.config, io)
  io.write(
    options.output === 'json'
      ? `${JSON.stringify(explanation, null, 2)}\n`
      : entranceText(explanation, { io, isWhole: options.all === true }),
  )
  return 0
}

async function askEntrance(
  { id, entrance }: EntranceQuestion,
  url: string,
  parts: RequestParts,
  client: AdminClient,
): Promise<EntranceExplanation> {
  return (await client.json('POST', '/headgate/v1/explain/entrance', {
    id,
    entrance,
    ...parts,
    url,
    headers: parts.headers.map(([name, value]) => `${name}: ${value}`),
  })) as EntranceExplanation
}

async function readEntrance(
  question: EntranceQuestion,
  config: string,
  io: CliIo,
): Promise<EntranceExplanation> {
  const { report, settings } = await readReport(config, io)
  return explainEntrance(question, {
    dialects,
    settings,
    documentsOf: ({ name }) => report.documents.filter(({ key }) => key.dialect === name),
    placeOf: report.placeOf,
    live: null,
  }).catch(tell)
}

interface RequestParts {
  readonly method: string
  readonly headers: readonly (readonly [string, string])[]
  readonly clientIp: string | null
  readonly body: string | null
}

function requestParts(options: ExplainOptions): RequestParts {
  return {
    method: options.method ?? 'GET',
    headers: telling(() => (options.header ?? []).map(readHeaderLine)),
    clientIp: options.clientIp ?? null,
    body: options.data ?? null,
  }
}

/** `headgate explain route`: the exit status. Throws CliError. */
export async function runExplainRoute(name: string, options: ReachOptions, io: CliIo): Promise<number> {
  if ((options.tcp ?? options.udp ?? options.sni) !== undefined)
    throw usage('explain route is about requests: --tcp, --udp and --sni have no meaning with it')
  if ((options.dataplane ?? options.outbound) !== undefined)
    throw usage(
      '--dataplane and --outbound have no meaning with explain route: leave route and its kind/id out',
    )
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
  const { report, settings } = await readReport(target, io)
  const explains = createOfflineExplainer({
    documents: report.documents,
    dialects,
    settings,
    placeOf: report.placeOf,
  })
  return { explains, keys: keysOf(report) }
}

async function readReport(
  target: string,
  io: CliIo,
): Promise<{ report: Awaited<ReturnType<typeof validateFiles>>; settings: Settings }> {
  const settings = resolveSettings(target === '-' ? {} : { config: target }, io.environment)
  const report = await validateFiles(target, dialects, settings, io)
  if (report.faults.length > 0)
    io.writeError(
      `headgate: ${target} has ${report.faults.length === 1 ? 'a fault' : `${report.faults.length} faults`}; explained without what is faulty (headgate validate -f ${target} tells)\n`,
    )
  return { report, settings }
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
