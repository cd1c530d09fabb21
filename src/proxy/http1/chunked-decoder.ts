import type { ErrorCode } from '../../model/error-codes.ts'
import type { Limits } from '../../model/settings.ts'
import { CR, HEX, LF, SEMICOLON, SP, TAB, TOKEN, VALUE } from './char-classes.ts'
import { FIELD, isForbiddenInTrailer } from './field-kind.ts'
import { scanFields, startFields } from './field-scanner.ts'
import { headBytes } from './head-bytes.ts'
import { HeadFields } from './head-fields.ts'

export type TrailerLimits = Pick<Limits, 'maxTrailerBytes' | 'maxTrailerFields'>

/** Takes what is in the chunks. Called during `decode` only. */
export interface ChunkSink {
  /** Body bytes `input[from, to)`, never empty. The buffer belongs to the caller of `decode`: read or copy at once. */
  onData(input: Buffer, from: number, to: number): void
  /**
   * The whole trailer section, its blank line included, and its fields; kind NOT_IN_TRAILER and SHADOW must not be forwarded. Called once, just
   * before `done`, and only if there are trailer fields. `fields` is reused by the next message.
   */
  onTrailers(text: string, fields: HeadFields): void
}

const EQUALS = 0x3d
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Bytes of chunk extensions in one line and in one message. From: reliability.md section 2. */
const MAX_EXTENSION_BYTES = 4_096
const MAX_EXTENSION_BYTES_IN_MESSAGE = 65_536
const MAX_SIZE_DIGITS = 16
const NO_TRAILERS: TrailerLimits = { maxTrailerBytes: 0, maxTrailerFields: 0 }

const SIZE_START = 0 // the first digit
const SIZE = 1 // further digits, `;` or CR
const EXTENSION_START = 2 // behind `;`: blanks, then a name
const EXTENSION_NAME = 3
const EXTENSION_NAME_END = 4 // blanks behind a name: `=` or `;` must follow
const EXTENSION_VALUE_START = 5 // behind `=`: blanks, then a token or a quote
const EXTENSION_TOKEN = 6
const EXTENSION_QUOTED = 7
const EXTENSION_ESCAPE = 8 // behind a backslash in quotes
const EXTENSION_VALUE_END = 9 // behind a closing quote
const EXTENSION_BLANK = 10 // blanks behind a value: `;` must follow
const SIZE_LINE_FEED = 11
const DATA = 12
const DATA_RETURN = 13
const DATA_LINE_FEED = 14
const TRAILER_START = 15
const TRAILER_LINE_FEED = 16 // of the blank line where there are no trailers
const TRAILER = 17
const DONE = 18
const FAILED = 19

/**
 * Reads a chunked body (RFC 9112 section 7.1, strictly: CRLF only, no blanks around the size) piece by piece, cut anywhere. Extensions are
 * checked and dropped; trailers are collected within their limits.
 */
export class ChunkedDecoder {
  /** The last chunk and the trailer section are read; the next byte belongs to the next message. */
  done = false
  failed = false
  /** BAD_CHUNK, BAD_TRAILER, or BODY_TOO_LARGE for a chunk of more than 2^53 - 1 bytes; meaningless unless `failed`. */
  error: ErrorCode = 'BAD_CHUNK'

  #limits: TrailerLimits = NO_TRAILERS
  #state = SIZE_START
  /** Size read so far, then bytes of the chunk still to come. */
  #left = 0
  #digits = 0
  #lineExtension = 0
  #messageExtension = 0
  #trailerText = ''
  /** Made for the first message with trailers: most connections never see one. */
  #trailers: HeadFields | null = null

  /** Ready for the next message. Before the first call no trailers are taken. */
  reset(limits: TrailerLimits): void {
    this.#limits = limits
    this.done = false
    this.failed = false
    this.error = 'BAD_CHUNK'
    this.#state = SIZE_START
    this.#left = 0
    this.#digits = 0
    this.#lineExtension = 0
    this.#messageExtension = 0
    this.#trailerText = ''
  }

