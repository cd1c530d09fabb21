import { isZeros, randomHex } from '../expression/random-id.ts'
import type { TracingSettings } from '../model/settings.ts'
import { FIELD, type HeadFields } from './http1/head-fields.ts'

/** W3C Trace Context (https://www.w3.org/TR/trace-context/), level 1 with the keys of level 2: `traceparent` and `tracestate`. */

const SAMPLED = 1
/** Members of a tracestate (3.3.1.1). */
const MAX_MEMBERS = 32
/** `key` and `tenant@system`, as level 1 or level 2 has them (3.3.1.3.1). */
const KEY = /^[a-z0-9](?:[a-z0-9_\-*/]{0,255}|[a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/
/** Printable, without `,` and `=` (3.3.1.3.2). */
const VALUE = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/

export interface TraceParent {
  readonly traceId: string
  readonly parentId: string
  readonly isSampled: boolean
}

/** The parts of a traceparent; null if it is none. A later version is read by the parts that version 00 has (3.2.4). */
export function parseTraceParent(text: string): TraceParent | null {
  if (text.length < 55 || text[2] !== '-' || text[35] !== '-' || text[52] !== '-') return null
  const version = text.slice(0, 2)
  if (!isHex(version) || version === 'ff') return null
  if (version === '00' ? text.length !== 55 : text.length > 55 && text[55] !== '-') return null
  const traceId = text.slice(3, 35)
  const parentId = text.slice(36, 52)
  const flags = text.slice(53, 55)
  if (!isHex(traceId) || !isHex(parentId) || !isHex(flags) || isZeros(traceId) || isZeros(parentId))
    return null
  return { traceId, parentId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 }
}

/** Whether a tracestate (several lines joined by commas) may be passed on. Empty members are fine, a key that comes twice is not. */
export function isTraceState(text: string): boolean {
  const keys = new Set<string>()
  for (const part of text.split(',')) {
    const member = part.replace(/^[ \t]+|[ \t]+$/g, '')
    if (member === '') continue
    const equals = member.indexOf('=')
    const key = member.slice(0, Math.max(0, equals))
    if (!KEY.test(key) || !VALUE.test(member.slice(equals + 1)) || keys.has(key)) return false
    keys.add(key)
    if (keys.size > MAX_MEMBERS) return false
  }
  return true
}

/** Lower-case hexadecimal digits, as the specification asks for. */
function isHex(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (!((c >= 0x30 && c <= 0x39) || (c >= 0x61 && c <= 0x66))) return false
  }
  return true
}

/** The trace of one request. A connection makes one when it needs it, and fills it anew for each request. */
export class Trace {
  /** '' = none. */
  traceId = ''
  /** What the endpoint gets as its parent: the client's, until an attempt has one of its own. */
  spanId = ''
  #isSampled = false
  /** Whether attempts get a traceparent of ours; what came is then withheld. */
  #isOurs = false

  /**
   * Reads what came, decides what goes on. Fields that are not valid, or not `isTrusted`, are from here on as if they had not come: a
   * traceparent that is no good takes its tracestate with it (3.3.1.1, 4.3).
   */
  begin(fields: HeadFields, settings: TracingSettings, isTrusted: boolean): void {
    const parent = isTrusted ? this.#readParent(fields) : null
    this.traceId = parent === null ? '' : parent.traceId
    this.spanId = parent === null ? '' : parent.parentId
    this.#isSampled = parent?.isSampled ?? false
    this.#isOurs = settings.mode === 'start'
    if (parent === null) setKind(fields, FIELD.TRACEPARENT, FIELD.SHADOW)
    else if (this.#isOurs) setKind(fields, FIELD.TRACEPARENT, FIELD.NOMINATED)
    if (parent === null || !isTraceState(fields.get('tracestate') ?? ''))
      setKind(fields, FIELD.TRACESTATE, FIELD.SHADOW)
    if (parent !== null || !this.#isOurs) return
    this.traceId = randomHex(16)
    this.#isSampled = settings.sampleRatio >= 1 || Math.random() < settings.sampleRatio
  }

  /** The line for an attempt, with its CRLF, under a span id of its own; '' where what came goes on as it is. */
  attemptLine(): string {
    if (!this.#isOurs) return ''
    this.spanId = randomHex(8)
    return `traceparent: 00-${this.traceId}-${this.spanId}-${this.#isSampled ? '01' : '00'}\r\n`
  }

  /** Several lines of traceparent are no valid one. */
  #readParent(fields: HeadFields): TraceParent | null {
    const line = fields.find('traceparent')
    if (line < 0 || fields.findFrom('traceparent', line + 1) >= 0) return null
    // one that Connection names is not sent on, so it begins nothing
    return fields.kind[line] === FIELD.TRACEPARENT ? parseTraceParent(fields.value(line)) : null
  }
}

function setKind(fields: HeadFields, from: number, to: number): void {
  for (let i = 0; i < fields.count; i++) if (fields.kind[i] === from) fields.kind[i] = to
}
