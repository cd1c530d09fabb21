import { isJsonObject, type JsonValue } from './json.ts'

/**
 * Files of the configuration are filled in from the environment (`${{NAME}}`, `${{NAME:=default}}`), documents that came over an API are not.
 * So that such a text reads back from a file as it is, its opening is written as a hole whose default is that opening. Nobody sets a variable
 * of this name, and what is filled in is not searched again.
 */
const LITERAL_OPENING = `\${{HEADGATE_LITERAL:=\${{}}`

/** A value for a file: the same but for texts that a reader would fill in. Without such a text it is the very value. */
export function escapeHoles<T extends JsonValue>(value: T): T {
  return escapeValue(value) as T
}

function escapeValue(value: JsonValue): JsonValue {
  if (typeof value === 'string') return escapeText(value)
  if (typeof value !== 'object' || value === null) return value
  if (!isJsonObject(value)) {
    const list = value as readonly JsonValue[]
    const escaped = list.map(escapeValue)
    return escaped.some((item, i) => item !== list[i]) ? escaped : value
  }
  let isSame = true
  const escaped: Record<string, JsonValue> = {}
  for (const key of Object.keys(value)) {
    const inner = value[key] as JsonValue
    const name = escapeText(key)
    const next = escapeValue(inner)
    if (name !== key || next !== inner) isSame = false
    escaped[name] = next
  }
  return isSame ? value : escaped
}

function escapeText(text: string): string {
  return text.includes('${{') ? text.replaceAll('${{', () => LITERAL_OPENING) : text
}
