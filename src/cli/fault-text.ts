import { formatPlace, type PlacedFault } from '../store/files/file-reader.ts'
import { type CliIo, paint, printable } from './output.ts'

/** How faults and warnings of files look on the terminal: the form that editors and terminals open, and the line itself. */

/** `file:line:column: path: reason (hint)`, then the line itself and a caret under the column. `texts`: by file name, for the excerpt. */
export function describeFault(
  io: Pick<CliIo, 'hasColor'>,
  fault: PlacedFault,
  level: 'error' | 'warning',
  texts: ReadonlyMap<string, string>,
): string {
  const { place, path, message, hint } = fault
  const reason = `${level === 'warning' ? 'warning: ' : ''}${path === '' ? '' : `${path}: `}${message}`
  const color = level === 'error' ? 'red' : 'yellow'
  const head = `${paint(io, 'bold', printable(formatPlace(place)))}: ${paint(io, color, printable(reason))}${hint === null ? '' : ` (${printable(hint)})`}`
  const line = texts.get(place.file)?.split('\n')[place.line - 1]?.replace(/\r$/, '')
  if (line === undefined || line.trim() === '') return head
  return `${head}\n${excerpt(line, place.line, place.column)
    .map((text) => paint(io, 'dim', text))
    .join('\n')}`
}

/** Width of a line that is shown; a longer one is cut around its column. Characters. */
const EXCERPT_WIDTH = 100

function excerpt(line: string, number: number, column: number): string[] {
  const from = column > EXCERPT_WIDTH ? column - EXCERPT_WIDTH / 2 : 0
  const shown = line.slice(from, from + EXCERPT_WIDTH)
  // Tabs stay tabs under the line, so that the caret stands where the eye expects it.
  const lead = shown.slice(0, Math.max(0, column - 1 - from)).replace(/[^\t]/g, ' ')
  const label = String(number)
  return [`  ${label} | ${printable(shown)}`, `  ${' '.repeat(label.length)} | ${lead}^`]
}

/** `1 document`, `2 documents`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
