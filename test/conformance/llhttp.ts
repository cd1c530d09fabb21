import { createRequire } from 'node:module'

/** Node's own parser (llhttp, strict), driven directly, so that its reading of the same bytes can be compared with ours. */

export interface LlhttpMessage {
  /** Method and target, or status and reason. */
  readonly line: string
  readonly minorVersion: number
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly keepAlive: boolean
  readonly upgrade: boolean
  body: string
  isComplete: boolean
}

export interface LlhttpResult {
  readonly messages: readonly LlhttpMessage[]
  /** Its error code (`HPE_…`), null if it accepted everything. */
  readonly error: string | null
}

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void
  execute(input: Buffer): number | (Error & { code?: string })
  finish(): undefined | (Error & { code?: string })
  close(): void
  [callback: number]: unknown
}

interface ParserClass {
  new (): Parser
  readonly REQUEST: number
  readonly RESPONSE: number
  readonly kOnHeaders: number
  readonly kOnHeadersComplete: number
  readonly kOnBody: number
  readonly kOnMessageComplete: number
}

interface ParserModule {
  readonly HTTPParser: ParserClass
  /** In the order of llhttp's numbers. */
  readonly methods: readonly string[]
}

// The one place where node hands out its parser; marked as internal, so an update of node may need a change here.
const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as ParserModule

/** Reads a byte string as requests, or as answers to requests with the given method. */
export function readWithLlhttp(text: string, answerTo: string | null): LlhttpResult {
  const parser = new HTTPParser()
  parser.initialize(answerTo === null ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {}, 65_536, 0)
  const messages: LlhttpMessage[] = []
  let early: string[] = []
  let earlyUrl = ''
  parser[HTTPParser.kOnHeaders] = (fields: string[], url: string) => {
    // More than 32 fields come in parts before the head is complete; behind it they are trailers, which node gives apart.
    early.push(...fields)
    earlyUrl += url
  }
  parser[HTTPParser.kOnHeadersComplete] = (
    _major: number,
    minorVersion: number,
    fields: string[] | undefined,
    method: number | undefined,
    url: string | undefined,
    status: number | undefined,
    reason: string | undefined,
    upgrade: boolean,
    keepAlive: boolean,
  ): number => {
    const flat = [...early, ...(fields ?? [])]
    early = []
    const target = earlyUrl + (url ?? '')
    earlyUrl = ''
    const pairs = Array.from(
      { length: flat.length / 2 },
      (_, i) => [flat[2 * i] ?? '', flat[2 * i + 1] ?? ''] as const,
    )
    const line = answerTo === null ? `${methods[method ?? -1]} ${target}` : `${status} ${reason}`
    messages.push({ line, minorVersion, fields: pairs, keepAlive, upgrade, body: '', isComplete: false })
    return answerTo === 'HEAD' ? 1 : 0
  }
  parser[HTTPParser.kOnBody] = (body: Buffer) => {
    const message = messages.at(-1)
    if (message !== undefined) message.body += body.toString('latin1')
  }
  parser[HTTPParser.kOnMessageComplete] = () => {
    const message = messages.at(-1)
    if (message !== undefined) message.isComplete = true
    early = []
    earlyUrl = ''
  }
  const result = parser.execute(Buffer.from(text, 'latin1'))
  let error = result instanceof Error ? (result.code ?? 'unknown') : null
  if (error === null) {
    const end = parser.finish()
    if (end instanceof Error) error = end.code ?? 'unknown'
  }
  parser.close()
  return { messages, error }
}
