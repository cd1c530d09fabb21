import { readFileSync } from 'node:fs'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { GatewayError } from '../model/gateway-error.ts'
import { CliError } from './cli-error.ts'

/** Where the gateway is and who asks: the flags that every client verb takes. */
export interface ClientFlags {
  /** `http://127.0.0.1:9180`; https works too. Default: HEADGATE_SERVER, else that. */
  readonly server?: string
  readonly adminKey?: string
  /** A file with the key on its first line. Default: HEADGATE_ADMIN_KEY, else `./data/admin.key` if it is there. */
  readonly adminKeyFile?: string
}

export const DEFAULT_SERVER = 'http://127.0.0.1:9180'
const ANSWER_TIMEOUT_MS = 30_000
/** Bytes of an answer that is read whole. */
const MAX_ANSWER_BYTES = 512 * 1_048_576

export interface ClientAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface ServerEvent {
  readonly event: string
  readonly data: string
  readonly id: string | null
}

/**
 * The Admin API of a running gateway. Rejects with CliError when nobody is there or the answer is none, and with RefusedError when the answer
 * is an error.
 */
export class AdminClient {
  readonly #base: URL
  readonly #key: string | null
  readonly #timeoutMs: number

  /** Throws BAD_SETTING for a malformed URL, both kinds of key, or a key file that cannot be read. `timeoutMs`: silence that ends a call. */
  constructor(
    flags: ClientFlags,
    environment: NodeJS.ProcessEnv = process.env,
    timeoutMs: number = ANSWER_TIMEOUT_MS,
  ) {
    this.#timeoutMs = timeoutMs
    this.#base = parseServer(flags.server ?? environment.HEADGATE_SERVER ?? DEFAULT_SERVER)
    this.#key = findKey(flags, environment)
  }

  /** As given, for messages. */
  get server(): string {
    return this.#base.origin
  }

  /** The JSON of an answer with a status below 400. */
  async json(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    const answer = await this.call(method, path, body, headers)
    try {
      return JSON.parse(answer.body) as unknown
    } catch (error) {
      throw new CliError(
        `${this.server} answered ${method} ${path} with something that is no JSON: is it a Headgate Admin API?`,
        { cause: error },
      )
    }
  }

  /** Like `json`, but undefined for 404. */
  async find(path: string): Promise<unknown> {
    try {
      return await this.json('GET', path)
    } catch (error) {
      if (error instanceof RefusedError && error.httpStatus === 404) return undefined
      throw error
    }
  }

  /** An answer with a status below 400; others throw RefusedError. `body` is sent as JSON. */
  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ClientAnswer> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const answer = await this.#send(method, path, text, headers)
    if (answer.status >= 400) throw new RefusedError(this.server, method, path, answer)
    return answer
  }

  /**
   * Follows Server-Sent Events until the server ends them (returns), `signal` aborts (returns), or the connection breaks (throws
   * CliError). `onEvent` is called in order.
   */
  async follow(path: string, onEvent: (event: ServerEvent) => void, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const request = this.#open('GET', path, { accept: 'text/event-stream' }, signal)
      request.on('error', (error) => {
        if (signal.aborted) resolve()
        else reject(this.#unreachable(error))
      })
      request.on('response', (response) => {
        response.setEncoding('utf8')
        if (response.statusCode !== 200) {
          let text = ''
          response.on('data', (chunk: string) => {
            text = (text + chunk).slice(0, 65_536)
          })
          response.on('end', () =>
            reject(
              new RefusedError(this.server, 'GET', path, {
                status: response.statusCode ?? 0,
                headers: response.headers,
                body: text,
              }),
            ),
          )
          return
        }
        const take = createEventReader(onEvent)
        response.on('data', take)
        response.on('end', resolve)
        response.on('error', (error) => (signal.aborted ? resolve() : reject(this.#unreachable(error))))
      })
      request.end()
    })
  }

  #send(
    method: string,
    path: string,
    body: string | undefined,
    fields: Readonly<Record<string, string>>,
  ): Promise<ClientAnswer> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string> =
        body === undefined
          ? { ...fields }
          : {
              ...fields,
              'content-type': 'application/json',
              'content-length': String(Buffer.byteLength(body)),
            }
      const request = this.#open(method, path, headers)
      request.setTimeout(this.#timeoutMs, () =>
        request.destroy(new Error(`no answer within ${this.#timeoutMs / 1000} s`)),
      )
      request.on('error', (error) => reject(this.#unreachable(error)))
      request.on('response', (response) => {
        const parts: Buffer[] = []
        let bytes = 0
        response.on('data', (part: Buffer) => {
          bytes += part.length
          if (bytes > MAX_ANSWER_BYTES) request.destroy(new Error('the answer is too long'))
          parts.push(part)
        })
        response.on('error', (error) => reject(this.#unreachable(error)))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(parts).toString('utf8'),
          }),
        )
      })
      request.end(body)
    })
  }

  #open(method: string, path: string, headers: Record<string, string>, signal?: AbortSignal) {
    const url = new URL(path, this.#base)
    const open = url.protocol === 'https:' ? requestHttps : requestHttp
    const keyed = this.#key === null ? headers : { ...headers, 'x-api-key': this.#key }
    return open(url, { method, headers: keyed, agent: false, ...(signal === undefined ? {} : { signal }) })
  }

  #unreachable(error: unknown): CliError {
    const code = (error as NodeJS.ErrnoException).code
    const reason =
      code === 'ECONNREFUSED'
        ? 'nobody listens there'
        : error instanceof Error
          ? error.message
          : String(error)
    return new CliError(
      `${this.server}: ${reason}; is the gateway running, and is --server its admin address?`,
      { cause: error },
    )
  }
}

