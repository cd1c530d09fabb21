/**
 * 64-bit hashes of byte strings (model/byte-string.ts) as the consistent hashes of Envoy use them, in 32-bit arithmetic: a big integer would
 * be an allocation for each step. WebAssembly is left out on purpose: growing its memory detaches an array buffer, and the engine then runs
 * every loop over typed arrays of the process with an extra check.
 */

/** Where a hash is put: two unsigned 32-bit halves. */
export interface Hash64 {
  high: number
  low: number
}

export type HashFunction = 'xxHash' | 'murmurHash2'

// The number at hand, as signed 32-bit halves. One thread, no re-entry: functions below read and write them.
let high = 0
let low = 0

/** low half, high half of the XXH64 primes (xxHash specification, section "XXH64"). */
const P1L = 0x85ebca87 | 0
const P1H = 0x9e3779b1 | 0
const P2L = 0x27d4eb4f | 0
const P2H = 0xc2b2ae3d | 0
const P3L = 0x9e3779f9 | 0
const P3H = 0x165667b1 | 0
const P4L = 0xc2b2ae63 | 0
const P4H = 0x85ebca77 | 0
const P5L = 0x165667c5 | 0
const P5H = 0x27d4eb2f | 0

/** Upper 32 bits of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const a0 = a & 0xffff
  const a1 = a >>> 16
  const b0 = b & 0xffff
  const b1 = b >>> 16
  const middle = a1 * b0 + ((a0 * b0) >>> 16)
  const cross = a0 * b1 + (middle & 0xffff)
  return (a1 * b1 + Math.floor(middle / 65_536) + Math.floor(cross / 65_536)) | 0
}

function multiply(byHigh: number, byLow: number): void {
  high = (multiplyHigh(low, byLow) + Math.imul(high, byLow) + Math.imul(low, byHigh)) | 0
  low = Math.imul(low, byLow)
}

function add(otherHigh: number, otherLow: number): void {
  const sum = (low >>> 0) + (otherLow >>> 0)
  high = (high + otherHigh + (sum > 0xffff_ffff ? 1 : 0)) | 0
  low = sum | 0
}

/** 0 < bits < 64, not 32. */
function rotateLeft(bits: number): void {
  if (bits > 32) {
    const swapped = high
    high = low
    low = swapped
    bits -= 32
  }
  const newHigh = (high << bits) | (low >>> (32 - bits))
  low = (low << bits) | (high >>> (32 - bits))
  high = newHigh
}

/** x ^= x >>> bits, 0 < bits < 64. */
function xorShifted(bits: number): void {
  if (bits >= 32) {
    low ^= high >>> (bits - 32)
    return
  }
  low ^= (low >>> bits) | (bits === 0 ? 0 : high << (32 - bits))
  high ^= high >>> bits
}

function word(text: string, at: number): number {
  return (
    text.charCodeAt(at) |
    (text.charCodeAt(at + 1) << 8) |
    (text.charCodeAt(at + 2) << 16) |
    (text.charCodeAt(at + 3) << 24)
  )
}

/** round(0, input) of XXH64: what each 8 bytes are stirred by. */
function stir(inputHigh: number, inputLow: number): void {
  high = inputHigh
  low = inputLow
  multiply(P2H, P2L)
  rotateLeft(31)
  multiply(P1H, P1L)
}

/** The four accumulators of inputs of 32 bytes and more: high, low, high, low … */
const lanes = new Int32Array(8)

function runLanes(text: string, seedHigh: number, seedLow: number): number {
  const starts = [P1H, P1L, P2H, P2L] as const
  high = seedHigh
  low = seedLow
  add(starts[0], starts[1])
  add(starts[2], starts[3])
  lanes[0] = high
  lanes[1] = low
  high = seedHigh
  low = seedLow
  add(P2H, P2L)
  lanes[2] = high
  lanes[3] = low
  lanes[4] = seedHigh
  lanes[5] = seedLow
  // seed - P1
  high = seedHigh
  low = seedLow
  add(~P1H, ~P1L)
  add(0, 1)
  lanes[6] = high
  lanes[7] = low
  let at = 0
  for (; at + 32 <= text.length; at += 32) {
    for (let lane = 0; lane < 4; lane++) {
      const from = at + lane * 8
      high = word(text, from + 4)
      low = word(text, from)
      multiply(P2H, P2L)
      add(lanes[lane * 2] as number, lanes[lane * 2 + 1] as number)
      rotateLeft(31)
      multiply(P1H, P1L)
      lanes[lane * 2] = high
      lanes[lane * 2 + 1] = low
    }
  }
  let sumHigh = 0
  let sumLow = 0
  for (let lane = 0; lane < 4; lane++) {
    high = lanes[lane * 2] as number
    low = lanes[lane * 2 + 1] as number
    rotateLeft(ROTATIONS[lane] as number)
    add(sumHigh, sumLow)
    sumHigh = high
    sumLow = low
  }
  for (let lane = 0; lane < 4; lane++) {
    stir(lanes[lane * 2] as number, lanes[lane * 2 + 1] as number)
    high ^= sumHigh
    low ^= sumLow
    multiply(P1H, P1L)
    add(P4H, P4L)
    sumHigh = high
    sumLow = low
  }
  return at
}
const ROTATIONS = [1, 7, 12, 18] as const

