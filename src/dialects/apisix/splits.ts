import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { DocumentSplit, Lookup, SplitTarget } from '../dialect.ts'
import { idField, listField, objectField, textField } from './fields.ts'
import { mergeRoute } from './merge.ts'
import { entriesOf, entryPath, rulePath, rulesOf, weightOf } from './plugins/traffic-split.ts'
import { firstAddress } from './translate-upstream.ts'

/** The rules of the document's own traffic-split that have two or more entries. */
export function listSplits(document: StoredDocument, lookup: Lookup): readonly DocumentSplit[] {
  const plugins = objectField(document.value, 'plugins')
  const config = plugins === null ? null : objectField(plugins, 'traffic-split')
  if (config === null) return []
  const splits: DocumentSplit[] = []
  for (const [index, rule] of rulesOf(config).entries()) {
    const targets = entriesOf(rule).map(
      (entry, at): SplitTarget => ({
        path: entryPath(index, at),
        names: namesOf(entry, document, lookup),
        weight: weightOf(entry),
      }),
    )
    if (targets.length > 1) splits.push({ path: rulePath(index), condition: conditionOf(rule), targets })
  }
  return splits
}

function conditionOf(rule: JsonObject): JsonValue | null {
  const match = listField(rule, 'match')
  return match === null || match.length === 0 ? null : match
}

function namesOf(entry: JsonObject, document: StoredDocument, lookup: Lookup): readonly string[] {
  const names: (string | null)[] = []
  const id = idField(entry, 'upstream_id')
  const inline = objectField(entry, 'upstream')
  if (id !== null) {
    const stored = lookup('upstreams', id)
    names.push(stored === undefined ? null : textField(stored.value, 'name'), id)
  } else if (inline !== null) {
    names.push(textField(inline, 'name'), idField(inline, 'id'), firstAddress(inline))
  } else {
    names.push(ownName(document, lookup), OWN_UPSTREAM)
  }
  return [...new Set(names.filter((name) => name !== null && name !== ''))] as readonly string[]
}

/** What a bare entry, which sends to the route's own upstream, may be called in every document. */
const OWN_UPSTREAM = 'default'

/** Only a route has an own upstream that can be told; what services and plugin_configs hold is inherited by many. */
function ownName(document: StoredDocument, lookup: Lookup): string | null {
  if (document.key.kind !== 'routes') return null
  const { upstream } = mergeRoute(document, lookup)
  return upstream.kind === 'found' ? upstream.name : null
}

/** Which collections an object may be one of, by its keys. */
export function recognizeKinds(value: JsonObject): readonly string[] {
  if ('uri' in value || 'uris' in value) return ['routes']
  if ('cert' in value) return ['ssls']
  if ('server_port' in value || 'server_addr' in value || 'sni' in value) return ['stream_routes']
  if ('username' in value) return ['consumers']
  if ('nodes' in value || 'service_name' in value) return ['upstreams']
  if ('upstream' in value || 'upstream_id' in value) return ['services']
  // both are held together by plugins alone; a list of that name belongs to a file
  return isJsonObject(value.plugins) ? ['services', 'plugin_configs'] : []
}
