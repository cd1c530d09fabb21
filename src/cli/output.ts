import { styleText } from 'node:util'

/** What a command writes to, so that tests can look at it. */
export interface CliIo {
  write(text: string): void
  writeError(text: string): void
  /** Standard input, read to its end. */
  readInput(): Promise<string>
  readonly environment: NodeJS.ProcessEnv
  readonly hasColor: boolean
  /** Whether somebody sits before the screen: only then a question may be asked or the screen be redrawn. */
  readonly isInteractive: boolean
  /** Columns of the terminal; null: no terminal, nothing is cut. */
  readonly columns: number | null
}

/** The process's own streams. Colour only on a terminal and without NO_COLOR (no-color.org: any text but the empty one). */
export function processIo(): CliIo {
  const { NO_COLOR: noColor, TERM: term } = process.env
  return {
    write: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    readInput: async () => {
      let text = ''
      process.stdin.setEncoding('utf8')
      for await (const chunk of process.stdin) text += chunk
      return text
    },
    environment: process.env,
    hasColor: process.stdout.isTTY === true && (noColor === undefined || noColor === '') && term !== 'dumb',
    isInteractive: process.stdin.isTTY === true && process.stdout.isTTY === true,
    columns: process.stdout.isTTY === true ? process.stdout.columns : null,
  }
}

export type Style = 'red' | 'green' | 'yellow' | 'cyan' | 'bold' | 'dim'

export function paint(io: Pick<CliIo, 'hasColor'>, style: Style, text: string): string {
  return io.hasColor ? styleText(style, text, { validateStream: false }) : text
}

/** Controls of what others wrote never reach the terminal. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '?')
}

export interface Column {
  readonly title: string
  /** Numbers stand at the right edge. */
  readonly align?: 'left' | 'right'
}

/**
 * Columns under their titles, two blanks between them, no lines: what grep, awk and people read. The last column is cut where the terminal
 * ends. Cells are made printable here; `style` colours a cell after it was padded.
 */
export function formatTable(
  io: Pick<CliIo, 'hasColor' | 'columns'>,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style?: (text: string, row: number, column: number) => Style | null,
): string {
  const cells = rows.map((row) => columns.map((_, i) => printable(row[i] ?? '').replace(/[\t\n]/g, ' ')))
  const widths = columns.map(({ title }, i) =>
    cells.reduce((widest, row) => Math.max(widest, (row[i] as string).length), title.length),
  )
  const line = (row: readonly string[], at: number): string => {
    let used = 0
    return row
      .map((text, i) => {
        const isLast = i === columns.length - 1
        const width = widths[i] as number
        const room = io.columns === null ? Number.POSITIVE_INFINITY : Math.max(8, io.columns - used)
        used += width + 2
        const shown = isLast && text.length > room ? `${text.slice(0, room - 1)}…` : text
        const padded =
          columns[i]?.align === 'right' ? shown.padStart(width) : isLast ? shown : shown.padEnd(width)
        const wanted = at < 0 ? 'dim' : (style?.(text, at, i) ?? null)
        return wanted === null ? padded : paint(io, wanted, padded)
      })
      .join('  ')
      .trimEnd()
  }
  return `${[
    line(
      columns.map(({ title }) => title),
      -1,
    ),
    ...cells.map(line),
  ].join('\n')}\n`
}
