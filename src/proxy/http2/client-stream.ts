import type { PoolSettings } from '../../model/upstream.ts'
import { clock } from '../clock.ts'
import type { Timed } from '../deadlines.ts'
import { mayStandInTrailer } from '../http1/field-kind.ts'
import { parseResponseHead } from '../http1/response-head.ts'
import type { Failure } from '../upstream/attempts.ts'
import type { AnswerReader } from '../upstream/connection.ts'
import type { UpstreamLink } from '../upstream/link.ts'
import type { EndpointPool } from '../upstream/pool.ts'
import type { ClientSession } from './client-session.ts'
import { type FieldLine, OF_CONNECTION, pseudoField, readFieldLine } from './field-line.ts'
import { CODE } from './frames.ts'
import type { Field, FieldSink } from './hpack-decoder.ts'
import { Stream } from './stream.ts'

/** Those of the head that is encoded at the moment. */
const lines: FieldLine[] = []
/** One request to an endpoint over HTTP/2, and its answer. */
export class ClientStream extends Stream implements UpstreamLink, FieldSink, Timed {
  deadlineMs = 0
  wheelTick = 0
  wheelAt = 0
  hasSent = false
  expectsUpgrade = false
  readonly session: ClientSession
  #reader: AnswerReader | null
  #readMs = 0
  #sendMs = 0
  #headDeadlineMs = 0
  #method = ''
  // ---- the answer ----
  #hasHead = false
  #isEnded = false
  #interim = 0
  #status = ''
  #lines = ''
  #bytes = 0
  #fields = 0
  #isMalformed = false
  #isTrailer = false
  #bodyLeft = -1

  constructor(session: ClientSession, reader: AnswerReader) {
    super()
    this.session = session
    this.#reader = reader
  }

  get pool(): EndpointPool {
    return this.session.pool
  }
  get address(): string {
    return this.session.address
  }
  get isConnecting(): boolean {
    return this.session.isConnecting
  }
  get isWaiting(): boolean {
    return this.queue.length > 0 || this.session.isWaiting
  }
  get isKeepable(): boolean {
    return true
  }

  // ================= the request =================

  /** The connection stands. */
  onConnected(): void {
    this.#reader?.onConnected()
  }

  send(
    head: string,
    body: string | null,
    method: string,
    sendMs: number,
    readMs: number,
    headDeadlineMs: number,
    nowMs: number,
  ): void {
    const { session } = this
    this.#method = method
    this.#sendMs = sendMs
    this.#readMs = readMs
    this.#headDeadlineMs = headDeadlineMs
    if (!session.begin(this)) return // it is told
    this.hasSent = true
    this.#encode(head, method)
    if (body === null) session.writeBlock(this, false)
    else {
      session.writeBlock(this, body === '')
      if (body !== '') {
        const bytes = Buffer.from(body, 'latin1')
        session.writeData(this, bytes, 0, bytes.length)
        session.writeEnd(this, '')
      }
    }
    this.#allow(nowMs, readMs)
  }

