import { close, fstatSync, open, openSync, write } from 'node:fs'
import { GatewayError } from '../model/gateway-error.ts'

export interface LineWriterOptions {
  /** Bytes that may wait, those being written included. A line over it is dropped and counted. Default 4 MiB. */
  readonly maxWaitingBytes?: number
  /** Longest time a line waits before it is written. Milliseconds, default 1000. */
  readonly flushMs?: number
  /** How long `close` goes on trying, e.g. against a pipe that nobody reads. Milliseconds, default 2000. */
  readonly closeMs?: number
  /** Lines lost: no room, or the write failed. */
  readonly onDrop?: (lines: number) => void
  /** The first failed write of a row of failures; the lines concerned are dropped. */
  readonly onFault?: (error: Error) => void
}

/** A write begins when so much waits. Bytes. */
const FILE_BLOCK = 65_536
/** Writes to a pipe up to PIPE_BUF arrive in one piece (POSIX), so that lines of several workers do not mix. Bytes. */
const PIPE_BLOCK = 4096
/** A pipe that is full is asked again after this. Milliseconds. */
const BUSY_MS = 50

/**
 * Appends lines to a file or to standard output without ever making the caller wait: lines collect in memory, one write is under way at
 * a time, in the thread pool, and what finds no room is dropped and counted. Each write ends at a line's end, and files are opened with
 * O_APPEND, so several threads may share one file. Texts are byte strings.
 *
 * States: idle (nothing waits) → waiting (timer set) → writing → idle or writing again; reopening waits for the write under way.
 */
export class LineWriter {
  /** Lines lost since the start. */
  dropped = 0
  readonly #path: string
  readonly #options: LineWriterOptions
  readonly #maxWaiting: number
  #fd: number
  #block: number
  #waiting = ''
  #waitingLines = 0
  /** Bytes of the write under way; 0 = none. */
  #writing = 0
  #timer: NodeJS.Timeout | null = null
  #isClosed = false
  #isReopening = false
  #wantsReopen = false
  #isFailing = false
  /** The last write stopped inside a line: the next one starts on a new one. */
  #isTorn = false
  #onIdle: (() => void) | null = null

  /** `path`: a file, or `-` for standard output. Throws BAD_SETTING if the file cannot be opened. */
  constructor(path: string, options: LineWriterOptions = {}) {
    this.#path = path
    this.#options = options
    this.#maxWaiting = options.maxWaitingBytes ?? 4 * 1_048_576
    try {
      this.#fd = path === '-' ? 1 : openSync(path, 'a', 0o640)
    } catch (error) {
      throw new GatewayError('BAD_SETTING', `cannot write the log ${path}: ${describe(error)}`, {
        cause: error,
      })
    }
    this.#block = blockOf(this.#fd)
  }

  /** Takes one line, its newline included. */
  write(line: string): void {
    if (this.#isClosed || this.#waiting.length + this.#writing + line.length > this.#maxWaiting) {
      this.#drop(1)
      return
    }
    this.#waiting += line
    this.#waitingLines++
    if (this.#waiting.length >= this.#block) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), this.#options.flushMs ?? 1000).unref()
  }

  /** Starts to write what waits, if no write is under way (else that happens at its end). */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#writing > 0 || this.#isReopening) return
    if (this.#wantsReopen) this.#startReopen()
    else if (this.#waiting !== '') this.#startWrite()
    else this.#settle()
  }

  /** Opens the file anew under its name, for log rotation: lines taken before go to the old file or the new one, none is lost. */
  reopen(): void {
    if (this.#path === '-' || this.#isClosed) return
    this.#wantsReopen = true
    this.flush()
  }

  /** Takes no more lines; resolves when all are written and the file is closed, or after `closeMs`. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    let deadline: NodeJS.Timeout | undefined
    await Promise.race([
      new Promise<void>((resolve) => {
        this.#onIdle = resolve
        this.flush()
      }),
      new Promise<void>((resolve) => {
        deadline = setTimeout(resolve, this.#options.closeMs ?? 2000)
      }),
    ])
    clearTimeout(deadline)
    if (this.#waitingLines > 0) this.#drop(this.#waitingLines)
    if (this.#fd !== 1 && this.#writing === 0) await new Promise((resolve) => close(this.#fd, resolve))
  }

  #startWrite(): void {
    let text = this.#waiting
    let lines = this.#waitingLines
    if (this.#block === PIPE_BLOCK && text.length > PIPE_BLOCK) {
      const cut = text.lastIndexOf('\n', PIPE_BLOCK - 1)
      // A single line over PIPE_BLOCK goes out alone, and may meet others.
      const end = cut < 0 ? text.indexOf('\n') + 1 : cut + 1
      this.#waiting = text.slice(end)
      text = text.slice(0, end)
      lines = countLines(text)
    } else this.#waiting = ''
    this.#waitingLines -= lines
    if (this.#isTorn) text = `\n${text}`
    this.#isTorn = false
    const bytes = Buffer.from(text, 'latin1')
    this.#writing = bytes.length
    this.#writeRest(bytes, 0)
  }

  #writeRest(bytes: Buffer, from: number): void {
    write(this.#fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (error === null) {
        const next = from + written
        if (next < bytes.length) return this.#writeRest(bytes, next)
        this.#isFailing = false
        return this.#finishWrite()
      }
      if (error.code === 'EAGAIN') {
        setTimeout(() => this.#writeRest(bytes, from), BUSY_MS).unref()
        return
      }
      this.#isTorn = from > 0 && bytes[from - 1] !== 0x0a
      this.#drop(countLines(bytes.toString('latin1', from)))
      if (!this.#isFailing) this.#options.onFault?.(error)
      this.#isFailing = true
      this.#finishWrite()
    })
  }

  #finishWrite(): void {
    this.#writing = 0
    const isDue = this.#waiting.length >= this.#block || this.#isClosed || this.#wantsReopen
    if (isDue) this.flush()
    else if (this.#waiting === '') this.#settle()
    else this.#timer ??= setTimeout(() => this.flush(), this.#options.flushMs ?? 1000).unref()
  }

  #startReopen(): void {
    this.#wantsReopen = false
    this.#isReopening = true
    open(this.#path, 'a', 0o640, (error, fd) => {
      this.#isReopening = false
      if (error === null) {
        // Errors of closing the old file concern lines that the system took already.
        close(this.#fd, () => {})
        this.#fd = fd
        this.#block = blockOf(fd)
        this.#isTorn = false
      } else this.#options.onFault?.(error)
      this.flush()
    })
  }

  #settle(): void {
    this.#onIdle?.()
    this.#onIdle = null
  }

  #drop(lines: number): void {
    this.dropped += lines
    this.#options.onDrop?.(lines)
  }
}

function blockOf(fd: number): number {
  try {
    return fstatSync(fd).isFile() ? FILE_BLOCK : PIPE_BLOCK
  } catch {
    // A closed standard output: each write will say so.
    return PIPE_BLOCK
  }
}

function countLines(text: string): number {
  let lines = 0
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) lines++
  return lines
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
