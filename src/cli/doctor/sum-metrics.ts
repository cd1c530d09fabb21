/** Prometheus text as one sum per name; comments, labels and times are left out, and so is what is no number. */
export function sumMetrics(text: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)/.exec(line)
    const value = Number(match?.[2])
    if (match === null || Number.isNaN(value)) continue
    const name = match[1] as string
    sums.set(name, (sums.get(name) ?? 0) + value)
  }
  return sums
}
