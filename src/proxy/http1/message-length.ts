import { equalsLower, TOKEN } from './char-classes.ts'
import { FIELD, type HeadFields } from './head-fields.ts'

/** readLength: not 1*DIGIT. */
export const NOT_A_LENGTH = -1
/** readLength: digits, but more than 2^53 - 1, which a number cannot hold exactly. */
export const TOO_LONG = -2

/**
 * The number in `text[start, end)`, which must be digits alone without leading zeros (they could be dropped; no client sends them).
 * NOT_A_LENGTH or TOO_LONG otherwise.
 */
export function readLength(text: string, start: number, end: number): number {
  if (start === end) return NOT_A_LENGTH
  if (end - start > 1 && text.charCodeAt(start) === 0x30) return NOT_A_LENGTH
  let length = 0
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return NOT_A_LENGTH
    length = length * 10 + digit
  }
  return length > Number.MAX_SAFE_INTEGER ? TOO_LONG : length
}

export const CODING_NONE = 0
/** One Transfer-Encoding line whose value is `chunked`, in any case. */
export const CODING_CHUNKED = 1
/** `chunked` is there, but not alone: with others, twice, with parameters, in quotes. */
export const CODING_CHUNKED_AND_MORE = 2
export const CODING_OTHER = 3

/** What the Transfer-Encoding lines say. */
export function readCoding(fields: HeadFields): number {
  const text = fields.text
  let lines = 0
  let namesChunked = false
  let isChunked = false
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind[i] !== FIELD.TRANSFER_ENCODING) continue
    const start = fields.valueStart[i] as number
    const end = fields.valueEnd[i] as number
    lines++
    isChunked = end - start === 7 && equalsLower(text, start, 'chunked')
    if (isChunked || hasToken(text, start, end, 'chunked')) namesChunked = true
  }
  if (lines === 0) return CODING_NONE
  if (lines === 1 && isChunked) return CODING_CHUNKED
  return namesChunked ? CODING_CHUNKED_AND_MORE : CODING_OTHER
}

/** Whether a token of the text, whatever stands between its tokens, is `lower`. */
function hasToken(text: string, start: number, end: number, lower: string): boolean {
  let at = start
  while (at < end) {
    const first = at
    while (at < end && TOKEN[text.charCodeAt(at)]) at++
    if (at - first === lower.length && equalsLower(text, first, lower)) return true
    at++
  }
  return false
}
