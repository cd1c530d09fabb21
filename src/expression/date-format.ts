import { toByteString } from '../model/byte-string.ts'

/** Milliseconds since 1970 in UTC, with a fraction where the text has one; NaN: the text is no such date. Reads byte strings. */
export type DateReader = (text: string) => number

/**
 * A format in the letters that Java's DateTimeFormatter and SimpleDateFormat share:
 * `yyyy` (`uuuu`) and `yy` (2000 to 2099), `M` `MM`, `MMM` `MMMM` (English), `d` `dd`, `EEE` `EEEE` (English, not held against the date), `H` `HH`, `h` `hh` with `a`, `m` `mm`, `s` `ss`,
 * `S` to `SSSSSSSSS` (digits of the fraction), `X` `XX` `XXX` (`Z` or an offset), `Z` (`+0100`), and literal text, with letters in quotes. One letter takes one digit or two, `MM` and the like
 * exactly two. The whole text must be read, and be a day that there is. What the format leaves out is that of 1970-01-01 00:00:00; without an offset it is UTC.
 * Throws a FormatError for a format with anything else.
 */
export function compileDateFormat(format: string): DateReader {
  const pieces = parseFormat(format)
  return (text) => {
    const draft = { ...NOTHING_READ }
    let at = 0
    for (let i = 0; i < pieces.length; i++) {
      at = (pieces[i] as Piece)(text, at, draft)
      if (at < 0) return Number.NaN
    }
    return at === text.length ? toMilliseconds(draft) : Number.NaN
  }
}

/** What is wrong with a format, for people; null: nothing. */
export function checkDateFormat(format: string): string | null {
  try {
    parseFormat(format)
    return null
  } catch (error) {
    if (error instanceof FormatError) return error.message
    throw error
  }
}

export class FormatError extends Error {}

interface Draft {
  year: number
  month: number
  day: number
  /** 0-23; with `isHalf` 1-12. */
  hour: number
  minute: number
  second: number
  milliseconds: number
  isHalf: boolean
  isAfternoon: boolean
  offsetMinutes: number
}

const NOTHING_READ: Draft = {
  year: 1970,
  month: 1,
  day: 1,
  hour: 0,
  minute: 0,
  second: 0,
  milliseconds: 0,
  isHalf: false,
  isAfternoon: false,
  offsetMinutes: 0,
}

/** Reads its part of the text from `at` into the draft and gives where it ends; -1: it is not there. */
type Piece = (text: string, at: number, draft: Draft) => number

function parseFormat(format: string): readonly Piece[] {
  if (format === '') throw new FormatError('the format of a date is empty')
  const pieces: Piece[] = []
  for (let i = 0; i < format.length; ) {
    const letter = format.charAt(i)
    if (letter === "'") {
      const end = endOfQuote(format, i)
      const text = format.slice(i + 1, end - 1).replaceAll("''", "'")
      pieces.push(literal(text === '' ? "'" : text))
      i = end
    } else if (/[A-Za-z]/.test(letter)) {
      let end = i + 1
      while (format.charAt(end) === letter) end++
      pieces.push(fieldOf(letter, end - i))
      i = end
    } else if ('[]{}#'.includes(letter)) {
      throw new FormatError(
        `${letter} in the format of a date is not supported; put it between quotes: '${letter}'`,
      )
    } else {
      const character = String.fromCodePoint(format.codePointAt(i) as number)
      pieces.push(literal(character))
      i += character.length
    }
  }
  return pieces
}

/** Where quoted text ends, its closing quote included; two quotes in it are one of its own. */
function endOfQuote(format: string, from: number): number {
  for (let i = from + 1; i < format.length; i++) {
    if (format.charAt(i) !== "'") continue
    if (format.charAt(i + 1) !== "'" || i === from + 1) return i + 1
    i++
  }
  throw new FormatError(`a quote in the format ${JSON.stringify(format)} is not closed`)
}

function literal(text: string): Piece {
  const bytes = toByteString(text)
  return (subject, at) => (subject.startsWith(bytes, at) ? at + bytes.length : -1)
}

