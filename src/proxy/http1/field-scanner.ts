import { COLON, CR, LF, TOKEN, VALUE } from './char-classes.ts'
import { classifyField, classifyUnderscored, FIELD, mayBeKnown } from './field-kind.ts'
import type { HeadFields } from './head-fields.ts'

/** scanFields: so far everything is fine, more text is needed. */
export const INCOMPLETE = 0
/** scanFields: the text breaks the field grammar. */
export const MALFORMED = -1
/** scanFields: one field line more than allowed. */
export const TOO_MANY = -2

// An imported binding is read from its module with every use; these are the module's own, so that a loop over bytes keeps them in registers.
const TOKENS = TOKEN
const VALUES = VALUE
const CR_BYTE = CR
const LF_BYTE = LF
const COLON_BYTE = COLON

const LINE_START = 0
const NAME = 1
const BEFORE_VALUE = 2
const IN_VALUE = 3
const LINE_FEED = 4
const LAST_LINE_FEED = 5

/** Tells the scanner where the first field line starts. */
export function startFields(fields: HeadFields, at: number): void {
  fields.count = 0
  fields.underscored = 0
  fields.scanAt = at
  fields.scanStep = LINE_START
}

/**
 * Reads field lines up to and with the blank line (RFC 9112 section 5, in its strictest reading: CRLF only, no folding, no blank before
 * the colon, no control but TAB in values). Serves heads of requests and answers, and trailer sections.
 *
 * `bytes` are those of `fields.text`, which the caller has set (head-bytes.ts). Reads no further than `bound`. When the text ends too early
 * it keeps its place; the next call must bring a text that begins with the one before. Every byte is looked at once, whatever the pieces.
 * Returns the index behind the blank line, INCOMPLETE, MALFORMED or
 * TOO_MANY.
 */
export function scanFields(fields: HeadFields, bytes: Uint8Array, bound: number, maxFields: number): number {
  const most = Math.min(maxFields, fields.capacity)
  if (fields.scanStep === LINE_START && fields.count === 0) {
    const end = scanPlain(fields, bytes, bound, most)
    if (end > 0) return end
    fields.count = 0
  }
  let at = fields.scanAt
  let step = fields.scanStep
  let count = fields.count
  let mark = fields.scanMark

  for (;;) {
    if (step === LINE_START) {
      if (at === bound) break
      const first = bytes[at] as number
      if (first === CR) {
        at++
        step = LAST_LINE_FEED
      } else {
        // Covers a folded line (SP, TAB), a bare LF and an empty name (colon): none of them begins a token.
        mark = TOKEN[first] as number
        if (!mark) return MALFORMED
        if (count === most) return TOO_MANY
        fields.nameStart[count] = at
        at++
        step = NAME
      }
    }
    if (step === NAME) {
      while (at < bound) {
        const cls = TOKEN[bytes[at] as number]
        if (!cls) break
        mark |= cls
        at++
      }
      if (at === bound) break
      if (bytes[at] !== COLON) return MALFORMED
      fields.nameEnd[count] = at
      at++
      step = BEFORE_VALUE
    }
    if (step === BEFORE_VALUE) {
      while (at < bound && isBlank(bytes[at] as number)) at++
      if (at === bound) break
      fields.valueStart[count] = at
      step = IN_VALUE
    }
    if (step === IN_VALUE) {
      while (at < bound && VALUES[bytes[at] as number] === 1) at++
      if (at === bound) break
      if (bytes[at] !== CR) return MALFORMED
      const start = fields.valueStart[count] as number
      let end = at
      while (end > start && isBlank(bytes[end - 1] as number)) end--
      fields.valueEnd[count] = end
      at++
      step = LINE_FEED
    }
    if (step === LINE_FEED) {
      if (at === bound) break
      if (bytes[at] !== LF) return MALFORMED
      at++
      fields.lineEnd[count] = at
      const nameStart = fields.nameStart[count] as number
      const nameEnd = fields.nameEnd[count] as number
      let kind: number
      if (mark === 1) {
        kind = classifyField(bytes, nameStart, nameEnd)
      } else {
        kind = classifyUnderscored(bytes, nameStart, nameEnd)
        if (kind === FIELD.OTHER) fields.underscored++
      }
      fields.kind[count] = kind
      count++
      step = LINE_START
      continue
    }
    if (step === LAST_LINE_FEED) {
      if (at === bound) break
      if (bytes[at] !== LF) return MALFORMED
      fields.count = count
      return at + 1
    }
  }

  fields.scanAt = at
  fields.scanStep = step
  fields.scanMark = mark
  fields.count = count
  return INCOMPLETE
}

/**
 * The common head in one go: complete, no name with `_`, nothing wrong. Returns the index behind the blank line, or 0 for anything else, and then
 * scanFields begins anew and finds out what it is. Bytes behind `bound` may be read, and what was found with their help is not believed:
 * that spares every byte a comparison. Four bytes a step, because a step of a loop costs as much as a byte.
 */
function scanPlain(fields: HeadFields, bytes: Uint8Array, bound: number, most: number): number {
  const { nameStart, nameEnd, valueStart, valueEnd, lineEnd, kind } = fields
  let at = fields.scanAt
  let count = 0
  for (;;) {
    const start = at
    const first = bytes[at] as number
    if (first === CR_BYTE) {
      at += 2
      if (bytes[at - 1] !== LF_BYTE || at > bound) return 0
      fields.count = count
      return at
    }
    while (
      TOKENS[bytes[at] as number] === 1 &&
      TOKENS[bytes[at + 1] as number] === 1 &&
      TOKENS[bytes[at + 2] as number] === 1 &&
      TOKENS[bytes[at + 3] as number] === 1
    )
      at += 4
    while (TOKENS[bytes[at] as number] === 1) at++
    if (bytes[at] !== COLON_BYTE || at === start || count === most) return 0
    nameStart[count] = start
    nameEnd[count] = at
    kind[count] = mayBeKnown(at - start, first) ? classifyField(bytes, start, at) : 0 // FIELD.OTHER
    at++
    while (isBlank(bytes[at] as number)) at++
    const value = at
    while (
      VALUES[bytes[at] as number] === 1 &&
      VALUES[bytes[at + 1] as number] === 1 &&
      VALUES[bytes[at + 2] as number] === 1 &&
      VALUES[bytes[at + 3] as number] === 1
    )
      at += 4
    while (VALUES[bytes[at] as number] === 1) at++
    if (bytes[at] !== CR_BYTE || bytes[at + 1] !== LF_BYTE) return 0
    let end = at
    while (end > value && isBlank(bytes[end - 1] as number)) end--
    valueStart[count] = value
    valueEnd[count] = end
    at += 2
    if (at > bound) return 0
    lineEnd[count] = at
    count++
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
