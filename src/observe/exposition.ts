import { METRICS, type MetricInfo, type MetricName, NAME_LABELS } from './metric-catalog.ts'

/**
 * Prometheus text exposition, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). One `Exposition` collects one scrape.
 */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export type Labels = readonly (readonly [name: string, value: string])[]

export interface ExpositionOptions {
  /** Series of one metric; a histogram's buckets, sum and count are series, too. Those beyond are summed up under `_other`. */
  readonly maxSeries: number
  /** `metric.label`: series that only differ in these labels are one. */
  readonly dropLabels: ReadonlySet<string>
  /** Called once for each metric that had more series than that, with how many. */
  readonly onOverflow: (metric: MetricName, series: number) => void
  /** What stands in place of `apisix_` in names. */
  readonly apisixPrefix: string
}

export const OTHER = '_other'

interface Buckets {
  readonly bounds: readonly number[]
  readonly counts: number[]
  sum: number
}

export class Exposition {
  readonly #options: ExpositionOptions
  #text = ''
  #open: Metric | null = null

  constructor(options: ExpositionOptions) {
    this.#options = options
  }

  /** Starts a metric; its samples follow before the next one starts. A metric without samples leaves no trace. */
  metric(name: MetricName): Metric {
    this.#close()
    this.#open = new Metric(name, this.#options)
    return this.#open
  }

  toString(): string {
    this.#close()
    return this.#text
  }

  #close(): void {
    if (this.#open !== null) this.#text += this.#open.render()
    this.#open = null
  }
}

/** One metric of a scrape. Samples with the same labels are added up. */
export class Metric {
  readonly #name: MetricName
  readonly #options: ExpositionOptions
  readonly #dropped: ReadonlySet<string> | null
  readonly #values = new Map<string, number>()
  readonly #histograms = new Map<string, Buckets>()
  /** Keys of the rest by the values of the labels that it keeps. */
  readonly #rests = new Map<string, string>()
  #series = 0
  #hidden = 0

  constructor(name: MetricName, options: ExpositionOptions) {
    this.#name = name
    this.#options = options
    const labels = METRICS[name].labels.filter((label) => options.dropLabels.has(`${name}.${label}`))
    this.#dropped = labels.length === 0 ? null : new Set(labels)
  }

  add(labels: Labels, value: number): void {
    const key = this.#keyFor(labels, this.#values, 1)
    this.#values.set(key, (this.#values.get(key) ?? 0) + value)
  }

  /**
   * A histogram series. `bounds` are upper bounds in growing order; `counts` has one more: what is over the last bound. Counts are those
   * of each bucket alone; they are summed up when written, as the format wants them.
   */
  addHistogram(labels: Labels, bounds: readonly number[], counts: readonly number[], sum: number): void {
    const key = this.#keyFor(labels, this.#histograms, bounds.length + 3)
    const known = this.#histograms.get(key)
    if (known === undefined) {
      this.#histograms.set(key, { bounds, counts: [...counts], sum })
      return
    }
    counts.forEach((count, i) => {
      known.counts[i] = (known.counts[i] ?? 0) + count
    })
    known.sum += sum
  }

  /** The key of a series: its labels as text. A new one beyond the cap gets that of the rest. */
  #keyFor(labels: Labels, known: ReadonlyMap<string, unknown>, size: number): string {
    const dropped = this.#dropped
    const shown = dropped === null ? labels : labels.filter(([label]) => !dropped.has(label))
    const key = formatPairs(shown)
    if (known.has(key)) return key
    if (this.#series + size <= this.#options.maxSeries) {
      this.#series += size
      return key
    }
    let few = ''
    let hasNames = false
    for (const [label, value] of shown) {
      if (NAME_LABELS.has(label)) hasNames = true
      else few += `${value}\n`
    }
    if (!hasNames) return key // the other labels have few values
    this.#hidden += size
    let rest = this.#rests.get(few)
    if (rest === undefined) {
      rest = formatPairs(shown.map(([label, value]) => [label, NAME_LABELS.has(label) ? OTHER : value]))
      this.#rests.set(few, rest)
    }
    return rest
  }

  render(): string {
    if (this.#hidden > 0) this.#options.onOverflow(this.#name, this.#hidden)
    if (this.#values.size === 0 && this.#histograms.size === 0) return ''
    const { help, type }: MetricInfo = METRICS[this.#name]
    const name = this.#name.replace(/^apisix_/, this.#options.apisixPrefix)
    const lines = [`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`]
    for (const [pairs, value] of this.#values) {
      lines.push(`${name}${pairs === '' ? '' : `{${pairs}}`} ${formatNumber(value)}\n`)
    }
    for (const [pairs, { bounds, counts, sum }] of this.#histograms) {
      const prefix = pairs === '' ? '' : `${pairs},`
      let total = 0
      for (let i = 0; i < bounds.length; i++) {
        total += counts[i] ?? 0
        lines.push(`${name}_bucket{${prefix}le="${bounds[i]}"} ${formatNumber(total)}\n`)
      }
      total += counts[bounds.length] ?? 0
      lines.push(`${name}_bucket{${prefix}le="+Inf"} ${formatNumber(total)}\n`)
      const own = pairs === '' ? '' : `{${pairs}}`
      lines.push(`${name}_sum${own} ${formatNumber(sum)}\n${name}_count${own} ${formatNumber(total)}\n`)
    }
    return lines.join('')
  }
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