  /**
   * Takes `input[from, to)` and returns the index of the first byte that it did not take: `to` while the body goes on, less than that only
   * when `done` or `failed`.
   */
  decode(input: Buffer, from: number, to: number, sink: ChunkSink): number {
    let at = from
    while (at < to) {
      const state = this.#state
      if (state === DATA) {
        const end = to - at < this.#left ? to : at + this.#left
        this.#left -= end - at
        if (this.#left === 0) this.#state = DATA_RETURN
        sink.onData(input, at, end)
        at = end
      } else if (state === SIZE || state === SIZE_START) {
        at = this.#readSize(input, at, to)
      } else if (state === TRAILER) {
        return this.#readTrailers(input, at, to, sink)
      } else if (state === DONE || state === FAILED) {
        return at
      } else {
        const next = this.#next(input[at] as number)
        this.#state = next
        if (next === FAILED) this.failed = true
        if (next === DONE) this.done = true
        // The first byte of a trailer belongs to the section and is read again there.
        if (next !== TRAILER && next !== FAILED) at++
      }
      if (this.#state === FAILED) return at
    }
    return at
  }

  #readSize(input: Buffer, from: number, to: number): number {
    let at = from
    while (at < to) {
      const byte = input[at] as number
      const digit = HEX[byte] as number
      if (digit === 255) {
        if (this.#digits === 0 || (byte !== CR && byte !== SEMICOLON)) this.#fail('BAD_CHUNK')
        else if (this.#left > Number.MAX_SAFE_INTEGER) this.#fail('BODY_TOO_LARGE')
        else this.#state = byte === CR ? SIZE_LINE_FEED : EXTENSION_START
        return this.failed ? at : at + 1
      }
      this.#state = SIZE
      if (++this.#digits > MAX_SIZE_DIGITS) {
        this.#fail('BAD_CHUNK')
        return at
      }
      this.#left = this.#left * 16 + digit
      at++
    }
    return at
  }

  /** The state behind one byte of what is not size, data or trailer. */
  #next(byte: number): number {
    switch (this.#state) {
      case SIZE_LINE_FEED:
        if (byte !== LF) return FAILED
        this.#digits = 0
        this.#lineExtension = 0
        return this.#left === 0 ? TRAILER_START : DATA
      case DATA_RETURN:
        return byte === CR ? DATA_LINE_FEED : FAILED
      case DATA_LINE_FEED:
        return byte === LF ? SIZE_START : FAILED
      case TRAILER_START:
        return byte === CR ? TRAILER_LINE_FEED : TRAILER
      case TRAILER_LINE_FEED:
        if (byte === LF) return DONE
        this.error = 'BAD_TRAILER'
        return FAILED
      default:
        return this.#nextInExtension(byte)
    }
  }

  /**
   * RFC 9112 section 7.1.1: `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`, without a blank between size and first `;`.
   */
  #nextInExtension(byte: number): number {
    this.#lineExtension++
    this.#messageExtension++
    if (this.#lineExtension > MAX_EXTENSION_BYTES) return FAILED
    if (this.#messageExtension > MAX_EXTENSION_BYTES_IN_MESSAGE) return FAILED
    const state = this.#state
    const isBlank = byte === SP || byte === TAB
    switch (state) {
      case EXTENSION_START:
        if (isBlank) return state
        return TOKEN[byte] ? EXTENSION_NAME : FAILED
      case EXTENSION_NAME:
        if (TOKEN[byte]) return state
        if (byte === EQUALS) return EXTENSION_VALUE_START
        return isBlank ? EXTENSION_NAME_END : behindExtension(byte)
      case EXTENSION_NAME_END:
        if (isBlank) return state
        if (byte === EQUALS) return EXTENSION_VALUE_START
        return byte === SEMICOLON ? EXTENSION_START : FAILED
      case EXTENSION_VALUE_START:
        if (isBlank) return state
        if (byte === QUOTE) return EXTENSION_QUOTED
        return TOKEN[byte] ? EXTENSION_TOKEN : FAILED
      case EXTENSION_TOKEN:
        if (TOKEN[byte]) return state
        return isBlank ? EXTENSION_BLANK : behindExtension(byte)
      case EXTENSION_QUOTED:
        if (byte === QUOTE) return EXTENSION_VALUE_END
        if (byte === BACKSLASH) return EXTENSION_ESCAPE
        return VALUE[byte] === 1 ? state : FAILED
      case EXTENSION_ESCAPE:
        return VALUE[byte] === 1 ? EXTENSION_QUOTED : FAILED
      case EXTENSION_VALUE_END:
        return isBlank ? EXTENSION_BLANK : behindExtension(byte)
      default: // EXTENSION_BLANK
        if (isBlank) return state
        return byte === SEMICOLON ? EXTENSION_START : FAILED
    }
  }

  #readTrailers(input: Buffer, from: number, to: number, sink: ChunkSink): number {
    const limits = this.#limits
    if (this.#trailers === null || this.#trailers.capacity < limits.maxTrailerFields) {
      this.#trailers = new HeadFields(limits.maxTrailerFields)
    }
    const fields = this.#trailers
    const before = this.#trailerText.length
    if (before === 0) {
      fields.reset()
      startFields(fields, 0)
    }
    // One byte over the limit is enough to see that it is exceeded; the rest of a long piece is not copied.
    const take = Math.min(to, from + limits.maxTrailerBytes + 1 - before)
    const text = this.#trailerText + input.toString('latin1', from, take)
    const bound = Math.min(text.length, limits.maxTrailerBytes)
    fields.text = text
    const end = scanFields(fields, headBytes(text, 0, bound), bound, limits.maxTrailerFields)
    if (end > 0) {
      markForbidden(fields)
      this.#state = DONE
      this.done = true
      this.#trailerText = ''
      sink.onTrailers(text.slice(0, end), fields)
      return from + end - before
    }
    if (end < 0 || text.length >= limits.maxTrailerBytes) {
      this.#fail('BAD_TRAILER')
      return from
    }
    this.#trailerText = text
    return to
  }

  #fail(error: ErrorCode): void {
    this.#state = FAILED
    this.failed = true
    this.error = error
  }
}

/** The state behind an extension that ended without a blank. */
function behindExtension(byte: number): number {
  if (byte === SEMICOLON) return EXTENSION_START
  return byte === CR ? SIZE_LINE_FEED : FAILED
}

function markForbidden(fields: HeadFields): void {
  for (let i = 0; i < fields.count; i++) {
    const kind = fields.kind[i] as number
    if (kind === FIELD.SHADOW) continue
    if (isForbiddenInTrailer(fields.name(i).toLowerCase(), kind)) fields.kind[i] = FIELD.NOT_IN_TRAILER
  }
}
