import { COMMA, equalsLower, LOWER, SP, TAB } from './char-classes.ts'
import { FIELD, isForwardedName, isProtectedFromNomination } from './field-kind.ts'
import type { HeadFields } from './head-fields.ts'

/** Bits of what readConnection returns. */
export const CONNECTION_CLOSE = 1
export const CONNECTION_KEEP_ALIVE = 2
export const CONNECTION_UPGRADE = 4

/** More options than this in one head are refused: no client sends them, and each is compared with each field. */
const MAX_OPTIONS = 100

/**
 * Reads all Connection lines: which of close, keep-alive and upgrade are there (any case, any position), and marks every other field
 * that is named as NOMINATED (RFC 9110 section 7.6.1). Returns the bits, or -1 for a list that is too long. An element that is no token
 * names no field and has no effect.
 */
export function readConnection(fields: HeadFields): number {
  const text = fields.text
  let bits = 0
  let options = 0
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind[i] !== FIELD.CONNECTION) continue
    const end = fields.valueEnd[i] as number
    let at = fields.valueStart[i] as number
    // Nearly all lines are this or `close`.
    if (end - at === 10 && equalsLower(text, at, 'keep-alive')) {
      bits |= CONNECTION_KEEP_ALIVE
      continue
    }
    while (at < end) {
      let stop = at
      while (stop < end && text.charCodeAt(stop) !== COMMA) stop++
      let first = at
      let last = stop
      while (first < last && isBlank(text.charCodeAt(first))) first++
      while (last > first && isBlank(text.charCodeAt(last - 1))) last--
      if (last > first) {
        if (++options > MAX_OPTIONS) return -1
        const length = last - first
        if (length === 5 && equalsLower(text, first, 'close')) bits |= CONNECTION_CLOSE
        else if (length === 10 && equalsLower(text, first, 'keep-alive')) bits |= CONNECTION_KEEP_ALIVE
        else if (length === 7 && equalsLower(text, first, 'upgrade')) bits |= CONNECTION_UPGRADE
        else nominate(fields, first, length)
      }
      at = stop + 1
    }
  }
  return bits
}

function nominate(fields: HeadFields, first: number, length: number): void {
  const text = fields.text
  for (let i = 0; i < fields.count; i++) {
    const start = fields.nameStart[i] as number
    const end = fields.nameEnd[i] as number
    if (end - start !== length || isProtectedFromNomination(fields.kind[i] as number)) continue
    let j = 0
    while (j < length && LOWER[text.charCodeAt(start + j)] === LOWER[text.charCodeAt(first + j)]) j++
    if (j === length && !isForwardedName(text, start, end)) fields.kind[i] = FIELD.NOMINATED
  }
}

/**
 * The protocol asked for in Upgrade, lower case, or null: there must be one line with one element. A list is an offer of several; taking
 * none of them is always allowed (RFC 9110 section 7.8).
 */
export function readUpgrade(fields: HeadFields): string | null {
  let line = -1
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind[i] !== FIELD.UPGRADE) continue
    if (line >= 0) return null
    line = i
  }
  if (line < 0) return null
  const value = fields.value(line)
  return value === '' || value.includes(',') ? null : value.toLowerCase()
}

/** Whether a comma list holds the element `lower`, parameters behind `;` left aside. */
export function listHas(text: string, start: number, end: number, lower: string): boolean {
  let at = start
  while (at < end) {
    let stop = at
    while (stop < end && text.charCodeAt(stop) !== COMMA) stop++
    let first = at
    while (first < stop && isBlank(text.charCodeAt(first))) first++
    let last = first
    while (last < stop && text.charCodeAt(last) !== 0x3b && !isBlank(text.charCodeAt(last))) last++
    if (last - first === lower.length && equalsLower(text, first, lower)) return true
    at = stop + 1
  }
  return false
}

function isBlank(code: number): boolean {
  return code === SP || code === TAB
}
