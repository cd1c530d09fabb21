import { COLON, CR, LF, SP, TAB, TOKEN, VALUE } from './char-classes.ts'
import { classifyField, classifyUnderscored, FIELD, mayBeKnown } from './field-kind.ts'
import { headWords } from './head-bytes.ts'
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
  const words = headWords(bytes)

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
      at = skipValue(bytes, words, at, bound)
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
 * scanFields begins anew and finds out what it is.
 */
function scanPlain(fields: HeadFields, bytes: Uint8Array, bound: number, most: number): number {
  const words = headWords(bytes)
  const { nameStart, nameEnd, valueStart, valueEnd, lineEnd, kind } = fields
  // every step below reads at most four bytes ahead of one that it has checked against this
  const last = bound - 4
  let at = fields.scanAt
  let count = 0
  while (at <= last) {
    const start = at
    const first = bytes[at] as number
    if (first === CR_BYTE) {
      if (bytes[at + 1] !== LF_BYTE) return 0
      fields.count = count
      return at + 2
    }
    while (at < last && TOKENS[bytes[at] as number] === 1) at++
    if (at === start || count === most || bytes[at] !== COLON) return 0
    nameStart[count] = start
    nameEnd[count] = at
    kind[count] = mayBeKnown(at - start, first) ? classifyField(bytes, start, at) : FIELD.OTHER
    at++
    while (at < last && isBlank(bytes[at] as number)) at++
    const value = at
    at = skipValue(bytes, words, at, bound)
    if (at + 1 >= bound || bytes[at] !== CR_BYTE || bytes[at + 1] !== LF_BYTE) return 0
    let end = at
    while (end > value && isBlank(bytes[end - 1] as number)) end--
    valueStart[count] = value
    valueEnd[count] = end
    at += 2
    lineEnd[count] = at
    count++
  }
  // the blank line may be the last two bytes
  if (at + 2 === bound && bytes[at] === CR && bytes[at + 1] === LF) {
    fields.count = count
    return bound
  }
  return 0
}

/**
 * The first index from `at` on that holds no byte of a value, or `bound`. Four bytes a step: a word is passed over when none of its bytes is
 * below SP or DEL; the word that has one (a CR, mostly, or a TAB) is looked at byte by byte.
 */
function skipValue(bytes: Uint8Array, words: Int32Array, from: number, bound: number): number {
  let at = from
  const last = Math.min(bound >> 2, words.length)
  for (;;) {
    while (at < bound && (at & 3) !== 0) {
      if (VALUES[bytes[at] as number] !== 1) return at
      at++
    }
    let word = at >> 2
    while (word < last) {
      const four = words[word] as number
      const isDel = four ^ 0x7f7f7f7f
      if (((((four - 0x20202020) & ~four) | ((isDel - 0x01010101) & ~isDel)) & 0x80808080) !== 0) break
      word++
    }
    at = Math.max(at, word << 2)
    const stop = Math.min(bound, at + 4)
    while (at < stop) {
      if (VALUES[bytes[at] as number] !== 1) return at
      at++
    }
    if (at >= bound) return at
  }
}

function isBlank(code: number): boolean {
  return code === SP || code === TAB
}
