import { isJsonObject, type JsonValue } from '../model/json.ts'

/**
 * A copy of a document in which `edit` was done to what stands at a path (as in Origin: `plugins.traffic-split.rules[0]`). Keys may hold dots
 * and brackets themselves: at every object the longest key that fits is taken. Throws Error where the path leads nowhere.
 */
export function replaceAt(value: JsonValue, path: string, edit: (value: JsonValue) => JsonValue): JsonValue {
  if (path === '') return edit(value)
  if (Array.isArray(value)) {
    const index = /^\[(\d+)\]\.?/.exec(path)
    const list = value as readonly JsonValue[]
    const item = index === null ? undefined : list[Number(index[1])]
    if (index === null || item === undefined) throw new Error(`nothing stands at ${path}`)
    const rest = path.slice(index[0].length)
    return list.map((one, i) => (i === Number(index[1]) ? replaceAt(one, rest, edit) : one))
  }
  if (!isJsonObject(value)) throw new Error(`nothing stands at ${path}`)
  const key = longestKey(Object.keys(value), path)
  if (key === null) throw new Error(`nothing stands at ${path}`)
  const rest = path.slice(key.length).replace(/^\./, '')
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name === key ? replaceAt(inner, rest, edit) : inner]),
  )
}

function longestKey(keys: readonly string[], path: string): string | null {
  let best: string | null = null
  for (const key of keys) {
    if (!path.startsWith(key)) continue
    const next = path[key.length]
    if (next !== undefined && next !== '.' && next !== '[') continue
    if (best === null || key.length > best.length) best = key
  }
  return best
}