/** XXH64 with a seed below 2^32 (default 0). */
export function xxHash64(text: string, into: Hash64, seed = 0): void {
  const { length } = text
  let at = 0
  if (length >= 32) at = runLanes(text, 0, seed | 0)
  else {
    high = 0
    low = seed | 0
    add(P5H, P5L)
  }
  add(0, length)
  for (; at + 8 <= length; at += 8) {
    const sumHigh = high
    const sumLow = low
    stir(word(text, at + 4), word(text, at))
    high ^= sumHigh
    low ^= sumLow
    rotateLeft(27)
    multiply(P1H, P1L)
    add(P4H, P4L)
  }
  if (at + 4 <= length) {
    const sumHigh = high
    const sumLow = low
    high = 0
    low = word(text, at)
    multiply(P1H, P1L)
    high ^= sumHigh
    low ^= sumLow
    rotateLeft(23)
    multiply(P2H, P2L)
    add(P3H, P3L)
    at += 4
  }
  for (; at < length; at++) {
    const sumHigh = high
    const sumLow = low
    high = 0
    low = text.charCodeAt(at)
    multiply(P5H, P5L)
    high ^= sumHigh
    low ^= sumLow
    rotateLeft(11)
    multiply(P1H, P1L)
  }
  xorShifted(33)
  multiply(P2H, P2L)
  xorShifted(29)
  multiply(P3H, P3L)
  xorShifted(32)
  into.high = high >>> 0
  into.low = low >>> 0
}

/** The same as 16 hexadecimal digits. */
export function xxHash64Hex(text: string): string {
  const hash: Hash64 = { high: 0, low: 0 }
  xxHash64(text, hash)
  return hash.high.toString(16).padStart(8, '0') + hash.low.toString(16).padStart(8, '0')
}

const M_HIGH = 0xc6a4a793 | 0
const M_LOW = 0x5bd1e995 | 0
const MURMUR_SEED = 0xc70f6907 | 0

/** 64-bit Murmur2 in the form that libstdc++ hashes texts with: its multiplier, shift 47, seed 0xc70f6907, little-endian. */
export function murmurHash2(text: string, into: Hash64): void {
  const { length } = text
  let hashHigh = 0
  let hashLow = 0
  // seed ^ (length * multiplier)
  high = 0
  low = length
  multiply(M_HIGH, M_LOW)
  hashHigh = high
  hashLow = low ^ MURMUR_SEED
  let at = 0
  for (; at + 8 <= length; at += 8) {
    high = word(text, at + 4)
    low = word(text, at)
    multiply(M_HIGH, M_LOW)
    xorShifted(47)
    multiply(M_HIGH, M_LOW)
    high ^= hashHigh
    low ^= hashLow
    multiply(M_HIGH, M_LOW)
    hashHigh = high
    hashLow = low
  }
  high = hashHigh
  low = hashLow
  if (at < length) {
    for (let i = length - 1; i >= at; i--) {
      const shift = (i - at) * 8
      if (shift < 32) low ^= text.charCodeAt(i) << shift
      else high ^= text.charCodeAt(i) << (shift - 32)
    }
    multiply(M_HIGH, M_LOW)
  }
  xorShifted(47)
  multiply(M_HIGH, M_LOW)
  xorShifted(47)
  into.high = high >>> 0
  into.low = low >>> 0
}

/** By name. */
export function hashBy(name: HashFunction, text: string, into: Hash64): void {
  if (name === 'xxHash') xxHash64(text, into)
  else murmurHash2(text, into)
}