/** The server answered with an error. The message is the server's own reason. */
export class RefusedError extends CliError {
  readonly answer: ClientAnswer

  constructor(server: string, method: string, path: string, answer: ClientAnswer) {
    super(`${server} refused ${method} ${path} with ${answer.status}: ${reasonOf(answer)}`)
    this.answer = answer
  }

  get httpStatus(): number {
    return this.answer.status
  }
}

/** The `detail`, `error_msg` or `message` of an error body, else its beginning. */
function reasonOf({ body, status }: ClientAnswer): string {
  try {
    const parsed = JSON.parse(body) as Record<string, unknown>
    for (const name of ['detail', 'error_msg', 'message', 'description', 'title']) {
      const text = parsed[name]
      if (typeof text === 'string' && text !== '') return text
    }
  } catch {
    // no JSON: shown as it is
  }
  const text = body.trim().slice(0, 500)
  if (text !== '') return text
  return status === 401
    ? 'the admin key is missing or wrong (--admin-key, --admin-key-file)'
    : 'no reason given'
}

function parseServer(text: string): URL {
  const withScheme = /^https?:\/\//.test(text) ? text : `http://${text}`
  const url = URL.canParse(withScheme) ? new URL(withScheme) : null
  if (
    url === null ||
    (url.pathname !== '/' && url.pathname !== '') ||
    url.search !== '' ||
    url.username !== ''
  ) {
    throw new GatewayError(
      'BAD_SETTING',
      `--server ${text}: not the address of an Admin API, such as ${DEFAULT_SERVER}`,
    )
  }
  return url
}

/** Flag, flag's file, environment, the file that `headgate start` leaves in `./data`; null: none, and the server will say so. */
function findKey(flags: ClientFlags, environment: NodeJS.ProcessEnv): string | null {
  if (flags.adminKey !== undefined && flags.adminKeyFile !== undefined) {
    throw new GatewayError('BAD_SETTING', '--admin-key and --admin-key-file: give one of them')
  }
  const key =
    flags.adminKey ?? (flags.adminKeyFile === undefined ? environment.HEADGATE_ADMIN_KEY : undefined)
  if (key !== undefined && key !== '') return checkKey(key, 'the admin key')
  const file = flags.adminKeyFile ?? environment.HEADGATE_ADMIN_KEY_FILE
  if (file !== undefined) return readKeyFile(file)
  try {
    return checkKey(readFileSync(DEFAULT_KEY_FILE, 'utf8').trim(), DEFAULT_KEY_FILE)
  } catch (error) {
    if (error instanceof GatewayError) throw error
    return null
  }
}

/** Where `headgate start` without flags keeps the key it made. */
const DEFAULT_KEY_FILE = 'data/admin.key'

function readKeyFile(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new GatewayError(
      'BAD_SETTING',
      `--admin-key-file ${file}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
  return checkKey(text.trim(), file)
}

/** A key with a newline or control characters in it would break the header it is sent in. */
function checkKey(key: string, source: string): string {
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new GatewayError('BAD_SETTING', `${source} is empty, or holds blanks or control characters`)
  return key
}

/** Splits a stream of text into events (the HTML standard, 9.2.6; comments are left out). */
function createEventReader(onEvent: (event: ServerEvent) => void): (chunk: string) => void {
  let rest = ''
  let name = ''
  let data: string[] = []
  let id: string | null = null
  return (chunk) => {
    rest += chunk
    for (;;) {
      const end = rest.indexOf('\n')
      if (end < 0) return
      const line = rest.slice(0, end).replace(/\r$/, '')
      rest = rest.slice(end + 1)
      if (line === '') {
        if (data.length > 0) onEvent({ event: name === '' ? 'message' : name, data: data.join('\n'), id })
        name = ''
        data = []
        continue
      }
      const colon = line.indexOf(':')
      const field = colon < 0 ? line : line.slice(0, colon)
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
      if (field === 'event') name = value
      else if (field === 'data') data.push(value)
      else if (field === 'id') id = value
    }
  }
}
