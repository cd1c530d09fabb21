import {
  type RouteTraffic,
  type SplitTraffic,
  TRAFFIC_SORTS,
  type TrafficFigures,
  type TrafficReport,
  type TrafficRow,
  type TrafficSort,
  type TrafficView,
  type UpstreamTraffic,
} from '../model/traffic.ts'
import { CliError } from './cli-error.ts'
import { AdminClient, type ClientFlags } from './client.ts'
import { formatAge, formatProbe, formatWeight, reasonOf, STYLES } from './node.ts'
import { type CliIo, type Column, formatTable, paint, type Style } from './output.ts'

export interface TopOptions extends ClientFlags {
  readonly sort: TrafficSort
  readonly limit?: string
  readonly id?: string
  readonly once?: boolean
  readonly output: 'table' | 'json'
}

/** The terminal that is redrawn; tests have one of their own. */
export interface Screen {
  size(): { readonly rows: number; readonly columns: number }
  /** Replaces what is shown. */
  draw(text: string): void
  /** Calls back with each key; what it returns ends that. */
  onKey(listener: (key: string) => void): () => void
  onResize(listener: () => void): () => void
  open(): void
  close(): void
}

const DEFAULT_ROWS = 50
/** Lines of a screen that are no rows: totals, a blank line, titles, a blank line, keys. */
const FRAME_LINES = 6
/** What `--id` names. */
const THINGS: Readonly<Record<TrafficView, string>> = {
  routes: 'route',
  splits: 'route with a split',
  upstreams: 'upstream',
  endpoints: 'upstream',
}
const VIEW_KEYS: Readonly<Record<string, TrafficView>> = {
  r: 'routes',
  s: 'splits',
  u: 'upstreams',
  e: 'endpoints',
}

/**
 * `headgate top`: the exit status. Live on a terminal, one report otherwise or with `--once`. Throws CliError where the gateway cannot be
 * asked, or goes away.
 */
export async function runTop(
  view: TrafficView,
  options: TopOptions,
  io: CliIo,
  screen: Screen | null = io.isInteractive ? processScreen() : null,
): Promise<number> {
  const client = new AdminClient(options, io.environment)
  const isOnce = options.once === true || options.output === 'json' || screen === null
  if (!isOnce) return runLive(view, options, io, client, screen)
  const report = (await client.json(
    'GET',
    pathFor(view, options.sort, options.limit ?? `${DEFAULT_ROWS}`, options.id),
  )) as TrafficReport
  if (options.id !== undefined && report.rows.length === 0) {
    throw new CliError(
      `there is no ${THINGS[view]} with the id "${options.id}"; headgate top ${view} --once shows ids, such as apisix/routes/1`,
    )
  }
  if (options.output === 'json') io.write(`${JSON.stringify(report, null, 2)}\n`)
  else io.write(`${formatTotals(report)}\n\n${formatRows(report, io)}`)
  return 0
}

function pathFor(view: TrafficView, sort: TrafficSort, limit: string, id: string | undefined): string {
  const query = new URLSearchParams({ view, sort, limit })
  if (id !== undefined) query.set('id', id)
  return `/headgate/v1/traffic?${query}`
}

async function runLive(
  first: TrafficView,
  options: TopOptions,
  io: CliIo,
  client: AdminClient,
  screen: Screen,
): Promise<number> {
  let view = first
  let sort = options.sort
  let report: TrafficReport | null = null
  let isOver = false
  let controller = new AbortController()
  const redraw = (): void => {
    if (isOver) return
    const { rows, columns } = screen.size()
    screen.draw(formatScreen(report, view, sort, { hasColor: io.hasColor, columns }, rows))
  }
  const again = (): void => {
    report = null
    controller.abort()
  }
  const end = (): void => {
    isOver = true
    controller.abort()
  }
  screen.open()
  const undo = [
    screen.onResize(redraw),
    screen.onKey((key) => {
      if (key === 'q' || key === '\u0003' || key === '\u0004') return end()
      const chosen = VIEW_KEYS[key]
      if (chosen !== undefined) view = chosen
      else if (key === 'o')
        sort = TRAFFIC_SORTS[(TRAFFIC_SORTS.indexOf(sort) + 1) % TRAFFIC_SORTS.length] as TrafficSort
      else return
      redraw()
      again()
    }),
  ]
  process.on('SIGINT', end)
  process.on('SIGTERM', end)
  try {
    while (!isOver) {
      redraw()
      controller = new AbortController()
      // rows that do not fit are asked for as well: the screen may grow
      const path = `${pathFor(view, sort, options.limit ?? `${DEFAULT_ROWS * 2}`, options.id)}&watch=true`
      const { signal } = controller
      await client.follow(
        path,
        ({ event, data }) => {
          if (event !== 'traffic' || signal.aborted) return
          report = JSON.parse(data) as TrafficReport
          redraw()
        },
        signal,
      )
      if (!signal.aborted) throw new CliError(`${client.server}: the gateway ended the stream`)
    }
  } finally {
    process.off('SIGINT', end)
    process.off('SIGTERM', end)
    for (const one of undo) one()
    screen.close()
  }
  return 0
}