function fieldOf(letter: string, count: number): Piece {
  switch (letter + count) {
    case 'y4':
    case 'u4':
      return digits(4, 4, 0, 9999, (draft, year) => {
        draft.year = year
      })
    case 'y2':
    case 'u2':
      return digits(2, 2, 0, 99, (draft, year) => {
        draft.year = 2000 + year
      })
    case 'M1':
    case 'M2':
      return digits(count, 2, 1, 12, (draft, month) => {
        draft.month = month
      })
    case 'M3':
      return month(MONTHS.map((name) => name.slice(0, 3)))
    case 'M4':
      return month(MONTHS)
    case 'd1':
    case 'd2':
      return digits(count, 2, 1, 31, (draft, day) => {
        draft.day = day
      })
    case 'E1':
    case 'E2':
    case 'E3':
      return word(DAYS.map((name) => name.slice(0, 3)))
    case 'E4':
      return word(DAYS)
    case 'H1':
    case 'H2':
      return digits(count, 2, 0, 23, (draft, hour) => {
        draft.hour = hour
      })
    case 'h1':
    case 'h2':
      return digits(count, 2, 1, 12, (draft, hour) => {
        draft.hour = hour
        draft.isHalf = true
      })
    case 'a1':
      return word(['AM', 'PM'], (draft, index) => {
        draft.isAfternoon = index === 1
      })
    case 'm1':
    case 'm2':
      return digits(count, 2, 0, 59, (draft, minute) => {
        draft.minute = minute
      })
    case 's1':
    case 's2':
      return digits(count, 2, 0, 59, (draft, second) => {
        draft.second = second
      })
    case 'X1':
    case 'X2':
    case 'X3':
      return offset(count === 3, count === 1, true)
    case 'Z1':
    case 'Z2':
    case 'Z3':
      return offset(false, false, false)
  }
  if (letter === 'S' && count <= 9) {
    const unit = 10 ** (count - 3)
    return digits(count, count, 0, 10 ** count, (draft, fraction) => {
      draft.milliseconds = fraction / unit
    })
  }
  throw new FormatError(
    `${letter.repeat(count)} in the format of a date is not supported; known are yyyy yy M MM MMM MMMM d dd EEE EEEE H HH h hh a m mm s ss S… X XX XXX Z`,
  )
}

function digits(
  least: number,
  most: number,
  low: number,
  high: number,
  keep: (draft: Draft, value: number) => void,
): Piece {
  return (text, at, draft) => {
    let value = 0
    let end = at
    while (end - at < most) {
      const digit = text.charCodeAt(end) - 0x30
      if (!(digit >= 0 && digit <= 9)) break
      value = value * 10 + digit
      end++
    }
    if (end - at < least || value < low || value > high) return -1
    keep(draft, value)
    return end
  }
}

/** One of some words, in any case. */
function word(words: readonly string[], keep?: (draft: Draft, index: number) => void): Piece {
  const lower = words.map((text) => text.toLowerCase())
  return (text, at, draft) => {
    const index = lower.findIndex((one) => text.slice(at, at + one.length).toLowerCase() === one)
    if (index < 0) return -1
    keep?.(draft, index)
    return at + (lower[index] as string).length
  }
}

function month(names: readonly string[]): Piece {
  return word(names, (draft, index) => {
    draft.month = index + 1
  })
}

/** `+hhmm`, with a colon where `hasColon`, `+hh` alone where `mayEndAtHours`; `Z` where `takesZ`. */
function offset(hasColon: boolean, mayEndAtHours: boolean, takesZ: boolean): Piece {
  const form = hasColon
    ? /([+-])(\d\d):(\d\d)/y
    : mayEndAtHours
      ? /([+-])(\d\d)(\d\d)?/y
      : /([+-])(\d\d)(\d\d)/y
  return (text, at, draft) => {
    if (takesZ && text.charAt(at) === 'Z') return at + 1
    form.lastIndex = at
    const match = form.exec(text)
    if (match === null) return -1
    const hours = Number(match[2])
    const minutes = Number(match[3] ?? 0)
    if (hours > 18 || minutes > 59) return -1
    draft.offsetMinutes = (match[1] === '-' ? -1 : 1) * (hours * 60 + minutes)
    return at + match[0].length
  }
}

function toMilliseconds(draft: Draft): number {
  const { year, day, isHalf, isAfternoon, minute, second } = draft
  if (day > daysOf(year, draft.month)) return Number.NaN
  const hour = isHalf ? (draft.hour % 12) + (isAfternoon ? 12 : 0) : draft.hour
  // not Date.UTC: it takes years below 100 for those of the last century
  const date = new Date(0)
  date.setUTCFullYear(year, draft.month - 1, day)
  return (
    date.getTime() + ((hour * 60 + minute - draft.offsetMinutes) * 60 + second) * 1000 + draft.milliseconds
  )
}

function daysOf(year: number, month: number): number {
  if (month !== 2) return DAYS_OF_MONTHS[month - 1] as number
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
}

const DAYS_OF_MONTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
