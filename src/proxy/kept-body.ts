import type { Plane } from './plane.ts'

/** So many parts are merged into one, so that small ones cost no more than their bytes. */
const MOST_PARTS = 1024
/** A piece of a body up to this size is copied to its neighbours. */
export const SMALL_PIECE = 256
/**
 * What small pieces are copied into, those of one body behind those of another, so that a message of some bytes costs no memory of its own (16 KiB for
 * each made the garbage collector run all the time). Kept pieces hold on to it: a larger one would hold more than they are worth.
 */
const SLAB_BYTES = 16_384
let slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
let slabBytes = 0
/** Whose last piece ends at `slabBytes`: that one alone can go on there. */
let gatherer: KeptBody | null = null

/**
 * What has come of a request's body and is still needed: not sent yet, or kept for another attempt within the replay limits. One serves all
 * requests of a connection, one after the other. Large pieces stay where they were read (`sharesInput`), small ones are copied together.
 */
export class KeptBody {
  /** Bytes kept, those that are being gathered included. */
  bytes = 0
  /** Whether everything that came is still here, so that another attempt can send it again. */
  isWhole = true
  /** Whether a part lies in the buffer that the client's last bytes came in; the reader sets it to false with each new buffer. */
  sharesInput = false
  /** A body of up to so many bytes is kept whole, whatever `replayBytes` says; the limit for all requests holds. */
  keptBytes = 0
  /** In place of `replayBytes`; -1: that holds. */
  ownReplayBytes = -1
  readonly #plane: Plane
  #parts: Buffer[] = []
  /** Parts handed to the attempt at hand. */
  #sent = 0
  /** Small pieces of the read at hand, not a part yet: so many bytes, which end at `#gatheredEnd` of the slab. */
  #gathered: Buffer | null = null
  #gatheredEnd = 0
  #gatheredBytes = 0

  constructor(plane: Plane) {
    this.#plane = plane
  }

  add(bytes: Buffer, from: number, to: number): void {
    if (to - from <= SMALL_PIECE) this.#gather(bytes, from, to)
    else {
      this.closePart()
      this.#parts.push(bytes.subarray(from, to))
      this.sharesInput = true
    }
    this.bytes += to - from
    this.#plane.replayBytes += to - from
    if (this.#parts.length > MOST_PARTS) this.#merge()
  }

  #gather(bytes: Buffer, from: number, to: number): void {
    if (gatherer !== this || slabBytes + to - from > SLAB_BYTES) {
      this.closePart()
      if (slabBytes + to - from > SLAB_BYTES) {
        slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
        slabBytes = 0
      }
      gatherer = this
      this.#gathered = slab
    }
    const gathered = slab
    for (let i = from; i < to; i++) gathered[slabBytes++] = bytes[i] as number
    this.#gatheredEnd = slabBytes
    this.#gatheredBytes += to - from
  }

  /** What was gathered becomes a part. Called at the end of each read, before anything is sent. */
  closePart(): void {
    if (this.#gathered === null) return
    const end = this.#gatheredEnd
    this.#parts.push(this.#gathered.subarray(end - this.#gatheredBytes, end))
    this.#dropGathered()
  }

  #dropGathered(): void {
    this.#gathered = null
    this.#gatheredBytes = 0
    if (gatherer === this) gatherer = null
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0
  }

  get hasUnsent(): boolean {
    return this.#sent < this.#parts.length
  }

  /** All that was not sent in this attempt, as one piece; call it only while `hasUnsent`. */
  takeUnsent(): Buffer {
    // however small the client's chunks are, what a read brought goes on as one
    if (this.#parts.length - this.#sent > 1) this.#merge()
    return this.#parts[this.#sent++] as Buffer
  }

  /** A new attempt sends everything from the start. */
  rewind(): void {
    this.#sent = 0
  }

  /** The body so far as a byte string. */
  toText(): string {
    return Buffer.concat(this.#parts).toString('latin1')
  }

  /** Lets go of parts that are sent and over the limits of replay. */
  trim(): void {
    const { limits } = this.#plane.options.settings
    const replayBytes = this.ownReplayBytes < 0 ? limits.replayBytes : this.ownReplayBytes
    const isWithin =
      this.isWhole &&
      this.bytes <= Math.max(replayBytes, this.keptBytes) &&
      this.#plane.replayBytes <= limits.replayTotalBytes * this.#plane.options.share
    if (isWithin || this.hasUnsent) return
    this.isWhole = false
    this.#release()
  }

  /** No other attempt will be made: nothing is kept once it is sent. */
  commit(): void {
    this.isWhole = false
    if (!this.hasUnsent && this.#gathered === null) this.#release()
  }

  /** Ready for the next request. */
  reset(): void {
    this.isWhole = true
    this.sharesInput = false
    this.keptBytes = 0
    this.ownReplayBytes = -1
    if (this.bytes > 0 || this.#parts.length > 0) this.#release()
    this.#dropGathered()
  }

  #release(): void {
    this.#plane.replayBytes -= this.bytes
    this.bytes = 0
    this.#parts = []
    this.#sent = 0
  }

  #merge(): void {
    const sent = this.#parts.splice(0, this.#sent)
    const unsent = this.#parts
    this.#parts = []
    if (sent.length > 0) this.#parts.push(sent.length === 1 ? (sent[0] as Buffer) : Buffer.concat(sent))
    this.#sent = this.#parts.length
    if (unsent.length > 0) this.#parts.push(Buffer.concat(unsent))
  }
}
