import { isIP } from 'node:net'
import { EXPLAIN_LIMITS, type ExplainRequest } from '../model/explanation.ts'
import { isJsonObject, type JsonValue } from '../model/json.ts'

/** What is wrong with a request to explain, in one line for whoever asked. */
export class ExplainError extends Error {
  /** `badRequest`: the request makes no sense. `noListener`: nothing takes it in. `noAnswer`: no worker answered in time. `noDocument`: no route comes from it. */
  readonly reason: 'badRequest' | 'noListener' | 'noAnswer' | 'noDocument'
  constructor(reason: ExplainError['reason'], message: string) {
    super(message)
    this.name = 'ExplainError'
    this.reason = reason
  }
}

/** A URL as people type it: the parts of a request that it says. */
export interface ExplainUrl {
  readonly scheme: 'http' | 'https' | null
  /** As written, with its port; null where the URL begins with its path. */
  readonly host: string | null
  readonly port: number | null
  readonly target: string
}

/**
 * Reads `/path`, `host/path`, `host:port/path` or `http://host:port/path`. Nothing is normalised, for the gateway's own view of the path is what
 * is to be explained; blanks and characters beyond ASCII are percent-encoded, as clients do; a fragment is dropped. Throws ExplainError.
 */
export function readExplainUrl(text: string): ExplainUrl {
  const match = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/?#]*)([^#]*)/is.exec(text)
  const [, scheme, authority = '', rest = ''] = match ?? []
  if (text === '*') return { scheme: null, host: null, port: null, target: '*' }
  if (match === null || text === '' || (scheme !== undefined && authority === ''))
    throw new ExplainError(
      'badRequest',
      `${JSON.stringify(text)} is no URL: say /path, host/path or http://host:port/path`,
    )
  const known = scheme?.toLowerCase()
  if (known !== undefined && known !== 'http' && known !== 'https')
    throw new ExplainError('badRequest', `${text}: the scheme is http or https`)
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  if (/[\x00-\x20\x7f]/.test(host))
    throw new ExplainError(
      'badRequest',
      `${JSON.stringify(host)} is no host: it holds a blank or a control character`,
    )
  const port = /^(?:\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(host)?.[1]
  if (host.includes(':') && port === undefined && !/^\[[^\]]*\]$/.test(host))
    throw new ExplainError(
      'badRequest',
      `${text}: the port behind ${host.split(':')[0]} is a number from 1 to 65535`,
    )
  const path = rest === '' ? '/' : rest.startsWith('?') ? `/${rest}` : rest
  return {
    scheme: (known as 'http' | 'https' | undefined) ?? null,
    host: host === '' ? null : host,
    port: port === undefined ? null : Number(port),
    target: encodeTarget(path),
  }
}

function encodeTarget(text: string): string {
  return text.replace(/[^\x21-\x7e]/gu, (character) =>
    [...Buffer.from(character, 'utf8')]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  )
}

/** `name: value`. Throws ExplainError for what is no header field. */
export function readHeaderLine(line: string): readonly [string, string] {
  const colon = line.indexOf(':')
  if (colon <= 0)
    throw new ExplainError('badRequest', `${JSON.stringify(line)} is no header: say 'name: value'`)
  const header = [line.slice(0, colon), line.slice(colon + 1).trim()] as const
  checkHeader(header)
  return header
}

function checkHeader([name, value]: readonly [string, string]): void {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
    throw new ExplainError('badRequest', `${JSON.stringify(name)} is no name of a header`)
  if (/[\r\n\0]/.test(value))
    throw new ExplainError('badRequest', `the value of header ${name} holds a line break or a NUL`)
}

const MEMBERS = ['url', 'method', 'headers', 'clientIp', 'listener', 'body']

/**
 * The body of `POST /headgate/v1/explain`: `{url, method?, headers?, clientIp?, listener?, body?}`; headers are an object or a list of `name:
 * value`. The URL's port, where it has one, names the listener, unless `listener` does. Throws ExplainError.
 */
