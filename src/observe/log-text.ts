import { fromByteString, toByteString } from '../model/byte-string.ts'

/** How values stand in a line, so that nothing a client sends can end the line, leave its field, or reach a terminal as a control sequence. */

/** What may stand between JSON quotes, and in a line of nginx's kind, as it is. */
const PLAIN = /^[ !#-[\]-~]*$/
/** What JSON lets pass but a terminal or an editor acts on: DEL, C1 controls, line separators, direction marks. */
const HIDDEN = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** A JSON text of a byte string, quotes included. Bytes that are no UTF-8 become U+FFFD. */
export function quoteJson(bytes: string): string {
  return PLAIN.test(bytes) ? `"${bytes}"` : quoteText(fromByteString(bytes))
}

/** The same of a Unicode text, such as names in documents are. */
export function quoteText(text: string): string {
  const quoted = JSON.stringify(text).replace(
    HIDDEN,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return toByteString(quoted)
}

/** As nginx does it: `\xXX` for quotes, backslashes and every byte outside printable ASCII. */
export function escapeCombined(bytes: string): string {
  if (PLAIN.test(bytes)) return bytes
  return bytes.replace(
    /[^ !#-[\]-~]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** For between JSON quotes that the template has itself. */
export function escapeJson(bytes: string): string {
  return PLAIN.test(bytes) ? bytes : quoteJson(bytes).slice(1, -1)
}

/** Milliseconds with three digits; '' where there are none. Put together from whole numbers: that is cheaper than a fraction. */
export function formatMilliseconds(value: number): string {
  return value >= 0 ? formatThousandths(Math.round(value * 1000)) : ''
}

/** Seconds with three digits, as nginx writes times; '' where there are none. */
export function formatSeconds(milliseconds: number): string {
  return milliseconds >= 0 ? formatThousandths(Math.round(milliseconds)) : ''
}

function formatThousandths(value: number): string {
  const whole = Math.floor(value / 1000)
  const rest = value - whole * 1000
  return `${whole}.${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}`
}
