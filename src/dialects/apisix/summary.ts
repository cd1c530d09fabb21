import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { idField, listField, numberField, objectField, textField, textListField } from './fields.ts'

/** What an object does in a few words, for lists: `GET shop.com/api/* to upstream 5; traffic-split`. */
export function summarizeValue(kind: string, value: JsonObject): string {
  const parts = kind === 'routes' ? [summarizeMatch(value)] : []
  if (kind === 'stream_routes') parts.push(summarizeStream(value))
  if (kind === 'upstreams') return summarizeUpstream(value)
  if (kind === 'services') {
    const hosts = textListField(value, 'hosts')
    if (hosts !== null) parts.push(shorten(hosts))
  }
  if (kind === 'ssls') return summarizeSsl(value)
  const target = summarizeTarget(value)
  if (target !== null) parts.push(`to ${target}`)
  const plugins = objectField(value, 'plugins')
  const names = plugins === null ? [] : Object.keys(plugins)
  const text = parts.join(' ')
  if (names.length === 0) return text
  return text === '' ? names.join(', ') : `${text}; ${names.join(', ')}`
}

/** `client`, or the names it is for. */
function summarizeSsl(value: JsonObject): string {
  const type = textField(value, 'type') ?? 'server'
  const names = textListField(value, 'snis') ?? [textField(value, 'sni')].filter((name) => name !== null)
  return type === 'client' || names.length === 0 ? type : `${type} ${shorten(names)}`
}

function summarizeStream(value: JsonObject): string {
  const port = numberField(value, 'server_port')
  const client = textField(value, 'remote_addr')
  const server = textField(value, 'server_addr') ?? ''
  const parts = [
    textField(value, 'sni'),
    port === null && server === '' ? null : `${server}:${port ?? '*'}`,
    client === null ? null : `from ${client}`,
  ].filter((part) => part !== null)
  return parts.length === 0 ? 'all streams' : parts.join(' ')
}

function summarizeMatch(value: JsonObject): string {
  const methods = textListField(value, 'methods')
  const hosts = [
    ...(textListField(value, 'hosts') ?? []),
    ...[textField(value, 'host')].filter((host) => host !== null),
  ]
  const uris = [
    ...(textListField(value, 'uris') ?? []),
    ...[textField(value, 'uri')].filter((uri) => uri !== null),
  ]
  const method = methods === null || methods.length === 0 ? '' : `${methods.join('|')} `
  const conditions = listField(value, 'vars')?.length ?? 0
  const isOff = value.status === 0 ? 'off: ' : ''
  return `${isOff}${method}${shorten(hosts)}${shorten(uris)}${conditions > 0 ? ' if …' : ''}`
}

function summarizeTarget(value: JsonObject): string | null {
  const upstreamId = idField(value, 'upstream_id')
  if (upstreamId !== null) return `upstream ${upstreamId}`
  const inline = objectField(value, 'upstream')
  if (inline !== null) return summarizeUpstream(inline)
  const serviceId = idField(value, 'service_id')
  return serviceId === null ? null : `service ${serviceId}`
}

function summarizeUpstream(value: JsonObject): string {
  const { nodes } = value
  if (isJsonObject(nodes)) return shorten(Object.keys(nodes))
  const list = listField(value, 'nodes')
  if (list === null) return textField(value, 'service_name') ?? ''
  return shorten(
    list
      .filter(isJsonObject)
      .map((node) => `${textField(node, 'host') ?? '?'}${node.port === undefined ? '' : `:${node.port}`}`),
  )
}

/** The first of them, and how many more there are. */
function shorten(texts: readonly string[]): string {
  const [first = ''] = texts
  return texts.length > 1 ? `${first} (+${texts.length - 1})` : first
}
