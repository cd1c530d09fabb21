/** By byte: what it does to the rest. Polynomial 0xedb88320, reflected, as in nginx and zlib. */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

/** CRC-32 of a byte string, unsigned; behind others where `before` is theirs. */
export function crc32(text: string, before = 0): number {
  let value = ~before
  for (let i = 0; i < text.length; i++) {
    value = (TABLE[(value ^ text.charCodeAt(i)) & 0xff] as number) ^ (value >>> 8)
  }
  return ~value >>> 0
}

/** The same with the four bytes of a number behind it, the least first. */
export function crc32OfNumber(number: number, before: number): number {
  let value = ~before
  for (let shift = 0; shift < 32; shift += 8) {
    value = (TABLE[(value ^ (number >>> shift)) & 0xff] as number) ^ (value >>> 8)
  }
  return ~value >>> 0
}
