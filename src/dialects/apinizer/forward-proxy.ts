import type { JsonObject } from '../../model/json.ts'
import { flagField, listField, numberField, objectField, textField } from '../../model/json-fields.ts'

/** A forward proxy between the gateway and its targets (spec/apinizer.md 7.5), under the names of the vendor's call `proxy-server`. */
export interface ForwardProxy {
  /** As `Endpoint.host`. */
  readonly host: string
  readonly port: number
  /** Value of Proxy-Authorization; null: none is sent. */
  readonly authorization: string | null
}

/** The one that all requests take; null: there is none, or each request names its own. */
export function readForwardProxy(proxy: JsonObject): ForwardProxy | null {
  const settings = settingsOf(proxy)
  if (settings === null || flagField(settings, 'proxyFromHeaderEnabled')) return null
  const host = textField(settings, 'proxyHost')
  const port = numberField(settings, 'proxyPort')
  return host === null || port === null ? null : { host, port, authorization: credentialsOf(settings) }
}

/** Those that a request may name, in their order; null: requests name none. */
export function readAllowedProxies(proxy: JsonObject): readonly ForwardProxy[] | null {
  const settings = settingsOf(proxy)
  if (settings === null || !flagField(settings, 'proxyFromHeaderEnabled')) return null
  const authorization = credentialsOf(settings)
  return listField(settings, 'allowedProxyList').flatMap((entry): ForwardProxy[] => {
    const place = typeof entry === 'string' ? readPlace(entry) : null
    return place === null ? [] : [{ ...place, authorization }]
  })
}

/** `host:port`, brackets around IPv6; null: it is none. */
export function readPlace(text: string): { readonly host: string; readonly port: number } | null {
  const match = PLACE.exec(text)
  const port = Number(match?.[2] ?? 0)
  return match === null || port < 1 || port > 65_535
    ? null
    : { host: (match[1] as string).replace(/^\[(.*)\]$/, '$1'), port }
}

const PLACE = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):(\d{1,5})$/
export const PROXY_HOST = /^(?:[0-9A-Fa-f:.]+|[A-Za-z0-9_.-]+)$/

function settingsOf(proxy: JsonObject): JsonObject | null {
  const settings = objectField(proxy, 'proxyServer')
  return settings !== null && flagField(settings, 'proxyEnabled') ? settings : null
}

function credentialsOf(settings: JsonObject): string | null {
  if (!flagField(settings, 'proxyAuthorizationNeeded')) return null
  const user = textField(settings, 'proxyUsername') ?? ''
  const password = textField(settings, 'proxyPassword') ?? ''
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}
