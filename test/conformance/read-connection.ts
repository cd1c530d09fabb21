import { DEFAULT_SETTINGS } from '../../src/model/defaults.ts'
import { ERROR_CODES } from '../../src/model/error-codes.ts'
import { ChunkedDecoder, type ChunkSink } from '../../src/proxy/http1/chunked-decoder.ts'
import { FIELD, type HeadFields } from '../../src/proxy/http1/head-fields.ts'
import { parseRequestHead, RequestHead } from '../../src/proxy/http1/request-head.ts'
import { parseResponseHead, ResponseHead } from '../../src/proxy/http1/response-head.ts'
import { resolveTarget } from '../../src/proxy/http1/target.ts'
import { appendFields, skipKinds } from '../../src/proxy/http1/write-fields.ts'

/** A message as the codec read it; plain data, so that two readings can be compared. */
export interface ReadMessage {
  readonly line: string
  readonly host: string
  readonly fields: readonly (readonly [name: string, value: string, kind: number])[]
  /** The field lines that would be forwarded, as they would be written. */
  readonly forwarded: string
  readonly framing: string
  readonly keepAlive: boolean
  body: string
  trailers: string | null
  isComplete: boolean
}

export interface ReadConnection {
  readonly messages: readonly ReadMessage[]
  /** `open`: more could come between messages; `closed`: the last message ended the connection; else cut or an error. */
  readonly end: 'open' | 'closed' | 'cut' | { readonly error: string; readonly status: number }
  /** Bytes that no message took; '' after an error. */
  readonly rest: string
}

const { limits } = DEFAULT_SETTINGS

/** Kinds of fields that never reach a backend as they came. */
export const NEVER_FORWARDED: ReadonlySet<number> = new Set([
  FIELD.CONNECTION,
  FIELD.KEEP_ALIVE,
  FIELD.PROXY_CONNECTION,
  FIELD.PROXY_AUTHORIZATION,
  FIELD.TE,
  FIELD.TRAILER,
  FIELD.UPGRADE,
  FIELD.HTTP2_SETTINGS,
  FIELD.NOMINATED,
  FIELD.SHADOW,
])

/** What a forwarder leaves out: those, and the fields it writes itself. */
const SKIP = skipKinds(...NEVER_FORWARDED, FIELD.HOST, FIELD.CONTENT_LENGTH, FIELD.TRANSFER_ENCODING)

/** Gathers one connection's bytes piece by piece, the way a connection must. */
abstract class Reader {
  readonly messages: ReadMessage[] = []
  error: string | null = null
  isClosed = false
  #text = ''
  #bodyLeft = 0
  #isInChunks = false
  readonly #decoder = new ChunkedDecoder()
  readonly #sink: ChunkSink

