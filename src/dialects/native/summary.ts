import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'

/** What a document does in a few words, for lists: `GET shop.example.com/api/* if … to 1 rule, blue|green`. Takes whatever stands there. */
export function summarizeDocument(kind: string, value: JsonObject): string {
  if (kind === 'certificates') return shorten(textsOf(value.serverNames))
  if (kind === 'streams') {
    const ports = listOf(value.ports).map(String)
    const match = [
      shorten(textsOf(value.serverNames)),
      ports.length === 0 ? '' : `:${shorten(ports)}`,
      shorten(textsOf(value.clients)),
    ]
    return `${match.filter((part) => part !== '').join(' ') || 'all streams'} to ${outcomeOf(value) ?? ''}`
  }
  if (kind === 'upstreams') return shorten(addressesOf(value))
  const methods = textsOf(value.methods)
  const method = methods.length === 0 ? '' : `${methods.join('|')} `
  const paths = listOf(value.paths).map((path) =>
    isJsonObject(path) ? String(path.exact ?? `${String(path.prefix)}*`) : String(path),
  )
  const match = `${method}${shorten(textsOf(value.hosts))}${shorten(paths)}` || '*'
  const rules = listOf(value.rules).length
  const outcome = outcomeOf(value)
  const to = [
    ...(rules === 0 ? [] : [`${rules} rule${rules === 1 ? '' : 's'}`]),
    ...(outcome === null ? [] : [outcome]),
  ]
  return `${match}${value.when === undefined ? '' : ' if …'} to ${to.join(', ')}`
}

function outcomeOf(value: JsonObject): string | null {
  if (Array.isArray(value.split)) {
    const targets = listOf(value.split).map((target) => (isJsonObject(target) ? outcomeOf(target) : null))
    return targets.filter((target) => target !== null).join('|')
  }
  const { upstream, respond, redirect } = value
  if (typeof upstream === 'string') return upstream
  if (isJsonObject(upstream)) return shorten(addressesOf(upstream))
  if (respond !== undefined) return isJsonObject(respond) ? String(respond.status ?? 200) : String(respond)
  return redirect === undefined ? null : 'redirect'
}

function addressesOf(upstream: JsonObject): readonly string[] {
  return listOf(upstream.endpoints).map((entry) => String(isJsonObject(entry) ? entry.address : entry))
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : []
}

function textsOf(value: JsonValue | undefined): readonly string[] {
  return listOf(value).filter((entry) => typeof entry === 'string')
}

/** The first of them, and how many more there are. */
function shorten(texts: readonly string[]): string {
  const [first = ''] = texts
  return texts.length > 1 ? `${first} (+${texts.length - 1})` : first
}