  #encode(head: string, method: string): void {
    const { encoder } = this.session
    encoder.begin()
    const begin = head.indexOf('\r\n')
    let host = ''
    lines.length = 0
    for (let from = begin + 2; from < head.length - 2; ) {
      const stop = head.indexOf('\r\n', from)
      const line = readFieldLine(head.slice(from, stop))
      if (line.name === 'host') host = line.value
      else if (!line.isOfConnection) lines.push(line)
      from = stop + 2
    }
    encoder.addLine(pseudoField(':method', method))
    encoder.addLine(pseudoField(':scheme', this.pool.identity.scheme))
    encoder.add(':path', head.slice(method.length + 1, begin - 9))
    encoder.addLine(pseudoField(':authority', host))
    for (const line of lines) encoder.addLine(line)
  }

  writePart(bytes: Buffer, _isChunked: boolean, nowMs: number): boolean {
    this.session.writeData(this, bytes, 0, bytes.length)
    const isFree = !this.session.holdsUp(this)
    this.#allow(nowMs, isFree ? this.#readMs : this.#sendMs)
    return isFree
  }

  endBody(_isChunked: boolean, trailers: string): void {
    this.session.writeEnd(this, trailers)
  }

  awaitBody(): void {
    if (!this.#hasHead && this.queue.length === 0) this.deadlineMs = 0
  }

  awaitAnswer(nowMs: number): void {
    this.#allow(nowMs, this.queue.length > 0 ? this.#sendMs : this.#readMs)
  }

  /** While the client holds it up, no deadline of the endpoint runs. */
  #allow(nowMs: number, ms: number): void {
    if (this.isPaused || this.#reader === null) return
    const deadline = nowMs + ms
    const isFirst = !this.#hasHead && this.#headDeadlineMs !== 0 && this.#headDeadlineMs < deadline
    this.session.deadlines.set(this, isFirst ? this.#headDeadlineMs : deadline)
  }

  /** Requests that change the protocol go over HTTP/1.1. */
  writeTunnel(): boolean {
    return true
  }
  endTunnel(): void {}

  onDrain(): void {
    this.#allow(clock.nowMs, this.#readMs)
    this.#reader?.onUpstreamDrain()
  }

  get hasUnsentHead(): boolean {
    return false
  }
  sendHead(): void {}

  // ================= the answer =================

  beginFields(): void {
    this.#isTrailer = this.#hasHead
    this.#status = ''
    this.#lines = ''
    this.#bytes = 0
    this.#fields = 0
    this.#isMalformed = false
  }

  onField(field: Field): void {
    const { limits, maxHeadBytes } = this.session
    this.#bytes += field.size
    this.#fields++
    if (this.#bytes > maxHeadBytes || this.#fields > limits.maxResponseFields) this.#isMalformed = true
    if (this.#isMalformed) return
    if (!field.isValid) this.#isMalformed = true
    else if (field.line === '') {
      if (field.name !== ':status' || this.#status !== '' || this.#isTrailer || this.#lines !== '')
        this.#isMalformed = true
      this.#status = field.value
    } else if (OF_CONNECTION.has(field.name)) this.#isMalformed = true
    else if (!this.#isTrailer || mayStandInTrailer(field.name)) this.#lines += field.line
  }

  /** The block is complete. */
  onFields(isEnd: boolean): void {
    const reader = this.#reader
    if (reader === null) return
    if (this.#isTrailer) {
      if (!isEnd || this.#isMalformed) return this.#break()
      return this.session.endAnswer(this, this.#lines)
    }
    if (this.#isMalformed || !/^[1-5]\d\d$/.test(this.#status))
      return this.#fail('badAnswer', CODE.PROTOCOL_ERROR)
    const { head, limits } = this.session
    head.reset()
    const text = `HTTP/1.1 ${this.#status} ${this.#status === '200' ? 'OK' : ''}\r\n${this.#lines}\r\n`
    if (parseResponseHead(head, text, 0, limits) <= 0) return this.#fail('badAnswer', CODE.PROTOCOL_ERROR)
    if (head.status < 200) {
      if (isEnd || head.status === 101 || ++this.#interim > limits.maxInterimAnswers)
        return this.#fail('badAnswer', CODE.PROTOCOL_ERROR)
      return reader.onAnswerHead(head)
    }
    this.#hasHead = true
    if (head.bodyKind(this.#method) !== 'none') {
      this.#bodyLeft = head.contentLength
      // an answer that ends with its head is empty, and says so; one of gRPC says it by its status
      if (isEnd && head.contentLength < 0 && head.fields.find('grpc-status') < 0) head.contentLength = 0
    }
    this.hasRemoteEnd = isEnd
    this.#allow(clock.nowMs, this.#readMs)
    reader.onAnswerHead(head)
    if (isEnd && this.#reader === reader) {
      if (this.#bodyLeft > 0) return this.#cut('UPSTREAM_CUT')
      this.session.endAnswer(this, '')
    }
  }

  onData(bytes: Buffer, from: number, to: number): void {
    const reader = this.#reader
    if (reader === null) return
    this.session.touch(this)
    if (!this.#hasHead) return this.#fail('badAnswer', CODE.PROTOCOL_ERROR)
    if (this.#bodyLeft >= 0) {
      this.#bodyLeft -= to - from
      if (this.#bodyLeft < 0) return this.#break()
    }
    this.#allow(clock.nowMs, this.#readMs)
    reader.onAnswerBody(bytes, from, to)
  }

  onRemoteEnd(trailers: string): void {
    const reader = this.#reader
    if (reader === null) return
    if (!this.#hasHead) return this.#fail('badAnswer', CODE.PROTOCOL_ERROR)
    if (this.#bodyLeft > 0) return this.#cut('UPSTREAM_CUT')
    this.#isEnded = true
    this.session.deadlines.forget(this)
    reader.onAnswerEnd(trailers)
  }

  /** Every byte of the read was handed over. */
  onTurn(): void {
    this.#reader?.onAnswerTurn()
  }

  textOf(): undefined {
    return undefined
  }

  pause(): void {
    if (this.isPaused) return
    this.session.pauseStream(this)
    this.deadlineMs = 0 // the client's own stall deadline runs now
  }

  resume(nowMs: number): void {
    if (!this.isPaused) return
    this.session.resumeStream(this)
    this.#allow(nowMs, this.#readMs)
  }

  // ================= the end =================

  /** The session lives on by itself. */
  release(settings: PoolSettings): void {
    this.#reader = null
    this.session.rest(settings)
  }

  close(): void {
    this.#reader = null
    this.session.deadlines.forget(this)
    this.session.abandon(this, this.#isEnded ? CODE.NO_ERROR : CODE.CANCEL)
  }

  /** The endpoint gave it up, or its connection is gone. */
  onReset(code: number): void {
    if (code === CODE.REFUSED_STREAM) return this.#tellFailed('refused')
    if (this.#hasHead) return this.#tellCut()
    this.#tellFailed('closed')
  }

  /** What became of it when the connection ended. */
  onLost(failure: Failure, error: NodeJS.ErrnoException | null): void {
    if (this.#hasHead) this.#tellCut()
    else this.#tellFailed(failure, error)
  }

  #tellFailed(failure: Failure, error: NodeJS.ErrnoException | null = null): void {
    const reader = this.#reader
    this.#reader = null
    this.session.deadlines.forget(this)
    reader?.onAttemptFailed(failure, error)
  }

  #tellCut(): void {
    const reader = this.#reader
    this.#reader = null
    this.session.deadlines.forget(this)
    reader?.onAnswerCut('UPSTREAM_CUT')
  }

  /** An answer that cannot be relayed. */
  #fail(failure: Failure, code: (typeof CODE)['PROTOCOL_ERROR'] | (typeof CODE)['CANCEL']): void {
    const reader = this.#reader
    this.#reader = null
    this.session.deadlines.forget(this)
    this.session.abandon(this, code)
    reader?.onAttemptFailed(failure, null)
  }

  #break(): void {
    if (this.#hasHead) this.#cut('UPSTREAM_CUT')
    else this.#fail('badAnswer', CODE.PROTOCOL_ERROR)
  }

  #cut(code: 'UPSTREAM_CUT' | 'UPSTREAM_BODY_TIMEOUT'): void {
    const reader = this.#reader
    this.#reader = null
    this.session.deadlines.forget(this)
    this.session.abandon(this, CODE.CANCEL)
    reader?.onAnswerCut(code)
  }

  expire(): void {
    this.session.noteSilence()
    if (this.#hasHead) return this.#cut('UPSTREAM_BODY_TIMEOUT')
    this.#fail(this.queue.length > 0 ? 'sendTimeout' : 'headTimeout', CODE.CANCEL)
  }
}
