import { formatFigure, formatNumber, megabytes } from '../report/format.ts'
import type { Rounds } from './rounds.ts'
import type { Table } from './scenario.ts'

/** Rounds at one rate: what a request costs, beside the base. `unit` is what is counted. */
export function costTable(
  caption: string,
  rounds: Rounds,
  names: readonly string[],
  unit = 'request',
): Table {
  const base = names[0] as string
  return {
    caption: `${caption}, ${rounds.count} rounds${droppedOf(rounds)}`,
    columns: ['', `CPU µs per ${unit}`, `beside ${base}`, 'RSS MB'],
    rows: names.map((name) => [
      name,
      formatFigure(rounds.figure(name, 'cpuMicros')),
      name === base ? '1' : formatFigure(rounds.ratio(name, base, 'cpuMicros')),
      formatNumber(megabytes(rounds.resident(name))),
    ]),
  }
}

/**
 * Rounds as fast as it goes: rate, latency and cost, beside the base. `units` is what is counted, one and many. Latencies stand there only
 * where they were measured.
 */
export function speedTable(
  caption: string,
  rounds: Rounds,
  names: readonly string[],
  [unit, units]: readonly [one: string, many: string] = ['request', 'requests'],
): Table {
  const base = names[0] as string
  const hasTimes = !Number.isNaN(rounds.figure(base, 'p50Ms').median)
  const beside = (name: string, field: 'perSecond' | 'cpuMicros'): string =>
    name === base ? '1' : formatFigure(rounds.ratio(name, base, field))
  return {
    caption: `${caption}, ${rounds.count} rounds`,
    columns: [
      '',
      `${units}/s`,
      `beside ${base}`,
      ...(hasTimes ? ['p50 ms', 'p99 ms'] : []),
      `CPU µs per ${unit}`,
      `beside ${base}`,
      'RSS MB',
    ],
    rows: names.map((name) => [
      name,
      formatFigure(rounds.figure(name, 'perSecond')),
      beside(name, 'perSecond'),
      ...(hasTimes
        ? [formatFigure(rounds.figure(name, 'p50Ms')), formatFigure(rounds.figure(name, 'p99Ms'))]
        : []),
      formatFigure(rounds.figure(name, 'cpuMicros')),
      beside(name, 'cpuMicros'),
      formatNumber(megabytes(rounds.resident(name))),
    ]),
  }
}

function droppedOf(rounds: Rounds): string {
  return rounds.dropped === 0 ? '' : ` (${rounds.dropped} more not counted: the rate was not reached)`
}