/** A whole screen: never more lines than it has. */
export function formatScreen(
  report: TrafficReport | null,
  view: TrafficView,
  sort: TrafficSort,
  io: Pick<CliIo, 'hasColor' | 'columns'>,
  rows: number,
): string {
  const keys = paint(
    io,
    'dim',
    cut(`${view} by ${sort}   r routes  s splits  u upstreams  e endpoints  o order  q quit`, io.columns),
  )
  if (report === null) return `${keys}\n\nwaiting for the first second of figures …`
  const lines = formatRows(report, io).trimEnd().split('\n')
  const room = Math.max(1, rows - FRAME_LINES)
  const shown = lines.slice(0, room + 1)
  const hidden = lines.length - shown.length
  const more = hidden > 0 ? [paint(io, 'dim', `${hidden} more`)] : []
  return [cut(formatTotals(report), io.columns), keys, '', ...shown, ...more].join('\n')
}

function cut(text: string, columns: number | null): string {
  return columns === null || text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`
}

export function formatTotals({ totals, sampledSeconds, isPartial }: TrafficReport): string {
  const parts = [
    `${formatRate(totals.rates.last1s)} req/s`,
    `10 s ${formatRate(totals.rates.last10s)}`,
    `60 s ${formatRate(totals.rates.last60s)}`,
    `errors ${formatPercent(totals.errorRatio)}`,
    `p50 ${formatMs(totals.latencyMs?.p50)} p95 ${formatMs(totals.latencyMs?.p95)} p99 ${formatMs(totals.latencyMs?.p99)} ms`,
    `${totals.connections} connections`,
    `${totals.inFlight} in flight`,
  ]
  if (sampledSeconds < 59) parts.push(`(${Math.round(sampledSeconds)} s of figures)`)
  if (isPartial) parts.push('(not all objects are followed)')
  return parts.join('  ')
}

const FIGURES: readonly Column[] = ['REQ/S', '10S', '60S', 'ERRORS', 'P50', 'P95', 'P99'].map((title) => ({
  title,
  align: 'right',
}))

function figuresOf({ rates, errorRatio, latencyMs }: TrafficFigures): string[] {
  return [
    formatRate(rates.last1s),
    formatRate(rates.last10s),
    formatRate(rates.last60s),
    formatPercent(errorRatio),
    formatMs(latencyMs?.p50),
    formatMs(latencyMs?.p95),
    formatMs(latencyMs?.p99),
  ]
}

/** The rows as a table; the name stands last, since it may be cut. */
export function formatRows(report: TrafficReport, io: Pick<CliIo, 'hasColor' | 'columns'>): string {
  const right = (title: string): Column => ({ title, align: 'right' })
  const { view } = report
  const style = (text: string, row: number, column: number): Style | null =>
    styleOf(report.rows[row], text, column, view)
  if (view === 'splits') {
    const rows = report.rows as readonly SplitTraffic[]
    return formatTable(
      io,
      [
        right('WEIGHT'),
        right('CONFIGURED'),
        right('OBSERVED'),
        ...FIGURES,
        { title: 'VARIANT' },
        { title: 'ROUTE' },
      ],
      rows.map((row) => [
        `${row.weight}`,
        formatPercent(row.configuredShare),
        formatPercent(row.observedShare),
        ...figuresOf(row),
        row.variant,
        `${row.route} rule ${row.rule}${row.name === '' ? '' : ` (${row.name})`}`,
      ]),
      style,
    )
  }
  if (view === 'routes') {
    const rows = report.rows as readonly RouteTraffic[]
    return formatTable(
      io,
      [...FIGURES, right('IN'), right('OUT'), { title: 'ROUTE' }],
      rows.map((row) => [
        ...figuresOf(row),
        formatBytes(row.bytesInPerSecond),
        formatBytes(row.bytesOutPerSecond),
        routeName(row),
      ]),
      style,
    )
  }
  const rows = report.rows as readonly UpstreamTraffic[]
  if (view === 'endpoints') return formatEndpointRows(rows, report.atMs, io, style)
  return formatTable(
    io,
    [
      ...FIGURES,
      right('IN FLIGHT'),
      right('CONNECTS/S'),
      right('RETRIES/S'),
      right('NODES'),
      { title: 'UPSTREAM' },
    ],
    rows.map((row) => [
      ...figuresOf(row),
      `${row.inFlight}`,
      formatRate(row.connectsPerSecond),
      formatRate(row.retriesPerSecond),
      `${row.endpoints}`,
      upstreamName(row),
    ]),
    style,
  )
}

/** From so many columns on, and where nothing is cut, endpoints are shown with all that is known of them. */
const WIDE_COLUMNS = 160

function formatEndpointRows(
  rows: readonly UpstreamTraffic[],
  nowMs: number,
  io: Pick<CliIo, 'hasColor' | 'columns'>,
  style: (text: string, row: number, column: number) => Style | null,
): string {
  const right = (title: string): Column => ({ title, align: 'right' })
  const isWide = io.columns === null || io.columns >= WIDE_COLUMNS
  const more = ({ standing }: UpstreamTraffic): string[] => {
    if (standing === null) return ['-', '-', '-', '-', '-', '-', '-']
    const { sinceMs, weight, effectiveWeight, failures, ejections, nextProbeMs } = standing
    return [
      formatAge(nowMs - sinceMs),
      `${weight}`,
      formatWeight(effectiveWeight),
      `${failures}`,
      `${ejections}`,
      formatProbe(standing, nowMs),
      nextProbeMs === null ? '-' : formatAge(nextProbeMs - nowMs),
    ]
  }
  const columns: Column[] = [
    ...FIGURES,
    right('SHARE'),
    right('IN FLIGHT'),
    right('CONNECTS/S'),
    right('RETRIES/S'),
    { title: 'STATE' },
    ...(isWide ? ['SINCE', 'WEIGHT', 'NOW', 'FAILED', 'EJECTED'].map(right) : []),
    ...(isWide ? [{ title: 'LAST PROBE' }, right('NEXT')] : []),
    { title: 'NODE' },
    { title: 'UPSTREAM' },
    ...(isWide ? [{ title: 'REASON' }] : []),
  ]
  return formatTable(
    io,
    columns,
    rows.map((row) => [
      ...figuresOf(row),
      formatPercent(row.observedShare),
      `${row.inFlight}`,
      formatRate(row.connectsPerSecond),
      formatRate(row.retriesPerSecond),
      row.standing?.state ?? '-',
      ...(isWide ? more(row) : []),
      row.node,
      upstreamName(row),
      ...(isWide ? [row.standing === null ? '' : reasonOf(row.standing, nowMs)] : []),
    ]),
    (text, row, column) =>
      columns[column]?.title === 'STATE' ? (STYLES[text] ?? null) : style(text, row, column),
  )
}

function upstreamName({ upstream, name }: UpstreamTraffic): string {
  return name === '' || name === upstream ? upstream : `${upstream} (${name})`
}

/** Errors and shares stand out: red from 5 % errors on, yellow below; a share that is more than 5 points off, once 100 choices tell. */
function styleOf(row: TrafficRow | undefined, text: string, column: number, view: TrafficView): Style | null {
  if (row === undefined) return null
  const errorsAt = view === 'splits' ? 6 : 3
  if (column === errorsAt && (row.errorRatio ?? 0) > 0)
    return (row.errorRatio ?? 0) >= 0.05 ? 'red' : 'yellow'
  if (row.kind === 'target' && column === 2 && row.decisions >= 100 && text !== '-') {
    return Math.abs((row.observedShare ?? 0) - row.configuredShare) > 0.05 ? 'yellow' : 'green'
  }
  return null
}

function routeName({ route, name }: RouteTraffic): string {
  if (route === '') return '(no route)'
  if (route === '_other') return '(other routes)'
  return name === '' || name === route ? route : `${route} (${name})`
}

function formatRate(rate: number): string {
  if (rate === 0) return '0'
  return rate < 10 ? rate.toFixed(1) : `${Math.round(rate)}`
}

function formatPercent(ratio: number | null): string {
  return ratio === null ? '-' : `${(ratio * 100).toFixed(1)}%`
}

function formatMs(value: number | undefined): string {
  if (value === undefined) return '-'
  return value < 10 ? value.toFixed(1) : `${Math.round(value)}`
}

function formatBytes(rate: number): string {
  if (rate < 1000) return `${Math.round(rate)}B`
  if (rate < 1_000_000) return `${(rate / 1000).toFixed(1)}K`
  return rate < 1_000_000_000 ? `${(rate / 1_000_000).toFixed(1)}M` : `${(rate / 1_000_000_000).toFixed(1)}G`
}

const ALTERNATE_ON = '\u001b[?1049h\u001b[?25l'
const ALTERNATE_OFF = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

/** The process's own terminal, on its alternate screen, so that what stood there before comes back. */
function processScreen(): Screen {
  const { stdin, stdout } = process
  let isOpen = false
  const leave = (): void => {
    if (isOpen) stdout.write(ALTERNATE_OFF)
    isOpen = false
  }
  return {
    size: () => ({ rows: stdout.rows ?? 24, columns: stdout.columns ?? 80 }),
    draw: (text) =>
      void stdout.write(`${HOME}${text.replaceAll('\n', `${CLEAR_LINE}\n`)}${CLEAR_LINE}${CLEAR_BELOW}`),
    onKey(listener) {
      // one read may bring several keys; those that begin with escape (arrows) mean nothing here
      const take = (keys: Buffer): void => {
        for (const key of keys.toString('latin1').replace(/\u001b\[[0-9;]*./g, '')) listener(key)
      }
      stdin.on('data', take)
      return () => void stdin.off('data', take)
    },
    onResize(listener) {
      stdout.on('resize', listener)
      return () => void stdout.off('resize', listener)
    },
    open() {
      stdin.setRawMode(true)
      stdin.resume()
      stdout.write(ALTERNATE_ON)
      isOpen = true
      process.on('exit', leave)
    },
    close() {
      leave()
      process.off('exit', leave)
      stdin.setRawMode(false)
      stdin.pause()
    },
  }
}
