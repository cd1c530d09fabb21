import type { StoredDocument } from '../../model/document.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { DocumentSplit, Lookup, Reference, SplitTarget } from '../dialect.ts'
import { defaultOf } from './defaults.ts'

/** Places in documents that others ask for: what names an upstream, and splits. They take whatever stands there; nothing throws. */

const isObject = (value: JsonValue | undefined): value is JsonObject => isJsonObject(value)

interface Place {
  readonly value: JsonObject
  readonly path: string
}

/** The route and its rules, in the order in which they decide: each may hold an outcome. */
function holdersOf(route: JsonObject): readonly Place[] {
  const rules = Array.isArray(route.rules) ? (route.rules as readonly JsonValue[]) : []
  const places = rules.map((rule, i) => ({ value: rule, path: `rules[${i}]` }))
  return [...places, { value: route as JsonValue, path: '' }].filter((place): place is Place =>
    isObject(place.value),
  )
}

function targetsOf(holder: Place): readonly Place[] {
  const { split } = holder.value
  if (!Array.isArray(split)) return []
  const path = inside(holder.path, 'split')
  return (split as readonly JsonValue[])
    .map((value, i) => ({ value, path: `${path}[${i}]` }))
    .filter((place): place is Place => isObject(place.value))
}

/** Upstreams by id, wherever a route names them. */
export function listReferences(kind: string, value: JsonObject): readonly Reference[] {
  if (kind !== 'routes' && kind !== 'streams') return []
  const found: Reference[] = []
  for (const holder of holdersOf(value)) {
    for (const place of [...targetsOf(holder), holder]) {
      const id = place.value.upstream
      if (typeof id !== 'string') continue
      found.push({ path: inside(place.path, 'upstream'), kind: 'upstreams', id, mustExist: true })
    }
  }
  return found
}

/** Splits with two targets or more. */
export function listSplits(document: StoredDocument, lookup: Lookup): readonly DocumentSplit[] {
  if (document.key.kind !== 'routes' && document.key.kind !== 'streams') return []
  const splits: DocumentSplit[] = []
  for (const holder of holdersOf(document.value)) {
    const targets = targetsOf(holder).map(
      ({ value, path }): SplitTarget => ({
        path,
        names: namesOf(value, lookup),
        weight: typeof value.weight === 'number' ? value.weight : defaultOf('target', 'weight'),
      }),
    )
    if (targets.length < 2) continue
    const { when } = holder.value
    const condition = holder.path === '' || when === undefined ? null : when
    splits.push({ path: inside(holder.path, 'split'), condition, targets })
  }
  return splits
}

/** The first name is that of metrics and logs. */
function namesOf(target: JsonObject, lookup: Lookup): readonly string[] {
  const { name, upstream } = target
  const names: (JsonValue | undefined)[] = [name]
  if (typeof upstream === 'string') names.push(lookup('upstreams', upstream)?.value.name, upstream)
  else if (isObject(upstream)) names.push(upstream.name, addressOf(upstream))
  else names.push(Object.hasOwn(target, 'respond') ? 'respond' : 'redirect')
  const texts = names.filter((one): one is string => typeof one === 'string' && one !== '')
  return [...new Set(texts)]
}

function addressOf(upstream: JsonObject): JsonValue | undefined {
  const first = Array.isArray(upstream.endpoints)
    ? (upstream.endpoints[0] as JsonValue | undefined)
    : undefined
  return isObject(first) ? first.address : first
}

function inside(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}
