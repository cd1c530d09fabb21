/** First and last status of a range, both included. */
export type StatusRange = readonly [first: number, last: number]

/** `404`, `5xx` or `500-503`, 100 to 599; null: it is none of them. */
export function parseStatusRange(text: string): StatusRange | null {
  const group = /^([1-5])xx$/i.exec(text)
  if (group !== null) return [Number(group[1]) * 100, Number(group[1]) * 100 + 99]
  const parts = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text)
  if (parts === null) return null
  const first = Number(parts[1])
  const last = Number(parts[2] ?? parts[1])
  return first <= last ? [first, last] : null
}

/** What is wrong with a range, or null. */
export function checkStatusRange(text: string): string | null {
  return parseStatusRange(text) === null
    ? `${JSON.stringify(text)} is no status: write 404, 5xx or 500-503`
    : null
}

export function isInRanges(status: number, ranges: readonly StatusRange[]): boolean {
  for (const [first, last] of ranges) if (status >= first && status <= last) return true
  return false
}
