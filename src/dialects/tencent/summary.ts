import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { objectField, objectsField, textField } from '../../model/json-fields.ts'
import { type Backend, readBackend } from './backend.ts'
import { inOrder, policiesOf } from './policies.ts'

/** What a document does in a few words, for lists. */
export function summarizeValue(kind: string, value: JsonObject): string {
  switch (kind) {
    case 'upstreams':
      return shorten(
        objectsField(value, 'Nodes').map(
          ({ entry }) => `${textField(entry, 'Host') ?? '?'}:${String(entry.Port)}`,
        ),
      )
    case 'services': {
      const domains = objectsField(value, 'CustomDomains').map(
        ({ entry }) => textField(entry, 'Domain') ?? '?',
      )
      const protocol = textField(value, 'Protocol') ?? ''
      return domains.length === 0 ? protocol : `${protocol} ${shorten(domains)}`
    }
    case 'apis':
      return summarizeApi(value)
    case 'plugins':
      return shorten(inOrder(policiesOf(value)).map(({ name, condition }) => `${name} if ${condition}`))
    case 'attachments':
      return `${textField(value, 'PluginId') ?? '?'} to ${textField(value, 'ApiId') ?? '?'}`
    case 'releases':
      return textField(value, 'ReleaseDesc') ?? ''
    case 'released_apis':
      return isJsonObject(value.Api) ? summarizeApi(value.Api) : ''
    default:
      return ''
  }
}

function summarizeApi(api: JsonObject): string {
  const config = objectField(api, 'RequestConfig') ?? {}
  const backend = readBackend(api)
  const what = `${textField(config, 'Method') ?? ''} ${textField(config, 'Path') ?? ''}`.trim()
  return backend === null ? what : `${what} to ${nameOf(backend)}`
}

function nameOf(backend: Backend): string {
  switch (backend.kind) {
    case 'http':
      return `${backend.url.authority}${backend.path}`
    case 'upstream':
      return backend.upstreamId
    case 'mock':
      return 'a fixed answer'
    case 'microservices':
      return `microservice ${shorten(backend.services.map(({ key }) => key))}`
    case 'function':
      return `function ${backend.name}`
  }
}

/** The first of them, and how many more there are. */
function shorten(texts: readonly string[]): string {
  const [first = ''] = texts
  return texts.length > 1 ? `${first} (+${texts.length - 1})` : first
}
