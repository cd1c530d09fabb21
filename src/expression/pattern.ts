import { RE2JS } from 're2js'
import { DEFAULT_SETTINGS } from '../model/defaults.ts'
import { GatewayError } from '../model/gateway-error.ts'
import { isLinear, isLinearEngineOn } from './pattern-engine.ts'
import { nameForeignConstruct } from './pattern-foreign.ts'
import { rewritePattern } from './pattern-syntax.ts'

export interface PatternOptions {
  readonly ignoreCase: boolean
}

export interface PatternHit {
  readonly index: number
  readonly end: number
  /** The whole hit at 0, then the groups; undefined for one that took no part. */
  readonly captures: readonly (string | undefined)[]
}

/**
 * A user's regular expression, searched anywhere in a byte string, in linear time. It means what RE2 says it means, over bytes: characters
 * above ASCII in the pattern are their UTF-8 bytes; `.` and negated classes take one byte; case is folded for ASCII letters. Patterns that
 * cannot be written over bytes (`\pL`, `[é]`, `é` ignoring case, the flags m and U) see the text as UTF-8, there `.` is one character.
 */
export interface Pattern {
  test(text: string): boolean
  /** The leftmost hit that begins at `from` (default 0) or behind, or null. `^` means the beginning of the text, wherever the search begins. Positions count bytes. */
  exec(text: string, from?: number): PatternHit | null
}

/**
 * Every hit replaced, from left to right, as RE2's GlobalReplace does it: hits don't overlap, an empty one right behind another hit is none, and none is inside a UTF-8
 * character. `onHit` gives what stands in the place of each.
 */
export function replaceEvery(pattern: Pattern, text: string, onHit: (hit: PatternHit) => string): string {
  let out = ''
  let done = 0
  let from = 0
  while (from <= text.length) {
    const hit = pattern.exec(text, from)
    if (hit === null) break
    const isEmpty = hit.end === hit.index
    if (!isEmpty || (isBoundary(text, hit.index) && (hit.index > done || done === 0))) {
      out += text.slice(done, hit.index) + onHit(hit)
      done = hit.end
    }
    from = isEmpty ? hit.end + 1 : hit.end
  }
  return out + text.slice(done)
}

/** Whether no character of UTF-8 goes on at that place. */
function isBoundary(text: string, at: number): boolean {
  return at === 0 || (text.charCodeAt(at) & 0xc0) !== 0x80
}

/** A pattern that fits this text alone. */
export function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|-]/g, '\\$&')
}

/** Why a pattern is refused, or null. Lengths in characters; the default limit is the start-up setting's. */
export function checkPattern(
  source: string,
  maxLength = DEFAULT_SETTINGS.limits.maxPatternLength,
): string | null {
  if (source.length > maxLength) {
    return `the pattern has ${source.length} characters, at most ${maxLength} are allowed (maxPatternLength)`
  }
  if (!source.isWellFormed()) return 'the pattern is not well-formed Unicode'
  try {
    const compiled = RE2JS.compile(source, 0)
    const size = compiled.programSize()
    return size > MAX_PROGRAM
      ? `the pattern is too large: its repeats unfold to ${size} steps, at most ${MAX_PROGRAM} are allowed`
      : null
  } catch (error) {
    return nameForeignConstruct(source) ?? describe(error)
  }
}

/**
 * Steps a program may have; a plain `{1000}`, the largest repeat RE2 knows, fits. Searching costs at most this times the length of the text
 * where re2js's automaton gives up or captures are wanted: some 20 ms a KiB at this limit, 0.1 ms for usual patterns.
 */
const MAX_PROGRAM = 1100

/** Throws GatewayError INVALID_DOCUMENT with the reason where `checkPattern` refuses (lengths are not limited here). */
export function compilePattern(source: string, options: PatternOptions): Pattern {
  const reason = checkPattern(source, Number.POSITIVE_INFINITY)
  if (reason !== null) throw new GatewayError('INVALID_DOCUMENT', reason)
  const rewritten = rewritePattern(source, options.ignoreCase)
  if (rewritten === null) {
    return new Re2Pattern(RE2JS.compile(source, options.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0), true)
  }
  const slow = () => new Re2Pattern(RE2JS.compile(rewritten.source, 0), false)
  if (!rewritten.isSafeInV8 || !isLinearEngineOn() || !isLinear(rewritten.source)) return slow()
  return new NativePattern(new RegExp(rewritten.source), rewritten.isSameInV8 ? null : slow())
}

/** Runs on V8; `exec` goes to re2js where JavaScript would report other places or captures. */
class NativePattern implements Pattern {
  readonly #expression: RegExp
  readonly #precise: Pattern | null
  /** The same, for searches that begin later. */
  #moving: RegExp | null = null
  constructor(expression: RegExp, precise: Pattern | null) {
    this.#expression = expression
    this.#precise = precise
  }
  test(text: string): boolean {
    return this.#expression.test(text)
  }
  exec(text: string, from = 0): PatternHit | null {
    if (this.#precise !== null) return this.#precise.exec(text, from)
    const hit = from === 0 ? this.#expression.exec(text) : this.#execFrom(text, from)
    return hit === null ? null : { index: hit.index, end: hit.index + hit[0].length, captures: [...hit] }
  }
  #execFrom(text: string, from: number): RegExpExecArray | null {
    this.#moving ??= new RegExp(this.#expression.source, 'g')
    this.#moving.lastIndex = from
    return this.#moving.exec(text)
  }
}

class Re2Pattern implements Pattern {
  readonly #compiled: RE2JS
  /** The text's bytes are UTF-8 to this pattern; else each byte is a character. */
  readonly #isUnicode: boolean
  constructor(compiled: RE2JS, isUnicode: boolean) {
    this.#compiled = compiled
    this.#isUnicode = isUnicode
  }
  test(text: string): boolean {
    return this.#compiled.test(this.#input(text))
  }
  exec(text: string, from = 0): PatternHit | null {
    const matcher = this.#compiled.matcher(this.#input(text))
    if (!matcher.find(from)) return null
    const captures: (string | undefined)[] = []
    for (let group = 0; group <= matcher.groupCount(); group++) {
      const start = matcher.start(group)
      captures.push(start < 0 ? undefined : text.slice(start, matcher.end(group)))
    }
    return { index: matcher.start(0), end: matcher.end(0), captures }
  }
  #input(text: string): string | Uint8Array {
    return this.#isUnicode && hasHighByte(text) ? Buffer.from(text, 'latin1') : text
  }
}

function hasHighByte(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return true
  return false
}

function describe(error: unknown): string {
  return error instanceof Error ? `not a valid pattern: ${error.message}` : 'not a valid pattern'
}
