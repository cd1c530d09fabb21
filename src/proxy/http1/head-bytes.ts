/**
 * The bytes that heads are scanned in. An element of a Uint8Array costs half as much as charCodeAt, and four bytes at a time as an Int32
 * less still, so scans work on one of two arrays whose words are known, or on any other array byte by byte.
 */

/**
 * All plain sockets of this worker read into this buffer, clients and endpoints alike: a read callback never runs inside another, and what
 * stays small stays in the processor's nearest cache. Valid inside one read callback only: what leaves it is text or a copy.
 */
export const READ_BUFFER: Buffer = Buffer.allocUnsafeSlow(65_536)
const READ_WORDS = wordsIn(READ_BUFFER)

let scratch = Buffer.allocUnsafeSlow(65_536)
let scratchWords = wordsIn(scratch)
const NO_WORDS = new Int32Array(0)

/**
 * The bytes of `text[from, end)` at the same indexes. The copy costs less than a tenth of the scan (bench/micro/request-head.bench.ts). The
 * array is the module's own and good until the next call; scans are synchronous, so nothing comes between. `text` must be a byte string.
 */
export function headBytes(text: string, from: number, end: number): Uint8Array {
  if (scratch.length < end) {
    scratch = Buffer.allocUnsafeSlow((2 * end + 3) & ~3)
    scratchWords = wordsIn(scratch)
  }
  scratch.write(from === 0 ? text : text.slice(from), from, end - from, 'latin1')
  return scratch
}

/** The same bytes four at a time; empty where they are not known, and then the scan goes byte by byte. */
export function headWords(bytes: Uint8Array): Int32Array {
  if (bytes === READ_BUFFER) return READ_WORDS
  return bytes === scratch ? scratchWords : NO_WORDS
}

function wordsIn(buffer: Buffer): Int32Array {
  return new Int32Array(buffer.buffer, buffer.byteOffset, buffer.length >> 2)
}
