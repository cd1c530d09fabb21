import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ProxyFault } from '../dialects/dialect.ts'
import type { Log } from '../gateway/worker-pool.ts'
import { ERROR_CODES } from '../model/error-codes.ts'
import { GatewayError } from '../model/gateway-error.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import {
  flagField,
  listField,
  numberField,
  objectField,
  objectsField,
  textField,
} from '../model/json-fields.ts'
import { LINES_TYPE, PROXY_PREFIX, type ProxyHello, type ProxyReport } from '../model/proxy-link.ts'
import {
  readToken,
  readTokenWish,
  refuseBearer,
  signToken,
  TOKEN_PATH,
  type TokenClaims,
} from './dataplane-tokens.ts'
import { type MeshControl, ProxyRefusal } from './mesh-control.ts'

/** Bytes of a request's body. */
const MAX_BODY_BYTES = 1_048_576

export interface MeshHandlerOptions {
  readonly control: MeshControl
  readonly tokenKey: Buffer
  readonly log: Log
  /** Whether a request without the token of a proxy is let in because the control plane is on loopback. */
  readonly isPrivate: boolean
}

/** Answers what proxies ask of their control plane (model/proxy-link.ts), and makes their tokens. For whoever owns the server. */
export class MeshHandler {
  readonly #options: MeshHandlerOptions

  constructor(options: MeshHandlerOptions) {
    this.#options = options
  }

  /** What is answered here. Proxies show tokens, not keys; who asks for tokens must be let in by the server, as who may change everything. */
  readonly paths = [
    { path: TOKEN_PATH, isOpen: false },
    { path: `${PROXY_PREFIX}/*`, isOpen: true },
  ] as const

  /** Answers. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // the connection may break at any time; `close` follows and tidies up
    response.on('error', () => {})
    try {
      const url = new URL(request.url ?? '/', 'http://control-plane')
      if (url.pathname === TOKEN_PATH) await this.#makeToken(request, response)
      else await this.#answerProxy(request, response, url)
    } catch (error) {
      if (response.headersSent) response.destroy()
      else this.#sendFault(response, this.#faultOf(error))
    }
  }

  async #answerProxy(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const parts = url.pathname
      .slice(PROXY_PREFIX.length + 1)
      .split('/')
      .map(decodePart)
    const [mesh, name, what] = parts
    if (mesh === undefined || name === undefined || mesh === '' || name === '' || parts.length > 3)
      throw new HttpFault(404, 'no such endpoint: a proxy is <mesh>/<name>')
    const claims = this.#claimsOf(request)
    const stranger = claims === null ? null : refuseBearer(claims, { mesh, name, tagSets: [] })
    if (stranger !== null) throw new HttpFault(403, stranger)
    const place = { mesh, name, peer: request.socket.remoteAddress ?? '' }
    const { control } = this.#options
    if (what === 'stream' && request.method === 'POST') {
      const hello = readHello(await readJson(request))
      response.statusCode = 200
      response.setHeader('content-type', LINES_TYPE)
      response.setHeader('x-accel-buffering', 'no') // proxies of nginx's kind would hold lines back
      await control.connect(place, hello, claims, response)
      return
    }
    // of a proxy that was let in its instance is known to itself alone
    if (what === 'status' && request.method === 'PUT') {
      control.report(place, readReport(await readJson(request)))
      response.writeHead(204).end()
      return
    }
    if (what === undefined && request.method === 'DELETE') {
      await control.leave(place, url.searchParams.get('instance') ?? '')
      response.writeHead(204).end()
      return
    }
    throw new HttpFault(
      what === undefined || what === 'stream' || what === 'status' ? 405 : 404,
      'no such endpoint',
    )
  }

  /** null: none was given, and none is needed. */
  #claimsOf(request: IncomingMessage): TokenClaims | null {
    const { tokenKey, isPrivate } = this.#options
    const field = request.headers.authorization
    if (field === undefined) {
      if (isPrivate) return null
      throw new HttpFault(
        401,
        'the control plane is not on loopback, so a proxy needs a token: headgate generate dataplane-token makes one, --dataplane-token-file gives it',
      )
    }
    const token = /^Bearer +(\S+)$/i.exec(field)?.[1]
    const claims =
      token === undefined
        ? 'Authorization must be Bearer and a token'
        : readToken(tokenKey, token, Date.now())
    if (typeof claims === 'string') throw new HttpFault(401, claims)
    return claims
  }

  async #makeToken(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') throw new HttpFault(405, 'tokens are made with POST')
    const wish = readTokenWish(await readJson(request))
    if (!('claims' in wish)) throw new HttpFault(400, 'the wish for a token is not valid', wish)
    const token = signToken(this.#options.tokenKey, wish.claims, wish.validForMs, Date.now())
    this.#options.log('info', { ...wish.claims, validForMs: wish.validForMs }, 'a token for proxies was made')
    response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-store' }).end(token)
  }

  #faultOf(error: unknown): HttpFault {
    if (error instanceof HttpFault) return error
    if (error instanceof ProxyRefusal) return new HttpFault(error.status, error.message, error.faults)
    if (error instanceof GatewayError) {
      const { source, status } = ERROR_CODES[error.code]
      return new HttpFault(status, source === 'config' ? error.message : ERROR_CODES[error.code].message)
    }
    this.#options.log(
      'error',
      { error: error instanceof Error ? error.stack : String(error) },
      'a call of a proxy failed',
    )
    return new HttpFault(500, 'an error nobody expected; the log of the control plane has it')
  }

  #sendFault(response: ServerResponse, { status, message, faults }: HttpFault): void {
    const { headers, body } = this.#options.control.failure(status, message, faults)
    response.statusCode = status
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    response.end(body)
  }
}

