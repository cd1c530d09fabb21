import { randomFillSync } from 'node:crypto'

/** Random bytes are drawn in bulk: a call for each id would cost more than the rest of a request's head. */
const pool = Buffer.alloc(8192)
let at = pool.length

/** Random bytes for use at once: their memory is drawn from again later. */
export function randomOctets(bytes: 16): Buffer {
  draw(bytes)
  return pool.subarray(at - bytes, at)
}

/** Those before `at` are used up. */
function draw(bytes: number): void {
  if (at + bytes > pool.length) {
    randomFillSync(pool)
    at = 0
  }
  at += bytes
}

/** So many random bytes as lower-case hexadecimal digits, never all zeros. */
export function randomHex(bytes: 8 | 16): string {
  draw(bytes)
  const text = pool.toString('hex', at - bytes, at)
  return isZeros(text) ? randomHex(bytes) : text
}

/** Whether an id is one of zeros, which W3C Trace Context calls invalid. */
export function isZeros(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== 0x30) return false
  return true
}
