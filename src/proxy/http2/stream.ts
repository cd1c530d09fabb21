import { DEFAULT_WINDOW } from './frames.ts'

/** One stream as its session sees it: windows, and what waits to be sent. */
export abstract class Stream {
  id = 0
  /** Bytes that the other side lets us send; below 0 after it made its window smaller. */
  sendWindow = DEFAULT_WINDOW
  /** Bytes that the other side may still send. */
  receiveWindow = 0
  /** Bytes that came and were used, of which the other side does not know yet. */
  unacknowledged = 0
  /** Bytes that came while reading was paused. */
  withheld = 0
  isPaused = false
  /** Nothing more comes, nothing more goes. */
  hasRemoteEnd = false
  hasLocalEnd = false
  /** Parts of the body for which there was no window. */
  queue: Buffer[] = []
  /** The end, and trailers (lines), wait behind them; null: the end has not come yet. */
  pendingEnd: string | null = null
  /** Where the last frame of data of the stream stands, as long as it was not written: its flags can still change. */
  lastDataOut: Buffer | null = null
  lastDataFlagsAt = 0
  /** Whoever writes was told to stop. */
  isHeldUp = false

  /** All that waited is with the system: whoever writes may go on. */
  abstract onDrain(): void
  /** A head waits to be sent before anything else. */
  abstract sendHead(isEnd: boolean): void
  abstract readonly hasUnsentHead: boolean
  /** Bytes of the body; valid during the call only. */
  abstract onData(bytes: Buffer, from: number, to: number): void
  /** The other side sends nothing more. */
  abstract onRemoteEnd(trailers: string): void
  /** The other side gave the stream up, or the session did. */
  abstract onReset(code: number): void

  protected resetStream(id: number, sendWindow: number, receiveWindow: number): void {
    this.id = id
    this.sendWindow = sendWindow
    this.receiveWindow = receiveWindow
    this.unacknowledged = 0
    this.withheld = 0
    this.isPaused = false
    this.hasRemoteEnd = false
    this.hasLocalEnd = false
    if (this.queue.length > 0) this.queue = []
    this.pendingEnd = null
    this.lastDataOut = null
    this.isHeldUp = false
  }
}
