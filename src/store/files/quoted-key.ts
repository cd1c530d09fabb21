/**
 * A key in brackets and quotes at the beginning of a path, as faults of some languages have them: `["kuma.io/service"].x`. `length`: with the dot behind it. null: the
 * path begins otherwise.
 */
export function readQuotedKey(path: string): { readonly key: string; readonly length: number } | null {
  const [whole, text] = /^\[("(?:[^"\\]|\\.)*")\]\.?/.exec(path) ?? []
  if (whole === undefined || text === undefined) return null
  try {
    return { key: JSON.parse(text) as string, length: whole.length }
  } catch {
    return null // quotes that JSON does not know are no key
  }
}
