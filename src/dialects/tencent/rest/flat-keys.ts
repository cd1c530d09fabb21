import type { JsonObject, JsonValue } from '../../../model/json.ts'
import { isForbiddenKey } from '../../../model/safe-json.ts'
import { CallError } from './call-error.ts'

/** Parts of one key; the deepest one that a call has is `ServiceParameters.0.Name`. */
const MAX_PARTS = 12
const MAX_KEYS = 10_000

interface Branch {
  readonly children: Map<string, Branch | string>
}

/**
 * Flattened keys as the values that they stand for: `Nodes.0.Host=a&Nodes.0.Port=80` makes `{Nodes: [{Host: 'a', Port: '80'}]}`. A branch whose
 * keys are all numbers is a list in the order of these; they may begin with 0 or 1 and leave some out. All values stay texts.
 */
export function readFlatKeys(pairs: Iterable<readonly [string, string]>): JsonObject {
  const root: Branch = { children: new Map() }
  let count = 0
  for (const [key, value] of pairs) {
    if (++count > MAX_KEYS) throw new CallError('InvalidRequest', `more than ${MAX_KEYS} parameters`)
    put(root, key, value)
  }
  const fields = [...root.children].map(([name, child]) => [name, readChild(child, name)] as const)
  return Object.fromEntries(fields)
}

function put(root: Branch, key: string, value: string): void {
  const parts = key.split('.')
  if (parts.length > MAX_PARTS || parts.some((part) => part === '' || isForbiddenKey(part))) {
    throw new CallError('InvalidParameter', `${key} is no name of a parameter`)
  }
  const last = parts.pop() as string
  let branch = root
  for (const part of parts) {
    const next = branch.children.get(part)
    if (typeof next === 'string') throw twice(key)
    if (next === undefined) {
      const made: Branch = { children: new Map() }
      branch.children.set(part, made)
      branch = made
    } else branch = next
  }
  if (branch.children.has(last)) throw twice(key)
  branch.children.set(last, value)
}

function twice(key: string): CallError {
  return new CallError('InvalidParameter', `${key} stands there twice, or is a value and holds values`)
}

function readChild(child: Branch | string, path: string): JsonValue {
  if (typeof child === 'string') return child
  const entries = [...child.children]
  const numbers = entries.filter(([name]) => /^\d{1,6}$/.test(name))
  if (numbers.length === 0) {
    return Object.fromEntries(entries.map(([name, inner]) => [name, readChild(inner, `${path}.${name}`)]))
  }
  if (numbers.length < entries.length) {
    throw new CallError(
      'InvalidParameter',
      `${path} has numbers and names below it, so it is neither a list nor an object`,
    )
  }
  return numbers
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([name, inner]) => readChild(inner, `${path}.${name}`))
}
