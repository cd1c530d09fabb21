import { formatFigure, formatNumber, megabytes } from '../report/format.ts'
import type { Rounds } from './rounds.ts'
import type { Table } from './scenario.ts'

/** Rounds at one rate: what a request costs, beside the base. */
export function costTable(caption: string, rounds: Rounds, names: readonly string[]): Table {
  const base = names[0] as string
  return {
    caption: `${caption}, ${rounds.count} rounds${droppedOf(rounds)}`,
    columns: ['', 'CPU µs per request', `beside ${base}`, 'RSS MB'],
    rows: names.map((name) => [
      name,
      formatFigure(rounds.figure(name, 'cpuMicros')),
      name === base ? '1' : formatFigure(rounds.ratio(name, base, 'cpuMicros')),
      formatNumber(megabytes(rounds.resident(name))),
    ]),
  }
}

/** Rounds as fast as it goes: rate and latency, beside the base. */
export function speedTable(caption: string, rounds: Rounds, names: readonly string[]): Table {
  const base = names[0] as string
  return {
    caption: `${caption}, ${rounds.count} rounds`,
    columns: [
      '',
      'requests/s',
      `beside ${base}`,
      'p50 ms',
      'p99 ms',
      'CPU µs per request',
      `beside ${base}`,
      'RSS MB',
    ],
    rows: names.map((name) => [
      name,
      formatFigure(rounds.figure(name, 'perSecond')),
      name === base ? '1' : formatFigure(rounds.ratio(name, base, 'perSecond')),
      formatFigure(rounds.figure(name, 'p50Ms')),
      formatFigure(rounds.figure(name, 'p99Ms')),
      formatFigure(rounds.figure(name, 'cpuMicros')),
      name === base ? '1' : formatFigure(rounds.ratio(name, base, 'cpuMicros')),
      formatNumber(megabytes(rounds.resident(name))),
    ]),
  }
}

function droppedOf(rounds: Rounds): string {
  return rounds.dropped === 0 ? '' : ` (${rounds.dropped} more not counted: the rate was not reached)`
}
