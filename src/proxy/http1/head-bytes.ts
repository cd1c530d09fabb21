/**
 * All plain sockets of this worker read into this buffer, clients and endpoints alike: a read callback never runs inside another, and what
 * stays small stays in the processor's nearest cache. Valid inside one read callback only: what leaves it is text or a copy.
 */
export const READ_BUFFER: Buffer = Buffer.allocUnsafeSlow(131_072)

let scratch = Buffer.allocUnsafeSlow(131_072)

/**
 * The bytes of `text[from, end)` at the same indexes, for scanning: an element of a Uint8Array costs half as much as charCodeAt. The copy costs less than a tenth of the scan (bench/micro/request-head.bench.ts). The
 * array is the module's own and good until the next call; scans are synchronous, so nothing comes between. `text` must be a byte string.
 */
export function headBytes(text: string, from: number, end: number): Uint8Array {
  if (scratch.length < end) {
    scratch = Buffer.allocUnsafeSlow(2 * end)
  }
  scratch.write(from === 0 ? text : text.slice(from), from, end - from, 'latin1')
  return scratch
}
