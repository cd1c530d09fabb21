/**
 * Prometheus text exposition, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). One `Exposition` collects one scrape.
 */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export type Labels = readonly (readonly [name: string, value: string])[]

export class Exposition {
  readonly #parts: string[] = []

  /** Starts a metric; its samples follow before the next one starts. A metric without samples leaves no trace. */
  metric(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): Metric {
    const head = `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`
    return new Metric(name, head, this.#parts)
  }

  toString(): string {
    return this.#parts.join('')
  }
}

export class Metric {
  readonly #name: string
  readonly #parts: string[]
  #head: string

  constructor(name: string, head: string, parts: string[]) {
    this.#name = name
    this.#head = head
    this.#parts = parts
  }

  add(labels: Labels, value: number): void {
    this.#line(this.#name, formatLabels(labels), value)
  }

  /**
   * A histogram series. `bounds` are upper bounds in growing order; `counts` has one more: what is over the last bound. Counts are those
   * of each bucket alone; they are summed up here, as the format wants them.
   */
  addHistogram(labels: Labels, bounds: readonly number[], counts: readonly number[], sum: number): void {
    const inner = formatPairs(labels)
    const prefix = inner === '' ? '' : `${inner},`
    let total = 0
    for (let i = 0; i < bounds.length; i++) {
      total += counts[i] ?? 0
      this.#line(`${this.#name}_bucket`, `{${prefix}le="${bounds[i]}"}`, total)
    }
    total += counts[bounds.length] ?? 0
    this.#line(`${this.#name}_bucket`, `{${prefix}le="+Inf"}`, total)
    const own = inner === '' ? '' : `{${inner}}`
    this.#line(`${this.#name}_sum`, own, sum)
    this.#line(`${this.#name}_count`, own, total)
  }

  #line(name: string, labels: string, value: number): void {
    if (this.#head !== '') this.#parts.push(this.#head)
    this.#head = ''
    this.#parts.push(`${name}${labels} ${formatNumber(value)}\n`)
  }
}

function formatLabels(labels: Labels): string {
  return labels.length === 0 ? '' : `{${formatPairs(labels)}}`
}

function formatPairs(labels: Labels): string {
  let text = ''
  for (const [name, value] of labels) text += `${text === '' ? '' : ','}${name}="${escapeLabel(value)}"`
  return text
}

/** Backslash, quote and newline are what the format names; other controls become spaces so that no page that shows them is misled. */
export function escapeLabel(value: string): string {
  if (/^[ !#-[\]-~]*$/.test(value)) return value
  return value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
    .toWellFormed()
}

function formatNumber(value: number): string {
  if (Number.isFinite(value)) return `${value}`
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? '+Inf' : '-Inf'
}