  constructor() {
    this.#sink = {
      onData: (input, from, to) => {
        this.last().body += input.toString('latin1', from, to)
      },
      onTrailers: (text, fields) => {
        this.last().trailers = `${text}|${[...fields.kind.slice(0, fields.count)].join()}`
      },
    }
  }

  last(): ReadMessage {
    const message = this.messages.at(-1)
    if (message === undefined) throw new Error('no message yet')
    return message
  }

  /** Reads a head at the start of the text; the index behind it, 0 or -1. `body`: bytes to come, -1 chunked, -2 until the end. */
  protected abstract readHead(text: string): number
  protected bodyLength = 0
  protected abstract resetHead(): void

  feed(piece: string): void {
    this.#text += piece
    while (this.error === null && !this.isClosed) {
      if (this.#isInChunks) {
        const input = Buffer.from(this.#text, 'latin1')
        const end = this.#decoder.decode(input, 0, input.length, this.#sink)
        this.#text = this.#text.slice(end)
        if (this.#decoder.failed) this.error = this.#decoder.error
        if (!this.#decoder.done) return
        this.#isInChunks = false
        this.#endMessage()
      } else if (this.#bodyLeft > 0) {
        if (this.#text === '') return
        const taken = this.#text.slice(0, this.#bodyLeft)
        this.last().body += taken
        this.#text = this.#text.slice(taken.length)
        this.#bodyLeft -= taken.length
        if (this.#bodyLeft > 0) return
        this.#endMessage()
      } else {
        if (this.#text === '') return
        const end = this.readHead(this.#text)
        if (end <= 0) return
        this.#text = this.#text.slice(end)
        if (this.bodyLength === -1) {
          this.#decoder.reset(limits)
          this.#isInChunks = true
        } else if (this.bodyLength === -2) {
          this.#bodyLeft = Number.POSITIVE_INFINITY
        } else {
          this.#bodyLeft = this.bodyLength
          if (this.#bodyLeft === 0) this.#endMessage()
        }
      }
    }
  }

  #endMessage(): void {
    const message = this.last()
    message.isComplete = true
    if (!message.keepAlive) this.isClosed = true
    this.resetHead()
  }

  finish(): ReadConnection {
    const { messages, error } = this
    const rest = error === null ? this.#text : ''
    if (error !== null) {
      return { messages, rest, end: { error, status: ERROR_CODES[error as keyof typeof ERROR_CODES].status } }
    }
    if (this.#bodyLeft === Number.POSITIVE_INFINITY) this.last().isComplete = true
    if (this.isClosed) return { messages, rest, end: 'closed' }
    const isWhole = messages.at(-1)?.isComplete !== false
    return { messages, rest, end: isWhole && rest === '' ? 'open' : 'cut' }
  }
}

function fieldsOf(fields: HeadFields): ReadMessage['fields'] {
  return Array.from(
    { length: fields.count },
    (_, i) => [fields.name(i), fields.value(i), fields.kind[i] ?? -1] as const,
  )
}

class RequestReader extends Reader {
  readonly #head = new RequestHead(limits.maxFields)

  protected override readHead(text: string): number {
    const head = this.#head
    const end = parseRequestHead(head, text, 0, limits)
    if (end < 0) this.error = head.error
    if (end <= 0) return end
    if (!head.isAsterisk && !resolveTarget(head.target, { path: '', query: null })) {
      this.error = 'BAD_TARGET'
      return -1
    }
    this.messages.push({
      line: `${head.method} ${head.target} 1.${head.minorVersion}${head.isAsterisk ? ' own' : ''}`,
      host: head.hostField,
      fields: fieldsOf(head.fields),
      forwarded: appendFields(head.fields, SKIP),
      framing: `${head.contentLength} ${head.chunked} ${head.expectsContinue} ${head.teTrailers} ${head.trailerAllowed} ${head.upgrade}`,
      keepAlive: head.keepAlive,
      body: '',
      trailers: null,
      isComplete: false,
    })
    this.bodyLength = head.chunked ? -1 : Math.max(0, head.contentLength)
    return end
  }

  protected override resetHead(): void {
    this.#head.reset()
  }
}

class AnswerReader extends Reader {
  readonly #head = new ResponseHead(limits.maxResponseFields)
  readonly #method: string

  constructor(method: string) {
    super()
    this.#method = method
  }

  protected override readHead(text: string): number {
    const head = this.#head
    const end = parseResponseHead(head, text, 0, limits)
    if (end < 0) this.error = head.error
    if (end <= 0) return end
    const kind = head.bodyKind(this.#method)
    this.messages.push({
      line: `1.${head.minorVersion} ${head.status} ${head.reason}`,
      host: '',
      fields: fieldsOf(head.fields),
      forwarded: appendFields(head.fields, SKIP),
      framing: `${head.contentLength} ${head.chunked} ${kind} ${head.upgrade}`,
      keepAlive: head.keepAlive && kind !== 'untilClose',
      body: '',
      trailers: null,
      isComplete: false,
    })
    this.bodyLength =
      kind === 'chunked' ? -1 : kind === 'untilClose' ? -2 : kind === 'none' ? 0 : head.contentLength
    return end
  }

  protected override resetHead(): void {
    this.#head.reset()
  }
}

/** Reads a client's bytes, given in pieces that end at the places in `cuts`. */
export function readRequests(text: string, cuts: Iterable<number> = []): ReadConnection {
  return feedAll(new RequestReader(), text, cuts)
}

/** Reads a backend's bytes in answer to requests with `method`. */
export function readAnswers(text: string, method: string, cuts: Iterable<number> = []): ReadConnection {
  return feedAll(new AnswerReader(method), text, cuts)
}

function feedAll(reader: Reader, text: string, cuts: Iterable<number>): ReadConnection {
  let from = 0
  for (const to of cuts) {
    reader.feed(text.slice(from, to))
    from = to
  }
  reader.feed(text.slice(from))
  return reader.finish()
}

/** Cuts behind every byte. */
export function* everyByte(text: string): Generator<number> {
  for (let i = 1; i < text.length; i++) yield i
}