export function readExplainRequest(given: JsonValue): ExplainRequest {
  if (!isJsonObject(given))
    throw new ExplainError('badRequest', 'a request to explain is an object with a url')
  for (const member of Object.keys(given)) {
    if (!MEMBERS.includes(member))
      throw new ExplainError('badRequest', `${member}: not known; there are ${MEMBERS.join(', ')}`)
  }
  const { url } = given
  if (typeof url !== 'string')
    throw new ExplainError('badRequest', 'url: a text such as /path or http://host/path is needed')
  return makeExplainRequest(url, {
    method: textOf(given, 'method') ?? 'GET',
    headers: readHeaders(given.headers ?? []),
    clientIp: textOf(given, 'clientIp'),
    listener: textOf(given, 'listener'),
    body: textOf(given, 'body'),
  })
}

/** The same, from parts that are texts already. Throws ExplainError. */
export function makeExplainRequest(
  url: string,
  parts: {
    readonly method: string
    readonly headers: readonly (readonly [string, string])[]
    readonly clientIp: string | null
    readonly listener: string | null
    readonly body: string | null
  },
): ExplainRequest {
  const { scheme, host, port, target } = readExplainUrl(url)
  const { method, clientIp, body } = parts
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method))
    throw new ExplainError('badRequest', `${JSON.stringify(method)} is no method`)
  if (parts.headers.length > EXPLAIN_LIMITS.headers)
    throw new ExplainError('badRequest', `at most ${EXPLAIN_LIMITS.headers} headers`)
  for (const header of parts.headers) checkHeader(header)
  const clientAddress = clientIp ?? '127.0.0.1'
  if (isIP(clientAddress) === 0)
    throw new ExplainError('badRequest', `${JSON.stringify(clientAddress)} is no IP address of a client`)
  if (body !== null && Buffer.byteLength(body) > EXPLAIN_LIMITS.bodyBytes)
    throw new ExplainError('badRequest', `body: at most ${EXPLAIN_LIMITS.bodyBytes} bytes`)
  if (scheme === 'https')
    throw new ExplainError('noListener', `${url}: no listener takes https; explain the same URL with http://`)
  const named = parts.headers.find(([name]) => name.toLowerCase() === 'host')
  return {
    method,
    target,
    host: named === undefined ? host : named[1],
    headers: parts.headers.filter((header) => header !== named),
    clientAddress,
    listener: parts.listener ?? (port === null ? null : String(port)),
    body,
  }
}

/** A member that is a text, or null where it is absent. Throws ExplainError. */
export function textOf(given: Readonly<Record<string, JsonValue>>, name: string): string | null {
  const value = given[name] ?? null
  if (value !== null && typeof value !== 'string')
    throw new ExplainError('badRequest', `${name}: a text is expected`)
  return value
}

function readHeaders(given: JsonValue): readonly (readonly [string, string])[] {
  if (Array.isArray(given))
    return given.map((line) => {
      if (typeof line !== 'string') throw new ExplainError('badRequest', "headers: a list of 'name: value'")
      return readHeaderLine(line)
    })
  if (!isJsonObject(given))
    throw new ExplainError('badRequest', "headers: an object, or a list of 'name: value'")
  return Object.entries(given).map(([name, value]) => {
    if (typeof value !== 'string') throw new ExplainError('badRequest', `headers.${name}: a text is expected`)
    return [name, value] as const
  })
}

/** The listener that a request names, of the addresses that stand. Throws ExplainError naming them. */
export function findListener(wanted: string | null, addresses: readonly string[]): string {
  const [first] = addresses
  if (first === undefined) throw new ExplainError('noListener', 'the gateway has no listener that stands')
  if (wanted === null) return first
  const found = addresses.find((address) => address === wanted || address.endsWith(`:${wanted}`))
  if (found !== undefined) return found
  const what = /^\d+$/.test(wanted) ? `port ${wanted}` : wanted
  throw new ExplainError(
    'noListener',
    `no listener of the gateway stands at ${what} (there ${addresses.length === 1 ? 'is' : 'are'} ${addresses.join(', ')}); leave the port out of the URL, and say 'Host: name:port' in a header if it belongs to the host`,
  )
}