class HttpFault extends Error {
  readonly status: number
  readonly faults: readonly ProxyFault[]

  constructor(status: number, reason: string, faults: readonly ProxyFault[] = []) {
    super(reason)
    this.status = status
    this.faults = faults
  }
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new HttpFault(400, 'the path is not valid percent-encoding')
  }
}

async function readJson(request: IncomingMessage): Promise<JsonObject> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > MAX_BODY_BYTES) throw new HttpFault(413, `the body is over ${MAX_BODY_BYTES} bytes`)
    parts.push(part)
  }
  let value: JsonValue
  try {
    value = JSON.parse(Buffer.concat(parts).toString('utf8'))
  } catch {
    throw new HttpFault(400, 'the body is no JSON')
  }
  if (!isJsonObject(value)) throw new HttpFault(400, 'the body must be an object')
  return value
}

function readHello(value: JsonObject): ProxyHello {
  const instance = textField(value, 'instance')
  if (instance === null || !/^[\w-]{1,64}$/.test(instance))
    throw new HttpFault(400, 'instance must be 1 to 64 letters, digits, - and _')
  const { dataplane } = value
  if (dataplane !== undefined && dataplane !== null && !isJsonObject(dataplane))
    throw new HttpFault(400, 'dataplane must be an object or null')
  return {
    instance,
    version: (textField(value, 'version') ?? '').slice(0, 64),
    dataplane: objectField(value, 'dataplane'),
    hasModel: flagField(value, 'hasModel'),
    inbounds: readInbounds(value),
  }
}

function readInbounds(value: JsonObject): ProxyReport['inbounds'] {
  return objectsField(value, 'inbounds')
    .slice(0, MAX_ENTRIES)
    .map(({ entry }) => ({
      inbound: textField(entry, 'inbound') ?? '',
      isReady: flagField(entry, 'isReady'),
    }))
}

/** Inbounds, closed listeners and faults of one report that are kept. */
const MAX_ENTRIES = 1_000

function readReport(value: JsonObject): ProxyReport {
  const instance = textField(value, 'instance')
  const revision = numberField(value, 'revision')
  if (instance === null || revision === null) throw new HttpFault(400, 'instance and revision are missing')
  return {
    instance,
    revision,
    faults: listField(value, 'faults').slice(0, MAX_ENTRIES).map(String),
    inbounds: readInbounds(value),
    closed: objectsField(value, 'closed')
      .slice(0, MAX_ENTRIES)
      .map(({ entry }) => ({
        name: textField(entry, 'name') ?? '',
        address: textField(entry, 'address') ?? '',
        reason: textField(entry, 'reason') ?? '',
      })),
    isDraining: flagField(value, 'isDraining'),
  }
}
