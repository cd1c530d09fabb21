import type { Bar } from './bar.ts'
import type { Figure } from './statistics.ts'

/** Three significant digits at least, no more than the measurement can carry. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return '–'
  const size = Math.abs(value)
  if (size >= 1000) return formatCount(value)
  if (size >= 100) return value.toFixed(0)
  if (size >= 10) return value.toFixed(1)
  return value.toFixed(2)
}

/** A whole number, thousands apart. */
export function formatCount(value: number): string {
  return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** `13.9 [13.7, 14.2]`; the interval only where there were rounds to make one of. */
export function formatFigure(figure: Figure): string {
  const middle = formatNumber(figure.median)
  if (figure.count < 2) return middle
  return `${middle} [${formatNumber(figure.low)}, ${formatNumber(figure.high)}]`
}

/** The figure of a bar with its unit; what has none is counted. */
export function formatMeasured(bar: Bar): string {
  if (bar.figure === null) return bar.reason ?? 'nothing'
  if (bar.unit === '') return formatCount(bar.figure.median)
  return `${formatFigure(bar.figure)} ${bar.unit}`
}

/** `at most 1.35 ×`. */
export function formatLimit(bar: Bar): string {
  return `${bar.bound} ${bar.limit}${bar.unit === '' ? '' : ` ${bar.unit}`}`
}

/** Bytes in megabytes of 10^6. */
export function megabytes(bytes: number): number {
  return bytes / 1e6
}
