import type { Place } from './condition.ts'

/** Why a condition is refused. */
export interface ConditionFault extends Place {
  /** What stands there, long texts cut. */
  readonly found: string
  readonly expected: string
  /** All of it in one sentence. */
  readonly message: string
}

/** Ends a parse; nothing outside this folder sees it but `toPredicate`, which throws it in strict mode. */
export class ConditionRefused extends Error {
  readonly fault: ConditionFault
  constructor(fault: ConditionFault) {
    super(fault.message)
    this.fault = fault
  }
}

/** Of what was found, characters that are shown. */
const SHOWN = 40

/** `found` is a piece of the condition. */
export function faultAtText(place: Place, found: string, expected: string): ConditionFault {
  const shown = cut(found)
  return fault(place, shown, `\`${shown}\``, expected)
}

/** `found` is in words. */
export function faultAtPlace(place: Place, found: string, expected: string): ConditionFault {
  return fault(place, found, found, expected)
}

function fault({ line, column }: Place, found: string, shown: string, expected: string): ConditionFault {
  return {
    line,
    column,
    found,
    expected,
    message: `line ${line}, column ${column}: found ${shown}, expected ${expected}`,
  }
}

/** One line of printable text; what cannot be seen shows by its number. */
function cut(text: string): string {
  const shown = text.replace(/[\t\r\n ]+/g, ' ').replace(/[^\S ]|\p{C}/gu, (char) => {
    return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`
  })
  const chars = [...shown]
  return chars.length > SHOWN ? `${chars.slice(0, SHOWN).join('')}…` : chars.join('')
}

/** Line and column of an offset. A line ends with LF, CR or both. */
export function placeOf(text: string, offset: number): Place {
  let line = 1
  let start = 0
  for (let i = 0; i < offset; i++) {
    const code = text.charCodeAt(i)
    if (code !== 10 && (code !== 13 || text.charCodeAt(i + 1) === 10)) continue
    line++
    start = i + 1
  }
  return { line, column: countChars(text.slice(start, offset)) + 1 }
}

/** Characters, not halves of surrogate pairs. */
export function countChars(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
